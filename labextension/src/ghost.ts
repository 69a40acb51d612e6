/**
 * The state of the ghost text of JupyterLab's inline completer, as far as keys depend on it.
 *
 * The completer marks its editor with a class that shortcuts select, but leaves it there when its text was
 * typed to the end, or when nothing new came: then Tab does nothing. Here the class is corrected.
 */

import type { Extension } from '@codemirror/state';
import { EditorSelection } from '@codemirror/state';
import type { EditorView, PluginValue } from '@codemirror/view';
import { ViewPlugin } from '@codemirror/view';

const ACTIVE_CLASS = 'jp-mod-inline-completer-active';
const HOST = '.jp-CodeMirrorEditor';
/** Spacers keep the space of removed ghost text. */
const GHOST = '.jp-GhostText:not(.jp-GhostText-lineSpacer, .jp-GhostText-letterSpacer)';

/** Milliseconds until ghost text has its text, because it is highlighted first. */
const COLOURED = 30;

/** Whether ghost text is visible in this editor, so that its keys do something. */
export function isGhostShown(view: EditorView): boolean {
  return (
    view.dom.closest(`.${ACTIVE_CLASS}`) !== null &&
    [...view.dom.querySelectorAll(GHOST)].some(node => node.textContent?.trim())
  );
}

/**
 * Make the completer drop its ghost text. It has no API for that, but drops it when text is selected: select
 * a character, and restore the caret before anything is drawn.
 */
export function clearGhost(view: EditorView): void {
  const { selection, doc } = view.state;
  const { head } = selection.main;
  const other = head > 0 ? head - 1 : Math.min(1, doc.length);
  if (other !== head) {
    view.dispatch({ selection: EditorSelection.single(other, head) });
    view.dispatch({ selection });
  } else {
    view.contentDOM.dispatchEvent(new FocusEvent('blur')); // an empty cell has nothing to select
  }
}

class ClassKeeper implements PluginValue {
  private readonly observer = new MutationObserver(() => this.check());
  private host: Element | null = null;
  private due = false;
  private isShown = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly view: EditorView,
    private readonly changed: () => void
  ) {
    this.update();
  }

  update(): void {
    if (!this.due) {
      this.due = true;
      queueMicrotask(() => {
        this.due = false;
        this.check();
      });
    }
  }

  destroy(): void {
    this.observer.disconnect();
    clearTimeout(this.timer);
  }

  private check(isLate = false): void {
    const host = this.view.dom.closest(HOST);
    if (host && host !== this.host) {
      this.host = host;
      this.observer.disconnect();
      this.observer.observe(host, { attributes: true, attributeFilter: ['class'] });
    }
    clearTimeout(this.timer);
    const isShown = isGhostShown(this.view);
    if (isShown !== this.isShown) {
      this.isShown = isShown;
      this.changed();
    }
    if (isShown || !host?.classList.contains(ACTIVE_CLASS)) {
      return;
    }
    if (isLate || !this.view.dom.querySelector(GHOST)) {
      host.classList.remove(ACTIVE_CLASS);
    } else {
      this.timer = setTimeout(() => this.check(true), COLOURED); // its text may still come
    }
  }
}

/** Keeps the class correct in an editor; `changed` is called when ghost text appears or disappears. */
export function ghostClass(changed: () => void): Extension {
  return ViewPlugin.define(view => new ClassKeeper(view, changed));
}
