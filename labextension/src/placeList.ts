/**
 * The list of places in the sidebar, by cell. Unchanged elements stay in the page and keep the
 * focus; new ones are built in slices.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import { element, lineUp } from './elements';
import type { Pending, Place } from './pending';
import type { Later } from './slices';
import { Slices } from './slices';

/** Characters shown before a change; a sidebar is narrow. */
const CONTEXT = 8;

/** Rows built in one task of the page. */
export const ROWS = 16;

export interface PlaceActions {
  /** The place with this id was ticked or unticked. */
  choose(id: string, chosen: boolean): void;
  go(id: string): void;
}

/** A cell with its places as shown, and a key that identifies that state. */
interface Group {
  readonly key: string;
  readonly node: HTMLElement;
  readonly boxes: readonly { id: string; box: HTMLInputElement }[];
}

export class PlaceList {
  readonly node = element('div', 'nextedit-groups');
  private readonly slices: Slices;
  private groups = new Map<string, Group>();

  constructor(
    private readonly trans: TranslationBundle,
    private readonly actions: PlaceActions,
    later?: Later
  ) {
    this.slices = new Slices(ROWS, later);
  }

  /** Show these places, the cells in the order of `names`. */
  show(pending: Pending, names: readonly { id: string; name: string }[]): void {
    const wanted = names
      .filter(({ id }) => pending.in(id).length > 0)
      .map(cell => ({ ...cell, key: keyOf(pending, cell) }));
    const kept = new Map<string, Group>();
    for (const { id, key } of wanted) {
      const known = this.groups.get(id);
      if (known?.key === key) {
        kept.set(id, known);
      }
    }
    this.groups = kept;
    const nodes: HTMLElement[] = [...kept.values()].map(({ node }) => node);
    lineUp(this.node, nodes);
    let at = this.node.firstElementChild;
    this.slices.run(wanted, cell => {
      const known = this.groups.get(cell.id);
      const group = known ?? this.group(pending, cell);
      for (const { id, box } of group.boxes) {
        const place = pending.place(id);
        box.checked = place !== undefined && pending.isChosen(place);
      }
      if (known) {
        at = known.node.nextElementSibling;
        return 0;
      }
      this.groups.set(cell.id, group);
      this.node.insertBefore(group.node, at);
      return group.boxes.length;
    });
  }

  clear(): void {
    this.slices.stop();
    this.groups.clear();
    this.node.replaceChildren();
  }

  private group(pending: Pending, cell: { id: string; name: string; key: string }): Group {
    const places = pending.in(cell.id);
    const node = element('section', 'nextedit-group');
    const title = element('h3');
    title.textContent = cell.name;
    title.id = `nextedit-group-${cell.id}`;
    const list = element('ul');
    list.setAttribute('aria-labelledby', title.id);
    const rows = places.map(place => this.row(pending, place, cell.name));
    list.append(...rows.map(({ item }) => item));
    node.append(title, list);
    const boxes = rows.map(({ box }, i) => ({ id: places[i].id, box }));
    return { key: cell.key, node, boxes };
  }

  private row(
    pending: Pending,
    place: Place,
    cell: string
  ): { item: HTMLElement; box: HTMLInputElement } {
    const trans = this.trans;
    const { line, column, before, after } = lineOf(pending, place);
    const old = pending.old(place);
    const item = element('li', 'nextedit-row');
    const box = document.createElement('input');
    box.type = 'checkbox';
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
    box.addEventListener('change', () => this.actions.choose(place.id, box.checked));
    const go = document.createElement('button');
    go.type = 'button';
    go.className = 'nextedit-go';
    go.dataset.focus = `go ${place.id}`;
    go.setAttribute('aria-label', trans.__('Go to %1, line %2, column %3', cell, line, column));
    go.addEventListener('click', () => this.actions.go(place.id));
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
    return { item, box };
  }
}

/** Everything visible of a cell's places, except the ticks. */
function keyOf(pending: Pending, { id, name }: { id: string; name: string }): string {
  const rows = pending
    .in(id)
    .map(place => [place.id, place.text, pending.old(place), lineOf(pending, place)]);
  return JSON.stringify([name, rows]);
}

/** The place's line and column, counted from 1, and the text around the change. */
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

/** The end of the text before a change, so that the change itself is visible. */
function shorten(before: string): string {
  return before.length <= CONTEXT ? before : `…${before.slice(-CONTEXT)}`;
}
