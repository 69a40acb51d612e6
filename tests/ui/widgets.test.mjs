// The ipywidgets panel of a kernel, in JupyterLab with our labextension.

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

const button = name => `.jp-OutputArea button:has-text("${name}")`;

test('accept changes the notebook, the history and the latencies are shown', async () => {
  await renamedInTheKernel('accept', '%nextedit panel');
  await run(3);
  await lab.page.waitForSelector(button('suggest'));
  await lab.page.click(button('suggest'));
  await lab.page.waitForSelector(button('accept'));
  const shown = await output(3);
  assert.match(shown, /History/);
  await lab.page.waitForSelector('.jp-OutputArea svg[aria-label^="latencies"]');
  await lab.screenshot('widgets-panel');
  await lab.page.click(button('accept'));
  await lab.eventually(
    () => lab.source(2),
    text => text === 'print(amount)',
    'not accepted'
  );
  await lab.page.waitForSelector(button('accept'), { state: 'detached' });
});

test('reject leaves the notebook as it is, and the switch turns the kernel off', async () => {
  await renamedInTheKernel('reject', '%nextedit panel');
  await run(3);
  await lab.page.waitForSelector(button('suggest'));
  await lab.page.click(button('suggest'));
  await lab.page.waitForSelector(button('reject'));
  await lab.page.click(button('reject'));
  await lab.page.waitForSelector(button('reject'), { state: 'detached' });
  assert.equal(await lab.source(2), 'print(total)');
  await lab.page.click(button('on'));
  await lab.page.waitForSelector(button('off'));
  await lab.page.click(button('suggest'));
  await lab.eventually(
    () => output(3),
    text => /turn it on|is off/.test(text),
    'it does not say that it is off'
  );
});
