// One step of an update: what the status item says, which model answers. `LAB_STEP` names the step,
// `LAB_EXPECTED` what the item is to say, each as a regular expression.

import { after, before, test } from 'node:test';

import { LabPage, assert, openBrowser } from './harness.mjs';

const { LAB_STEP, LAB_EXPECTED_TEXT, LAB_EXPECTED_TITLE } = process.env;
let browser;
let lab;

before(async () => {
  browser = await openBrowser();
  lab = await LabPage.open(browser.context);
});

after(async () => {
  await browser?.close();
});

test(`the status item says how it is: ${LAB_STEP}`, async () => {
  await lab.openNotebook('update', ['import numpy as np', '']);
  await lab.edit(1);
  await lab.type('x = np.arr');
  let look = 0;
  const status = await lab.eventually(
    async () => {
      if (look++ % 32 === 0) {
        await lab.type('a'); // the user types a little
        await lab.press('Backspace'); // and thinks for six seconds
      }
      return lab.status();
    },
    ({ text, title }) =>
      new RegExp(LAB_EXPECTED_TEXT).test(text) && new RegExp(LAB_EXPECTED_TITLE, 's').test(title),
    'the item says something else',
    { looks: 500, pause: 200 }
  );
  await lab.page.hover('.nextedit-status button');
  await lab.screenshot(`update-${LAB_STEP}`);
  assert.deepEqual(lab.errors, []);
  assert.ok(status.title.includes('nextedit-python/'));
});
