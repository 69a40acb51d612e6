import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TransactionSpec } from '@codemirror/state';
import { EditorState } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import { nullTranslator } from '@jupyterlab/translation';

import { drawing } from '../src/marks';
import { Offers } from '../src/offers';
import { Painter, SLICE } from '../src/painter';
import { Pending } from '../src/pending';
import type { OpenEditor, Views } from '../src/surfaces';
import { textHash } from '../src/textHash';

const CELLS = 300;
const TEXT = 'print(total)';
const START = 'print('.length;

Object.assign(globalThis, { innerHeight: 900 });

/** An editor that counts how often it is changed; 30 pixels high, below the one before. */
class FakeEditor {
  changes = 0;
  state = EditorState.create({ doc: TEXT, extensions: [drawing] });
  readonly dom = { closest: () => null, classList: { toggle() {}, remove() {} } };
  readonly id: string;

  constructor(
    readonly index: number,
    private readonly scrolled: () => number
  ) {
    this.id = `c${index}`;
  }

  dispatch(spec: TransactionSpec): void {
    this.changes += 1;
    this.state = this.state.update(spec).state;
  }

  get marks(): number {
    return this.state.field(drawing).marks.length;
  }

  get open(): OpenEditor {
    const top = this.index * 30 - this.scrolled();
    return {
      view: this as unknown as EditorView,
      model: {
        sharedModel: { getId: () => this.id, getSource: () => TEXT }
      } as unknown as CodeEditor.IModel,
      box: {
        getBoundingClientRect: () => ({ top, bottom: top + 30, height: 30 })
      } as unknown as Element
    };
  }
}

/** A notebook of 300 cells with an offer in each, and what waits for idle time. */
function scene() {
  let scrolled = 0;
  let waiting: (() => void) | null = null;
  const offers = new Offers();
  const editors = Array.from({ length: CELLS }, (_, i) => new FakeEditor(i, () => scrolled));
  let caret = { cell: 'c0', offset: 0 };
  const active = () => editors.find(({ id }) => id === caret.cell)!;
  const views = {
    get activeView() {
      return active() as unknown as EditorView;
    },
    caret: () => caret,
    editors: () => editors.map(editor => editor.open)
  } as unknown as Views;
  const painter = new Painter(
    {
      views,
      offers,
      trans: nullTranslator.load(''),
      order: () => editors.map(({ id }) => id),
      keepTab: () => true
    },
    work => {
      waiting = work;
      return () => (waiting = null);
    }
  );
  const pending = Pending.from(
    {
      id: 's',
      kind: 'rename',
      lane: 'symbols',
      label: 'rename total to amount',
      confidence: 1,
      edits: editors.map(({ id }) => ({
        cell: id,
        base: textHash(TEXT),
        start: START,
        end: START + 'total'.length,
        text: 'amount'
      }))
    },
    () => TEXT
  )!;
  offers.show([pending], 'c0');
  return {
    offers,
    painter,
    editors,
    changes: () => editors.reduce((sum, editor) => sum + editor.changes, 0),
    drawn: () => editors.filter(({ marks }) => marks > 0).map(({ index }) => index),
    scroll: (to: number) => (scrolled = to),
    goTo: (cell: string, offset: number) => (caret = { cell, offset }),
    idle: () => {
      const work = waiting;
      waiting = null;
      work?.();
      return work !== null;
    }
  };
}

test('an offer over 300 cells is drawn in slices: no task changes more editors than one holds', () => {
  const { painter, changes, drawn, idle } = scene();
  painter.paint();
  let before = 0;
  let slices = 0;
  do {
    assert.ok(changes() - before <= SLICE + 1, `${changes() - before} editors in one task`);
    before = changes();
    slices += 1;
  } while (idle());
  assert.equal(drawn().length, CELLS);
  assert.equal(changes(), CELLS, 'each editor was changed once');
  assert.ok(slices >= CELLS / SLICE);
});

test('what is in sight is drawn first, and where the caret is before all', () => {
  const { painter, drawn, scroll } = scene();
  scroll(200 * 30);
  painter.paint();
  assert.deepEqual(drawn(), [0, ...Array.from({ length: SLICE }, (_, i) => 200 + i)]);
});

test('a caret that moves changes the editors that it leaves and comes to alone', () => {
  const { painter, changes, idle, goTo } = scene();
  painter.paint();
  while (idle());
  const before = changes();
  goTo('c0', START);
  painter.paint();
  while (idle());
  assert.ok(changes() - before <= 2, `${changes() - before} editors were changed`);
});

test('an offer that goes in the middle of being drawn leaves nothing behind', () => {
  const { painter, offers, drawn, idle } = scene();
  painter.paint();
  idle();
  offers.drop();
  painter.paint();
  while (idle());
  assert.deepEqual(drawn(), []);
});
