/** The sidebar: each proposed place by cell, chosen or not, to go to, apply or leave. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { editIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';

import { summaryOf } from './drawing';
import { figureLines } from './figureView';
import type { Pending, Place } from './pending';
import type { NotebookSession } from './session';

/** Characters shown before a change; a sidebar is narrow. */
const CONTEXT = 8;

export interface PanelActions {
  runStale(): void;
}

/** Shows what the current notebook's session offers. */
export class SuggestionsPanel extends Widget {
  private session: NotebookSession | null = null;
  private focusId = '';

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
    this.render();
  }

  /** Follow this notebook, or none. */
  follow(session: NotebookSession | null): void {
    if (session === this.session) {
      return;
    }
    this.session?.changed.disconnect(this.render, this);
    this.session = session;
    session?.changed.connect(this.render, this);
    this.render();
  }

  /** Focus the first place, or what there is. */
  activate(): void {
    (this.node.querySelector<HTMLElement>('[data-focus]') ?? this.node).focus();
  }

  private render(): void {
    if (this.isDisposed) {
      return;
    }
    const active = document.activeElement as HTMLElement | null;
    const hadFocus = active !== null && this.node.contains(active);
    this.focusId = (hadFocus && active.dataset.focus) || '';
    const pending = this.session?.pending ?? null;
    this.node.replaceChildren(
      ...(pending ? this.suggestion(this.session!, pending) : [this.empty()]),
      ...this.afterwards(),
      ...this.figure()
    );
    if (hadFocus) {
      const focusable = [...this.node.querySelectorAll<HTMLElement>('[data-focus]')];
      (
        focusable.find(node => node.dataset.focus === this.focusId) ??
        focusable[0] ??
        this.node
      ).focus();
    }
  }

  private empty(): HTMLElement {
    const node = element('p', 'nextedit-empty');
    node.textContent = this.trans.__(
      'No suggestion. Rename a variable or change a call: the other places show up here.'
    );
    return node;
  }

  private suggestion(session: NotebookSession, pending: Pending): HTMLElement[] {
    const trans = this.trans;
    const heading = element('h2', 'nextedit-heading');
    heading.textContent = summaryOf(pending, trans);
    const groups = element('div', 'nextedit-groups');
    session.cellNumbers().forEach(({ id, name }) => {
      const places = pending.in(id);
      if (!places.length) {
        return;
      }
      const group = element('section', 'nextedit-group');
      const title = element('h3');
      title.textContent = name;
      title.id = `nextedit-group-${id}`;
      const list = element('ul');
      list.setAttribute('aria-labelledby', title.id);
      list.append(...places.map(place => this.row(session, pending, place, name)));
      group.append(title, list);
      groups.append(group);
    });
    const parts = [heading, groups];
    if (pending.notes.length) {
      const notes = element('ul', 'nextedit-notes');
      notes.setAttribute('aria-label', trans.__('Left alone'));
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
        'Applied like this, code breaks: `%1` stays in %2.',
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

  private row(session: NotebookSession, pending: Pending, place: Place, cell: string): HTMLElement {
    const trans = this.trans;
    const { line, column, before, after } = lineOf(pending, place);
    const old = pending.old(place);
    const item = element('li', 'nextedit-row');
    const box = document.createElement('input');
    box.type = 'checkbox';
    box.checked = pending.isChosen(place);
    box.dataset.focus = `box ${place.id}`;
    box.setAttribute(
      'aria-label',
      trans.__(
        '%1, line %2, column %3: %4 becomes %5',
        cell,
        line,
        column,
        old || trans.__('nothing'),
        place.text || trans.__('nothing')
      )
    );
    box.addEventListener('change', () => {
      pending.choose(place, box.checked);
      session.redraw();
    });
    const go = document.createElement('button');
    go.type = 'button';
    go.className = 'nextedit-go';
    go.dataset.focus = `go ${place.id}`;
    go.setAttribute('aria-label', trans.__('Go to %1, line %2, column %3', cell, line, column));
    go.addEventListener('click', () => void session.jump(place));
    const number = element('span', 'nextedit-line');
    number.textContent = String(line);
    const code = element('code');
    const del = document.createElement('del');
    del.textContent = old;
    const ins = document.createElement('ins');
    ins.textContent = place.text;
    code.append(before, ...(old ? [del] : []), ...(place.text ? [ins] : []), after);
    go.append(number, code);
    item.append(box, go);
    return item;
  }

  /** What remains to be done after an application. */
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
      ...session.aftermath
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
      bar.append(this.action('run', trans.__('Run Them in Order'), () => this.actions.runStale()));
    }
    if (session.canUndo) {
      bar.append(this.action('undo', trans.__('Undo in All Cells'), () => session.undoAccept()));
    }
    if (bar.childElementCount) {
      parts.push(bar);
    }
    return parts;
  }

  /** What the kernel knows of the figure that was drawn last. */
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

  /** Arrow keys go through everything, Escape back to the notebook. */
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

/** The place's line and column, counted from 1, and what stands around the change in it. */
export function lineOf(
  pending: Pending,
  place: Place
): { line: number; column: number; before: string; after: string } {
  const text = pending.textOf(place.cell);
  const from = text.lastIndexOf('\n', place.start - 1) + 1;
  const to = text.indexOf('\n', place.end);
  return {
    line: text.slice(0, place.start).split('\n').length,
    column: [...text.slice(from, place.start)].length + 1,
    before: shorten(text.slice(from, place.start).trimStart()),
    after: text.slice(place.end, to < 0 ? undefined : to)
  };
}

/** The end of what stands before a change: the change itself must be seen. */
function shorten(before: string): string {
  return before.length <= CONTEXT ? before : `…${before.slice(-CONTEXT)}`;
}

function element(tag: string, className = ''): HTMLElement {
  const node = document.createElement(tag);
  node.className = className;
  return node;
}
