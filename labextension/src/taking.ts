/** Accepts and reverts an offer's places in one document and in others: all or nothing. */

import type { Acceptance } from './acceptance';
import type { Offers } from './offers';
import type { Place } from './pending';
import { Pending } from './pending';
import type { Kind, Lane, SuggestionWire } from './protocol';
import type { Requests } from './requests';
import type { Shared } from './shared';

export interface TakingHost {
  readonly offers: Offers;
  readonly requests: Requests;
  readonly acceptance: Acceptance;
  readonly shared: Shared;
  textOf(cell: string): string | undefined;
  /** Whether the document was closed. */
  isGone(): boolean;
  redraw(): void;
  /** Drop the offer. */
  clear(): void;
  /** Request next edits. */
  schedule(): void;
  /** Count whether accepted edits stay. */
  watch(kind: Kind, lane: Lane, accepted: readonly Place[]): void;
}

export class Taking {
  constructor(private readonly host: TakingHost) {}

  /** Accept these places of what is shown; false if nothing was. */
  take(places: readonly Place[]): boolean {
    const { pace, trans } = this.host.shared;
    const pending = this.host.offers.shown;
    if (!pending || !places.length) {
      return false;
    }
    this.host.requests.leaveOut(pending);
    const open = places.filter(({ id }) => pending.place(id));
    if (open.some(place => pending.others?.holds(place.cell))) {
      void this.takeAcross(pending, open);
      return true;
    }
    if (!open.length || !this.host.acceptance.accept(pending, open)) {
      this.refuse(trans.__('The cells have changed: nothing was applied.'));
      return false;
    }
    pace.accepted();
    this.accepted(pending, open);
    return true;
  }

  /** Accept all places of a suggestion from the kernel, which need not have been shown. */
  takeWhole(suggestion: SuggestionWire): void {
    const { offers, shared, textOf } = this.host;
    const pending = Pending.from(suggestion, textOf);
    if (!pending) {
      shared.tell(shared.trans.__('The cells have changed: nothing was applied.'));
      return;
    }
    offers.show([pending], null);
    this.take(pending.chosen);
  }

  /** Revert what was accepted last, here and in other documents; false if that is not possible. */
  undo(): boolean {
    const { acceptance, clear, shared } = this.host;
    const { announce, tell, trans } = shared;
    if (!acceptance.canRevert) {
      return false;
    }
    const cells = acceptance.revert();
    if (cells === null) {
      tell(trans.__('A later edit is in the way: nothing was reverted.'));
      return false;
    }
    clear();
    announce(trans._n('Reverted in %1 cell.', 'Reverted in %1 cells.', cells));
    void acceptance.revertOthers().then(({ reverted, left }) => {
      if (reverted.length) {
        announce(trans.__('Reverted in %1 as well.', reverted.join(', ')));
      }
      if (left.length) {
        tell(trans.__('%1 has been edited since, and was left as it is.', left.join(', ')));
      }
    });
    return true;
  }

  /** Accept places in several documents: all or nothing, as far as closed files allow. */
  private async takeAcross(pending: Pending, places: readonly Place[]): Promise<void> {
    const { pace, trans, tell } = this.host.shared;
    const others = pending.others!;
    const [, edits] = others.split(pending.edits(places));
    const changed = await others.changedFiles(edits);
    if (changed.length) {
      this.refuse(trans.__('%1 has changed: nothing was applied.', changed.join(', ')));
      return;
    }
    if (this.host.isGone() || this.host.offers.shown !== pending) {
      return; // there is another offer now
    }
    if (!pending.followAll(this.host.textOf) || !this.host.acceptance.accept(pending, places)) {
      this.refuse(trans.__('The cells have changed: nothing was applied.'));
      return;
    }
    pace.accepted();
    this.accepted(pending, places);
    const refused = await others.write(edits);
    if (refused.length) {
      tell(trans.__('%1 changed meanwhile and was left as it is.', refused.join(', ')));
    }
  }

  /** The offer no longer fits: drop it, and say why. */
  private refuse(why: string): void {
    this.host.offers.drop();
    this.host.redraw();
    this.host.shared.tell(why);
  }

  /** These places of the shown offer were accepted: show the rest, or the next suggestion. */
  private accepted(pending: Pending, places: readonly Place[]): void {
    const { client, trans } = this.host.shared;
    const left = pending.chosen.length;
    const next = left ? null : this.host.offers.next(this.host.textOf);
    this.host.redraw();
    void client.report(left ? 'partial' : 'accepted', pending.kind, pending.lane);
    const more = left + (next?.chosen.length ?? 0);
    this.host.shared.announce(
      more ? trans._n('Applied. %1 more.', 'Applied. %1 more.', more) : trans.__('Applied.')
    );
    if (!left) {
      this.host.watch(pending.kind, pending.lane, places);
      if (!next && pending.kind === 'next_edit') {
        this.host.schedule(); // one edit leads to the next
      }
    }
  }
}
