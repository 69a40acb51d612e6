import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { holdsSecret } from '../src/redact';

const vectors = new URL('../../tests/golden/vectors/secrets.json', import.meta.url);

test('what a secret is, both sides agree', () => {
  for (const [text, secret] of JSON.parse(readFileSync(vectors, 'utf8')) as [string, boolean][]) {
    assert.equal(holdsSecret(text), secret, text);
  }
});

test('no text takes more than linear time', () => {
  // Quadratic time would take hours. In a process of its own, for nothing else ends a scan.
  const pieces = [
    ...['a', 'é', '🙂', '0', 'key', 'token ', 'token=', 'sig=', 'password = (', 'passwd', "'", '"'],
    ...['\\', "\\'", "' + '", "'\n'", "' \\\n '", '://', '://a:', '://a:b@', 'https://a:b/', 'a@'],
    ...[' ', '\n', '\t', '-', '_', '/', '=', '+', '(', '{', '[', ',', '.', '#', '%', '$', 'aZ9/'],
    ...['<password>', 'x, password, ', 'password or ', 'password.get(', 'f"{', 'curl -u a:'],
    ...['mysql -p', 'echo ', 'eyJ', 'eyJa.', 'sk-', '-----BEGIN ', 'A', 'M1', 'auth=(', 'login(a,']
  ];
  const code = `
    import redact from ${JSON.stringify(new URL('../src/redact.ts', import.meta.url).href)};
    for (const piece of ${JSON.stringify(pieces)}) {
      for (const [head, tail] of [['', ''], ["key = 'k1'; x = '", "'"], ['password = ', '']]) {
        redact.holdsSecret(head + piece.repeat(100000 / piece.length) + tail);
      }
    }`;
  const done = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', code],
    { timeout: 90_000, encoding: 'utf8' }
  );
  assert.equal(done.status, 0, done.stderr || 'it took more than 90 s');
});
