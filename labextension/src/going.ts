/** Goes to a place of an offer, wherever its cell is, unless the user has continued in the meantime. */

import type { Offers } from './offers';
import type { Place } from './pending';
import { isAt } from './pending';
import type { Views } from './surfaces';

export interface GoingHost {
  readonly views: Pick<Views, 'caret' | 'activeId' | 'enter' | 'focus'>;
  readonly offers: Offers;
  redraw(): void;
  /** Report that the cell is not there, although it is still wanted. */
  missed(cell: string): void;
}

/** Put the caret there, ready to type. Returns false if it was not moved. */
export async function goTo(place: Place, host: GoingHost): Promise<boolean> {
  const { views, offers, redraw } = host;
  const others = offers.current?.others;
  if (others?.holds(place.cell)) {
    others.reveal(place.cell);
    return true;
  }
  const [caret, home, hadOffer] = [views.caret(), views.activeId, offers.current !== null];
  // A distant cell may have to be created first: do not move a user who has typed or moved since.
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
