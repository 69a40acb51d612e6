import assert from 'node:assert/strict';
import { test } from 'node:test';

import { StaleCells } from '../src/staleCells';

/** Cells a, b, c, d that ran in order; c depends on b. */
function world(
  answer: (changed: readonly string[], ran: readonly string[]) => string[] | null = c => [...c],
  counter: number | null = 3
) {
  const runs = new Map<string, number | null>([
    ['a', 1],
    ['b', 2],
    ['c', 3],
    ['d', null]
  ]);
  const stale = new StaleCells({
    runs: () => new Map(runs),
    order: () => ['a', 'b', 'c', 'd'],
    ask: (changed, ran) => Promise.resolve(answer(changed, ran)),
    counter: () => Promise.resolve(counter),
    changed: () => {}
  });
  const run = (cell: string, count: number, succeeded = true) => {
    runs.set(cell, count);
    stale.executed(cell, succeeded);
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
  assert.ok(!stale.holds('b'));
  run('b', 4);
  assert.deepEqual(stale.ids, []);
  assert.ok(stale.holds('b'));
});

test('a cell that runs into an error stays stale: it is run again once what it needs has run', async () => {
  const { stale, run, accept } = world();
  accept(['a', 'b'], true);
  run('b', 4, false);
  await settle();
  assert.deepEqual(stale.ids, ['a', 'b']);
  assert.deepEqual(await stale.toRun(), ['a', 'b']);
  run('a', 5);
  run('b', 6);
  assert.deepEqual(stale.ids, []);
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
  stale.reverted(new Map(runs));
  await settle();
  assert.deepEqual(stale.ids, ['b']);
});

test('taken back, what was stale before is stale again', () => {
  const { stale, runs, accept } = world();
  accept(['a'], true);
  accept(['b'], true);
  accept(['c'], true, true); // the same suggestion as the last one
  stale.reverted(new Map(runs));
  assert.deepEqual(stale.ids, ['a']);
});

test('after a restart the kernel holds nothing until cells run again; what is marked stays so', () => {
  const { stale, run, accept } = world();
  accept(['b'], true);
  stale.kernelGone();
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].filter(id => stale.holds(id)),
    []
  );
  assert.deepEqual(stale.ids, ['b']);
  run('a', 1);
  assert.ok(stale.holds('a'));
  assert.ok(!stale.holds('c'));
  assert.deepEqual(stale.ids, ['b']);
});

test('all that the answer lists is run, also what is not marked; the marks alone if none comes', async () => {
  const { stale, accept } = world(() => ['a', 'b', 'elsewhere']);
  accept(['b'], true);
  stale.kernelGone();
  assert.deepEqual(await stale.toRun(), ['a', 'b']);
  assert.deepEqual(stale.ids, ['b']); // to run is not to be out of date
  const silent = world(() => null);
  silent.accept(['b'], true);
  assert.deepEqual(await silent.stale.toRun(), ['b']);
});

test('after a restart it is said which cells ran before it: what never ran has no results', async () => {
  const asked: (readonly string[])[] = [];
  const { stale, accept } = world((changed, ran) => {
    asked.push(ran);
    return [...changed];
  });
  accept(['b'], true);
  stale.kernelGone();
  await stale.toRun();
  assert.deepEqual(asked.at(-1), ['a', 'b', 'c']);
});

test('after a restart nothing is run if nobody can say what the marked cells need', async () => {
  const { stale, run, accept } = world(() => null);
  accept(['b'], true);
  stale.kernelGone();
  assert.equal(await stale.toRun(), null);
  for (const [i, id] of ['a', 'b', 'c', 'd'].entries()) {
    run(id, i + 1);
  }
  accept(['b'], true);
  assert.deepEqual(await stale.toRun(), ['b']);
});

test('what the kernel holds still is not run again for a new name alone', async () => {
  const { stale, run, accept } = world(() => ['a', 'b', 'c', 'd']);
  run('a', 4);
  run('b', 5);
  run('c', 6);
  accept(['b'], true);
  assert.deepEqual(await stale.toRun(), ['b', 'd']);
  assert.deepEqual(stale.ids, ['b']);
});

test('counts that the file brought along are not those of a kernel that ran fewer cells', async () => {
  const fresh = world(c => [...c], 0);
  fresh.accept(['b'], true);
  await fresh.stale.toRun();
  assert.ok(!fresh.stale.holds('a') && !fresh.stale.holds('c'));
  const kept = world(c => [...c], 3);
  kept.accept(['b'], true);
  await kept.stale.toRun();
  assert.ok(kept.stale.holds('a') && kept.stale.holds('c'));
  const unknown = world(c => [...c], null);
  unknown.accept(['b'], true);
  await unknown.stale.toRun();
  assert.ok(unknown.stale.holds('a'));
});

test('a cell that runs as the first says that the others ran in an earlier kernel', () => {
  const { stale, run } = world();
  run('b', 1);
  assert.ok(stale.holds('b'));
  assert.ok(!stale.holds('a') && !stale.holds('c'));
  run('a', 2);
  assert.ok(stale.holds('a'));
});

test('what another kernel ran is not marked as out of date', async () => {
  const { stale, accept } = world(() => ['b', 'c']);
  stale.kernelGone();
  accept(['b'], false);
  await settle();
  assert.deepEqual(stale.ids, ['b']);
});
