/** What was accepted last, to be reverted as a whole, and what a rename leaves behind. */

import type { Application, CellApplication } from './apply';
import { revert } from './apply';
import type { EditEvent } from './history';
import { isName } from './names';
import type { Pending, Place, TextOf } from './pending';
import type { SuggestionWire } from './protocol';
import type { Rearranged } from './rearranged';
import type { Replacement } from './textEdit';
import { TextEdit } from './textEdit';
import { textHash } from './textHash';

export class Applications {
  private held: Application[] = [];
  private reverted: readonly Application[] = []; // what was held and reverted last
  private from: Omit<SuggestionWire, 'edits'> | null = null; // the suggestion that they belong to
  private renamed: string[] = []; // old names of the last rename

  get isEmpty(): boolean {
    return !this.held.length;
  }

  /** Old names that the kernel may still have. */
  get oldNames(): readonly string[] {
    return this.renamed;
  }

  /** Whether accepting more of this suggestion belongs to what was accepted before. */
  continues(pending: Pending): boolean {
    return this.held.length > 0 && this.from?.id === pending.id;
  }

  /**
   * These places were accepted; called while `pending` still has them. `definition` is the user's own change that led to it: the uses would be wrong without it.
   *
   */
  add(
    made: Application,
    pending: Pending,
    places: readonly Place[],
    definition: CellApplication | null
  ): void {
    const isFirst = definition && !this.continues(pending);
    const application = isFirst ? { ...made, cells: [definition, ...made.cells] } : made;
    this.held = this.continues(pending) ? [...this.held, application] : [application];
    const { id, kind, lane, title: label } = pending;
    this.from = { id, kind, lane, label, confidence: 1 };
    if (pending.kind === 'rename') {
      this.renamed = [...new Set(places.map(place => pending.old(place)).filter(isName))];
    }
  }

  /**
   * What was held last, as a suggestion for the cells in which it has been undone since, as a whole or in the editor; null if there are none, or if one was changed in another way.
   *
   */
  again(textOf: TextOf): SuggestionWire | null {
    const changed = new Map<string, CellApplication>();
    for (const one of (this.isEmpty ? this.reverted : this.held).flatMap(({ cells }) => cells)) {
      changed.set(one.id, { ...one, before: changed.get(one.id)?.before ?? one.before });
    }
    const undone = [...changed.values()].filter(({ id, after }) => textOf(id) !== after);
    const edits = undone.flatMap(({ id, before, after }) =>
      replacedWords(before, after).map(r => ({ ...r, cell: id, base: textHash(before) }))
    );
    const isWhole = undone.every(({ id, before }) => textOf(id) === before);
    return this.from && isWhole && edits.length ? { ...this.from, edits } : null;
  }

  /** Texts moved to other cells: edits are reverted there, where there is no undo step. */
  rearrange(rearranged: Rearranged): void {
    const follow = (all: readonly Application[]) => {
      const made = all.flatMap(({ cells }, of) =>
        cells.map(({ id, ...change }) => ({ ...change, cell: id, of }))
      );
      const now = rearranged.edits(made).map(change => ({
        ...change,
        id: change.cell,
        byHand: change.byHand || !made.includes(change)
      }));
      return all.map((one, i) => ({ ...one, cells: now.filter(({ of }) => of === i) }));
    };
    this.held = follow(this.held);
    this.reverted = follow(this.reverted);
  }

  /** Revert everything; returns the number of cells, or null if a later edit is in the way. */
  revert(): number | null {
    const cells = new Set(this.held.flatMap(one => one.cells.map(cell => cell.id)));
    if (!revert(this.held)) {
      return null;
    }
    this.reverted = this.held;
    this.held = [];
    this.renamed = [];
    return cells.size;
  }
}

/**
 * The user's own change that renamed `old` to `to` in a cell whose text is now `after`, if it changed nothing
 * else, regardless of pauses in typing.
 */
export function renamedByHand(
  events: readonly EditEvent[],
  cell: string,
  after: string,
  [old, to]: readonly [string, string]
): CellApplication | null {
  let now = after;
  for (const event of [...events].reverse().filter(event => event.cell === cell)) {
    if (event.after !== now) {
      return null;
    }
    now = event.before;
    if (isRename(now, after, old, to)) {
      return { id: cell, before: now, after, byHand: true };
    }
  }
  return null;
}

/** The edit from one text to the other: word by word, if only words differ. */
function replacedWords(before: string, after: string): readonly Replacement[] {
  const [was, is] = [wordsOf(before), wordsOf(after)];
  const isBeside = (word: string, i: number) => i % 2 === 1 || word === is[i];
  if (was.length !== is.length || !was.every(isBeside)) {
    return TextEdit.between(before, after).replacements;
  }
  let end = 0;
  const all = was.map((word, i) => ({ start: end, end: (end += word.length), text: is[i] }));
  return all.filter(({ text }, i) => text !== was[i]);
}

/** Words alternating with the text between them, which comes first and last. */
function wordsOf(text: string): string[] {
  return text.split(/([\p{XID_Continue}]+)/u);
}

function isRename(before: string, after: string, old: string, to: string): boolean {
  const [was, is] = [wordsOf(before), wordsOf(after)];
  const isSame = (word: string, i: number) => word === is[i] || (word === old && is[i] === to);
  return before !== after && was.length === is.length && was.every(isSame);
}
