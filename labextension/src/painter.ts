/** Draws what is offered in every editor of a notebook, and says whose the Tab key is there. */

import type { EditorView } from '@codemirror/view';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { TranslationBundle } from '@jupyterlab/translation';

import { cellIdOf } from './documents';
import { drawingOf } from './drawing';
import { show } from './editor';
import type { Offers } from './offers';
import type { Place } from './pending';
import { isAt } from './pending';
import type { Views } from './surfaces';
import { isCaretInView } from './views';

const PENDING_CLASS = 'nextedit-mod-pending';
const TAB_CLASS = 'nextedit-mod-tab';

export interface PainterHost {
  readonly views: Views;
  readonly offers: Offers;
  readonly trans: TranslationBundle;
  /** The cells from top to bottom. */
  order(): readonly string[];
  keepTab(): boolean;
  /** The place that Tab goes to or accepts. */
  currentPlace(): Place | null;
}

export class Painter {
  constructor(private readonly host: PainterHost) {}

  /** Draw in each editor what belongs there. */
  paint(): void {
    this.host.views.forEachEditor((model, view) => this.drawIn(model, view));
  }

  /**
   * Whether Tab goes to a place, or accepts the one at the caret. It goes only from where the hint is
   * seen; never in leading white space or with a selection, where Tab indents.
   */
  isTabOurs(view: EditorView): boolean {
    const { views, offers } = this.host;
    const place = this.host.currentPlace();
    if (view !== views.activeView || !place || this.host.keepTab()) {
      return false;
    }
    const caret = views.caret();
    if (isAt(place, caret)) {
      return true;
    }
    if (!offers.isHome(caret?.cell) || !isCaretInView(view)) {
      return false;
    }
    const { main, ranges } = view.state.selection;
    const line = view.state.doc.lineAt(main.head);
    const isIndenting = line.text.slice(0, main.head - line.from).trim() === '';
    return main.empty && ranges.length === 1 && !isIndenting;
  }

  drawIn(model: CodeEditor.IModel, view: EditorView): void {
    const { offers, views, trans } = this.host;
    const pending = offers.shown;
    // Where the application looks at keys before the editor does, shortcuts go by these classes.
    const host = view.dom.closest('.jp-CodeMirrorEditor') ?? view.dom;
    host.classList.toggle(PENDING_CLASS, pending !== null);
    host.classList.toggle(TAB_CLASS, pending !== null && this.isTabOurs(view));
    if (!pending || view.state.doc.toString() !== model.sharedModel.getSource()) {
      show(view);
      return;
    }
    const scene = {
      pending,
      current: this.host.currentPlace(),
      caret: views.caret(),
      order: this.host.order(),
      keepTab: this.host.keepTab(),
      isHome: (cell: string) => offers.isHome(cell),
      trans
    };
    show(view, drawingOf(scene, cellIdOf(model.sharedModel)));
  }
}
