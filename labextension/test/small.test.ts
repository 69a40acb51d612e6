import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { matches } from '../src/glob';
import { Pace } from '../src/pace';
import { buildRequest } from '../src/request';
import { CommandIDs, DEFAULTS } from '../src/tokens';
import { leftOf, nextLine, nextWord } from '../src/typedThrough';

test('globs keep within a folder unless they say otherwise', () => {
  assert.ok(matches('.env*', 'work/.env.local'));
  assert.ok(matches('work/*.ipynb', 'work/a.ipynb'));
  assert.ok(!matches('work/*.ipynb', 'work/deep/a.ipynb'));
  assert.ok(matches('**/secrets/**', 'secrets/a.ipynb'));
  assert.ok(matches('**/secrets/**', 'a/b/secrets/c/d.ipynb'));
  assert.ok(!matches('**/secrets/**', 'a/secretsauce/c.ipynb'));
  assert.ok(matches('a?c+.ipynb', 'x/abc+.ipynb'));
});

const told = (quiet: number) =>
  Promise.resolve({
    pause_ms: 50,
    quiet_ms: quiet,
    factor: 1,
    may_infer: true,
    power: 'mains' as const
  });

test('a dismissal brings the quiet that the worker says, an acceptance ends it', async () => {
  let now = 0;
  const pace = new Pace(() => now);
  assert.ok(!pace.isQuiet);
  const dismissed = pace.dismissed(told(5000));
  assert.ok(pace.isQuiet, 'before the worker has answered');
  await dismissed;
  now = 4999;
  assert.ok(pace.isQuiet);
  now = 5000;
  assert.ok(!pace.isQuiet);
  await pace.dismissed(told(5000));
  pace.accepted();
  assert.ok(!pace.isQuiet);
});

test('what the worker says of an earlier dismissal changes nothing later', async () => {
  const pace = new Pace(() => 0);
  const late = pace.dismissed(told(5000));
  pace.accepted();
  await late;
  assert.ok(!pace.isQuiet);
  await pace.dismissed(Promise.resolve(null));
  assert.ok(!pace.isQuiet, 'nobody says for how long');
});

const shown = { cell: 'c', text: 'x = pr\ny', offset: 6, insert: 'int(total)', replaces: 0 };

test('typing the suggestion leaves the rest of it, typing anything else nothing', () => {
  assert.equal(leftOf(shown, 'x = pr\ny', 6), 'int(total)');
  assert.equal(leftOf(shown, 'x = print\ny', 9), '(total)');
  assert.equal(leftOf(shown, 'x = print(total)\ny', 16), '');
  assert.equal(leftOf(shown, 'x = pro\ny', 7), null);
  assert.equal(leftOf(shown, 'x = p\ny', 5), null);
  assert.equal(leftOf(shown, 'z = print\ny', 9), null);
  assert.equal(leftOf(shown, 'x = print\nyy', 9), null);
});

test('a bracket that the editor closed is not inserted twice', () => {
  assert.equal(leftOf(shown, 'x = print()\ny', 10), 'total');
  assert.equal(leftOf(shown, 'x = print(]\ny', 10), null);
});

test('ghost text that takes the place of what stands behind the caret stays while that stands', () => {
  const over = { cell: 'c', text: 'x = f()', offset: 6, insert: 'a, b)\ny = 2', replaces: 1 };
  assert.equal(leftOf(over, 'x = f()', 6), 'a, b)\ny = 2');
  assert.equal(leftOf(over, 'x = f(a)', 7), ', b)\ny = 2');
  assert.equal(leftOf(over, 'x = f(', 6), null);
  assert.equal(leftOf(over, 'x = f())', 6), null);
});

test('partial acceptance goes word by word and line by line', () => {
  assert.equal(nextWord('print(total)'), 'print');
  assert.equal(nextWord('(total)'), '(');
  assert.equal(nextWord(' total)'), ' total');
  assert.equal(nextWord('\n    more()'), '\n    ');
  assert.equal(nextWord('größe x'), 'größe');
  assert.equal(nextWord('गति = 1'), 'गति'); // with a vowel sign, which is a mark
  assert.equal(nextLine('a(b)\n  c'), 'a(b)');
  assert.equal(nextLine('\n  c\nd'), '\n  c');
  let left = 'for x in y:\n    print(x)  # ok\n';
  let taken = '';
  while (left) {
    const word = nextWord(left);
    assert.notEqual(word, '');
    taken += word;
    left = left.slice(word.length);
  }
  assert.equal(taken, 'for x in y:\n    print(x)  # ok\n');
});

function cell(id: string, source: string) {
  return { id, type: 'code' as const, source };
}

function request(cells: ReturnType<typeof cell>[], caret: string, historyText = '') {
  const event = { cell: caret, before: historyText, after: 'x', origin: 'typed' as const, at: 0 };
  return buildRequest({
    language: 'python',
    cells,
    caret: { cell: caret, offset: 0 },
    history: Array.from({ length: 10 }, () => event),
    facts: null,
    want: ['inline']
  });
}

test('a request stays under one megabyte and keeps the cells nearest to the caret', () => {
  const cells = Array.from({ length: 100 }, (_, i) => cell(`c${i}`, '🙂\n'.repeat(5_000)));
  const built = request(cells, 'c50', 'y'.repeat(60_000));
  assert.ok(built);
  assert.ok(new TextEncoder().encode(JSON.stringify({ id: 1, ...built })).length < 1_000_000);
  const kept = built.notebook.cells.map(c => Number(c.id.slice(1)));
  assert.ok(kept.length > 20);
  assert.ok(kept.includes(50) && kept.includes(45) && kept.includes(55));
  assert.ok(Math.max(...kept) - Math.min(...kept) === kept.length - 1);
  assert.ok((built.history ?? []).length < 10);
});

test('what a request lacks is said by the numbers that the cells have in the notebook', () => {
  // Cells 2 and 4 are switched off; of the others the second and the last are too large.
  const huge = 'x'.repeat(200_000);
  const cells = [cell('a', 'y'), cell('b', huge), cell('c', 'y'), cell('d', huge)];
  const parts = {
    language: 'python',
    cells,
    switchedOff: [2, 4],
    caret: { cell: 'a', offset: 0 },
    history: [],
    facts: null,
    want: ['rename' as const]
  };
  assert.deepEqual(buildRequest(parts)?.notebook.left_out, [
    { number: 2, reason: 'switched_off' },
    { number: 3, reason: 'too_large' },
    { number: 4, reason: 'switched_off' },
    { number: 6, reason: 'too_large' }
  ]);
  const whole = buildRequest({ ...parts, cells: [cell('a', 'y')], switchedOff: [] });
  assert.ok(!('left_out' in whole!.notebook));
});

test('cells that are too far to fit are said to be, as many as the server reads', () => {
  const cells = Array.from({ length: 3_000 }, (_, i) => cell(`c${i}`, 'y'.repeat(2_000)));
  const built = request(cells, 'c0');
  const said = built!.notebook.left_out!;
  assert.equal(said.length, 1_000);
  assert.deepEqual(said[0], { number: built!.notebook.cells.length + 1, reason: 'too_far' });
});

test('a cell that is too large is left out, and nothing is asked from within it', () => {
  const huge = cell('huge', 'x'.repeat(200_000));
  const built = request([huge, cell('c', 'y')], 'c');
  assert.deepEqual(
    built?.notebook.cells.map(c => c.id),
    ['c']
  );
  assert.equal(request([huge], 'huge'), null);
  assert.equal(request([cell('c', 'y')], 'gone'), null);
});

interface Schema {
  properties: Record<string, { default: unknown }>;
  'jupyter.lab.shortcuts': { command: string; keys: string[]; selector: string }[];
}

const schema = JSON.parse(
  readFileSync(new URL('../schema/plugin.json', import.meta.url), 'utf8')
) as Schema;

test('the settings that the code starts with are those of the schema', () => {
  const defaults = Object.entries(schema.properties).map(([key, value]) => [key, value.default]);
  assert.deepEqual(Object.fromEntries(defaults), DEFAULTS);
});

test('every shortcut belongs to a command of ours', () => {
  for (const shortcut of schema['jupyter.lab.shortcuts']) {
    assert.ok((Object.values(CommandIDs) as string[]).includes(shortcut.command));
  }
});

test('Tab and Escape are taken only while a suggestion waits or ghost text is shown', () => {
  for (const { keys, selector } of schema['jupyter.lab.shortcuts']) {
    if (/Tab|Escape|Enter/.test(keys.join(' '))) {
      assert.match(
        selector,
        /^(\.nextedit-mod-(tab|pending):not\(\.jp-mod-inline-completer-active\)|\.jp-mod-inline-completer-active) \.cm-content/
      );
    }
  }
});

test('a notebook that names its model says so in its requests, others do not', () => {
  const parts = {
    language: 'python',
    cells: [{ id: 'a', type: 'code' as const, source: 'x' }],
    caret: { cell: 'a', offset: 1 },
    history: [],
    facts: null,
    want: ['inline' as const]
  };
  assert.equal(buildRequest({ ...parts, bundle: 'mine' })?.bundle, 'mine');
  assert.ok(!('bundle' in buildRequest(parts)!));
});

test('a request says which ghost text was seen, also if none was', () => {
  const parts = {
    language: 'python',
    cells: [cell('a', 'x')],
    caret: { cell: 'a', offset: 1 },
    history: [],
    facts: null,
    want: ['inline' as const]
  };
  assert.equal(buildRequest({ ...parts, drawn: 's1' })?.drawn, 's1');
  assert.equal(buildRequest({ ...parts, drawn: '' })?.drawn, '');
});
