// Notebook 7: the same extension in the simpler front end.

import { after, before, test } from 'node:test';

import { LabPage, assert, openBrowser, writeNotebook } from './harness.mjs';

const PATH = 'seven.ipynb';
let browser;
let lab;

before(async () => {
  browser = await openBrowser();
  writeNotebook(PATH, ['total = 41', 'print(total)', '', '']);
  lab = await LabPage.open(browser.context, `notebooks/${PATH}`);
  await lab.waitForNotebook(PATH);
});

after(async () => {
  await browser?.close();
});

test('Notebook 7 shows ghost text and takes it with Tab', async () => {
  await lab.edit(2);
  await lab.type('for i in ran');
  await lab.waitForGhost();
  await lab.answered();
  const ghost = await lab.waitForGhost();
  await lab.screenshot('notebook7-ghost');
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(2),
    text => text === `for i in ran${ghost}`,
    'not taken'
  );
});

test('Notebook 7 offers a rename in the other cells and shows how it is', async () => {
  await lab.select(0, 0, 'total'.length);
  await lab.type('amount');
  await lab.eventually(
    () => lab.hint(),
    hint => hint.startsWith('Tab → cell 2: rename total to amount'),
    'not offered'
  );
  await lab.waitForStatus('ready');
  await lab.screenshot('notebook7-rename');
  await lab.press('Tab');
  await lab.eventually(
    async () => [await lab.activeCell(), await lab.hint()],
    ([cell, hint]) => cell === 1 && hint === '',
    'Tab did not jump'
  );
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(1),
    text => text === 'print(amount)',
    'Tab did not take'
  );
  await lab.command('nextedit:open-panel');
  await lab.page.waitForSelector('.nextedit-panel');
  await lab.screenshot('notebook7-panel');
  await lab.command('nextedit:undo-accept');
  assert.equal(await lab.source(1), 'print(total)');
  assert.deepEqual(lab.errors, []);
});

test('Notebook 7 has the menu of the status item, and opens the tour in a page of its own', async () => {
  const labels = await lab.openMenu();
  for (const label of [
    'Pause for 10 Minutes',
    'Suggestions in This Notebook',
    'Restart the Worker'
  ]) {
    assert.ok(labels.includes(label), `${label} is not among ${labels}`);
  }
  await lab.screenshot('notebook7-menu');
  await lab.press('Escape');
  await lab.chooseInMenu('Pause for 10 Minutes');
  await lab.waitForStatus('paused');
  await lab.chooseInMenu('End the Pause');
  await lab.waitForStatus('ready');
  const opened = browser.context.waitForEvent('page', { timeout: 60_000 });
  await lab.chooseInMenu('Open the Tour');
  const tour = await opened;
  await tour.waitForURL(/notebooks\/nextedit-tour\.ipynb/, {
    waitUntil: 'commit',
    timeout: 60_000
  });
  await tour.close();
  assert.deepEqual(lab.errors, []);
});
