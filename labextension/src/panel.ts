/** The sidebar: each proposed place by cell, ticked or not, to visit, apply or skip. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { editIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';

import { summaryOf } from './drawing';
import { element, lineUp } from './elements';
import { figureLines } from './figureView';
import type { Pending } from './pending';
import { PlaceList } from './placeList';
import type { NotebookSession } from './session';

export interface PanelActions {
  runStale(): void;
}

/** Shows what the current notebook's session offers. */
export class SuggestionsPanel extends Widget {
  private session: NotebookSession | null = null;
  private readonly list: PlaceList;

  constructor(
    private readonly trans: TranslationBundle,
    private readonly actions: PanelActions
  ) {
    super();
    this.id = 'nextedit-panel';
    this.addClass('nextedit-panel');
    this.title.icon = editIcon;
    this.title.caption = trans.__('Next Edit: suggestions');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Suggested edits'));
    this.node.tabIndex = -1;
    this.node.addEventListener('keydown', event => this.onKey(event));
    this.list = new PlaceList(trans, {
      choose: (id, chosen) => {
        const pending = this.session?.pending;
        const place = pending?.place(id);
        if (place) {
          pending!.choose(place, chosen);
          this.session!.redraw();
        }
      },
      go: id => {
        const place = this.session?.pending?.place(id);
        if (place) {
          void this.session!.jump(place);
        }
      }
    });
  }

  /** Follow this notebook, or none. */
  follow(session: NotebookSession | null): void {
    if (session === this.session) {
      return;
    }
    this.session?.changed.disconnect(this.look, this);
    this.session = session;
    session?.changed.connect(this.look, this);
    this.look();
  }

  /** Focus the first place, or whatever there is. */
  activate(): void {
    this.render();
    (this.node.querySelector<HTMLElement>('[data-focus]') ?? this.node).focus();
  }

  protected onAfterShow(): void {
    this.update();
  }

  protected onAfterAttach(): void {
    this.update();
  }

  protected onUpdateRequest(): void {
    this.render();
  }

  /** The content has changed; nothing is built for a hidden sidebar. */
  private look(): void {
    if (this.isVisible) {
      this.update();
    }
  }

  private render(): void {
    const active = document.activeElement as HTMLElement | null;
    const hadFocus = active !== null && this.node.contains(active);
    const focusId = (hadFocus && active.dataset.focus) || '';
    const pending = this.session?.pending ?? null;
    if (!pending) {
      this.list.clear();
    }
    lineUp(this.node, [
      ...(pending ? this.suggestion(this.session!, pending) : [this.empty()]),
      ...this.afterwards(),
      ...this.figure()
    ]);
    if (hadFocus && !this.node.contains(document.activeElement)) {
      const focusable = [...this.node.querySelectorAll<HTMLElement>('[data-focus]')];
      (focusable.find(node => node.dataset.focus === focusId) ?? focusable[0] ?? this.node).focus();
    }
  }

  private empty(): HTMLElement {
    const node = element('p', 'nextedit-empty');
    node.textContent = this.trans.__(
      'No suggestion. Rename a variable or change a call: the other places appear here.'
    );
    return node;
  }

  private suggestion(session: NotebookSession, pending: Pending): HTMLElement[] {
    const trans = this.trans;
    const heading = element('h2', 'nextedit-heading');
    heading.textContent = summaryOf(pending, trans);
    this.list.show(pending, session.cellNumbers());
    const parts = [heading, this.list.node];
    if (pending.notes.length) {
      const notes = element('ul', 'nextedit-notes');
      notes.setAttribute('aria-label', trans.__('Notes'));
      for (const note of pending.notes) {
        const item = element('li');
        item.textContent = note;
        notes.append(item);
      }
      parts.push(notes);
    }
    const keepers = pending.others?.keepers(pending) ?? [];
    if (keepers.length) {
      const warning = element('p', 'nextedit-warning');
      warning.setAttribute('role', 'alert');
      warning.textContent = trans.__(
        'Applying only these places breaks the code: `%1` remains in %2.',
        pending.others!.found.old,
        keepers.join(', ')
      );
      parts.push(warning);
    }
    const chosen = pending.chosen.length;
    const bar = element('div', 'nextedit-actions');
    bar.append(
      this.action(
        'apply',
        trans.__('Apply Ticked (%1)', chosen),
        () => session.acceptAll(),
        chosen === 0
      ),
      this.action('apply-all', trans.__('Apply All'), () =>
        session.acceptAll(pending.places.filter(place => !place.optional))
      ),
      this.action('dismiss', trans.__('Dismiss'), () => session.dismiss())
    );
    return [...parts, bar];
  }

  /** What remains to be done after accepting. */
  private afterwards(): HTMLElement[] {
    const session = this.session;
    if (!session) {
      return [];
    }
    const trans = this.trans;
    const parts: HTMLElement[] = [];
    const stale = session.staleCells;
    const lines = [
      ...(stale.length
        ? [trans._n('%1 cell is out of date', '%1 cells are out of date', stale.length)]
        : []),
      ...session.notesAfterAccept
    ];
    if (lines.length) {
      const node = element('ul', 'nextedit-stale');
      for (const line of lines) {
        const item = element('li');
        item.textContent = line;
        node.append(item);
      }
      parts.push(node);
    }
    const bar = element('div', 'nextedit-actions');
    if (stale.length) {
      bar.append(this.action('run', trans.__('Run in Order'), () => this.actions.runStale()));
    }
    if (session.canUndo) {
      bar.append(this.action('undo', trans.__('Undo in All Cells'), () => session.undoAccept()));
    }
    if (bar.childElementCount) {
      parts.push(bar);
    }
    return parts;
  }

  /** What the kernel knows about the last figure. */
  private figure(): HTMLElement[] {
    const lines = figureLines(this.session?.facts.current ?? null, this.trans);
    if (!lines.length) {
      return [];
    }
    const node = element('section', 'nextedit-figure');
    const title = element('h3');
    title.textContent = this.trans.__('Last figure');
    const list = element('ul');
    list.setAttribute('aria-label', this.trans.__('What the last figure shows'));
    for (const line of lines) {
      const item = element('li');
      item.textContent = line;
      list.append(item);
    }
    node.append(title, list);
    return [node];
  }

  private action(id: string, label: string, run: () => void, disabled = false): HTMLElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-mod-styled nextedit-action';
    if (id === 'apply') {
      button.classList.add('jp-mod-accept');
    }
    button.dataset.focus = id;
    button.textContent = label;
    button.disabled = disabled;
    button.addEventListener('click', () => {
      run();
      if (!this.session?.pending) {
        this.session?.focusEditor(); // the list is gone: back to the text
      }
    });
    return button;
  }

  /** Arrow keys move through all elements, Escape goes back to the notebook. */
  private onKey(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const all = [...this.node.querySelectorAll<HTMLElement>('[data-focus]')];
      const at = all.indexOf(document.activeElement as HTMLElement);
      all[(at + step + all.length) % all.length]?.focus();
    } else if (event.key === 'Escape') {
      this.session?.focusEditor();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
