/**
 * Edits of one text and their algebra: the port of `core/text_edit.py`, in UTF-16 units.
 *
 * With `a` made for `t`, and `b` for `a.apply(t)`:
 *
 *     a.compose(b).apply(t) == b.apply(a.apply(t))
 *     a.invert(t).apply(a.apply(t)) == t
 *     b = a.rebase(o):       null where both change one place
 *     r = a.interpolate(o):  r.apply(o.apply(t)) == a.apply(t)
 *
 * Both sides run `tests/golden/vectors/text_edit.json`.
 *
 */

/** The units from `start` up to `end` become `text`. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function growth(r: Replacement): number {
  return r.text.length - (r.end - r.start);
}

function isNoop(r: Replacement): boolean {
  return r.start === r.end && r.text === '';
}

function shifted(r: Replacement, by: number): Replacement {
  return { start: r.start + by, end: r.end + by, text: r.text };
}

function same(a: Replacement, b: Replacement): boolean {
  return a.start === b.start && a.end === b.end && a.text === b.text;
}

/** Sorted, disjoint replacements of one text; adjacent ones are merged, empty ones dropped. */
export class TextEdit {
  readonly replacements: readonly Replacement[];

  /** Throws a RangeError if the replacements are not sorted and disjoint. */
  constructor(replacements: readonly Replacement[] = []) {
    const merged: Replacement[] = [];
    for (const replacement of replacements) {
      if (!(0 <= replacement.start && replacement.start <= replacement.end)) {
        throw new RangeError('a replacement needs 0 <= start <= end');
      }
      if (isNoop(replacement)) {
        continue;
      }
      const last = merged[merged.length - 1];
      if (last && replacement.start < last.end) {
        throw new RangeError('replacements must be sorted and disjoint');
      }
      if (last && replacement.start === last.end) {
        merged[merged.length - 1] = {
          start: last.start,
          end: replacement.end,
          text: last.text + replacement.text
        };
      } else {
        merged.push({ start: replacement.start, end: replacement.end, text: replacement.text });
      }
    }
    this.replacements = merged;
  }

  /** An edit from replacements in any order. */
  static of(replacements: Iterable<Replacement>): TextEdit {
    return new TextEdit([...replacements].sort((a, b) => a.start - b.start || a.end - b.end));
  }

  static replace(start: number, end: number, text: string): TextEdit {
    return new TextEdit([{ start, end, text }]);
  }

  /**
   * The edit that turns `before` into `after`: by lines, trimmed to what differs in each.
   *
   * Two texts with one changed range give one replacement. A surrogate pair is never split.
   *
   */
  static between(before: string, after: string): TextEdit {
    if (before === after) {
      return new TextEdit();
    }
    const head = commonPrefix(before, after);
    const tail = commonSuffix(before, after, head);
    const old = before.slice(head, before.length - tail);
    const now = after.slice(head, after.length - tail);
    if (!old.includes('\n') || !now.includes('\n')) {
      return TextEdit.replace(head, head + old.length, now);
    }
    const oldLines = keepEnds(old);
    const newLines = keepEnds(now);
    const replacements: Replacement[] = [];
    let at = head;
    for (const [was, is] of changedStretches(oldLines, newLines)) {
      if (was === is) {
        at += was.length;
        continue;
      }
      const prefix = commonPrefix(was, is);
      const suffix = commonSuffix(was, is, prefix);
      replacements.push({
        start: at + prefix,
        end: at + was.length - suffix,
        text: is.slice(prefix, is.length - suffix)
      });
      at += was.length;
    }
    return new TextEdit(replacements);
  }

  get isEmpty(): boolean {
    return this.replacements.length === 0;
  }

  /** Whether every offset lies within `text`. */
  fits(text: string): boolean {
    const last = this.replacements[this.replacements.length - 1];
    return !last || last.end <= text.length;
  }

  /** The text after this edit. Throws a RangeError if an offset lies past its end. */
  apply(text: string): string {
    if (!this.fits(text)) {
      throw new RangeError('this edit was made for a longer text');
    }
    let result = '';
    let at = 0;
    for (const replacement of this.replacements) {
      result += text.slice(at, replacement.start) + replacement.text;
      at = replacement.end;
    }
    return result + text.slice(at);
  }

  /** The edit that undoes this one; `text` is the text before it. */
  invert(text: string): TextEdit {
    let grown = 0;
    return new TextEdit(
      this.replacements.map(replacement => {
        const start = replacement.start + grown;
        grown += growth(replacement);
        return {
          start,
          end: start + replacement.text.length,
          text: text.slice(replacement.start, replacement.end)
        };
      })
    );
  }

  /** One edit that does this and `then`, which was made for the text after this. */
  compose(then: TextEdit): TextEdit {
    const output = new Output(this.replacements);
    const result: Replacement[] = [];
    let at = 0;
    for (const later of then.replacements) {
      output.take(later.start - at, true, result);
      output.take(later.end - later.start, false, result);
      result.push({ start: output.source, end: output.source, text: later.text });
      at = later.end;
    }
    output.rest(result);
    return new TextEdit(result);
  }

  /**
   * This edit for the text after `over`, or null if both change the same place.
   *
   * Both were made for the same text. A replacement that `over` already made is dropped; of two insertions at one place, this one comes second.
   *
   */
  rebase(over: TextEdit): TextEdit | null {
    const rebased: Replacement[] = [];
    const others = over.replacements;
    let grown = 0;
    let index = 0;
    for (const mine of this.replacements) {
      while (
        index < others.length &&
        (others[index].end < mine.start ||
          (others[index].end === mine.start && !same(others[index], mine)))
      ) {
        grown += growth(others[index]);
        index += 1;
      }
      if (index < others.length && same(others[index], mine)) {
        continue;
      }
      if (index < others.length && conflict(mine, others[index])) {
        return null;
      }
      rebased.push(shifted(mine, grown));
    }
    return new TextEdit(rebased);
  }

  /**
   * What remains of this suggestion after the user typed part of it, or null.
   *
   * Both were made for the same text. The typed part must be the beginning of one replacement: it
   * may have overwritten some of what the replacement overwrites.
   *
   */
  interpolate(typed: TextEdit): TextEdit | null {
    if (typed.isEmpty) {
      return this;
    }
    if (typed.replacements.length !== 1) {
      return null;
    }
    const key = typed.replacements[0];
    const left: Replacement[] = [];
    let grown = 0;
    let found = false;
    for (const mine of this.replacements) {
      if (
        !found &&
        key.start === mine.start &&
        key.end <= mine.end &&
        mine.text.startsWith(key.text)
      ) {
        found = true;
        grown = growth(key);
        left.push({
          start: mine.start + key.text.length,
          end: mine.end + grown,
          text: mine.text.slice(key.text.length)
        });
      } else {
        left.push(shifted(mine, grown));
      }
    }
    return found ? new TextEdit(left) : null;
  }

  /**
   * Where `offset` of the text before lies in the text after.
   *
   * Inside a replaced range it goes to the end of the new text (`after`) or to its start.
   *
   */
  mapOffset(offset: number, after = true): number {
    let grown = 0;
    for (const r of this.replacements) {
      if (r.start > offset || (r.start === offset && !after)) {
        break;
      }
      if (r.end > offset || (r.end === offset && !after)) {
        return r.start + grown + (after ? r.text.length : 0);
      }
      grown += growth(r);
    }
    return offset + grown;
  }
}

/** Reads the new text from its start; `source` is the corresponding position in the old text. */
class Output {
  source = 0;
  private left: Replacement[];
  private pending = '';

  constructor(replacements: readonly Replacement[]) {
    this.left = [...replacements].reverse();
  }

  take(length: number, keep: boolean, result: Replacement[]): void {
    while (length > 0) {
      if (this.pending) {
        const text = this.pending.slice(0, length);
        this.pending = this.pending.slice(length);
        length -= text.length;
        if (keep) {
          result.push({ start: this.source, end: this.source, text });
        }
        continue;
      }
      const next = this.left[this.left.length - 1];
      if (next && next.start === this.source) {
        this.left.pop();
        result.push({ start: next.start, end: next.end, text: '' });
        this.source = next.end;
        this.pending = next.text;
        continue;
      }
      const step = next ? Math.min(length, next.start - this.source) : length;
      if (!keep) {
        result.push({ start: this.source, end: this.source + step, text: '' });
      }
      this.source += step;
      length -= step;
    }
  }

  rest(result: Replacement[]): void {
    result.push({ start: this.source, end: this.source, text: this.pending });
    result.push(...this.left.reverse());
  }
}

function conflict(a: Replacement, b: Replacement): boolean {
  const overlap = Math.max(a.start, b.start) < Math.min(a.end, b.end);
  if (a.start === a.end || b.start === b.end) {
    // An insertion conflicts only strictly inside what the other replaces.
    return (
      overlap || (a.start < b.start && b.start < a.end) || (b.start < a.start && a.start < b.end)
    );
  }
  return overlap;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

function commonPrefix(a: string, b: string): number {
  const limit = Math.min(a.length, b.length);
  let at = 0;
  while (at < limit && a.charCodeAt(at) === b.charCodeAt(at)) {
    at += 1;
  }
  return at > 0 && at < Math.max(a.length, b.length) && isHigh(a.charCodeAt(at - 1)) ? at - 1 : at;
}

function commonSuffix(a: string, b: string, taken: number): number {
  const limit = Math.min(a.length, b.length) - taken;
  let at = 0;
  while (at < limit && a.charCodeAt(a.length - 1 - at) === b.charCodeAt(b.length - 1 - at)) {
    at += 1;
  }
  return at > 0 && isLow(a.charCodeAt(a.length - at)) ? at - 1 : at;
}

function keepEnds(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Pairs of ranges, equal or changed, that make up both texts in order. */
function changedStretches(old: string[], now: string[]): [string, string][] {
  if (old.length === now.length) {
    return old.map((line, i) => [line, now[i]]);
  }
  if (old.length * now.length > 1_000_000) {
    return [[old.join(''), now.join('')]];
  }
  // The longest common subsequence of lines; lengths[i][j] is that of old[i:] and now[j:].
  const width = now.length + 1;
  const lengths = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        old[i] === now[j]
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const stretches: [string, string][] = [];
  let [was, is] = ['', ''];
  const flush = () => {
    if (was || is) {
      stretches.push([was, is]);
      [was, is] = ['', ''];
    }
  };
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      flush();
      stretches.push([old[i++], now[j++]]);
    } else if (
      j < now.length &&
      (i === old.length || lengths[i * width + j + 1] >= lengths[(i + 1) * width + j])
    ) {
      is += now[j++];
    } else {
      was += old[i++];
    }
  }
  flush();
  return stretches;
}
