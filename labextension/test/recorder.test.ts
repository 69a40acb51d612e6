import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import type { YCodeCell } from '@jupyter/ydoc';
import { YNotebook } from '@jupyter/ydoc';
import * as Y from 'yjs';

import { Applications } from '../src/applications';
import { apply, revert } from '../src/apply';
import type { CellChange, CellsNews } from '../src/recorder';
import { Rearranged } from '../src/rearranged';
import { Recorder } from '../src/recorder';
import { TextEdit } from '../src/textEdit';

// Yjs warns of each read of a cell before it stands in its document, which YNotebook does.
console.warn = () => {};

const open: YNotebook[] = [];

afterEach(() => {
  for (const notebook of open.splice(0)) {
    notebook.dispose(); // its awareness keeps a timer
  }
});

function notebookOf(...sources: string[]): YNotebook {
  const notebook = YNotebook.create({ disableDocumentWideUndoRedo: true });
  notebook.insertCells(
    0,
    sources.map((source, i) => ({ id: `c${i}`, cell_type: 'code', source, metadata: {} }))
  );
  open.push(notebook);
  return notebook;
}

/** A change as an editor makes it: the origin is its binding to the text. */
function typeInto(notebook: YNotebook, index: number, at: number, text: string): void {
  const cell = notebook.cells[index];
  notebook.ydoc.transact(() => cell.ysource.insert(at, text), { ytext: cell.ysource });
}

function sources(notebook: YNotebook): string[] {
  return notebook.cells.map(cell => cell.getSource());
}

function record(notebook: YNotebook): CellChange[] {
  const changes: CellChange[] = [];
  new Recorder(
    notebook,
    change => changes.push(change),
    undefined,
    () => 0
  );
  return changes;
}

test('typing is recorded with the whole text before and after', () => {
  const notebook = notebookOf('x', 'y');
  const changes = record(notebook);
  typeInto(notebook, 1, 1, ' = 1');
  assert.deepEqual(changes, [
    { cell: 'c1', before: 'y', after: 'y = 1', origin: 'typed', isWritten: true }
  ]);
});

test('a collaborators edit is remote, a programs edit is no typing', () => {
  const notebook = notebookOf('x');
  const peer = new Y.Doc();
  Y.applyUpdate(peer, Y.encodeStateAsUpdate(notebook.ydoc));
  const changes = record(notebook);
  const cell = peer.getArray<Y.Map<unknown>>('cells').get(0);
  (cell.get('source') as Y.Text).insert(0, 'a');
  Y.applyUpdate(notebook.ydoc, Y.encodeStateAsUpdate(peer));
  notebook.cells[0].setSource('replaced');
  assert.deepEqual(
    changes.map(change => change.origin),
    ['remote', 'pasted']
  );
});

test('an announced change has the announced origin, and only that one', async () => {
  const notebook = notebookOf('x');
  const changes: CellChange[] = [];
  const recorder = new Recorder(notebook, change => changes.push(change));
  recorder.announce('c0', 'accepted');
  typeInto(notebook, 0, 1, '1');
  await Promise.resolve();
  typeInto(notebook, 0, 2, '2');
  assert.deepEqual(
    changes.map(change => [change.origin, change.isWritten]),
    [
      ['accepted', true],
      ['typed', true]
    ]
  );
});

test('cells that are moved or added are known afterwards', () => {
  const notebook = notebookOf('x', 'y');
  const changes = record(notebook);
  notebook.moveCell(0, 1);
  notebook.addCell({ id: 'new', cell_type: 'code', source: 'n' });
  assert.equal(changes.length, 0);
  typeInto(notebook, 1, 1, '!');
  typeInto(notebook, 2, 1, '!');
  assert.deepEqual(
    changes.map(change => [change.cell, change.before, change.after]),
    [
      ['c0', 'x', 'x!'],
      ['new', 'n', 'n!']
    ]
  );
});

test('a cell that is read anew from the disk is a change from elsewhere, and what was typed in it is forgotten', () => {
  const notebook = notebookOf('x = 1', 'y = 1');
  const onDisk = notebook.toJSON();
  const changes: CellChange[] = [];
  const recorder = new Recorder(
    notebook,
    change => changes.push(change),
    undefined,
    () => 0
  );
  typeInto(notebook, 1, 0, 'm');
  typeInto(notebook, 0, 1, 's');
  typeInto(notebook, 0, 6, '2');
  notebook.fromJSON({ ...onDisk, nbformat_minor: 5 });
  assert.deepEqual(sources(notebook), ['x = 1', 'y = 1']);
  assert.deepEqual(changes.slice(3), [
    { cell: 'c0', before: 'xs = 12', after: 'x = 1', origin: 'remote', isWritten: false },
    { cell: 'c1', before: 'my = 1', after: 'y = 1', origin: 'remote', isWritten: false }
  ]);
  assert.equal(recorder.lastOrigin('c0'), 'remote');
  assert.deepEqual(recorder.history.all, []);
});

const RENAME = new Map([
  ['c0', TextEdit.replace(0, 1, 'long')],
  ['c1', TextEdit.replace(6, 7, 'long')]
]);

test('an application is one undo a cell, is recorded as accepted, and is undone as undone', () => {
  const notebook = notebookOf('x = 1', 'print(x)');
  const changes = record(notebook);
  notebook.cells[0].setSource('x = 12');
  const application = apply(notebook, RENAME);
  assert.deepEqual(sources(notebook), ['long = 12', 'print(long)']);
  assert.ok(application);
  notebook.cells[0].undo();
  assert.deepEqual(sources(notebook), ['x = 12', 'print(long)']);
  assert.deepEqual(
    changes.map(change => change.origin),
    ['pasted', 'accepted', 'accepted', 'undone']
  );
});

test('all or nothing: an edit that does not fit, or a cell that is gone, applies nothing', () => {
  const notebook = notebookOf('x', 'print(x)');
  notebook.cells[1].setSource('pri');
  assert.equal(apply(notebook, RENAME), null);
  notebook.deleteCell(1);
  assert.equal(apply(notebook, RENAME), null);
  assert.deepEqual(sources(notebook), ['x']);
});

test('taking back undoes every cell, and in a cell edited since only our part', () => {
  const notebook = notebookOf('x = 1', 'print(x)');
  const application = apply(notebook, RENAME)!;
  typeInto(notebook, 1, 'print(long)'.length, '  # shown');
  assert.ok(revert([application]));
  assert.deepEqual(sources(notebook), ['x = 1', 'print(x)  # shown']);
});

test('taking back several applications to one cell gives the text before the first', () => {
  const notebook = notebookOf('x + x');
  const first = apply(notebook, new Map([['c0', TextEdit.replace(0, 1, 'aa')]]))!;
  const second = apply(notebook, new Map([['c0', TextEdit.replace(5, 6, 'aa')]]))!;
  assert.deepEqual(sources(notebook), ['aa + aa']);
  assert.ok(revert([first, second]));
  assert.deepEqual(sources(notebook), ['x + x']);
});

test('a later edit of the same place is in the way of taking back: nothing happens anywhere', () => {
  const notebook = notebookOf('x = 1', 'print(x)');
  const application = apply(notebook, RENAME)!;
  notebook.cells[1].setSource('print(lo__ng)');
  assert.equal(revert([application]), false);
  assert.deepEqual(sources(notebook), ['long = 1', 'print(lo__ng)']);
});

test('what was accepted is taken back where its text went since', () => {
  const notebook = notebookOf('x = 1', 'print(x)\ny = x');
  const edits = new Map([
    ['c0', TextEdit.replace(0, 1, 'long')],
    ['c1', TextEdit.of([6, 13].map(start => ({ start, end: start + 1, text: 'long' })))]
  ]);
  const made = new Applications();
  made.add(apply(notebook, edits)!, { id: 's', kind: 'rename', old: () => 'x' } as never, [], null);
  const was = new Map([['c1', 'print(long)\ny = long']]);
  const split = notebook.cells[1];
  notebook.transact(() => {
    notebook.insertCell(1, { id: 'new', cell_type: 'code', source: 'print(long)', metadata: {} });
    split.setSource('y = long');
  });
  const now = new Map(Object.entries({ new: 'print(long)', c1: 'y = long' }));
  made.rearrange(Rearranged.of(was, now)!);
  assert.equal(made.revert(), 3);
  assert.deepEqual(sources(notebook), ['x = 1', 'print(x)', 'y = x']);
});

test('what is taken back is recorded as undone, the change by hand and cells edited since too', () => {
  const notebook = notebookOf('total = 1', 'print(total)', 'total + 1');
  const changes = record(notebook);
  notebook.ydoc.transact(
    () => {
      notebook.cells[0].ysource.delete(0, 'total'.length);
      notebook.cells[0].ysource.insert(0, 'amount');
    },
    { ytext: notebook.cells[0].ysource }
  );
  const uses = new Map([
    ['c1', TextEdit.replace(6, 11, 'amount')],
    ['c2', TextEdit.replace(0, 5, 'amount')]
  ]);
  const made = apply(notebook, uses)!;
  typeInto(notebook, 2, 'amount + 1'.length, '  # more');
  const byHand = { id: 'c0', before: 'total = 1', after: 'amount = 1', byHand: true };
  changes.splice(0);
  assert.ok(revert([{ ...made, cells: [byHand, ...made.cells] }]));
  assert.deepEqual(sources(notebook), ['total = 1', 'print(total)', 'total + 1  # more']);
  assert.deepEqual(changes.map(({ cell, origin }) => [cell, origin]).sort(), [
    ['c0', 'undone'],
    ['c1', 'undone'],
    ['c2', 'undone']
  ]);
  notebook.cells[0].undoManager!.undo(); // as Ctrl-Z: what was reverted is one step
  assert.equal(notebook.cells[0].getSource(), 'amount = 1');
});

test('cells that come, go or change their kind are news; what is of one cell is none', () => {
  const notebook = notebookOf('x', 'y');
  let news = 0;
  new Recorder(
    notebook,
    () => {},
    () => (news += 1)
  );
  notebook.cells[0].setMetadata('tags', ['a']);
  (notebook.cells[0] as YCodeCell).execution_count = 3;
  typeInto(notebook, 1, 1, ' = 1');
  assert.equal(news, 0);
  notebook.moveCell(1, 0);
  notebook.deleteCell(0);
  assert.equal(news, 2);
});

test('a cell that is cut and pasted is the same one: its edits stay in the record', () => {
  const notebook = notebookOf('x = 1', 'y = 2', 'z = 3');
  const news: boolean[] = [];
  const recorder = new Recorder(
    notebook,
    () => {},
    ({ cameBack }) => news.push(cameBack)
  );
  const paste = (id: string, source: string) =>
    notebook.insertCell(1, { id, cell_type: 'code', source, metadata: {} });
  typeInto(notebook, 0, 1, 's');
  const [typed] = recorder.history.all;
  notebook.deleteCell(0);
  paste('other', 'y = 2');
  notebook.deleteCell(0); // nothing was edited in it
  paste('same', 'xs = 1');
  paste('copy', 'xs = 1');
  assert.deepEqual(recorder.history.all, [{ ...typed, cell: 'same' }]);
  assert.deepEqual(news, [false, false, false, true, false]);
  notebook.deleteCell(2);
  notebook.deleteCell(1);
  paste('same', 'xs = 1'); // as undo brings it back
  assert.deepEqual(news.slice(5), [false, false, true]);
});

test('a cell that is split, as JupyterLab does it, keeps its edits where they are now, and merging too', () => {
  const notebook = notebookOf('total = 1\n\nother = 2', 'end');
  const changes: CellChange[] = [];
  const news: CellsNews[] = [];
  const recorder = new Recorder(
    notebook,
    change => changes.push(change),
    what => news.push(what)
  );
  typeInto(notebook, 0, 5, 's');
  const [typed] = recorder.history.all;
  const [split] = notebook.cells;
  notebook.transact(() => {
    notebook.insertCell(0, { id: 'new', cell_type: 'code', source: 'totals = 1', metadata: {} });
    split.setSource('other = 2');
  });
  assert.deepEqual(recorder.history.all, [
    { ...typed, cell: 'new', before: 'total = 1', after: 'totals = 1' }
  ]);
  notebook.transact(() => {
    notebook.deleteCell(0);
    const source = 'totals = 1\n\nother = 2';
    notebook.insertCell(0, { id: 'both', cell_type: 'code', source, metadata: {} });
    notebook.deleteCell(1);
  });
  assert.deepEqual(recorder.history.all, [{ ...typed, cell: 'both' }]);
  assert.deepEqual(
    news.map(({ cameBack, rearranged }) => [cameBack, rearranged !== null]),
    [
      [true, true],
      [true, true]
    ]
  );
  assert.equal(changes.length, 1, 'nothing was typed');
});

test('what is merged with a secret, or was edited while it was switched off, is not in the record', () => {
  const notebook = notebookOf('x = 1', 'password = "hunter2-and-more-9X"', 'off = 1');
  notebook.cells[2].setMetadata('tags', ['nextedit-off']);
  const recorder = new Recorder(notebook, () => {});
  typeInto(notebook, 2, 7, '2');
  assert.deepEqual(recorder.history.all, []);
  typeInto(notebook, 0, 5, '2');
  assert.equal(recorder.history.all.length, 1);
  notebook.transact(() => {
    const source = 'x = 12\n\npassword = "hunter2-and-more-9X"';
    notebook.deleteCell(0);
    notebook.insertCell(0, { id: 'both', cell_type: 'code', source, metadata: {} });
    notebook.deleteCell(1);
  });
  assert.deepEqual(recorder.history.all, []);
});

test('an edited cell that is moved or changes its type is news of its own', () => {
  const notebook = notebookOf('x', 'y', 'z');
  const news: boolean[] = [];
  new Recorder(
    notebook,
    () => {},
    ({ cameBack }) => news.push(cameBack)
  );
  typeInto(notebook, 0, 1, ' = 1');
  const become = (cell_type: string) =>
    notebook.transact(() => {
      notebook.deleteCell(0);
      notebook.insertCell(0, { id: 'c0', cell_type, source: 'x = 1', metadata: {} });
    });
  become('markdown');
  become('code');
  notebook.moveCell(0, 1);
  notebook.moveCell(1, 2);
  assert.deepEqual(news, [true, true, true, true]);
  notebook.moveCell(1, 0);
  assert.deepEqual(news.slice(4), [false]);
});
