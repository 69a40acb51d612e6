/**
 * Texts that moved to other cells, when a cell is split, when cells are merged, and when either is
 * undone: where each part is now, and how the edit history applies to the new cells.
 */

import { TextEdit } from './textEdit';

/** The texts of cells, from top to bottom. */
export type Texts = ReadonlyMap<string, string>;

/** A part of a new text: a range of an old one, or line endings that were inserted between two. */
type Piece = { readonly cell: string; readonly start: number; readonly end: number } | string;

/** A cell's whole text before and after an edit. */
interface Edited {
  readonly cell: string;
  readonly before: string;
  readonly after: string;
}

export class Rearranged {
  private constructor(
    private readonly was: Texts,
    /** The new texts. */
    readonly now: Texts,
    private readonly pieces: ReadonlyMap<string, readonly Piece[]>
  ) {}

  /**
   * From the removed or changed texts to the added or changed ones; null unless they consist of the same characters in the same order, apart from line endings.
   *
   */
  static of(was: Texts, now: Texts): Rearranged | null {
    const source = new Source(was);
    const pieces = new Map([...now].map(([cell, text]) => [cell, source.take(text)] as const));
    const hasMoved = [...pieces.values()].some(parts => parts?.some(part => isStretch(part)));
    const isWhole = source.isSpent && [...pieces.values()].every(parts => parts !== null);
    return hasMoved && isWhole ? new Rearranged(was, now, pieces as Map<string, Piece[]>) : null;
  }

  /** Whether this cell's text is elsewhere now, or in parts. */
  concerns(cell: string): boolean {
    return this.was.has(cell);
  }

  /** The text that this cell had. */
  before(cell: string): string | undefined {
    return this.was.get(cell);
  }

  /** The cells that now contain parts of this one. */
  heirs(cell: string): string[] {
    return [...this.pieces]
      .filter(([, parts]) => parts.some(part => isStretch(part) && part.cell === cell))
      .map(([heir]) => heir);
  }

  /** Where a range of an old text is now; null if it was split. */
  place(cell: string, start: number, end: number) {
    for (const [heir, parts] of this.pieces) {
      let at = 0;
      for (const part of parts) {
        if (isStretch(part) && part.cell === cell && part.start <= start && end <= part.end) {
          return { cell: heir, start: at + start - part.start, end: at + end - part.start };
        }
        at += lengthOf(part);
      }
    }
    return null;
  }

  /**
   * Edits of the old cells, oldest first, as edits of the new ones: each text is split or joined with the others like the newest one. Edits of other cells stay the same objects; an edit of a line that was split belongs to neither part.
   *
   */
  edits<T extends Edited>(events: readonly T[]): T[] {
    const earlier = new Earlier(this.was, this.pieces);
    const edits = [...events].reverse().flatMap(event => {
      const { cell, before, after } = event;
      if (!this.was.has(cell)) {
        return [event];
      }
      const heirs = this.heirs(cell);
      const textsWith = (text: string) => {
        earlier.read(cell, text);
        return heirs.map(heir => earlier.text(heir));
      };
      const afters = textsWith(after);
      const befores = textsWith(before);
      const parts = heirs
        .map((heir, i) => ({ ...event, cell: heir, before: befores[i], after: afters[i] }))
        .filter(edit => edit.before !== edit.after);
      return parts.length > 1 && this.isTorn(cell) ? [] : parts.reverse();
    });
    return edits.reverse();
  }

  /** Whether a line of this cell was split. */
  private isTorn(cell: string): boolean {
    const own = [...this.pieces.values()]
      .flat()
      .filter(isStretch)
      .filter(part => part.cell === cell);
    return own.some((part, i) => i > 0 && own[i - 1].end === part.start);
  }
}

function isStretch(part: Piece): part is Exclude<Piece, string> {
  return typeof part !== 'string';
}

function lengthOf(part: Piece): number {
  return isStretch(part) ? part.end - part.start : part.length;
}

/** Reads the old texts, from the first to the last. */
class Source {
  private readonly texts: [string, string][];
  private at = 0;

  constructor(texts: Texts) {
    this.texts = [...texts];
  }

  /** Whether only line endings are left. */
  get isSpent(): boolean {
    return this.next() === null;
  }

  /** The parts that make up this text; null if the next characters differ. */
  take(text: string): Piece[] | null {
    const parts: Piece[] = [];
    for (let i = 0; i < text.length;) {
      const ends = /^\n+/.exec(text.slice(i))?.[0];
      if (ends) {
        parts.push(ends);
        i += ends.length;
        continue;
      }
      const next = this.next();
      if (!next) {
        return null;
      }
      const [cell, source] = next;
      let end = this.at;
      for (let j = i; j < text.length && end < source.length && source[end] === text[j]; j++) {
        end += 1;
      }
      while (end > this.at && source[end - 1] === '\n') {
        end -= 1;
      }
      if (end === this.at) {
        return null;
      }
      parts.push({ cell, start: this.at, end });
      i += end - this.at;
      this.at = end;
    }
    return parts;
  }

  /** The text that contains the next character; null after the last one. */
  private next(): [string, string] | null {
    for (; this.texts.length; this.texts.shift(), this.at = 0) {
      const [, text] = this.texts[0];
      while (text[this.at] === '\n') {
        this.at += 1;
      }
      if (this.at < text.length) {
        return this.texts[0];
      }
    }
    return null;
  }
}

/** The new texts as they would have been earlier, going back in time. */
class Earlier {
  private readonly texts: Map<string, string>;
  private readonly pieces: Map<string, Piece[]>;

  constructor(was: Texts, pieces: ReadonlyMap<string, readonly Piece[]>) {
    this.texts = new Map(was);
    this.pieces = new Map([...pieces].map(([cell, parts]) => [cell, [...parts]]));
  }

  /** Go back to when this old cell had this text. Text at a seam belongs to both sides. */
  read(cell: string, text: string): void {
    const change = TextEdit.between(this.texts.get(cell)!, text);
    this.texts.set(cell, text);
    for (const [heir, parts] of change.isEmpty ? [] : this.pieces) {
      const moved = parts.map(part =>
        isStretch(part) && part.cell === cell
          ? {
              cell,
              start: change.mapOffset(part.start, false),
              end: change.mapOffset(part.end)
            }
          : part
      );
      this.pieces.set(heir, moved);
    }
  }

  text(heir: string): string {
    return this.pieces
      .get(heir)!
      .map(part =>
        isStretch(part) ? this.texts.get(part.cell)!.slice(part.start, part.end) : part
      )
      .join('');
  }
}
