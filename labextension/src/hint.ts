/**
 * The words that say where Tab goes, beside the caret's line. They lie over the editor and take no room
 * in it: no line gets longer, no cell higher. Where the line leaves too little room, the lines around
 * it are looked at; the line that is being written is never covered, nor is the cell's toolbar. Parts
 * that have no room are left out, the last ones first: none is cut.
 */

import type { EditorView, PluginValue, ViewUpdate } from '@codemirror/view';

/** Pixels between a line's end and the hint. */
const GAP = 16;
/** With less room than this, look for more. */
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
  private parts: readonly string[] = [];
  private drawn = '';
  /** The cell's toolbar, which JupyterLab adds, shows and hides when it comes to it. */
  private toolbar: Element | null = null;
  private readonly sizes = new ResizeObserver(() => this.lookAgain());
  private readonly children = new MutationObserver(() => this.lookAgain());

  constructor(
    private readonly view: EditorView,
    private readonly partsOf: (view: EditorView) => readonly string[]
  ) {
    this.node.className = 'nextedit-hint';
    this.node.setAttribute('aria-hidden', 'true'); // it is announced when it is offered
    this.node.hidden = true;
    view.dom.appendChild(this.node);
    view.scrollDOM.addEventListener('scroll', this.lookAgain, { passive: true });
  }

  update(update: ViewUpdate): void {
    this.parts = this.partsOf(update.view);
    if (!this.parts.length) {
      this.node.hidden = true;
      return;
    }
    const text = this.parts.join('\n');
    const isNew = text !== this.drawn || this.node.hidden;
    if (text !== this.drawn) {
      this.drawn = text;
      this.node.replaceChildren(
        ...this.parts.map(part => {
          const node = document.createElement('span');
          node.textContent = part;
          return node;
        })
      );
    }
    if (isNew || update.docChanged || update.selectionSet || update.geometryChanged) {
      this.look();
    }
  }

  destroy(): void {
    this.view.scrollDOM.removeEventListener('scroll', this.lookAgain);
    this.sizes.disconnect();
    this.children.disconnect();
    this.node.remove();
  }

  /** The line has moved sideways under it, or the toolbar has come or gone. */
  private lookAgain = (): void => {
    if (this.parts.length) {
      this.look();
    }
  };

  private look(): void {
    this.view.requestMeasure({
      key: this,
      read: view => this.measure(view),
      write: spot => this.place(spot)
    });
  }

  private measure(view: EditorView): Spot | null {
    const { doc, selection } = view.state;
    const line = doc.lineAt(selection.main.head).number;
    const toolbar = this.watched(view)?.getBoundingClientRect();
    const spots = [line, line + 1, line - 1]
      .filter(number => number >= 1 && number <= doc.lines)
      .map(number => roomAt(view, doc.line(number).to, toolbar))
      .filter(spot => spot !== null);
    const roomy = spots.find(spot => spot.room >= ENOUGH);
    return roomy ?? spots.sort((a, b) => b.room - a.room)[0] ?? null;
  }

  /** The cell's toolbar, if there is one; from now on it is watched. */
  private watched(view: EditorView): Element | null {
    const area = view.dom.closest('.jp-Cell-inputArea, .jp-InputArea');
    const toolbar = area?.querySelector(TOOLBAR) ?? null;
    if (area && toolbar !== this.toolbar) {
      this.sizes.disconnect();
      if (toolbar) {
        this.sizes.observe(toolbar);
      }
    }
    if (area) {
      this.children.observe(area, { childList: true }); // the same one once more changes nothing
    }
    this.toolbar = toolbar;
    return toolbar;
  }

  private place(spot: Spot | null): void {
    // It may have gone since it was measured.
    this.node.hidden = !this.parts.length || spot === null || spot.room <= 0;
    if (spot) {
      Object.assign(this.node.style, {
        left: `${spot.left}px`,
        top: `${spot.top}px`,
        height: `${spot.height}px`,
        lineHeight: `${spot.height}px`,
        maxWidth: `${Math.max(0, spot.room)}px`
      });
    }
  }
}

/**
 * The room right of a line's end, within the editor's frame and up to the cell's toolbar, in the
 * editor's own pixels: on a page that is scaled they are others than those of the window.
 */
export function roomAt(
  view: Pick<EditorView, 'coordsAtPos' | 'dom' | 'scaleX' | 'scaleY'>,
  end: number,
  toolbar?: DOMRect
): Spot | null {
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
  const { scaleX, scaleY } = view;
  return {
    left: (at.right - left) / scaleX + GAP,
    top: (at.top - top) / scaleY,
    height: (at.bottom - at.top) / scaleY,
    room: (edge - at.right) / scaleX - GAP
  };
}
