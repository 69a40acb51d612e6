import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';

import type { ISharedNotebook } from '@jupyter/ydoc';
import { YNotebook } from '@jupyter/ydoc';
import { bytesToHex } from '@noble/hashes/utils';

import type { Told } from '../src/changes';
import { Changes, cellDigest, stateHash } from '../src/changes';
import { EditHistory } from '../src/history';
import type { CellWire, FactsWire, RequestWire } from '../src/protocol';
import { SentCells } from '../src/sentCells';

const vectors = JSON.parse(
  readFileSync(new URL('../../tests/golden/vectors/cell_digest.json', import.meta.url), 'utf8')
) as [CellWire | CellWire[], string][];

test('cells have the digests that the worker gives them', () => {
  for (const [cells, hash] of vectors) {
    const found = Array.isArray(cells) ? stateHash(cells) : bytesToHex(cellDigest(cells));
    assert.equal(found, hash);
  }
});

const cell = (id: string, source: string): CellWire => ({ id, type: 'code', source });

function request(cells: CellWire[], more: Partial<RequestWire> = {}): Omit<RequestWire, 'id'> {
  return {
    notebook: { language: 'python', cells },
    cursor: { cell: cells[0].id, offset: 0 },
    want: ['inline'],
    ...more
  };
}

/** The cells that a worker would have, which holds what it answered. */
class FakeWorker {
  private readonly states = new Map<string, CellWire[]>();

  take({ request, state }: Told): CellWire[] {
    const { base, cells, order, hash } = request.notebook;
    assert.equal(hash, state.hash);
    const known = new Map<string, CellWire>();
    if (base !== undefined) {
      const held = this.states.get(base);
      assert.ok(held, 'what was never answered is not held');
      held.forEach(cell => known.set(cell.id, cell));
    }
    cells.forEach(cell => known.set(cell.id, cell));
    const all = order ? order.map(id => known.get(id)!) : [...known.values()];
    assert.equal(stateHash(all), hash);
    this.states.set(hash, all);
    return all;
  }
}

test('what changes is what is sent, and it stands for all of it', () => {
  const [worker, changes] = [new FakeWorker(), new Changes()];
  let cells = Array.from({ length: 50 }, (_, i) => cell(`c${i}`, `x_${i} = ${i}`));
  const steps: ((cells: CellWire[]) => CellWire[])[] = [
    all => all,
    all => all.map((one, i) => (i === 7 ? cell(one.id, 'typed') : one)),
    all => all.map(one => ({ ...one })), // new objects that say the same
    all => [...all.slice(0, 3), cell('new', ''), ...all.slice(3)],
    all => all.filter((_, i) => i !== 10),
    all => [all[1], all[0], ...all.slice(2)],
    all => all.map((one, i) => (i === 0 ? { ...one, tags: ['a'], execution_count: 3 } : one))
  ];
  const sent = steps.map(step => {
    cells = step(cells);
    const told = changes.tell(request(cells));
    assert.deepEqual(worker.take(told), cells);
    changes.answered(told);
    return told.request.notebook.cells.length;
  });
  assert.deepEqual(sent, [50, 1, 0, 1, 0, 0, 1]);
});

test('what was not answered is no base, nor is what is forgotten', () => {
  const changes = new Changes();
  const [first, second] = [[cell('a', 'x')], [cell('a', 'xy')]];
  const told = changes.tell(request(first));
  assert.equal(changes.tell(request(second)).request.notebook.base, undefined);
  changes.answered(told);
  assert.equal(changes.tell(request(second)).request.notebook.base, told.state.hash);
  changes.forget();
  assert.equal(changes.tell(request(second)).request.notebook.base, undefined);
});

test('notebooks by turns each keep a base of their own', () => {
  const changes = new Changes();
  const [one, other] = [[cell('a', 'x')], [cell('b', 'y')]].map(cells =>
    changes.tell(request(cells))
  );
  changes.answered(one);
  changes.answered(other);
  const next = changes.tell(request([cell('a', 'x1')])).request.notebook;
  assert.equal(next.base, one.state.hash);
});

test('facts and long edits are sent once, the edit that grows each time', () => {
  const changes = new Changes();
  const facts: FactsWire = { names: [{ name: 'df', type: 'DataFrame' }] };
  const long = 'x = 1\n'.repeat(40);
  const event = { cell: 'a', before: '', after: long, origin: 'typed', at: 0 } as const;
  const last = { ...event, after: `${long}y` };
  const parts = { facts, history: [event, last] };
  const told = changes.tell(request([cell('a', 'x')], parts));
  assert.deepEqual(told.request.facts, { ...facts, hash: told.hashes[1] });
  changes.answered(told);
  const again = changes.tell(request([cell('a', 'x')], parts)).request;
  assert.deepEqual(again.facts, { hash: told.hashes[1] });
  assert.deepEqual(again.history, [{ hash: told.hashes[0] }, last]);
});

test('an event that does not change is the same object on the wire', () => {
  const history = new EditHistory();
  const typed = { cell: 'a', origin: 'typed' } as const;
  history.append({ ...typed, before: '', after: 'x', at: 0 });
  history.append({ ...typed, before: 'x', after: 'xy', at: 9 });
  const before = history.wire();
  assert.equal(history.wire()[0], before[0]);
  history.append({ ...typed, before: 'xy', after: 'xyz', at: 9.1 });
  assert.equal(history.wire()[0], before[0]);
  assert.notEqual(history.wire()[1], before[1]);
  assert.equal(history.wire()[1].after, 'xyz');
});

const open: YNotebook[] = [];

after(() => open.forEach(notebook => notebook.dispose())); // its awareness keeps a timer

function notebookOf(...sources: string[]): ISharedNotebook {
  const notebook = YNotebook.create({ disableDocumentWideUndoRedo: true });
  open.push(notebook);
  notebook.insertCells(
    0,
    sources.map((source, i) => ({ id: `c${i}`, cell_type: 'code', source }))
  );
  return notebook;
}

test('a cell is made anew when it changes, and is the same object when another does', () => {
  const notebook = notebookOf('a', 'b', 'c');
  const edited = new Set<string>();
  const sent = new SentCells(
    notebook,
    () => undefined,
    id => edited.has(id)
  );
  const first = sent.all().cells;
  assert.deepEqual(
    first.map(({ source }) => source),
    ['a', 'b', 'c']
  );
  notebook.cells[1].setSource('bb');
  const second = sent.all().cells;
  assert.equal(second[0], first[0]);
  assert.equal(second[2], first[2]);
  assert.equal(second[1].source, 'bb');
  notebook.cells[1].updateSource(0, 1, 'y');
  assert.equal(sent.all().cells[1].source, 'yb');
});

test('tags, locks, runs, new and moved cells are seen at once', () => {
  const notebook = notebookOf('a', 'b', 'c');
  const edited = new Set<string>();
  const sent = new SentCells(
    notebook,
    () => undefined,
    id => edited.has(id)
  );
  sent.all();
  const [a, b] = notebook.cells;
  (b as unknown as { execution_count: number }).execution_count = 4;
  assert.equal(sent.all().cells[1].execution_count, 4);
  edited.add('c1');
  assert.equal(sent.all().cells[1].execution_count, null);
  edited.delete('c1');
  assert.equal(sent.all().cells[1].execution_count, 4);
  a.setMetadata('editable', false);
  assert.equal(sent.all().cells[0].editable, false);
  a.setMetadata('tags', ['x']);
  assert.deepEqual(sent.all().cells[0].tags, ['x']);
  a.setMetadata('tags', ['nextedit-off']);
  assert.deepEqual(
    sent.all().cells.map(({ id }) => id),
    ['c1', 'c2']
  );
  assert.deepEqual(sent.all().switchedOff, [1]);
  a.setMetadata('tags', []);
  notebook.moveCell(0, 2);
  notebook.insertCell(1, { id: 'new', cell_type: 'markdown', source: 'm' });
  notebook.deleteCell(0);
  assert.deepEqual(
    sent.all().cells.map(({ id }) => id),
    ['new', 'c2', 'c0']
  );
});
