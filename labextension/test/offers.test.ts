import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Offers } from '../src/offers';
import { Pending } from '../src/pending';
import type { Origin } from '../src/protocol';
import { Rearranged } from '../src/rearranged';
import { textHash } from '../src/textHash';

const TEXTS: Record<string, string> = { a: 'costs = 1', b: 'print(cost)', c: 'cost + cost' };

/** `cost` becomes `costs` at these places; it was called for in cell a by the burst 1. */
function pendingOf(places: [string, number][], id = 's', text = 'costs', burst = 1): Pending {
  const pending = Pending.from(
    {
      id,
      kind: 'rename',
      lane: 'symbols',
      label: 'rename cost to costs',
      confidence: 1,
      edits: places.map(([cell, start]) => ({
        cell,
        base: textHash(TEXTS[cell]),
        start,
        end: start + 4,
        text
      }))
    },
    cell => TEXTS[cell],
    burst
  )!;
  pending.calledForBy('a', 'cost = 1', TEXTS.a);
  return pending;
}

const FOUR: [string, number][] = [
  ['b', 6],
  ['c', 0],
  ['c', 7]
];

function shown(pending = pendingOf(FOUR)) {
  const offers = new Offers();
  offers.show([pending], 'a');
  let burst = 1;
  const change = (cell: string, after: string, origin: Origin = 'typed', isNew = true) => {
    burst += isNew ? 1 : 0;
    const now = burst;
    offers.follow(
      { cell, before: '', after, origin, isWritten: origin !== 'undone' && origin !== 'remote' },
      { burst: now, holds: other => other <= now }
    );
  };
  return { offers, change };
}

test('of one answer the suggestion with most places comes first', () => {
  const offers = new Offers();
  const [one, three] = [pendingOf([['b', 6]], 'one'), pendingOf(FOUR, 'three')];
  assert.deepEqual(
    offers.choose([one, three], false).map(pending => pending.id),
    ['three', 'one']
  );
});

test('what carries on the last edit comes before what carries on an earlier one', () => {
  const offers = new Offers();
  const [last, earlier] = [pendingOf([['b', 6]], 'last'), pendingOf(FOUR, 'earlier', 'price')];
  assert.deepEqual(
    offers.choose([earlier, last], false).map(pending => pending.id),
    ['last', 'earlier']
  );
});

test('what the same answer had beside it comes when the first is done, if it still fits', () => {
  const offers = new Offers();
  offers.show([pendingOf([['b', 6]], 'first'), pendingOf([['c', 0]], 'second')], 'a');
  assert.equal(offers.next(cell => TEXTS[cell])?.id, 'second');
  offers.show([pendingOf([['b', 6]], 'first'), pendingOf([['c', 0]], 'second')], 'a');
  assert.equal(
    offers.next(cell => (cell === 'c' ? 'costly' : TEXTS[cell])),
    null
  );
});

test('refused places are not offered by themselves, but where the user asks', () => {
  const { offers } = shown();
  offers.drop(true);
  assert.deepEqual(offers.choose([pendingOf(FOUR)], false), []);
  assert.equal(offers.choose([pendingOf(FOUR)], true).length, 1);
});

test('an undo of what was deleted drops an offer made in between', () => {
  const { offers, change } = shown();
  change('a', 'costsx = 1', 'undone');
  assert.equal(offers.current, null);
});

test('an offer hides while the name that called for it is typed on', () => {
  const { offers, change } = shown();
  change('a', 'costs_ = 1');
  assert.equal(offers.shown, null);
  assert.notEqual(offers.current, null);
});

test('an offer hides while ghost text goes on with the name that called for it', () => {
  const { offers, change } = shown();
  change('a', 'costs_eur = 1', 'accepted');
  assert.equal(offers.shown, null);
  assert.notEqual(offers.current, null);
});

test('text behind the name leaves an offer as it is', () => {
  const { offers, change } = shown();
  change('a', 'costs = 1  # EUR');
  assert.notEqual(offers.shown, null);
});

test('at the second burst of other work an offer goes, and stays away', () => {
  const { offers, change } = shown();
  change('d', 'one');
  change('d', 'one two', 'typed', false);
  assert.notEqual(offers.shown, null);
  change('d', 'one two three');
  assert.equal(offers.current, null);
  assert.deepEqual(offers.choose([pendingOf(FOUR)], false), []);
});

test('ghost text that is accepted in the middle of other work is no second burst', () => {
  const { offers, change } = shown();
  change('d', 'one');
  change('d', 'one two', 'accepted');
  assert.notEqual(offers.shown, null);
  change('d', 'one two three');
  assert.equal(offers.current, null);
});

test('an offer has its home where it was made, then where its last place was', () => {
  const { offers } = shown();
  assert.ok(offers.isHome('a') && !offers.isHome('b') && !offers.isHome(undefined));
  offers.moveTo('b');
  assert.ok(offers.isHome('b') && !offers.isHome('a'));
});

test('the same offer made again elsewhere keeps its home', () => {
  const { offers } = shown();
  offers.show([pendingOf(FOUR, 'again', 'costs', 2)], 'd');
  assert.ok(offers.isHome('a') && !offers.isHome('d'));
});

test('an offer that goes on with the one shown keeps its home and its ticks, unless it was asked for', () => {
  const { offers } = shown(pendingOf(FOUR.slice(0, 2)));
  const [first] = offers.current!.places;
  offers.current!.choose(first, false);
  assert.ok(offers.show([pendingOf(FOUR)], 'c'), 'a place more is news');
  assert.ok(offers.isHome('a'));
  assert.deepEqual(
    offers.current!.chosen.map(({ cell, start }) => [cell, start]),
    FOUR.slice(1)
  );
  assert.equal(offers.show([pendingOf(FOUR)], 'c', true), false);
  assert.ok(offers.isHome('c'));
  assert.equal(offers.current!.chosen.length, 2);
});

test('the same answer to other typing leaves the offer as it is: more of that typing is still other work', () => {
  const { offers, change } = shown();
  const held = offers.current;
  change('d', 'one');
  assert.equal(offers.show([pendingOf(FOUR, 'again', 'costs', 2)], 'd'), false);
  change('d', 'one = 1', 'typed', false);
  assert.equal(offers.shown, held);
  assert.ok(offers.isHome('a'));
  change('d', 'two');
  assert.equal(offers.shown, null);
});

test('an offer that is made again says what is so now', () => {
  const offers = new Offers();
  const [first, again] = [pendingOf(FOUR), pendingOf(FOUR)];
  first.note('`cost` still exists in the kernel');
  again.note('cell 9 is locked');
  offers.show([first], 'a');
  assert.ok(!offers.show([again], 'a'));
  assert.deepEqual(offers.shown!.notes, ['cell 9 is locked']);
});

test('an offer goes with texts that went to other cells, with its home and what called for it', () => {
  const { offers, change } = shown();
  const merged = 'costs = 1\n\nprint(cost)';
  const texts = (...named: [string, string][]) => new Map(named);
  const was = texts(['a', TEXTS.a], ['b', TEXTS.b]);
  offers.rearrange(Rearranged.of(was, texts(['both', merged]))!);
  const places = () => offers.shown!.places.map(({ cell, start }) => [cell, start]);
  assert.deepEqual(places(), [
    ['both', 17],
    ['c', 0],
    ['c', 7]
  ]);
  assert.ok(offers.isHome('both'));
  offers.rearrange(
    Rearranged.of(texts(['both', merged]), texts(['new', TEXTS.a], ['both', TEXTS.b]))!
  );
  assert.deepEqual(places()[0], ['both', 6]);
  change('new', 'costs_ = 1');
  assert.equal(offers.shown, null, 'what called for it is followed no more');
});

test('an offer ends where the name that called for it was taken apart, and stays refused where it was', () => {
  const { offers } = shown();
  const was = new Map([['a', TEXTS.a]]);
  const now = new Map(Object.entries({ new: 'cos', a: 'ts = 1' }));
  offers.rearrange(Rearranged.of(was, now)!);
  assert.equal(offers.current, null);
  offers.show([pendingOf(FOUR)], 'a');
  offers.drop(true);
  offers.rearrange(Rearranged.of(new Map([['c', TEXTS.c]]), new Map([['d', TEXTS.c]]))!);
  TEXTS.d = TEXTS.c;
  assert.deepEqual(offers.choose([pendingOf([['d', 0]])], false), []);
  delete TEXTS.d;
});
