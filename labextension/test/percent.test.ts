import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cellsOf, eventsOf, guardedWire, segmentAt, segmentsOf, wholeAnswer } from '../src/percent';
import type { AnswerWire, EventWire } from '../src/protocol';
import { textHash } from '../src/textHash';

const sources = (text: string) => cellsOf(text, segmentsOf(text)).map(cell => cell.source);

test('a file without markers is one cell', () => {
  assert.deepEqual(sources('x = 1\ny = 2\n'), ['x = 1\ny = 2\n']);
  assert.deepEqual(sources(''), ['']);
});

test('lines of Jupytext, VS Code and nbconvert begin cells', () => {
  const text = 'import a\n# %%\nx\n#%% title\ny\n# %% [markdown]\n# words\n# In[3]:\nz';
  assert.deepEqual(sources(text), [
    'import a',
    '# %%\nx',
    '#%% title\ny',
    '# %% [markdown]\n# words',
    '# In[3]:\nz'
  ]);
  assert.deepEqual(
    segmentsOf(text).map(segment => segment.type),
    ['code', 'code', 'code', 'markdown', 'code']
  );
});

test('a magic that was commented out, and a line within a string, begin no cell', () => {
  for (const text of [
    '# %%time\nx = 1',
    's = """\n# %%\n"""\nx = 1',
    "s = r'''a\n# %%\n'''",
    '    # %% indented\nx'
  ]) {
    assert.deepEqual(sources(text), [text]);
  }
});

test('quotes in comments and in short strings hide no marker', () => {
  assert.equal(sources('# don\'t """\n# %%\nx').length, 2);
  assert.equal(sources('s = \'"""\'\n# %%\nx').length, 2);
  assert.equal(sources('s = "\\""\n# %%\nx').length, 2);
  assert.equal(sources('s = "never ended\n# %%\nx').length, 2);
});

test('every offset lies in a cell, and the cells hold all of the text but line ends', () => {
  const text = '# %%\n\n# %% b\nx = 1\n\n# %%';
  const segments = segmentsOf(text);
  for (let offset = 0; offset <= text.length; offset++) {
    const { start, end } = segmentAt(segments, offset);
    assert.ok(start <= offset && offset <= end, String(offset));
  }
  assert.equal(sources(text).join('\n'), text);
});

test('a marker says what is off and what is locked', () => {
  const text = '# %% tags=["nextedit-off"]\nkey = 1\n# %% editable=false tags=["a"]\nx\n# %%\ny';
  const cells = cellsOf(text, segmentsOf(text));
  assert.deepEqual(
    cells.map(({ source, editable, tags }) => [
      source.split('\n')[1],
      editable ?? true,
      tags ?? []
    ]),
    [
      ['x', false, ['a']],
      ['y', true, []]
    ]
  );
});

const event = (before: string, after: string): EventWire => ({
  cell: 'file',
  before,
  after,
  origin: 'typed',
  at: 0
});

test('edits are those of the cells as they are numbered now', () => {
  const [a, b] = ['x = 1\n# %%\ny = 1', 'x = 1\n# %%\ny = 2'];
  const c = `# %%\nz\n# %%\n${b}`; // a cell came above
  const found = eventsOf([event(a, b), event(b, c)], segmentsOf(c));
  assert.deepEqual(
    found.map(({ cell, before, after }) => [cell, before, after]),
    [['part-2', '# %%\ny = 1', '# %%\ny = 2']]
  );
  assert.deepEqual(
    eventsOf([event(a, b)], segmentsOf(b)).map(({ cell }) => cell),
    ['part-1']
  );
  const gone = 'x = 1'; // the cell that was edited is no longer there
  assert.deepEqual(eventsOf([event(a, b), event(b, gone)], segmentsOf(gone)), []);
});

test('edits of a cell that is switched off are not told', () => {
  const off = (x: number) => `# %% tags=["nextedit-off"]\nkey = ${x}\n# %%\ny = 1`;
  assert.deepEqual(eventsOf([event(off(1), off(2))], segmentsOf(off(2))), []);
});

const answer = (cell: string, base: string): AnswerWire => ({
  id: 1,
  bundle: null,
  suggestions: [
    {
      id: 's',
      kind: 'rename',
      lane: 'symbols',
      label: 'rename',
      confidence: 1,
      edits: [{ cell, base, start: 5, end: 6, text: 'z' }]
    }
  ],
  silence: {},
  timing_ms: { total: 0, queue: 0, analysis: 0, prefill: 0, decode: 0 },
  tokens: { prompt: 0, reused: 0, generated: 0, drafted: 0, accepted: 0 }
});

test('an answer about a cell is one about the file', () => {
  const text = 'x = 1\n# %%\ny = 1';
  const restored = wholeAnswer(
    answer('part-1', textHash('# %%\ny = 1')),
    'file',
    text,
    segmentsOf(text)
  );
  assert.deepEqual(restored.suggestions[0].edits, [
    { cell: 'file', base: textHash(text), start: 11, end: 12, text: 'z' }
  ]);
});

test('an answer about another text of a cell is dropped', () => {
  const text = 'x = 1\n# %%\ny = 1';
  const restored = wholeAnswer(answer('part-1', textHash('y')), 'file', text, segmentsOf(text));
  assert.deepEqual(restored.suggestions, []);
});

test('a cell that did not change is the same object as before, and no other', () => {
  const text = '# %% tags=["a"]\nx = 1\n# %%\ny = 2\n# %% editable=false\nz = 3';
  const before = cellsOf(text, segmentsOf(text));
  const now = text.replace('y = 2', 'y = 3').replace('tags=["a"]', 'tags=["b"]');
  const after = cellsOf(now, segmentsOf(now), before);
  assert.deepEqual(
    after.map((cell, i) => cell === before[i]),
    [false, false, true]
  );
  assert.deepEqual(after, cellsOf(now, segmentsOf(now)));
});

test('a file with a locked cell or one that is off is locked, and what is off is not in it', () => {
  const wire = (source: string) => ({ id: 'f', type: 'code' as const, source });
  const plain = wire('x = 1\n# %%\ny = 2');
  assert.equal(guardedWire(plain), plain);
  const locked = wire('x = 1\n# %% editable=false\ny = 2');
  assert.deepEqual(guardedWire(locked), { ...locked, editable: false });
  const off = wire('x = 1\n# %% tags=["nextedit-off"]\nkey = 1\n# %%\ny = 2');
  assert.deepEqual(guardedWire(off), { ...wire('x = 1\n# %%\ny = 2'), editable: false });
});
