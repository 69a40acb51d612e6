import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { YFile, YNotebook } from '@jupyter/ydoc';
import type { Contents } from '@jupyterlab/services';

import { FileDocument, asNotebook, cellIdOf } from '../src/documents';
import type { OpenText } from '../src/elsewhere';
import { OtherDocuments, openWire, wholeRename } from '../src/elsewhere';
import { Pending } from '../src/pending';
import type { DocumentChangesWire, ElsewhereWire } from '../src/protocol';

// Yjs warns of each read of a cell before it stands in its document, which YNotebook does.
console.warn = () => {};

const disposables: { dispose(): void }[] = [];

afterEach(() => {
  for (const one of disposables.splice(0)) {
    one.dispose(); // its awareness keeps a timer
  }
});

/** Files of a server: their texts, or the sources of their cells. */
class Files {
  times = new Map<string, number>();
  saved: string[] = [];

  constructor(readonly texts: Record<string, string | string[]>) {}

  change(path: string, to: string | string[]): void {
    this.texts[path] = to;
    this.times.set(path, (this.times.get(path) ?? 0) + 1);
  }

  get(path: string): Promise<Partial<Contents.IModel>> {
    const text = this.texts[path];
    if (text === undefined) {
      return Promise.reject(new Error('404'));
    }
    const isText = typeof text === 'string';
    return Promise.resolve({
      type: isText ? 'file' : 'notebook',
      format: isText ? 'text' : 'json',
      writable: true,
      last_modified: String(this.times.get(path) ?? 0),
      content: isText ? text : { metadata: {}, cells: text.map(source => ({ source })) }
    });
  }

  save(path: string, model: Partial<Contents.IModel>): Promise<void> {
    const content = model.content as string | { cells: { source: string }[] };
    this.saved.push(path);
    this.change(path, typeof content === 'string' ? content : content.cells.map(c => c.source));
    return Promise.resolve();
  }
}

function openNotebook(path: string, ...sources: string[]): OpenText {
  const document = YNotebook.create({ disableDocumentWideUndoRedo: true });
  document.insertCells(
    0,
    sources.map((source, i) => ({ id: `c${i}`, cell_type: 'code', source, metadata: {} }))
  );
  disposables.push(document);
  return { path, document, isServed: true, cells: () => [] };
}

function openFile(path: string, text: string): OpenText & { id: string } {
  const file = YFile.create();
  file.setSource(text);
  disposables.push(file);
  return {
    path,
    document: asNotebook(new FileDocument(file)),
    isServed: true,
    cells: () => [],
    id: cellIdOf(file)
  };
}

const changes = (path: string, open: boolean, cell: string, source: string, number = 0) => ({
  path,
  open,
  cells: [
    {
      cell,
      number,
      source,
      edits: [...source.matchAll(/load/g)].map(match => ({
        start: match.index,
        end: match.index + 4,
        text: 'read'
      }))
    }
  ]
});

const found = (...documents: DocumentChangesWire[]): ElsewhereWire => ({
  old: 'load',
  new: 'read',
  documents,
  notes: []
});

function offer(elsewhere: ElsewhereWire, files: Files, open: OpenText[]) {
  const others = new OtherDocuments(elsewhere, 'here.py', {
    contents: files as unknown as Contents.IManager,
    open: () => open,
    reveal: () => {}
  });
  const pending = Pending.from(
    wholeRename(elsewhere, 'here.py', null),
    cell => (cell === 'mine' ? 'def load(): ...' : undefined),
    null,
    others
  )!;
  const places = (pending as Pending | null)?.chosen ?? [];
  const [own, edits] = others.split(places.length ? pending.edits(places) : new Map());
  return { others, pending, own, edits };
}

test('a rename of several documents is one offer, its places ticked and named by file', () => {
  const elsewhere = found(
    changes('here.py', true, 'mine', 'def load(): ...'),
    changes('a.ipynb', true, 'c0', 'load(1)'),
    changes('b.py', false, 'file', 'import load\nload()')
  );
  const { pending, others, own, edits } = offer(elsewhere, new Files({}), [
    openNotebook('a.ipynb', 'load(1)')
  ]);
  assert.equal(pending.chosen.length, 4);
  assert.equal(pending.title, 'rename load to read');
  assert.deepEqual(
    others.names().map(({ name }) => name),
    ['a.ipynb: Cell 1', 'b.py']
  );
  assert.deepEqual([[...own.keys()], edits.size], [['mine'], 2]);
});

test('open documents are changed where they stand, and undo works in each', () => {
  const [notebook, file] = [openNotebook('a.ipynb', 'load(1)'), openFile('b.py', 'load()\nload()')];
  const elsewhere = found(
    changes('a.ipynb', true, 'c0', 'load(1)'),
    changes('b.py', true, file.id, 'load()\nload()')
  );
  const { others, edits } = offer(elsewhere, new Files({}), [notebook, file]);
  assert.ok(others.applyOpen(edits));
  const read = () => [notebook, file].map(({ document }) => document.cells[0].getSource());
  assert.deepEqual(read(), ['read(1)', 'read()\nread()']);
  for (const { document } of [notebook, file]) {
    (document as YNotebook).cells[0].undoManager!.undo();
  }
  assert.deepEqual(read(), ['load(1)', 'load()\nload()']);
});

test('an open document that was edited since is followed, or nothing is changed', () => {
  const notebook = openNotebook('a.ipynb', 'load(1)');
  const other = openNotebook('b.ipynb', 'load(2)');
  const elsewhere = found(
    changes('a.ipynb', true, 'c0', 'load(1)'),
    changes('b.ipynb', true, 'c0', 'load(2)')
  );
  const { others, pending } = offer(elsewhere, new Files({}), [notebook, other]);
  const [cell] = notebook.document.cells;
  cell.setSource('load(1)\ny = 2');
  assert.ok(pending.followAll(() => undefined));
  assert.ok(others.applyOpen(others.split(pending.edits(pending.chosen))[1]));
  assert.equal(cell.getSource(), 'read(1)\ny = 2');
  const again = offer(elsewhere, new Files({}), [
    openNotebook('a.ipynb', 'loads(1)'),
    openNotebook('b.ipynb', 'load(2)')
  ]).pending;
  assert.equal(again, null);
});

test('files are written by their cells, and taken back', async () => {
  const files = new Files({ 'a.ipynb': ['x', 'load(1)'], 'b.py': 'load()' });
  const elsewhere = found(
    changes('a.ipynb', false, 'cell-1', 'load(1)', 1),
    changes('b.py', false, 'file', 'load()')
  );
  const { others, edits } = offer(elsewhere, files, []);
  assert.deepEqual(await others.changedFiles(edits), []);
  assert.deepEqual(await others.write(edits), []);
  assert.deepEqual(files.texts, { 'a.ipynb': ['x', 'read(1)'], 'b.py': 'read()' });
  assert.deepEqual(await others.revert(), { reverted: ['a.ipynb', 'b.py'], left: [] });
  assert.deepEqual(files.texts, { 'a.ipynb': ['x', 'load(1)'], 'b.py': 'load()' });
});

test('what is taken back while files are still being written is written back', async () => {
  const files = new Files({ 'a.py': 'load()', 'b.py': 'load()' });
  const elsewhere = found(...['a.py', 'b.py'].map(path => changes(path, false, 'file', 'load()')));
  const { others, edits } = offer(elsewhere, files, []);
  const [refused, reverted] = await Promise.all([others.write(edits), others.revert()]);
  assert.deepEqual(refused, []);
  assert.deepEqual(reverted, { reverted: ['a.py', 'b.py'], left: [] });
  assert.deepEqual(files.texts, { 'a.py': 'load()', 'b.py': 'load()' });
});

test('a file that changed, is gone or was opened meanwhile is not written', async () => {
  const files = new Files({ 'a.py': 'load()', 'b.py': 'load()', 'c.py': 'load()' });
  const open: OpenText[] = [];
  const elsewhere = found(
    ...['a.py', 'b.py', 'c.py'].map(path => changes(path, false, 'file', 'load()'))
  );
  const { others, edits } = offer(elsewhere, files, open);
  files.change('a.py', 'load() # more');
  delete files.texts['b.py'];
  assert.deepEqual(await others.changedFiles(edits), ['a.py', 'b.py']);
  open.push(openFile('c.py', 'load()'));
  assert.deepEqual(await others.write(edits), ['a.py', 'b.py', 'c.py']);
  assert.deepEqual(files.saved, []);
});

test('a file that was edited since is not taken back', async () => {
  const files = new Files({ 'b.py': 'load()' });
  const { others, edits } = offer(found(changes('b.py', false, 'file', 'load()')), files, []);
  await others.write(edits);
  files.change('b.py', 'read() # mine');
  assert.deepEqual(await others.revert(), { reverted: [], left: ['b.py'] });
  assert.equal(files.texts['b.py'], 'read() # mine');
});

test('a document that is too large, or not to be read, is named without its cells', () => {
  const source = (text: string) => [{ id: 'c', type: 'code' as const, source: text }];
  const texts = ['x'.repeat(200_000), 'y'.repeat(1_000), 'z', 'off', 'here'].map((text, i) => ({
    ...openNotebook(`${i}.ipynb`),
    isServed: text !== 'off',
    cells: () => source(text)
  }));
  assert.deepEqual(
    openWire(texts, '4.ipynb').map(({ path, cells }) => [path, cells.length]),
    [
      ['4.ipynb', 1],
      ['0.ipynb', 0],
      ['1.ipynb', 1],
      ['2.ipynb', 1],
      ['3.ipynb', 0]
    ]
  );
});

test('a file that is open is not written behind its editor, though it is not to be read', async () => {
  const files = new Files({ 'b.py': 'load()' });
  const open: OpenText[] = [];
  const { others, edits } = offer(found(changes('b.py', false, 'file', 'load()')), files, open);
  open.push({ ...openFile('b.py', 'load()  # not saved'), isServed: false });
  assert.deepEqual(await others.write(edits), ['b.py']);
  assert.equal(files.texts['b.py'], 'load()');
});

test('a file that is not open keeps its line ends and its byte order mark, and so it is taken back', async () => {
  const raw = '\uFEFFimport m\r\nm.load()\r\nm.load()\n';
  const source = 'import m\nm.load()\nm.load()\n';
  const files = new Files({ 'crlf.py': raw });
  const { others, edits } = offer(found(changes('crlf.py', false, 'file', source)), files, []);
  assert.deepEqual(await others.changedFiles(edits), []);
  assert.deepEqual(await others.write(edits), []);
  assert.equal(files.texts['crlf.py'], raw.replaceAll('load', 'read'));
  assert.deepEqual(await others.revert(), { reverted: ['crlf.py'], left: [] });
  assert.equal(files.texts['crlf.py'], raw);
});

test("a closed notebook's cells keep the line ends that they were saved with", async () => {
  const cells = ['import m\r\nm.load()\r\n', 'x = 1\r\n'];
  const files = new Files({ 'crlf.ipynb': cells });
  const { others, edits } = offer(found(changes('crlf.ipynb', false, '0', cells[0])), files, []);
  assert.deepEqual(await others.write(edits), []);
  assert.deepEqual(files.texts['crlf.ipynb'], [cells[0].replace('load', 'read'), cells[1]]);
});

test('what keeps the old name is named once something else is to take the new one', () => {
  const files = new Files({ 'a.py': 'import m\nm.load()\n', 'b.py': 'm.load()\n' });
  const { others, pending } = offer(
    found(
      changes('a.py', false, 'file', 'import m\nm.load()\n'),
      changes('b.py', false, 'file', 'm.load()\n')
    ),
    files,
    []
  );
  assert.deepEqual(others.keepers(pending), []);
  const [first, second] = pending.places;
  pending.choose(first, false);
  assert.deepEqual(others.keepers(pending), ['a.py']);
  pending.choose(second, false);
  assert.deepEqual(others.keepers(pending), []); // nothing is applied
});
