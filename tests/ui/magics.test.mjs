// Where our labextension is not: magics show diffs, and what they apply comes as the next input.

import { test } from 'node:test';

import { assert, labForAllTests } from './harness.mjs';

const held = labForAllTests();

test('nothing of ours is in the page', async () => {
  assert.equal(await held.lab.page.$('.nextedit-status'), null);
});

test('suggest shows a diff, apply makes the changed cell the next input', async () => {
  await held.lab.openRenamed('suggest', '%nextedit suggest');
  await held.lab.run(3);
  const shown = await held.lab.eventually(
    () => held.lab.output(3),
    text => text.includes('print(amount)'),
    'no diff'
  );
  assert.match(shown, /-\s*print\(total\)/);
  assert.match(shown, /\+\s*print\(amount\)/);
  await held.lab.screenshot('magics-suggest');
  await held.lab.inPanel(panel => panel.model.sharedModel.cells[3].setSource('%nextedit apply 1'));
  await held.lab.run(3);
  await held.lab.eventually(
    () => held.lab.sources(),
    sources => sources.slice(3).includes('print(amount)'),
    'no next input'
  );
});

test('rename shows what it would do, and says no with the reason', async () => {
  await held.lab.openRenamed('rename', '%nextedit rename amount class');
  await held.lab.run(3);
  assert.match(await held.lab.output(3), /class.*keyword|keyword.*class/i);
});

test('the widgets panel rejects, and says how to apply where it cannot', async () => {
  await held.lab.openRenamed('panel', '%nextedit panel');
  await held.lab.run(3);
  const button = name => `.jp-OutputArea button:has-text("${name}")`;
  await held.lab.page.waitForSelector(button('suggest'));
  await held.lab.page.click(button('suggest'));
  await held.lab.page.waitForSelector(button('accept'));
  await held.lab.page.click(button('accept'));
  await held.lab.eventually(
    () => held.lab.output(3),
    text => text.includes('%nextedit apply 1'),
    'it does not say how'
  );
  await held.lab.screenshot('magics-panel');
  await held.lab.page.click(button('reject'));
  await held.lab.page.waitForSelector(button('reject'), { state: 'detached' });
  assert.equal(await held.lab.source(2), 'print(total)');
});
