/**
 * The words that say where Tab goes, beside the caret's line. They lie over the editor and take no room
 * in it: no line gets longer, no cell higher. Where the line leaves too little room, the lines around
 * it are looked at; the line that is being written is never covered, nor is the cell's toolbar.
 */

import type { EditorView, PluginValue, ViewUpdate } from '@codemirror/view';

/** Pixels between a line's end and the hint. */
const GAP = 16;
/** Below this width words are cut to nothing. */
const ENOUGH = 120;
/** It lies over the first line of the active cell. */
const TOOLBAR = '.jp-cell-toolbar';

interface Spot {
  left: number;
  top: number;
  height: number;
  room: number;
}

export class HintLayer implements PluginValue {
  private readonly node = document.createElement('div');
  private text = '';

  constructor(
    view: EditorView,
    private readonly textOf: (view: EditorView) => string
  ) {
    this.node.className = 'nextedit-hint';
    this.node.setAttribute('aria-hidden', 'true'); // it is announced when it is offered
    this.node.hidden = true;
    view.dom.appendChild(this.node);
  }

  update(update: ViewUpdate): void {
    const text = this.textOf(update.view);
    this.text = text;
    if (!text) {
      this.node.hidden = true;
      return;
    }
    const isNew = text !== this.node.textContent || this.node.hidden;
    if (isNew || update.docChanged || update.selectionSet || update.geometryChanged) {
      this.node.textContent = text;
      update.view.requestMeasure({
        key: this,
        read: view => this.measure(view),
        write: spot => this.place(spot)
      });
    }
  }

  destroy(): void {
    this.node.remove();
  }

  private measure(view: EditorView): Spot | null {
    const { doc, selection } = view.state;
    const line = doc.lineAt(selection.main.head).number;
    const toolbar = view.dom.closest('.jp-Cell')?.querySelector(TOOLBAR)?.getBoundingClientRect();
    const spots = [line, line + 1, line - 1]
      .filter(number => number >= 1 && number <= doc.lines)
      .map(number => roomAt(view, doc.line(number).to, toolbar))
      .filter(spot => spot !== null);
    const roomy = spots.find(spot => spot.room >= ENOUGH);
    return roomy ?? spots.sort((a, b) => b.room - a.room)[0] ?? null;
  }

  private place(spot: Spot | null): void {
    // It may have gone since it was measured.
    this.node.hidden = !this.text || spot === null || spot.room < ENOUGH / 2;
    if (spot) {
      Object.assign(this.node.style, {
        left: `${spot.left}px`,
        top: `${spot.top}px`,
        lineHeight: `${spot.height}px`,
        maxWidth: `${Math.max(0, spot.room)}px`
      });
    }
  }
}

/** The room right of a line's end, within the editor's frame and up to the cell's toolbar. */
function roomAt(view: EditorView, end: number, toolbar?: DOMRect): Spot | null {
  const at = view.coordsAtPos(end, -1);
  if (!at) {
    return null;
  }
  const { left, top, right } = view.dom.getBoundingClientRect();
  const isBeside =
    toolbar !== undefined && // of no size where it is hidden
    toolbar.width > 0 &&
    toolbar.top < at.bottom &&
    toolbar.bottom > at.top;
  const edge = isBeside ? Math.min(right, toolbar.left) : right;
  return {
    left: at.right - left + GAP,
    top: at.top - top,
    height: at.bottom - at.top,
    room: edge - at.right - GAP
  };
}
