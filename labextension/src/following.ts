/** Keeps what is offered in one document in step with its cells as they are edited, moved, split and merged. */

import type { Acceptance } from './acceptance';
import type { Asking } from './asking';
import type { Offers } from './offers';
import type { CellChange, CellsNews, Recorder } from './recorder';
import type { StaleCells } from './staleCells';
import type { Views } from './surfaces';

export interface FollowingHost {
  readonly views: Pick<Views, 'regainFocus'>;
  readonly offers: Offers;
  readonly asking: Pick<Asking, 'schedule'>;
  readonly acceptance: Pick<Acceptance, 'isAccepting' | 'rearrange'>;
  readonly stale: Pick<StaleCells, 'edit'>;
  readonly recorder: Pick<Recorder, 'history'>;
  textOf(cell: string): string | undefined;
  isGone(): boolean;
  redraw(): void;
}

export class Following {
  constructor(private readonly host: FollowingHost) {}

  /** The text of a cell changed. */
  changed(change: CellChange): void {
    const { stale, acceptance, offers, recorder, asking } = this.host;
    stale.edit(change.cell);
    if (acceptance.isAccepting) {
      return; // `take` handles what is pending
    }
    if (offers.current) {
      const { history } = recorder;
      offers.follow(change, {
        burst: history.last?.burst ?? null,
        holds: burst => history.all.some(event => event.burst === burst)
      });
      // Editors must not be changed from within their own update.
      queueMicrotask(() => this.host.redraw());
    }
    if (change.isWritten) {
      asking.schedule();
    }
  }

  /** Cells were added, removed or moved, or their texts were. */
  cellsChanged({ cameBack, rearranged }: CellsNews): void {
    const { views, offers, asking, acceptance, stale } = this.host;
    if (rearranged) {
      [...rearranged.now.keys()]
        .filter(cell => rearranged.concerns(cell))
        .forEach(cell => stale.edit(cell));
      offers.rearrange(rearranged);
      acceptance.rearrange(rearranged);
    }
    // Moving a cell deletes it first.
    queueMicrotask(() => {
      views.regainFocus();
      if (this.host.isGone()) {
        return;
      }
      const isHeld = offers.current !== null;
      if (isHeld) {
        offers.followCells(cell => this.host.textOf(cell));
      }
      if (cameBack || offers.current) {
        asking.schedule(); // with other cells, or in another order, it may be a different one
      }
      if (isHeld) {
        this.host.redraw();
      }
    });
  }
}
