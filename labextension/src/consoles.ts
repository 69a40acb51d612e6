/**
 * JupyterLab's code consoles as notebooks: cells that ran are read but never changed, the prompt is edited.
 */

import type { EditorView } from '@codemirror/view';
import type { ISharedCodeCell, ISharedNotebook, YCodeCell } from '@jupyter/ydoc';
import type { ISessionContext } from '@jupyterlab/apputils';
import type { CodeCell } from '@jupyterlab/cells';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import { Signal } from '@lumino/signaling';
import * as Y from 'yjs';

import type { CaretPlace } from './carets';
import { caretIn } from './carets';
import { wireOf } from './cells';
import type { TextWatcher, WatchedDocument } from './documents';
import { asNotebook, own } from './documents';
import { Address } from './kernelFacts';
import type { ConsoleWidget } from './openTexts';
import { editorViewOf } from './openTexts';
import type { CellWire } from './protocol';
import type {
  CellStates,
  OpenEditor,
  Send,
  Surface,
  SurfaceListener,
  Whereabouts
} from './surfaces';
import { OneTextViews, openEditor } from './surfaces';
import { isOnServer } from './views';

/** The maximum number of cells that are read, the newest ones: a console may be open for weeks. */
const MAX_CELLS = 300;

/** A console handles Escape, and takes the focus, before the prompt's editor sees the key: be first. */
export function takeEscape(
  { node, console }: ConsoleWidget,
  escape: (model: CodeEditor.IModel, view: EditorView) => boolean
): void {
  const onKey = (event: KeyboardEvent) => {
    const editor = console.promptCell?.editor ?? null;
    const view = editorViewOf(editor);
    const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey;
    if (event.key === 'Escape' && isPlain && view?.hasFocus && escape(editor!.model, view)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  node.addEventListener('keydown', onKey, true);
}

/** One cell of a console; all but the prompt are locked. */
class ConsoleCell {
  readonly cell_type = 'code';

  constructor(
    readonly shared: ISharedCodeCell,
    private readonly isPrompt: (shared: ISharedCodeCell) => boolean
  ) {}

  get execution_count(): number | null {
    return this.shared.execution_count;
  }

  get undoManager() {
    return (this.shared as YCodeCell).undoManager;
  }

  getId(): string {
    return this.shared.getId();
  }

  getSource(): string {
    return this.shared.getSource();
  }

  updateSource(start: number, end: number, text: string): void {
    if (this.isPrompt(this.shared)) {
      this.shared.updateSource(start, end, text);
    }
  }

  getMetadata(key: string): boolean | undefined {
    return key === 'editable' && !this.isPrompt(this.shared) ? false : undefined;
  }
}

/** A console as a notebook: the cells that ran, from top to bottom, and the prompt. */
export class ConsoleDocument implements WatchedDocument {
  private readonly known = new WeakMap<ISharedCodeCell, ConsoleCell>();
  private readonly empty = new Y.Doc(); // while there is no prompt

  constructor(private readonly console: ConsoleWidget['console']) {}

  get prompt(): ISharedCodeCell | null {
    return this.console.promptCell?.model.sharedModel ?? null;
  }

  /** The cells that ran. */
  get above(): readonly ConsoleCell[] {
    const found: ISharedCodeCell[] = [];
    for (const { model } of this.console.cells) {
      if (model.type === 'code') {
        found.push(model.sharedModel as ISharedCodeCell);
      }
    }
    return found.slice(-MAX_CELLS).map(shared => this.cell(shared));
  }

  get cells(): readonly ConsoleCell[] {
    const { prompt } = this;
    return prompt ? [...this.above, this.cell(prompt)] : this.above;
  }

  /** The prompt's document: nothing else is changed. */
  get ydoc(): Y.Doc {
    return (this.prompt as YCodeCell | null)?.ymodel.doc ?? this.empty;
  }

  getMetadata(): undefined {
    return undefined;
  }

  watch(watcher: TextWatcher): () => void {
    let leave = () => {};
    const follow = () => {
      leave();
      leave = () => {};
      watcher.cellsChanged();
      const prompt = this.prompt as YCodeCell | null;
      if (prompt) {
        own(prompt, this.console);
        const onText = (_: Y.YTextEvent, transaction: Y.Transaction) =>
          watcher.changed(prompt.getId(), prompt.getSource(), transaction);
        prompt.ysource.observe(onText);
        leave = () => prompt.ysource.unobserve(onText);
      }
    };
    follow();
    this.console.promptCellCreated.connect(follow);
    return () => {
      this.console.promptCellCreated.disconnect(follow);
      leave();
    };
  }

  private cell(shared: ISharedCodeCell): ConsoleCell {
    let cell = this.known.get(shared);
    if (!cell) {
      cell = new ConsoleCell(shared, one => one === this.prompt);
      this.known.set(shared, cell);
    }
    return cell;
  }
}

export class ConsoleSurface implements Surface {
  readonly kind = 'console';
  readonly document: ISharedNotebook;
  readonly views: ConsoleViews;
  readonly sessionContext: ISessionContext;
  readonly panel = null;
  private readonly console: ConsoleDocument;
  private readonly ran = new WeakSet<ConsoleCell>();
  private listener: SurfaceListener | null = null;

  constructor(private readonly widget: ConsoleWidget) {
    this.console = new ConsoleDocument(widget.console);
    this.document = asNotebook(this.console);
    this.sessionContext = widget.sessionContext;
    this.views = new ConsoleViews(widget, () => this.listener?.entered());
  }

  listen(listener: SurfaceListener): void {
    this.listener = listener;
    const { console } = this.widget;
    console.promptCellCreated.connect(() => listener.left(), this);
    console.executed.connect(() => this.tellRuns(), this);
    this.widget.disposed.connect(() => listener.closed(), this);
  }

  add(): void {
    // It has only one view.
  }

  names(): { id: string; name: string }[] {
    const above = this.console.above.map((cell, i) => ({
      id: cell.getId(),
      name: `Cell ${i + 1} [${cell.execution_count ?? ' '}]`
    }));
    const { prompt } = this.console;
    return prompt ? [...above, { id: prompt.getId(), name: 'Prompt' }] : above;
  }

  isOff(): boolean {
    return false;
  }

  textAt(cell: string): string {
    return this.console.cells.find(one => one.getId() === cell)?.getSource() ?? '';
  }

  sender({ text, isEdited }: CellStates): Send {
    // Caches for a cell's text are keyed by the object that is sent.
    const kept = new WeakMap<ConsoleCell, CellWire>();
    const wire = (cell: ConsoleCell): CellWire => {
      const id = cell.getId();
      const source = text(id) ?? cell.getSource();
      const made = wireOf(cell as unknown as ISharedCodeCell, source, !isEdited(id));
      const before = kept.get(cell);
      const isSame =
        before?.source === source &&
        before.execution_count === made.execution_count &&
        before.editable === made.editable;
      if (!isSame) {
        kept.set(cell, made);
      }
      return isSame ? before : made;
    };
    return caret => {
      const cells = this.console.cells.map(wire);
      const texts = new Map(cells.map(({ id, source }) => [id, source]));
      return {
        cells,
        texts,
        switchedOff: [],
        caret,
        events: events => events.filter(event => texts.has(event.cell)),
        restore: answer => answer
      };
    };
  }

  /** A console takes no part in renames that begin elsewhere, because what ran is not changed. */
  whole(): CellWire[] {
    return [];
  }

  dispose(): void {
    Signal.clearData(this);
  }

  private tellRuns(): void {
    for (const cell of this.console.above) {
      if (cell.execution_count !== null && !this.ran.has(cell)) {
        this.ran.add(cell);
        this.listener?.ran(cell.getId());
      }
    }
  }
}

/** The views of a console, of which only the prompt is edited. */
class ConsoleViews extends OneTextViews {
  private language = ''; // until the kernel has reported it

  constructor(
    private readonly widget: ConsoleWidget,
    private readonly learned: () => void
  ) {
    super();
    const context = widget.sessionContext;
    context.kernelChanged.connect(() => void this.learn(), this);
    void this.learn();
  }

  get place(): Whereabouts {
    const { path } = this.widget.sessionContext;
    return { path, language: this.language, isReadOnly: false, isOnServer: isOnServer(path) };
  }

  get address(): Address {
    const { node, isVisible, console } = this.widget;
    for (const { model } of console.cells) {
      if ((model as Partial<CodeCell['model']>).executionState === 'running') {
        return Address.Running;
      }
    }
    if (node.contains(document.activeElement)) {
      return Address.Focused;
    }
    return isVisible ? Address.Visible : Address.Hidden;
  }

  get activeId(): string | undefined {
    return this.prompt?.model.sharedModel.getId();
  }

  get activeView(): EditorView | null {
    return editorViewOf(this.prompt?.editor ?? null);
  }

  caret(): CaretPlace | null {
    const shared = this.prompt?.model.sharedModel;
    return shared ? caretIn(this.activeView, shared.getSource(), shared.getId()) : null;
  }

  editors(): OpenEditor[] {
    // What was drawn in a prompt is removed when it has run.
    const { prompt } = this;
    const cells = [...this.widget.console.cells, ...(prompt ? [prompt] : [])];
    return cells.flatMap(cell => openEditor(cell.editor, cell.node));
  }

  private get prompt(): CodeCell | null {
    return this.widget.console.promptCell;
  }

  private async learn(): Promise<void> {
    const kernel = this.widget.sessionContext.session?.kernel;
    const info = await kernel?.info.catch(() => null);
    if (info && kernel === this.widget.sessionContext.session?.kernel) {
      const { name } = info.language_info;
      this.language = name === 'ipython' ? 'python' : name;
      this.learned();
    }
  }
}
