// The start page: links to the other pages, the mailbox, and text messages. Polls while it is
// visible; everything is shown as text, and mails are in a frame that runs no scripts.
const $ = (id) => document.getElementById(id);
const read = new Set();
let shown = null;
let mails = [];
let seen = "";

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function show(mail, focus) {
  shown = mail.id;
  read.add(mail.id);
  $("mail-view").hidden = false;
  $("subject").textContent = mail.subject;
  $("people").textContent = `From ${mail.from.name} <${mail.from.address}> to ${mail.to.join(", ")}`;
  $("attachments").replaceChildren(...mail.attachments.map((one) => element("li", {},
    element("a", { href: one.url, download: one.name, textContent: one.name }),
    ` (${Math.ceil(one.bytes / 1024)} KiB)`)));
  $("frame").src = `/mails/${mail.id}`;
  list();
  if (focus) $("subject").focus();
}

function list() {
  const at = document.activeElement?.dataset?.mail;
  $("mails").replaceChildren(...[...mails].reverse().map((mail) => {
    const button = element("button", { type: "button" },
      element("span", { className: read.has(mail.id) ? "" : "new", textContent: mail.subject }),
      element("br"), element("small", { textContent: `to ${mail.to.join(", ")}` }));
    button.dataset.mail = mail.id;
    button.setAttribute("aria-current", String(mail.id === shown));
    button.addEventListener("click", () => show(mail, true));
    return element("li", {}, button);
  }));
  // The list was made anew: the focus stays where it was.
  if (at !== undefined) $("mails").querySelector(`[data-mail="${at}"]`)?.focus();
}

/** A task and its signers; a completed one can be fetched, which verifies it. */
function row(task) {
  const signers = task.signers.map((one) => `${one.name}: ${one.state}`).join(", ");
  const files = task.state !== "completed" ? [] : [".pdf", ".spf"].flatMap((end, number) => [" ",
    element("a", { href: `/tasks/${task.task}/${number}`, textContent: `Download ${end}`,
      download: task.fileName.replace(/\.pdf$/i, "") + end })]);
  return element("li", {}, element("strong", { textContent: task.state }),
    ` ${task.fileName} – ${signers}`, ...files);
}

async function send() {
  $("send").disabled = true;
  try {
    const answer = await fetch("/tasks", { method: "POST" });
    if (!answer.ok) $("tasks").textContent = (await answer.json()).error;
  } finally {
    $("send").disabled = false;
  }
}

async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function poll() {
  try {
    const [news, texts] = await Promise.all([get("/mails"), get("/texts")]);
    if (news.mails.length !== mails.length) {
      mails = news.mails;
      $("empty").hidden = mails.length > 0;
      document.querySelector(".mailbox").hidden = mails.length === 0;
      list();
    }
    if (texts.texts.length > 0) {
      $("texts").replaceChildren(...[...texts.texts].reverse().map((text) => element("li", {},
        `To ${text.to}: your code is `, element("strong", { textContent: text.pin }))));
    }
    const { tasks } = await get("/tasks");
    const shape = JSON.stringify(tasks);
    if (shape !== seen && tasks.length > 0) {
      seen = shape;
      $("tasks").replaceChildren(...tasks.map(row));
    }
    $("lost").hidden = true;
  } catch {
    $("lost").hidden = false;
  }
  setTimeout(poll, document.hidden ? 4000 : 700);
}

const addresses = await get("/addresses");
$("command").textContent = `letsesign --home ${addresses.sender} send`;
$("send").addEventListener("click", send);
$("verify").href = addresses.verify;
$("sender").href = addresses.senderPage;
poll();
