// The signer's page. It reads the link, forgets it in the address bar, shows what it says, and
// sends nothing before a person presses a button: mail scanners open links and run scripts.

import { readLink } from "./link.js";
import { sealAnswer } from "./answer.js";
import { Refused, giveAnswer, requestState } from "./service.js";

const REASON = 1000;
const main = document.getElementById("main");
const address = location.href;
const arrived = location.hash !== "";
// The secret leaves the address bar and the history before anything else happens.
if (arrived) history.replaceState(null, "", location.pathname + location.search);

const link = readLink(address);
let languages = {};
let texts = {};
let locale = "en-US";
/** What is shown: the name of a view, and what it needs. */
let view = { name: "review" };
let working = false;

/** A text of the page, with its places filled. */
function say(key, extra = {}) {
  const until = link ? new Date(link.expiry).toLocaleString(locale,
    { dateStyle: "full", timeStyle: "short" }) : "";
  const values = { domain: link?.domain, fileName: link?.fileName, until, ...extra };
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

const paragraph = (text, properties = {}) => element("p", { textContent: text, ...properties });

function button(key, kind, press) {
  const made = element("button", { type: "button", className: kind, textContent: say(key) });
  made.addEventListener("click", () => { if (!working) press(); });
  return made;
}

function facts(pairs) {
  return element("dl", {}, ...pairs.flatMap(([key, value]) =>
    [element("dt", { textContent: say(key) }), element("dd", { textContent: value })]));
}

const notice = () => view.notice
  ? paragraph(say(view.notice, view), { className: "notice", id: "notice" }) : null;

/** A card with a heading that gets the focus, so that readers hear where they are. */
function card(kind, title, ...children) {
  const heading = element("h1", { textContent: say(title, view), tabIndex: -1 });
  return element("div", { className: `card ${kind}` }, heading, ...children);
}

const views = {
  review: () => card("", "reviewTitle",
    facts([["document", link.fileName], ["sender", link.domain], ["until", say("{until}")]]),
    paragraph(say("readFirst")),
    element("h2", { textContent: say("attestedTitle") }),
    element("ul", {}, ...["attestedName", "attestedMail", link.pin ? "attestedPhone" : null,
      "attestedAddress"].filter(Boolean).map((key) => element("li", { textContent: say(key) }))),
    paragraph(say("attestedWho")),
    notice(),
    element("div", { className: "actions" },
      button("continue", "primary", begin), button("decline", "", () => show("decline")))),

  confirm: () => {
    const pin = link.pin && view.pinSent ? element("input", {
      id: "pin", inputMode: "numeric", autocomplete: "one-time-code", maxLength: 16,
      value: view.pin ?? "",
    }) : null;
    pin?.setAttribute("aria-describedby", view.notice ? "pin-hint notice" : "pin-hint");
    pin?.addEventListener("keydown", (event) => {
      if (event.key === "Enter") confirm(pin.value);
    });
    const ready = !link.pin || view.pinSent;
    return card("", "confirmTitle",
      paragraph(say(ready ? "confirmText" : "pinText")),
      pin && element("label", { className: "field", htmlFor: "pin",
        textContent: say("pinLabel") }),
      pin, pin && paragraph(say("pinHint"), { className: "hint", id: "pin-hint" }),
      notice(),
      element("div", { className: "actions" },
        ready ? button("sign", "primary", () => confirm(pin?.value)) : null,
        link.pin ? button(view.pinSent ? "sendPinAgain" : "sendPin", ready ? "" : "primary",
          requestPin) : null,
        button("back", "", () => show("review"))));
  },

  decline: () => {
    const reason = element("textarea", { id: "reason", value: view.reason ?? "" });
    const left = paragraph("", { className: "hint", id: "left" });
    const count = () => {
      // Characters are code points, as the protocol counts them.
      const characters = [...reason.value];
      if (characters.length > REASON) reason.value = characters.slice(0, REASON).join("");
      left.textContent = say("reasonLeft", { left: REASON - Math.min(characters.length, REASON) });
    };
    reason.setAttribute("aria-describedby", "left");
    reason.addEventListener("input", count);
    count();
    return card("", "declineTitle", paragraph(say("declineText")),
      element("label", { className: "field", htmlFor: "reason", textContent: say("reason") }),
      reason, left, notice(),
      element("div", { className: "actions" },
        button("declineForGood", "danger", () => decline(reason.value)),
        button("back", "", () => show("review"))));
  },

  confirmed: () => card("good", "confirmedTitle",
    paragraph(say("confirmedText")), paragraph(say("verifyText"))),
  already: () => card("good", "alreadyTitle",
    paragraph(say("confirmedText")), paragraph(say("verifyText"))),
  declined: () => card("", "declinedTitle", paragraph(say("declinedText"))),
};
for (const name of ["damaged", "reopen", "expired", "void", "superseded", "ended", "unknown",
  "framed"]) {
  views[name] = () => card("bad", `${name}Title`, paragraph(say(`${name}Text`)));
}

function draw(focus) {
  document.documentElement.lang = locale;
  document.title = `${say("title")} – Let’s eSign`;
  document.getElementById("footer").textContent = say("footer");
  document.getElementById("language-label").textContent = say("language");
  main.replaceChildren(views[view.name]());
  if (focus) (document.getElementById("pin") ?? main.querySelector("h1")).focus();
}

function show(name, extra = {}) {
  view = { name, ...extra };
  draw(true);
  document.getElementById("status").textContent = extra.notice ? say(extra.notice, extra) : "";
}

/** Runs one piece of work at a time; a double click is one. */
async function work(run) {
  if (working) return;
  working = true;
  for (const one of main.querySelectorAll("button")) one.setAttribute("aria-disabled", "true");
  const text = paragraph(say("working"));
  main.firstChild.append(element("div", { className: "progress" }), text);
  document.getElementById("status").textContent = say("working");
  try {
    await run();
  } catch (error) {
    failed(error);
  } finally {
    working = false;
  }
}

function failed(error) {
  const again = (notice, extra = {}) => show(view.name, { ...view, ...extra, notice });
  if (!(error instanceof Refused)) {
    again(error instanceof DOMException ? "unsupported" : "offline");
  } else if (error.status === 404) {
    show("unknown");
  } else if (error.status === 429) {
    again("tooMany");
  } else if (error.status === 409) {
    again("busy");
  } else {
    again("refused", { code: error.status });
  }
}

/** The view of a request that cannot be answered, or `null`. */
const closed = { confirmed: "already", declined: "declined", superseded: "superseded",
  void: "void", expired: "expired", ended: "ended" };

function begin() {
  work(async () => {
    const state = await requestState(link);
    const name = closed[state.state];
    if (name) show(name);
    else show("confirm", { pinSent: state.pinSent });
  });
}

async function give(which, answer) {
  const sealed = await sealAnswer(link, { ...answer, at: Date.now() });
  try {
    return await giveAnswer(link, which, sealed);
  } catch (error) {
    if (error instanceof Refused && error.status === 409) {
      const name = closed[(await requestState(link)).state];
      if (name) return { state: name, closed: true };
    }
    throw error;
  }
}

function took(result, extra) {
  if (result.closed) {
    show(result.state);
  } else if (result.state === "confirmed" || result.state === "declined") {
    show(result.state);
  } else if (result.state === "pinSent") {
    show("confirm", { pinSent: true, notice: null });
    document.getElementById("status").textContent = say("pinSent");
  } else if (result.state === "refused") {
    const name = { 2405: "void", 2406: "expired" }[result.code];
    const notice = { 2204: "wrongPin", 2205: "smsFailed" }[result.code] ?? "refused";
    if (name) show(name);
    else show(view.name, { ...view, ...extra, notice, code: result.code });
  } else {
    show(view.name, { ...view, ...extra, notice: "failed" });
  }
}

function requestPin() {
  const pinSent = view.pinSent;
  work(async () => took(await give("confirmIntent", { action: "requestPin" }), { pinSent }));
}

function confirm(pin) {
  const digits = pin?.replace(/\s/g, "");
  if (link.pin && !digits) {
    show("confirm", { ...view, notice: "pinMissing" });
    return;
  }
  const answer = link.pin ? { action: "confirm", pin: digits } : { action: "confirm" };
  work(async () => took(await give("confirmIntent", answer), { pin: "" }));
}

function decline(reason) {
  const answer = reason.trim() ? { action: "decline", reason } : { action: "decline" };
  work(async () => took(await give("decline", answer), { reason }));
}

async function load(path) {
  const answer = await fetch(path, { credentials: "omit" });
  if (!answer.ok) throw new Error(path);
  return answer.json();
}

async function speak(name, focus) {
  texts = await load(`locales/${name}.json`);
  texts["{until}"] = "{until}";
  locale = name;
  draw(focus);
}

async function start() {
  languages = await load("locales/index.json");
  const known = Object.keys(languages);
  const wanted = [link?.locale, ...navigator.languages].filter(Boolean);
  const right = wanted.map((name) => known.find((one) => one === name)
    ?? known.find((one) => one.split("-")[0] === name.split("-")[0])).find(Boolean);
  const select = document.getElementById("language");
  select.append(...known.map((name) =>
    element("option", { value: name, textContent: languages[name], lang: name })));
  select.value = right ?? "en-US";
  select.addEventListener("change", () => speak(select.value, false));
  if (window.top !== window.self) view = { name: "framed" };
  else if (!link) view = { name: arrived ? "damaged" : "reopen" };
  else if (Date.now() > link.expiry) view = { name: "expired" };
  await speak(select.value, false);
}

start();
