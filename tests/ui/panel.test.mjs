// The sidebar, the explicit rename, and what is stale afterwards.

import { after, afterEach, before, test } from 'node:test';

import { LabPage, assert, contrastOf, openBrowser } from './harness.mjs';

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

const CELLS = [
  '%load_ext nextedit_jupyter',
  'total = 41',
  'print(total)\nprint(total + 1)',
  { type: 'markdown', source: 'The total is **total**.' },
  'double = total * 2'
];

async function offer() {
  await lab.openNotebook('panel', CELLS);
  await lab.runAll();
  await lab.select(1, 0, 'total'.length);
  await lab.type('amount');
  await lab.waitForPlaces();
  await lab.command('nextedit:open-panel');
  await lab.page.waitForSelector('.nextedit-panel .nextedit-row');
}

const rows = () =>
  lab.page.$$eval('.nextedit-panel .nextedit-row', nodes =>
    nodes.map(node => ({
      label: node.querySelector('input').getAttribute('aria-label'),
      checked: node.querySelector('input').checked,
      code: node.querySelector('code').textContent
    }))
  );

const stale = () =>
  lab.inPanel(panel =>
    panel.content.widgets.flatMap((cell, i) =>
      cell.node.classList.contains('nextedit-mod-stale') ? [i] : []
    )
  );

test('the panel lists each place by cell with its line, mentions in prose unchecked', async () => {
  await offer();
  const listed = await rows();
  const code = listed.filter(row => row.checked);
  assert.equal(code.length, 3);
  assert.match(code[1].label, /Cell 3 \[3\], line 2, column 7: total becomes amount/);
  const prose = listed.filter(row => !row.checked);
  assert.ok(prose.every(row => row.label.startsWith('Cell 4')));
  await lab.screenshot('panel');
});

test('unchecked places are left alone, and the panel works by keyboard', async () => {
  await offer();
  await lab.eventually(
    () => lab.page.evaluate(() => document.activeElement?.dataset.focus ?? ''),
    focus => focus.startsWith('box'),
    'the panel has no focus'
  );
  await lab.press('Space'); // unchecks the first place
  await lab.eventually(rows, listed => listed.filter(row => row.checked).length === 2, 'unchecked');
  for (let i = 0; i < 30; i++) {
    if ((await lab.page.evaluate(() => document.activeElement.dataset.focus)) === 'apply') {
      break;
    }
    await lab.press('ArrowDown');
  }
  await lab.press('Enter');
  await lab.eventually(
    () => lab.source(4),
    text => text === 'double = amount * 2',
    'not applied'
  );
  assert.equal(await lab.source(2), 'print(total)\nprint(amount + 1)');
  assert.equal(await lab.source(3), CELLS[3].source);
});

test('a click on a place goes there', async () => {
  await offer();
  const all = await lab.page.$$('.nextedit-panel .nextedit-row .nextedit-go');
  await all[1].click();
  await lab.eventually(
    () => lab.activeCell(),
    cell => cell === 2,
    'no jump'
  );
  assert.ok((await lab.caret()) > 'print(total)\n'.length);
});

test('after applying, stale cells are marked and run in the order in which they ran', async () => {
  await offer();
  await lab.command('nextedit:accept-all');
  assert.deepEqual(await stale(), [1, 2, 4]);
  assert.ok((await contrast('.nextedit-mod-stale:not(.jp-mod-active) .jp-InputPrompt')) >= 4.5);
  await lab.screenshot('stale');
  const before = await lab.inPanel(panel =>
    Math.max(...panel.model.sharedModel.cells.map(cell => cell.execution_count ?? 0))
  );
  await lab.command('nextedit:run-stale');
  await lab.eventually(stale, left => left.length === 0, 'still stale');
  const counts = await lab.inPanel(panel =>
    [1, 2, 4].map(i => panel.model.sharedModel.cells[i].execution_count)
  );
  assert.deepEqual(counts, [before + 1, before + 2, before + 3]);
  assert.deepEqual(await lab.outcomes(), ['ok', 'ok', 'ok', null, 'ok']);
});

const CHAIN = [
  'import math',
  'total = 41',
  'other = total',
  'half = math.floor(total / 2)',
  'half'
];

/** Rename `total` in cells that ran. */
async function renameInChain(lab, cells) {
  await lab.openNotebook('chain', cells);
  await lab.runAll();
  await lab.select(1, 0, 'total'.length);
  await lab.type('amount');
  await lab.waitForPlaces();
}

test('after a restart the cells that define what is needed run as well, and nothing fails', async () => {
  await renameInChain(lab, CHAIN);
  await lab.restartKernel();
  await lab.settled();
  await lab.command('nextedit:accept-all');
  assert.deepEqual(await stale(), [1, 2, 3]);
  await lab.command('nextedit:run-stale');
  await lab.eventually(stale, left => left.length === 0, 'still stale');
  assert.deepEqual((await lab.outcomes()).slice(0, 4), ['ok', 'ok', 'ok', 'ok']);
  assert.equal(await lab.inPanel(panel => panel.model.sharedModel.cells[0].execution_count), 1);
});

test('a restart after accepting, and one before the page was loaded, are known as well', async () => {
  await renameInChain(lab, CHAIN);
  await lab.command('nextedit:accept-all');
  await lab.restartKernel();
  await lab.settled();
  await lab.command('nextedit:run-stale');
  await lab.eventually(stale, left => left.length === 0, 'still stale');
  assert.deepEqual((await lab.outcomes()).slice(0, 4), ['ok', 'ok', 'ok', 'ok']);

  const path = await lab.inPanel(panel => panel.context.path);
  await lab.command('docmanager:save');
  await lab.closeAll(); // its kernel ends; the counts stay in the file
  await lab.command('docmanager:open', { path, factory: 'Notebook' });
  await lab.waitForNotebook(path);
  await lab.select(1, 0, 'amount'.length);
  await lab.type('sum_of_all');
  await lab.waitForPlaces();
  await lab.command('nextedit:accept-all');
  await lab.command('nextedit:run-stale');
  await lab.eventually(stale, left => left.length === 0, 'still stale');
  assert.deepEqual((await lab.outcomes()).slice(0, 4), ['ok', 'ok', 'ok', 'ok']);
});

test('a mark goes only when its cell ran to its end: one that fails keeps it, and so do those behind', async () => {
  const once = 'seen.append(total)\nassert len(seen) == 1';
  await renameInChain(lab, ['seen = []', 'total = 41', once, 'print(total)']);
  await lab.command('nextedit:accept-all');
  assert.deepEqual(await stale(), [1, 2, 3]);
  await lab.command('nextedit:run-stale').catch(() => {});
  await lab.eventually(stale, left => left.join() === '2,3', 'the marks');
});

test('where more than a name changed, what depends on it is stale too, and undo takes that back', async () => {
  await lab.openNotebook('depends', [
    'import codecs',
    'a = codecs.encode("x", "ascii", errors="strict")',
    'b = codecs.encode("y", "ascii", errors="strict")',
    'free = 1',
    'print(b)',
    'print(a)'
  ]);
  await lab.runAll();
  await lab.select(
    1,
    'a = codecs.encode("x", "ascii", errors="'.length,
    'a = codecs.encode("x", "ascii", errors="strict'.length
  );
  await lab.type('ignore');
  await lab.waitForPlaces();
  await lab.command('nextedit:accept-all');
  await lab.eventually(stale, marked => marked.join() === '1,2,4,5', 'not marked');
  await lab.command('nextedit:undo-accept');
  await lab.eventually(stale, marked => marked.length === 0, 'still marked');
  assert.equal(await lab.source(2), 'b = codecs.encode("y", "ascii", errors="strict")');
});

test('F2 renames the name at the caret everywhere and says no while the name is bad', async () => {
  await lab.openNotebook('f2', CELLS);
  await lab.edit(2, 'print(tot'.length);
  await lab.press('F2');
  await lab.page.waitForSelector('.nextedit-rename input');
  const message = () => lab.page.$eval('.nextedit-rename p', node => node.textContent);
  const canAccept = () => lab.page.$eval('.jp-Dialog .jp-mod-accept', node => !node.disabled);
  await lab.page.fill('.nextedit-rename input', '2fast');
  await lab.eventually(message, text => /2fast/.test(text), 'no word about a bad name');
  assert.equal(await canAccept(), false);
  await lab.page.fill('.nextedit-rename input', 'class');
  await lab.eventually(message, text => /keyword|class/.test(text), 'no word about a keyword');
  assert.equal(await canAccept(), false);
  await lab.screenshot('f2-refused');
  await lab.page.fill('.nextedit-rename input', 'amount');
  await lab.eventually(message, text => /rename total to amount/.test(text), 'no preview');
  await lab.eventually(canAccept, can => can, 'the button stays disabled');
  await lab.screenshot('f2');
  await lab.press('Enter');
  await lab.eventually(
    () => lab.source(1),
    text => text === 'amount = 41',
    'not renamed'
  );
  assert.equal(await lab.source(2), 'print(amount)\nprint(amount + 1)');
  assert.equal(await lab.source(4), 'double = amount * 2');
  assert.equal(await lab.source(3), CELLS[3].source);
  await lab.command('nextedit:undo-accept');
  assert.equal(await lab.source(1), 'total = 41');
});

test('what ran after it was taken is out of date again once that is undone', async () => {
  await offer();
  await lab.command('nextedit:accept-all');
  await lab.command('nextedit:run-stale');
  await lab.eventually(stale, left => left.length === 0, 'still stale');
  await lab.command('nextedit:undo-accept');
  assert.equal(await lab.source(1), CELLS[1]);
  assert.equal(await lab.source(4), CELLS[4]);
  assert.deepEqual(await stale(), [1, 2, 4]);
});

test('what is left alone is named, and so is the old name that lives on in the kernel', async () => {
  const lines = selector =>
    lab.page.$$eval(`.nextedit-panel ${selector} li`, nodes => nodes.map(n => n.textContent));
  await lab.openNotebook('left', [...CELLS, 'total = print(\nfor (']);
  await lab.runAll();
  await lab.select(1, 0, 'total'.length);
  await lab.type('amount');
  await lab.waitForPlaces();
  await lab.command('nextedit:open-panel');
  await lab.page.waitForSelector('.nextedit-panel .nextedit-row');
  assert.ok((await lines('.nextedit-notes')).some(line => /cell 6 does not parse/.test(line)));
  await lab.command('nextedit:accept-all');
  await lab.eventually(
    () => lines('.nextedit-stale'),
    said => said.includes('`total` still exists in the kernel'),
    'the old name is not reported'
  );
  assert.equal(await lab.source(5), 'total = print(\nfor (');
});

test('the buttons stay in sight under a long list, and every text can be read in either theme', async () => {
  await lab.openNotebook('long', ['total = 41', ...Array(40).fill('print(total)')]);
  await lab.select(0, 0, 'total'.length);
  await lab.type('amount');
  await lab.waitForPlaces();
  await lab.command('nextedit:open-panel');
  await lab.page.waitForSelector('.nextedit-panel .nextedit-row');
  for (const name of ['apply', 'apply-all', 'dismiss']) {
    const isInSight = await lab.page.$eval(`.nextedit-panel [data-focus=${name}]`, node => {
      const { left, top } = node.getBoundingClientRect();
      return node.contains(document.elementFromPoint(left + 4, top + 4));
    });
    assert.ok(isInSight, `${name} is out of sight`);
  }
  try {
    for (const theme of ['JupyterLab Dark', 'JupyterLab Light']) {
      await lab.inTheme(theme);
      await lab.screenshot(`panel-${theme.split(' ')[1].toLowerCase()}`);
      for (const part of ['new', 'old', 'key', 'hint', 'go ins', 'go del', 'line', 'heading']) {
        const ratio = await contrast(`.nextedit-${part}`);
        assert.ok(ratio >= 4.5, `${theme}, ${part}: ${ratio}`);
      }
    }
  } finally {
    await lab.command('apputils:change-theme', { theme: 'JupyterLab Light' });
  }
});

const contrast = selector => contrastOf(lab.page, selector);
