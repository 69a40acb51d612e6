import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Rearranged } from '../src/rearranged';

const of = (was: Record<string, string>, now: Record<string, string>) =>
  Rearranged.of(new Map(Object.entries(was)), new Map(Object.entries(now)));

const RENAMED = { cell: 'a', before: 'total = 1\nother = 2', after: 'amount = 1\nother = 2' };
const TYPED = { cell: 'a', before: RENAMED.after, after: 'amount = 1\nother = 23' };

test('a cell that is split leaves each edit where its text is', () => {
  const split = of({ a: TYPED.after }, { new: 'amount = 1', a: 'other = 23' })!;
  assert.deepEqual(split.edits([RENAMED, TYPED]), [
    { cell: 'new', before: 'total = 1', after: 'amount = 1' },
    { cell: 'a', before: 'other = 2', after: 'other = 23' }
  ]);
  assert.deepEqual(split.place('a', 0, 6), { cell: 'new', start: 0, end: 6 });
  assert.deepEqual(split.place('a', 11, 16), { cell: 'a', start: 0, end: 5 });
  assert.equal(split.place('a', 7, 16), null);
  assert.deepEqual(split.heirs('a'), ['new', 'a']);
});

test('cells that are merged have all edits in one, each beside what the others read then', () => {
  const merged = of({ a: 'x = 12', b: 'y = 34' }, { both: 'x = 12\n\ny = 34' })!;
  const events = [
    { cell: 'a', before: 'x = 1', after: 'x = 12' },
    { cell: 'other', before: '', after: 'z' },
    { cell: 'b', before: 'y = 3', after: 'y = 34' }
  ];
  const edits = merged.edits(events);
  assert.deepEqual(edits, [
    { cell: 'both', before: 'x = 1\n\ny = 3', after: 'x = 12\n\ny = 3' },
    events[1],
    { cell: 'both', before: 'x = 12\n\ny = 3', after: 'x = 12\n\ny = 34' }
  ]);
  assert.equal(edits[1], events[1]);
  assert.deepEqual(merged.place('b', 0, 1), { cell: 'both', start: 8, end: 9 });
});

test('splitting and merging again gives the edits back, blank cells and line ends aside', () => {
  const split = of({ a: '\nx = 1\n\n\ny = 2\n' }, { blank: '', new: 'x = 1', a: 'y = 2' })!;
  const typed = { cell: 'a', before: '\nx = \n\n\ny = 2\n', after: '\nx = 1\n\n\ny = 2\n' };
  const there = split.edits([typed]);
  assert.deepEqual(there, [{ cell: 'new', before: 'x = ', after: 'x = 1' }]);
  const merged = of({ new: 'x = 1', a: 'y = 2' }, { a: 'x = 1\n\ny = 2' })!;
  assert.deepEqual(merged.edits(there), [
    { cell: 'a', before: 'x = \n\ny = 2', after: 'x = 1\n\ny = 2' }
  ]);
});

test('what was pasted at once is in both parts, but not where a line is cut in its middle', () => {
  const pasted = { cell: 'a', before: '', after: 'total = 1\nend' };
  const split = of({ a: pasted.after }, { new: 'total = 1', a: 'end' })!;
  assert.deepEqual(split.edits([pasted]), [
    { cell: 'new', before: '', after: 'total = 1' },
    { cell: 'a', before: '', after: 'end' }
  ]);
  const cut = of({ a: pasted.after }, { new: 'tot', a: 'al = 1\nend' })!;
  const typed = { cell: 'a', before: 'total = 1\n', after: pasted.after };
  assert.deepEqual(cut.edits([pasted, typed]), [
    { cell: 'a', before: 'al = 1\n', after: 'al = 1\nend' }
  ]);
  assert.equal(cut.place('a', 0, 5), null);
});

test('other texts are no rearrangement: typed, deleted, pasted, in another order', () => {
  assert.equal(of({ a: 'x = 1' }, { a: 'x = 2' }), null);
  assert.equal(of({ a: 'x = 1' }, {}), null);
  assert.equal(of({}, { b: 'x = 1' }), null);
  assert.equal(of({ a: '\n' }, { b: '' }), null);
  assert.equal(of({ a: 'x', b: 'y' }, { c: 'y\nx' }), null);
  assert.equal(of({ a: 'x = 1', b: 'y' }, { c: 'x = 1' }), null);
});
