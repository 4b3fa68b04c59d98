import { button, call, el, guard, labelled, say, t } from './base.js';

const base64 = (file) => new Promise((done, fail) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.slice(reader.result.indexOf(',') + 1));
  reader.onerror = () => fail(reader.error);
  reader.readAsDataURL(file);
});

export function showVerify(main) {
  const error = el('p', { className: 'error' });
  const verdict = el('div');
  const pdf = el('input', { type: 'file', accept: 'application/pdf', id: 'pdf' });
  const spf = el('input', { type: 'file', accept: '.spf', id: 'spf' });
  const check = guard(error, async () => {
    verdict.replaceChildren();
    if (!pdf.files[0] || !spf.files[0]) throw new Error(t('needFiles'));
    const got = await call('POST', 'verify', { pdf: await base64(pdf.files[0]),
      spf: await base64(spf.files[0]) });
    const genuine = got.genuine === true;
    const text = t(genuine ? (got.test ? 'genuineTest' : 'genuine') : 'notGenuine');
    verdict.replaceChildren(el('h2', { className: genuine ? 'good' : 'error' }, text),
      el('ul', {}, ...[...(got.problems ?? []), ...(got.warnings ?? [])]
        .map((line) => el('li', {}, line))));
    say(text);
  });
  main.append(el('section', { className: 'card' }, labelled('signedPdf', pdf),
    labelled('proofFile', spf), error, button('check', check, 'primary'), verdict));
}
