/** The views of one notebook: which has the focus, where its caret is, and navigation. */

import type { EditorView } from '@codemirror/view';
import type { Cell, ICodeCellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';

import type { CaretPlace } from './carets';
import { caretIn, focusAt } from './carets';
import { languageOf } from './cells';
import { Address } from './kernelFacts';
import { isMade, makeNow } from './making';
import { editorViewOf } from './openTexts';
import type { OpenEditor, Views, Whereabouts } from './surfaces';

export class NotebookViews implements Views {
  private readonly panels: NotebookPanel[] = [];
  private focused: { panel: NotebookPanel; node: Element } | null = null;

  /** False if it is already known. */
  add(panel: NotebookPanel): boolean {
    if (this.panels.includes(panel)) {
      return false;
    }
    this.panels.push(panel);
    panel.node.addEventListener('focusin', ({ target }) => {
      this.focused = { panel, node: target as Element };
    });
    return true;
  }

  remove(panel: NotebookPanel): void {
    this.panels.splice(this.panels.indexOf(panel), 1);
  }

  get isEmpty(): boolean {
    return !this.panels.length;
  }

  /** The view that has the focus, or the first one. */
  get panel(): NotebookPanel {
    return (
      this.panels.find(panel => panel.node.contains(document.activeElement)) ??
      this.panels.find(panel => panel.isVisible) ??
      this.panels[0]
    );
  }

  get place(): Whereabouts {
    const { context, model } = this.panel;
    return {
      path: context.localPath,
      language: languageOf(context.model.sharedModel, model?.defaultKernelLanguage ?? ''),
      isReadOnly: context.model.readOnly || context.contentsModel?.writable === false,
      isOnServer: isOnServer(context.path)
    };
  }

  /** How likely a kernel means this notebook. */
  get address(): Address {
    const isRunning = (cell: Cell) =>
      (cell.model as Partial<ICodeCellModel>).executionState === 'running';
    if (this.cells().some(isRunning)) {
      return Address.Running;
    }
    if (this.panels.some(panel => panel.node.contains(document.activeElement))) {
      return Address.Focused;
    }
    return this.panels.some(panel => panel.isVisible) ? Address.Visible : Address.Hidden;
  }

  get activeCell(): Cell | null {
    return this.panel?.content.activeCell ?? null;
  }

  get activeId(): string | undefined {
    return this.activeCell?.model.sharedModel.getId();
  }

  get isActiveCode(): boolean {
    return this.activeCell?.model.type === 'code';
  }

  get activeView(): EditorView | null {
    return viewOf(this.activeCell);
  }

  /** The caret in the active cell; null in command mode or without an editor. */
  caret(): CaretPlace | null {
    const cell = this.activeCell;
    const shared = cell?.model.sharedModel;
    return shared ? caretIn(viewOf(cell), shared.getSource(), shared.getId()) : null;
  }

  editors(): OpenEditor[] {
    return this.cells().flatMap(cell => {
      const view = viewOf(cell);
      return view ? [{ model: cell.editor!.model, view, box: cell.node }] : [];
    });
  }

  /** Mark the cells for which `is` holds with a class. */
  toggleClass(name: string, is: (cell: string) => boolean): void {
    for (const cell of this.cells()) {
      cell.toggleClass(name, is(cell.model.sharedModel.getId()));
    }
  }

  /**
   * Make a cell the active one, visible and ready to type in; returns its editor, or null if there
   * is none.
   */
  async enter(id: string, isWanted: () => boolean): Promise<EditorView | null> {
    const content = this.panel.content;
    const index = content.widgets.findIndex(widget => widget.model.sharedModel.getId() === id);
    if (index < 0) {
      return null;
    }
    const cell: Cell = content.widgets[index];
    if (cell.isHidden) {
      NotebookActions.expandParent(cell, content); // its heading is collapsed
    }
    cell.inputHidden = false;
    makeNow(content, index);
    const scrolled = content.scrollToItem(index).catch(() => {}); // the user scrolls elsewhere
    const isThere = await isMade(cell);
    await (isThere && scrolled);
    if (!isThere || !isWanted()) {
      return null;
    }
    content.activeCellIndex = index;
    content.deselectAll();
    if (cell.model.type === 'markdown') {
      (cell as Cell & { rendered: boolean }).rendered = false;
    }
    return viewOf(cell);
  }

  /** Put the caret there, in edit mode. */
  focus(view: EditorView, offset: number): void {
    focusAt(view, offset);
    this.panel.content.mode = 'edit';
  }

  /** Focus the active cell's editor again, with the caret where it was. */
  focusEditor(): void {
    const view = this.activeView;
    if (view) {
      this.panel.content.mode = 'edit';
      view.focus();
    } else {
      this.panel.content.activate();
    }
  }

  /** Cells that are reloaded from disk take the focus with them: no key would arrive. */
  regainFocus(): void {
    const { panel, node } = this.focused ?? {};
    if (node && !node.isConnected && document.activeElement === document.body) {
      panel!.content.activate();
    }
  }

  private cells(): Cell[] {
    return this.panels.flatMap(panel => [...panel.content.widgets]);
  }
}

function viewOf(cell: Cell | null): EditorView | null {
  return editorViewOf(cell?.editor ?? null);
}

/**
 * Whether a path with its drive is one of the server's own files; the drive `RTC` has the same
 * files, shared.
 */
export function isOnServer(path: string): boolean {
  const colon = path.indexOf(':');
  return colon < 0 || ['', 'RTC'].includes(path.slice(0, colon));
}
