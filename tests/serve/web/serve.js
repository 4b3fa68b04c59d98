// The start page: links to the other pages, the mailbox, and text messages. Polls while it is
// visible; everything is shown as text, and mails are in a frame that runs no scripts.
const $ = (id) => document.getElementById(id);
const read = new Set();
let shown = null;
let mails = [];

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
    $("lost").hidden = true;
  } catch {
    $("lost").hidden = false;
  }
  setTimeout(poll, document.hidden ? 4000 : 700);
}

const addresses = await get("/addresses");
$("sender").href = addresses.sender;
$("verify").href = addresses.verify;
poll();
