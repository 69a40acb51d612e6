import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { YFile } from '@jupyter/ydoc';

import { apply, revert } from '../src/apply';
import { FileDocument, asNotebook, cellIdOf } from '../src/documents';
import { RecentPaths } from '../src/recentPaths';
import type { CellChange } from '../src/recorder';
import { Recorder } from '../src/recorder';
import { TextEdit } from '../src/textEdit';

console.warn = () => {};

const disposables: { dispose(): void }[] = [];
afterEach(() => {
  for (const one of disposables.splice(0)) {
    one.dispose();
  }
});

const fileOf = (text: string) => {
  const file = YFile.create();
  file.setSource(text);
  disposables.push(file);
  return file;
};

test('a file is recorded, changed and taken back as a notebook of one cell is', () => {
  const file = fileOf('x = 1\nprint(x)\n');
  const document = asNotebook(new FileDocument(file));
  const changes: CellChange[] = [];
  const recorder = new Recorder(document, change => changes.push(change));
  disposables.push(recorder);
  const id = cellIdOf(file);
  assert.equal(recorder.text(id), 'x = 1\nprint(x)\n');
  file.updateSource(0, 1, 'y');
  assert.deepEqual(changes.map(({ cell, after }) => [cell, after.slice(0, 5)]).at(-1), [
    id,
    'y = 1'
  ]);
  const made = apply(document, new Map([[id, TextEdit.replace(12, 13, 'y')]]));
  assert.equal(file.getSource(), 'y = 1\nprint(y)\n');
  assert.equal(changes.at(-1)!.origin, 'accepted');
  assert.ok(revert([made!]));
  assert.equal(file.getSource(), 'y = 1\nprint(x)\n');
});

test('two files have ids of their own, and keep them', () => {
  const [one, other] = [fileOf('a'), fileOf('a')];
  assert.notEqual(cellIdOf(one), cellIdOf(other));
  assert.equal(cellIdOf(one), cellIdOf(one));
});

test('paths that were worked at lately come newest first, each once, ten at most', () => {
  const recent = new RecentPaths();
  for (let i = 0; i < 14; i++) {
    recent.saw(`${i}.py`);
  }
  recent.saw('7.py');
  assert.deepEqual(recent.besides('13.py').slice(0, 3), ['7.py', '12.py', '11.py']);
  assert.equal(recent.besides('none').length, 10);
});
