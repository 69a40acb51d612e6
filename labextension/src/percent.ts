/**
 * Cells of a Python file: lines that begin with `# %%` (Jupytext, VS Code) or `# In[1]:`
 * (nbconvert) begin one. The page handles a file as one text; requests are split into cells and
 * answers joined here.
 */

import type { AnswerWire, CellWire, EditWire, EventWire, SuggestionWire } from './protocol';
import { OFF_TAG } from './tokens';
import { textHash } from './textHash';

/**
 * A cell of a file: its marker's line and all lines up to the next marker, without the last line
 * ending.
 */
export interface Segment {
  readonly id: string;
  readonly start: number;
  readonly end: number;
  readonly type: CellWire['type'];
  readonly tags: readonly string[];
  readonly editable: boolean;
}

// `# %%time` is a commented-out magic.
const MARKER = /^#[ \t]*(?:%%+(?=[\s[]|$)(.*)|In[ \t]?\[[\d ]*\]:?[ \t]*)$/;
const KIND = /\[(markdown|md|raw)\]/;
const TAGS = /\btags[ \t]*=[ \t]*\[([^\]]*)\]/;
const LOCKED = /\beditable[ \t]*=[ \t]*(?:false|False)\b/;

/** The number of texts whose segments are cached: those of a request and its past edits. */
const KEPT = 24;
const kept = new Map<string, readonly Segment[]>();

/** The cells of a file, in order; a file without markers is one cell. */
export function segmentsOf(text: string): readonly Segment[] {
  const known = kept.get(text) ?? split(text);
  kept.delete(text);
  kept.set(text, known);
  if (kept.size > KEPT) {
    const [oldest] = kept.keys();
    kept.delete(oldest);
  }
  return known;
}

function split(text: string): Segment[] {
  const starts = markersOf(text);
  if (starts[0] !== 0) {
    starts.unshift(0);
  }
  return starts.map((start, i) => {
    const end = i + 1 < starts.length ? starts[i + 1] - 1 : text.length;
    const lineEnd = text.indexOf('\n', start);
    const match = MARKER.exec(text.slice(start, lineEnd < 0 ? end : Math.min(lineEnd, end)));
    const head = match?.[1] ?? '';
    const kind = KIND.exec(head)?.[1];
    const type = kind === undefined ? 'code' : kind === 'raw' ? 'raw' : 'markdown';
    const tags = [...(TAGS.exec(head)?.[1] ?? '').matchAll(/["']([^"']*)["']/g)].map(m => m[1]);
    return { id: `part-${i}`, start, end, type, tags, editable: !LOCKED.test(head) };
  });
}

/** The segment that contains an offset; at the end of one, that one. */
export function segmentAt(segments: readonly Segment[], offset: number): Segment {
  return segments.find(segment => offset <= segment.end) ?? segments[segments.length - 1];
}

/** Whether a segment is left out of everything. */
export function isOff(segment: Segment): boolean {
  return segment.tags.includes(OFF_TAG);
}

/**
 * A file as one cell; if a segment is locked or off, the cell is locked and has no text of segments
 * that are off.
 */
export function guardedWire(wire: CellWire): CellWire {
  const segments = segmentsOf(wire.source);
  if (segments.every(segment => segment.editable && !isOff(segment))) {
    return wire;
  }
  const read = segments.filter(segment => !isOff(segment));
  const source = read.map(({ start, end }) => wire.source.slice(start, end)).join('\n');
  return { ...wire, source, editable: false };
}

/**
 * The segments as cells of a request, without those that are switched off. An unchanged cell is the
 * same object as in `last`, by which its digest is cached.
 */
export function cellsOf(
  text: string,
  segments: readonly Segment[],
  last: readonly CellWire[] = []
): CellWire[] {
  const known = new Map(last.map(cell => [cell.id, cell]));
  return segments
    .filter(segment => !isOff(segment))
    .map(({ id, start, end, type, tags, editable }) => {
      const source = text.slice(start, end);
      const before = known.get(id);
      const isSame =
        before?.source === source &&
        before.type === type &&
        (before.editable ?? true) === editable &&
        (before.tags ?? []).join('\n') === tags.join('\n');
      return isSame
        ? before
        : {
            id,
            type,
            source,
            execution_count: null,
            ...(tags.length ? { tags: [...tags] } : {}),
            ...(editable ? {} : { editable })
          };
    });
}

/**
 * A file's edits as edits of its present segments, oldest first. Edits that added or removed a
 * marker are left out, and so are those of cells that no longer exist.
 */
export function eventsOf(events: readonly EventWire[], now: readonly Segment[]): EventWire[] {
  const found: EventWire[] = [];
  // Index of a segment in the text being read, going back in time, to its present id.
  let ids: (string | null)[] = now.map(segment => (isOff(segment) ? null : segment.id));
  for (const event of [...events].reverse()) {
    const [before, after] = [event.before, event.after].map(text => ({
      text,
      segments: segmentsOf(text)
    }));
    if (after.segments.length !== ids.length) {
      break; // something in between was not recorded
    }
    const sources = [before, after].map(({ text, segments }) =>
      segments.map(({ start, end }) => text.slice(start, end))
    );
    const head = common(sources[0], sources[1]);
    const tail = common(
      [...sources[0].slice(head)].reverse(),
      [...sources[1].slice(head)].reverse()
    );
    const changed = sources[1].length - head - tail;
    if (sources[0].length === sources[1].length && changed === 1) {
      const cell = ids[head];
      if (cell !== null) {
        found.unshift({ ...event, cell, before: sources[0][head], after: sources[1][head] });
      }
    } else {
      const gone = sources[0].length - head - tail;
      ids = [
        ...ids.slice(0, head),
        ...Array<null>(gone).fill(null),
        ...ids.slice(ids.length - tail)
      ];
    }
  }
  return found;
}

/** An answer about segments as one about the file, whose id is `file`. */
export function wholeAnswer(
  answer: AnswerWire,
  file: string,
  text: string,
  segments: readonly Segment[]
): AnswerWire {
  const byId = new Map(segments.map(segment => [segment.id, segment]));
  const base = textHash(text);
  const whole = (edit: EditWire): EditWire | null => {
    const segment = byId.get(edit.cell);
    const source = segment && text.slice(segment.start, segment.end);
    if (!segment || source === undefined || textHash(source) !== edit.base) {
      return null;
    }
    const { start } = segment;
    return { cell: file, base, start: start + edit.start, end: start + edit.end, text: edit.text };
  };
  const all = (edits: readonly EditWire[]) => edits.map(whole);
  const suggestions = answer.suggestions.flatMap((suggestion): SuggestionWire[] => {
    const [edits, optional] = [all(suggestion.edits), all(suggestion.optional ?? [])];
    const isWhole = [...edits, ...optional].every(edit => edit !== null);
    return isWhole
      ? [{ ...suggestion, edits: edits as EditWire[], optional: optional as EditWire[] }]
      : [];
  });
  return { ...answer, suggestions };
}

function common(one: readonly string[], other: readonly string[]): number {
  let n = 0;
  while (n < one.length && n < other.length && one[n] === other[n]) {
    n += 1;
  }
  return n;
}

/** Where the marker lines begin; lines within a multi-line string do not count. */
function markersOf(text: string): number[] {
  if (!/^#[ \t]*(?:%%|In)/m.test(text)) {
    return [];
  }
  const starts: number[] = [];
  let quote = ''; // the quote of the open multi-line string
  for (let at = 0; at <= text.length;) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, end);
    if (!quote && MARKER.test(line)) {
      starts.push(at);
    } else {
      quote = openAfter(line, quote);
    }
    at = end + 1;
  }
  return starts;
}

/** The quotes of the multi-line string that is open at a line's end; '' if there is none. */
function openAfter(line: string, quote: string): string {
  for (let i = 0; i < line.length;) {
    if (quote) {
      if (line[i] === '\\') {
        i += 2;
      } else if (line.startsWith(quote, i)) {
        i += quote.length;
        quote = '';
      } else {
        i += 1;
      }
      continue;
    }
    const char = line[i];
    if (char === '#') {
      return '';
    }
    if (char === '"' || char === "'") {
      quote = line.startsWith(char.repeat(3), i) ? char.repeat(3) : char;
      i += quote.length;
    } else {
      i += 1;
    }
  }
  return quote.length === 3 ? quote : ''; // a short string ends with its line
}
