/**
 * What waits to be accepted in one notebook: which suggestion of an answer is shown, and for how long.
 *
 * An offer has a home: the cell where it was made, or where its last place was gone to. Tab is the
 * offer's there only. Typing elsewhere is other work; at the second burst of it the offer goes.
 */

import type { Pending, TextOf } from './pending';
import type { Rearranged } from './rearranged';
import type { CellChange } from './recorder';

/** Bursts of other typing at which an offer goes. */
const PATIENCE = 2;

/** What the record of edits says of a change. */
export interface Typing {
  /** The burst that the newest edit belongs to. */
  burst: number | null;
  /** Whether that burst is still in the record. */
  holds(burst: number): boolean;
}

export class Offers {
  private held: Pending | null = null;
  private rest: Pending[] = []; // what the same answer offers beside it
  private refused = new Set<string>();
  private home: string | null = null;
  private strays = new Set<number>();

  /** What is shown: not while newer typing awaits its answer. */
  get shown(): Pending | null {
    return this.held && !this.held.hidden ? this.held : null;
  }

  /** What is held, shown or not. */
  get current(): Pending | null {
    return this.held;
  }

  isHome(cell: string | undefined): boolean {
    return cell !== undefined && cell === this.home;
  }

  /**
   * The suggestions of an answer that may be shown: those first that carry on what was typed last, and
   * of them that with the most places; places that were refused are left out unless the user asked
   * (`wanted`).
   */
  choose(candidates: readonly Pending[], wanted: boolean): Pending[] {
    const chosen: Pending[] = [];
    for (const pending of candidates) {
      for (const place of wanted ? [] : pending.places) {
        if (this.refused.has(pending.signature(place))) {
          pending.remove(place);
        }
      }
      if (pending.chosen.length) {
        chosen.push(pending);
      }
    }
    return chosen.sort(
      (a, b) =>
        Number(b.continuesTyping) - Number(a.continuesTyping) || b.chosen.length - a.chosen.length
    );
  }

  /**
   * Show the first of these; the others come when it is done. Where the caret is, is its home. What goes
   * on with what is shown keeps the ticks, and its home unless the user asked (`wanted`). False if it
   * was shown already.
   */
  show([pending, ...rest]: readonly Pending[], home: string | null, wanted = false): boolean {
    const { shown } = this;
    const isSame = shown !== null && signatures(shown) === signatures(pending);
    const isMore = shown?.isLike(pending) ?? false;
    if (wanted || !(isSame || isMore)) {
      this.home = home;
      this.strays.clear();
    }
    this.rest = rest;
    if (isSame) {
      shown.noteLike(pending);
      return false; // what called for it stays what it was
    }
    if (isMore) {
      pending.tickLike(shown!);
    }
    this.held = pending;
    return true;
  }

  /** Its next place was gone to, or one was accepted there. */
  moveTo(cell: string): void {
    this.home = cell;
    this.strays.clear();
  }

  /** Drop it; `refuse` says that its places are not to be offered by themselves again. */
  drop(refuse = false): void {
    for (const place of (refuse && this.held?.places) || []) {
      this.refused.add(this.held!.signature(place));
    }
    this.held = null;
    this.rest = [];
  }

  /** It is done: what else the answer had and still fits, shown in its stead. */
  next(textOf: (cell: string) => string | undefined): Pending | null {
    const rest = this.rest.filter(pending => pending.followAll(textOf) && !pending.isTouched);
    this.held = null;
    this.rest = [];
    if (!rest.length) {
      return null;
    }
    this.show(rest, this.home);
    return this.held;
  }

  /** Cells came or went: an offer goes with its last place, or with what called for it. */
  followCells(textOf: TextOf): void {
    if (this.held && !this.held.leaveGone(textOf)) {
      this.drop();
    }
    this.rest = this.rest.filter(pending => pending.leaveGone(textOf));
  }

  /** Texts went to other cells: what is offered goes with them, and so does what was refused. */
  rearrange(rearranged: Rearranged): void {
    if (this.held && !this.held.rearrange(rearranged)) {
      this.drop();
    }
    this.rest = this.rest.filter(pending => pending.rearrange(rearranged));
    const heirs = this.home === null ? [] : rearranged.heirs(this.home);
    if (heirs.length && !heirs.includes(this.home!)) {
      this.home = heirs[0];
    }
    for (const signature of [...this.refused]) {
      const [cell, ...place] = JSON.parse(signature) as [string, ...unknown[]];
      for (const heir of rearranged.heirs(cell)) {
        this.refused.add(JSON.stringify([heir, ...place]));
      }
    }
  }

  /** A cell changed, and not by accepting. */
  follow(change: CellChange, typing: Typing): void {
    const held = this.held;
    if (!held) {
      return;
    }
    const isUndone = held.burst !== null && !typing.holds(held.burst);
    if (isUndone || !held.follow(change.cell, change.after)) {
      this.drop();
      return;
    }
    this.rest = this.rest.filter(pending => pending.follow(change.cell, change.after));
    const isTyped = change.origin === 'typed' || change.origin === 'pasted';
    if (held.isTouched && !isTyped) {
      this.drop(); // what called for it is no longer what it was
    } else if (held.isTouched || (typing.burst === held.burst && change.origin !== 'remote')) {
      held.hidden = true; // the answer to this typing takes its place
    } else if (isTyped && typing.burst !== null) {
      this.strays.add(typing.burst);
      if (this.strays.size >= PATIENCE) {
        this.drop(true);
      }
    }
  }
}

function signatures(pending: Pending): string {
  return pending.places.map(place => [pending.signature(place), place.optional]).join();
}
