import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';

import type { SchedulerHost } from '../src/scheduler';
import { Scheduler } from '../src/scheduler';

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
});

function world(changes: Partial<SchedulerHost> = {}) {
  const seen = { asked: 0, ahead: 0 };
  const scheduler = new Scheduler({
    mayAsk: () => true,
    pause: () => 200,
    isQuiet: () => false,
    settled: () => Promise.resolve(),
    lastEdit: () => 'edit',
    ask: () => (seen.asked += 1),
    readAhead: () => (seen.ahead += 1),
    ...changes
  });
  return { scheduler, seen };
}

/** Let what was promised happen. */
async function settle() {
  for (let i = 0; i < 5; i++) {
    await Promise.resolve();
  }
}

test('one question follows the last key by the pause', async () => {
  const { scheduler, seen } = world();
  for (let key = 0; key < 5; key++) {
    scheduler.schedule();
    mock.timers.tick(150);
    await settle();
  }
  assert.equal(seen.asked, 0);
  mock.timers.tick(50);
  await settle();
  assert.equal(seen.asked, 1);
});

test('nothing is asked where nothing may be, after a cancel, or once it is disposed', async () => {
  const off = world({ mayAsk: () => false });
  off.scheduler.schedule();
  const cancelled = world();
  cancelled.scheduler.schedule();
  cancelled.scheduler.cancel();
  const disposed = world();
  disposed.scheduler.schedule();
  disposed.scheduler.dispose();
  disposed.scheduler.schedule();
  mock.timers.tick(1000);
  await settle();
  assert.deepEqual([off.seen.asked, cancelled.seen.asked, disposed.seen.asked], [0, 0, 0]);
});

test('an edit while another request is in flight makes the question pointless', async () => {
  let finish = () => {};
  let last = 'first';
  const { scheduler, seen } = world({
    settled: () => new Promise(resolve => (finish = resolve)),
    lastEdit: () => last
  });
  scheduler.schedule();
  mock.timers.tick(200);
  last = 'second';
  finish();
  await settle();
  assert.equal(seen.asked, 0);
});

test('in the quiet after a dismissal it waits on and asks afterwards', async () => {
  let isQuiet = true;
  const { scheduler, seen } = world({ isQuiet: () => isQuiet });
  scheduler.schedule();
  mock.timers.tick(200);
  await settle();
  assert.equal(seen.asked, 0);
  isQuiet = false;
  mock.timers.tick(200);
  await settle();
  assert.equal(seen.asked, 1);
});

test('a cell passed by is not read ahead, one that is stayed in is, once', () => {
  const { scheduler, seen } = world();
  for (let cell = 0; cell < 4; cell++) {
    scheduler.entered();
    mock.timers.tick(100);
  }
  assert.equal(seen.ahead, 0);
  mock.timers.tick(1000);
  assert.equal(seen.ahead, 1);
});
