/** Builds a request from what the page knows, within the server's bounds. */

import type {
  AcrossWire,
  CellWire,
  EventWire,
  FactsWire,
  Kind,
  LeftOutWire,
  PlaceWire,
  RequestWire
} from './protocol';

/** Bytes; the server refuses bodies over 1 MB and leaves out cells over 64 kB. */
const BODY = 950_000;
const HISTORY = 250_000;
const FACTS = 250_000;
const CELL = 64_000;
/** The server reads no more. */
const LEFT_OUT = 1_000;

export interface RequestParts {
  language: string;
  cells: readonly CellWire[];
  /**
   * The numbers of the cells that are not among `cells` because the user switched them off; from 1.
   */
  switchedOff?: readonly number[];
  caret: { cell: string; offset: number };
  history: readonly EventWire[];
  facts: FactsWire | null;
  want: readonly Kind[];
  /** The id of the model that the notebook names. */
  bundle?: string;
  /** The id of the ghost text that was seen last; empty if none was. */
  drawn?: string;
  deadlineMs?: number;
  renameTo?: string;
  /** Where the document is, if the folder around it may be read. */
  place?: PlaceWire;
  /** A rename that may reach other documents. */
  across?: AcrossWire;
}

/**
 * The request without its id; null if the caret's cell is too large or missing. If not everything
 * fits, the cells nearest to the caret have priority, then the newest edits.
 */
export function buildRequest(parts: RequestParts): Omit<RequestWire, 'id'> | null {
  const at = parts.cells.findIndex(cell => cell.id === parts.caret.cell);
  if (at < 0 || isTooLarge(parts.cells[at].source)) {
    return null;
  }
  const history = newest(parts.history, HISTORY);
  const facts = parts.facts ? within(parts.facts, FACTS) : null;
  // Only large notebooks need an exact count; a text unit takes at most six bytes of JSON.
  const units = parts.cells.reduce((sum, cell) => sum + cell.source.length + 50, 0);
  const fitsAll = units * 6 < BODY - HISTORY - FACTS && units < CELL;
  let left =
    BODY -
    history.reduce((sum, event) => sum + size(event) + 1, 0) -
    (facts ? size(facts) : 0) -
    1_000;
  const keep = new Set<number>();
  const tooLarge = new Set<number>();
  for (const i of outwards(at, parts.cells.length)) {
    const bytes = fitsAll ? 0 : size(parts.cells[i]) + 1;
    if (bytes > CELL * 1.5) {
      tooLarge.add(i);
      continue;
    }
    if (bytes > left) {
      break;
    }
    left -= bytes;
    keep.add(i);
  }
  const leftOut = leftOutOf(parts, keep, tooLarge);
  return {
    offsets: 'utf-16',
    notebook: {
      language: parts.language,
      cells: parts.cells.filter((_, i) => keep.has(i)),
      ...(leftOut.length ? { left_out: leftOut } : {})
    },
    cursor: parts.caret,
    history,
    ...(facts ? { facts } : {}),
    want: [...parts.want],
    ...(parts.bundle ? { bundle: parts.bundle } : {}),
    ...(parts.drawn === undefined ? {} : { drawn: parts.drawn }),
    ...(parts.place ? { place: parts.place } : {}),
    ...(parts.across && left > size(parts.across) ? { across: parts.across } : {}),
    deadline_ms: parts.deadlineMs ?? 1_000,
    ...(parts.renameTo === undefined ? {} : { rename_to: parts.renameTo })
  };
}

/** The cells missing from the request, by their numbers in the notebook, which offers mention. */
function leftOutOf(
  parts: RequestParts,
  keep: ReadonlySet<number>,
  tooLarge: ReadonlySet<number>
): LeftOutWire[] {
  if (keep.size === parts.cells.length && !parts.switchedOff?.length) {
    return [];
  }
  const off = new Set(parts.switchedOff);
  const found: LeftOutWire[] = [...off].map(number => ({ number, reason: 'switched_off' }));
  let number = 0;
  for (const i of parts.cells.keys()) {
    do {
      number += 1;
    } while (off.has(number));
    if (!keep.has(i)) {
      found.push({ number, reason: tooLarge.has(i) ? 'too_large' : 'too_far' });
    }
  }
  return found.sort((a, b) => a.number - b.number).slice(0, LEFT_OUT);
}

/** Whether a cell exceeds the server's bound. */
export function isTooLarge(source: string): boolean {
  return source.length * 6 > CELL && count(source) > CELL;
}

const sizes = new WeakMap<object, number>();

/** The size of the JSON in UTF-8; cached for objects that are measured with each key. */
function size(value: object): number {
  let bytes = sizes.get(value);
  if (bytes === undefined) {
    bytes = count(value);
    sizes.set(value, bytes);
  }
  return bytes;
}

function count(value: unknown): number {
  const json = JSON.stringify(value);
  let bytes = json.length;
  for (let i = 0; i < json.length; i++) {
    const unit = json.charCodeAt(i);
    if (unit > 0x7f) {
      // Each half of a surrogate pair counts as two bytes.
      bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
    }
  }
  return bytes;
}

function newest(events: readonly EventWire[], limit: number): EventWire[] {
  const kept: EventWire[] = [];
  for (const event of [...events].reverse()) {
    limit -= size(event);
    if (limit < 0) {
      break;
    }
    kept.unshift(event);
  }
  return kept;
}

const trimmed = new WeakMap<FactsWire, FactsWire>();

function within(facts: FactsWire, limit: number): FactsWire {
  if (size(facts) <= limit) {
    return facts;
  }
  const known = trimmed.get(facts);
  if (known) {
    return known;
  }
  const names = [];
  for (const name of facts.names ?? []) {
    limit -= size(name);
    if (limit < 0) {
      break;
    }
    names.push(name);
  }
  const kept = { ...facts, names };
  trimmed.set(facts, kept);
  return kept;
}

function* outwards(at: number, length: number): Generator<number> {
  yield at;
  for (let step = 1; step < length; step++) {
    if (at - step >= 0) {
      yield at - step;
    }
    if (at + step < length) {
      yield at + step;
    }
  }
}
