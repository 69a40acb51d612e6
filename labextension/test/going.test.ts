import assert from 'node:assert/strict';
import { test } from 'node:test';

import { codeFolding, foldEffect, foldedRanges } from '@codemirror/language';
import type { TransactionSpec } from '@codemirror/state';
import { EditorState } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';

import type { CaretPlace } from '../src/carets';
import { focusAt } from '../src/carets';
import { goTo } from '../src/going';
import type { CellMaker } from '../src/making';
import { isMade, makeNow } from '../src/making';
import { Offers } from '../src/offers';
import { Pending } from '../src/pending';
import { textHash } from '../src/textHash';

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
  let view: EditorView | null = {} as EditorView;
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
  const missed: string[] = [];
  const going = goTo(pending.places[0], {
    views,
    offers,
    redraw: () => {},
    missed: cell => missed.push(cell)
  });
  return {
    missed,
    giveUp: () => ((view = null), made()),
    going,
    made,
    offers,
    caret: () => caret,
    move: (to: CaretPlace) => (caret = to)
  };
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
    const { going, made, caret, move, missed } = world();
    move(to);
    made();
    assert.ok(!(await going));
    assert.deepEqual(missed, []);
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

test('a cell that is not made is named, if it is still wanted', async () => {
  const { going, giveUp, missed } = world();
  giveUp();
  assert.ok(!(await going));
  assert.deepEqual(missed, ['b']);
});

/** A notebook of one cell that is not made yet; which cells it was asked to make. */
function unmade(windowingMode: CellMaker['notebookConfig']['windowingMode'], isAttached = false) {
  const asked: number[] = [];
  const content: CellMaker = {
    widgets: [{ isPlaceholder: () => true, isAttached }],
    notebookConfig: { windowingMode },
    renderCellOutputs: index => asked.push(index)
  };
  return { content, asked };
}

test('a cell that JupyterLab puts off is made at once, in its own way', () => {
  const put = unmade('defer');
  makeNow(put.content, 0);
  assert.deepEqual(put.asked, [0]);
  for (const { content, asked } of [unmade('full'), unmade('defer', true)]) {
    makeNow(content, 0);
    assert.deepEqual(asked, []);
  }
});

test('a JupyterLab that makes no cell on demand is waited for, but not for ever', async () => {
  const { content } = unmade('defer');
  makeNow({ ...content, renderCellOutputs: undefined }, 0);
  assert.ok(await isMade({ ready: Promise.resolve() }));
  assert.ok(!(await isMade({ ready: new Promise(() => {}) }, 1)));
});

test('code that is folded at a place is opened, also where the place ends the fold', () => {
  const doc = 'def f():\n    return total\nx = total';
  const fold = { from: 'def f():'.length, to: 'def f():\n    return total'.length };
  for (const offset of [fold.to, fold.to - 'tal'.length]) {
    let state = EditorState.create({ doc, extensions: [codeFolding()] });
    state = state.update({ effects: foldEffect.of(fold) }).state;
    assert.equal(foldedRanges(state).size, 1);
    const view = {
      get state() {
        return state;
      },
      scrollDOM: { clientWidth: 300 },
      dispatch: (spec: TransactionSpec) => (state = state.update(spec).state),
      focus: () => {}
    };
    focusAt(view as unknown as EditorView, offset);
    assert.equal(state.selection.main.head, offset);
    assert.equal(foldedRanges(state).size, 0);
  }
});
