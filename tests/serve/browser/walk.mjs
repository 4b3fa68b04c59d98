// A sender sends a PDF by the sender's page, and two people sign in headless Chromium, in order:
// one in English, one in Chinese with a PIN. The sender downloads and verifies. In a second task
// somebody declines. Every view of the signer's page is checked for accessibility, by axe, in both
// colour schemes and at the width of a small phone.
//
//   node walk.mjs START MODULES CHROMIUM
//
// START is the start page of `cargo xtask serve`, MODULES the folder with node_modules.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const [start, modules, executablePath] = process.argv.slice(2);
const required = createRequire(`${modules}/`);
const { chromium } = required("playwright-core");
const { PDFDocument } = required("pdf-lib");
const axe = readFileSync(`${modules}/node_modules/axe-core/axe.min.js`, "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const LIMIT = 60_000;

const browser = await chromium.launch({
  executablePath,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const get = async (path) => (await fetch(start + path)).json();

/** Something that comes in time. */
async function until(what, find) {
  for (const end = Date.now() + LIMIT; Date.now() < end; await sleep(100)) {
    const found = await find();
    if (found) return found;
  }
  throw new Error(`${what} does not come`);
}

/** The link in the newest mail to an address, after `seen` mails. */
const link = (address, seen) => until(`the mail to ${address}`, async () => {
  const { mails } = await get("mails");
  for (const mail of mails.slice(seen).reverse()) {
    if (mail.to[0] !== address) continue;
    const html = await (await fetch(`${start}mails/${mail.id}`)).text();
    const found = /href="(http:[^"]*#letsesign2=[\w-]+)"/.exec(html);
    if (found) return found[1];
  }
  return null;
});

/** No violation, in both colour schemes, and nothing beyond the width of a small phone. */
async function check(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe);
    const { violations } = await page.evaluate((rules) => axe.run(document, { runOnly: rules }),
      RULES);
    assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes[0].html}`), [], name);
  }
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(beyond <= 0, `${name}: ${beyond} pixels beyond 320`);
  await page.setViewportSize(size);
}

/** The page of a link, before anything was pressed. */
async function open(url, language) {
  // The policy of the page would keep axe out; a page without it is looked at in between.
  const context = await browser.newContext({ bypassCSP: true, viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  const requests = [];
  const problems = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(url);
  await page.waitForSelector("h1");
  assert.equal(await page.evaluate(() => document.documentElement.lang), language);
  // Mail scanners get as far as this.
  await sleep(500);
  assert.deepEqual(requests.filter((one) => one.includes("/api/")), []);
  const secret = url.slice(url.indexOf("#letsesign2=") + 12);
  const shown = await page.evaluate(() => location.href + document.referrer
    + JSON.stringify(history.state) + document.documentElement.outerHTML);
  assert.ok(!shown.includes(secret.slice(0, 40)), shown);
  return { page, problems, requests };
}

const title = (page, text) =>
  page.waitForFunction((wanted) => document.querySelector("h1")?.textContent === wanted, text,
    { timeout: LIMIT });

async function signInEnglish(seen) {
  const url = await link("ada@example.com", seen);
  const { page, problems, requests } = await open(url, "en-US");
  await check(page, "review");
  // By keyboard alone.
  await page.focus("button.primary");
  await page.keyboard.press("Enter");
  await title(page, "Sign contract.pdf?");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1");
  await check(page, "confirm");
  const before = requests.filter((one) => one.endsWith("/answers")).length;
  await page.dblclick("button.primary");
  await title(page, "You have signed");
  const sent = requests.filter((one) => one.endsWith("/answers")).length - before;
  assert.equal(sent, 1, "a double click is one answer");
  await check(page, "confirmed");
  assert.deepEqual(problems, []);
  // Loaded anew, the page has forgotten the link.
  await page.reload();
  await title(page, "Open the link in the mail again");
  // The link again says so; a link that was cut says that.
  const again = await open(url, "en-US");
  await again.page.click("button.primary");
  await title(again.page, "You have signed this document already");
  await check(again.page, "already");
  const cut = await browser.newPage();
  await cut.goto(url.slice(0, -30));
  await title(cut, "This link is not complete");
}

async function signInChinese(seen) {
  const url = await link("ming@example.com", seen);
  const { page, problems } = await open(url, "zh-TW");
  await check(page, "review in Chinese");
  await page.click("button.primary");
  await title(page, "要簽署 contract.pdf 嗎？");
  await page.click("button.primary");
  await page.waitForSelector("#pin", { timeout: LIMIT });
  await check(page, "PIN");
  const { texts } = await get("texts");
  await page.fill("#pin", texts.at(-1).pin === "000000" ? "111111" : "000000");
  await page.click("button.primary");
  await page.waitForSelector("#notice", { timeout: LIMIT });
  assert.match(await page.textContent("#notice"), /驗證碼錯誤/);
  await check(page, "wrong PIN");
  await page.fill("#pin", texts.at(-1).pin);
  await page.keyboard.press("Enter");
  await title(page, "您已完成簽署");
  await check(page, "confirmed in Chinese");
  assert.deepEqual(problems, []);
}

async function decline(seen) {
  const { page, problems } = await open(await link("ada@example.com", seen), "en-US");
  await page.click("button:not(.primary)");
  await title(page, "Decline to sign contract.pdf?");
  await check(page, "decline");
  await page.fill("#reason", "not like this");
  // The network is away for a moment: the same answer arrives later.
  await page.context().setOffline(true);
  await page.click("button.danger");
  await sleep(700);
  await page.context().setOffline(false);
  await title(page, "You have declined");
  await check(page, "declined");
  assert.deepEqual(problems, []);
}

async function send() {
  const seen = (await get("mails")).mails.length;
  const page = await browser.newPage();
  await page.goto(start);
  const isSent = (answer) => answer.request().method() === "POST";
  const [sent] = await Promise.all([page.waitForResponse(isSent), page.click("#send")]);
  assert.equal(sent.status(), 200);
  await page.close();
  return seen;
}

const state = (wanted) => until(`a task that is ${wanted}`, async () =>
  (await get("tasks")).tasks.find((task) => task.state === wanted));

/** A page's button, by what it says. */
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

/** The files of an archive that compresses nothing. */
function files(zip) {
  const found = {};
  for (let at = 0; zip.readUInt32LE(at) === 0x04034b50;) {
    const size = zip.readUInt32LE(at + 18);
    const from = at + 30 + zip.readUInt16LE(at + 26) + zip.readUInt16LE(at + 28);
    const name = zip.toString("utf8", at + 30, at + 30 + zip.readUInt16LE(at + 26));
    found[name] = zip.subarray(from, from + size);
    at = from + size;
  }
  return found;
}

/** Sends a PDF of two pages to two people by the sender's page, which stays open. */
async function sendByPage() {
  const seen = (await get("mails")).mails.length;
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 },
    locale: "en-US" });
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT);
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (line) => line.type() === "error"
    && problems.push(`${line.text()} ${line.location().url}`));
  const { senderPage } = await get("addresses");
  await page.goto(senderPage);
  await page.getByRole("heading", { name: "Send", exact: true }).waitFor();
  assert.ok(!page.url().includes("token"), page.url());
  const pdf = await PDFDocument.create();
  pdf.addPage([600, 800]).drawText("Contract");
  pdf.addPage([600, 800]);
  await page.setInputFiles("#file", { name: "contract.pdf", mimeType: "application/pdf",
    buffer: Buffer.from(await pdf.save()) });
  await page.locator(".page").nth(1).waitFor();
  const people = [["Ada Lovelace", "ada@example.com", "", "en-US"],
    ["王小明", "ming@example.com", "+14155550123", "zh-TW"]];
  for (const [number, [name, email, phone, locale]] of people.entries()) {
    await press(page, "Add signer");
    const signer = page.locator("fieldset.signer").nth(number);
    await signer.getByRole("textbox", { name: "Full name" }).fill(name);
    await signer.getByRole("textbox", { name: "E-mail" }).fill(email);
    if (phone) await signer.getByRole("textbox", { name: "Phone" }).fill(phone);
    await signer.getByRole("combobox", { name: "Language" }).selectOption(locale);
    await page.selectOption("#who", String(number));
    for (const [type, on, y] of [["signature", 0, 300], ["date", 0, 380], ["name", 1, 60],
      ["email", 1, 90]]) {
      await page.selectOption("#type", type);
      const canvas = page.locator(".page canvas").nth(on);
      const scale = (await canvas.evaluate((node) => node.clientWidth)) / 600;
      await canvas.click({ position: { x: (60 + 260 * number) * scale, y: y * scale } });
    }
  }
  await page.getByRole("textbox", { name: "Message" }).fill("Please sign our contract.");
  await press(page, "Check and send");
  await page.getByRole("dialog").getByText("ming@example.com").first().waitFor();
  await press(page, "Confirm");
  await page.getByRole("heading", { name: "contract.pdf" }).waitFor();
  return { page, problems, seen };
}

/** The signed files, verified by the sender's page. */
async function verifyByPage(page) {
  await page.getByText("Completed ·").waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), press(page, "Download")]);
  assert.equal(download.suggestedFilename(), "contract.pdf.zip");
  const got = files(readFileSync(await download.path()));
  assert.deepEqual(Object.keys(got).map((name) => name.slice(-4)), [".pdf", ".spf"]);
  const [pdf, spf] = Object.values(got);
  await page.evaluate(() => { location.hash = "#verify"; });
  const check = async (buffer) => {
    await page.setInputFiles("#pdf", { name: "a.pdf", mimeType: "application/pdf", buffer });
    await page.setInputFiles("#spf", { name: "a.spf", mimeType: "", buffer: spf });
    await press(page, "Check");
  };
  await check(pdf);
  await page.getByRole("heading", { name: "The document is genuine, for tests alone" }).waitFor();
  await check(Buffer.concat([pdf, Buffer.from("\n")]));
  await page.getByRole("heading", { name: "The document is not proven genuine." }).waitFor();
}

const sender = await sendByPage();
await signInEnglish(sender.seen);
await sender.page.getByText("Ada Lovelace <ada@example.com>: Signed").waitFor();
await signInChinese(sender.seen);
await state("completed");
await verifyByPage(sender.page);
assert.deepEqual(sender.problems, []);
const page = await browser.newPage();
await page.goto(start);
await page.waitForSelector("text=Download .pdf", { timeout: LIMIT });
const [download] = await Promise.all([
  page.waitForEvent("download"), page.click("text=Download .pdf")]);
assert.equal(download.suggestedFilename(), "contract.pdf");
await decline(await send());
const declined = await state("declined");
assert.equal(declined.reason, "not like this");

// A page in a frame refuses: host and header say no, and the page itself as well.
const framed = await browser.newPage();
await framed.setContent(`<iframe src="${(await get("addresses")).signer}"></iframe>`);
await sleep(500);
const text = await framed.frames()[1].evaluate(() => document.body?.innerText ?? "").catch(() => "");
assert.ok(!text.includes("asks you to sign"), text);
await browser.close();
console.log("signed and declined");
