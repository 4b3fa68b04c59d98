import { ask, button, call, el, guard, labelled, say, t } from './base.js';
import { add, draw, showPages } from './fields.js';

const TYPES = ['signature', 'date', 'name', 'email', 'phone'];
const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
let draft = fresh();

function fresh() {
  return { document: null, fileName: '', blob: null, pages: [], signers: [], message: '',
    inOrder: true, expiryDays: 14, remindDays: 0, notify: '', password: '' };
}

/** Begins a draft from a template. */
export function useTemplate(template, document, pages, blob) {
  draft = { ...fresh(), document, pages, blob, fileName: template.fileName,
    message: template.message, inOrder: template.inOrder,
    signers: template.roles.map(({ role, fields }) => ({ role, name: '', email: '', phone: '',
      locale: 'en-US', fields: structuredClone(fields) })) };
}

/** Every problem of the draft, in the order of the page. */
export function problems(given, session) {
  const found = [];
  if (!given.document) found.push(t('needDocument'));
  if (!given.signers.length) found.push(t('needSigner'));
  given.signers.forEach((signer, index) => {
    const n = index + 1;
    if (!signer.name.trim()) found.push(t('needName', { n }));
    if (!ADDRESS.test(signer.email)) found.push(t('needEmail', { n }));
    if (!signer.fields.some(({ type }) => type === 'signature')) found.push(t('needField', { n }));
    if (signer.fields.some(({ type }) => type === 'phone') && !signer.phone) {
      found.push(t('needPhone', { n }));
    }
  });
  if (given.message.length > session.limits.message) found.push(t('longMessage'));
  if (!(given.expiryDays >= 1)) found.push(t('needExpiry'));
  if (given.notify && !ADDRESS.test(given.notify)) found.push(t('needNotify'));
  return found;
}

/** The body of `POST /api/tasks`. */
export function request(given) {
  const { document, fileName, message, inOrder, expiryDays, remindDays, notify, password } = given;
  const signers = given.signers.map(({ name, email, phone, locale, fields }) =>
    ({ name: name.trim(), email, ...(phone && { phone }), locale, fields }));
  const reminders = remindDays >= 1 && { afterHours: remindDays * 24,
    times: Math.min(Math.max(Math.floor(expiryDays / remindDays), 1), 30) };
  return { document, fileName, message, inOrder, expiryDays, ...(reminders && { reminders }),
    ...(notify && { notify: { email: notify, locale: globalThis.document.documentElement.lang } }),
    ...(password && { password }), signers };
}

export function showSend(main, session) {
  const error = el('p', { className: 'error' });
  const list = el('div');
  const pages = el('div');
  const who = el('select', { id: 'who' });
  const type = el('select', { id: 'type' }, ...TYPES.map((name) =>
    el('option', { value: name }, t(name))));
  const onPage = el('select', { id: 'page' });
  draft.pick = () => ({ signer: Number(who.value), type: type.value });
  draft.boxes = null;

  const bound = (key, name, object, attributes = {}) => labelled(key, el('input', { ...attributes,
    value: object[name], oninput: ({ target }) => {
      object[name] = target.type === 'number' ? target.valueAsNumber : target.value;
    } }));

  const signers = () => {
    const chosen = who.value;
    list.replaceChildren(...draft.signers.map((signer, index) => {
      const move = (by) => () => {
        draft.signers.splice(index + by, 0, ...draft.signers.splice(index, 1));
        signers();
        say(t('moved', { n: index + by + 1 }));
      };
      const locale = el('select', { onchange: ({ target }) => { signer.locale = target.value; } },
        ...session.locales.map((tag) => el('option', { value: tag }, tag)));
      locale.value = signer.locale;
      return el('fieldset', { className: `signer s${index % 5}` },
        el('legend', {}, t('signerN', { n: index + 1 }) + (signer.role ? `: ${signer.role}` : '')),
        el('div', { className: 'row' }, bound('fullName', 'name', signer),
          bound('mail', 'email', signer, { type: 'email' }),
          session.sms ? bound('mobile', 'phone', signer, { type: 'tel' }) : null,
          labelled('language', locale)),
        el('div', { className: 'actions' },
          index > 0 ? button('up', move(-1)) : null,
          index < draft.signers.length - 1 ? button('down', move(1)) : null,
          button('remove', () => { draft.signers.splice(index, 1); signers(); }, 'danger')));
    }));
    who.replaceChildren(...draft.signers.map((_, index) =>
      el('option', { value: index }, t('signerN', { n: index + 1 }))));
    if (draft.signers[chosen]) who.value = chosen;
    draw(draft);
  };

  const open = guard(error, async (file) => {
    if (!file) return;
    if (file.size > session.limits.documentBytes) throw new Error(t('tooLarge'));
    const got = await call('POST', `documents?name=${encodeURIComponent(file.name)}`, file,
      'application/pdf');
    draft.signers.forEach((signer) => { signer.fields = []; });
    Object.assign(draft, { document: got.document, fileName: got.name, pages: got.pages,
      blob: file });
    await render();
  });
  const render = async () => {
    pages.replaceChildren();
    onPage.replaceChildren(...draft.pages.map((_, index) =>
      el('option', { value: index }, index + 1)));
    if (draft.blob) await showPages(pages, draft.blob, draft.pages, draft);
    say(t('opened', { name: draft.fileName }));
  };

  const check = guard(error, async () => {
    const found = problems(draft, session);
    if (found.length) throw new Error(found.join(' '));
    const to = draft.signers.map(({ name, email }) => `${name} <${email}>`).join(', ');
    if (await ask(t('confirmSend', { name: draft.fileName, to, service: session.service }))
      === null) return;
    const { task } = await call('POST', 'tasks', request(draft));
    draft = fresh();
    say(t('sent', { task }));
    location.hash = '#tasks';
  });
  const keep = guard(error, async () => {
    if (!draft.document) throw new Error(t('needDocument'));
    const name = await ask(t('keepTemplate'), el('input', { maxLength: 100 }), 'templateName');
    if (!name) return;
    const { document, fileName, message, inOrder } = draft;
    await call('PUT', `templates/${encodeURIComponent(name)}`, { document, fileName, message,
      inOrder, roles: draft.signers.map(({ role, fields }, index) =>
        ({ role: role ?? t('signerN', { n: index + 1 }), fields })) });
    say(t('kept'));
  });

  const drop = el('div', { className: 'card', ondragover: (event) => event.preventDefault(),
    ondrop: (event) => { event.preventDefault(); open(event.dataTransfer.files[0]); } },
  labelled('choose', el('input', { type: 'file', accept: 'application/pdf', id: 'file',
    onchange: ({ target }) => open(target.files[0]) })), el('p', { className: 'hint' },
    t('stays')));
  const message = el('textarea', { value: draft.message, rows: 3,
    oninput: ({ target }) => { draft.message = target.value; } });
  const order = el('input', { type: 'checkbox', checked: draft.inOrder,
    onchange: ({ target }) => { draft.inOrder = target.checked; } });
  main.append(drop,
    el('section', { className: 'card' }, el('h2', {}, t('signers')), list,
      button('addSigner', () => {
        if (draft.signers.length >= session.limits.signers) return say(t('manySigners'));
        draft.signers.push({ name: '', email: '', phone: '', locale: 'en-US', fields: [] });
        signers();
      }), el('label', {}, order, ` ${t('inOrder')}`)),
    el('section', { className: 'card' }, el('h2', {}, t('fields')),
      el('p', { className: 'hint' }, t('fieldsHelp')),
      el('div', { className: 'row' }, labelled('signer', who), labelled('kind', type),
        labelled('page', onPage), button('addField', () => {
          if (draft.pages.length) add(draft, Number(onPage.value), 36, 36);
        })), pages),
    el('section', { className: 'card' }, labelled('message', message),
      el('div', { className: 'row' },
        bound('expiry', 'expiryDays', draft, { type: 'number', min: 1, max: 180 }),
        bound('remindDays', 'remindDays', draft, { type: 'number', min: 0, max: 180 }),
        bound('notify', 'notify', draft, { type: 'email' })),
      bound('password', 'password', draft, { type: 'password', autocomplete: 'new-password' }),
      el('p', { className: 'hint' }, t('passwordHelp'))),
    error, el('div', { className: 'actions' }, button('review', check, 'primary'),
      button('keepTemplate', keep)));
  signers();
  if (draft.blob) guard(error, render)();
}
