// What every view needs: elements, the loopback calls, texts.
const STORE = 'letsesign-token';
let token = '';
let texts = {};

/** Takes the token out of the address and the history before anything else runs. */
export function takeToken() {
  const found = /^#token=([\w-]+)$/.exec(location.hash);
  if (found) {
    sessionStorage.setItem(STORE, found[1]);
    history.replaceState(null, '', `${location.pathname}#send`);
  }
  token = sessionStorage.getItem(STORE) ?? '';
  return token !== '';
}

/** A call to the program; throws an Error whose message is for the sender. */
export async function call(method, path, body, type = 'application/json') {
  const headers = { 'X-Letsesign-Token': token };
  if (body !== undefined) headers['Content-Type'] = type;
  const sent = body === undefined || type !== 'application/json' ? body : JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(`/api/${path}`, { method, headers, body: sent, redirect: 'error' });
  } catch { throw new Error(t('unreachable')); }
  const kind = answer.headers.get('Content-Type') ?? '';
  if (!answer.ok) {
    const error = kind.includes('json') ? (await answer.json()).error : '';
    throw new Error(error || t('failed', { status: answer.status }));
  }
  if (answer.status === 204) return null;
  return kind.includes('json') ? answer.json() : answer.blob();
}

export async function language(tag) {
  texts = await (await fetch(`locales/${tag}.json`)).json();
  document.documentElement.lang = tag;
}

export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

/** An element; texts are always text, never markup. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (key in made && key !== 'list') made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const button = (key, onclick, className = '') =>
  el('button', { type: 'button', className, onclick }, t(key));

export const labelled = (key, input) => el('label', {}, t(key), input);

export function say(text) { document.getElementById('live').textContent = text; }

/** Shows an error at its place and reads it out. */
export function guard(place, action) {
  return async (...given) => {
    place.textContent = '';
    try { await action(...given); } catch (error) {
      place.textContent = error.message;
      say(error.message);
    }
  };
}

export function save(blob, name) {
  const link = el('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** Asks before something that cannot be undone; gives null or the text. `field` is the element
 *  for a text, and `label` its label. */
export function ask(title, field = null, label = 'reason') {
  return new Promise((done) => {
    const reason = field;
    const close = (value) => { dialog.close(); dialog.remove(); done(value); };
    const dialog = el('dialog', { 'aria-label': title }, el('h2', {}, title),
      reason && labelled(label, reason),
      el('div', { className: 'actions' },
        button('yes', () => close(reason ? reason.value : ''), 'primary'),
        button('cancel', () => close(null))));
    dialog.addEventListener('cancel', () => close(null));
    document.body.append(dialog);
    dialog.showModal();
  });
}
