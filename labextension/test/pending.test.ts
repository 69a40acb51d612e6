import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Pending, nextPlace } from '../src/pending';
import type { SuggestionWire } from '../src/protocol';
import { textHash } from '../src/textHash';

const TEXTS: Record<string, string> = {
  c0: 'total = 1',
  c1: 'print(total)\ntotal + total',
  c2: '# the total',
  c3: 'total'
};

function edit(cell: string, start: number, end: number, text = 'sum_') {
  return { cell, base: textHash(TEXTS[cell]), start, end, text };
}

function rename(changes: Partial<SuggestionWire> = {}): SuggestionWire {
  return {
    id: 's',
    kind: 'rename',
    lane: 'symbols',
    label: 'rename total to sum_',
    confidence: 1,
    edits: [edit('c1', 6, 11), edit('c1', 13, 18), edit('c1', 21, 26), edit('c3', 0, 5)],
    ...changes
  };
}

function pendingOf(suggestion = rename()): Pending {
  const pending = Pending.from(suggestion, cell => TEXTS[cell], 1);
  assert.ok(pending);
  return pending;
}

function applied(pending: Pending, cell: string): string | undefined {
  return pending.edits(pending.places).get(cell)?.apply(pending.textOf(cell));
}

test('a suggestion made for another text, or outside of it, is refused as a whole', () => {
  const other = { ...edit('c3', 0, 5), base: '0123456789abcdef' };
  assert.equal(
    Pending.from(rename({ edits: [edit('c1', 6, 11), other] }), c => TEXTS[c]),
    null
  );
  assert.equal(
    Pending.from(rename({ edits: [edit('c3', 3, 9)] }), c => TEXTS[c]),
    null
  );
  assert.equal(
    Pending.from(rename(), () => undefined),
    null
  );
});

test('notes that count places are dropped once a place was accepted or removed', () => {
  const notes = ['proved by bindings: 3 places', 'the same word: 1 place', 'cell 2 is locked'];
  for (const act of ['took', 'remove'] as const) {
    const pending = pendingOf(rename({ notes }));
    const [place] = pending.places;
    assert.deepEqual(pending.notes, notes);
    if (act === 'took') {
      pending.took([place]);
    } else {
      pending.remove(place);
    }
    assert.deepEqual(pending.notes, ['cell 2 is locked']);
  }
});

test('places move when their cell is edited elsewhere', () => {
  const pending = pendingOf();
  assert.ok(pending.follow('c1', '# new\nprint(total)\ntotal + total'));
  assert.equal(applied(pending, 'c1'), '# new\nprint(sum_)\nsum_ + sum_');
});

test('an edit at a place makes the whole suggestion stale', () => {
  assert.equal(pendingOf().follow('c1', 'print(totals)\ntotal + total'), false);
  assert.equal(pendingOf().follow('c3', 'tota'), false);
  assert.equal(pendingOf().follow('c3', ''), false);
});

test('an edit of a cell without places changes nothing', () => {
  assert.ok(pendingOf().follow('c0', 'anything'));
});

test('a taken place moves the others of its cell', () => {
  const pending = pendingOf();
  const [first, second] = pending.in('c1');
  pending.took([first]);
  assert.equal(pending.textOf('c1'), 'print(sum_)\ntotal + total');
  assert.equal(pending.old(pending.place(second.id)!), 'total');
  assert.equal(applied(pending, 'c1'), 'print(sum_)\nsum_ + sum_');
  assert.equal(pending.places.length, 3);
});

test('optional places are listed but not chosen, and Tab does not go there', () => {
  const pending = pendingOf(rename({ edits: [edit('c3', 0, 5)], optional: [edit('c2', 6, 11)] }));
  assert.deepEqual(
    pending.places.map(place => [place.cell, pending.isChosen(place)]),
    [
      ['c3', true],
      ['c2', false]
    ]
  );
  assert.equal(nextPlace(pending, ['c2', 'c3'], null)?.cell, 'c3');
});

test('the next place is the one at the caret, else the next one, else the first', () => {
  const pending = pendingOf();
  const order = ['c0', 'c1', 'c2', 'c3'];
  const at = (cell: string, offset: number) => {
    const place = nextPlace(pending, order, { cell, offset });
    return [place?.cell, place?.start];
  };
  assert.deepEqual(at('c0', 0), ['c1', 6]);
  assert.deepEqual(at('c1', 13), ['c1', 13]);
  assert.deepEqual(at('c1', 19), ['c1', 21]);
  assert.deepEqual(at('c2', 0), ['c3', 0]);
  assert.deepEqual(at('c1', 26), ['c1', 21]);
  const [first] = pending.in('c3');
  pending.remove(first);
  assert.deepEqual(at('c2', 0), ['c1', 6]);
});

test('a place keeps its signature while its line stays, wherever that moves', () => {
  const pending = pendingOf();
  const before = pending.places.map(place => pending.signature(place));
  pending.follow('c1', '\n\nprint(total)\ntotal + total');
  assert.deepEqual(
    pending.places.map(place => pending.signature(place)),
    before
  );
  pending.follow('c1', '\n\nprint(total)  # here\ntotal + total');
  assert.notEqual(pending.signature(pending.places[0]), before[0]);
  assert.equal(pending.signature(pending.places[1]), before[1]);
});

test('freshness is asked of every cell with a place', () => {
  const pending = pendingOf();
  assert.ok(pending.isFresh(cell => TEXTS[cell]));
  assert.ok(!pending.isFresh(cell => (cell === 'c3' ? 'total ' : TEXTS[cell])));
});

test('lines that a rewrite leaves as they are do not belong to the place', () => {
  const text = 'a = 1\nb = 2\nc = 3\n';
  const suggestion = rename({
    edits: [
      { cell: 'x', base: textHash(text), start: 0, end: text.length, text: 'a = 1\nb = 9\nc = 3\n' }
    ]
  });
  const pending = Pending.from(suggestion, () => text)!;
  assert.equal(pending.old(pending.places[0]), '2');
  assert.equal(applied(pending, 'x'), 'a = 1\nb = 9\nc = 3\n');
});

test('a place is what changes and no more, but words change as a whole', () => {
  const text = 'fit(x, lr=1)';
  const change = (start: number, end: number, to: string) => {
    const edits = [{ cell: 'x', base: textHash(text), start, end, text: to }];
    const pending = Pending.from(rename({ edits }), () => text)!;
    const [place] = pending.places;
    assert.equal(applied(pending, 'x'), text.slice(0, start) + to + text.slice(end));
    return [pending.old(place), place.text];
  };
  assert.deepEqual(change(4, 5, 'x, y'), ['', ', y']);
  assert.deepEqual(change(7, 9, 'learning_rate'), ['lr', 'learning_rate']);
  assert.deepEqual(change(0, 12, 'fit(x, rate=1)'), ['lr', 'rate']);
  assert.deepEqual(change(0, 12, 'fit(x)'), [', lr=1', '']);
});

test('the counts of a title are not those of its maker', () => {
  const label = 'rename total to sum_: 4 places in 2 cells';
  assert.equal(pendingOf(rename({ label })).title, 'rename total to sum_');
  assert.equal(pendingOf(rename({ label: 'fix: 2 places' })).title, 'fix: 2 places');
});

/** Whether this change of the typing that called for it counts as one. */
function touches(after: string): boolean {
  const pending = pendingOf();
  pending.calledForBy('c0', 'tot = 1', 'total = 1');
  assert.ok(pending.follow('c0', after));
  return pending.isTouched;
}

test('what called for a suggestion is touched by a change of its word, and by nothing beside it', () => {
  for (const after of ['totals = 1', 'tota = 1', 'a_total = 1', 'tXtal = 1', '']) {
    assert.ok(touches(after), after);
  }
  for (const after of ['total = 12', '# new\ntotal = 1', 'total  = 1', 'total.x = 1']) {
    assert.ok(!touches(after), after);
  }
});

test('what called for it is followed as its cell changes, also by what is accepted there', () => {
  const pending = pendingOf();
  pending.calledForBy('c1', 'print(tot)\ntotal + total', TEXTS.c1);
  pending.remove(pending.in('c1')[0]);
  pending.took(pending.in('c1'));
  pending.follow('c1', '# new\nprint(total)\nsum_ + sum_');
  assert.ok(!pending.isTouched);
  pending.follow('c1', '# new\nprint(totals)\nsum_ + sum_');
  assert.ok(pending.isTouched);
});

test('a place that is not ticked is not gone to, a mention that is ticked is', () => {
  const pending = pendingOf(rename({ edits: [edit('c3', 0, 5)], optional: [edit('c2', 6, 11)] }));
  pending.choose(pending.in('c3')[0], false);
  assert.equal(nextPlace(pending, ['c2', 'c3'], null), null);
  pending.choose(pending.in('c2')[0], true);
  assert.equal(nextPlace(pending, ['c2', 'c3'], null)?.cell, 'c2');
});
