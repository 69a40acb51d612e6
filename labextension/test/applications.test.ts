import assert from 'node:assert/strict';
import { test } from 'node:test';

import { renamedByHand } from '../src/applications';

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
