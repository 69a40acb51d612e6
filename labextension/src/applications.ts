/** What was accepted last, to be taken back as a whole, and what a rename leaves behind. */

import type { Application, CellApplication } from './apply';
import { takeBack } from './apply';
import type { EditEvent } from './history';
import { isName } from './names';
import type { Pending, Place } from './pending';
import type { Rearranged } from './rearranged';

export class Applications {
  private held: Application[] = [];
  private from: string | null = null; // the suggestion that they are of
  private renamed: string[] = []; // old names of the last rename

  get isEmpty(): boolean {
    return !this.held.length;
  }

  /** Old names that the kernel may still hold. */
  get oldNames(): readonly string[] {
    return this.renamed;
  }

  /** Whether accepting more of this suggestion belongs to what was accepted before. */
  continues(pending: Pending): boolean {
    return this.held.length > 0 && this.from === pending.id;
  }

  /**
   * These places were accepted; called while `pending` still has them. `definition` is the change by
   * hand that called for it: uses without it would be of no use.
   */
  add(
    made: Application,
    pending: Pending,
    places: readonly Place[],
    definition: CellApplication | null
  ): void {
    const isFirst = definition && !this.continues(pending);
    const application = isFirst ? { ...made, cells: [definition, ...made.cells] } : made;
    this.held = this.continues(pending) ? [...this.held, application] : [application];
    this.from = pending.id;
    if (pending.kind === 'rename') {
      this.renamed = [...new Set(places.map(place => pending.old(place)).filter(isName))];
    }
  }

  /** Texts went to other cells: what was done to them is taken back there, where no undo step is. */
  rearrange(rearranged: Rearranged): void {
    const made = this.held.flatMap(({ cells }, of) =>
      cells.map(({ id, ...change }) => ({ ...change, cell: id, of }))
    );
    const now = rearranged.edits(made).map(change => ({
      ...change,
      id: change.cell,
      byHand: change.byHand || !made.includes(change)
    }));
    this.held = this.held.map((one, i) => ({ ...one, cells: now.filter(({ of }) => of === i) }));
  }

  /** The number of cells that read again as before; null if a later edit is in the way. */
  takeBack(): number | null {
    const cells = new Set(this.held.flatMap(one => one.cells.map(cell => cell.id)));
    if (!takeBack(this.held)) {
      return null;
    }
    this.held = [];
    this.renamed = [];
    return cells.size;
  }
}

/**
 * The change by hand that renamed `old` to `to` in a cell that now reads `after`, if nothing else was
 * changed by it; however many pauses there were in typing it.
 */
export function renamedByHand(
  events: readonly EditEvent[],
  cell: string,
  after: string,
  [old, to]: readonly [string, string]
): CellApplication | null {
  let now = after;
  for (const event of [...events].reverse().filter(event => event.cell === cell)) {
    if (event.after !== now) {
      return null;
    }
    now = event.before;
    if (isRename(now, after, old, to)) {
      return { id: cell, before: now, after, byHand: true };
    }
  }
  return null;
}

function isRename(before: string, after: string, old: string, to: string): boolean {
  const [was, is] = [before, after].map(text => text.split(/([\p{XID_Continue}]+)/u));
  const isSame = (word: string, i: number) => word === is[i] || (word === old && is[i] === to);
  return before !== after && was.length === is.length && was.every(isSame);
}
