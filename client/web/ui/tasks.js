import { ask, button, call, el, guard, save, say, t } from './base.js';

// A failed task is not ended: a new round makes it run again.
const ENDED = ['completed', 'declined', 'void', 'expired', 'notSent', 'unknown'];

/** The list with live status; gives what ends the polling. */
export function showTasks(main) {
  const error = el('p', { className: 'error' });
  const list = el('div');
  const open = new Map();
  let last = '';
  main.append(error, list);

  const load = async (force) => {
    const { tasks } = await call('GET', 'tasks');
    for (const id of open.keys()) open.set(id, (await call('GET', `tasks/${id}`)).history);
    const now = JSON.stringify([tasks, [...open]]);
    if (now === last && !force) return;
    last = now;
    const focused = document.activeElement?.dataset?.key;
    list.replaceChildren(...(tasks.length ? tasks.map(card) : [el('p', {}, t('noTasks'))]));
    if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  };
  const act = (task, path, body) => guard(error, async () => {
    await call('POST', `tasks/${task}/${path}`, body);
    say(t('done'));
    await load(true);
  });
  const time = (at) => new Date(at).toLocaleString(document.documentElement.lang);
  const keyed = (key, element) => { element.dataset.key = key; return element; };

  const card = (task) => {
    const running = !ENDED.includes(task.state);
    const voidIt = guard(error, async () => {
      const reason = await ask(t('voidAsk', { name: task.fileName }),
        el('textarea', { maxLength: 1000 }));
      if (reason !== null) await act(task.task, 'void', { reason })();
    });
    const files = guard(error, async () =>
      save(await call('GET', `tasks/${task.task}/files`), `${task.fileName}.zip`));
    const detail = guard(error, async () => {
      if (!open.delete(task.task)) open.set(task.task, []);
      await load(true);
    });
    const history = open.get(task.task);
    return el('article', { className: 'card' }, el('h2', {}, task.fileName),
      el('p', {}, `${t(`state.${task.state}`)} · ${time(task.created)}`),
      task.reason ? el('p', {}, t('declineReason', { reason: task.reason })) : null,
      task.problem ? el('p', { className: 'error' }, task.problem.detail) : null,
      ...(task.needsDecision ?? []).map((one) => el('div', {},
        el('p', { className: 'error' }, t('unknownFate')), el('div', { className: 'actions' },
          keyed(`y${one.job}`, button('workAgain',
            act(task.task, 'decide', { job: one.job, retry: true }))),
          keyed(`n${one.job}`, button('giveUp',
            act(task.task, 'decide', { job: one.job, retry: false })))))),
      el('ul', {}, ...task.signers.map((signer, index) => el('li', {},
        `${signer.name} <${signer.email}>: ${t(`state.${signer.state}`)} `,
        signer.problem ? el('span', { className: 'error' }, signer.problem.detail) : null,
        running && signer.state === 'asked' ? keyed(`r${task.task}${index}`,
          button('remind', act(task.task, 'remind', { signer: index }))) : null,
        running && ['asked', 'failed'].includes(signer.state) ? keyed(`a${task.task}${index}`,
          button('again', act(task.task, 'again', { signer: index }))) : null))),
      el('div', { className: 'actions' },
        task.state === 'completed' ? keyed(`f${task.task}`, button('download', files, 'primary'))
          : null,
        keyed(`h${task.task}`, button(history ? 'hideHistory' : 'history', detail)),
        running ? keyed(`v${task.task}`, button('void', voidIt, 'danger')) : null),
      history ? el('ol', {}, ...history.map((event) => el('li', {},
        [time(event.at), event.event, event.detail].filter(Boolean)
          .join(' · ')))) : null);
  };
  const poll = guard(error, () => load(false));
  poll();
  const timer = setInterval(() => { if (!document.hidden) poll(); }, 3000);
  return () => clearInterval(timer);
}
