/** Draws the offer in every editor of a notebook, and decides where Tab belongs to it. */

import type { EditorView } from '@codemirror/view';
import type { TranslationBundle } from '@jupyterlab/translation';

import { cellIdOf } from './documents';
import type { Scene } from './drawing';
import { drawingOf } from './drawing';
import { isGhostShown } from './ghost';
import type { CaretWatch, Nearness } from './inSight';
import { Nearby, ScrolledCaret, isInSight } from './inSight';
import type { KeyNames } from './keyNames';
import type { Drawing } from './marks';
import { NOTHING, drawn, isDrawn, show } from './marks';
import type { Offers } from './offers';
import type { Place } from './pending';
import { isAt, nextPlace } from './pending';
import type { Later } from './slices';
import { Slices } from './slices';
import type { OpenEditor, Views } from './surfaces';

/** JupyterLab's documents side by side, one of which is being typed in. */
const BESIDE = '.jp-MainAreaWidget';

const PENDING_CLASS = 'nextedit-mod-pending';
const TAB_CLASS = 'nextedit-mod-tab';

/**
 * Editors drawn in one task of the page, besides the one being typed in. Each is measured in the
 * next frame, which takes 1 to 3 ms and a layout of the page.
 */
export const SLICE = 3;

export interface PainterHost {
  readonly views: Views;
  readonly offers: Offers;
  readonly trans: TranslationBundle;
  /** The cells from top to bottom. */
  order(): readonly string[];
  keepTab(): boolean;
  keys(): KeyNames;
}

export class Painter {
  private readonly slices: Slices;
  private readonly nearby: Nearness;
  private readonly caretWatch: CaretWatch;
  private isDue = false;
  private keyed: Element | null = null; // the editor whose classes determine the shortcuts

  constructor(
    private readonly host: PainterHost,
    later?: Later,
    nearness: (came: () => void) => Nearness = came => new Nearby(came),
    caretWatch: (crossed: () => void) => CaretWatch = crossed => new ScrolledCaret(crossed)
  ) {
    this.slices = new Slices(SLICE, later);
    this.nearby = nearness(() => this.paintSoon());
    this.caretWatch = caretWatch(() => this.paintSoon());
  }

  /** The place that Tab goes to or accepts. */
  get currentPlace(): Place | null {
    const { offers, views } = this.host;
    return offers.shown && nextPlace(offers.shown, this.host.order(), views.caret());
  }

  /**
   * Draw what belongs in each editor: at once in the one being typed in, then in visible ones, then in those nearby; in the others once they come near. Outdated drawings are removed everywhere.
   *
   */
  paint(): void {
    this.isDue = false;
    const { offers, views } = this.host;
    const { activeView } = views;
    const current = this.currentPlace;
    // The page is measured before it is changed, so that it is laid out only once.
    const isTabOurs = activeView !== null && this.isTabOurs(activeView, current);
    this.caretWatch.watch(offers.current ? activeView : null);
    const scene = this.scene(current, isTabOurs);
    this.markKeys(activeView, scene !== null, isTabOurs);
    const editors = views.editors();
    this.nearby.watch(offers.current ? editors.map(({ box }) => box) : []);
    const due: OpenEditor[] = [];
    for (const editor of editors) {
      const isFar = !this.nearby.has(editor.box) && drawn(editor.view) === NOTHING;
      if (editor.view === activeView) {
        show(editor.view, this.drawing(scene, editor));
      } else if (!isFar && !isDrawn(editor.view, this.drawing(scene, editor))) {
        due.push(editor);
      }
    }
    this.slices.run(due.length > SLICE ? inSightFirst(due) : due, editor => {
      const what = this.drawing(scene, editor);
      show(editor.view, what);
      return Math.max(1, what.marks.length);
    });
  }

  /** Paint what is shown at the end of this turn: editors must not be changed from within their own update. */
  paintSoon(): void {
    if (!this.isDue && this.host.offers.shown) {
      this.isDue = true;
      queueMicrotask(() => {
        if (this.isDue) {
          this.paint();
        }
      });
    }
  }

  dispose(): void {
    this.isDue = false;
    this.slices.stop();
    this.nearby.watch([]);
    this.caretWatch.watch(null);
  }

  /**
   * Whether Tab goes to a place, or accepts the one at the caret. It does so only where the hint is visible; never in leading whitespace or with a selection, where Tab indents.
   *
   */
  isTabOurs(view: EditorView, place = this.currentPlace): boolean {
    const { views, offers } = this.host;
    if (view !== views.activeView || !place || this.host.keepTab()) {
      return false;
    }
    const caret = views.caret();
    return (
      isAt(place, caret) ||
      (offers.isHome(caret?.cell) && !isIndenting(view) && this.caretWatch.isSeen(view))
    );
  }

  /** Whether Tab is what the hint names: it goes to the editor typed in, and no ghost text takes it. */
  get isTabNamed(): boolean {
    const { activeView } = this.host.views;
    return activeView !== null && this.isTabOurs(activeView) && isFree(activeView);
  }

  private scene(current: Place | null, isTabOurs: boolean): Scene | null {
    const { offers, views, trans } = this.host;
    const pending = offers.shown;
    const { activeView } = views;
    return (
      pending && {
        pending,
        current,
        caret: views.caret(),
        order: this.host.order(),
        keys: this.keys(activeView),
        isTabOurs: isTabOurs && isFree(activeView!),
        isHome: (cell: string) => offers.isHome(cell),
        trans
      }
    );
  }

  /** The keys to name: those that reach this editor. */
  private keys(view: EditorView | null): KeyNames {
    const keys = this.host.keys();
    const isAway = view !== null && isBeside(view);
    return isAway ? { ...keys, jump: null, accept: null, acceptAll: null } : keys;
  }

  /** What belongs in this editor. The hint names keys, so it is in the view that receives them. */
  private drawing(
    scene: Scene | null,
    { model, view }: Pick<OpenEditor, 'model' | 'view'>
  ): Drawing {
    const what = scene && drawingOf(scene, cellIdOf(model.sharedModel));
    const hint = (view === this.host.views.activeView && what?.hint) || [];
    // An editor that lags behind its document is drawn in once it has caught up.
    return !what ||
      (!what.marks.length && !hint.length) ||
      view.state.doc.toString() !== model.sharedModel.getSource()
      ? NOTHING
      : { marks: what.marks, hint };
  }

  /** If the application handles keys before the editor does, shortcuts depend on these classes. */
  private markKeys(view: EditorView | null, isPending: boolean, isTabOurs: boolean): void {
    const host = view && (view.dom.closest('.jp-CodeMirrorEditor') ?? view.dom);
    if (this.keyed !== host) {
      this.keyed?.classList.remove(PENDING_CLASS, TAB_CLASS);
      this.keyed = host;
    }
    host?.classList.toggle(PENDING_CLASS, isPending);
    host?.classList.toggle(TAB_CLASS, isTabOurs);
  }
}

/** Whether Tab goes to this editor, and no ghost text takes it there. */
function isFree(view: EditorView): boolean {
  return isTypedIn(view) && !isGhostShown(view);
}

/** Whether keys go to this editor: not in command mode, nor from a panel or a toolbar. */
function isTypedIn(view: EditorView): boolean {
  return view.root.activeElement === view.contentDOM;
}

/** Whether the focus is in another document, such as a console beside the notebook. */
function isBeside(view: EditorView): boolean {
  const other = view.root.activeElement?.closest(BESIDE);
  return !!other && !other.contains(view.dom);
}

/** Whether Tab indents here: in leading white space, or what is selected. */
function isIndenting(view: EditorView): boolean {
  const { main, ranges } = view.state.selection;
  const line = view.state.doc.lineAt(main.head);
  const isLeading = line.text.slice(0, main.head - line.from).trim() === '';
  return !main.empty || ranges.length > 1 || isLeading;
}

/** All boxes are measured before anything is drawn, so that the page is laid out only once. */
function inSightFirst(editors: readonly OpenEditor[]): OpenEditor[] {
  const [near, far]: OpenEditor[][] = [[], []];
  for (const editor of editors) {
    (isInSight(editor.box) ? near : far).push(editor);
  }
  return [...near, ...far];
}
