import { ask, button, call, el, guard, t } from './base.js';
import { useTemplate } from './send.js';

export function showTemplates(main) {
  const error = el('p', { className: 'error' });
  const list = el('div');
  main.append(error, list);
  const load = guard(error, async () => {
    const { templates } = await call('GET', 'templates');
    list.replaceChildren(...(templates.length ? templates.map(card)
      : [el('p', {}, t('noTemplates'))]));
  });
  const card = (template) => {
    const path = `templates/${encodeURIComponent(template.name)}`;
    const use = guard(error, async () => {
      const blob = await call('GET', `${path}/document`);
      const got = await call('POST', `documents?name=${encodeURIComponent(template.fileName)}`,
        blob, 'application/pdf');
      useTemplate(template, got.document, got.pages, blob);
      location.hash = '#send';
    });
    const remove = guard(error, async () => {
      if (await ask(t('deleteAsk', { name: template.name })) === null) return;
      await call('DELETE', path);
      await load();
    });
    return el('article', { className: 'card' }, el('h2', {}, template.name),
      el('p', {}, template.fileName), el('div', { className: 'actions' },
        button('use', use, 'primary'), button('delete', remove, 'danger')));
  };
  load();
}
