/** While typing matches the shown suggestion, the rest of it needs no request. */

import { WORD } from './names';

/** An inline suggestion as answered: `insert` belongs at `offset` of `text`. */
export interface Shown {
  readonly cell: string;
  readonly text: string;
  readonly offset: number;
  readonly insert: string;
  /** How many characters after the caret it replaces, such as an automatically closed bracket. */
  readonly replaces: number;
}

const CLOSERS = /^[)\]}'"]+/;

/**
 * The rest of `shown` once the cell's text is `text` with the caret at `offset`; null if something
 * else was typed. Brackets and quotes that the editor closed automatically are not inserted twice.
 */
export function leftOf(shown: Shown, text: string, offset: number): string | null {
  const typed = offset - shown.offset;
  if (typed < 0 || text.length < shown.text.length + typed) {
    return null;
  }
  if (!text.startsWith(shown.text.slice(0, shown.offset))) {
    return null;
  }
  const head = text.slice(shown.offset, offset);
  if (!shown.insert.startsWith(head)) {
    return null;
  }
  const left = shown.insert.slice(head.length);
  const before = shown.text.slice(shown.offset);
  const after = text.slice(offset);
  if (after === before) {
    return left;
  }
  const closed = after.slice(0, after.length - before.length);
  if (shown.replaces || !after.endsWith(before) || CLOSERS.exec(closed)?.[0] !== closed) {
    return null;
  }
  return left.endsWith(closed) ? left.slice(0, left.length - closed.length) : null;
}

const NEXT_WORD = new RegExp(
  String.raw`^(?:\n[^\S\n]*|[^\S\n]*(?:[${WORD}]+|[^\s${WORD}]+|$))`,
  'u'
);

/**
 * The next word of `text` with the whitespace and punctuation before it; never beyond a line's end.
 */
export function nextWord(text: string): string {
  return NEXT_WORD.exec(text)?.[0] || text;
}

/** The rest of the line; at a line's end, the next line. */
export function nextLine(text: string): string {
  return /^\n?[^\n]*/.exec(text)![0] || text;
}
