/** Goes to a place of what is offered, wherever its cell is, unless the user has gone on meanwhile. */

import type { Offers } from './offers';
import type { Place } from './pending';
import { isAt } from './pending';
import type { Views } from './surfaces';

export interface GoingHost {
  readonly views: Pick<Views, 'caret' | 'activeId' | 'enter' | 'focus'>;
  readonly offers: Offers;
  redraw(): void;
  /** The cell is not there, though it is still wanted: say so. */
  missed(cell: string): void;
}

/** The caret is put there, ready to type. False if nobody went there. */
export async function goTo(place: Place, host: GoingHost): Promise<boolean> {
  const { views, offers, redraw } = host;
  const others = offers.current?.others;
  if (others?.holds(place.cell)) {
    others.reveal(place.cell);
    return true;
  }
  const [caret, home, hadOffer] = [views.caret(), views.activeId, offers.current !== null];
  // A cell far away may have to be made first: who has typed or moved since is elsewhere by now.
  const isWanted = () => {
    const now = views.caret();
    const isSame = now?.cell === caret?.cell && now?.offset === caret?.offset;
    return isSame && views.activeId === home && (offers.current !== null) === hadOffer;
  };
  const view = await views.enter(place.cell, isWanted);
  if (!view) {
    if (isWanted()) {
      host.missed(place.cell);
    }
    return false;
  }
  offers.moveTo(place.cell);
  const { end } = offers.current?.place(place.id) ?? place;
  views.focus(view, isAt(place, caret) ? caret!.offset : end);
  redraw();
  return true;
}
