import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TransactionSpec } from '@codemirror/state';
import { EditorState } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import { nullTranslator } from '@jupyterlab/translation';

import type { CaretWatch, Nearness } from '../src/inSight';
import { keyNames } from '../src/keyNames';
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

/** An editor that counts how often it is changed; 30 pixels high, below the one before */
class FakeEditor {
  changes = 0;
  state = EditorState.create({ doc: TEXT, extensions: [drawing] });
  readonly contentDOM = { closest: (): object | null => null };
  readonly root = { activeElement: this.contentDOM };
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

  get labels(): string[] {
    return this.state.field(drawing).marks.map(({ label }) => label);
  }

  get open(): OpenEditor {
    return {
      view: this as unknown as EditorView,
      model: {
        sharedModel: { getId: () => this.id, getSource: () => TEXT }
      } as unknown as CodeEditor.IModel,
      box: this.box as unknown as Element
    };
  }

  private readonly box = {
    getBoundingClientRect: () => {
      const top = this.index * 30 - this.scrolled();
      return { top, bottom: top + 30, height: 30 };
    }
  };
}

/** What stands in a window of 900 pixels and half of that above and below it, once it was watched. */
class FakeNearness implements Nearness {
  watched = new Set<Element>();
  private near = new Set<Element>();

  constructor(private readonly came: () => void) {}

  watch(boxes: Iterable<Element>): void {
    this.watched = new Set(boxes);
  }

  has(box: Element): boolean {
    return this.watched.has(box) && this.near.has(box);
  }

  /** The browser says what is near now. */
  tell(): void {
    const near = [...this.watched].filter(box => {
      const { top, bottom } = box.getBoundingClientRect();
      return bottom > -450 && top < 900 + 450;
    });
    this.near = new Set(near);
    this.came();
  }
}

/** The caret is seen while the first cell is. */
class FakeCaretWatch implements CaretWatch {
  watched: EditorView | null = null;

  constructor(
    private readonly isInView: () => boolean,
    readonly crossed: () => void
  ) {}

  watch(view: EditorView | null): void {
    this.watched = view;
  }

  isSeen(): boolean {
    return this.isInView();
  }
}

/** A notebook of 300 cells with an offer in each, and what waits for idle time. */
function scene({ keepTab = true } = {}) {
  let scrolled = 0;
  let caretWatch: FakeCaretWatch;
  let waiting: (() => void) | null = null;
  let nearness: FakeNearness;
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
      keepTab: () => keepTab,
      keys: () =>
        keyNames([{ command: 'nextedit:jump', keys: ['Alt J'], selector: '*' }], () => true)
    },
    work => {
      waiting = work;
      return () => (waiting = null);
    },
    came => (nearness = new FakeNearness(came)),
    crossed => (caretWatch = new FakeCaretWatch(() => scrolled < 30, crossed))
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
    /** The browser says what is near, and that is painted. */
    look: async () => {
      nearness.tell();
      await Promise.resolve();
    },
    watched: () => nearness.watched.size + (caretWatch.watched ? 1 : 0),
    /** The browser says that the caret came into sight or left it, and that is painted. */
    cross: async () => {
      caretWatch.crossed();
      await Promise.resolve();
    },
    goTo: (cell: string, offset: number) => (caret = { cell, offset }),
    idle: () => {
      const work = waiting;
      waiting = null;
      work?.();
      return work !== null;
    }
  };
}

const NEAR = (900 + 450) / 30;

test('an offer over 300 cells is drawn where it is nearly seen, in slices of a few editors', async () => {
  const { painter, changes, drawn, idle, look } = scene();
  painter.paint();
  assert.deepEqual(drawn(), [0], 'nothing is known of the others yet');
  let before = changes();
  let slices = 0;
  await look();
  do {
    assert.ok(changes() - before <= SLICE, `${changes() - before} editors in one task`);
    before = changes();
    slices += 1;
  } while (idle());
  assert.deepEqual(
    drawn(),
    Array.from({ length: NEAR }, (_, i) => i)
  );
  assert.equal(changes(), NEAR, 'each editor was changed once');
  assert.ok(slices >= (NEAR - 1) / SLICE);
});

test('what is in sight is drawn first, and where the caret is before all', async () => {
  const { painter, drawn, scroll, look } = scene();
  scroll(200 * 30);
  painter.paint();
  await look();
  assert.deepEqual(drawn(), [0, ...Array.from({ length: SLICE }, (_, i) => 200 + i)]);
});

test('what comes near by scrolling is drawn then', async () => {
  const { painter, drawn, idle, scroll, look } = scene();
  painter.paint();
  await look();
  while (idle());
  scroll(100 * 30);
  await look();
  while (idle());
  const near = drawn().filter(index => index >= NEAR);
  assert.deepEqual([near[0], near.at(-1)], [100 - 450 / 30, 100 + NEAR - 1]);
});

test('a caret that moves changes the editors that it leaves and comes to alone', async () => {
  const { painter, changes, idle, goTo, look } = scene();
  painter.paint();
  await look();
  while (idle());
  const before = changes();
  goTo('c0', START);
  painter.paint();
  while (idle());
  assert.ok(changes() - before <= 2, `${changes() - before} editors were changed`);
});

test('an offer that goes leaves nothing behind, whether half drawn or scrolled away', async () => {
  const { painter, offers, drawn, idle, scroll, look, watched } = scene();
  painter.paint();
  await look();
  idle();
  scroll(200 * 30);
  await look();
  idle();
  assert.ok(drawn().length > SLICE);
  offers.drop();
  painter.paint();
  while (idle());
  assert.deepEqual(drawn(), []);
  assert.equal(watched(), 0, 'nothing is watched for nothing');
});

test('with the caret scrolled out of sight no place says Tab, which would not go there', async () => {
  const { painter, editors, goTo, scroll, cross } = scene({ keepTab: false });
  goTo('c0', 2);
  editors[0].dispatch({ selection: { anchor: 2 } });
  painter.paint();
  assert.deepEqual(editors[0].labels, ['Tab']);
  scroll(600);
  await cross();
  assert.deepEqual(editors[0].labels, ['Alt-J']);
  scroll(0);
  await cross();
  assert.deepEqual(editors[0].labels, ['Tab']);
});

test('while ghost text takes Tab no place says Tab', () => {
  const { painter, editors, goTo } = scene({ keepTab: false });
  goTo('c0', 2);
  editors[0].dispatch({ selection: { anchor: 2 } });
  Object.assign(editors[0].dom, {
    closest: () => editors[0].dom,
    querySelectorAll: () => [{ textContent: 'sum' }]
  });
  painter.paint();
  assert.deepEqual(editors[0].labels, ['Alt-J']);
  Object.assign(editors[0].dom, { querySelectorAll: () => [] });
  painter.paint();
  assert.deepEqual(editors[0].labels, ['Tab']);
});

test('while a console beside is typed in no place names a key, which would not get there', () => {
  const { painter, editors, goTo } = scene();
  goTo('c0', 2);
  painter.paint();
  assert.deepEqual(editors[0].labels, ['Alt-J']);
  editors[0].root.activeElement = { closest: () => ({ contains: () => false }) };
  painter.paint();
  assert.deepEqual(editors[0].labels, ['']);
  editors[0].root.activeElement = { closest: () => ({ contains: () => true }) };
  painter.paint();
  assert.deepEqual(editors[0].labels, ['Alt-J']);
});
