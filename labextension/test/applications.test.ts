import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Applications, renamedByHand } from '../src/applications';
import { textHash } from '../src/textHash';

function event(before: string, after: string, cell = 'a') {
  return { cell, before, after, origin: 'typed' as const, at: 0, burst: 1 };
}

const CHANGE = ['total', 'amount'] as const;

test('a name that was changed in one go, or with pauses, is found as it was before', () => {
  const made = renamedByHand([event('total = 1', 'amount = 1')], 'a', 'amount = 1', CHANGE);
  assert.equal(made?.before, 'total = 1');
  const paused = [
    event('total = 1', 'am = 1'),
    event('x', 'y', 'other'),
    event('am = 1', 'amount = 1')
  ];
  assert.equal(renamedByHand(paused, 'a', 'amount = 1', CHANGE)?.before, 'total = 1');
});

test('more than the name changed, or the cell was changed since: it is left alone', () => {
  const more = [event('total = 1', 'amount = 2')];
  assert.equal(renamedByHand(more, 'a', 'amount = 2', CHANGE), null);
  const since = [event('total = 1', 'amount = 1')];
  assert.equal(renamedByHand(since, 'a', 'amount = 1  # EUR', CHANGE), null);
  assert.equal(renamedByHand([], 'a', 'amount = 1', CHANGE), null);
});

test('what was undone is a suggestion again, word by word, in the cells that read as before', () => {
  const texts = new Map([
    ['a', 'x = 1'],
    ['b', 'x + x']
  ]);
  const textOf = (cell: string) => texts.get(cell);
  const made = new Applications();
  assert.equal(made.again(textOf), null);
  const add = (...cells: { id: string; before: string; after: string; byHand?: boolean }[]) =>
    made.add(
      { notebook: null as never, cells },
      { id: 's', kind: 'rename', lane: 'symbols', title: 'rename', old: () => 'x' } as never,
      [],
      null
    );
  add(
    { id: 'a', before: 'x = 1', after: 'long = 1', byHand: true },
    { id: 'b', before: 'x + x', after: 'long + x' }
  );
  add({ id: 'b', before: 'long + x', after: 'long + long' });
  const edit = (cell: string, start: number) => ({
    ...{ cell, start, end: start + 1, text: 'long' },
    base: textHash(texts.get(cell)!)
  });
  const offered = () => made.again(textOf)?.edits;
  assert.deepEqual(offered(), [edit('a', 0), edit('b', 0), edit('b', 4)]);
  assert.equal(made.again(textOf)?.label, 'rename');
  texts.set('a', 'long = 1');
  assert.deepEqual(offered(), [edit('b', 0), edit('b', 4)], 'undone in the editor of b alone');
  texts.set('b', 'x + x + 1');
  assert.equal(offered(), undefined, 'it was changed otherwise');
  texts.set('b', 'long + long');
  assert.equal(offered(), undefined, 'nothing was undone');
});
