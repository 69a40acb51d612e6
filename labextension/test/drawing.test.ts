import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nullTranslator } from '@jupyterlab/translation';

import { announcementOf, drawingOf } from '../src/drawing';
import type { OtherDocuments } from '../src/elsewhere';
import type { KeyBinding } from '../src/keyNames';
import { keyNames } from '../src/keyNames';
import type { Drawing } from '../src/marks';
import { Pending, nextPlace } from '../src/pending';
import { textHash } from '../src/textHash';

const TEXTS: Record<string, string> = { a: 'x = 1', b: 'print(x)\nx + x', c: 'x' };
const ORDER = ['a', 'b', 'c'];
const bound = (command: string, key: string, selector = '.jp-Notebook') => ({
  command: `nextedit:${command}`,
  keys: key.split(', '),
  selector
});
const keysOf = (...bindings: KeyBinding[]) =>
  keyNames(bindings, selector => selector === '.jp-Notebook');
const KEYS = keysOf(
  bound('tab', 'Tab', '.nextedit-mod-tab .cm-content'),
  bound('jump', 'Alt J'),
  bound('accept', 'Alt Shift J'),
  bound('accept-all', 'Alt Shift A')
);

function scene(caret: { cell: string; offset: number } | null, isTabOurs = true) {
  const edit = (cell: string, start: number) => ({
    cell,
    base: textHash(TEXTS[cell]),
    start,
    end: start + 1,
    text: 'y'
  });
  const pending = Pending.from(
    {
      id: 's',
      kind: 'rename',
      lane: 'symbols',
      label: 'rename x to y',
      confidence: 1,
      edits: [edit('b', 6), edit('b', 9), edit('c', 0)]
    },
    cell => TEXTS[cell]
  )!;
  const current = nextPlace(pending, ORDER, caret);
  return {
    pending,
    current,
    caret,
    order: ORDER,
    isTabOurs,
    keys: KEYS,
    isHome: (cell: string) => cell !== 'c',
    trans: nullTranslator.load('')
  };
}

test('each place of a cell is drawn, one of all is the current one', () => {
  const drawn = ORDER.map(cell => drawingOf(scene({ cell: 'a', offset: 0 }), cell).marks);
  assert.deepEqual(
    drawn.map(marks => marks.map(mark => [mark.start, mark.text, mark.isCurrent])),
    [
      [],
      [
        [6, 'y', true],
        [9, 'y', false]
      ],
      [[0, 'y', false]]
    ]
  );
});

const hint = (drawn: Drawing) => drawn.hint.join('');

test('the hint stands in the cell of the caret, and says which key goes where', () => {
  const there = scene({ cell: 'a', offset: 0 });
  assert.equal(hint(drawingOf(there, 'a')), 'Tab → cell 2: rename x to y: 3 places in 2 cells');
  assert.equal(hint(drawingOf(there, 'b')), '');
  assert.match(hint(drawingOf(scene({ cell: 'b', offset: 0 }), 'b')), /^Tab → rename/);
});

test('at a place there is no hint, and the key beside it accepts', () => {
  const here = drawingOf(scene({ cell: 'b', offset: 6 }), 'b');
  assert.equal(hint(here), '');
  assert.equal(here.marks[0].label, 'Tab');
});

test('where Tab is not ours the other chords are named', () => {
  const elsewhere = (offset: number) => drawingOf(scene({ cell: 'b', offset }, false), 'b');
  assert.match(hint(elsewhere(0)), /^Alt-J → /);
  assert.equal(elsewhere(0).marks[0].label, 'Alt-J');
  assert.equal(elsewhere(6).marks[0].label, 'Alt-Shift-J');
});

test('away from its home an offer has no hint', () => {
  assert.equal(hint(drawingOf(scene({ cell: 'c', offset: 1 }), 'c')), '');
});

test('a place that is not ticked is not drawn, nor counted', () => {
  const one = scene({ cell: 'a', offset: 0 });
  one.pending.choose(one.pending.in('b')[0], false);
  const again = { ...one, current: nextPlace(one.pending, ORDER, one.caret) };
  assert.equal(drawingOf(again, 'b').marks.length, 1);
  assert.match(hint(drawingOf(again, 'a')), /2 places in 2 cells$/);
});

test('where all places are in other documents no key is announced that goes to one', () => {
  const { pending, trans } = scene({ cell: 'a', offset: 0 });
  assert.match(
    announcementOf(pending, KEYS, true, trans),
    /cells\. Tab goes to .*Alt Shift A accepts/
  );
  pending.others = { holds: () => true } as unknown as OtherDocuments;
  assert.match(
    announcementOf(pending, KEYS, true, trans),
    /cells\. Alt Shift A accepts all places\.$/
  );
});

test('where all places are in other documents the hint says how to accept them', () => {
  const elsewhere = { ...scene({ cell: 'a', offset: 0 }), current: null };
  assert.match(hint(drawingOf(elsewhere, 'a')), /^Alt-Shift-A → rename x to y: 3 places/);
  assert.equal(hint(drawingOf(elsewhere, 'b')), '');
});

test('the hint says what there is to know of an offer', () => {
  const there = scene({ cell: 'a', offset: 0 });
  there.pending.note('cell 4 is locked: not changed');
  assert.equal(
    hint(drawingOf(there, 'a')),
    'Tab → cell 2: rename x to y: 3 places in 2 cells · cell 4 is locked: not changed'
  );
});

test('the hint is in parts, the key first, so that a narrow cell can leave out the last ones', () => {
  const there = scene({ cell: 'a', offset: 0 });
  there.pending.note('cell 4 is locked: not changed');
  assert.deepEqual(drawingOf(there, 'a').hint, [
    'Tab ',
    '→ cell 2',
    ': rename x to y',
    ': 3 places in 2 cells',
    ' · cell 4 is locked: not changed'
  ]);
  const here = drawingOf(scene({ cell: 'b', offset: 0 }), 'b').hint;
  assert.deepEqual(here.slice(0, 2), ['Tab ', '→ rename x to y']);
});

test("the user's own keys are named, and none where there is none", () => {
  const there = scene({ cell: 'a', offset: 0 }, false);
  const keys = keysOf(
    bound('jump', 'Alt F', '.jp-FileEditor'),
    bound('jump', 'Ctrl K, N'),
    bound('jump', 'Alt J')
  );
  assert.match(hint(drawingOf({ ...there, keys }, 'a')), /^Ctrl-K, N → cell 2/);
  const none = { ...there, keys: keysOf() };
  assert.match(hint(drawingOf(none, 'a')), /^→ cell 2/);
  assert.equal(drawingOf(none, 'b').marks[0].label, '');
  const { pending, trans } = there;
  assert.match(
    announcementOf(pending, keys, false, trans),
    /\. Ctrl K, N goes to the next place\.$/
  );
  assert.match(announcementOf(pending, keysOf(), false, trans), /cells$/);
  assert.match(announcementOf(pending, keysOf(), true, trans), /Tab goes to the next place\.$/);
});
