import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Following } from '../src/following';
import { Offers } from '../src/offers';
import { Pending } from '../src/pending';
import { Rearranged } from '../src/rearranged';
import { textHash } from '../src/textHash';

/** A document with these cells, in which `total` in cell b is to become `amount`; what was done there. */
function world(cells: Record<string, string>) {
  const done: string[] = [];
  const offers = new Offers();
  const texts = new Map(Object.entries(cells));
  const edit = { cell: 'b', base: textHash(cells.b), start: 0, end: 5, text: 'amount' };
  const pending = Pending.from(
    { id: 's', kind: 'rename', lane: 'symbols', label: '', confidence: 1, edits: [edit] },
    cell => texts.get(cell)
  )!;
  const following = new Following({
    views: { regainFocus: () => {} },
    offers,
    asking: { schedule: () => done.push('ask') },
    acceptance: { isAccepting: false, rearrange: () => done.push('rearrange') },
    stale: { edit: cell => done.push(`edited ${cell}`) },
    recorder: { history: { last: undefined, all: [] } as never },
    textOf: cell => texts.get(cell),
    isGone: () => texts.size === 0,
    redraw: () => done.push('redraw')
  });
  const change = async (now: Record<string, string>, cameBack = false) => {
    const was = new Map([...texts].filter(([cell, text]) => now[cell] !== text));
    const came = Object.entries(now).filter(([cell, text]) => texts.get(cell) !== text);
    texts.clear();
    Object.entries(now).forEach(([cell, text]) => texts.set(cell, text));
    following.cellsChanged({ cameBack, rearranged: Rearranged.of(was, new Map(came)) });
    await Promise.resolve();
    return done.splice(0);
  };
  return { offers, pending, change };
}

test('what is offered goes with a cell that is split, is asked about again and drawn', async () => {
  const { offers, pending, change } = world({ a: 'x = 1', b: 'total\ny = 2' });
  offers.show([pending], 'b');
  const done = await change({ a: 'x = 1', new: 'total', b: 'y = 2' });
  assert.deepEqual(done, ['edited b', 'rearrange', 'ask', 'redraw']);
  assert.deepEqual(
    offers.shown?.places.map(({ cell }) => cell),
    ['new']
  );
});

test('an offer goes with its last place, and what comes back is asked about', async () => {
  const { offers, pending, change } = world({ a: 'x = 1', b: 'total' });
  offers.show([pending], 'b');
  assert.deepEqual(await change({ a: 'x = 1' }), ['redraw']);
  assert.equal(offers.current, null);
  assert.deepEqual(await change({ a: 'x = 1', b: 'total' }, true), ['ask']);
  assert.deepEqual(await change({}, true), [], 'the document was closed');
});
