/** Accepting places of a suggestion, all or nothing, and reverting what was accepted last. */

import type { ISharedNotebook } from '@jupyter/ydoc';

import { Applications, renamedByHand } from './applications';
import type { Application, CellApplication } from './apply';
import { apply, sharedCell } from './apply';
import { runsOf } from './cells';
import type { OtherDocuments, Reverted } from './elsewhere';
import { isName } from './names';
import type { Pending, Place } from './pending';
import type { SuggestionWire } from './protocol';
import type { Rearranged } from './rearranged';
import type { Recorder } from './recorder';
import type { StaleCells } from './staleCells';

export interface AcceptanceHost {
  readonly notebook: ISharedNotebook;
  readonly recorder: Recorder;
  readonly stale: StaleCells;
}

export class Acceptance {
  private readonly applications = new Applications();
  private readonly others = new Set<OtherDocuments>();
  private wentElsewhere = false;
  private accepting = false;

  constructor(private readonly host: AcceptanceHost) {}

  /** Whether the current change is an accepted suggestion. */
  get isAccepting(): boolean {
    return this.accepting;
  }

  get canRevert(): boolean {
    return !this.applications.isEmpty;
  }

  /** Old names that the kernel may still have. */
  get oldNames(): readonly string[] {
    return this.applications.oldNames;
  }

  /**
   * What was accepted last, as far as it was undone; null if it was not, or if it changed other documents.
   */
  again(): SuggestionWire | null {
    return this.wentElsewhere ? null : this.applications.again(this.textOf);
  }

  /** Apply these places; false if the cells have changed since they were offered. */
  accept(pending: Pending, places: readonly Place[]): boolean {
    const { recorder, stale } = this.host;
    const typed = recorder.history.all.find(event => event.burst === pending.burst);
    const definition = typed ? this.definition(pending, places[0], typed.cell) : null;
    this.accepting = true;
    const application = this.apply(pending, places);
    this.accepting = false;
    if (!application) {
      return false;
    }
    const continues = this.applications.continues(pending);
    const olds = places.map(place => pending.old(place));
    const onlyNames =
      pending.lane === 'symbols' && olds.every(isName) && places.every(p => isName(p.text));
    this.applications.add(application, pending, places, definition);
    pending.took(places);
    this.wentElsewhere = pending.others !== null || (continues && this.wentElsewhere);
    if (pending.others) {
      this.others.add(pending.others);
    } else if (!continues) {
      this.others.clear();
    }
    const cells = [...application.cells, ...(definition ? [definition] : [])].map(({ id }) => id);
    stale.accepted({ cells, onlyNames, continues, byHand: typed?.cell ?? null });
    return true;
  }

  /** Texts moved to other cells. */
  rearrange(rearranged: Rearranged): void {
    this.applications.rearrange(rearranged);
  }

  /** Revert what was accepted last in other documents; `left` are those edited since. */
  async revertOthers(): Promise<Reverted> {
    const others = [...this.others];
    this.others.clear();
    const found = await Promise.all(others.map(one => one.revert()));
    return {
      reverted: found.flatMap(({ reverted }) => reverted),
      left: found.flatMap(({ left }) => left)
    };
  }

  /** Change the cells, and those of other open documents; null if an edit does not fit. */
  private apply(pending: Pending, places: readonly Place[]): Application | null {
    const { notebook } = this.host;
    if (!pending.isFresh(this.textOf)) {
      return null;
    }
    const edits = pending.edits(places);
    const [own, others] = pending.others?.split(edits) ?? [edits, null];
    const fits = [...own].every(([cell, edit]) => edit.fits(this.textOf(cell) ?? ''));
    if (!fits || (others && !pending.others!.applyOpen(others))) {
      return null;
    }
    return apply(notebook, own);
  }

  /** Revert the last acceptance; returns the number of cells, or null if a later edit is in the way. */
  revert(): number | null {
    const runs = runsOf(this.host.notebook);
    const cells = this.applications.revert();
    if (cells !== null) {
      this.host.stale.reverted(runs);
    }
    return cells;
  }

  private textOf = (cell: string): string | undefined =>
    sharedCell(this.host.notebook, cell)?.getSource();

  /** The user's own rename, if that led to the suggestion. */
  private definition(pending: Pending, place: Place, cell: string): CellApplication | null {
    if (pending.kind !== 'rename') {
      return null;
    }
    const change = [pending.old(place), place.text] as const;
    return renamedByHand(this.host.recorder.history.all, cell, this.textOf(cell) ?? '', change);
  }
}
