/**
 * Files as the worker reads them: without a byte order mark, and with single-character line
 * endings.
 */

import { TextEdit } from './textEdit';

const MARK = '\uFEFF';

/** A file's text as the worker reads it. */
export function flat(raw: string): string {
  return (raw.startsWith(MARK) ? raw.slice(1) : raw).replace(/\r\n/g, '\n');
}

/**
 * A file whose text changes from `before` to `after`. Unchanged parts keep their line endings; new
 * lines get those of the file.
 *
 * Law: `flat(rewritten(raw, flat(raw), after)) === after`.
 *
 */
export function rewritten(raw: string, before: string, after: string): string {
  const lineEnd = raw.includes('\r\n') ? '\r\n' : '\n';
  const places = placesIn(raw);
  return [...TextEdit.between(before, after).replacements]
    .reverse()
    .reduce(
      (made, { start, end, text }) =>
        made.slice(0, places[start]) + text.replace(/\n/g, lineEnd) + made.slice(places[end]),
      raw
    );
}

/** The offset in the file for each offset in its flat text. */
function placesIn(raw: string): number[] {
  const places: number[] = [];
  for (let at = raw.startsWith(MARK) ? 1 : 0; at < raw.length; at++) {
    places.push(at);
    if (raw[at] === '\r' && raw[at + 1] === '\n') {
      at += 1;
    }
  }
  places.push(raw.length);
  return places;
}
