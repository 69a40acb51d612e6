import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import ts from 'typescript';

const sources = new URL('../src/', import.meta.url);

interface Found {
  readonly where: string;
  readonly source: string;
  readonly flags: string;
}

/** Every regular expression that a module writes, as a literal or to `new RegExp`. */
function expressions(): Found[] {
  const found: Found[] = [];
  for (const name of readdirSync(sources).filter(file => file.endsWith('.ts'))) {
    const text = readFileSync(new URL(name, sources), 'utf8');
    const file = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);
    const visit = (node: ts.Node): void => {
      const where = `${name}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
      if (node.kind === ts.SyntaxKind.RegularExpressionLiteral) {
        const literal = node.getText();
        const end = literal.lastIndexOf('/');
        found.push({ where, source: literal.slice(1, end), flags: literal.slice(end + 1) });
      } else if (
        ts.isNewExpression(node) &&
        node.expression.getText() === 'RegExp' &&
        node.arguments?.length &&
        ts.isStringLiteralLike(node.arguments[0])
      ) {
        found.push({ where, source: node.arguments[0].text, flags: 'u' });
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return found;
}

/**
 * Tries each on texts of 1,500 and 24,000 characters in a process, which ends at the first that takes
 * too much of the processor's time, and is ended where one never comes back.
 */
const TRY = `
const { found, pumps, milliseconds } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
for (const { where, source, flags } of found) {
  process.stdout.write(where + ' ' + source + '\\n');
  const expression = new RegExp(source, flags.replace(/[gy]/g, '') + 'g');
  for (const size of [1500, 24000]) {
    for (const pump of pumps) {
      const text = pump.repeat(size / pump.length);
      const before = process.cpuUsage();
      [...text.matchAll(expression)].length;
      [...(text + '\\0').matchAll(expression)].length;
      if (process.cpuUsage(before).user > 1000 * milliseconds) {
        process.exit(1);
      }
    }
  }
}
process.stdout.write('all');
`;
/** For one text: a linear expression takes less than a tenth of it, a quadratic one more. */
const MILLISECONDS = 250;
const PUMPS = [
  ...'aA0_ .,\'"\\()[]{}<>=:-/%#@?!*+é\n\t|$&;~',
  ...['a.', 'a, ', 'a ', '\n ', ' \n', "'a'", '🙂', '[^\n]', ')\n', '. ', 'ab1 ', '/**/', '}]']
];

function stuckAt(found: readonly Found[], timeout: number): string | null {
  const done = spawnSync(process.execPath, ['--eval', TRY], {
    input: JSON.stringify({ found, pumps: PUMPS, milliseconds: MILLISECONDS }),
    encoding: 'utf8',
    timeout
  });
  const last = done.stdout.split('\n').pop() || done.stdout.trimEnd().split('\n').pop();
  return last === 'all' ? null : `${last}\n${done.stderr}`;
}

test('the expressions of the page are found and take time linear in any text', () => {
  const found = expressions();
  assert.ok(found.length >= 10, String(found.length));
  assert.ok(found.some(({ where }) => where.startsWith('typedThrough.ts')));
  assert.equal(stuckAt(found, 60_000), null);
});

test('one that backtracks is found', () => {
  for (const source of ['\\w+\\s*!', '(?:a|a)+!']) {
    assert.match(stuckAt([{ where: 'here', source, flags: 'u' }], 1_000) ?? '', /here/);
  }
});
