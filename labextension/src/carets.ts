/** Reads and sets an editor's caret. */

import { EditorView } from '@codemirror/view';

export interface CaretPlace {
  cell: string;
  offset: number;
}

/** Pixels between the caret and the edge of a long line, so that what appears there is visible. */
const AHEAD = 200;

/** Put the caret there, visible, and focus the editor. Folded code there is opened. */
export function focusAt(view: EditorView, offset: number): void {
  const anchor = Math.min(offset, view.state.doc.length);
  if (anchor > 0) {
    view.dispatch({ selection: { anchor: anchor - 1 } }); // at the end of a fold it would stay closed
  }
  const xMargin = Math.min(AHEAD, view.scrollDOM.clientWidth / 3);
  view.dispatch({
    selection: { anchor },
    effects: EditorView.scrollIntoView(anchor, { xMargin })
  });
  view.focus();
}

/** The caret in the editor of a cell's text; null if unknown. */
export function caretIn(view: EditorView | null, source: string, cell: string): CaretPlace | null {
  // An editor that counts characters differently from the document (CR LF) is left alone.
  if (!view || view.state.doc.length !== source.length) {
    return null;
  }
  return { cell, offset: view.state.selection.main.head };
}
