import assert from 'node:assert/strict';
import { test } from 'node:test';

import { OnceMore, askPatiently, whySilent } from '../src/silences';

const LATE = { silence: { rename: 'deadline', next_edit: 'no_change' } };
const NOTHING = { silence: { rename: 'no_change' } };
const trans = { __: (text: string) => text } as never;

test('what had no time is due once more, and again once something else was asked about', () => {
  const onceMore = new OnceMore();
  const isDue = (answer: typeof LATE | typeof NOTHING, about: unknown) =>
    onceMore.isDue(answer, ['rename', 'next_edit'], about);
  assert.deepEqual([isDue(LATE, 1), isDue(LATE, 1), isDue(LATE, 2)], [true, false, true]);
  assert.deepEqual([isDue(NOTHING, 2), isDue(LATE, null), isDue(LATE, null)], [false, true, false]);
  assert.equal(onceMore.isDue(LATE, ['inline'], 3), false, 'another kind was asked for');
});

test('who waits is asked for at once more, and no third time', async () => {
  const patiently = async (answers: object[], isWanted = true) => {
    const left = answers.map(answer => ({ answer }) as never);
    const found = await askPatiently(
      () => Promise.resolve(left.shift() ?? null),
      ['rename'],
      () => isWanted
    );
    return [found, left.length];
  };
  assert.deepEqual(await patiently([LATE, NOTHING, LATE]), [{ answer: NOTHING }, 1]);
  assert.deepEqual(await patiently([LATE, LATE, NOTHING]), [{ answer: LATE }, 1]);
  assert.deepEqual(await patiently([NOTHING, LATE]), [{ answer: NOTHING }, 1]);
  assert.deepEqual(await patiently([LATE, NOTHING], false), [{ answer: LATE }, 1]);
  assert.deepEqual(await patiently([]), [null, 0]);
});

test('a silence that was asked for has its reason in words', () => {
  const why = (inline: string, detail?: string) =>
    whySilent(
      { silence: { inline }, ...(detail ? { silence_detail: { inline: detail } } : {}) },
      ['inline'],
      trans
    );
  assert.equal(why('low_confidence', '0.31 < 0.60'), 'nothing is likely enough (0.31 < 0.60)');
  assert.equal(why('low_confidence', 'it was typed over here'), 'it was typed over here');
  assert.equal(why('unknown_name', 'x, y'), 'what was found uses unknown names: x, y');
  assert.equal(why('breaks_syntax'), 'what was found does not parse');
  assert.equal(why('deadline'), 'there was no time: try again');
  assert.equal(why('no_change'), null);
  const both = { silence: { rename: 'no_change', next_edit: 'low_confidence' } };
  assert.equal(whySilent(both, ['rename', 'next_edit'], trans), 'nothing is likely enough');
});
