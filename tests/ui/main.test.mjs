// The main job in JupyterLab: ghost text, a rename over cells, undo, Escape, the switch, faults.

import { after, afterEach, before, test } from 'node:test';

import { LabPage, assert, openBrowser, openQuickly, workers } from './harness.mjs';

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

const FILLER = Array.from({ length: 40 }, (_, i) => `filler_${i} = ${i}\n`.repeat(6).trimEnd());

const RENAME = [
  '%load_ext nextedit_jupyter',
  'total = 41',
  'print(total)',
  'double = total * 2\nprint(double)',
  ...FILLER,
  "assert total == 41\nprint(f'{total} in all')"
];
const LAST = RENAME.length - 1;

/** Rename by hand in the defining cell, and wait for what is offered. */
async function renameTotal() {
  await lab.select(1, 0, 'total'.length);
  await lab.type('amount');
  await lab.waitForPlaces();
}

const SMALL = ['total = 41', 'print(total)', 'double = total * 2'];

/** The same in a small notebook that was never run. */
async function offerSmallRename(cells = SMALL) {
  await openQuickly(lab, cells);
  await lab.select(0, 0, 'total'.length);
  await lab.type('amount');
  return lab.waitForPlaces();
}

/** The kinds that a request to the server asks for. */
const wanted = request => JSON.parse(request.postData()).want;

test('a typed line gets ghost text, Tab takes it, and one undo takes it back', async () => {
  await lab.openNotebook('inline', ['import numpy as np\nimport matplotlib.pyplot as plt', '']);
  await lab.edit(1);
  await lab.type('for i in ran');
  const ghost = await lab.waitForGhost();
  assert.match(ghost, /^ge\b/);
  await lab.screenshot('inline-ghost');
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(1),
    text => text === `for i in ran${ghost}`,
    'not taken'
  );
  await lab.press('Control+z');
  await lab.eventually(
    () => lab.source(1),
    text => text === 'for i in ran',
    'not undone'
  );
});

test('while what is typed is what the ghost text says, no request is made', async () => {
  await openQuickly(lab, ['import numpy as np', '']);
  await lab.edit(1);
  await lab.type('for i in ran');
  const ghost = await lab.waitForGhost();
  await lab.eventually(
    () => lab.quiet(),
    quiet => quiet,
    'requests go on'
  );
  const inlineRequests = () => lab.asked().filter(r => r.postData().includes('"want":["inline"]'));
  const before = inlineRequests().length;
  await lab.press(ghost[0]);
  await lab.eventually(
    () => lab.ghost(),
    text => text === ghost.slice(1),
    'the rest is not shown'
  );
  assert.equal(inlineRequests().length, before);
});

test('what is typed over is named in the next request, if it was on the screen for long enough', async () => {
  await openQuickly(lab, ['import numpy as np', '']);
  await lab.edit(1);
  await lab.type('for i in ran');
  await lab.waitForGhost();
  await lab.page.waitForTimeout(400);
  const before = lab.asked().length;
  await lab.press('x');
  const drawn = () =>
    lab
      .asked()
      .slice(before)
      .map(request => JSON.parse(request.postData()).drawn);
  await lab.eventually(drawn, all => all.length > 0, 'nothing was asked');
  assert.match(drawn()[0], /^s[0-9a-f]+$/);
});

test('the next word and the next line can be taken alone', async () => {
  await openQuickly(lab, ['import numpy as np', '']);
  await lab.edit(1);
  await lab.type('for i in ran');
  const ghost = await lab.waitForGhost();
  await lab.press('Alt+ArrowRight');
  await lab.eventually(
    () => lab.source(1),
    text => text === 'for i in range',
    'no word taken'
  );
  const rest = ghost.slice('ge'.length);
  if (rest) {
    await lab.eventually(
      () => lab.ghost(),
      text => text === rest,
      'the rest is not shown'
    );
    await lab.press('Alt+Shift+ArrowRight');
    const line = ghost.split('\n')[0];
    await lab.eventually(
      () => lab.source(1),
      text => text === `for i in ran${line}`,
      'no line'
    );
  }
});

test('a rename is offered in every other cell, near and far; Tab goes there and takes it', async () => {
  await lab.openNotebook('rename', RENAME);
  assert.ok((await lab.runAll()).every(outcome => outcome === 'ok'));
  await renameTotal();
  const near = (await lab.places()).filter(place => place.cell < LAST);
  assert.deepEqual(
    near.map(place => [place.cell, place.text]),
    [
      [2, 'amount'],
      [3, 'amount']
    ]
  );
  assert.equal(await lab.isInView(LAST), false);
  assert.match(await lab.hint(), /Tab → cell 3: .*4 places in 3 cells/);
  await lab.screenshot('rename-preview');
  await lab.press('Tab');
  await lab.eventually(
    () => lab.activeCell(),
    cell => cell === 2,
    'Tab did not jump'
  );
  assert.equal(await lab.source(2), 'print(total)');
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(2),
    text => text === 'print(amount)',
    'Tab did not take'
  );
  await lab.press('Tab');
  await lab.eventually(
    () => lab.activeCell(),
    cell => cell === 3,
    'Tab did not go on'
  );
  await lab.press('Tab');
  await lab.press('Tab');
  await lab.eventually(
    () => lab.activeCell(),
    cell => cell === LAST,
    'Tab did not go far'
  );
  const far = await lab.waitForPlaces(2);
  assert.ok(far.every(place => place.cell === LAST && place.text === 'amount'));
  await lab.screenshot('rename-far');
  await lab.press('Tab');
  await lab.press('Tab');
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(LAST),
    text => text === "assert amount == 41\nprint(f'{amount} in all')",
    'the last places were not taken'
  );
  assert.deepEqual(await lab.places(), []);
  assert.equal(await lab.source(3), 'double = amount * 2\nprint(double)');
});

test('a place in a cell that has no editor yet is drawn once Tab goes there', async () => {
  const cells = [
    'total = 41',
    ...Array.from({ length: 150 }, (_, i) => `x${i} = 0`),
    'print(total)'
  ];
  await openQuickly(lab, cells);
  await lab.select(0, 0, 'total'.length);
  await lab.type('amount');
  await lab.eventually(
    () => lab.hint(),
    hint => hint.includes('cell 152'),
    'nothing is offered'
  );
  await lab.press('Tab');
  await lab.eventually(
    () => lab.activeCell(),
    cell => cell === 151,
    'Tab did not go there'
  );
  const [place] = await lab.waitForPlaces();
  assert.deepEqual(place, { cell: 151, text: 'amount', key: 'Tab' });
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(151),
    text => text === 'print(amount)',
    'not taken'
  );
});

test('after a rename all cells run in a new kernel, and one command undoes it in all', async () => {
  await lab.openNotebook('rename-all', RENAME);
  await lab.runAll();
  await renameTotal();
  await lab.command('nextedit:accept-all');
  assert.equal(await lab.source(LAST), "assert amount == 41\nprint(f'{amount} in all')");
  await lab.restartKernel();
  assert.ok((await lab.runAll()).every(outcome => outcome === 'ok'));
  await lab.command('nextedit:undo-accept');
  const undone = await lab.sources();
  assert.deepEqual(undone, RENAME);
});

test('undo in one cell undoes that cell alone', async () => {
  await offerSmallRename();
  await lab.command('nextedit:accept-all');
  await lab.edit(1);
  await lab.press('Control+z');
  await lab.eventually(
    () => lab.source(1),
    text => text === 'print(total)',
    'not undone'
  );
  assert.equal(await lab.source(2), 'double = amount * 2');
});

test('Escape dismisses once, stays in the cell, and the command shows it again', async () => {
  await offerSmallRename();
  await lab.press('Escape');
  await lab.eventually(
    () => lab.places(),
    places => places.length === 0,
    'still there'
  );
  assert.equal(await lab.inPanel(panel => panel.content.mode), 'edit');
  assert.equal(await lab.live(), 'Dismissed.');
  // Unless it is asked for.
  await lab.command('nextedit:suggest');
  await lab.waitForPlaces(2);
});

test('after Escape nothing is asked for unasked for five seconds, then it is again', async () => {
  await offerSmallRename();
  const began = Date.now();
  await lab.press('Escape');
  await lab.eventually(
    () => lab.places(),
    places => places.length === 0,
    'still there'
  );
  const edits = () => lab.asked().filter(request => wanted(request).includes('next_edit')).length;
  const before = edits();
  await lab.type('s');
  await lab.eventually(edits, count => count > before, 'never asked again');
  assert.ok(Date.now() - began >= 5_000, 'asked within the quiet');
  await lab.eventually(
    () => lab.places(),
    places => places.length === 2 && places[0].text === 'amounts',
    'the other name is not offered'
  );
});

test('what the user makes of suggestions is told the server, in words alone', async () => {
  const said = () =>
    lab.requests
      .filter(request => request.url().includes('outcome'))
      .map(request => JSON.parse(request.postData()));
  await offerSmallRename();
  const before = said().length;
  await lab.command('nextedit:accept-all');
  await lab.eventually(
    () => said().slice(before),
    told => told.some(one => one.outcome === 'accepted'),
    'not told'
  );
  for (const one of said()) {
    assert.deepEqual(Object.keys(one).sort(), ['kind', 'lane', 'outcome']);
  }
});

test('entering a cell has its context read ahead, once, and not while passing by', async () => {
  await lab.openNotebook('ahead', ['a = 1', 'b = 2', 'c = 3', 'd = 4']);
  await lab.settled();
  const ahead = () => lab.asked().filter(request => wanted(request).length === 0).length;
  const before = ahead();
  await lab.edit(1);
  await lab.eventually(ahead, count => count === before + 1, 'not read ahead');
  await lab.inPanel(async panel => {
    for (const index of [2, 3, 2, 0]) {
      panel.content.activeCellIndex = index;
    }
  });
  await lab.eventually(ahead, count => count === before + 2, 'not read ahead');
  await new Promise(resolve => setTimeout(resolve, 400));
  assert.equal(ahead(), before + 2);
});

test('an edit elsewhere in a cell moves the places, an edit at a place drops them all', async () => {
  await offerSmallRename();
  await lab.inPanel(panel => panel.model.sharedModel.cells[1].updateSource(0, 0, '# shown\n'));
  await lab.command('nextedit:accept-all');
  assert.equal(await lab.source(1), '# shown\nprint(amount)');
  await offerSmallRename();
  await lab.inPanel(panel => panel.model.sharedModel.cells[2].updateSource(9, 14, 'tot'));
  await lab.command('nextedit:accept-all').catch(() => {});
  assert.deepEqual(await lab.sources(), ['amount = 41', 'print(total)', 'double = tot * 2']);
});

test('Tab indents in leading white space and indents a selection, though a suggestion waits', async () => {
  await offerSmallRename(['total = 41', 'print(total)', 'if True:\n    double = total']);
  await lab.edit(2, 'if True:\n'.length);
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(2),
    text => text.includes('\n        double'),
    'no indent'
  );
  assert.equal(await lab.activeCell(), 2);
  assert.equal(await lab.source(1), 'print(total)');
});

test('the second chord goes and takes where Tab is kept', async () => {
  await lab.settings({ keepTab: true });
  try {
    await offerSmallRename();
    assert.match(await lab.hint(), /Alt-J/);
    await lab.press('Alt+j');
    await lab.eventually(
      () => lab.activeCell(),
      cell => cell === 1,
      'no jump'
    );
    await lab.press('Alt+Shift+J');
    await lab.eventually(
      () => lab.source(1),
      text => text === 'print(amount)',
      'not taken'
    );
  } finally {
    await lab.settings({});
  }
});

test('switched off by the menu of the status item, not one request leaves the page', async () => {
  await openQuickly(lab, SMALL);
  await lab.chooseInMenu('Suggestions in All Notebooks');
  await lab.waitForStatus('off');
  const before = lab.requests.length;
  await lab.edit(1);
  await lab.type('\nfor i in ran');
  await lab.command('nextedit:suggest').catch(() => {});
  await new Promise(resolve => setTimeout(resolve, 1500));
  assert.equal(lab.requests.length, before);
  await lab.screenshot('off');
  await lab.chooseInMenu('Suggestions in All Notebooks');
  await lab.waitForStatus('ready');
});

test('an excluded path and a tagged cell are never sent', async () => {
  const path = 'notes.env.ipynb';
  await openQuickly(lab, SMALL, { path });
  const before = lab.asked().length;
  await lab.edit(1);
  await lab.type('\nfor i in ran');
  await new Promise(resolve => setTimeout(resolve, 1000));
  assert.equal(lab.asked().length, before);
  await openQuickly(lab, ['x = 1', { source: 'private = 2', tags: ['nextedit-off'] }]);
  await lab.edit(1);
  await lab.type('\nfor i in ran');
  await new Promise(resolve => setTimeout(resolve, 1000));
  assert.equal(lab.asked().length, before);
  await lab.edit(0);
  await lab.type('\nfor i in ran');
  await lab.eventually(
    () => lab.asked().length,
    n => n > before,
    'nothing was asked'
  );
  assert.ok(!lab.asked().some(request => request.postData().includes('private')));
});

test('a key sends its cell, and the rest by its hash', async () => {
  await openQuickly(lab, [...FILLER, 'a = 1']);
  await lab.edit(FILLER.length);
  const asked = () => lab.asked().map(request => JSON.parse(request.postData()));
  const typed = ({ notebook }) =>
    notebook.cells.some(({ source }) => source.startsWith('a = 1\nf'));
  await lab.type('\nfor i in ran');
  const keys = await lab.eventually(
    () => asked().filter(typed),
    requests => requests.length > 0,
    'nothing was asked'
  );
  await lab.type('x');
  await lab.eventually(
    () => asked().filter(typed).at(-1),
    last => last.notebook.base !== undefined && last.notebook.cells.length === 1,
    'everything was sent'
  );
  assert.equal(keys[0].version, 2);
});

test('the worker killed in mid-typing costs no key, and the next suggestion comes', async () => {
  await openQuickly(lab, ['import numpy as np', '']);
  await lab.edit(1);
  await lab.type('x = 1\nfor i in ran');
  await lab.waitForGhost();
  workers().forEach(pid => process.kill(Number(pid), 'SIGKILL'));
  const text = '\ny = 22\nz = 333\nfor k in ran';
  await lab.page.keyboard.press('Escape');
  await lab.edit(1);
  await lab.type(text);
  assert.equal(await lab.source(1), `x = 1\nfor i in ran${text}`);
  await lab.eventually(
    async () => {
      await lab.press('Backspace');
      await lab.type('n');
      await new Promise(resolve => setTimeout(resolve, 300));
      return lab.ghost();
    },
    ghost => ghost.startsWith('ge'),
    'no suggestion after the worker died'
  );
});

test('the kernel says what it knows after each execution', async () => {
  await lab.openNotebook('facts', ['%load_ext nextedit_jupyter', 'shopping = {"milk": 2}', '']);
  await lab.runAll();
  await lab.edit(2);
  const read = async () => {
    await lab.type('x');
    await new Promise(resolve => setTimeout(resolve, 200));
    // They are sent once; after that the worker has them, and they are named by their hash.
    const told = lab.asked().map(request => JSON.parse(request.postData()).facts?.names ?? []);
    return told.filter(names => names.length).at(-1) ?? [];
  };
  const names = await lab.eventually(read, n => n.some(({ name }) => name === 'shopping'), 'facts');
  assert.deepEqual(names.find(({ name }) => name === 'shopping').subscripts, ['milk']);
});

test('after an error the right spelling is offered at the failing line', async () => {
  await lab.openNotebook('fix', [
    '%load_ext nextedit_jupyter',
    'shopping_list = [1]',
    '# what to buy\nprint(shoping_list)'
  ]);
  assert.equal((await lab.runAll())[2], 'error');
  await lab.edit(1);
  const [place] = await lab.waitForPlaces();
  assert.equal(place.cell, 2);
  await lab.screenshot('fix');
  await lab.command('nextedit:accept');
  assert.equal(await lab.source(2), '# what to buy\nprint(shopping_list)');
});
