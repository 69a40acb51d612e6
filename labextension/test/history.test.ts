import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EditHistory } from '../src/history';
import type { Origin } from '../src/protocol';

function event(before: string, after: string, at: number, cell = 'c', origin: Origin = 'typed') {
  return { cell, before, after, origin, at };
}

test('keystrokes of one burst are one event and keep its number', () => {
  const history = new EditHistory();
  history.append(event('', 'a', 0));
  const burst = history.last?.burst;
  history.append(event('a', 'ab', 0.2));
  assert.equal(history.all.length, 1);
  assert.deepEqual([history.last?.before, history.last?.after], ['', 'ab']);
  assert.equal(history.last?.burst, burst);
});

test('a pause, another cell, another origin and a distant line each begin a new event', () => {
  const far = '\n'.repeat(20);
  for (const next of [
    event('a', 'ab', 5),
    event('', 'x', 0.1, 'd'),
    event('a', 'ab', 0.1, 'c', 'remote')
  ]) {
    const history = new EditHistory();
    history.append(event('', 'a', 0));
    history.append(next);
    assert.equal(history.all.length, 2);
  }
  const history = new EditHistory();
  history.append(event(far, `a${far}`, 0));
  history.append(event(`a${far}`, `a${far}b`, 0.1));
  assert.equal(history.all.length, 2);
});

test('the text before a name that was typed with pauses is that before its first letter', () => {
  const history = new EditHistory();
  assert.equal(history.before, null);
  history.append(event('x = 1\ny = 2', 'x = 1\nprice = 2', 0));
  history.append(event('x = 1\nprice = 2', 'x = 1\nprice_eur = 2', 5));
  history.append(event('x = 1\nprice_eur = 2', 'x = 1\nprice_eur_net = 2', 9, 'c', 'accepted'));
  assert.equal(history.before, 'x = 1\ny = 2');
  history.append(event('x = 1\nprice_eur_net = 2', 'cost = 1\nprice_eur_net = 2', 20));
  assert.equal(history.before, 'x = 1\nprice_eur_net = 2');
});

test('what is reverted is dropped', () => {
  const history = new EditHistory();
  history.append(event('a', 'ab', 0));
  history.append(event('ab', 'a', 0.1));
  assert.equal(history.all.length, 0);
  history.append(event('a', 'ab', 1));
  history.append(event('ab', 'a', 9, 'c', 'undone'));
  assert.equal(history.all.length, 0);
});

test('what was accepted and taken back stays as both, also by hand', () => {
  for (const origin of ['undone', 'typed'] as const) {
    const history = new EditHistory();
    history.append(event('lw', 'linewidth', 0, 'c', 'accepted'));
    history.append(event('lw', 'linewidth', 0, 'd', 'accepted'));
    history.append(event('linewidth', 'lw', 9, 'c', origin));
    assert.deepEqual(
      history.all.map(e => e.origin),
      ['accepted', 'accepted', 'undone']
    );
    history.append(event('lw', 'linewidth', 19, 'c', 'undone')); // redone
    assert.equal(history.all.length, 2);
  }
  const history = new EditHistory();
  history.append(event('lw', 'lwidth', 0, 'c', 'accepted'));
  const keys = ['lwidth', 'lwidt', 'lwid', 'lwi', 'lw'];
  keys.slice(1).forEach((text, n) => history.append(event(keys[n], text, 5 + n / 10)));
  history.append(event('lw', 'lws', 5.5));
  assert.deepEqual(
    history.all.map(e => e.origin),
    ['accepted', 'undone', 'typed']
  );
});

test('what an accepted offer takes back is not refused', () => {
  const history = new EditHistory();
  history.append(event('lw', 'linewidth', 0, 'c', 'accepted'));
  history.append(event('linewidth', 'lw', 9, 'c', 'accepted'));
  assert.deepEqual(
    history.all.map(e => e.origin),
    ['accepted', 'accepted']
  );
});

test('what was undone and is made again is an edit again', () => {
  const history = new EditHistory();
  history.append(event('a', 'ab', 0));
  history.append(event('', 'x', 2, 'd'));
  history.append(event('ab', 'a', 9, 'c', 'undone'));
  history.append(event('a', 'ab', 20));
  assert.deepEqual(
    history.all.map(e => e.origin),
    ['typed', 'typed', 'undone', 'typed']
  );
});

test('the ring keeps the newest', () => {
  const history = new EditHistory({ maxEvents: 3 });
  for (let i = 0; i < 5; i++) {
    history.append(event('', 'x', i * 10, `c${i}`));
  }
  assert.deepEqual(
    history.all.map(e => e.cell),
    ['c2', 'c3', 'c4']
  );
});

test('a pasted key is never held and takes the past of its cell along', () => {
  const history = new EditHistory();
  const key = 'key = "sk-ant-' + 'Zk81hQpLw02nVbRt77aaYeTu"';
  history.append(event('', 'x = 1', 0, 'other'));
  history.append(event('', 'key = ', 5));
  history.append(event('key = ', key, 10, 'c', 'pasted'));
  history.append(event(key, 'key = ', 15));
  assert.deepEqual(
    history.all.map(e => e.cell),
    ['other']
  );
  history.append(event('key = ', 'key = 1', 20));
  assert.equal(history.all.length, 2);
  assert.ok(!JSON.stringify(history).includes('sk-ant'));
});
