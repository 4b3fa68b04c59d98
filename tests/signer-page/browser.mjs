// The signer's page in headless Chromium, against a double of the host that opens answers as the
// enclave does. What a whole service makes of it is tested in tests/serve.
//
//   node tests/signer-page/browser.mjs [MODULES [CHROMIUM [PICTURES]]]
//
// MODULES is the folder with node_modules (target/browser). With PICTURES, views are saved there.
// Prints one line per check; a failure ends it with an exit code other than 0.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Double } from "./double.mjs";
import { LANGUAGES, PHONE, PIN, lookAtViews } from "./views.mjs";

const [folder = "target/browser", executablePath = "/usr/bin/chromium", pictures] =
  process.argv.slice(2);
const modules = resolve(folder);
const { chromium } = createRequire(`${modules}/`)("playwright-core");
const axe = readFileSync(`${modules}/node_modules/axe-core/axe.min.js`, "utf8");

const host = new Double();
await host.start();
const browser = await chromium.launch({
  executablePath,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const texts = Object.fromEntries(LANGUAGES.map((name) => [name, JSON.parse(readFileSync(
  new URL(`../../host/web/signer/locales/${name}.json`, import.meta.url), "utf8"))]));
const say = (key, values = {}, language = "en-US") =>
  texts[language][key].replace(/\{(\w+)\}/g, (_, name) =>
    ({ fileName: "contract.pdf", domain: "example.com", ...values })[name]);

let failures = 0;
async function check(name, run) {
  host.calls = [];
  host.drop = { before: 0, after: 0 };
  host.delay = 0;
  host.framed = false;
  const contexts = [];
  /** A page of a context of its own, at a link. */
  const open = async (link, options = {}) => {
    const context = await browser.newContext({ viewport: PHONE, locale: "en-US", ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    page.problems = [];
    page.asked = [];
    page.on("pageerror", (error) => page.problems.push(error.message));
    page.on("console", (message) => {
      if (/Content Security Policy/.test(message.text())) page.problems.push(message.text());
    });
    page.on("request", (request) => page.asked.push(request.url()));
    if (link) {
      await page.goto(link);
      await page.waitForSelector("h1");
    }
    return page;
  };
  try {
    await run(open);
    for (const context of contexts) {
      for (const page of context.pages()) {
        assert.deepEqual(page.problems, []);
        const foreign = page.asked.filter((url) => !url.startsWith(host.origin));
        assert.deepEqual(foreign, [], "requests elsewhere");
      }
    }
    console.log(`ok: ${name}`);
  } catch (error) {
    failures += 1;
    console.log(`FAILED: ${name}: ${error.stack}`);
  }
  for (const context of contexts) await context.close();
}

const title = (page, text) => page.waitForFunction(
  (wanted) => document.querySelector("h1")?.textContent === wanted, text);
const press = (page, key, language) =>
  page.click(`button:text-is("${say(key, {}, language)}")`);
const posts = () => host.calls.filter(({ method }) => method === "POST");
/** From the first view to the one with the button that signs. */
async function proceed(page) {
  await press(page, "continue");
  await title(page, say("confirmTitle"));
}

await check("nothing is asked of the service before a press", async (open) => {
  const page = await open(host.ask().link);
  await page.mouse.move(100, 300);
  await page.mouse.wheel(0, 400);
  await page.selectOption("#language", "zh-TW");
  await title(page, say("reviewTitle", {}, "zh-TW"));
  await sleep(700);
  assert.deepEqual(host.calls, []);
  await press(page, "continue", "zh-TW");
  await title(page, say("confirmTitle", {}, "zh-TW"));
  assert.equal(host.calls.length, 1, "the counter counts");
});

await check("the secret is in no address, history, storage, text or request", async (open) => {
  const { link } = host.ask();
  const page = await open(link);
  const fragment = link.slice(link.indexOf("#"));
  const { key } = JSON.parse(Buffer.from(fragment.slice(fragment.indexOf("=") + 1), "base64url"));
  assert.equal(await page.evaluate(() => location.href), `${host.origin}/sign/`);
  await proceed(page);
  await press(page, "sign");
  await title(page, say("confirmedTitle"));
  const seen = await page.evaluate(() => [location.href, document.referrer, document.cookie,
    JSON.stringify([history.state, { ...localStorage }, { ...sessionStorage }, name]),
    document.documentElement.outerHTML].join("\n"));
  const session = await page.context().newCDPSession(page);
  const { entries } = await session.send("Page.getNavigationHistory");
  const all = seen + JSON.stringify(entries.map(({ url }) => url))
    + host.received.join() + JSON.stringify(host.calls);
  for (const secret of [key, Buffer.from(key, "base64url").toString("base64"),
    Buffer.from(key, "base64url").toString("hex"), fragment.slice(0, 60)]) {
    assert.ok(!all.includes(secret));
  }
  await page.reload();
  await title(page, say("reopenTitle"));
});

await check("a link that is put into the open page's address bar is read and forgotten",
  async (open) => {
    const { link } = host.ask();
    const page = await open(link.slice(0, -20));
    await title(page, say("damagedTitle"));
    await page.goto(link);
    await title(page, say("reviewTitle"));
    assert.equal(await page.evaluate(() => location.href), `${host.origin}/sign/`);
    const session = await page.context().newCDPSession(page);
    const history = JSON.stringify(await session.send("Page.getNavigationHistory"));
    assert.ok(!history.includes(link.slice(-60)), history);
  });

await check("confirm", async (open) => {
  const request = host.ask();
  const page = await open(request.link);
  await proceed(page);
  await press(page, "sign");
  await title(page, say("confirmedTitle"));
  assert.deepEqual(request.opened, [{ action: "confirm", pin: undefined, reason: undefined }]);
  assert.equal(request.state, "confirmed");
});

await check("a PIN: none, a wrong one, the right one with a space", async (open) => {
  const request = host.ask({ pin: PIN });
  const page = await open(request.link);
  await proceed(page);
  assert.equal(await page.locator(`button:text-is("${say("sign")}")`).count(), 0);
  await press(page, "sendPin");
  await page.waitForSelector("#pin");
  assert.equal(await page.evaluate(() => document.activeElement.id), "pin");
  await press(page, "sign");
  assert.equal(await page.textContent("#notice"), say("pinMissing"));
  assert.equal(posts().length, 1, "nothing is sent without a PIN");
  await page.fill("#pin", "000000");
  await page.keyboard.press("Enter");
  await page.waitForSelector(`#notice:text-is("${say("wrongPin")}")`);
  assert.equal(await page.inputValue("#pin"), "");
  assert.equal(request.state, "open");
  await page.fill("#pin", "493 027");
  await page.selectOption("#language", "zh-TW");
  await title(page, say("confirmTitle", {}, "zh-TW"));
  assert.equal(await page.inputValue("#pin"), "493 027", "the language takes nothing away");
  await page.focus("#pin");
  await page.keyboard.press("Enter");
  await title(page, say("confirmedTitle", {}, "zh-TW"));
  assert.deepEqual(request.opened.map(({ action, pin }) => [action, pin]),
    [["requestPin", undefined], ["confirm", "000000"], ["confirm", PIN]]);
});

await check("decline with a reason, and without one", async (open) => {
  const reason = "Clause 4: \"no\"\n不同意 🙂";
  for (const [typed, sent] of [[reason, reason], ["  ", undefined]]) {
    const request = host.ask();
    const page = await open(request.link);
    await press(page, "decline");
    await page.fill("#reason", typed);
    await page.selectOption("#language", "zh-TW");
    await title(page, say("declineTitle", {}, "zh-TW"));
    assert.equal(await page.inputValue("#reason"), typed, "the language takes nothing away");
    await press(page, "declineForGood", "zh-TW");
    await title(page, say("declinedTitle", {}, "zh-TW"));
    assert.deepEqual(request.opened, [{ action: "decline", pin: undefined, reason: sent }]);
  }
});

await check("a reason has 1000 characters at most, as the protocol counts", async (open) => {
  const request = host.ask();
  const page = await open(request.link);
  await press(page, "decline");
  await page.fill("#reason", "🙂".repeat(1005));
  assert.equal(await page.textContent("#left"), say("reasonLeft", { left: 0 }));
  await press(page, "declineForGood");
  await title(page, say("declinedTitle"));
  assert.equal(request.opened[0].reason, "🙂".repeat(1000));
});

for (const [state, key] of [["expired", "expired"], ["void", "void"], ["ended", "ended"],
  ["superseded", "superseded"], ["confirmed", "already"], ["declined", "declined"]]) {
  await check(`a request that is ${state}, at first and later`, async (open) => {
    const page = await open(host.ask({ state }).link);
    await press(page, "continue");
    await title(page, say(`${key}Title`));
    assert.equal(await page.locator("button").count(), 0);
    const request = host.ask();
    const late = await open(request.link);
    await proceed(late);
    request.state = state;
    await press(late, "sign");
    await title(late, say(`${key}Title`));
    assert.deepEqual(request.opened, []);
  });
}

await check("refusals of the enclave: expired, void, and another code", async (open) => {
  for (const [code, key] of [[2406, "expired"], [2405, "void"]]) {
    const page = await open(host.ask({}).link);
    [...host.requests.values()].at(-1).fate = { state: "refused", code };
    await proceed(page);
    await press(page, "sign");
    await title(page, say(`${key}Title`));
  }
  for (const fate of [{ state: "refused", code: 2407 }, { state: "failed" }]) {
    const page = await open(host.ask({}).link);
    [...host.requests.values()].at(-1).fate = fate;
    await proceed(page);
    await press(page, "sign");
    await page.waitForSelector(`#notice:text-is("${say(fate.state, fate)}")`);
  }
});

await check("a limit, a request at work, and an unknown request", async (open) => {
  const request = host.ask();
  const page = await open(request.link);
  await proceed(page);
  request.limited = true;
  await press(page, "sign");
  await page.waitForSelector(`#notice:text-is("${say("tooMany")}")`);
  request.limited = false;
  request.state = "answering";
  await press(page, "sign");
  await page.waitForSelector(`#notice:text-is("${say("busy")}")`);
  assert.deepEqual(request.opened, []);
  const unknown = await open(host.ask({ known: false }).link);
  await press(unknown, "continue");
  await title(unknown, say("unknownTitle"));
});

await check("a link whose time is over, by the link itself", async (open) => {
  await title(await open(host.ask({ expiry: Date.now() - 1 }).link), say("expiredTitle"));
  assert.deepEqual(host.calls, []);
});

await check("a cut, an altered and a missing link", async (open) => {
  const { link } = host.ask();
  const other = host.ask().link;
  const at = link.indexOf("=") + 1;
  const parsed = JSON.parse(Buffer.from(link.slice(at), "base64url"));
  const { key } = JSON.parse(Buffer.from(other.slice(at), "base64url"));
  const mixed = Buffer.from(JSON.stringify({ ...parsed, key })).toString("base64url");
  for (const bad of [link.slice(0, -1), link.slice(0, at + 80), `${link}.`,
    link.slice(0, at) + mixed]) {
    await title(await open(bad), say("damagedTitle"));
  }
  await title(await open(`${host.origin}/sign/`), say("reopenTitle"));
  assert.deepEqual(host.calls, []);
});

await check("names cannot bring markup, nor turn the text around", async (open) => {
  const fileName = "<img src=x onerror=alert(1)>\u202efdp.exe {until}";
  const page = await open(host.ask({ fileName }).link);
  assert.equal(await page.textContent("dd"), fileName.replace("\u202e", "\ufffd"));
  assert.equal(await page.locator("img").count(), 0);
});

for (const when of ["before", "after"]) {
  await check(`calls are lost ${when} the service has worked them: the same bytes again`,
    async (open) => {
      const request = host.ask();
      const page = await open(request.link);
      await proceed(page);
      host.drop[when] = 2;
      await press(page, "sign");
      await title(page, say("confirmedTitle"));
      const bodies = posts().map(({ body }) => body);
      assert.equal(bodies.length, 3);
      assert.equal(new Set(bodies).size, 1);
      assert.equal(request.opened.length, 1);
    });
}

await check("the network stays away: a notice, and the next press sends the same bytes",
  async (open) => {
    const request = host.ask({ pin: PIN });
    const page = await open(request.link);
    await proceed(page);
    // The first call is worked, and its answer is lost: another answer would be a second SMS.
    host.drop.after = Infinity;
    await press(page, "sendPin");
    await page.waitForSelector(`#notice:text-is("${say("offline")}")`);
    assert.ok(posts().length >= 6);
    host.drop.after = 0;
    await press(page, "sendPin");
    await page.waitForSelector("#pin");
    assert.equal(new Set(posts().map(({ body }) => body)).size, 1);
    assert.equal(request.opened.length, 1);
  });

await check("a double click, and clicks while it is worked, are one answer", async (open) => {
  const request = host.ask();
  const page = await open(request.link);
  await proceed(page);
  host.delay = 1500;
  await page.dblclick("button.primary");
  await page.click("button.primary", { force: true });
  assert.equal(await page.getAttribute("button.primary", "aria-disabled"), "true");
  await page.selectOption("#language", "zh-TW");
  await title(page, say("confirmTitle", {}, "zh-TW"));
  assert.equal(await page.getAttribute("button.primary", "aria-disabled"), "true");
  await page.click("button.primary", { force: true });
  await title(page, say("confirmedTitle", {}, "zh-TW"));
  assert.equal(posts().length, 1);
  assert.equal(request.opened.length, 1);
});

await check("in a frame: the host's headers refuse, and the page by itself", async (open) => {
  const { link } = host.ask();
  for (const framed of [false, true]) {
    host.framed = framed;
    const page = await open();
    await page.goto(`${host.origin}/empty`);
    await page.setContent(`<iframe src="${link}" width="380" height="700"></iframe>`);
    await sleep(800);
    const shown = await page.frames()[1].evaluate(() => ({
      title: document.querySelector("h1")?.textContent,
      buttons: document.querySelectorAll("main button").length,
    }));
    assert.equal(shown.buttons, 0);
    // Chromium puts a page of its own there.
    if (framed) assert.equal(shown.title, say("framedTitle"));
    else assert.match(shown.title, /is blocked/);
    page.problems = [];
  }
  assert.deepEqual(host.calls, []);
});

await check("by keyboard alone, with a visible focus", async (open) => {
  const request = host.ask({ pin: PIN });
  const page = await open(request.link);
  const reach = async (text) => {
    for (let tabs = 0; tabs < 12; tabs += 1) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => {
        const one = document.activeElement;
        return { text: one.textContent, outline: getComputedStyle(one).outlineStyle };
      });
      if (at.text !== text) continue;
      assert.equal(at.outline, "solid", text);
      return;
    }
    throw new Error(`${text} is not reached`);
  };
  await reach(say("continue"));
  await page.keyboard.press("Enter");
  await title(page, say("confirmTitle"));
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1");
  await reach(say("sendPin"));
  await page.keyboard.press("Space");
  await page.waitForSelector("#pin");
  await page.keyboard.type(PIN);
  await reach(say("sign"));
  await page.keyboard.press("Enter");
  await title(page, say("confirmedTitle"));
  assert.equal(await page.textContent("#status"), "", "no message stays behind");
});

await lookAtViews({ host, check, title, press, say, axe, pictures });

await browser.close();
host.end();
if (failures > 0) {
  console.log(`${failures} failed`);
  process.exitCode = 1;
}
