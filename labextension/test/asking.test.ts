import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Asking } from '../src/asking';
import { Offers } from '../src/offers';
import type { Pending } from '../src/pending';
import type { AnswerWire, SuggestionWire } from '../src/protocol';
import { textHash } from '../src/textHash';

const LATE = { suggestions: [], silence: { next_edit: 'no_change', rename: 'deadline' } };
const NOTHING = { suggestions: [], silence: { next_edit: 'no_change', rename: 'no_change' } };

const UNSURE = { suggestions: [], silence: { next_edit: 'no_change', rename: 'low_confidence' } };
const SUPERSEDED = {};
const TEXT = 'def f(a, offset):\n    return a';

/** What asks in a notebook whose edits are `bursts`, one a request, and that gets these answers. */
function world(answers: object[], bursts: number[]) {
  let asked = 0;
  let caret = { cell: 'a', offset: 'def f(a, offset'.length };
  const view = { composing: false };
  let undone: SuggestionWire | null = null;
  const said: string[] = [];
  const shown: string[] = [];
  const offers = new Offers();
  const idle = {
    ...{ settled: () => Promise.resolve(), pause: () => 0, enabled: true, mayInfer: true },
    /** Ghost text is asked for meanwhile, and takes the place of a request that gets no answer. */
    get isAsking() {
      return answers[asked - 1] === SUPERSEDED;
    }
  };
  const words = { trans: { __: (text: string, why = '') => text.replace('%1', why) } };
  const asking = new Asking({
    views: { isActiveCode: true, activeId: 'a', activeView: view, caret: () => caret },
    offers,
    recorder: { history: { last: { burst: bursts[0] } }, text: () => TEXT },
    requests: {
      notServed: () => null,
      snapshot: () => ({ burst: bursts[asked] ?? bursts.at(-1), caret }),
      ask: () => {
        const answer = answers[asked++] ?? NOTHING;
        return Promise.resolve(answer === SUPERSEDED ? null : (answer as unknown as AnswerWire));
      },
      across: () => null
    },
    shared: {
      ...{ client: idle, settings: {}, pace: { isQuiet: false }, ...words },
      tell: (text: string) => said.push(text)
    },
    byHand: () => null,
    again: () => undone,
    show: ([first]: Pending[]) => {
      shown.push(first.label);
      offers.show([first], 'a', true);
    },
    clear: () => {}
  } as never);
  const settled = async () => {
    asking.schedule();
    return waited();
  };
  const move = async (cell: string, offset: number) => {
    caret = { cell, offset };
    asking.caretMoved();
    return waited();
  };
  const waited = async () => {
    for (let before = -1; before !== asked;) {
      before = asked;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    return asked;
  };
  const undo = (suggestion: SuggestionWire) => (undone = suggestion);
  const compose = (composing: boolean) => (view.composing = composing);
  return { settled, move, compose, undo, asking, said, shown, asked: () => asked };
}

test('next edits whose answer ran out of time are asked for once more', async () => {
  const { settled, asking } = world([LATE, NOTHING], [1]);
  assert.equal(await settled(), 2);
  asking.dispose();
});

test('they are asked for no third time, until something else was typed', async () => {
  const { settled, asking } = world([LATE, LATE, LATE, NOTHING], [1, 1, 2]);
  assert.equal(await settled(), 2);
  assert.equal(await settled(), 4);
  asking.dispose();
});

test('no other silence is asked about again', async () => {
  const { settled, asking } = world([NOTHING, NOTHING], [1]);
  assert.equal(await settled(), 1);
  asking.dispose();
});

test('what looks half typed is asked about once more when the caret leaves it', async () => {
  const end = 'def f(a, offset'.length;
  for (const [cell, offset] of [
    ['a', end + 1],
    ['a', TEXT.length],
    ['b', 0]
  ] as const) {
    const { settled, move, asking } = world([UNSURE, UNSURE, UNSURE], [1]);
    assert.equal(await settled(), 1);
    assert.equal(await move('a', end - 3), 1, 'it is still in the word');
    assert.equal(await move(cell, offset), 2);
    assert.equal(await move('a', 0), 2, 'it was asked about already');
    asking.dispose();
  }
});

test('where the caret goes after any other answer is no reason to ask', async () => {
  const { settled, move, asking } = world([NOTHING], [1]);
  assert.equal(await settled(), 1);
  assert.equal(await move('b', 0), 1);
  asking.dispose();
});

test('who asks and gets nothing is told why, an answer that had no time being asked for once more', async () => {
  const { asking, said, asked } = world([LATE, UNSURE], [1]);
  await asking.suggest();
  assert.equal(asked(), 2);
  assert.deepEqual(said, ['No next edit here: nothing is likely enough']);
  asking.dispose();
});

test('what was undone is not offered by itself, but to who asks', async () => {
  const { asking, undo, said, shown, settled } = world([NOTHING, NOTHING], [1]);
  const edits = [{ cell: 'a', base: textHash(TEXT), start: 4, end: 5, text: 'g' }];
  undo({
    ...{ id: 's', kind: 'rename', lane: 'symbols', label: 'rename f to g', confidence: 1 },
    edits
  });
  await settled();
  assert.deepEqual(shown, []);
  await asking.suggest();
  assert.deepEqual([shown, said], [['rename f to g'], []]);
  asking.dispose();
});

test('while a character is composed nothing is asked, and then it is', async () => {
  const { settled, compose, asking } = world([NOTHING], [1]);
  compose(true);
  assert.equal(await settled(), 0);
  compose(false);
  await new Promise(resolve => setTimeout(resolve, 40));
  assert.equal(await settled(), 2, 'once when it was composed, once now');
  asking.dispose();
});

test('what ghost text superseded is asked for again', async () => {
  const { settled, asking } = world([SUPERSEDED, SUPERSEDED, NOTHING], [1]);
  assert.equal(await settled(), 3);
  asking.dispose();
});
