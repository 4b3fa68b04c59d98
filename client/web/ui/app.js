import { call, el, language, t, takeToken } from './base.js';
import { showSend } from './send.js';
import { showTasks } from './tasks.js';
import { showTemplates } from './templates.js';
import { showVerify } from './verify.js';

const views = { send: showSend, tasks: showTasks, verify: showVerify, templates: showTemplates };
const names = { 'en-US': 'English', 'zh-TW': '繁體中文' };
const main = document.getElementById('main');
const known = takeToken();
let session = null;
let leave = null;

async function show() {
  const name = Object.hasOwn(views, location.hash.slice(1)) ? location.hash.slice(1) : 'send';
  document.getElementById('nav').setAttribute('aria-label', t('menu'));
  document.getElementById('nav').replaceChildren(...Object.keys(views).map((view) => {
    const link = el('a', { href: `#${view}` }, t(view));
    if (view === name) link.setAttribute('aria-current', 'page');
    return link;
  }));
  document.title = `${t(name)} - Letsesign`;
  if (leave) leave();
  main.replaceChildren(el('h1', {}, t(name)));
  if (session.emulation) main.append(el('p', { className: 'error' }, t('emulation')));
  leave = views[name](main, session) ?? null;
  main.focus();
}

async function start() {
  const wanted = navigator.languages.some((tag) => tag.startsWith('zh')) ? 'zh-TW' : 'en-US';
  await language(wanted);
  if (!known) { main.replaceChildren(el('p', { className: 'error' }, t('noToken'))); return; }
  try { session = await call('GET', 'session'); } catch (error) {
    main.replaceChildren(el('p', { className: 'error' }, error.message));
    return;
  }
  const select = document.getElementById('lang');
  select.setAttribute('aria-label', t('language'));
  for (const tag of session.locales) select.append(el('option', { value: tag }, names[tag] ?? tag));
  select.value = wanted;
  select.addEventListener('change', async () => { await language(select.value); show(); });
  addEventListener('hashchange', show);
  await show();
}
start();
