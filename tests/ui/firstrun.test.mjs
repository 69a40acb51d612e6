// The first start: one notification, once ever, that opens the tour.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { LabPage, assert, openBrowser } from './harness.mjs';

const TOUR = join(process.env.LAB_FOLDER, 'nextedit-tour.ipynb');

/** A page in a browser of its own. */
async function inBrowser(work, address) {
  const browser = await openBrowser();
  try {
    const lab = await LabPage.open(browser.context, address);
    await work(lab);
    assert.deepEqual(lab.errors, []);
  } finally {
    await browser.close();
  }
}

test('the first page offers the tour, and its button opens it', () =>
  inBrowser(async lab => {
    await lab.eventually(
      () => lab.toasts(),
      ([text]) => /Next Edit is on.*Open the Tour/.test(text),
      'nothing is offered'
    );
    await lab.screenshot('first-run');
    await lab.page.click('.Toastify__toast button:has-text("Open the Tour")');
    await lab.waitForNotebook('nextedit-tour.ipynb');
    assert.match(await lab.source(0), /^# A tour of nextedit-jupyter/);
    await lab.screenshot('first-run-tour');
  }));

test('other browsers say nothing more', async () => {
  const say = address =>
    inBrowser(async lab => {
      await lab.page.waitForSelector('.nextedit-status button');
      await lab.page.waitForTimeout(3000);
      assert.deepEqual(await lab.toasts(), [], address);
    }, address);
  await Promise.all([undefined, 'tree', 'notebooks/nextedit-tour.ipynb'].map(say));
});

test('opened again by the launcher and by the menu, the tour is the same file, untouched', () =>
  inBrowser(async lab => {
    const own = JSON.parse(readFileSync(TOUR, 'utf8'));
    own.cells[0].source = 'my own notes';
    writeFileSync(TOUR, JSON.stringify(own));
    await lab.page.click('.jp-LauncherCard:has-text("Next Edit Tour")');
    await lab.waitForNotebook('nextedit-tour.ipynb');
    assert.equal(await lab.source(0), 'my own notes');
    await lab.closeAll();
    await lab.chooseInMenu('Open the Tour');
    await lab.waitForNotebook('nextedit-tour.ipynb');
    assert.equal(await lab.source(0), 'my own notes');
  }));
