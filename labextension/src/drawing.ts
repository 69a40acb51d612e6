/** Decides what is drawn of a suggestion in one cell's editor; `editor.ts` draws it. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { KeyNames } from './keyNames';
import { drawnKey } from './keyNames';
import type { Drawing } from './marks';
import type { Pending, Place } from './pending';
import { isAt } from './pending';

export interface Scene {
  pending: Pending;
  /** The place that Tab goes to or accepts. */
  current: Place | null;
  caret: { cell: string; offset: number } | null;
  /** The cells from top to bottom. */
  order: readonly string[];
  /** Whether Tab goes to the current place or accepts it; otherwise other keys are named. */
  isTabOurs: boolean;
  keys: KeyNames;
  /** Whether the hint is shown in this cell. */
  isHome(cell: string): boolean;
  trans: TranslationBundle;
}

/** The marks and the hint of `cell`. */
export function drawingOf(scene: Scene, cell: string): Drawing {
  const { pending, current, caret, keys } = scene;
  const atPlace = current !== null && isAt(current, caret);
  const key = drawnKey(scene.isTabOurs ? keys.tab : atPlace ? keys.accept : keys.jump);
  const isElsewhere = current !== null && !atPlace && caret?.cell === cell && scene.isHome(cell);
  // No key goes to places of other documents: all are accepted at once, or in the panel.
  const isHome = caret?.cell === cell && scene.isHome(cell);
  const isInOtherDocuments = current === null && isHome && pending.chosen.length > 0;
  return {
    marks: pending
      .in(cell)
      .filter(place => pending.isChosen(place))
      .map(place => {
        const isCurrent = place.id === current?.id;
        const { start, end, text } = place;
        return { start, end, text, isCurrent, label: isCurrent ? key : '' };
      }),
    hint: isElsewhere
      ? hintOf(key, where(scene, current, cell), scene)
      : isInOtherDocuments
        ? hintOf(drawnKey(keys.acceptAll), [], scene)
        : []
  };
}

/** The hint in parts, for a line without room for all of it. */
function hintOf(key: string, cell: string[], { pending, trans }: Scene): string[] {
  const [first, ...rest] = [...cell, ...summaryParts(pending, trans)];
  const notes = pending.notes.map(note => ` · ${note}`);
  return [...(key ? [`${key} `] : []), `→ ${first}`, ...rest.map(part => `: ${part}`), ...notes];
}

function where({ order, trans }: Scene, place: Place, cell: string): string[] {
  return place.cell === cell ? [] : [trans.__('cell %1', order.indexOf(place.cell) + 1)];
}

/** A suggestion's effect and its notes: why there, and what it leaves alone. */
function offerOf(pending: Pending, trans: TranslationBundle): string {
  return [summaryOf(pending, trans), ...pending.notes].join(' · ');
}

/** The announcement of an offer to screen readers, with its keys. */
export function announcementOf(
  pending: Pending,
  { tab, jump, acceptAll }: KeyNames,
  isTabNamed: boolean,
  trans: TranslationBundle
): string {
  const isHere = pending.chosen.some(({ cell }) => !pending.others?.holds(cell));
  const next = isHere ? (isTabNamed ? tab : jump) : null;
  const keys = [
    ...(next ? [trans.__('%1 goes to the next place', next)] : []),
    ...(acceptAll ? [trans.__('%1 accepts all places', acceptAll)] : [])
  ];
  return [offerOf(pending, trans), ...(keys.length ? [`${keys.join(', ')}.`] : [])].join('. ');
}

/** A suggestion's effect and how many of its places are now ticked. */
export function summaryOf(pending: Pending, trans: TranslationBundle): string {
  return summaryParts(pending, trans).join(': ');
}

function summaryParts(pending: Pending, trans: TranslationBundle): string[] {
  const places = pending.chosen.length;
  const cells = new Set(pending.chosen.map(place => place.cell)).size;
  if (places <= 1 && pending.title === pending.label) {
    return [pending.label];
  }
  const counted = trans._n('%1 place', '%1 places', places);
  return [pending.title, trans._n('%2 in %1 cell', '%2 in %1 cells', cells, counted)];
}
