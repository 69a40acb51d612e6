/** The drawing of a suggestion as part of an editor's state, so that it moves with the text. */

import { StateEffect, StateField } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';

/** A drawn place in this editor's text. */
export interface Mark {
  start: number;
  end: number;
  text: string;
  /** The place that Tab goes to or accepts. */
  isCurrent: boolean;
  /** A word beside the place, such as "Tab"; only at the current place. */
  label: string;
}

export interface Drawing {
  marks: readonly Mark[];
  /**
   * Shown beside the caret's line: where Tab goes, if that is elsewhere. Parts of a sentence, the key first; the last ones are left out if there is no room.
   *
   */
  hint: readonly string[];
}

export const NOTHING: Drawing = { marks: [], hint: [] };

export const draw = StateEffect.define<Drawing>();

export const drawing = StateField.define<Drawing>({
  create: () => NOTHING,
  update(value, transaction) {
    if (transaction.docChanged && value !== NOTHING) {
      const changes = transaction.changes;
      value = {
        marks: value.marks
          .filter(mark => !changes.touchesRange(mark.start, mark.end))
          .map(mark => ({
            ...mark,
            start: changes.mapPos(mark.start, 1),
            end: changes.mapPos(mark.end, -1)
          }))
          .filter(mark => mark.start <= mark.end),
        hint: value.hint
      };
    }
    for (const effect of transaction.effects) {
      if (effect.is(draw)) {
        value = effect.value;
      }
    }
    return value;
  }
});

/** What is drawn now. */
export function drawn(view: EditorView): Drawing {
  return view.state.field(drawing, false) ?? NOTHING;
}

/** Whether this is what is drawn now. */
export function isDrawn(view: EditorView, what: Drawing): boolean {
  const now = drawn(view);
  return now === what || JSON.stringify(now) === JSON.stringify(what);
}

/** Draw this. Does nothing if nothing changes. */
export function show(view: EditorView, what: Drawing): void {
  if (!isDrawn(view, what)) {
    view.dispatch({ effects: draw.of(what) });
  }
}
