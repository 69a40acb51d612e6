/**
 * The pending offer of one notebook: which suggestion of an answer is shown, and for how long.
 *
 * An offer has a home: the cell in which it was made, or in which its last place was visited. Only
 * there does Tab belong to the offer. Typing elsewhere is other work; at its second burst the offer
 * is dropped.
 */

import type { Pending, TextOf } from './pending';
import type { Rearranged } from './rearranged';
import type { CellChange } from './recorder';

/** The number of bursts of other typing at which an offer is dropped. */
const PATIENCE = 2;

/** What the edit history says about a change. */
export interface Typing {
  /** The burst that the newest edit belongs to. */
  burst: number | null;
  /** Whether that burst is still in the history. */
  holds(burst: number): boolean;
}

export class Offers {
  private held: Pending | null = null;
  private rest: Pending[] = []; // other suggestions of the same answer
  private refused = new Set<string>();
  private home: string | null = null;
  private strays = new Set<number>();

  /** The shown suggestion; none while newer typing waits for its answer. */
  get shown(): Pending | null {
    return this.held && !this.held.hidden ? this.held : null;
  }

  /** The held suggestion, shown or not. */
  get current(): Pending | null {
    return this.held;
  }

  isHome(cell: string | undefined): boolean {
    return cell !== undefined && cell === this.home;
  }

  /**
   * The suggestions of an answer that may be shown: first those that continue what was typed last, and of these the one with the most places. Rejected places are left out unless the user asked (`wanted`).
   *
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
   * Show the first of these; the others follow when it is done. Its home is where the caret is. A continuation of what is shown keeps the ticks, and its home unless the user asked (`wanted`). Returns false if it was already shown.
   *
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
      return false; // what led to it stays the same
    }
    if (isMore) {
      pending.tickLike(shown!);
    }
    this.held = pending;
    return true;
  }

  /** Its next place was visited, or one was accepted there. */
  moveTo(cell: string): void {
    this.home = cell;
    this.strays.clear();
  }

  /** Drop it; `refuse`: its places must not be offered automatically again. */
  drop(refuse = false): void {
    for (const place of (refuse && this.held?.places) || []) {
      this.refused.add(this.held!.signature(place));
    }
    this.held = null;
    this.rest = [];
  }

  /** It is done: show the answer's next suggestion that still fits. */
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

  /**
   * Cells were added or removed: an offer is dropped with its last place, or with what led to it.
   */
  followCells(textOf: TextOf): void {
    if (this.held && !this.held.leaveGone(textOf)) {
      this.drop();
    }
    this.rest = this.rest.filter(pending => pending.leaveGone(textOf));
  }

  /** Texts moved to other cells: the offer moves with them, and so do rejections. */
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

  /** A cell changed, other than by accepting this offer: ghost text is accepted as it is typed. */
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
    if (held.isTouched && !change.isWritten) {
      this.drop(); // what led to it has changed
    } else if (held.isTouched || (typing.burst === held.burst && change.origin !== 'remote')) {
      held.hidden = true; // the answer to this typing replaces it
    } else if (change.isWritten && change.origin !== 'accepted' && typing.burst !== null) {
      // Accepting ghost text ends what was typed before it.
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
