/**
 * The hint beside the caret's line that says where Tab goes. It overlays the editor and takes no space in it:
 * no line gets longer, no cell higher. If the line leaves too little room, the lines around it are tried; the
 * line being written and the cell's toolbar are never covered. Parts without room are left out, last ones
 * first: none is cut.
 */

import type { EditorView, PluginValue, ViewUpdate } from '@codemirror/view';

/** Pixels between a line's end and the hint. */
const GAP = 16;
/** With less room than this, other lines are tried. */
const ENOUGH = 120;
/** It overlays the first line of the active cell. */
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
  /** The cell's toolbar, which JupyterLab adds, shows and hides at any time. */
  private toolbar: Element | null = null;
  private readonly sizes = new ResizeObserver(() => this.lookAgain());
  private readonly children = new MutationObserver(() => this.lookAgain());

  constructor(
    private readonly view: EditorView,
    private readonly partsOf: (view: EditorView) => readonly string[]
  ) {
    this.node.className = 'nextedit-hint';
    this.node.setAttribute('aria-hidden', 'true'); // it is announced when the offer is made
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

  /** The line was scrolled sideways, or the toolbar appeared or disappeared. */
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

  /** The cell's toolbar, if there is one; it is watched from now on. */
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
      this.children.observe(area, { childList: true }); // observing it again changes nothing
    }
    this.toolbar = toolbar;
    return toolbar;
  }

  private place(spot: Spot | null): void {
    // It may have disappeared since it was measured.
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
 * The room to the right of a line's end, within the editor's frame and up to the cell's toolbar, in the
 * editor's own pixels, which differ from the window's on a scaled page.
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
    toolbar !== undefined && // without size if it is hidden
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
