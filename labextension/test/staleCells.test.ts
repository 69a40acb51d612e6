import assert from 'node:assert/strict';
import { test } from 'node:test';

import { StaleCells } from '../src/staleCells';

/** Cells a, b, c, d that ran in order; c depends on b. */
function world(answer: (changed: readonly string[]) => string[] | null = c => [...c]) {
  const runs = new Map<string, number | null>([
    ['a', 1],
    ['b', 2],
    ['c', 3],
    ['d', null]
  ]);
  const stale = new StaleCells({
    runs: () => new Map(runs),
    order: () => ['a', 'b', 'c', 'd'],
    ask: changed => Promise.resolve(answer(changed)),
    changed: () => {}
  });
  const run = (cell: string, count: number) => {
    runs.set(cell, count);
    stale.executed(cell);
  };
  const accept = (cells: string[], onlyNames: boolean, continues = false) => {
    cells.forEach(cell => stale.edit(cell));
    stale.accepted({ cells, onlyNames, continues, byHand: null });
  };
  return { stale, runs, run, accept };
}

/** Let an answer arrive. */
async function settle() {
  for (let i = 0; i < 5; i++) {
    await Promise.resolve();
  }
}

test('what ran and was changed is stale, what never ran is not, and running makes it fresh', () => {
  const { stale, run, accept } = world();
  accept(['b', 'd'], true);
  assert.deepEqual(stale.ids, ['b']);
  assert.ok(stale.isEdited('b'));
  run('b', 4);
  assert.deepEqual(stale.ids, []);
  assert.ok(!stale.isEdited('b'));
});

test('where more than names changed, what depends on it is stale, in the order to run it', async () => {
  const { stale, accept } = world(() => ['c', 'b']);
  accept(['b'], false);
  await settle();
  assert.deepEqual(stale.ids, ['c', 'b']);
});

test('names alone make nothing else stale', async () => {
  const { stale, accept } = world(() => ['b', 'c']);
  accept(['b'], true);
  await settle();
  assert.deepEqual(stale.ids, ['b']);
});

test('what ran while the answer was on its way is fresh', async () => {
  const { stale, run, accept } = world(() => ['b', 'c']);
  accept(['b'], false);
  run('c', 4);
  await settle();
  assert.deepEqual(stale.ids, ['b']);
});

test('taken back, cells say again what ran, but for those that ran meanwhile', async () => {
  const { stale, runs, run, accept } = world();
  accept(['a', 'b'], true);
  run('b', 4);
  stale.takenBack(new Map(runs));
  await settle();
  assert.deepEqual(stale.ids, ['b']);
});

test('taken back, what was stale before is stale again', () => {
  const { stale, runs, accept } = world();
  accept(['a'], true);
  accept(['b'], true);
  accept(['c'], true, true); // the same suggestion as the last one
  stale.takenBack(new Map(runs));
  assert.deepEqual(stale.ids, ['a']);
});
