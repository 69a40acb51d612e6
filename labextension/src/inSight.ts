/** What is visible in the page, or soon will be. */

import type { EditorView } from '@codemirror/view';

/** Whether a part of this is within the window; on a hidden tab it is not. */
export function isInSight(box: Element): boolean {
  const { top, bottom, height } = box.getBoundingClientRect();
  return height > 0 && bottom > 0 && top < innerHeight;
}

/** Elements that scroll. */
const FRAME = '.jp-WindowedPanel-outer, .jp-Notebook, .jp-FileEditor';

/**
 * What is within this distance of the visible part, in heights of the frame, is drawn: it may be scrolled to
 * next.
 */
const MARGIN = '50% 0px';

/** Determines which of the watched boxes are visible, or nearly so. */
export interface Nearness {
  /** Watch these boxes and no others. */
  watch(boxes: Iterable<Element>): void;
  has(box: Element): boolean;
}

/**
 * Based on the browser's IntersectionObserver, which needs no layout; for a newly watched box it is a frame
 * late.
 */
export class Nearby implements Nearness {
  private readonly observers = new Map<Element | null, IntersectionObserver>();
  private readonly watched = new Map<Element, IntersectionObserver>();
  private near = new WeakSet<Element>();

  /** `came` is called when a box comes near. */
  constructor(private readonly came: () => void) {}

  watch(boxes: Iterable<Element>): void {
    const now = new Set(boxes);
    for (const [box, observer] of this.watched) {
      if (!now.has(box)) {
        observer.unobserve(box);
        this.watched.delete(box);
        this.near.delete(box);
      }
    }
    if (!now.size) {
      this.observers.clear();
    }
    for (const box of now) {
      if (!this.watched.has(box)) {
        const observer = this.observerIn(box.parentElement?.closest(FRAME) ?? null);
        this.watched.set(box, observer);
        observer.observe(box);
      }
    }
  }

  has(box: Element): boolean {
    return this.near.has(box);
  }

  private observerIn(frame: Element | null): IntersectionObserver {
    let observer = this.observers.get(frame);
    if (!observer) {
      observer = new IntersectionObserver(this.onCrossed, { root: frame, rootMargin: MARGIN });
      this.observers.set(frame, observer);
    }
    return observer;
  }

  private onCrossed = (entries: readonly IntersectionObserverEntry[]): void => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || !this.watched.has(target)) {
        this.near.delete(target);
      } else {
        this.near.add(target);
      }
    }
    if (entries.some(({ target }) => this.near.has(target))) {
      this.came();
    }
  };
}

/** Whether the caret is visible, and with it what is drawn beside it. */
function isCaretInView(view: EditorView): boolean {
  const frame = view.dom.closest(FRAME);
  const caret = view.coordsAtPos(view.state.selection.main.head);
  if (!frame || !caret) {
    return caret !== null;
  }
  const { top, bottom } = frame.getBoundingClientRect();
  return caret.bottom > top && caret.top < bottom;
}

/** Notifies when an editor's caret becomes visible or invisible, whatever was scrolled. */
export interface CaretWatch {
  /** Watch this editor's caret and no other. */
  watch(view: EditorView | null): void;
  /** Whether it is visible now. */
  isSeen(view: EditorView): boolean;
}

export class ScrolledCaret implements CaretWatch {
  private view: EditorView | null = null;
  private wasSeen = false;
  private frame = 0;

  /** `crossed` is called when the caret has become visible or invisible. */
  constructor(private readonly crossed: () => void) {}

  watch(view: EditorView | null): void {
    if (view === null && this.view) {
      cancelAnimationFrame(this.frame);
      document.removeEventListener('scroll', this.onScroll, true);
    } else if (view && !this.view) {
      document.addEventListener('scroll', this.onScroll, { capture: true, passive: true });
    }
    this.view = view;
    this.wasSeen = view !== null && isCaretInView(view);
  }

  isSeen(view: EditorView): boolean {
    return isCaretInView(view);
  }

  /** After a frame's layout, checking costs nothing. */
  private onScroll = (): void => {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      if (this.view && isCaretInView(this.view) !== this.wasSeen) {
        this.wasSeen = !this.wasSeen;
        this.crossed();
      }
    });
  };
}
