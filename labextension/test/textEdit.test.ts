import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { TextEdit } from '../src/textEdit';
import { textHash } from '../src/textHash';

type Wire = [number, number, string][];

function vectors<T>(name: string): T[] {
  const url = new URL(`../../tests/golden/vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as T[];
}

function edit(wire: Wire): TextEdit {
  return new TextEdit(wire.map(([start, end, text]) => ({ start, end, text })));
}

function wire(value: TextEdit | null): Wire | null {
  return value && value.replacements.map(r => [r.start, r.end, r.text]);
}

interface EditCase {
  text: string;
  a: Wire;
  b: Wire;
  other: Wire;
  applied: string;
  inverse: Wire;
  composed: Wire;
  composed_applied: string;
  rebased: Wire | null;
  mapped: number[];
  offsets: number[];
}

const cases = vectors<EditCase>('text_edit.json');

test('applying gives the text that Python gives', () => {
  for (const c of cases) {
    assert.equal(edit(c.a).apply(c.text), c.applied);
  }
});

test('an edit and its inverse give the text back', () => {
  for (const c of cases) {
    const inverse = edit(c.a).invert(c.text);
    assert.deepEqual(wire(inverse), c.inverse);
    assert.equal(inverse.apply(c.applied), c.text);
  }
});

test('composing is applying one after the other', () => {
  for (const c of cases) {
    const composed = edit(c.a).compose(edit(c.b));
    assert.deepEqual(wire(composed), c.composed);
    assert.equal(composed.apply(c.text), c.composed_applied);
  }
});

test('rebasing gives what Python gives, and nothing where both change one place', () => {
  for (const c of cases) {
    assert.deepEqual(wire(edit(c.a).rebase(edit(c.other))), c.rebased);
  }
});

test('offsets move with the text around them', () => {
  for (const c of cases) {
    assert.deepEqual(
      c.offsets.map(at => edit(c.a).mapOffset(at)),
      c.mapped
    );
  }
});

test('what is left after typing a part completes the suggestion', () => {
  interface Case {
    text: string;
    a: Wire;
    typed: Wire;
    left: Wire | null;
    wanted: string;
  }
  for (const c of vectors<Case>('interpolate.json')) {
    const left = edit(c.a).interpolate(edit(c.typed));
    assert.deepEqual(wire(left), c.left);
    if (left) {
      assert.equal(left.apply(edit(c.typed).apply(c.text)), c.wanted);
    }
  }
});

test('the edit between two texts turns one into the other and cuts no surrogate pair', () => {
  for (const [before, after] of vectors<[string, string]>('between.json')) {
    const between = TextEdit.between(before, after);
    assert.equal(between.apply(before), after);
    for (const r of between.replacements) {
      for (const at of [r.start, r.end]) {
        assert.ok(
          !/^[\udc00-\udfff]/.test(before.slice(at)) ||
            !/[\ud800-\udbff]$/.test(before.slice(0, at))
        );
      }
    }
  }
});

test('a changed half of a pair is replaced as a whole', () => {
  assert.deepEqual(wire(TextEdit.between('x🙂y', 'x🙃y')), [[1, 3, '🙃']]);
});

test('changes of distant lines stay apart, whether or not lines were added', () => {
  const edits = TextEdit.between('a = 1\nb = 2\nc = 3\n', 'a = 9\nb = 2\nc = 8\n');
  assert.deepEqual(wire(edits), [
    [4, 5, '9'],
    [16, 17, '8']
  ]);
  const longer = TextEdit.between('a = 1\nb\nc = 3\n', 'a = 9\nnew\nb\nc = 8\n');
  assert.equal(longer.apply('a = 1\nb\nc = 3\n'), 'a = 9\nnew\nb\nc = 8\n');
  assert.ok(longer.replacements.length >= 2);
});

test('invalid replacements are refused', () => {
  assert.throws(() => edit([[3, 2, 'x']]), RangeError);
  assert.throws(
    () =>
      edit([
        [2, 4, 'x'],
        [3, 5, 'y']
      ]),
    RangeError
  );
  assert.throws(() => edit([[2, 4, 'x']]).apply('abc'), RangeError);
});

test('texts have the hash that Python gives them, lone surrogates too', () => {
  for (const [text, hash] of vectors<[string, string]>('text_hash.json')) {
    assert.equal(textHash(text), hash);
  }
});
