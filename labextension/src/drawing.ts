/** What is to be drawn of a suggestion in one cell's editor: decided here, drawn by `editor.ts`. */

import type { Drawing } from './editor';
import type { Pending, Place } from './pending';
import { isAt } from './pending';

export interface Scene {
  pending: Pending;
  /** The place that Tab goes to or accepts. */
  current: Place | null;
  caret: { cell: string; offset: number } | null;
  /** The cells from top to bottom. */
  order: readonly string[];
  /** Tab is the editor's: other keys are named. */
  keepTab: boolean;
}

/** The marks and the hint of `cell`. */
export function drawingOf(scene: Scene, cell: string): Drawing {
  const { pending, current, caret, keepTab } = scene;
  const atPlace = current !== null && isAt(current, caret);
  const acceptKey = keepTab ? 'Alt-Shift-J' : 'Tab';
  const goKey = keepTab ? 'Alt-J' : 'Tab';
  const isElsewhere = current !== null && !atPlace && caret?.cell === cell;
  return {
    marks: pending.in(cell).map(place => ({
      start: place.start,
      end: place.end,
      text: place.text,
      isCurrent: place.id === current?.id,
      label: atPlace ? acceptKey : goKey
    })),
    hint: isElsewhere ? `${goKey} → ${where(scene, current, cell)}${pending.label}` : ''
  };
}

function where(scene: Scene, place: Place, cell: string): string {
  return place.cell === cell ? '' : `cell ${scene.order.indexOf(place.cell) + 1}: `;
}
