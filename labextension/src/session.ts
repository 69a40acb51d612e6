/**
 * One open notebook: what was typed in it, what is offered for it, and what taking that does. Shared
 * by all views of the notebook.
 */

import type { EditorView } from '@codemirror/view';
import type { ISharedBaseCell, ISharedCodeCell, ISharedNotebook } from '@jupyter/ydoc';
import type { Cell, ICodeCellModel } from '@jupyterlab/cells';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { CodeMirrorEditor } from '@jupyterlab/codemirror';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Application } from './apply';
import { apply, sharedCell, takeBack } from './apply';
import type { Client } from './client';
import { show } from './editor';
import { matches } from './glob';
import { KernelFacts } from './kernelFacts';
import type { Pace } from './pace';
import { Pending, isAt, nextPlace } from './pending';
import type { Place } from './pending';
import type { AnswerWire, CellWire, Kind, Lane, RequestWire, SuggestionWire } from './protocol';
import type { CellChange } from './recorder';
import { Recorder } from './recorder';
import { buildRequest } from './request';
import type { Settings } from './tokens';
import { OFF_TAG } from './tokens';

const PENDING_CLASS = 'nextedit-mod-pending';
const TAB_CLASS = 'nextedit-mod-tab';
const STAY = 150; // ms in a cell from which on its context is read ahead; arrow keys are faster

/** What all notebooks share. */
export interface Shared {
  readonly client: Client;
  readonly pace: Pace;
  readonly settings: Settings;
  /** Tell the user in a few words; screen readers read it. */
  announce(message: string): void;
}

/** A request and the texts it was made with. */
export interface Snapshot {
  readonly request: Omit<RequestWire, 'id'>;
  readonly texts: ReadonlyMap<string, string>;
  readonly burst: number | null;
}

export interface CaretPlace {
  cell: string;
  offset: number;
}

export class NotebookSession implements IDisposable {
  readonly recorder: Recorder;
  readonly facts: KernelFacts;
  private readonly notebook: ISharedNotebook;
  private readonly panels: NotebookPanel[] = [];
  private held: Pending | null = null;
  private dismissed = new Set<string>();
  private applications: Application[] = [];
  private stale = new Set<string>();
  private staleBefore: ReadonlyMap<string, number | null> = new Map(); // before `applications`
  private ranBefore = new Map<string, number | null>(); // runs of their cells, before each changed
  private onlyNames = true; // is all that `applications` changed
  private staleOrder: readonly string[] = []; // as the worker gave it
  private seenError: string | null = null;
  private watches = new Set<ReturnType<typeof setTimeout>>();
  private edited = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private entering: ReturnType<typeof setTimeout> | null = null;
  private on = true;
  private isTaking = false;
  private renamed: string[] = []; // old names of the last rename
  private takenFrom: string | null = null; // the suggestion that `applications` are of
  private gone = false;
  private changedSignal = new Signal<this, void>(this);
  private disposedSignal = new Signal<this, void>(this);

  constructor(
    panel: NotebookPanel,
    private readonly shared: Shared
  ) {
    this.notebook = panel.model!.sharedModel;
    this.recorder = new Recorder(this.notebook, change => this.onChange(change));
    this.facts = new KernelFacts(panel.sessionContext, {
      request: () => this.snapshot(['inline', 'next_edit', 'rename'])?.request ?? null,
      apply: suggestion => this.applyWhole(suggestion),
      setEnabled: enabled => {
        this.on = enabled;
        this.clear();
      },
      factsChanged: () => this.onFacts()
    });
    this.addPanel(panel);
  }

  /** What is offered, or what is shown of it, changed. */
  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  get disposed(): ISignal<this, void> {
    return this.disposedSignal;
  }

  get isDisposed(): boolean {
    return this.gone;
  }

  /** The view that has the focus, or the first one. */
  get panel(): NotebookPanel {
    return (
      this.panels.find(panel => panel.node.contains(document.activeElement)) ??
      this.panels.find(panel => panel.isVisible) ??
      this.panels[0]
    );
  }

  /** The suggestion that waits, unless newer typing awaits its answer. */
  get pending(): Pending | null {
    return this.held && !this.held.hidden ? this.held : null;
  }

  get canUndo(): boolean {
    return this.applications.length > 0;
  }

  /** Ids of the cells whose results are out of date, in the order to run them. */
  get staleCells(): string[] {
    const order = this.order();
    const place = (id: string) => {
      const known = this.staleOrder.indexOf(id);
      return known < 0 ? Infinity : known;
    };
    return [...this.stale]
      .filter(id => order.includes(id))
      .sort((a, b) => place(a) - place(b) || order.indexOf(a) - order.indexOf(b));
  }

  /** Cells in order with how people call them: by execution count, or by place. */
  cellNumbers(): { id: string; name: string }[] {
    return this.notebook.cells.map((cell, i) => {
      const count =
        cell.cell_type === 'code' ? (cell as unknown as ISharedCodeCell).execution_count : null;
      return { id: cell.getId(), name: count ? `Cell ${i + 1} [${count}]` : `Cell ${i + 1}` };
    });
  }

  /** What to know after an application: names that the kernel still holds. */
  get aftermath(): readonly string[] {
    const alive = (name: string) => this.facts.current?.names?.some(known => known.name === name);
    return this.renamed.filter(alive).map(name => `\`${name}\` still exists in the kernel`);
  }

  addPanel(panel: NotebookPanel): void {
    if (this.panels.includes(panel)) {
      return;
    }
    this.panels.push(panel);
    panel.content.activeCellChanged.connect(this.entered, this);
    panel.disposed.connect(() => {
      this.panels.splice(this.panels.indexOf(panel), 1);
      if (!this.panels.length) {
        this.dispose();
      }
    });
  }

  dispose(): void {
    if (this.gone) {
      return;
    }
    this.gone = true;
    this.cancelTimer();
    if (this.entering !== null) {
      clearTimeout(this.entering);
    }
    this.watches.forEach(clearTimeout);
    this.recorder.dispose();
    this.facts.dispose();
    this.disposedSignal.emit();
    Signal.clearData(this);
  }

  // Asking

  /** Whether this notebook is served at all; `cell` is that of the caret. */
  isServed(cell?: string): boolean {
    const { settings, client } = this.shared;
    const path = this.panel.context.localPath;
    return (
      client.enabled &&
      this.on &&
      settings.languages[this.language] === true &&
      !settings.excludedPaths.some(glob => matches(glob, path)) &&
      (cell === undefined || !this.isTaggedOff(cell))
    );
  }

  get language(): string {
    const metadata = this.notebook.metadata;
    const language =
      metadata.language_info?.name ??
      (metadata.kernelspec?.language as string | undefined) ??
      this.panel.model?.defaultKernelLanguage ??
      '';
    return language === 'ipython' ? 'python' : language;
  }

  /** The id of the model that answers in this notebook; null for the one of each cell's language. */
  get bundle(): string | null {
    const ours = this.notebook.getMetadata('nextedit') as { bundle?: unknown } | undefined;
    return typeof ours?.bundle === 'string' && ours.bundle ? ours.bundle : null;
  }

  set bundle(id: string | null) {
    if (id === null) {
      this.notebook.deleteMetadata('nextedit');
    } else {
      this.notebook.setMetadata('nextedit', { bundle: id });
    }
  }

  /** The caret in the active cell; null in command mode or without an editor. */
  caret(): CaretPlace | null {
    const cell = this.panel?.content.activeCell;
    const editor = cell?.editor as CodeMirrorEditor | null | undefined;
    if (!cell || !editor || editor.isDisposed) {
      return null;
    }
    const { state } = editor.editor;
    // An editor that counts otherwise than the document, as with CR LF, is left alone.
    if (state.doc.length !== cell.model.sharedModel.getSource().length) {
      return null;
    }
    return { cell: cell.model.sharedModel.getId(), offset: state.selection.main.head };
  }

  /** A request for these kinds as the notebook stands; null where none is to be made. */
  snapshot(want: Kind[], renameTo?: string): Snapshot | null {
    const active = this.panel.content.activeCell?.model.sharedModel.getId();
    const caret = this.caret() ?? (active === undefined ? null : { cell: active, offset: 0 });
    if (!caret || !this.isServed(caret.cell)) {
      return null;
    }
    const cells = this.cells();
    const known = new Set(cells.map(cell => cell.id));
    const request = buildRequest({
      language: this.language,
      cells,
      caret,
      history: this.recorder.history.wire().filter(event => known.has(event.cell)),
      facts: this.facts.current,
      want,
      bundle: this.bundle ?? undefined,
      renameTo
    });
    if (!request) {
      return null;
    }
    return {
      request,
      texts: new Map(request.notebook.cells.map(cell => [cell.id, cell.source])),
      burst: this.recorder.history.last?.burst ?? null
    };
  }

  /** Ask for next edits now, whatever the pace. */
  async suggest(): Promise<void> {
    this.cancelTimer();
    const snapshot = this.snapshot(['next_edit', 'rename']);
    const answer = snapshot && (await this.shared.client.suggest(snapshot.request));
    if (snapshot && answer) {
      this.adopt(answer, snapshot);
    }
  }

  /** The rename of the name at the caret: its suggestion, or why there is none. */
  async rename(to: string): Promise<Pending | string> {
    const snapshot = this.snapshot(['rename'], to);
    if (!snapshot) {
      return 'this notebook is not served';
    }
    const answer = await this.shared.client.suggest(snapshot.request);
    if (!answer) {
      return this.shared.client.status.problem ?? 'no answer';
    }
    const suggestion = answer.suggestions.find(s => s.kind === 'rename');
    if (!suggestion) {
      return (
        answer.silence_detail?.rename ??
        (answer.silence.rename === 'no_change'
          ? 'nothing to rename here'
          : answer.silence.rename) ??
        'nothing to rename here'
      );
    }
    return this.upToDate(suggestion, snapshot) ?? 'the notebook changed, try again';
  }

  /** The text of a cell; undefined if it is not in the notebook. */
  textOf = (cell: string): string | undefined => sharedCell(this.notebook, cell)?.getSource();

  get activeView(): EditorView | null {
    const editor = this.panel.content.activeCell?.editor as CodeMirrorEditor | null | undefined;
    return editor && !editor.isDisposed ? editor.editor : null;
  }

  /** What is inserted next was not typed: an undo of its own, and marked in the record. */
  aboutToAccept(cell: string): void {
    const shared = sharedCell(this.notebook, cell);
    this.recorder.announce(cell, 'accepted');
    shared?.undoManager?.stopCapturing();
    queueMicrotask(() => shared?.undoManager?.stopCapturing());
  }

  // Taking and leaving

  /** Show this suggestion and no other. */
  offer(pending: Pending): void {
    this.held = pending;
    this.shared.announce(pending.label);
    this.redraw();
    void this.shared.client.report('shown', pending.kind, pending.lane);
  }

  /** Count whether what was taken is still there after 30 s and after 5 minutes. */
  watch(kind: Kind, lane: Lane, taken: readonly { cell: string; text: string }[]): void {
    for (const [outcome, seconds] of [
      ['kept_30s', 30],
      ['kept_5m', 300]
    ] as const) {
      const timer = setTimeout(() => {
        this.watches.delete(timer);
        if (taken.every(({ cell, text }) => this.textOf(cell)?.includes(text))) {
          void this.shared.client.report(outcome, kind, lane);
        }
      }, seconds * 1000);
      this.watches.add(timer);
    }
  }

  get currentPlace(): Place | null {
    return this.pending ? nextPlace(this.pending, this.order(), this.caret()) : null;
  }

  get isAtPlace(): boolean {
    const place = this.currentPlace;
    return place !== null && isAt(place, this.caret());
  }

  /** Go to a place, or to the next one, ready to type there. False if there is none. */
  async jump(place: Place | null = this.currentPlace): Promise<boolean> {
    const content = this.panel.content;
    const index = content.widgets.findIndex(
      widget => widget.model.sharedModel.getId() === place?.cell
    );
    if (!place || index < 0) {
      return false;
    }
    await content.scrollToItem(index);
    const cell: Cell = content.widgets[index];
    await cell.ready;
    content.activeCellIndex = index;
    content.deselectAll();
    if (cell.model.type === 'markdown') {
      (cell as Cell & { rendered: boolean }).rendered = false;
    }
    const editor = cell.editor as CodeMirrorEditor | null;
    if (!editor) {
      return false;
    }
    const now = this.held?.place(place.id) ?? place;
    editor.editor.dispatch({
      selection: { anchor: Math.min(now.end, editor.editor.state.doc.length) },
      scrollIntoView: true
    });
    content.mode = 'edit';
    editor.focus();
    this.redraw();
    return true;
  }

  /** Take one place. */
  accept(place: Place | null = this.currentPlace): boolean {
    return place !== null && this.take([place]);
  }

  /** Take these places, or all that are chosen. All or nothing. */
  acceptAll(places?: readonly Place[]): boolean {
    const pending = this.pending;
    return pending !== null && this.take(places ?? pending.places.filter(p => pending.isChosen(p)));
  }

  /** Leave the suggestion; it is not shown again until its places change. */
  dismiss(): boolean {
    const pending = this.pending;
    if (!pending) {
      return false;
    }
    for (const place of pending.places) {
      this.dismissed.add(pending.signature(place));
    }
    this.shared.pace.dismissed();
    void this.shared.client.report('rejected', pending.kind, pending.lane);
    this.clear();
    return true;
  }

  /** Take back what was accepted last, in all cells. */
  undoAccept(): boolean {
    const last = this.applications[this.applications.length - 1];
    if (!last) {
      return false;
    }
    const runs = this.runs();
    if (!takeBack(this.applications)) {
      this.shared.announce('A later edit is in the way: nothing was taken back.');
      return false;
    }
    this.applications = [];
    this.renamed = [];
    // The cells say again what ran, but for those that did not before either, or that ran meanwhile.
    const isAsIn = (before: ReadonlyMap<string, number | null>) => (id: string) =>
      (runs.get(id) ?? null) === before.get(id);
    const ranSince = [...this.ranBefore.keys()].filter(
      id => runs.has(id) && !isAsIn(this.ranBefore)(id)
    );
    this.stale = new Set([
      ...[...this.staleBefore.keys()].filter(isAsIn(this.staleBefore)),
      ...ranSince
    ]);
    this.markStale();
    this.clear();
    if (ranSince.length) {
      void this.spreadStale(!this.onlyNames);
    }
    return true;
  }

  /** Drop what is offered, without holding it against it. */
  clear(): void {
    this.cancelTimer();
    this.held = null;
    this.redraw();
  }

  /** A cell ran. */
  executed(cell: string): void {
    this.edited.delete(cell);
    this.stale.delete(cell);
    this.markStale();
    this.facts.ask();
    this.changedSignal.emit();
  }

  // Drawing

  /** Draw in each editor what belongs there. */
  redraw(): void {
    if (!this.gone) {
      this.paint();
      this.changedSignal.emit();
    }
  }

  private paint(): void {
    for (const panel of this.panels) {
      for (const cell of panel.content.widgets) {
        const editor = cell.editor as CodeMirrorEditor | null;
        if (editor && !editor.isDisposed) {
          this.drawIn(editor.model, editor.editor);
        }
      }
    }
  }

  /** Another cell is the active one: what a key there will need is read ahead, if it is a stay. */
  private entered(): void {
    this.redraw();
    if (this.entering !== null) {
      clearTimeout(this.entering);
    }
    this.entering = setTimeout(() => {
      this.entering = null;
      const isCode = this.panel?.content.activeCell?.model.type === 'code';
      const snapshot = this.gone || !isCode ? null : this.snapshot([]);
      if (snapshot) {
        void this.shared.client.prefill(snapshot.request);
      }
    }, STAY);
  }

  /** The caret moved: what Tab would do may have changed. */
  caretMoved(): void {
    if (this.pending) {
      queueMicrotask(() => this.paint());
    }
  }

  /**
   * Whether Tab goes to a place, or takes the one at the caret. Never in leading white space or with
   * a selection unless the caret is at the place: Tab indents there.
   */
  isTabOurs(view: EditorView): boolean {
    if (!this.currentPlace || this.shared.settings.keepTab) {
      return false;
    }
    if (this.isAtPlace) {
      return true;
    }
    const { main, ranges } = view.state.selection;
    const line = view.state.doc.lineAt(main.head);
    const isIndenting = line.text.slice(0, main.head - line.from).trim() === '';
    return main.empty && ranges.length === 1 && !isIndenting;
  }

  /** What Tab does while it is ours. */
  tab(): boolean {
    return this.isAtPlace ? this.accept() : (void this.jump(), true);
  }

  drawIn(model: CodeEditor.IModel, view: EditorView): void {
    const pending = this.pending;
    const cell = (model.sharedModel as unknown as ISharedCodeCell).getId();
    // Where the application looks at keys before the editor does, shortcuts go by these classes.
    const host = view.dom.closest('.jp-CodeMirrorEditor') ?? view.dom;
    host.classList.toggle(PENDING_CLASS, pending !== null);
    host.classList.toggle(TAB_CLASS, pending !== null && this.isTabOurs(view));
    if (!pending || view.state.doc.toString() !== model.sharedModel.getSource()) {
      show(view);
      return;
    }
    const { keepTab } = this.shared.settings;
    const caret = this.caret();
    const current = this.currentPlace;
    const atPlace = current !== null && isAt(current, caret);
    const takeKey = keepTab ? 'Alt-Shift-J' : 'Tab';
    const goKey = keepTab ? 'Alt-J' : 'Tab';
    const index = current ? this.order().indexOf(current.cell) + 1 : 0;
    const isElsewhere = current !== null && !atPlace && caret?.cell === cell;
    show(view, {
      marks: pending.in(cell).map(place => ({
        start: place.start,
        end: place.end,
        text: place.text,
        isCurrent: place.id === current?.id,
        label: atPlace ? takeKey : goKey
      })),
      hint: isElsewhere
        ? `${goKey} → ${current.cell === cell ? '' : `cell ${index}: `}${pending.label}`
        : ''
    });
  }

  // Inside

  private isTaggedOff(id: string): boolean {
    const cell = sharedCell(this.notebook, id);
    return !cell || tagsOf(cell).includes(OFF_TAG);
  }

  private cells(): CellWire[] {
    const cells: CellWire[] = [];
    for (const cell of this.notebook.cells) {
      const tags = tagsOf(cell);
      if (tags.includes(OFF_TAG)) {
        continue;
      }
      const id = cell.getId();
      const count =
        cell.cell_type === 'code' && !this.edited.has(id)
          ? (cell as ISharedCodeCell).execution_count
          : null;
      cells.push({
        id,
        type: cell.cell_type as CellWire['type'],
        source: this.recorder.text(id) ?? cell.getSource(),
        execution_count: count ?? null,
        ...(tags.length ? { tags } : {})
      });
    }
    return cells;
  }

  private order(): string[] {
    return this.notebook.cells.map(cell => cell.getId());
  }

  /** A new error may have a next edit of its own: the fix of the failing line. */
  private onFacts(): void {
    const error = this.facts.current?.error ?? null;
    const seen = error && JSON.stringify([error, this.textOf(error.cell)]);
    if (seen !== null && seen !== this.seenError) {
      this.schedule();
    }
    this.seenError = seen;
    this.changedSignal.emit();
  }

  private onChange(change: CellChange): void {
    this.edited.add(change.cell);
    if (this.isTaking) {
      return; // `take` sees to what is pending
    }
    const history = this.recorder.history;
    if (this.held) {
      const isSameTyping = history.last?.burst === this.held.burst && change.origin !== 'remote';
      const isUndone =
        this.held.burst !== null && !history.all.some(e => e.burst === this.held?.burst);
      if (isUndone || !this.held.follow(change.cell, change.after)) {
        this.held = null;
      } else if (isSameTyping) {
        this.held.hidden = true;
      }
      // Editors must not be changed from within their own update.
      queueMicrotask(() => this.redraw());
    }
    if (change.origin === 'typed' || change.origin === 'pasted') {
      this.schedule();
    }
  }

  private schedule(): void {
    this.cancelTimer();
    const { client, pace, settings } = this.shared;
    if (!client.enabled || !client.mayInfer) {
      return;
    }
    const pause = Math.max(client.pause, pace.pause(settings.delay));
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.askAfterPause();
    }, pause);
  }

  private async askAfterPause(): Promise<void> {
    const { client, pace } = this.shared;
    const burst = this.recorder.history.last;
    await client.settled(); // an inline request goes first
    if (this.timer !== null || this.recorder.history.last !== burst || this.gone) {
      return;
    }
    if (pace.isQuiet) {
      this.schedule();
      return;
    }
    const snapshot = this.snapshot(['next_edit', 'rename']);
    const answer = snapshot && (await client.suggest(snapshot.request));
    if (snapshot && answer) {
      this.adopt(answer, snapshot);
    }
  }

  private cancelTimer(): void {
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
    }
  }

  private adopt(answer: AnswerWire, snapshot: Snapshot): void {
    for (const suggestion of answer.suggestions) {
      if (suggestion.kind === 'inline' || suggestion.confidence < this.shared.settings.confidence) {
        continue;
      }
      const pending = this.upToDate(suggestion, snapshot);
      if (!pending) {
        continue;
      }
      for (const place of pending.places) {
        if (this.dismissed.has(pending.signature(place))) {
          pending.remove(place);
        }
      }
      if (pending.places.some(place => !place.optional)) {
        this.offer(pending);
        return;
      }
    }
    if (this.held?.hidden || this.held?.burst === snapshot.burst) {
      this.clear();
    }
  }

  /** The suggestion for the notebook as it is now; null if it is stale. */
  private upToDate(suggestion: SuggestionWire, snapshot: Snapshot): Pending | null {
    const pending = Pending.from(suggestion, cell => snapshot.texts.get(cell), snapshot.burst);
    if (!pending) {
      return null;
    }
    for (const cell of pending.cells) {
      const now = this.textOf(cell);
      if (now === undefined || !pending.follow(cell, now)) {
        return null;
      }
    }
    return pending;
  }

  private take(places: readonly Place[]): boolean {
    const pending = this.pending;
    if (!pending || !places.length) {
      return false;
    }
    this.isTaking = true;
    const application = pending.isFresh(this.textOf)
      ? apply(this.notebook, pending.edits(places))
      : null;
    this.isTaking = false;
    if (!application) {
      this.held = null;
      this.redraw();
      this.shared.announce('The cells changed since: nothing was applied.');
      return false;
    }
    const continues = this.applications.length > 0 && this.takenFrom === pending.id;
    this.applications = continues ? [...this.applications, application] : [application];
    this.takenFrom = pending.id;
    const runs = this.runs();
    if (!continues) {
      this.staleBefore = new Map([...this.stale].map(id => [id, runs.get(id) ?? null]));
      this.ranBefore = new Map();
      this.onlyNames = true;
    }
    for (const { id } of application.cells) {
      if (!this.ranBefore.has(id)) {
        this.ranBefore.set(id, runs.get(id) ?? null);
      }
    }
    const olds = places.map(place => pending.old(place));
    if (pending.kind === 'rename') {
      this.renamed = [...new Set(olds.filter(isName))];
    }
    const onlyNames =
      pending.lane === 'symbols' && olds.every(isName) && places.every(p => isName(p.text));
    this.onlyNames &&= onlyNames;
    pending.took(places);
    this.shared.pace.accepted();
    this.noteStale(application, pending, onlyNames);
    const isDone = !pending.places.some(place => !place.optional);
    if (isDone) {
      this.held = null;
    }
    this.redraw();
    void this.shared.client.report(isDone ? 'accepted' : 'partial', pending.kind, pending.lane);
    if (isDone) {
      this.watch(pending.kind, pending.lane, places);
    }
    this.shared.announce(
      isDone ? 'Applied.' : `Applied. ${pending.places.filter(p => !p.optional).length} more.`
    );
    if (isDone && pending.lane === 'model') {
      this.schedule();
    }
    return true;
  }

  private applyWhole(suggestion: SuggestionWire): void {
    const pending = Pending.from(suggestion, this.textOf);
    if (!pending) {
      this.shared.announce('The cells changed since: nothing was applied.');
      return;
    }
    this.held = pending;
    this.take(pending.places.filter(place => !place.optional));
  }

  /**
   * Cells that ran and no longer say what ran: those just changed, and what called for it. What uses
   * their results is out of date as well, unless names alone were changed.
   */
  private noteStale(application: Application, pending: Pending, onlyNames: boolean): void {
    const typed = this.recorder.history.all.find(event => event.burst === pending.burst);
    for (const id of [...application.cells.map(cell => cell.id), ...(typed ? [typed.cell] : [])]) {
      const cell = sharedCell(this.notebook, id);
      const ran =
        cell?.cell_type === 'code' && (cell as unknown as ISharedCodeCell).execution_count !== null;
      if (ran && this.edited.has(id)) {
        this.stale.add(id);
      }
    }
    this.markStale();
    void this.spreadStale(!onlyNames);
  }

  /** Ask in which order the stale cells are to run and, if wanted, which others depend on them. */
  private async spreadStale(toOthers: boolean): Promise<void> {
    const changed = [...this.stale];
    const request = changed.length ? this.snapshot([])?.request : undefined;
    const ran = this.runs();
    const stale = request ? await this.shared.client.stale(request, changed) : null;
    if (!stale || this.gone) {
      return;
    }
    this.staleOrder = stale;
    const now = this.runs();
    for (const id of toOthers ? stale : []) {
      // Whatever ran while the answer was on its way is fresh.
      const count = now.get(id) ?? null;
      if (count !== null && count === ran.get(id)) {
        this.stale.add(id);
      }
    }
    this.markStale();
    this.changedSignal.emit();
  }

  /** The execution count of each code cell. */
  private runs(): Map<string, number | null> {
    return new Map(
      this.notebook.cells
        .filter(cell => cell.cell_type === 'code')
        .map(cell => [cell.getId(), (cell as unknown as ISharedCodeCell).execution_count])
    );
  }

  private markStale(): void {
    for (const panel of this.panels) {
      for (const cell of panel.content.widgets) {
        cell.toggleClass(
          'nextedit-mod-stale',
          this.stale.has((cell.model as ICodeCellModel).sharedModel.getId())
        );
      }
    }
  }
}

function isName(text: string): boolean {
  return /^[\p{L}_][\p{L}\p{N}\p{M}_]*$/u.test(text);
}

function tagsOf(cell: ISharedBaseCell): string[] {
  const tags: unknown = cell.getMetadata('tags');
  return Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string') : [];
}
