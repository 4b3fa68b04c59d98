// The signer's page. It reads the link, forgets it in the address bar, shows what it says, and
// sends nothing before a person presses a button: mail scanners open links and run scripts.

import { readLink, visible } from "./link.js";
import { keysAreRight, sealAnswer } from "./answer.js";
import { Away, Refused, giveAnswer, requestState } from "./service.js";

const REASON = 1000;
const main = document.getElementById("main");
const address = location.href;
const arrived = location.hash !== "";
// The secret leaves the address bar and the history before anything else happens.
if (arrived) history.replaceState(null, "", location.pathname + location.search);
// A link that is put into the address bar of this page loads nothing by itself.
addEventListener("hashchange", () => { if (location.hash !== "") location.reload(); });

const link = readLink(address);
let languages = {};
let texts = {};
let locale = "en-US";
/** What is shown: the name of a view, and what it needs. */
let view = { name: "review" };
let working = false;
/** The answer that the service may or may not have: the same bytes are sent again. */
let unsure = null;

/** A text of the page, with its places filled. */
function say(key, extra = {}) {
  const until = link ? new Date(link.expiry).toLocaleString(locale,
    { dateStyle: "full", timeStyle: "short" }) : "";
  const values = { domain: visible(link?.domain), fileName: visible(link?.fileName), until,
    ...extra };
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
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
    [element("dt", { textContent: say(key) }), element("dd", { textContent: say(value) })]));
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
    facts([["document", "{fileName}"], ["sender", "{domain}"], ["until", "{until}"]]),
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
    // What was typed outlives a change of the language.
    pin?.addEventListener("input", () => { view.pin = pin.value; });
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
      view.reason = reason.value;
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
  if (working) mark();
  if (focus) (document.getElementById("pin") ?? main.querySelector("h1")).focus();
}

function show(name, extra = {}) {
  view = { name, ...extra };
  draw(true);
  document.getElementById("status").textContent = extra.notice ? say(extra.notice, extra) : "";
}

/** Shows that something is under way. */
function mark() {
  for (const one of main.querySelectorAll("button")) one.setAttribute("aria-disabled", "true");
  main.firstChild.append(element("div", { className: "progress" }), paragraph(say("working")));
}

/** Runs one piece of work at a time; a double click is one. */
async function work(run) {
  if (working) return;
  working = true;
  mark();
  document.getElementById("status").textContent = say("working");
  let end;
  try {
    end = await run();
  } catch (error) {
    end = () => failed(error);
  }
  working = false;
  end();
}

function failed(error) {
  const again = (notice, extra = {}) => show(view.name, { ...view, ...extra, notice });
  if (!(error instanceof Refused)) {
    again(error instanceof Away ? "offline" : "unsupported");
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
    return () => (name ? show(name) : show("confirm", { pinSent: state.pinSent }));
  });
}

async function give(which, answer) {
  const text = JSON.stringify(answer);
  if (unsure?.text !== text) {
    unsure = { text, sealed: await sealAnswer(link, { ...answer, at: Date.now() }) };
  }
  try {
    const result = await giveAnswer(link, which, unsure.sealed);
    unsure = null;
    return result;
  } catch (error) {
    if (error instanceof Refused) unsure = null;
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
  work(async () => {
    const result = await give("confirmIntent", { action: "requestPin" });
    return () => took(result, { pinSent });
  });
}

function confirm(pin) {
  const digits = pin?.replace(/\s/g, "");
  if (link.pin && !digits) {
    show("confirm", { ...view, notice: "pinMissing" });
    return;
  }
  const answer = link.pin ? { action: "confirm", pin: digits } : { action: "confirm" };
  work(async () => {
    const result = await give("confirmIntent", answer);
    return () => took(result, { pin: "" });
  });
}

function decline(reason) {
  const text = reason.toWellFormed?.() ?? reason;
  const answer = text.trim() ? { action: "decline", reason: text } : { action: "decline" };
  work(async () => {
    const result = await give("decline", answer);
    return () => took(result, { reason });
  });
}

async function load(path) {
  const answer = await fetch(path, { credentials: "omit" });
  if (!answer.ok) throw new Error(path);
  return answer.json();
}

async function speak(name, focus) {
  texts = await load(`locales/${name}.json`);
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
  select.addEventListener("change", () => {
    // A language that cannot be loaded changes nothing.
    speak(select.value, false).catch(() => { select.value = locale; });
  });
  if (window.top !== window.self) view = { name: "framed" };
  else if (!link || !await keysAreRight(link)) view = { name: arrived ? "damaged" : "reopen" };
  else if (Date.now() > link.expiry) view = { name: "expired" };
  await speak(select.value, false);
}

start().catch(() => {
  main.textContent = "This page could not be loaded. Open the link in the mail again. "
    + "無法載入此頁面，請從信件再次開啟連結。";
});
