/**
 * One open text, a notebook, a file or a console: what was typed in it, what is offered for it, and
 * what accepting that does. Shared by all its views. The scheduler decides when to make requests,
 * `drawing.ts` what to draw, `staleCells.ts` which results are out of date.
 */

import type { EditorView } from '@codemirror/view';
import type { ISharedNotebook } from '@jupyter/ydoc';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

import { Acceptance } from './acceptance';
import { sharedCell } from './apply';
import { Asking } from './asking';
import type { CaretPlace } from './carets';
import { runsOf } from './cells';
import { announcementOf } from './drawing';
import type { OpenText } from './elsewhere';
import { Following } from './following';
import { goTo } from './going';
import { KeptWatch } from './keptWatch';
import type { KeyNames } from './keyNames';
import { KernelFacts, NewError } from './kernelFacts';
import { Offers } from './offers';
import { Painter } from './painter';
import type { Pending, Place } from './pending';
import { isAt } from './pending';
import type { AnswerWire, Kind, Lane } from './protocol';
import { Recorder } from './recorder';
import type { NotServed, Snapshot } from './requests';
import { Requests } from './requests';
import type { Shared } from './shared';
import { StaleCells, askStale } from './staleCells';
import type { Surface, Views } from './surfaces';
import { Taking } from './taking';

const STALE_CLASS = 'nextedit-mod-stale';

export class NotebookSession implements IDisposable {
  readonly recorder: Recorder;
  readonly facts: KernelFacts;
  readonly notebook: ISharedNotebook;
  private readonly views: Views;
  private readonly requests: Requests;
  private readonly asking: Asking;
  private readonly stale: StaleCells;
  private readonly kept: KeptWatch;
  private readonly acceptance: Acceptance;
  private readonly taking: Taking;
  private readonly following: Following;
  private readonly painter: Painter;
  private readonly offers = new Offers();
  private readonly newError = new NewError();
  private seenNotServed: NotServed | null = null;
  private on = true;
  private gone = false;
  private changedSignal = new Signal<this, void>(this);
  private disposedSignal = new Signal<this, void>(this);

  constructor(
    private readonly surface: Surface,
    private readonly shared: Shared
  ) {
    this.notebook = surface.document;
    this.views = surface.views;
    this.recorder = new Recorder(
      this.notebook,
      change => this.following.changed(change),
      news => this.following.cellsChanged(news)
    );
    this.facts = new KernelFacts(surface.sessionContext, {
      isDocument: surface.kind !== 'console',
      address: () => this.views.address,
      request: () => this.snapshot(['inline', 'next_edit', 'rename'])?.request ?? null,
      apply: suggestion => this.taking.takeWhole(suggestion),
      setEnabled: enabled => this.switch(enabled),
      factsChanged: () => this.onFacts(),
      kernelGone: () => this.kernelGone()
    });
    this.requests = new Requests({
      surface,
      recorder: this.recorder,
      shared,
      facts: () => this.facts,
      isOn: () => this.on,
      holds: cell => this.stale.holds(cell)
    });
    this.asking = new Asking({
      views: this.views,
      offers: this.offers,
      recorder: this.recorder,
      requests: this.requests,
      shared,
      byHand: () =>
        this.kind === 'file' && this.path.endsWith('.py') ? this.recorder.history.before : null,
      again: () => this.acceptance.again(),
      show: (suggestions, wanted) => this.offer(suggestions, wanted),
      clear: () => this.clear()
    });
    this.stale = new StaleCells({
      runs: () => runsOf(this.notebook),
      order: () => this.order(),
      ask: (...cells) =>
        askStale(cells, () => (this.gone ? null : this.snapshot([])), shared.client),
      counter: () => this.facts.counter(),
      changed: () => this.markStale()
    });
    const { notebook, recorder, stale } = this;
    this.acceptance = new Acceptance({ notebook, recorder, stale });
    this.following = new Following({
      ...{ recorder, stale, views: this.views, offers: this.offers, asking: this.asking },
      acceptance: this.acceptance,
      textOf: this.textOf,
      isGone: () => this.gone,
      redraw: () => this.redraw()
    });
    this.painter = new Painter({
      views: this.views,
      offers: this.offers,
      trans: shared.trans,
      order: () => this.order(),
      keepTab: () => shared.settings.keepTab,
      keys: () => this.keys
    });
    this.kept = new KeptWatch(this.textOf, (...what) => void shared.client.report(...what));
    this.taking = new Taking({
      offers: this.offers,
      requests: this.requests,
      acceptance: this.acceptance,
      shared,
      textOf: this.textOf,
      isGone: () => this.gone,
      redraw: () => this.redraw(),
      clear: () => this.clear(),
      schedule: () => this.asking.schedule(),
      watch: (...what) => this.watch(...what)
    });
    surface.listen({
      entered: () => this.entered(),
      left: () => this.clear(),
      ran: cell => this.executed(cell),
      closed: () => this.dispose()
    });
  }

  /** The offer, or its display, changed. */
  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  get disposed(): ISignal<this, void> {
    return this.disposedSignal;
  }

  get isDisposed(): boolean {
    return this.gone;
  }

  get kind(): Surface['kind'] {
    return this.surface.kind;
  }

  /** The notebook's view that has the focus, or the first one; null if there is none. */
  get panel(): NotebookPanel | null {
    return this.surface.panel;
  }

  get path(): string {
    return this.views.place.path;
  }

  /** The pending suggestion, unless newer typing waits for its answer. */
  get pending(): Pending | null {
    return this.offers.shown;
  }

  get canUndo(): boolean {
    return this.acceptance.canRevert;
  }

  /** Ids of the cells whose results are out of date, in the order to run them. */
  get staleCells(): string[] {
    return this.stale.ids;
  }

  /** What to run so that no result is out of date, in order; null if unknown. */
  cellsToRun(): Promise<readonly string[] | null> {
    return this.stale.toRun();
  }

  /** Cells in order with their display names: by execution count, or by position. */
  cellNumbers(): { id: string; name: string }[] {
    return [...this.surface.names(), ...(this.offers.current?.others?.names() ?? [])];
  }

  /** Notes after accepting: names that the kernel still has. */
  get notesAfterAccept(): readonly string[] {
    const alive = (name: string) => this.facts.current?.names?.some(known => known.name === name);
    return this.acceptance.oldNames
      .filter(alive)
      .map(name => this.shared.trans.__('`%1` still exists in the kernel', name));
  }

  /** This text for a rename that begins elsewhere; null for a console, whose cells ran. */
  get openText(): OpenText | null {
    const { kind, path, notebook: document, surface, requests } = this;
    const isServed = requests.notServed() === null;
    return kind === 'console' ? null : { path, document, isServed, cells: () => surface.whole() };
  }

  /** One more view of the same text. */
  add(widget: Widget): void {
    this.surface.add(widget);
  }

  dispose(): void {
    if (this.gone) {
      return;
    }
    this.gone = true;
    this.asking.dispose();
    this.painter.dispose();
    this.kept.dispose();
    this.recorder.dispose();
    this.surface.dispose();
    this.facts.dispose();
    this.disposedSignal.emit();
    Signal.clearData(this);
  }

  // Asking

  /** Why nothing is offered at the caret; null if suggestions are on. */
  get notServed(): NotServed | null {
    return this.requests.notServed(this.views.activeId);
  }

  /** `%nextedit on` or `off`, or the same in the menu. */
  switch(on: boolean): void {
    this.on = on;
    this.clear();
  }

  get language(): string {
    return this.requests.language;
  }

  /** The caret in the active cell; null in command mode or without an editor. */
  caret(): CaretPlace | null {
    return this.views.caret();
  }

  /** A request for these kinds for the present notebook; null if none should be made. */
  snapshot(want: Kind[]): Snapshot | null {
    return this.requests.snapshot(want);
  }

  /** The answer to a request. */
  ask(snapshot: Snapshot): Promise<AnswerWire | null> {
    return this.requests.ask(snapshot);
  }

  /** Request next edits now, even dismissed ones, and say so if there are none. */
  suggest(): Promise<void> {
    return this.asking.suggest();
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

  /**
   * What is inserted next was not typed: it gets its own undo step, and is marked in the history.
   */
  aboutToAccept(cell: string): void {
    const shared = sharedCell(this.notebook, cell);
    this.recorder.announce(cell, 'accepted');
    shared?.undoManager?.stopCapturing();
    queueMicrotask(() => shared?.undoManager?.stopCapturing());
  }

  // Accepting and leaving

  /** Show the first of these, and the others once it is done; `wanted`: the user asked. */
  offer(suggestions: readonly Pending[], wanted = true): void {
    const { trans, client } = this.shared;
    const [pending] = suggestions;
    const home = this.views.activeId ?? null;
    if (!this.offers.show(suggestions, home, wanted)) {
      return this.redraw();
    }
    this.redraw();
    this.shared.announce(announcementOf(pending, this.keys, this.painter.isTabNamed, trans));
    void client.report('shown', pending.kind, pending.lane);
  }

  /** Count whether what was accepted is still there after 30 s and after 5 minutes. */
  watch(kind: Kind, lane: Lane, accepted: readonly { cell: string; text: string }[]): void {
    this.kept.watch(kind, lane, accepted);
  }

  get currentPlace(): Place | null {
    return this.painter.currentPlace;
  }

  get isAtPlace(): boolean {
    const place = this.currentPlace;
    return place !== null && isAt(place, this.caret());
  }

  /** Go to a place, or to the next one, ready to type there. Returns false if there is none. */
  async jump(place: Place | null = this.currentPlace): Promise<boolean> {
    const { views, offers } = this;
    const { tell, trans } = this.shared;
    const missed = (cell: string) =>
      tell(
        trans.__(
          'JupyterLab has not created cell %1 yet: scroll to it.',
          this.order().indexOf(cell) + 1
        )
      );
    return place !== null && goTo(place, { views, offers, missed, redraw: () => this.redraw() });
  }

  /** Accept one place. */
  accept(place: Place | null = this.currentPlace): boolean {
    if (place !== null) {
      this.offers.moveTo(place.cell);
    }
    return place !== null && this.taking.take([place]);
  }

  /** Accept these places, or all ticked ones. All or nothing. */
  acceptAll(places?: readonly Place[]): boolean {
    const pending = this.pending;
    return pending !== null && this.taking.take(places ?? pending.chosen);
  }

  /** Dismiss the suggestion; it is not shown again until its places change. */
  dismiss(): boolean {
    const { pending, shared } = this;
    if (!pending) {
      return false;
    }
    this.offers.drop(true);
    shared.announce(shared.trans.__('Dismissed.'));
    void shared.pace.dismissed(shared.client.report('rejected', pending.kind, pending.lane));
    this.clear();
    return true;
  }

  /** Revert what was accepted last, in all cells. */
  undoAccept(): boolean {
    return this.taking.undo();
  }

  /** The settings changed: drop the offer if this document is no longer served. */
  settingsChanged(): void {
    if (this.requests.notServed() === null) {
      this.redraw();
    } else {
      this.clear();
    }
  }

  /** Drop the offer, without counting it as rejected. */
  clear(): void {
    this.asking.cancel();
    this.offers.drop();
    this.redraw();
  }

  /** A cell ran, successfully or with an error. */
  executed(cell: string, succeeded = true): void {
    this.stale.executed(cell, succeeded);
    this.facts.ask();
  }

  /** Back from a panel or dialog to where the user was typing. */
  focusEditor(): void {
    this.views.focusEditor();
  }

  // Drawing

  /** Draw what belongs in each editor. */
  redraw(): void {
    if (!this.gone) {
      this.painter.paint();
      this.changedSignal.emit();
    }
  }

  /** The caret moved: what Tab would do may have changed. */
  caretMoved(): void {
    this.painter.paintSoon();
    this.asking.caretMoved();
    if (this.kind === 'file') {
      queueMicrotask(() => this.look()); // another cell of the file may be switched off
    }
  }

  /** Ghost text appeared or disappeared, which takes Tab. */
  ghostChanged(): void {
    this.painter.paintSoon();
  }

  /** Whether Tab goes to a place, or accepts the one at the caret. */
  isTabOurs(view: EditorView): boolean {
    return this.painter.isTabOurs(view);
  }

  /** Handle Tab while it belongs to the offer. */
  tab(): boolean {
    return this.isAtPlace ? this.accept() : (void this.jump(), true);
  }

  /** An editor was just created: draw what belongs there. */
  editorCame(): void {
    this.painter.paintSoon();
  }

  // Inside

  private entered(): void {
    this.redraw();
    this.asking.entered();
  }

  private get keys(): KeyNames {
    return this.shared.keys(this.views.activeView?.dom ?? null);
  }

  private order(): string[] {
    return this.notebook.cells.map(cell => cell.getId());
  }

  /** A new error may have its own next edit: a fix of the failing line. */
  private onFacts(): void {
    if (this.newError.has(this.facts.current?.error ?? null, this.textOf)) {
      this.asking.schedule();
    }
    this.changedSignal.emit();
  }

  /** The kernel is gone: notes about it no longer apply. */
  private kernelGone(): void {
    this.stale.kernelGone();
    if (this.offers.current) {
      this.asking.schedule();
    }
  }

  /** Whether suggestions are on at the caret may have changed: notify. */
  private look(): void {
    const now = this.gone ? null : this.notServed;
    if (now !== this.seenNotServed) {
      this.seenNotServed = now;
      this.changedSignal.emit();
    }
  }

  private markStale(): void {
    this.views.toggleClass(STALE_CLASS, id => this.stale.has(id));
    this.changedSignal.emit();
  }
}
