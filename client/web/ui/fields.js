// The pages of the document and the fields on them. Numbers are in units of the page as displayed.
import { el, say, t } from './base.js';
import * as pdfjs from './vendor/pdfjs/pdf.min.mjs';

pdfjs.GlobalWorkerOptions.workerSrc = './vendor/pdfjs/pdf.worker.min.mjs';
const WIDTH = { signature: 3, date: 5, name: 6, email: 8, phone: 6 };
const round = (value) => Math.round(value * 100) / 100;

/** Keeps a field on its page. */
export function fit(field, page) {
  const width = WIDTH[field.type];
  field.height = round(Math.min(Math.max(field.height, 6), page.height, page.width / width));
  field.x = round(Math.min(Math.max(field.x, 0), page.width - field.height * width));
  field.y = round(Math.min(Math.max(field.y, 0), page.height - field.height));
}

/** Renders the pages; `state` has signers and `pick()` gives what a click places. */
export async function showPages(place, blob, pages, state) {
  const data = new Uint8Array(await blob.arrayBuffer());
  const shown = await pdfjs.getDocument({ data, isEvalSupported: false, enableXfa: false,
    useWasm: false, disableAutoFetch: true }).promise;
  const boxes = [];
  for (const [index, page] of pages.entries()) {
    const canvas = el('canvas', { role: 'img', 'aria-label': t('pageN', { n: index + 1 }) });
    const box = el('div', { className: 'page' }, canvas);
    box.style.aspectRatio = `${page.width} / ${page.height}`;
    canvas.addEventListener('click', (event) => {
      const scale = page.width / canvas.clientWidth;
      add(state, index, event.offsetX * scale, event.offsetY * scale);
    });
    place.append(box);
    boxes.push(box);
    const source = await shown.getPage(index + 1);
    const unit = source.getViewport({ scale: 1 });
    const viewport = source.getViewport({ scale: Math.min(1.6, 1600 / unit.width) });
    canvas.width = viewport.width;
    canvas.height = viewport.height;
    await source.render({ canvas, viewport }).promise;
  }
  state.boxes = boxes;
  state.pages = pages;
  draw(state);
}

/** Places a field of the chosen type for the chosen signer. */
export function add(state, page, x, y) {
  const { signer, type } = state.pick();
  if (!state.signers[signer]) return;
  const field = { type, page, x, y, height: type === 'signature' ? 40 : 14 };
  fit(field, state.pages[page]);
  state.signers[signer].fields.push(field);
  draw(state, field);
}

export function draw(state, focus) {
  if (!state.boxes) return;
  for (const box of state.boxes) for (const old of box.querySelectorAll('.mark')) old.remove();
  state.signers.forEach((signer, number) => {
    for (const field of signer.fields) {
      const made = mark(state, signer, number, field);
      state.boxes[field.page].append(made);
      if (field === focus) made.focus();
    }
  });
}

function mark(state, signer, number, field) {
  const page = state.pages[field.page];
  const label = `${number + 1} ${t(field.type)}`;
  const made = el('button', { type: 'button', className: `mark s${number % 5}` }, label);
  const place = () => {
    fit(field, page);
    made.style.left = `${field.x / page.width * 100}%`;
    made.style.top = `${field.y / page.height * 100}%`;
    made.style.width = `${field.height * WIDTH[field.type] / page.width * 100}%`;
    made.style.height = `${field.height / page.height * 100}%`;
    made.setAttribute('aria-label', t('fieldAt', { label, page: field.page + 1, x: field.x,
      y: field.y, height: field.height }));
  };
  made.addEventListener('keydown', (event) => {
    const step = event.shiftKey ? 10 : 1;
    const moves = { ArrowLeft: ['x', -step], ArrowRight: ['x', step], ArrowUp: ['y', -step],
      ArrowDown: ['y', step], '+': ['height', 1], '-': ['height', -1] };
    if (event.key === 'Delete') {
      signer.fields.splice(signer.fields.indexOf(field), 1);
      draw(state);
      say(t('removed'));
      document.getElementById('main').focus();
    } else if (moves[event.key]) {
      field[moves[event.key][0]] += moves[event.key][1];
      place();
    } else return;
    event.preventDefault();
  });
  made.addEventListener('pointerdown', (event) => {
    const scale = page.width / state.boxes[field.page].clientWidth;
    const from = { x: field.x, y: field.y, left: event.clientX, top: event.clientY };
    made.setPointerCapture(event.pointerId);
    made.onpointermove = (now) => {
      field.x = from.x + (now.clientX - from.left) * scale;
      field.y = from.y + (now.clientY - from.top) * scale;
      place();
    };
    made.onpointerup = made.onpointercancel = () => { made.onpointermove = null; };
  });
  place();
  return made;
}
