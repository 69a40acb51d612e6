import assert from 'node:assert/strict';
import { test } from 'node:test';

import { flat, rewritten } from '../src/lineEnds';

test('a file keeps its line ends, each line its own, and its byte order mark', () => {
  const raw = '\uFEFFload = 1\r\nb = 2\nload\r\n';
  assert.equal(flat(raw), 'load = 1\nb = 2\nload\n');
  const after = 'read = 1\nb = 2\nread\n';
  assert.equal(rewritten(raw, flat(raw), after), '\uFEFFread = 1\r\nb = 2\nread\r\n');
});

test('new lines end as those of the file do, and what is taken back is as it was', () => {
  for (const raw of ['a\r\nb\r\n', 'a\nb\n', '', 'a\rb\r\n', '\r\n\r\n', '\uFEFF']) {
    for (const after of ['a\nc\nb\n', '', '\n', 'x', `${flat(raw)}\nmore`]) {
      const made = rewritten(raw, flat(raw), after);
      assert.equal(flat(made), after);
      if (raw.includes('\r\n')) {
        assert.ok(!/[^\r]\n/.test(made) && !made.startsWith('\n'), JSON.stringify(made));
        assert.equal(flat(rewritten(made, after, flat(raw))), flat(raw));
      }
    }
  }
});
