/** Where the caret of an editor is, and putting it elsewhere. */

import { EditorView } from '@codemirror/view';

export interface CaretPlace {
  cell: string;
  offset: number;
}

/** Pixels that are kept between the caret and the edge of a long line: what comes there is to be seen. */
const AHEAD = 200;

/** Put the caret there, in sight, and the focus on the editor. Code that is folded there is opened. */
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

/** The caret in the editor of a cell's text; null where it can't be told. */
export function caretIn(view: EditorView | null, source: string, cell: string): CaretPlace | null {
  // An editor that counts otherwise than the document, as with CR LF, is left alone.
  if (!view || view.state.doc.length !== source.length) {
    return null;
  }
  return { cell, offset: view.state.selection.main.head };
}
