// Where our labextension is not: magics show diffs, and what they apply comes as the next input.

import { after, afterEach, before, test } from 'node:test';

import { LabPage, assert, openBrowser } from './harness.mjs';

let browser;
let lab;

before(async () => {
  browser = await openBrowser();
  lab = await LabPage.open(browser.context);
});

afterEach(() => {
  assert.deepEqual(lab.errors.splice(0), [], 'the page threw');
});

after(async () => {
  await browser?.close();
});

/** Run one cell as a person does, and wait for its end. */
async function run(index) {
  await lab.inPanel((panel, index) => (panel.content.activeCellIndex = index), index);
  await lab.command('notebook:run-cell');
  await lab.settled();
}

/** A notebook in which a name was changed in a cell that ran twice; the last cell holds `line`. */
async function renamedInTheKernel(name, line) {
  await lab.openNotebook(name, ['%load_ext nextedit_jupyter', 'total = 41', 'print(total)', line]);
  for (const index of [0, 1, 2]) {
    await run(index);
  }
  await lab.inPanel(panel => panel.model.sharedModel.cells[1].setSource('amount = 41'));
  await run(1);
}

const output = index =>
  lab.inPanel((panel, index) => panel.content.widgets[index].outputArea.node.innerText, index);

test('nothing of ours is in the page', async () => {
  assert.equal(await lab.page.$('.nextedit-status'), null);
});

test('suggest shows a diff, apply makes the changed cell the next input', async () => {
  await renamedInTheKernel('suggest', '%nextedit suggest');
  await run(3);
  const shown = await lab.eventually(
    () => output(3),
    text => text.includes('print(amount)'),
    'no diff'
  );
  assert.match(shown, /-\s*print\(total\)/);
  assert.match(shown, /\+\s*print\(amount\)/);
  await lab.screenshot('magics-suggest');
  await lab.inPanel(panel => panel.model.sharedModel.cells[3].setSource('%nextedit apply 1'));
  await run(3);
  await lab.eventually(
    () => lab.sources(),
    sources => sources.slice(3).includes('print(amount)'),
    'no next input'
  );
});

test('rename shows what it would do, and says no with the reason', async () => {
  await renamedInTheKernel('rename', '%nextedit rename amount class');
  await run(3);
  assert.match(await output(3), /class.*keyword|keyword.*class/i);
});

test('the widgets panel rejects, and says how to apply where it cannot', async () => {
  await renamedInTheKernel('panel', '%nextedit panel');
  await run(3);
  const button = name => `.jp-OutputArea button:has-text("${name}")`;
  await lab.page.waitForSelector(button('suggest'));
  await lab.page.click(button('suggest'));
  await lab.page.waitForSelector(button('accept'));
  await lab.page.click(button('accept'));
  await lab.eventually(
    () => output(3),
    text => text.includes('%nextedit apply 1'),
    'it does not say how'
  );
  await lab.screenshot('magics-panel');
  await lab.page.click(button('reject'));
  await lab.page.waitForSelector(button('reject'), { state: 'detached' });
  assert.equal(await lab.source(2), 'print(total)');
});
