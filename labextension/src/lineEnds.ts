/** Files as the worker reads them, without a byte order mark and with line ends of one character. */

import { TextEdit } from './textEdit';

const MARK = '\uFEFF';

/** A file's text as the worker reads it. */
export function flat(raw: string): string {
  return (raw.startsWith(MARK) ? raw.slice(1) : raw).replace(/\r\n/g, '\n');
}

/**
 * A file that reads `before` as one that reads `after`. What is not changed keeps its line ends; new
 * lines get those that the file has.
 *
 * Law: `flat(rewritten(raw, flat(raw), after)) === after`.
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

/** The place in the file of each place in its flat text. */
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
