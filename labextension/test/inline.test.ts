import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EditorState } from '@codemirror/state';

import { InlineProvider } from '../src/inline';
import type { AnswerWire } from '../src/protocol';
import { Sights } from '../src/sights';

const LATE = { suggestions: [], silence: { inline: 'deadline' } };
const UNSURE = { suggestions: [], silence: { inline: 'low_confidence' } };
const TEXT = {
  suggestions: [
    {
      id: 's1',
      kind: 'inline',
      lane: 'model',
      confidence: 0.9,
      edits: [{ cell: 'a', start: 3, end: 3, text: 'ge(3)' }]
    }
  ],
  silence: {}
};

/** A provider whose session gives these answers, one a request. */
function provider(...answers: object[]) {
  let asked = 0;
  const state = { text: 'ran', offset: 3, origin: 'typed', now: 0 };
  const sights = new Sights(() => state.now);
  const caret = () => ({ cell: 'a', offset: state.offset });
  const session = {
    notServed: null,
    caret,
    textOf: () => state.text,
    recorder: { lastOrigin: () => state.origin },
    aboutToAccept: () => {},
    watch: () => {},
    snapshot: () => ({ texts: new Map([['a', state.text]]), caret: caret() }),
    ask: () => Promise.resolve(answers[asked++] as unknown as AnswerWire)
  };
  const shared = {
    client: { enabled: true, mayInfer: true, report: () => Promise.resolve(null) },
    settings: { confidence: 0 },
    trans: { __: (text: string) => text },
    tell: () => {},
    sights
  };
  const inline = new InlineProvider(
    shared as never,
    { isQuiet: false, accepted: () => {} } as never,
    () => session as never
  );
  const fetch = async () => (await inline.fetch({} as never, { triggerKind: 1 } as never)).items;
  const type = (text: string) => Object.assign(state, { text, offset: text.length });
  /** The text becomes what JupyterLab makes of it when it accepts `insert`. */
  const accept = (insert: string) => {
    const { text, offset } = state;
    const before = EditorState.create({ doc: text, selection: { anchor: offset } });
    const change = before.update({ changes: { from: offset, insert } });
    const model = { sharedModel: { getId: () => 'a' } };
    inline.beforeTransaction(session as never, model as never, change);
    const after = change.state.doc.toString();
    Object.assign(state, { text: after, offset: offset + insert.length, origin: 'accepted' });
  };
  return { fetch, accept, type, state, sights, asked: () => asked };
}

test('a first answer that ran out of time is asked for once more, and shown', async () => {
  const { fetch, asked } = provider(LATE, TEXT);
  assert.deepEqual(await fetch(), [{ insertText: 'ge(3)' }]);
  assert.equal(asked(), 2);
});

test('it is asked for no third time, and no other silence is asked about again', async () => {
  const late = provider(LATE, LATE, TEXT);
  assert.deepEqual(await late.fetch(), []);
  assert.equal(late.asked(), 2);
  const unsure = provider(UNSURE, TEXT);
  assert.deepEqual(await unsure.fetch(), []);
  assert.equal(unsure.asked(), 1);
});

test('what was overtaken by a newer key is not asked for again', async () => {
  const { fetch, asked } = provider(LATE, TEXT, TEXT);
  const [older, newer] = await Promise.all([fetch(), fetch()]);
  assert.deepEqual([older, newer], [[], [{ insertText: 'ge(3)' }]]);
  assert.equal(asked(), 2);
});

test('ghost text that is drawn as the next key is typed was not seen, and may come again', async () => {
  for (const [stays, isSeen] of [
    [40, false],
    [400, true]
  ] as const) {
    const { fetch, type, state, sights } = provider(TEXT, UNSURE, TEXT);
    assert.equal((await fetch()).length, 1);
    assert.equal(sights.last, '');
    state.now += stays;
    type('rand');
    assert.deepEqual(await fetch(), []);
    assert.equal(sights.last, isSeen ? 's1' : '');
    state.now += 5_000;
    type('ran');
    assert.equal((await fetch()).length, isSeen ? 0 : 1);
  }
});

test('what is typed along with was seen as a whole, and so is what is accepted at once', async () => {
  const { fetch, type, state, sights } = provider(TEXT, UNSURE);
  await fetch();
  for (const key of 'ge') {
    state.now += 80;
    type(state.text + key);
    assert.equal((await fetch()).length, 1);
  }
  assert.equal(sights.last, 's1');
  sights.draw('s2');
  sights.answered();
  sights.gone();
  assert.equal(sights.last, 's2');
  sights.draw('s3');
  sights.gone();
  state.now += 1_000;
  assert.equal(sights.last, 's2');
});

test('more is asked for once ghost text was accepted to its end, but not after other edits', async () => {
  const { fetch, accept, state, asked } = provider(TEXT, UNSURE, UNSURE);
  await fetch();
  accept('ge(3)');
  await fetch();
  assert.equal(asked(), 2);
  Object.assign(state, { text: 'total', offset: 5 }); // an edit elsewhere in the cell was accepted
  await fetch();
  assert.equal(asked(), 2);
});
