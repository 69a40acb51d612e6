import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { Pause } from '../src/pause';

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 }));
afterEach(() => mock.timers.reset());

/** Two tabs that share what is kept. */
function tabs() {
  let kept: string | null = null;
  const store = { read: () => kept, write: (until: string | null) => void (kept = until) };
  const [one, other] = [new Pause(store), new Pause(store)];
  let changes = 0;
  one.changed.connect(() => changes++);
  return { store, one, other, changes: () => changes };
}

test('a pause ends by itself, and says so once', () => {
  const { one, changes } = tabs();
  one.begin(10);
  assert.equal(one.until?.getTime(), 1_000_000 + 600_000);
  mock.timers.tick(599_000);
  assert.ok(one.until);
  assert.equal(changes(), 1);
  mock.timers.tick(1_001);
  assert.equal(one.until, null);
  assert.equal(changes(), 2);
});

test('a pause holds in other tabs and after a reload, and is ended for all', () => {
  const { store, one, other } = tabs();
  one.begin(10);
  assert.equal(other.until, null);
  other.look();
  assert.ok(other.until);
  assert.ok(new Pause(store).until);
  other.end();
  one.look();
  assert.equal(one.until, null);
});

test('a pause that was over before the page was loaded is none, nor is what makes no sense', () => {
  for (const kept of ['999999', 'soon', '', null]) {
    assert.equal(new Pause({ read: () => kept, write: () => {} }).until, null);
  }
});
