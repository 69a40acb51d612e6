/** What is drawn in an editor, and the keys that are ours while something is drawn. */

import type { Extension, Transaction, TransactionSpec } from '@codemirror/state';
import { EditorState, Prec, StateEffect, StateField } from '@codemirror/state';
import type { DecorationSet } from '@codemirror/view';
import { Decoration, EditorView, ViewPlugin, WidgetType, keymap } from '@codemirror/view';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { IEditorExtensionFactory } from '@jupyterlab/codemirror';
import { EditorExtensionRegistry } from '@jupyterlab/codemirror';

import { ghostClass } from './ghost';
import { HintLayer } from './hint';

/** A place of this editor's text as it is drawn. */
export interface Mark {
  start: number;
  end: number;
  text: string;
  /** The place that Tab goes to or takes. */
  isCurrent: boolean;
  /** A word beside the place, such as "Tab"; drawn at the current place only. */
  label: string;
}

export interface Drawing {
  marks: readonly Mark[];
  /** Shown beside the caret's line: where Tab goes if that is elsewhere. */
  hint: string;
}

/** Who decides what is drawn and what the keys do. */
export interface EditorHost {
  attached(model: CodeEditor.IModel, view: EditorView): void;
  detached(model: CodeEditor.IModel, view: EditorView): void;
  /** Called for each transaction before it takes effect; gives what is to be done with it. */
  beforeTransaction(model: CodeEditor.IModel, transaction: Transaction): TransactionSpec | null;
  caretMoved(model: CodeEditor.IModel): void;
  /** True if the key was ours. */
  tab(model: CodeEditor.IModel, view: EditorView): boolean;
  escape(model: CodeEditor.IModel, view: EditorView): boolean;
  acceptPart(model: CodeEditor.IModel, view: EditorView, part: 'word' | 'line'): boolean;
}

const NOTHING: Drawing = { marks: [], hint: '' };

export const draw = StateEffect.define<Drawing>();

const drawing = StateField.define<Drawing>({
  create: () => NOTHING,
  update(value, transaction) {
    if (transaction.docChanged && value !== NOTHING) {
      const changes = transaction.changes;
      value = {
        marks: value.marks
          .filter(mark => !changes.touchesRange(mark.start, mark.end))
          .map(mark => ({
            ...mark,
            start: changes.mapPos(mark.start, 1),
            end: changes.mapPos(mark.end, -1)
          }))
          .filter(mark => mark.start <= mark.end),
        hint: value.hint
      };
    }
    for (const effect of transaction.effects) {
      if (effect.is(draw)) {
        value = effect.value;
      }
    }
    return value;
  }
});

/** What is drawn now. */
export function drawn(view: EditorView): Drawing {
  return view.state.field(drawing, false) ?? NOTHING;
}

/** Draw, or clear with no argument. Does nothing if nothing changes. */
export function show(view: EditorView, what: Drawing = NOTHING): void {
  if (JSON.stringify(drawn(view)) !== JSON.stringify(what)) {
    view.dispatch({ effects: draw.of(what) });
  }
}

class NewText extends WidgetType {
  constructor(private readonly mark: Mark) {
    super();
  }

  eq(other: NewText): boolean {
    return JSON.stringify(this.mark) === JSON.stringify(other.mark);
  }

  toDOM(): HTMLElement {
    const node = document.createElement('span');
    node.className = 'nextedit-place';
    if (this.mark.text) {
      const inserted = document.createElement('ins');
      inserted.className = 'nextedit-new';
      inserted.textContent = this.mark.text;
      node.appendChild(inserted);
    }
    if (this.mark.isCurrent) {
      node.classList.add('nextedit-mod-current');
    }
    if (this.mark.isCurrent && this.mark.label) {
      node.appendChild(key(this.mark.label));
    }
    return node;
  }

  ignoreEvent(): boolean {
    return true;
  }
}

function key(label: string): HTMLElement {
  const node = document.createElement('kbd');
  node.className = 'nextedit-key';
  node.textContent = label;
  return node;
}

function decorations(state: EditorState): DecorationSet {
  const { marks } = state.field(drawing);
  const ranges = [];
  for (const mark of marks) {
    if (mark.end > state.doc.length) {
      continue;
    }
    if (mark.start < mark.end) {
      ranges.push(
        Decoration.mark({
          class: mark.isCurrent ? 'nextedit-old nextedit-mod-current' : 'nextedit-old',
          tagName: 'del'
        }).range(mark.start, mark.end)
      );
    }
    ranges.push(Decoration.widget({ widget: new NewText(mark), side: 1 }).range(mark.end));
  }
  return Decoration.set(ranges, true);
}

/** The extension of every editor; `host` is asked with the editor's model. */
export function editorExtension(host: EditorHost): IEditorExtensionFactory {
  const extension = (model: CodeEditor.IModel): Extension => [
    drawing,
    EditorView.decorations.compute([drawing], decorations),
    ViewPlugin.define(view => new HintLayer(view, from => drawn(from).hint)),
    ghostClass,
    EditorState.transactionFilter.of(transaction => {
      const more = host.beforeTransaction(model, transaction);
      return more ? [transaction, more] : transaction;
    }),
    ViewPlugin.define(view => {
      host.attached(model, view);
      return {
        update: update => {
          if (update.selectionSet || update.focusChanged) {
            host.caretMoved(model);
          }
        },
        destroy: () => host.detached(model, view)
      };
    }),
    Prec.highest(
      keymap.of([
        { key: 'Tab', run: view => host.tab(model, view) },
        { key: 'Escape', run: view => host.escape(model, view) },
        {
          // Before the editor's own moves by syntax, which would take the key in mid-cell.
          key: 'Alt-ArrowRight',
          run: view => host.acceptPart(model, view, 'word'),
          shift: view => host.acceptPart(model, view, 'line')
        }
      ])
    )
  ];
  return Object.freeze({
    name: 'nextedit-jupyter',
    factory: ({ model }: IEditorExtensionFactory.IOptions) =>
      EditorExtensionRegistry.createImmutableExtension(extension(model))
  });
}
