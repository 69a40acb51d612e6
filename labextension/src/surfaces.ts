/** What a session works on: a text with its views, and how it is sent. */

import type { EditorView } from '@codemirror/view';
import type { ISharedNotebook } from '@jupyter/ydoc';
import type { ISessionContext } from '@jupyterlab/apputils';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Widget } from '@lumino/widgets';

import { sharedCell } from './apply';
import type { CaretPlace } from './carets';
import { caretIn, focusAt } from './carets';
import { cellNames, isTaggedOff, wireOf } from './cells';
import { Address } from './kernelFacts';
import type { FileWidget } from './openTexts';
import { editorViewOf } from './openTexts';
import { FileDocument, asNotebook, cellIdOf } from './documents';
import type { Segment } from './percent';
import {
  cellsOf,
  eventsOf,
  guardedWire,
  isOff,
  segmentAt,
  segmentsOf,
  wholeAnswer
} from './percent';
import type { AnswerWire, CellWire, EventWire } from './protocol';
import { SentCells } from './sentCells';
import { NotebookViews, isOnServer } from './views';

/** Where a text is, and whether it may be changed. */
export interface Whereabouts {
  /** Relative to the server's root. */
  readonly path: string;
  readonly language: string;
  readonly isReadOnly: boolean;
  /** Whether the path is one of the server's own files, not on another drive. */
  readonly isOnServer: boolean;
}

/** An editor, and the cell or widget that contains it. */
export interface OpenEditor {
  readonly model: CodeEditor.IModel;
  readonly view: EditorView;
  readonly box: Element;
}

/** The views of one text: which has the focus, where its caret is, and navigation. */
export interface Views {
  readonly place: Whereabouts;
  /** How likely a kernel means this text. */
  readonly address: Address;
  /** The cell that is typed in. */
  readonly activeId: string | undefined;
  readonly isActiveCode: boolean;
  readonly activeView: EditorView | null;
  caret(): CaretPlace | null;
  /** Every existing editor, in every view, from top to bottom. */
  editors(): OpenEditor[];
  toggleClass(name: string, is: (cell: string) => boolean): void;
  /** Null if there is no such cell, or if it is no longer wanted when it is ready. */
  enter(cell: string, isWanted: () => boolean): Promise<EditorView | null>;
  focus(view: EditorView, offset: number): void;
  focusEditor(): void;
  /** The cells were replaced: restore the focus if it was in one of them. */
  regainFocus(): void;
}

/**
 * A text as cells of a request, and the conversion of answers; `restore` belongs to the same
 * request.
 */
export interface Sent {
  readonly cells: CellWire[];
  /** The numbers of the cells that are left out because the user switched them off; from 1. */
  readonly switchedOff: number[];
  /** The texts that it is made from, by this page's ids. */
  readonly texts: ReadonlyMap<string, string>;
  readonly caret: CaretPlace;
  events(events: readonly EventWire[]): EventWire[];
  restore(answer: AnswerWire): AnswerWire;
}

/** The text as it is sent with the caret at this place. */
export type Send = (caret: CaretPlace) => Sent;

/** The state of a text's cells that is sent with them. */
export interface CellStates {
  /** The text of a cell according to the recorder. */
  text(cell: string): string | undefined;
  /** Whether a cell has changed since it ran. */
  isEdited(cell: string): boolean;
}

export interface SurfaceListener {
  /** The caret entered another cell. */
  entered(): void;
  /** The edited text can no longer be changed. */
  left(): void;
  /** A cell ran. */
  ran(cell: string): void;
  /** No view is left. */
  closed(): void;
}

export interface Surface {
  readonly kind: 'notebook' | 'file' | 'console';
  readonly document: ISharedNotebook;
  readonly views: Views;
  readonly sessionContext: ISessionContext | null;
  /** The notebook's view that has the focus; null if the text is not a notebook. */
  readonly panel: NotebookPanel | null;
  listen(listener: SurfaceListener): void;
  add(widget: Widget): void;
  /** Cells in order with their display names. */
  names(): { id: string; name: string }[];
  /** Whether the text at the caret is left out of everything by a tag. */
  isOff(cell: string): boolean;
  /** The text at the caret, to which the bound on a cell's size applies. */
  textAt(cell: string): string;
  sender(states: CellStates): Send;
  /**
   * The text for a rename that begins elsewhere, without switched-off parts; a file with a switched-off or locked cell is marked as such, and is not changed.
   *
   */
  whole(): CellWire[];
  /** No longer needed: stop watching the text. */
  dispose(): void;
}

export class NotebookSurface implements Surface {
  readonly kind = 'notebook';
  readonly document: ISharedNotebook;
  readonly views = new NotebookViews();
  readonly sessionContext: ISessionContext;
  private listener: SurfaceListener | null = null;
  private sent: SentCells | null = null;

  constructor(panel: NotebookPanel) {
    this.document = panel.model!.sharedModel;
    this.sessionContext = panel.sessionContext;
  }

  get panel(): NotebookPanel {
    return this.views.panel;
  }

  listen(listener: SurfaceListener): void {
    this.listener = listener;
  }

  add(widget: Widget): void {
    const panel = widget as NotebookPanel;
    if (!this.views.add(panel)) {
      return;
    }
    panel.content.activeCellChanged.connect(() => this.listener?.entered(), this);
    panel.disposed.connect(() => {
      this.views.remove(panel);
      if (this.views.isEmpty) {
        this.listener?.closed();
      }
    });
  }

  names(): { id: string; name: string }[] {
    return cellNames(this.document);
  }

  isOff(cell: string): boolean {
    const shared = this.cell(cell);
    return !shared || isTaggedOff(shared);
  }

  textAt(cell: string): string {
    return this.cell(cell)?.getSource() ?? '';
  }

  sender({ text, isEdited }: CellStates): Send {
    const sent = new SentCells(this.document, text, isEdited);
    this.sent?.dispose();
    this.sent = sent;
    return caret => {
      const { cells, switchedOff } = sent.all();
      const texts = new Map(cells.map(cell => [cell.id, cell.source]));
      return {
        texts,
        cells,
        switchedOff,
        caret,
        events: events => events.filter(event => texts.has(event.cell)),
        restore: answer => answer
      };
    };
  }

  whole(): CellWire[] {
    return this.document.cells.map(cell =>
      wireOf(cell, isTaggedOff(cell) ? '' : cell.getSource(), false)
    );
  }

  dispose(): void {
    this.sent?.dispose();
  }

  private cell(id: string) {
    return sharedCell(this.document, id);
  }
}

export class FileSurface implements Surface {
  readonly kind = 'file';
  readonly document: ISharedNotebook;
  readonly views: FileViews;
  readonly sessionContext = null;
  readonly panel = null;
  private readonly id: string;
  private listener: SurfaceListener | null = null;

  constructor(widget: FileWidget, language: (widget: FileWidget) => string) {
    this.document = asNotebook(new FileDocument(widget.context.model.sharedModel));
    this.id = cellIdOf(widget.context.model.sharedModel);
    this.views = new FileViews(this.id, language);
  }

  listen(listener: SurfaceListener): void {
    this.listener = listener;
  }

  add(widget: Widget): void {
    const file = widget as FileWidget;
    if (this.views.add(file)) {
      file.disposed.connect(() => {
        this.views.remove(file);
        if (this.views.isEmpty) {
          this.listener?.closed();
        }
      });
    }
  }

  names(): { id: string; name: string }[] {
    const { path } = this.views.place;
    return [{ id: this.id, name: path.slice(path.lastIndexOf('/') + 1) }];
  }

  isOff(): boolean {
    const { segment } = this.atCaret();
    return isOff(segment);
  }

  textAt(): string {
    const { segment, text } = this.atCaret();
    return text.slice(segment.start, segment.end);
  }

  sender(states: CellStates): Send {
    let last: readonly CellWire[] = [];
    return caret => {
      const text = states.text(this.id) ?? this.text;
      // The worker caches cells by id, so two files must not share one.
      const segments = segmentsOf(text).map(one => ({ ...one, id: `${this.id}-${one.id}` }));
      const at = segmentAt(segments, caret.offset);
      const cells = cellsOf(text, segments, last);
      last = cells;
      return {
        cells,
        texts: new Map([[this.id, text]]),
        switchedOff: segments.flatMap((segment, i) => (isOff(segment) ? [i + 1] : [])),
        caret: { cell: at.id, offset: caret.offset - at.start },
        events: events => eventsOf(events, segments),
        restore: answer => wholeAnswer(answer, this.id, text, segments)
      };
    };
  }

  whole(): CellWire[] {
    return [guardedWire(wireOf(this.document.cells[0], this.text, false))];
  }

  dispose(): void {
    // Nothing is watched.
  }

  private get text(): string {
    return this.document.cells[0].getSource();
  }

  private atCaret(): { segment: Segment; text: string } {
    const { text } = this;
    return { segment: segmentAt(segmentsOf(text), this.views.caret()?.offset ?? 0), text };
  }
}

/** The editor as a list with one element; empty if it does not exist yet. */
export function openEditor(editor: CodeEditor.IEditor | null, box: Element): OpenEditor[] {
  const view = editorViewOf(editor);
  return view ? [{ model: editor!.model, view, box }] : [];
}

/** The views of a text with a single editable cell. */
export abstract class OneTextViews implements Views {
  readonly isActiveCode = true;
  abstract readonly place: Whereabouts;
  abstract readonly address: Address;
  abstract readonly activeId: string | undefined;
  abstract readonly activeView: EditorView | null;
  abstract caret(): CaretPlace | null;
  abstract editors(): OpenEditor[];

  toggleClass(): void {}

  regainFocus(): void {}

  enter(cell: string): Promise<EditorView | null> {
    return Promise.resolve(cell === this.activeId ? this.activeView : null);
  }

  focus(view: EditorView, offset: number): void {
    focusAt(view, offset);
  }

  focusEditor(): void {
    this.activeView?.focus();
  }
}

/** The editors of one file. */
export class FileViews extends OneTextViews {
  private readonly widgets: FileWidget[] = [];

  constructor(
    readonly activeId: string,
    private readonly language: (widget: FileWidget) => string
  ) {
    super();
  }

  add(widget: FileWidget): boolean {
    if (this.widgets.includes(widget)) {
      return false;
    }
    this.widgets.push(widget);
    return true;
  }

  remove(widget: FileWidget): void {
    this.widgets.splice(this.widgets.indexOf(widget), 1);
  }

  get isEmpty(): boolean {
    return !this.widgets.length;
  }

  get place(): Whereabouts {
    const { context } = this.current;
    return {
      path: context.localPath,
      language: this.language(this.current),
      isReadOnly: context.model.readOnly || context.contentsModel?.writable === false,
      isOnServer: isOnServer(context.path)
    };
  }

  /** A file has no kernel that could address it. */
  readonly address = Address.Hidden;

  get activeView(): EditorView | null {
    return this.isEmpty ? null : editorViewOf(this.current.content.editor);
  }

  caret(): CaretPlace | null {
    return caretIn(
      this.activeView,
      this.current.context.model.sharedModel.getSource(),
      this.activeId
    );
  }

  editors(): OpenEditor[] {
    return this.widgets.flatMap(({ content }) => openEditor(content.editor, content.node));
  }

  private get current(): FileWidget {
    const { widgets } = this;
    return (
      widgets.find(widget => widget.node.contains(document.activeElement)) ??
      widgets.find(widget => widget.isVisible) ??
      widgets[0]
    );
  }
}
