/**
 * A pending suggestion: its places, kept in step with the cells as they change.
 *
 * Nothing here touches a notebook; `session.ts` does.
 *
 */

import { changedWords } from './changedWords';
import type { OtherDocuments } from './elsewhere';
import { isInWord, startsWithWord } from './names';
import type { EditWire, Kind, Lane, SuggestionWire } from './protocol';
import type { Rearranged } from './rearranged';
import { TextEdit } from './textEdit';
import { textHash } from './textHash';

/** One replacement of one cell. */
export interface Place {
  readonly id: string;
  readonly cell: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Listed, but only applied if ticked: mentions in prose. */
  readonly optional: boolean;
}

/** The end of a text that counts places. */
const COUNTED = /: \d+ places?$/;

/** The text of a cell, or undefined if there is no such cell. */
export type TextOf = (cell: string) => string | undefined;

export class Pending {
  readonly id: string;
  readonly kind: Kind;
  readonly lane: Lane;
  readonly label: string;
  readonly notes: string[];
  /** The typing that led to it: more of that typing makes it obsolete. */
  readonly burst: number | null;
  /** Not drawn, because newer typing waits for its answer. */
  hidden = false;
  /** Other documents that it changes. */
  others: OtherDocuments | null = null;

  private all: Place[];
  private byCell: Map<string, Place[]> | null = null;
  private ticked: Set<string>;
  private trigger: { cell: string; start: number; end: number } | null = null;
  private touched = false;
  private texts = new Map<string, string>();

  private constructor(suggestion: SuggestionWire, places: Place[], burst: number | null) {
    this.id = suggestion.id;
    this.kind = suggestion.kind;
    this.lane = suggestion.lane;
    this.label = suggestion.label;
    this.notes = [...(suggestion.notes ?? [])];
    this.burst = burst;
    this.all = places;
    this.ticked = new Set();
  }

  /**
   * Null if any edit was made for a text other than `textOf` returns: a stale suggestion is not shown in part. `textOf` returns the texts with which the request was made.
   *
   */
  static from(
    suggestion: SuggestionWire,
    textOf: TextOf,
    burst: number | null = null,
    others: OtherDocuments | null = null
  ): Pending | null {
    const places: Place[] = [];
    const pending = new Pending(suggestion, places, burst);
    pending.others = others;
    const add = (edits: readonly EditWire[], optional: boolean): boolean => {
      for (const edit of edits) {
        const text = pending.now(edit.cell, textOf);
        if (text === undefined) {
          return false;
        }
        if (!pending.texts.has(edit.cell)) {
          if (textHash(text) !== edit.base) {
            return false;
          }
          pending.texts.set(edit.cell, text);
        }
        if (!(0 <= edit.start && edit.start <= edit.end && edit.end <= text.length)) {
          return false;
        }
        const trimmed = trim(text, edit);
        if (trimmed) {
          places.push({ ...trimmed, id: `${suggestion.id}.${places.length}`, optional });
        }
      }
      return true;
    };
    if (!add(suggestion.edits, false) || !add(suggestion.optional ?? [], true) || !places.length) {
      return null;
    }
    pending.ticked = new Set(places.filter(place => !place.optional).map(place => place.id));
    return pending;
  }

  /** What it does, without its original counts, which change. */
  get title(): string {
    return this.label.replace(/: \d+ places? in \d+ cells?$/, '');
  }

  /** Sorted by position within each cell; cells in the order of the answer. */
  get places(): readonly Place[] {
    return this.all;
  }

  private hold(places: Place[]): void {
    this.all = places;
    this.byCell = null;
  }

  /** The ticked places, which are drawn, visited and accepted. */
  get chosen(): readonly Place[] {
    return this.all.filter(place => this.isChosen(place));
  }

  get cells(): string[] {
    return [...new Set(this.all.map(place => place.cell))];
  }

  in(cell: string): readonly Place[] {
    if (!this.byCell) {
      this.byCell = new Map();
      for (const place of [...this.all].sort((a, b) => a.start - b.start)) {
        const known = this.byCell.get(place.cell);
        if (known) {
          known.push(place);
        } else {
          this.byCell.set(place.cell, [place]);
        }
      }
    }
    return this.byCell.get(cell) ?? [];
  }

  place(id: string): Place | undefined {
    return this.all.find(place => place.id === id);
  }

  isChosen(place: Place): boolean {
    return this.ticked.has(place.id);
  }

  choose(place: Place, chosen: boolean): void {
    if (chosen) {
      this.ticked.add(place.id);
    } else {
      this.ticked.delete(place.id);
    }
  }

  /** Whether another one is the same, or was caused by the same typing. */
  isLike(other: Pending): boolean {
    return this.title === other.title || (this.burst !== null && this.burst === other.burst);
  }

  /** Tick the places that `other` has too, and lists in the same way, as they are ticked there. */
  tickLike(other: Pending): void {
    const keyOf = ({ cell, start, end, text }: Place) => JSON.stringify([cell, start, end, text]);
    const known = new Map(other.all.map(place => [keyOf(place), place]));
    for (const place of this.all) {
      const there = known.get(keyOf(place));
      if (there?.optional === place.optional) {
        this.choose(place, other.isChosen(there));
      }
    }
  }

  /**
   * Drop the places of removed cells. False if none is left, or if the cell that led to it is gone.
   *
   */
  leaveGone(textOf: TextOf): boolean {
    const isThere = (cell: string) => this.now(cell, textOf) !== undefined;
    this.hold(this.all.filter(place => isThere(place.cell)));
    return this.all.length > 0 && (!this.trigger || isThere(this.trigger.cell));
  }

  /**
   * Texts moved to other cells, and the places with them. False if none is left, or if what led to it was split.
   *
   */
  rearrange(rearranged: Rearranged): boolean {
    const moved = [...this.texts].filter(([cell]) => rearranged.concerns(cell));
    if (moved.some(([cell, text]) => rearranged.before(cell) !== text)) {
      return false;
    }
    const follow = <T extends Pick<Place, 'cell' | 'start' | 'end'>>(at: T): T | null => {
      const isHere = !rearranged.concerns(at.cell);
      const there = isHere ? at : rearranged.place(at.cell, at.start, at.end);
      return there && { ...at, ...there };
    };
    this.hold(this.all.flatMap(place => follow(place) ?? []));
    const trigger = this.trigger && follow(this.trigger);
    const isWhole = trigger !== null || this.trigger === null;
    this.trigger = trigger;
    moved.forEach(([cell]) => this.texts.delete(cell));
    for (const heir of moved.flatMap(([cell]) => rearranged.heirs(cell))) {
      this.texts.set(heir, rearranged.now.get(heir)!);
    }
    return isWhole && this.all.length > 0;
  }

  /**
   * The typing that led to it, as the cell's text before and now. If that is changed later, `isTouched` is true: the suggestion would continue something that is no longer there.
   *
   */
  calledForBy(cell: string, before: string, after: string): void {
    const words = changedWords(before, after);
    if (!words || (this.texts.has(cell) && this.texts.get(cell) !== after)) {
      return;
    }
    this.texts.set(cell, after);
    this.trigger = { cell, ...words };
  }

  /** Whether it continues what was typed last, rather than something earlier. */
  get continuesTyping(): boolean {
    const { trigger } = this;
    const typed = trigger ? this.textOf(trigger.cell).slice(trigger.start, trigger.end).trim() : '';
    return (
      this.others !== null ||
      this.all.some(place => {
        const [short, long] = [typed, place.text.trim()].sort((a, b) => a.length - b.length);
        return short !== '' && (short === long || (short.length > 2 && long.includes(short)));
      })
    );
  }

  /** Whether what led to it has been changed since. */
  get isTouched(): boolean {
    return this.touched;
  }

  /** Follow the changes of all cells; false if it is stale. */
  followAll(textOf: TextOf): boolean {
    return [...this.texts.keys()].every(cell => {
      const now = this.now(cell, textOf);
      return now !== undefined && this.follow(cell, now);
    });
  }

  /** The text that this place replaces. */
  old(place: Place): string {
    return this.textOf(place.cell).slice(place.start, place.end);
  }

  textOf(cell: string): string {
    return this.texts.get(cell) ?? '';
  }

  /**
   * Follow a cell's change to `after`. False if the change touches a place: then the whole suggestion is stale.
   *
   */
  follow(cell: string, after: string): boolean {
    const before = this.texts.get(cell);
    if (before === undefined || before === after) {
      return true;
    }
    const change = TextEdit.between(before, after);
    const moved: Place[] = [];
    for (const place of this.all) {
      if (place.cell !== cell) {
        moved.push(place);
        continue;
      }
      const touched = change.replacements.some(r => r.start <= place.end && place.start <= r.end);
      const rebased = TextEdit.replace(place.start, place.end, place.text).rebase(change);
      if (touched || !rebased || rebased.replacements.length !== 1) {
        return false;
      }
      moved.push({ ...place, ...rebased.replacements[0] });
    }
    this.hold(moved);
    this.texts.set(cell, after);
    if (this.trigger?.cell === cell) {
      this.moveTrigger(this.trigger, change, before);
    }
    return true;
  }

  /** Whether each cell still has the text that the places need. */
  isFresh(textOf: TextOf): boolean {
    return this.cells.every(cell => this.now(cell, textOf) === this.texts.get(cell));
  }

  /** The edit of each cell that accepts these places. */
  edits(places: readonly Place[]): Map<string, TextEdit> {
    const edits = new Map<string, TextEdit>();
    for (const cell of new Set(places.map(place => place.cell))) {
      edits.set(cell, TextEdit.of(places.filter(place => place.cell === cell)));
    }
    return edits;
  }

  /** These places were accepted: shift the others in their cells. */
  took(places: readonly Place[]): void {
    const edits = this.edits(places);
    const gone = new Set(places.map(place => place.id));
    const left: Place[] = [];
    for (const place of this.all) {
      if (gone.has(place.id)) {
        continue;
      }
      const rebased = TextEdit.replace(place.start, place.end, place.text).rebase(
        edits.get(place.cell) ?? new TextEdit()
      );
      if (rebased && rebased.replacements.length === 1) {
        left.push({ ...place, ...rebased.replacements[0] });
      }
    }
    for (const [cell, edit] of edits) {
      this.texts.set(cell, edit.apply(this.textOf(cell)));
    }
    this.hold(left);
    this.dropCounts();
    const edit = this.trigger && edits.get(this.trigger.cell);
    if (this.trigger && edit) {
      const { cell, start, end } = this.trigger;
      this.trigger = { cell, start: edit.mapOffset(start), end: edit.mapOffset(end, false) };
    }
  }

  /** Add a note about what is left alone. */
  note(text: string): void {
    this.notes.push(text);
  }

  /** The same offer was made again, perhaps with other notes. */
  noteLike(other: Pending): void {
    this.notes.splice(0, this.notes.length, ...other.notes);
  }

  remove(place: Place): void {
    this.hold(this.all.filter(other => other.id !== place.id));
    this.dropCounts();
  }

  /** Places are gone: what was counted in the notes is true no more. */
  private dropCounts(): void {
    this.notes.splice(0, this.notes.length, ...this.notes.filter(note => !COUNTED.test(note)));
  }

  /** The text of a cell of this or another document. */
  private now(cell: string, textOf: TextOf): string | undefined {
    return this.others?.holds(cell) ? this.others.textOf(cell) : textOf(cell);
  }

  /**
   * Follow a change: one beside the word keeps it; one within it, or that extends it, does not.
   */
  private moveTrigger(
    at: { cell: string; start: number; end: number },
    change: TextEdit,
    was: string
  ) {
    const { start, end } = at;
    this.touched ||= change.replacements.some(r => {
      if (r.start < end && start < r.end) {
        return true;
      }
      if (r.start === end && r.end === end) {
        return start === end || (startsWithWord(r.text) && startsWithWord(was.slice(end - 1, end)));
      }
      return r.end === start
        ? startsWithWord(r.text.slice(-1)) && startsWithWord(was.slice(start, start + 1))
        : false;
    });
    this.trigger = {
      ...at,
      start: change.mapOffset(start),
      end: Math.max(change.mapOffset(start), change.mapOffset(end, false))
    };
  }

  /**
   * A place's signature, independent of its cell's position: once dismissed, it is not shown again.
   */
  signature(place: Place): string {
    const text = this.textOf(place.cell);
    const from = text.lastIndexOf('\n', place.start - 1) + 1;
    const to = text.indexOf('\n', place.end);
    const line = text.slice(from, to < 0 ? undefined : to);
    return JSON.stringify([place.cell, line, place.start - from, place.end - from, place.text]);
  }
}

/** Without the common prefix and suffix of old and new text; null if nothing is left. */
function trim(text: string, edit: EditWire): Omit<Place, 'id' | 'optional'> | null {
  const old = text.slice(edit.start, edit.end);
  const change = TextEdit.between(old, edit.text).replacements;
  if (!change.length) {
    return null;
  }
  const grown = edit.text.length - old.length;
  let start = change[0].start;
  let end = change[change.length - 1].end;
  // Words change as a whole: `lr` to `learning_rate`, not `r` to `earning_rate`.
  const cuts = (at: number) => isInWord(old, at) || isInWord(edit.text, at);
  while (start > 0 && cuts(start)) {
    start -= 1;
  }
  while (end < old.length && (isInWord(old, end) || isInWord(edit.text, end + grown))) {
    end += 1;
  }
  return {
    cell: edit.cell,
    start: edit.start + start,
    end: edit.start + end,
    text: edit.text.slice(start, end + grown)
  };
}

/**
 * The place to visit from a caret: the first one after it, in the order of `order` and wrapping
 * around; a place at the caret comes first.
 */
export function nextPlace(
  pending: Pending,
  order: readonly string[],
  caret: { cell: string; offset: number } | null
): Place | null {
  const index = new Map(order.map((cell, i) => [cell, i]));
  const places = pending.places
    .filter(place => pending.isChosen(place) && index.has(place.cell))
    .sort((a, b) => index.get(a.cell)! - index.get(b.cell)! || a.start - b.start);
  if (!places.length) {
    return null;
  }
  if (!caret) {
    return places[0];
  }
  const at = index.get(caret.cell) ?? -1;
  return (
    places.find(place => isAt(place, caret)) ??
    places.find(place => {
      const there = index.get(place.cell)!;
      return there > at || (there === at && place.start > caret.offset);
    }) ??
    places[0]
  );
}

export function isAt(place: Place | null, caret: { cell: string; offset: number } | null): boolean {
  return (
    place !== null &&
    caret !== null &&
    caret.cell === place.cell &&
    place.start <= caret.offset &&
    caret.offset <= place.end
  );
}
