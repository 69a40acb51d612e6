/**
 * Which cells' results are out of date: those that ran and were changed since by what was accepted,
 * and what depends on them. Knows ids and execution counts; marking cells is the session's.
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
   * These, what of `ran` depends on them and what they need that the kernel does not have, in the
   * order to run them; null if nobody can say.
   */
  ask(changed: readonly string[], ran: readonly string[]): Promise<readonly string[] | null>;
  /** How many cells the running kernel has run; null if it does not say. */
  counter(): Promise<number | null>;
  /** The set changed. */
  changed(): void;
}

/** What was accepted, as far as it makes results out of date. */
export interface Change {
  cells: readonly string[];
  /** The cell that was changed by hand before, and stays so. */
  byHand: string | null;
  /** Names alone were changed: what uses the results is as good as before. */
  onlyNames: boolean;
  /** It belongs to the same suggestion as the last one: both are taken back together. */
  continues: boolean;
}

/** On a busy machine an answer may come too late. */
const TRIES = 3;
const BETWEEN = 300; // ms

/** Ask a few times which cells are to be run; null if nobody can say. */
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
  private lost = new Set<string>(); // what ran in a kernel that is gone
  private hasRun = false; // whether a cell was seen to run in this kernel, or its start was
  private staleBefore: Runs = new Map(); // before the changes that one undo takes back
  private ranBefore = new Map<string, number | null>(); // runs of their cells, before each
  private onlyNames = true; // is all that they changed
  private order: readonly string[] = []; // as the worker gave it

  constructor(private readonly host: StaleHost) {}

  has(cell: string): boolean {
    return this.stale.has(cell);
  }

  /** In the order to run them. */
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

  /** Whether the running kernel may hold what this cell says now, as far as that is known. */
  holds(cell: string): boolean {
    return !this.edited.has(cell) && !this.lost.has(cell);
  }

  /** The kernel was restarted, or another one is used: it holds nothing. Marks stay until cells run. */
  kernelGone(): void {
    this.lost = new Set(this.host.order());
    this.hasRun = true;
  }

  /**
   * What to run, in order: what is marked, and of what it depends on or calls for, what the kernel
   * does not have. If nobody can say: what is marked alone, where the kernel has all the rest; else
   * null, for what it lacks may be called for.
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

  /** Counts that a file brought along may be of an earlier kernel: those above its counter are. */
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

  /** One that ran into an error, as what it needs was not run before, is as much out of date as before. */
  executed(cell: string, succeeded = true): void {
    this.edited.delete(cell);
    this.lost.delete(cell);
    if (succeeded) {
      this.stale.delete(cell);
    }
    this.forgetEarlier(cell);
    this.host.changed();
  }

  /** A cell that ran as the n-th: what was the n-th before, or came later, ran in another kernel. */
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

  /** Something was accepted. Cells that never ran, or that still say what ran, are not stale. */
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
   * All that was accepted was taken back; `runs` are from before that. The cells say again what ran,
   * but for those that did not before either, or that ran meanwhile.
   */
  takenBack(runs: Runs): void {
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

  /** Ask in which order the stale cells are to run and, if wanted, which others depend on them. */
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
      // Whatever ran while the answer was on its way is fresh.
      const count = now.get(id) ?? null;
      if (count !== null && count === ran.get(id) && !this.lost.has(id)) {
        this.stale.add(id);
      }
    }
    this.host.changed();
  }
}
