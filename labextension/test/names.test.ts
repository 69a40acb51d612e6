import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isKeyword, isName } from '../src/names';

test('names are those of Python, in any script; keywords are told apart', () => {
  for (const name of ['x', '_', 'ünïcode', 'x1', '名前']) {
    assert.ok(isName(name), name);
  }
  for (const other of ['', '1x', 'a-b', 'a b', 'a.b']) {
    assert.ok(!isName(other), other);
  }
  assert.ok(isName('import') && isKeyword('import') && !isKeyword('imports'));
});
