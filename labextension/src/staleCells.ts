/**
 * Which cells' results are out of date: those that ran and were changed since by an accepted edit,
 * and those that depend on them. It knows ids and execution counts; the session marks the cells.
 */

import type { Client } from './client';
import type { Snapshot } from './requests';

/** The execution count of each code cell. */
export type Runs = ReadonlyMap<string, number | null>;

export interface StaleHost {
  runs(): Runs;
  /** The cells from top to bottom. */
  order(): readonly string[];
  /**
   * These cells, those of `ran` that depend on them, and those that they need and the kernel does not have, in the order to run them; null if unknown.
   *
   */
  ask(changed: readonly string[], ran: readonly string[]): Promise<readonly string[] | null>;
  /** How many cells the running kernel has run; null if unknown. */
  counter(): Promise<number | null>;
  /** The set changed. */
  changed(): void;
}

/** An accepted change, as far as it makes results out of date. */
export interface Change {
  cells: readonly string[];
  /** The cell that the user changed before, which stays changed. */
  byHand: string | null;
  /** Only names were changed, so the results of dependent cells are still valid. */
  onlyNames: boolean;
  /** It belongs to the same suggestion as the last one: both are reverted together. */
  continues: boolean;
}

/** On a busy machine an answer may come too late. */
const TRIES = 3;
const BETWEEN = 300; // ms

/** Ask a few times which cells to run; null if unknown. */
export async function askStale(
  [changed, ran]: readonly [readonly string[], readonly string[]],
  snapshot: () => Snapshot | null,
  client: Pick<Client, 'stale'>
): Promise<readonly string[] | null> {
  for (let i = 0; i < TRIES; i++) {
    if (i) {
      await new Promise(resolve => setTimeout(resolve, BETWEEN));
    }
    const request = snapshot()?.request;
    const stale = request ? await client.stale(request, changed, ran) : null;
    if (stale) {
      return stale;
    }
  }
  return null;
}

export class StaleCells {
  private stale = new Set<string>();
  private edited = new Set<string>();
  private lost = new Set<string>(); // cells that ran in a previous kernel
  private hasRun = false; // whether this kernel's start, or a run in it, was observed
  private staleBefore: Runs = new Map(); // before the changes that one undo reverts
  private ranBefore = new Map<string, number | null>(); // runs of their cells, before each
  private onlyNames = true; // whether they changed only names
  private order: readonly string[] = []; // as the worker gave it

  constructor(private readonly host: StaleHost) {}

  has(cell: string): boolean {
    return this.stale.has(cell);
  }

  /** The stale cells, in the order to run them. */
  get ids(): string[] {
    const order = this.host.order();
    const place = (id: string) => {
      const known = this.order.indexOf(id);
      return known < 0 ? Infinity : known;
    };
    return [...this.stale]
      .filter(id => order.includes(id))
      .sort((a, b) => place(a) - place(b) || order.indexOf(a) - order.indexOf(b));
  }

  /** Whether the running kernel may have run this cell's present text, as far as is known. */
  holds(cell: string): boolean {
    return !this.edited.has(cell) && !this.lost.has(cell);
  }

  /** The kernel was restarted or replaced: its state is empty. Marks stay until cells run. */
  kernelGone(): void {
    this.lost = new Set(this.host.order());
    this.hasRun = true;
  }

  /**
   * What to run, in order: the marked cells, and the cells that they depend on and the kernel has not run. If that is unknown: only the marked cells if the kernel has everything else; otherwise null, because missing cells may be needed.
   *
   */
  async toRun(): Promise<readonly string[] | null> {
    if (!this.hasRun) {
      await this.doubtCounts();
    }
    const marked = this.ids;
    const all = marked.length ? await this.ask(marked) : [];
    const runs = this.host.runs();
    const isDue = (id: string) =>
      this.stale.has(id) || (runs.has(id) && (!this.holds(id) || runs.get(id) === null));
    if (!all) {
      return [...runs.keys()].some(id => this.lost.has(id)) ? null : marked;
    }
    return all.filter(isDue);
  }

  private ask(changed: readonly string[]): Promise<readonly string[] | null> {
    const ran = [...this.host.runs()].filter(([, count]) => count !== null).map(([id]) => id);
    return this.host.ask(changed, ran);
  }

  /**
   * Execution counts from the file may be of an earlier kernel; those above the kernel's counter
   * certainly are.
   */
  private async doubtCounts(): Promise<void> {
    const counter = await this.host.counter();
    for (const [id, count] of counter === null ? [] : this.host.runs()) {
      if (count !== null && count > counter!) {
        this.lost.add(id);
      }
    }
  }

  edit(cell: string): void {
    this.edited.add(cell);
  }

  /** A cell ran; if it failed, perhaps because what it needs was not run, it stays out of date. */
  executed(cell: string, succeeded = true): void {
    this.edited.delete(cell);
    this.lost.delete(cell);
    if (succeeded) {
      this.stale.delete(cell);
    }
    this.forgetEarlier(cell);
    this.host.changed();
  }

  /** A cell ran as the n-th: cells with that or a higher count ran in another kernel. */
  private forgetEarlier(cell: string): void {
    const runs = this.host.runs();
    const count = runs.get(cell) ?? null;
    this.hasRun ||= count !== null;
    for (const [id, other] of count === null ? [] : runs) {
      if (id !== cell && other !== null && other >= count!) {
        this.lost.add(id);
      }
    }
  }

  /** Something was accepted. Cells that never ran, or whose text is what ran, are not stale. */
  accepted(change: Change): void {
    const runs = this.host.runs();
    if (!change.continues) {
      this.staleBefore = new Map([...this.stale].map(id => [id, runs.get(id) ?? null]));
      this.ranBefore = new Map();
      this.onlyNames = true;
    }
    this.onlyNames &&= change.onlyNames;
    for (const id of change.cells) {
      const ran = runs.get(id) ?? null;
      if (!this.ranBefore.has(id)) {
        this.ranBefore.set(id, ran);
      }
    }
    for (const id of [...change.cells, ...(change.byHand === null ? [] : [change.byHand])]) {
      if ((runs.get(id) ?? null) !== null && this.edited.has(id)) {
        this.stale.add(id);
      }
    }
    this.host.changed();
    void this.spread(!change.onlyNames);
  }

  /**
   * Everything accepted was reverted; `runs` are from before that. The cells have the text that ran again, except those that did not before either, or that ran in the meantime.
   *
   */
  reverted(runs: Runs): void {
    const isAsIn = (before: Runs) => (id: string) => (runs.get(id) ?? null) === before.get(id);
    const ranSince = [...this.ranBefore.keys()].filter(
      id => (runs.get(id) ?? null) !== null && !isAsIn(this.ranBefore)(id)
    );
    this.stale = new Set([
      ...[...this.staleBefore.keys()].filter(isAsIn(this.staleBefore)),
      ...ranSince
    ]);
    this.host.changed();
    if (ranSince.length) {
      void this.spread(!this.onlyNames);
    }
  }

  /**
   * Ask for the order in which to run the stale cells and, if wanted, which others depend on them.
   */
  private async spread(toOthers: boolean): Promise<void> {
    const changed = [...this.stale];
    if (!changed.length) {
      return;
    }
    const ran = this.host.runs();
    const stale = await this.ask(changed);
    if (!stale) {
      return;
    }
    this.order = stale;
    const now = this.host.runs();
    for (const id of toOthers ? stale : []) {
      // Cells that ran while waiting for the answer are fresh.
      const count = now.get(id) ?? null;
      if (count !== null && count === ran.get(id) && !this.lost.has(id)) {
        this.stale.add(id);
      }
    }
    this.host.changed();
  }
}
