import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Later } from '../src/slices';
import { Slices } from '../src/slices';

/** What waits for idle time, called by hand. */
function idle() {
  let waiting: (() => void)[] = [];
  const later: Later = work => {
    waiting.push(work);
    return () => (waiting = waiting.filter(other => other !== work));
  };
  const next = () => {
    const work = waiting.shift();
    work?.();
    return work !== undefined;
  };
  return { later, next };
}

test('a slice holds as much work as it may, the rest comes in order when there is time', () => {
  const { later, next } = idle();
  const done: number[] = [];
  new Slices(3, later).run([1, 1, 2, 1, 1], cost => {
    done.push(cost);
    return cost;
  });
  assert.deepEqual(done, [1, 1, 2]);
  assert.ok(next());
  assert.deepEqual(done, [1, 1, 2, 1, 1]);
  assert.ok(!next(), 'nothing is left');
});

test('items with nothing to do cost nothing: all are looked at', () => {
  const { later, next } = idle();
  let looked = 0;
  new Slices(1, later).run(Array(100), () => {
    looked += 1;
    return 0;
  });
  assert.equal(looked, 100);
  assert.ok(!next());
});

test('new work takes the place of what is left, and stopping leaves it', () => {
  const { later, next } = idle();
  const done: string[] = [];
  const slices = new Slices(1, later);
  const work = (item: string) => done.push(item) && 1;
  slices.run(['a', 'b', 'c'], work);
  slices.run(['x', 'y'], work);
  assert.ok(next());
  assert.deepEqual(done, ['a', 'x', 'y']);
  slices.run(['p', 'q'], work);
  slices.stop();
  assert.ok(!next());
  assert.deepEqual(done, ['a', 'x', 'y', 'p']);
});
