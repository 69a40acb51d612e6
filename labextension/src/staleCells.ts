/**
 * Which cells' results are out of date: those that ran and were changed since by what was accepted,
 * and what depends on them. Knows ids and execution counts; marking cells is the session's.
 */

/** The execution count of each code cell. */
export type Runs = ReadonlyMap<string, number | null>;

export interface StaleHost {
  runs(): Runs;
  /** The cells from top to bottom. */
  order(): readonly string[];
  /** These and what depends on them, in the order to run them; null if nobody can say. */
  ask(changed: readonly string[]): Promise<readonly string[] | null>;
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

export class StaleCells {
  private stale = new Set<string>();
  private edited = new Set<string>();
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

  /** Whether a cell was changed since it ran. */
  isEdited(cell: string): boolean {
    return this.edited.has(cell);
  }

  edit(cell: string): void {
    this.edited.add(cell);
  }

  executed(cell: string): void {
    this.edited.delete(cell);
    this.stale.delete(cell);
    this.host.changed();
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
    const stale = await this.host.ask(changed);
    if (!stale) {
      return;
    }
    this.order = stale;
    const now = this.host.runs();
    for (const id of toOthers ? stale : []) {
      // Whatever ran while the answer was on its way is fresh.
      const count = now.get(id) ?? null;
      if (count !== null && count === ran.get(id)) {
        this.stale.add(id);
      }
    }
    this.host.changed();
  }
}
