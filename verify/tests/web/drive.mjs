// Opens a page in headless Chromium as a reader would: chooses files in its input, waits for the verdict, reads what is shown.
// Usage: node drive.mjs CHROMIUM PAGE CASES.json; CASES is [{ files: [path...], binding? }]; prints [{ state, title, ... }].
// Speaks the DevTools protocol over pipes (--remote-debugging-pipe), so that nothing needs to be installed beside Node and Chromium.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [, , chromium, page, casesFile] = process.argv;
const cases = JSON.parse(readFileSync(casesFile, "utf8"));
const profile = mkdtempSync(join(tmpdir(), "verify-page-"));
const browser = spawn(
  chromium,
  ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank"],
  { stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"] },
);
let complaints = "";
browser.stderr.on("data", (data) => (complaints += data));
const [, , , toBrowser, fromBrowser] = browser.stdio;

const waiting = new Map();
const requests = [];
let number = 0;
let rest = "";
fromBrowser.on("data", (data) => {
  const messages = (rest + data).split("\0");
  rest = messages.pop();
  for (const text of messages) {
    const message = JSON.parse(text);
    if (message.method === "Network.requestWillBeSent") requests.push(message.params.request.url);
    const turn = waiting.get(message.id);
    if (!turn) continue;
    waiting.delete(message.id);
    if (message.error) turn.reject(new Error(message.error.message));
    else turn.resolve(message.result);
  }
});
const fail = (text) => {
  for (const { reject } of waiting.values()) reject(new Error(`${text}\n${complaints}`));
};
browser.on("exit", () => fail("the browser ended"));
// A browser that hangs must not hang the tests.
setTimeout(() => fail("the browser does not answer"), 120_000).unref();

let session;
function send(method, params = {}) {
  const id = ++number;
  toBrowser.write(`${JSON.stringify({ id, method, params, sessionId: session })}\0`);
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

async function evaluate(expression) {
  const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
  return result.value;
}

// Resolves when the page shows a verdict; called before the files are chosen.
const VERDICT = `new Promise((resolve) => {
  const box = document.getElementById("verdict");
  new MutationObserver((_, observer) => { if (!box.hidden) { observer.disconnect(); resolve(); } })
    .observe(box, { attributes: true, attributeFilter: ["hidden"] });
})`;

const READ = `({
  state: document.getElementById("verdict").dataset.state,
  verdict: document.getElementById("verdict").innerText,
  report: document.getElementById("report").hidden ? "" : document.getElementById("report").innerText,
  title: document.getElementById("signers-title").textContent,
  signers: document.getElementById("report").hidden ? [] : [...document.querySelectorAll("#signers li")].map((item) => item.innerText),
  checks: document.getElementById("report").hidden ? {} : Object.fromEntries([...document.querySelectorAll("#checks tr")].map((row) => [row.dataset.name, row.dataset.outcome])),
  note: getComputedStyle(document.querySelector(".test-note")).display !== "none",
})`;

// What the page's policy must stop: connections of any kind.
const BLOCKED = `new Promise((resolve) => {
  const stopped = [];
  document.addEventListener("securitypolicyviolation", (event) => {
    stopped.push(event.effectiveDirective);
    if (stopped.length === 3) resolve(stopped.sort());
  });
  fetch("http://127.0.0.1:9/").catch(() => {});
  new Image().src = "http://127.0.0.1:9/image";
  const script = document.createElement("script");
  script.textContent = "document.title = 'taken over'";
  document.body.append(script);
})`;

try {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  session = (await send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
  await send("Page.enable");
  await send("Network.enable");
  const answers = [];
  for (const one of cases) {
    await send("Page.navigate", { url: pathToFileURL(page).href });
    await evaluate(`new Promise((resolve) => document.readyState === "complete" ? resolve() : addEventListener("load", resolve))`);
    if (one.binding) await evaluate(`void (document.getElementById("binding").value = ${JSON.stringify(one.binding)})`);
    const verdict = evaluate(VERDICT);
    const { root } = await send("DOM.getDocument");
    const { nodeId } = await send("DOM.querySelector", { nodeId: root.nodeId, selector: "#files" });
    await send("DOM.setFileInputFiles", { nodeId, files: one.files });
    await verdict;
    answers.push(await evaluate(READ));
  }
  const asked = requests.filter((url) => !url.startsWith("file:") && !url.startsWith("about:"));
  const stopped = await evaluate(BLOCKED);
  process.stdout.write(JSON.stringify({ answers, asked, stopped, title: await evaluate("document.title") }));
  await send("Browser.close").catch(() => {});
} catch (problem) {
  process.stderr.write(`${problem.stack}\n`);
  process.exitCode = 1;
} finally {
  browser.kill();
  await new Promise((resolve) => (browser.exitCode === null && browser.signalCode === null ? browser.on("exit", resolve) : resolve()));
  try {
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  } catch {
    // The browser's children may still write there; a folder that is left over is no answer about the page.
  }
}
