// No model on this machine: all but the model's suggestions work, and the status item says what to do.

import { after, before, test } from 'node:test';

import { LabPage, assert, openBrowser } from './harness.mjs';

let browser;
let lab;

before(async () => {
  browser = await openBrowser();
  lab = await LabPage.open(browser.context);
});

after(async () => {
  await browser?.close();
});

test('without a bundle renames work and the status item says what to do', async () => {
  await lab.openNotebook('nobundle', ['total = 41', 'print(total)']);
  await lab.select(0, 0, 'total'.length);
  await lab.type('amount');
  await lab.waitForPlaces();
  const status = await lab.eventually(
    () => lab.status(),
    ({ state, title }) => state === 'no-bundle' && /bundle|model/.test(title),
    'the status item does not say what to do'
  );
  assert.match(status.text, /no model/);
  await lab.screenshot('nobundle');
  await lab.press('Tab');
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(1),
    text => text === 'print(amount)',
    'not taken'
  );
  assert.deepEqual(lab.errors, []);
});
