import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { EditorView } from '@codemirror/view';

import { goTo } from '../src/going';
import { Offers } from '../src/offers';
import { Pending } from '../src/pending';
import { textHash } from '../src/textHash';
import type { CaretPlace } from '../src/views';

const TEXT = 'print(total)';

/** An offer in cell `b`, the caret in `a`; the cell `b` is there once `made` is called. */
function world() {
  const offers = new Offers();
  const edit = { cell: 'b', base: textHash(TEXT), start: 6, end: 11, text: 'amount' };
  const pending = Pending.from(
    { id: 's', kind: 'rename', lane: 'symbols', label: '', confidence: 1, edits: [edit] },
    () => TEXT
  )!;
  offers.show([pending], 'a');
  let caret: CaretPlace = { cell: 'a', offset: 3 };
  let made = () => {};
  const isMade = new Promise<void>(resolve => (made = resolve));
  const view = {} as EditorView;
  const views = {
    get activeId() {
      return caret.cell;
    },
    caret: () => caret,
    async enter(_: string, isWanted: () => boolean) {
      await isMade;
      return isWanted() ? view : null;
    },
    focus: (_: EditorView, offset: number) => (caret = { cell: 'b', offset })
  };
  const going = goTo(pending.places[0], { views, offers, redraw: () => {} });
  return { going, made, offers, caret: () => caret, move: (to: CaretPlace) => (caret = to) };
}

test('a place is gone to once its cell is there, and its cell is the home of the offer', async () => {
  const { going, made, offers, caret } = world();
  made();
  assert.ok(await going);
  assert.deepEqual(caret(), { cell: 'b', offset: 11 });
  assert.ok(offers.isHome('b'));
});

test('who types or goes elsewhere while a cell is made stays there', async () => {
  for (const to of [
    { cell: 'a', offset: 4 },
    { cell: 'c', offset: 3 }
  ]) {
    const { going, made, caret, move } = world();
    move(to);
    made();
    assert.ok(!(await going));
    assert.deepEqual(caret(), to);
  }
});

test('an offer that goes while a cell is made is gone to by nobody', async () => {
  const { going, made, offers, caret } = world();
  offers.drop();
  made();
  assert.ok(!(await going));
  assert.equal(caret().cell, 'a');
});
