/** Draws in an editor, and handles our keys while something is drawn. */

import type { Extension, Transaction, TransactionSpec } from '@codemirror/state';
import { EditorState, Prec } from '@codemirror/state';
import type { DecorationSet } from '@codemirror/view';
import { Decoration, EditorView, ViewPlugin, WidgetType, keymap } from '@codemirror/view';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { IEditorExtensionFactory } from '@jupyterlab/codemirror';
import { EditorExtensionRegistry } from '@jupyterlab/codemirror';

import { ghostClass } from './ghost';
import { HintLayer } from './hint';
import type { Mark } from './marks';
import { drawing, drawn } from './marks';

/** The host decides what is drawn and what the keys do. */
export interface EditorHost {
  attached(model: CodeEditor.IModel, view: EditorView): void;
  detached(model: CodeEditor.IModel, view: EditorView): void;
  /** Called for each transaction before it takes effect; returns what should be done with it. */
  beforeTransaction(model: CodeEditor.IModel, transaction: Transaction): TransactionSpec | null;
  caretMoved(model: CodeEditor.IModel): void;
  /** Ghost text appeared or disappeared. */
  ghostChanged(model: CodeEditor.IModel): void;
  /** True if the key was handled. */
  tab(model: CodeEditor.IModel, view: EditorView): boolean;
  escape(model: CodeEditor.IModel, view: EditorView): boolean;
  acceptPart(model: CodeEditor.IModel, view: EditorView, part: 'word' | 'line'): boolean;
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
    if (this.mark.label) {
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

/** The extension of every editor; `host` is called with the editor's model. */
export function editorExtension(host: EditorHost): IEditorExtensionFactory {
  const extension = (model: CodeEditor.IModel): Extension => [
    drawing,
    EditorView.decorations.compute([drawing], decorations),
    ViewPlugin.define(view => new HintLayer(view, from => drawn(from).hint)),
    ghostClass(() => host.ghostChanged(model)),
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
          // Before the editor's own syntax-based moves, which would handle the key within a cell.
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
