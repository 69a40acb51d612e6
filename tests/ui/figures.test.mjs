// What a figure shows, in the next cell: ghost text, the popup, the sidebar.

import { test } from 'node:test';

import { LabPage, assert, labForAllTests, writeNotebook } from './harness.mjs';

const held = labForAllTests();

const SETUP = [
  '%load_ext nextedit_jupyter',
  '%matplotlib inline',
  'import matplotlib.pyplot as plt',
  'import pandas as pd',
  'people = pd.DataFrame({',
  '    "height": [1.6, 1.8, 1.7, 1.9],',
  '    "weight": [55, 80, 62, 91],',
  '    "sex": pd.Categorical(["female", "male", "female", "male"]),',
  '})'
].join('\n');
const DRAW = [
  'fig, ax = plt.subplots()',
  'for sex, part in people.groupby("sex", observed=True):',
  '    ax.scatter(part["height"], part["weight"], label=sex)'
].join('\n');

async function drawn() {
  const { lab } = held;
  await lab.openNotebook('figures', [SETUP, DRAW, '']);
  assert.deepEqual((await lab.runAll()).slice(0, 2), ['ok', 'ok']);
  await lab.eventually(
    () => lab.command('nextedit:open-panel').then(() => figure()),
    text => text.includes('height'),
    'the sidebar knows no figure'
  );
  return lab;
}

const figure = () =>
  held.lab.page.evaluate(() => document.querySelector('.nextedit-figure')?.textContent ?? '');

async function ghostAfter(text) {
  const { lab } = held;
  await lab.inPanel(panel => panel.model.sharedModel.cells[2].setSource(''));
  await lab.edit(2);
  await lab.type(text);
  return lab.waitForGhost();
}

test('ghost text names the columns, the groups and the limits of the figure above', async () => {
  const lab = await drawn();
  assert.match(await ghostAfter('ax.set_xlabel('), /^"height"\)?/);
  await lab.screenshot('figures-ghost');
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(2),
    text => text === 'ax.set_xlabel("height")',
    'not taken'
  );
  assert.match(await ghostAfter('ax.set_ylabel("we'), /^ight"\)?/);
  assert.match(await ghostAfter('ax.legend('), /"female", "male"\], title="sex"/);
  const limits = await ghostAfter('ax.set_xlim(');
  const [low, high] = limits.match(/[\d.]+/g).map(Number);
  assert.ok(low > 1.5 && low < 1.6 && high > 1.9 && high < 2, limits);
  await lab.screenshot('figures-limits');
});

test('the sidebar says what the figure shows', async () => {
  const lab = await drawn();
  const text = await figure();
  for (const word of ['ax', 'height', 'weight', 'sex', 'female', 'male']) {
    assert.ok(text.includes(word), `${word} is missing: ${text}`);
  }
  await lab.screenshot('figures-panel');
});

test('a category is completed where it is compared with', async () => {
  await drawn();
  assert.match(await ghostAfter('people[people["sex"] == "f'), /^emale"/);
});

test('Notebook 7 shows the same ghost text', async () => {
  const path = 'figures-seven.ipynb';
  writeNotebook(path, [SETUP, DRAW, '']);
  const seven = await LabPage.open(held.browser.context, `notebooks/${path}`);
  try {
    await seven.waitForNotebook(path);
    await seven.runAll();
    await seven.eventually(
      async () => {
        await seven.inPanel(panel => panel.model.sharedModel.cells[2].setSource(''));
        await seven.edit(2);
        await seven.type('ax.set_ylabel(');
        await new Promise(resolve => setTimeout(resolve, 1000));
        return seven.ghost();
      },
      text => text.startsWith('"weight"'),
      'no column'
    );
    await seven.screenshot('figures-notebook7');
  } finally {
    await seven.page.close();
  }
});

// The last one: it dismisses ghost text, after which nothing is offered for a while.
test('the popup lists the best few, and nothing else', async () => {
  const lab = await drawn();
  await lab.edit(2);
  await lab.type('ax.legend(');
  // JupyterLab shows no popup beside ghost text.
  await lab.waitForGhost();
  await lab.press('Escape');
  let asked = 0;
  const items = await lab.eventually(
    async () => {
      // A machine that is busy answers later than JupyterLab waits for: ask again, not too soon.
      if (!(await lab.popup()) && Date.now() - asked > 3_000) {
        asked = Date.now();
        await lab.command('completer:invoke-notebook');
      }
      return lab.page.$$eval('.jp-Completer:not(.lm-mod-hidden) .jp-Completer-match', nodes =>
        nodes.map(node => node.textContent)
      );
    },
    found => found.length > 0,
    'no popup'
  );
  assert.deepEqual(items, ['["female", "male"], title="sex"', '["female", "male"]', 'title="sex"']);
  await lab.screenshot('figures-popup');
});
