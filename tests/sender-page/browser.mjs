// The sender's page in Chromium: node browser.mjs NODE_MODULES CHROMIUM PAGE [SCREENSHOTS]
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { double } from './double.mjs';

const [modules, executablePath, root, shots] = process.argv.slice(2);
const require = createRequire(resolve(modules, 'x.js'));
const { chromium } = require('playwright-core');
const { PDFDocument, degrees } = require('pdf-lib');
const axe = await readFile(join(modules, 'axe-core/axe.min.js'), 'utf8');

const made = await PDFDocument.create();
made.addPage([600, 800]).drawText('Contract');
made.addPage([600, 800]).setRotation(degrees(90));
made.addPage([400, 500]).setMediaBox(100, 200, 400, 500);
const pdf = Buffer.from(await made.save());

const TOKEN = 'secret-token_1';
const { seen, server, port } = await double(root, TOKEN, PDFDocument);
const home = `http://127.0.0.1:${port}/`;
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 1100, height: 900 },
  locale: 'en-US', bypassCSP: false });
const page = await context.newPage();
page.setDefaultTimeout(15000);
const faults = [];
page.on('pageerror', (error) => faults.push(String(error)));
page.on('console', (line) => line.type() === 'error' && faults.push(line.text()));
const addresses = [];
context.on('request', (request) => addresses.push(request.url()));
const press = (name) => page.getByRole('button', { name, exact: true }).click();

try {
  // Without a token nothing is asked.
  await page.goto(home);
  await page.getByText('Start the program again').waitFor();
  assert.deepEqual(seen.calls, []);

  await page.goto(`${home}?1#token=${TOKEN}`);
  await page.getByRole('heading', { name: 'Send', exact: true }).waitFor();
  assert.ok(!page.url().includes(TOKEN), page.url());
  assert.equal(await page.evaluate(() => history.length), 3);

  // A bad document shows the program's reason; sending names every problem.
  await page.setInputFiles('#file', { name: 'x.pdf', mimeType: 'application/pdf',
    buffer: Buffer.from('no') });
  await page.getByText('This is not a PDF.').first().waitFor();
  await press('Add signer');
  await press('Check and send');
  await page.getByText('Choose a PDF first. Signer 1 needs a name.').first().waitFor();

  await page.setInputFiles('#file', { name: 'contract.pdf', mimeType: 'application/pdf',
    buffer: pdf });
  await page.locator('.page').nth(2).waitFor();
  await page.getByRole('textbox', { name: 'Full name' }).fill('Ada');
  await page.getByRole('textbox', { name: 'E-mail' }).fill('ada@example.com');
  faults.splice(0, faults.length, ...faults.filter((text) => !text.includes('400')));

  // By mouse on each kind of page; the field's corner is where the click was.
  for (const [number, width] of [[0, 600], [1, 800], [2, 400]]) {
    const canvas = page.locator('.page canvas').nth(number);
    const size = await canvas.evaluate((node) => node.clientWidth);
    const scale = size / width;
    await canvas.click({ position: { x: 100 * scale, y: 50 * scale } });
    await page.locator('.page').nth(number).locator('.mark').waitFor();
  }
  // By keyboard: (36, 36), then 3 right, 10 down, 2 higher; another one is deleted.
  await page.selectOption('#type', 'date');
  await page.selectOption('#page', { value: '1' });
  await press('Add field');
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'Shift+ArrowDown', '+', '+']) {
    await page.keyboard.press(key);
  }
  await press('Add field');
  await page.keyboard.press('Delete');
  // Dragging moves by the distance of the pointer.
  const mark = page.locator('.page').nth(0).locator('.mark');
  await mark.scrollIntoViewIfNeeded();
  const box = await mark.boundingBox();
  const scale = await page.locator('.page canvas').nth(0)
    .evaluate((node) => node.clientWidth / 600);
  await page.mouse.move(box.x + 10, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + 10 + 60 * scale, box.y + 10 + 30 * scale, { steps: 4 });
  await page.mouse.up();
  if (shots) await page.screenshot({ path: join(shots, 'send.png'), fullPage: true });

  await press('Save as template');
  await page.getByRole('dialog').getByRole('textbox').fill('Lease');
  await press('Confirm');
  await page.getByText('The template is saved').waitFor({ state: 'attached' });
  await page.getByRole('spinbutton', { name: 'Remind every' }).fill('3');
  await page.getByRole('textbox', { name: 'Mail news to' }).fill('boss');
  await press('Check and send');
  await page.getByText('The address for news is not').first().waitFor();
  await page.getByRole('textbox', { name: 'Mail news to' }).fill('boss@sender.example');
  await press('Check and send');
  await page.getByRole('dialog').getByText('Ada <ada@example.com>').first().waitFor();
  assert.equal(seen.tasks.length, 0);
  await press('Confirm');
  await page.getByRole('heading', { name: 'contract.pdf' }).waitFor();
  const { sent } = seen.tasks[0];
  assert.deepEqual(sent.reminders, { afterHours: 72, times: 4 });
  assert.deepEqual(sent.notify, { email: 'boss@sender.example', locale: 'en-US' });
  assert.ok(!('password' in sent));
  const { fields } = sent.signers[0];
  const near = (field, type, on, x, y, height) => {
    assert.equal(field.type, type);
    assert.equal(field.page, on);
    assert.equal(field.height, height);
    assert.ok(Math.abs(field.x - x) <= 1 && Math.abs(field.y - y) <= 1, JSON.stringify(field));
  };
  assert.equal(fields.length, 4);
  near(fields[0], 'signature', 0, 160, 80, 40);
  near(fields[1], 'signature', 1, 100, 50, 40);
  near(fields[2], 'signature', 2, 100, 50, 40);
  assert.deepEqual(fields[3], { type: 'date', page: 1, x: 39, y: 46, height: 16 });

  await press('Remind');
  await press('History');
  await page.getByText('created').waitFor();
  assert.equal(seen.tasks[0].remind, 0);
  // A job whose fate is unknown is the sender's to decide.
  seen.tasks[0].needsDecision = [{ job: 'j1', function: 'sendReq', signer: 0 }];
  await press('Work it again');
  await page.getByRole('button', { name: 'Give it up' }).waitFor({ state: 'detached' });
  assert.deepEqual(seen.tasks[0].decided, { job: 'j1', retry: true });
  await press('Void');
  await page.getByRole('dialog').getByRole('textbox').fill('Mistake');
  await press('Confirm');
  await page.getByText('Void ·').waitFor();
  assert.equal(seen.tasks[0].voided, 'Mistake');
  seen.tasks[0].state = 'completed';
  const [download] = await Promise.all([page.waitForEvent('download'), press('Download')]);
  assert.equal(await readFile(await download.path(), 'utf8'), 'PK-signed');

  await page.goto(`${home}?1#templates`);
  await press('Use');
  await page.locator('.mark').nth(3).waitFor();
  assert.deepEqual(seen.templates.get('Lease').roles[0].fields, fields);
  await page.goto(`${home}?1#templates`);
  await press('Delete');
  await press('Confirm');
  await page.getByText('There are no templates yet.').waitFor();
  assert.equal(seen.templates.size, 0);

  await page.goto(`${home}?1#verify`);
  const check = async (text) => {
    await page.setInputFiles('#pdf', { name: 'a.pdf', mimeType: 'application/pdf',
      buffer: Buffer.from(text) });
    await page.setInputFiles('#spf', { name: 'a.spf', mimeType: '', buffer: Buffer.from('p') });
    await press('Check');
  };
  await check('good');
  await page.getByRole('heading', { name: 'The document is genuine.' }).waitFor();
  await check('test');
  await page.getByRole('heading', { name: 'for tests alone' }).waitFor();
  await check('bad');
  await page.getByRole('heading', { name: 'The document is not proven genuine.' }).waitFor();
  await page.getByText('The hash differs.').waitFor();

  // Every view, in both languages and colour schemes, on a narrow screen.
  await page.setViewportSize({ width: 320, height: 700 });
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const tag of ['en-US', 'zh-TW']) {
      await page.selectOption('#lang', tag);
      for (const view of ['send', 'tasks', 'verify', 'templates']) {
        await page.evaluate((to) => { location.hash = to; }, view);
        await page.locator(`nav a[href="#${view}"][aria-current]`).waitFor();
        await page.waitForTimeout(150);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), [],
          `${colorScheme} ${tag} ${view}`);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320), view);
        if (shots) await page.screenshot({
          path: join(shots, `${view}-${tag}-${colorScheme}.png`) });
      }
    }
  }
  assert.equal(seen.refused, 0);
  for (const url of addresses) {
    assert.ok(url.startsWith(home) || /^(blob|data):/.test(url), url);
    assert.ok(!new URL(url).search.includes(TOKEN), url);
  }
  assert.deepEqual(faults, []);
  console.log('1 passed, 0 failed');
} finally {
  await browser.close();
  server.close();
}
