/** What of the page is to be seen. */

import type { EditorView } from '@codemirror/view';

/** Whether something of this is within the window; what is on a hidden tab is not. */
export function isInSight(box: Element): boolean {
  const { top, bottom, height } = box.getBoundingClientRect();
  return height > 0 && bottom > 0 && top < innerHeight;
}

/** Whether the caret is to be seen, and with it what is drawn beside it. */
export function isCaretInView(view: EditorView): boolean {
  const frame = view.dom.closest('.jp-WindowedPanel-outer, .jp-Notebook, .jp-FileEditor');
  const caret = view.coordsAtPos(view.state.selection.main.head);
  if (!frame || !caret) {
    return caret !== null;
  }
  const { top, bottom } = frame.getBoundingClientRect();
  return caret.bottom > top && caret.top < bottom;
}
