// How the views of the signer's page look: accessible, in narrow windows, with large text.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
export const LANGUAGES = ["en-US", "zh-TW"];
export const PHONE = { width: 390, height: 844 };
export const PIN = "493027";

/** axe, in both colour schemes; 320 pixels, and text of 200 %, without a horizontal scroll bar. */
async function inspect(page, name, { axe, pictures }) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe);
    const { violations } = await page.evaluate((rules) =>
      window.axe.run(document, { runOnly: rules }), RULES);
    assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes[0].html}`), [],
      `${name}, ${colorScheme}`);
  }
  for (const [width, size] of [[320, "100%"], [390, "200%"], [320, "200%"]]) {
    await page.setViewportSize({ width, height: 640 });
    const beyond = await page.evaluate((fontSize) => {
      document.documentElement.style.fontSize = fontSize;
      return document.documentElement.scrollWidth - innerWidth;
    }, size);
    assert.ok(beyond <= 0, `${name}: ${beyond} pixels beyond ${width} at ${size}`);
    await page.evaluate(() => { document.documentElement.style.fontSize = ""; });
  }
  await page.setViewportSize(PHONE);
  await page.emulateMedia({ colorScheme: "light" });
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}-phone.png` });
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.screenshot({ path: `${pictures}/${name}-desktop.png` });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.screenshot({ path: `${pictures}/${name}-dark.png` });
  await page.setViewportSize(PHONE);
}

/** Checks every view in every language. */
export async function lookAtViews({ host, check, title, press, say, axe, pictures }) {
  for (const language of LANGUAGES) {
    // The policy of the page would keep axe out.
    const options = { bypassCSP: true };
    const look = (name, link, steps) => check(`accessible: ${name}, ${language}`, async (open) => {
      const page = await open(link(), options);
      await steps?.(page);
      await inspect(page, `${name}-${language}`, { axe, pictures });
    });
    const ask = (more = {}) => () => host.ask({ locale: language, ...more }).link;
    const next = (page) => press(page, "continue", language);
    const at = (page, key) => title(page, say(key, {}, language));
    const fileName = `${"Rahmenvertrag_über_die_Lieferung_".repeat(5)}.pdf`;
    await look("review", ask({ pin: PIN }));
    await look("review-long", ask({ fileName, domain: `${"a".repeat(60)}.example.com` }));
    await look("confirm", ask(), async (page) => {
      await next(page);
      await at(page, "confirmTitle");
    });
    await look("pin", ask({ pin: PIN }), async (page) => {
      await next(page);
      await press(page, "sendPin", language);
      await page.fill("#pin", "000000");
      await press(page, "sign", language);
      await page.waitForSelector("#notice");
    });
    await look("decline", ask(), (page) => press(page, "decline", language));
    await look("working", ask(), async (page) => {
      await next(page);
      await at(page, "confirmTitle");
      host.delay = 60_000;
      await press(page, "sign", language);
      await page.waitForSelector(".progress");
    });
    await look("confirmed", ask(), async (page) => {
      await next(page);
      await press(page, "sign", language);
      await at(page, "confirmedTitle");
    });
    for (const [state, key] of [["confirmed", "already"], ["declined", "declined"],
      ["void", "void"],
      ["expired", "expired"], ["superseded", "superseded"], ["ended", "ended"]]) {
      await look(key, ask({ state }), async (page) => {
        await next(page);
        await at(page, `${key}Title`);
      });
    }
    await look("unknown", ask({ known: false }), async (page) => {
      await next(page);
      await at(page, "unknownTitle");
    });
    const chosen = (key) => async (page) => {
      await page.selectOption("#language", language);
      await at(page, `${key}Title`);
    };
    await look("damaged", () => host.ask().link.slice(0, -9), chosen("damaged"));
    await look("reopen", () => `${host.origin}/sign/`, chosen("reopen"));
  }
}
