/**
 * One open notebook: what was typed in it, what is offered for it, and what accepting that does.
 * Shared by all views of the notebook. When to ask is the scheduler's, what to draw `drawing.ts`',
 * which results are out of date `staleCells.ts`'.
 */

import type { EditorView } from '@codemirror/view';
import type { ISharedCodeCell, ISharedNotebook } from '@jupyter/ydoc';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { Applications, renamedByHand } from './applications';
import { apply, sharedCell } from './apply';
import { bundleOf, cellNames, runsOf, setBundle } from './cells';
import type { Client } from './client';
import { drawingOf, summaryOf } from './drawing';
import { show } from './editor';
import { KeptWatch } from './keptWatch';
import { KernelFacts } from './kernelFacts';
import { isName } from './names';
import { Offers } from './offers';
import type { Pace } from './pace';
import { Pending, isAt, nextPlace } from './pending';
import type { Place } from './pending';
import type { AnswerWire, Kind, Lane, SuggestionWire } from './protocol';
import type { CellChange } from './recorder';
import { Recorder } from './recorder';
import type { NotServed, Snapshot } from './requests';
import { Requests, whyNot } from './requests';
import { Scheduler } from './scheduler';
import { StaleCells } from './staleCells';
import type { Settings } from './tokens';
import type { CaretPlace } from './views';
import { NotebookViews, isCaretInView } from './views';

const PENDING_CLASS = 'nextedit-mod-pending';
const TAB_CLASS = 'nextedit-mod-tab';
const STALE_CLASS = 'nextedit-mod-stale';

/** What all notebooks share. */
export interface Shared {
  readonly client: Client;
  readonly pace: Pace;
  readonly settings: Settings;
  readonly trans: TranslationBundle;
  /** Tell the user in a few words; screen readers read it. */
  announce(message: string): void;
  /** The same where the user asked for something and nothing else is to be seen. */
  tell(message: string): void;
}

export class NotebookSession implements IDisposable {
  readonly recorder: Recorder;
  readonly facts: KernelFacts;
  private readonly notebook: ISharedNotebook;
  private readonly views = new NotebookViews();
  private readonly requests: Requests;
  private readonly scheduler: Scheduler;
  private readonly stale: StaleCells;
  private readonly kept: KeptWatch;
  private readonly applications = new Applications();
  private readonly offers = new Offers();
  private seenError: string | null = null;
  private on = true;
  private isAccepting = false;
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
    this.requests = new Requests({
      notebook: this.notebook,
      views: this.views,
      recorder: this.recorder,
      shared,
      facts: () => this.facts,
      isOn: () => this.on,
      isEdited: cell => this.stale.isEdited(cell)
    });
    this.scheduler = this.makeScheduler();
    this.stale = new StaleCells({
      runs: () => runsOf(this.notebook),
      order: () => this.order(),
      ask: changed => this.askStale(changed),
      changed: () => this.markStale()
    });
    this.kept = new KeptWatch(this.textOf, (...what) => void shared.client.report(...what));
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
    return this.views.panel;
  }

  /** The suggestion that waits, unless newer typing awaits its answer. */
  get pending(): Pending | null {
    return this.offers.shown;
  }

  get canUndo(): boolean {
    return !this.applications.isEmpty;
  }

  /** Ids of the cells whose results are out of date, in the order to run them. */
  get staleCells(): string[] {
    return this.stale.ids;
  }

  /** Cells in order with how people call them: by execution count, or by place. */
  cellNumbers(): { id: string; name: string }[] {
    return cellNames(this.notebook);
  }

  /** What to know after an application: names that the kernel still holds. */
  get aftermath(): readonly string[] {
    const alive = (name: string) => this.facts.current?.names?.some(known => known.name === name);
    return this.applications.oldNames
      .filter(alive)
      .map(name => this.shared.trans.__('`%1` still exists in the kernel', name));
  }

  addPanel(panel: NotebookPanel): void {
    if (!this.views.add(panel)) {
      return;
    }
    panel.content.activeCellChanged.connect(this.entered, this);
    panel.disposed.connect(() => {
      this.views.remove(panel);
      if (this.views.isEmpty) {
        this.dispose();
      }
    });
  }

  dispose(): void {
    if (this.gone) {
      return;
    }
    this.gone = true;
    this.scheduler.dispose();
    this.kept.dispose();
    this.recorder.dispose();
    this.facts.dispose();
    this.disposedSignal.emit();
    Signal.clearData(this);
  }

  // Asking

  /** Why nothing is offered at the caret; null if something may be. */
  get notServed(): NotServed | null {
    return this.requests.notServed(this.views.activeCell?.model.sharedModel.getId());
  }

  get language(): string {
    return this.requests.language;
  }

  /** The id of the model that answers in this notebook; null for the one of each cell's language. */
  get bundle(): string | null {
    return bundleOf(this.notebook);
  }

  set bundle(id: string | null) {
    setBundle(this.notebook, id);
  }

  /** The caret in the active cell; null in command mode or without an editor. */
  caret(): CaretPlace | null {
    return this.views.caret();
  }

  /** A request for these kinds as the notebook stands; null where none is to be made. */
  snapshot(want: Kind[]): Snapshot | null {
    return this.requests.snapshot(want);
  }

  /** Ask for next edits now, whatever was dismissed, and say so if there are none. */
  async suggest(): Promise<void> {
    const { client, trans, tell } = this.shared;
    const reason = this.notServed;
    if (reason !== null) {
      tell(whyNot(reason, trans));
      return;
    }
    const answer = await this.ask(true);
    if (answer && !this.offers.shown) {
      const { next_edit, rename } = answer.silence_detail ?? {};
      tell(rename ?? next_edit ?? trans.__('No next edit here.'));
    } else if (!answer) {
      tell(client.status.problem ?? trans.__('no answer'));
    }
  }

  /** The rename of the name at the caret: its suggestion, or why there is none. */
  rename(to: string): Promise<Pending | string> {
    return this.requests.rename(to);
  }

  /** The text of a cell; undefined if it is not in the notebook. */
  textOf = (cell: string): string | undefined => sharedCell(this.notebook, cell)?.getSource();

  get activeView(): EditorView | null {
    return this.views.activeView;
  }

  /** What is inserted next was not typed: an undo of its own, and marked in the record. */
  aboutToAccept(cell: string): void {
    const shared = sharedCell(this.notebook, cell);
    this.recorder.announce(cell, 'accepted');
    shared?.undoManager?.stopCapturing();
    queueMicrotask(() => shared?.undoManager?.stopCapturing());
  }

  // Accepting and leaving

  /** Show the first of these suggestions, and the others once it is done. */
  offer(...suggestions: Pending[]): void {
    const { trans, settings, client } = this.shared;
    const [pending] = suggestions;
    this.offers.show(suggestions, this.views.activeCell?.model.sharedModel.getId() ?? null);
    this.shared.announce(
      trans.__(
        '%1. %2 goes to the next place, %3 accepts all places.',
        summaryOf(pending, trans),
        settings.keepTab ? 'Alt J' : 'Tab',
        'Alt Shift A'
      )
    );
    this.redraw();
    void client.report('shown', pending.kind, pending.lane);
  }

  /** Count whether what was accepted is still there after 30 s and after 5 minutes. */
  watch(kind: Kind, lane: Lane, accepted: readonly { cell: string; text: string }[]): void {
    this.kept.watch(kind, lane, accepted);
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
    const view = place && (await this.views.enter(place.cell));
    if (!place || !view) {
      return false;
    }
    this.offers.moveTo(place.cell);
    this.views.focus(view, (this.offers.current?.place(place.id) ?? place).end);
    this.redraw();
    return true;
  }

  /** Accept one place. */
  accept(place: Place | null = this.currentPlace): boolean {
    if (place !== null) {
      this.offers.moveTo(place.cell);
    }
    return place !== null && this.take([place]);
  }

  /** Accept these places, or all that are chosen. All or nothing. */
  acceptAll(places?: readonly Place[]): boolean {
    const pending = this.pending;
    return pending !== null && this.take(places ?? pending.chosen);
  }

  /** Leave the suggestion; it is not shown again until its places change. */
  dismiss(): boolean {
    const pending = this.pending;
    if (!pending) {
      return false;
    }
    this.offers.drop(true);
    this.shared.pace.dismissed();
    void this.shared.client.report('rejected', pending.kind, pending.lane);
    this.clear();
    return true;
  }

  /** Revert what was accepted last, in all cells. */
  undoAccept(): boolean {
    const { announce, trans } = this.shared;
    if (this.applications.isEmpty) {
      return false;
    }
    const runs = runsOf(this.notebook);
    const cells = this.applications.takeBack();
    if (cells === null) {
      announce(trans.__('A later edit is in the way: nothing was reverted.'));
      return false;
    }
    this.clear();
    this.stale.takenBack(runs);
    announce(trans._n('Reverted in %1 cell.', 'Reverted in %1 cells.', cells));
    return true;
  }

  /** Drop what is offered, without holding it against it. */
  clear(): void {
    this.scheduler.cancel();
    this.offers.drop();
    this.redraw();
  }

  /** A cell ran. */
  executed(cell: string): void {
    this.stale.executed(cell);
    this.facts.ask();
  }

  /** Back from a panel or dialog to where the user was typing. */
  focusEditor(): void {
    this.views.focusEditor();
  }

  // Drawing

  /** Draw in each editor what belongs there. */
  redraw(): void {
    if (!this.gone) {
      this.paint();
      this.changedSignal.emit();
    }
  }

  /** The caret moved: what Tab would do may have changed. */
  caretMoved(): void {
    if (this.pending) {
      queueMicrotask(() => this.paint());
    }
  }

  /**
   * Whether Tab goes to a place, or accepts the one at the caret. It goes only from where the hint is
   * seen; never in leading white space or with a selection, where Tab indents.
   */
  isTabOurs(view: EditorView): boolean {
    const isHere = view === this.views.activeView;
    if (!isHere || !this.currentPlace || this.shared.settings.keepTab) {
      return false;
    }
    if (this.isAtPlace) {
      return true;
    }
    if (!this.offers.isHome(this.caret()?.cell) || !isCaretInView(view)) {
      return false;
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
    // Where the application looks at keys before the editor does, shortcuts go by these classes.
    const host = view.dom.closest('.jp-CodeMirrorEditor') ?? view.dom;
    host.classList.toggle(PENDING_CLASS, pending !== null);
    host.classList.toggle(TAB_CLASS, pending !== null && this.isTabOurs(view));
    if (!pending || view.state.doc.toString() !== model.sharedModel.getSource()) {
      show(view);
      return;
    }
    const scene = {
      pending,
      current: this.currentPlace,
      caret: this.caret(),
      order: this.order(),
      keepTab: this.shared.settings.keepTab,
      isHome: (cell: string) => this.offers.isHome(cell),
      trans: this.shared.trans
    };
    show(view, drawingOf(scene, (model.sharedModel as unknown as ISharedCodeCell).getId()));
  }

  // Inside

  private makeScheduler(): Scheduler {
    const { client, pace, settings } = this.shared;
    return new Scheduler({
      mayAsk: () => client.enabled && client.mayInfer,
      pause: () => Math.max(client.pause, pace.pause(settings.delay)),
      isQuiet: () => pace.isQuiet,
      settled: () => client.settled(),
      lastEdit: () => this.recorder.history.last,
      ask: () => void this.ask(false),
      readAhead: () => {
        const isCode = this.views.activeCell?.model.type === 'code';
        const snapshot = isCode ? this.snapshot([]) : null;
        if (snapshot) {
          void client.prefill(snapshot.request);
        }
      }
    });
  }

  private paint(): void {
    this.views.forEachEditor((model, view) => this.drawIn(model, view));
  }

  private entered(): void {
    this.redraw();
    this.scheduler.entered();
  }

  private order(): string[] {
    return this.notebook.cells.map(cell => cell.getId());
  }

  /** A new error may have a next edit of its own: the fix of the failing line. */
  private onFacts(): void {
    const error = this.facts.current?.error ?? null;
    const seen = error && JSON.stringify([error, this.textOf(error.cell)]);
    if (seen !== null && seen !== this.seenError) {
      this.scheduler.schedule();
    }
    this.seenError = seen;
    this.changedSignal.emit();
  }

  private onChange(change: CellChange): void {
    this.stale.edit(change.cell);
    if (this.isAccepting) {
      return; // `take` sees to what is pending
    }
    if (this.offers.current) {
      const history = this.recorder.history;
      this.offers.follow(change, {
        burst: history.last?.burst ?? null,
        holds: burst => history.all.some(event => event.burst === burst)
      });
      // Editors must not be changed from within their own update.
      queueMicrotask(() => this.redraw());
    }
    if (change.origin === 'typed' || change.origin === 'pasted') {
      this.scheduler.schedule();
    }
  }

  /** Ask for next edits, and show what comes; `wanted` says that the user asked. */
  private async ask(wanted: boolean): Promise<AnswerWire | null> {
    this.scheduler.cancel();
    const snapshot = this.snapshot(['next_edit', 'rename']);
    const answer = snapshot && (await this.shared.client.suggest(snapshot.request));
    if (snapshot && answer && !this.gone) {
      this.adopt(answer, snapshot, wanted);
    }
    return answer;
  }

  private adopt(answer: AnswerWire, snapshot: Snapshot, wanted: boolean): void {
    const found = answer.suggestions
      .filter(s => s.kind !== 'inline' && s.confidence >= this.shared.settings.confidence)
      .map(suggestion => this.requests.upToDate(suggestion, snapshot))
      .filter(pending => pending !== null && !pending.isTouched) as Pending[];
    const chosen = this.offers.choose(found, wanted);
    const held = this.offers.current;
    if (chosen.length) {
      this.offer(...chosen);
    } else if (held && (held.hidden || held.burst === snapshot.burst)) {
      this.clear();
    }
  }

  private take(places: readonly Place[]): boolean {
    const { pace, trans } = this.shared;
    const pending = this.pending;
    if (!pending || !places.length) {
      return false;
    }
    this.requests.leaveLocked(pending);
    const history = this.recorder.history.all;
    const typed = history.find(event => event.burst === pending.burst);
    const [first] = places;
    const definition =
      typed && pending.kind === 'rename'
        ? renamedByHand(history, typed.cell, this.textOf(typed.cell) ?? '', [
            pending.old(first),
            first.text
          ])
        : null;
    this.isAccepting = true;
    const application = pending.isFresh(this.textOf)
      ? apply(this.notebook, pending.edits(places.filter(({ id }) => pending.place(id))))
      : null;
    this.isAccepting = false;
    if (!application) {
      this.offers.drop();
      this.redraw();
      this.shared.announce(trans.__('The cells changed since: nothing was applied.'));
      return false;
    }
    const continues = this.applications.continues(pending);
    const olds = places.map(place => pending.old(place));
    const onlyNames =
      pending.lane === 'symbols' && olds.every(isName) && places.every(p => isName(p.text));
    this.applications.add(application, pending, places, definition);
    pending.took(places);
    pace.accepted();
    const cells = [
      ...application.cells.map(cell => cell.id),
      ...(definition ? [definition.id] : [])
    ];
    this.stale.accepted({ cells, onlyNames, continues, byHand: typed?.cell ?? null });
    this.accepted(pending, places);
    return true;
  }

  /** These places of what is shown were accepted: show what is left, or what comes next. */
  private accepted(pending: Pending, places: readonly Place[]): void {
    const { client, trans } = this.shared;
    const left = pending.chosen.length;
    const next = left ? null : this.offers.next(this.textOf);
    this.redraw();
    void client.report(left ? 'partial' : 'accepted', pending.kind, pending.lane);
    const more = left + (next?.chosen.length ?? 0);
    this.shared.announce(
      more ? trans._n('Applied. %1 more.', 'Applied. %1 more.', more) : trans.__('Applied.')
    );
    if (!left) {
      this.watch(pending.kind, pending.lane, places);
      if (!next && pending.kind === 'next_edit') {
        this.scheduler.schedule(); // one edit calls for the next
      }
    }
  }

  private applyWhole(suggestion: SuggestionWire): void {
    const pending = Pending.from(suggestion, this.textOf);
    if (!pending) {
      this.shared.announce(this.shared.trans.__('The cells changed since: nothing was applied.'));
      return;
    }
    this.offers.show([pending], null);
    this.take(pending.chosen);
  }

  private async askStale(changed: readonly string[]): Promise<readonly string[] | null> {
    const request = this.snapshot([])?.request;
    const stale = request ? await this.shared.client.stale(request, changed) : null;
    return this.gone ? null : stale;
  }

  private markStale(): void {
    this.views.toggleClass(STALE_CLASS, id => this.stale.has(id));
    this.changedSignal.emit();
  }
}
