// Opens the page in headless Chromium as different people do, and checks what they meet.
//
//   node looks.mjs MODULES CHROMIUM FOLDER
//
// MODULES is the folder with node_modules; FOLDER has small.html, viewer.html, signed.pdf, changed.pdf, garbage.pdf and proof.spf.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, executablePath, folder] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)("playwright-core");
const axe = readFileSync(`${modules}/node_modules/axe-core/axe.min.js`, "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const GOOD = ["signed.pdf", "proof.spf"];
const CHANGED = ["changed.pdf", "proof.spf"];

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
// A browser that hangs must not hang the tests.
setTimeout(() => { console.error("the page does not answer"); process.exit(1); }, 400_000).unref();

/** A page with files chosen, in a browser of its own. */
async function open(options = {}, files = GOOD, name = "small.html") {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on("pageerror", (error) => { throw error; });
  page.asked = [];
  page.on("request", (request) => page.asked.push(request.url()));
  await page.addInitScript("globalThis.printed = 0; globalThis.print = () => { printed++; };");
  await page.goto(pathToFileURL(join(folder, name)).href);
  if (files.length > 0) await choose(page, files);
  return page;
}

async function choose(page, files) {
  await page.setInputFiles("#files", files.map((file) => join(folder, file)));
  await page.waitForSelector("#verdict:not([hidden])");
}

const read = (page, selector) => page.locator(selector).allInnerTexts();

async function accessible(page, name) {
  const found = await page.evaluate(`(async () => { ${axe}; return (await axe.run({ runOnly: ${JSON.stringify(RULES)} })).violations
    .map(({ id, nodes }) => [id, ...nodes.map(({ target }) => target.join(" "))]); })()`);
  assert.deepEqual(found, [], name);
  const [content, screen] = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
  assert.ok(content <= screen, `${name}: ${content} pixels on a screen of ${screen}`);
}

async function languages() {
  const title = { "en-US": "Verify a signed document", "zh-TW": "驗證已簽署的文件" };
  for (const [locale, expected] of [["en-GB", "en-US"], ["zh-TW", "zh-TW"], ["zh-HK", "zh-TW"], ["fi-FI", "en-US"]]) {
    const page = await open({ locale }, CHANGED);
    assert.equal(await page.getAttribute("html", "lang"), expected, locale);
    assert.equal(await page.title(), title[expected]);
    assert.deepEqual(await read(page, "h1"), [title[expected]]);
    await page.context().close();
  }
  const page = await open({ locale: "zh-TW" }, CHANGED);
  const chinese = /\p{Script=Han}/u;
  const [verdict] = await read(page, "#verdict");
  assert.match(verdict, /驗證未通過.*此 PDF 與所證明的不同/s);
  for (const sentence of await read(page, "#checks td:last-child")) assert.match(sentence, chinese);
  // A problem before any check.
  await choose(page, ["proof.spf"]);
  assert.match((await read(page, "#verdict"))[0], /請選擇一個已簽署的 PDF/);
  await choose(page, GOOD);
  for (const selector of ["#verdict h2", "#signers-title", "#facts th", "#checks th", "summary", "#known li", "button"]) {
    await page.locator("details").evaluateAll((all) => all.forEach((one) => { one.open = true; }));
    const all = await read(page, selector);
    assert.ok(all.length > 0, selector);
    for (const one of all) assert.match(one, chinese, selector);
  }
  // The answer that is shown follows the choice of a language, without another check.
  await page.selectOption("#language", "en-US");
  assert.equal(await page.getAttribute("html", "lang"), "en-US");
  assert.deepEqual(await read(page, "#verdict h2"), ["Test only"]);
  const rest = await page.evaluate(`(() => { const all = document.body.cloneNode(true);
    for (const one of all.querySelectorAll("script, noscript, option, #signers, #certificate ol")) one.remove(); return all.textContent; })()`);
  assert.doesNotMatch(rest, chinese);
  await page.context().close();
}

async function screens() {
  for (const colorScheme of ["light", "dark"]) {
    for (const [width, files] of [[1280, GOOD], [320, GOOD], [320, CHANGED], [1280, []]]) {
      const page = await open({ colorScheme, viewport: { width, height: 640 }, locale: "zh-TW" }, files);
      await page.locator("details").evaluateAll((all) => all.forEach((one) => { one.open = true; }));
      await accessible(page, `${colorScheme}, ${width}, ${files}`);
      await page.context().close();
    }
  }
  for (const width of [360, 1280]) {
    const page = await open({ viewport: { width, height: 640 } });
    await page.evaluate(`document.documentElement.style.fontSize = "200%"`);
    await accessible(page, `text at 200 %, ${width}`);
    await page.context().close();
  }
}

async function keyboard() {
  const page = await open();
  const reached = [];
  for (let press = 0; press < 9; press++) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(`(() => { const now = document.activeElement;
      const seen = getComputedStyle(now.id === "files" ? document.getElementById("zone") : now).outlineStyle;
      return [now.id || now.localName, seen]; })()`));
    if (press === 2) await page.keyboard.press("Enter");
  }
  assert.deepEqual(reached.map(([name]) => name), ["language", "files", "summary", "binding", "domain", "payload", "print", "summary", "summary"]);
  for (const [name, outline] of reached) assert.notEqual(outline, "none", name);
  await page.focus("#print");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate("printed"), 1);
  await page.context().close();
}

async function paper() {
  const page = await open();
  assert.equal(await page.locator("#certificate").isVisible(), false);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator("main").isVisible(), false);
  const [text] = await read(page, "#certificate");
  const hash = createHash("sha256").update(readFileSync(join(folder, "signed.pdf"))).digest("hex");
  for (const part of ["Test only. Right under a root certificate that is NOT AWS's", hash, "signed.pdf", "Mail.Example.com", "王小明",
    "Ada", "checked by mail and SMS", "checked by mail", "good, current", "11".repeat(48), "PCR2", "2023-11-14 22:13:20 UTC",
    "letsesign-verify proof"]) {
    assert.ok(text.includes(part), `${part} in ${text}`);
  }
  assert.equal((await page.pdf({ format: "A4" })).toString("latin1").match(/\/Type\s*\/Page\b/g).length, 1);
  await page.emulateMedia({ media: null });
  // A document that was changed has no certificate, also after one that had.
  await choose(page, CHANGED);
  await page.waitForSelector("#verdict[data-state=not-genuine]");
  assert.equal(await page.locator("#print").isVisible(), false);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator("main").isVisible(), true);
  assert.equal(await page.locator("#certificate").innerText(), "");
  await page.context().close();
}

async function viewer() {
  for (const width of [1600, 360]) {
    const page = await open({ viewport: { width, height: 900 } }, GOOD, "viewer.html");
    await page.waitForSelector("#view[data-pages='1']");
    assert.equal(await page.getAttribute("#frame iframe", "sandbox"), "allow-scripts");
    // Pages are drawn when they come into sight.
    await page.locator("#frame").scrollIntoViewIfNeeded();
    const frame = page.frames()[1];
    await frame.waitForSelector("canvas[data-drawn=true]");
    const [dark, label] = await frame.evaluate(() => {
      const canvas = document.querySelector("canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4) if (data[at] < 128) count++;
      return [count, canvas.ariaLabel];
    });
    assert.ok(dark > 50, `${dark} dark pixels`);
    assert.equal(label, "Page 1 of 1");
    // The frame reaches neither the verdict nor a network.
    const reach = await frame.evaluate(async () => {
      const tried = [];
      try { tried.push(parent.document.title); } catch { tried.push("no page"); }
      await fetch("http://127.0.0.1:9/").then(() => tried.push("network"), () => tried.push("no network"));
      const script = document.createElement("script");
      script.textContent = "globalThis.taken = true";
      document.body.append(script);
      tried.push(globalThis.taken ? "script" : "no script");
      return tried;
    });
    assert.deepEqual(reach, ["no page", "no network", "no script"]);
    // Nor does it go elsewhere with what it read.
    await frame.evaluate(`location = "http://127.0.0.1:9/taken"`);
    await page.waitForTimeout(300);
    assert.ok(!page.asked.some((url) => url.includes("taken")));
    // Only the frame is listened to.
    await page.evaluate(`postMessage({ state: "failed" }, "*")`);
    assert.equal(await page.locator("#view-status").innerText(), "");
    await accessible(page, `viewer, ${width}`);
    // A document that cannot be drawn: the page says so, in the language of the moment.
    await choose(page, ["garbage.pdf", "proof.spf"]);
    await page.locator("#view-status", { hasText: "cannot be shown here" }).waitFor();
    await page.selectOption("#language", "zh-TW");
    assert.match(await page.locator("#view-status").innerText(), /無法在這裡顯示/);
    assert.equal(await page.getAttribute("#frame iframe", "title"), "文件的頁面");
    // The document goes when other files are chosen.
    await choose(page, ["proof.spf"]);
    assert.equal(await page.locator("#frame iframe").count(), 0);
    assert.deepEqual(page.asked.filter((url) => !/^(?:file|blob|data|about):/.test(url)), []);
    await page.context().close();
  }
}

for (const part of [languages, screens, keyboard, paper, viewer]) {
  await part();
  console.log(part.name);
}
await browser.close();
