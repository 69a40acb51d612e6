import assert from 'node:assert/strict';
import { test } from 'node:test';

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
  const typed = { text: 'ran', now: 0 };
  const sights = new Sights(() => typed.now);
  const caret = () => ({ cell: 'a', offset: typed.text.length });
  const session = {
    notServed: null,
    caret,
    textOf: () => typed.text,
    recorder: { lastOrigin: () => 'typed' },
    snapshot: () => ({ texts: new Map([['a', typed.text]]), caret: caret() }),
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
    { isQuiet: false } as never,
    () => session as never
  );
  const fetch = async () => (await inline.fetch({} as never, { triggerKind: 1 } as never)).items;
  return { fetch, asked: () => asked, typed, sights };
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
    const { fetch, typed, sights } = provider(TEXT, UNSURE, TEXT);
    assert.equal((await fetch()).length, 1);
    assert.equal(sights.last, '');
    typed.now += stays;
    typed.text = 'rand';
    assert.deepEqual(await fetch(), []);
    assert.equal(sights.last, isSeen ? 's1' : '');
    typed.now += 5_000;
    typed.text = 'ran';
    assert.equal((await fetch()).length, isSeen ? 0 : 1);
  }
});

test('what is typed along with was seen as a whole, and so is what is accepted at once', async () => {
  const { fetch, typed, sights } = provider(TEXT, UNSURE);
  await fetch();
  for (const key of 'ge') {
    typed.now += 80;
    typed.text += key;
    assert.equal((await fetch()).length, 1);
  }
  assert.equal(sights.last, 's1');
  sights.draw('s2');
  sights.answered();
  sights.gone();
  assert.equal(sights.last, 's2');
  sights.draw('s3');
  sights.gone();
  typed.now += 1_000;
  assert.equal(sights.last, 's2');
});
