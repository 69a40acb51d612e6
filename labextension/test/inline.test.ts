import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EditorState } from '@codemirror/state';

import { InlineProvider } from '../src/inline';
import type { AnswerWire } from '../src/protocol';

const LATE = { suggestions: [], silence: { inline: 'deadline' } };
const UNSURE = { suggestions: [], silence: { inline: 'low_confidence' } };
const TEXT = {
  suggestions: [
    {
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
  const state = { text: 'ran', offset: 3, origin: 'typed' };
  const session = {
    notServed: null,
    caret: () => ({ cell: 'a', offset: state.offset }),
    textOf: () => state.text,
    recorder: { lastOrigin: () => state.origin },
    aboutToAccept: () => {},
    watch: () => {},
    snapshot: () => ({ texts: new Map([['a', 'ran']]), caret: { cell: 'a', offset: 3 } }),
    ask: () => Promise.resolve(answers[asked++] as unknown as AnswerWire)
  };
  const shared = {
    client: { enabled: true, mayInfer: true, report: () => Promise.resolve(null) },
    settings: { confidence: 0 },
    trans: { __: (text: string) => text },
    tell: () => {}
  };
  const inline = new InlineProvider(
    shared as never,
    { isQuiet: false, accepted: () => {} } as never,
    () => session as never
  );
  const fetch = async () => (await inline.fetch({} as never, { triggerKind: 1 } as never)).items;
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
  return { fetch, accept, state, asked: () => asked };
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
