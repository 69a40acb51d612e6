// Python files: what notebooks have, there too.

import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { assert, labForAllTests, notebook } from './harness.mjs';

const held = labForAllTests();
const lab = new Proxy({}, { get: (_, name) => bound(held.lab, name) });
const bound = (target, name) =>
  typeof target[name] === 'function' ? target[name].bind(target) : target[name];
const { LAB_FOLDER } = process.env;

/** Write a file and open it in the text editor; what else is open is closed. */
async function openFile(text, { path = `file-${randomUUID().slice(0, 8)}.py` } = {}) {
  mkdirSync(dirname(join(LAB_FOLDER, path)), { recursive: true });
  writeFileSync(join(LAB_FOLDER, path), text);
  await lab.closeAll();
  await lab.command('docmanager:open', { path, factory: 'Editor' });
  await lab.page.waitForFunction(path => {
    const widget = window.jupyterapp.shell.currentWidget;
    return widget?.context?.path === path && widget.context.isReady;
  }, path);
  return path;
}

const editor = work =>
  lab.page.evaluate(source => {
    const widget = window.jupyterapp.shell.currentWidget;
    const { editor } = widget.content;
    return new Function('editor', `return (${source})(editor.editor)`)(editor);
  }, work.toString());
const text = () => editor(view => view.state.doc.toString());
const caret = () => editor(view => view.state.selection.main.head);

/** Put the caret there, as a click would; a selection with two places. */
const put = (anchor, head = anchor) =>
  lab.page.evaluate(
    ([anchor, head]) => {
      const widget = window.jupyterapp.shell.currentWidget;
      const view = widget.content.editor.editor;
      view.dispatch({ selection: { anchor, head }, scrollIntoView: true });
      view.focus();
    },
    [anchor, head]
  );

const places = () =>
  lab.page.$$eval('.nextedit-place', nodes =>
    nodes.map(node => node.querySelector('.nextedit-new')?.textContent ?? '')
  );
const somePlaces = count =>
  lab.eventually(places, found => found.length >= count, `fewer than ${count} places`);
const undo = () => lab.press('Control+z');

const HELPERS = 'def load_table(path, limit=3):\n    """Read a table."""\n    return path\n';

/** A folder of its own with these files; the path of the folder. */
function makeFolder(files) {
  const folder = `folder-${randomUUID().slice(0, 8)}`;
  mkdirSync(join(LAB_FOLDER, folder));
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === 'string' ? content : JSON.stringify(notebook(content));
    writeFileSync(join(LAB_FOLDER, folder, name), text);
  }
  return folder;
}

/** Open a document beside what is open; a notebook without a kernel. */
async function open(path) {
  const isNotebook = path.endsWith('.ipynb');
  await lab.command('docmanager:open', {
    path,
    factory: isNotebook ? 'Notebook' : 'Editor',
    kernelPreference: { shouldStart: false, autoStartDefault: false }
  });
  await lab.page.waitForFunction(path => {
    const widget = window.jupyterapp.shell.currentWidget;
    return widget?.context?.path === path && widget.context.isReady;
  }, path);
}

/** The texts of an open document's cells. */
const textsOf = path =>
  lab.page.evaluate(path => {
    const widgets = [...window.jupyterapp.shell.widgets('main')];
    const { sharedModel } = widgets.find(one => one.context?.path === path).context.model;
    return sharedModel.cells?.map(cell => cell.getSource()) ?? [sharedModel.getSource()];
  }, path);
const onDisk = path => readFileSync(join(LAB_FOLDER, path), 'utf8');
const cellsOnDisk = path => {
  const text = onDisk(path);
  // The server may be writing it just now.
  return text.endsWith('}\n') || text.endsWith('}')
    ? JSON.parse(text).cells.map(({ source }) => [source].flat().join(''))
    : [];
};

async function rename(to) {
  await lab.press('F2');
  await lab.page.waitForSelector('.jp-Dialog .nextedit-rename input');
  await lab.type(to);
  await lab.page.waitForFunction(
    () => !document.querySelector('.jp-Dialog .jp-mod-accept:not(.jp-mod-reject)')?.disabled
  );
}

test('a notebook knows what the module beside it defines, and the status item counts files', async () => {
  const folder = makeFolder({
    'helpers.py': HELPERS,
    'a.ipynb': ['import helpers', '']
  });
  await lab.closeAll();
  await open(`${folder}/a.ipynb`);
  await lab.edit(1);
  await lab.type('t = helpers.load_t');
  assert.match(await lab.waitForGhost(), /^able/);
  await lab.eventually(
    () => lab.status(),
    ({ title }) => /\d+ files? read/.test(title),
    'no count'
  );
});

test('a function renamed in the module by hand is offered in the notebook that imports it', async () => {
  const folder = makeFolder({
    'helpers.py': HELPERS,
    'a.ipynb': ['from helpers import load_table', 'load_table("x")', 'load_table\r\n'],
    'closed.ipynb': ['import helpers\nhelpers.load_table("y")'],
    'other.ipynb': ['def load_table(): ...', 'load_table()']
  });
  await lab.closeAll();
  await open(`${folder}/a.ipynb`);
  await open(`${folder}/helpers.py`);
  await put(4, 4 + 'load_table'.length);
  await lab.type('read_table');
  await lab.command('nextedit:open-panel');
  const groups = () =>
    lab.page.$$eval('.nextedit-panel .nextedit-group', nodes =>
      nodes.map(node => ({
        title: node.querySelector('h3').textContent,
        ticked: [...node.querySelectorAll('input')].every(box => box.checked)
      }))
    );
  const found = await lab.eventually(groups, some => some.length >= 3, 'no offer');
  assert.deepEqual(
    found.map(({ title, ticked }) => [title.replace(`${folder}/`, ''), ticked]),
    [
      ['a.ipynb: Cell 1', true],
      ['a.ipynb: Cell 2', true],
      ['closed.ipynb: Cell 1', true]
    ]
  );
  const notes = await lab.page.$$eval('.nextedit-notes li', nodes => nodes.map(n => n.textContent));
  assert.deepEqual(
    notes.map(note => note.replace(`${folder}/`, '')),
    ['a.ipynb uses the name in a cell with Windows line endings']
  );
  await lab.screenshot('across');
  await lab.page.click('.nextedit-panel [data-focus="apply"]');
  await lab.eventually(
    () => textsOf(`${folder}/a.ipynb`),
    texts => texts.join() === 'from helpers import read_table,read_table("x"),load_table\r\n',
    'the open notebook'
  );
  await lab.eventually(
    () => cellsOnDisk(`${folder}/closed.ipynb`),
    texts => texts.join() === 'import helpers\nhelpers.read_table("y")',
    'the closed notebook'
  );
  assert.deepEqual(cellsOnDisk(`${folder}/other.ipynb`), ['def load_table(): ...', 'load_table()']);
  await lab.command('nextedit:undo-accept');
  await lab.eventually(
    () => textsOf(`${folder}/a.ipynb`),
    texts => texts.join() === 'from helpers import load_table,load_table("x"),load_table\r\n',
    'not taken back'
  );
  await lab.eventually(
    () => cellsOnDisk(`${folder}/closed.ipynb`),
    texts => texts.join() === 'import helpers\nhelpers.load_table("y")',
    'not taken back in the file'
  );
});

test('a function renamed in the module with a pause in between is offered as it is called now', async () => {
  const folder = makeFolder({
    'helpers.py': HELPERS,
    'a.ipynb': ['from helpers import load_table', 'load_table("x")']
  });
  await lab.closeAll();
  await open(`${folder}/a.ipynb`);
  await open(`${folder}/helpers.py`);
  await put(4, 4 + 'load_table'.length);
  await lab.type('read_table');
  const heading = () =>
    lab.page.$$eval('.nextedit-panel h2', nodes => nodes.map(node => node.textContent).join());
  await lab.eventually(heading, text => /load_table to read_table:/.test(text), 'no offer');
  await lab.page.waitForTimeout(1_100); // what is typed after a second is another edit
  await lab.type('_now');
  await lab.eventually(
    heading,
    text => /load_table to read_table_now:/.test(text),
    'the old offer'
  );
  await lab.press('Alt+Shift+A');
  await lab.eventually(
    () => textsOf(`${folder}/a.ipynb`),
    texts => texts.join() === 'from helpers import read_table_now,read_table_now("x")',
    'the notebook'
  );
});

test('F2 on an imported name in the notebook renames it in the module, and undo works there', async () => {
  const folder = makeFolder({
    'helpers.py': HELPERS,
    'a.ipynb': ['import helpers', 'helpers.load_table("x")']
  });
  await lab.closeAll();
  await open(`${folder}/helpers.py`);
  await open(`${folder}/a.ipynb`);
  await lab.edit(1, 'helpers.load'.length);
  await rename('read_table');
  await lab.press('Enter');
  await lab.eventually(
    () => textsOf(`${folder}/helpers.py`),
    ([module]) => module === HELPERS.replace('load_table', 'read_table'),
    'the module'
  );
  assert.deepEqual(await textsOf(`${folder}/a.ipynb`), [
    'import helpers',
    'helpers.read_table("x")'
  ]);
  await open(`${folder}/helpers.py`);
  await put(0);
  await undo();
  await lab.eventually(text, now => now === HELPERS, 'undo in the module');
});

test('a document that is unticked is said to break, and a closed one keeps its line ends', async () => {
  const folder = makeFolder({
    'helpers.py': HELPERS.replaceAll('\n', '\r\n'),
    'a.ipynb': ['import helpers', 'helpers.load_table("x")']
  });
  await lab.closeAll();
  await open(`${folder}/a.ipynb`);
  await lab.edit(1, 'helpers.load'.length);
  await rename('read_table');
  await lab.page.click('.jp-Dialog button:has-text("Preview")');
  const box = await lab.page.waitForSelector(
    '.nextedit-panel .nextedit-group:has-text("helpers.py") input'
  );
  assert.equal(await lab.page.$('.nextedit-warning'), null);
  await box.click();
  const warning = await lab.page.waitForSelector('.nextedit-panel .nextedit-warning');
  assert.match(await warning.textContent(), /`load_table` remains in .*helpers\.py/);
  await lab.screenshot('unticked');
  await lab.page.click('.nextedit-panel .nextedit-group:has-text("helpers.py") input');
  await lab.page.waitForSelector('.nextedit-warning', { state: 'detached' });
  await lab.page.click('.nextedit-panel [data-focus="apply"]');
  await lab.eventually(
    () => onDisk(`${folder}/helpers.py`),
    now => now === HELPERS.replace('load_table', 'read_table').replaceAll('\n', '\r\n'),
    'the module'
  );
});

test('a file that changed since it was read is not written', async () => {
  const folder = makeFolder({
    'helpers.py': HELPERS,
    'a.ipynb': ['from helpers import load_table', 'load_table("x")']
  });
  await lab.closeAll();
  await open(`${folder}/a.ipynb`);
  await lab.edit(1, 3);
  await rename('read_table');
  await lab.page.click('.jp-Dialog button:has-text("Preview")');
  await lab.page.waitForSelector('.nextedit-panel .nextedit-group');
  const changed = HELPERS.replace('limit=3', 'limit=4');
  writeFileSync(join(LAB_FOLDER, folder, 'helpers.py'), changed);
  await lab.page.click('.nextedit-panel [data-focus="apply"]');
  await lab.eventually(
    () => lab.live(),
    said => /helpers\.py has changed: nothing was applied/.test(said),
    'not refused'
  );
  assert.equal(onDisk(`${folder}/helpers.py`), changed);
  assert.deepEqual((await textsOf(`${folder}/a.ipynb`))[1], 'load_table("x")');
});

const TYPED = 'for i in ran';
/** A file's text around the caret. */
const PLACES = {
  beginning: ['', '\nbefore = 1\nafter = 2\n'],
  middle: ['before = 1\n', '\nafter = 2\n'],
  end: ['before = 1\nafter = 2\n', '']
};

for (const [place, [head, tail]] of Object.entries(PLACES)) {
  test(`at the ${place} of a file ghost text is shown, and Tab accepts it`, async () => {
    await lab.calm();
    await openFile(head + tail);
    await put(head.length);
    await lab.type(TYPED);
    const ghost = await lab.waitForGhost();
    await lab.press('Tab');
    await lab.eventually(
      text,
      now => now.startsWith(`${head}${TYPED}${ghost.split('\n')[0]}`) && now.endsWith(tail),
      'not accepted'
    );
    await undo();
    await lab.eventually(text, now => now === `${head}${TYPED}${tail}`, 'undo took more, or less');
  });

  test(`at the ${place} of a file Escape dismisses ghost text, Alt-Right takes a word`, async () => {
    await lab.calm();
    await openFile(head + tail);
    await put(head.length);
    await lab.type(TYPED);
    const ghost = await lab.waitForGhost();
    await lab.press('Alt+ArrowRight');
    await lab.eventually(text, now => now.length > (head + TYPED + tail).length, 'no word');
    assert.ok((await text()).startsWith(head + TYPED + ghost.slice(0, 1)));
    if ((await lab.ghost()).trim()) {
      await lab.press('Escape');
      await lab.eventually(
        () => lab.ghost(),
        now => now.trim() === '',
        'the ghost text stays'
      );
    }
    await lab.calm();
  });
}

const RENAMED = {
  beginning: 0,
  middle: 1,
  end: 3
};
for (const [place, line] of Object.entries(RENAMED)) {
  test(`a variable renamed by hand at the ${place} of a file is offered at its other places`, async () => {
    const lines = ['x = 1', 'total = 1 + x', 'print(x + 1)', 'print(total)'];
    if (place === 'beginning') {
      lines[0] = 'total = 1';
      lines[1] = 'x = total';
    }
    if (place === 'end') {
      lines[3] = 'total = x';
      lines[1] = 'x = 2';
      lines.push('print(total, total)');
    }
    const whole = `${lines.join('\n')}\n`;
    await openFile(whole);
    const at = lines.slice(0, line).join('\n').length + (line ? 1 : 0);
    await put(at, at + 'total'.length);
    await lab.type('amount');
    await somePlaces(1);
    await lab.press('Alt+Shift+A');
    await lab.eventually(text, now => now === whole.replaceAll('total', 'amount'), 'not renamed');
    await lab.command('nextedit:undo-accept');
    await lab.eventually(text, now => now === whole, 'not taken back');
  });
}

const CELLS = [
  'import math',
  '# %% one',
  'radius = 2.0',
  'print(radius)',
  '# %% [markdown]',
  '# The radius is drawn.',
  '# %%',
  'print(radius * math.pi)',
  ''
].join('\n');

test('F2 renames in all cells of a file with markers, each key undone at once', async () => {
  await openFile(CELLS);
  await put(CELLS.indexOf('radius') + 2);
  await lab.press('F2');
  await lab.page.waitForSelector('.jp-Dialog .nextedit-rename input');
  await lab.type('size');
  await lab.page.waitForFunction(
    () => !document.querySelector('.jp-Dialog .jp-mod-accept:not(.jp-mod-reject)')?.disabled
  );
  await lab.press('Enter');
  const renamed = CELLS.replace(/\bradius\b(?! is)/g, 'size');
  await lab.eventually(text, now => now === renamed, 'not renamed');
  await undo();
  await lab.eventually(text, now => now === CELLS, 'undo');
});

test('Tab goes from place to place of a file, and accepts each', async () => {
  const whole = 'width = 1\n\n\ndef area():\n    return width * 2\n\n\nprint(width)\n';
  await openFile(whole);
  await put(0, 'width'.length);
  await lab.type('breadth');
  await somePlaces(2);
  await lab.press('Tab');
  const there = whole.replace('width', 'breadth').indexOf('width');
  await lab.eventually(caret, at => at >= there && at <= there + 7, 'Tab went nowhere');
  await lab.press('Tab');
  await lab.eventually(text, now => now.includes('return breadth'), 'not accepted');
  await lab.press('Tab');
  await lab.press('Tab');
  await lab.eventually(text, now => now === whole.replaceAll('width', 'breadth'), 'the last');
});

test('the panel lists the places of a file under its name', async () => {
  const path = await openFile('width = 1\nprint(width)\n');
  await put(0, 'width'.length);
  await lab.type('breadth');
  await somePlaces(1);
  await lab.command('nextedit:open-panel');
  const title = await lab.page.waitForSelector('.nextedit-panel .nextedit-group h3');
  assert.equal(await title.textContent(), path);
  await lab.screenshot('file');
});

test('a cell of a file that is tagged off is never sent', async () => {
  const whole = '# %% tags=["nextedit-off"]\nkey_of_mine = 1\n# %%\nother = 1\n';
  await openFile(whole);
  await put(whole.length);
  await lab.type('print(oth');
  await lab.eventually(
    // Letters that ghost text foresaw call for no request of their own.
    () => lab.asked().some(request => request.postData()?.includes('print(')),
    asked => asked,
    'nothing was asked'
  );
  await lab.eventually(
    () => lab.quiet(),
    isQuiet => isQuiet,
    'what was typed is asked about without end'
  );
  await put(whole.indexOf('key'));
  const { title, state } = await lab.waitForStatus('not-here');
  assert.match(title, /tag/, state);
  await lab.type('a');
  assert.ok(await lab.quiet());
  await put(whole.length);
  await lab.waitForStatus('ready');
  assert.ok(!lab.asked().some(request => request.postData()?.includes('key_of_mine')));
});

for (const [name, whole, why] of [
  ['notes.md', '# Title\n\nSome words\n', 'language'],
  ['data.json', '{"a": 1}\n', 'language'],
  ['model.R', 'x <- 1\n', 'language'],
  ['words.txt', 'some words\n', 'language'],
  ['secrets/key.py', 'x = 1\n', 'path']
]) {
  test(`${name} is left alone, and the status item says why`, async () => {
    await openFile(whole, { path: name });
    await lab.waitForReason('not-here', new RegExp(`disabled for this ${why}`));
    const before = lab.asked().length;
    await put(whole.length);
    await lab.type('x = ab');
    assert.ok(await lab.quiet());
    assert.equal(lab.asked().length, before);
    await lab.press('F2');
    assert.equal(await lab.page.$('.nextedit-rename'), null);
  });
}

test('the status item says that it is ready in a Python file', async () => {
  await openFile('x = 1\n');
  await put(0);
  await lab.waitForStatus('ready');
});
