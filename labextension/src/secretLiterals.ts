/** Evaluates expressions made of literals: the port of `core/secret_literals.py`. */

import { EXPRESSIONS, GETTERS, WRAPPERS } from './secretRules';
import { compile, matchAt, search } from './secretValues';

export interface Literal {
  readonly value: string;
  /** Whether a closing bracket follows. */
  readonly isLast: boolean;
  /** Whether it is the value itself, not an argument of a call that yields it. */
  readonly isSure: boolean;
}

/** What may be between two quotes of a kind. */
const INSIDE: Readonly<Record<string, string>> = {
  '"': 'double',
  "'": 'single',
  '`': 'backtick'
};

export class LiteralReader {
  private readonly found: Literal[] = [];
  private parts: string[] = [];
  private depth = 0;
  private braces = 0;
  private joins = false;
  private skip = false;
  private isSure = true;

  constructor(
    private readonly text: string,
    private at: number,
    private readonly inTuple: boolean
  ) {}

  read(): Literal[] {
    for (let i = 0; i < 40; i++) {
      this.at += matchAt('space', this.text, this.at)?.[0].length ?? 0;
      if (!(this.literal() || this.bracket() || this.word())) {
        break;
      }
    }
    this.flush();
    return this.found;
  }

  private flush(isLast = false): void {
    if (!this.parts.length) {
      return;
    }
    if (!this.skip) {
      this.found.push({ value: this.parts.join(''), isLast, isSure: this.isSure });
    }
    this.skip = false;
    this.parts = [];
  }

  private literal(): boolean {
    const text = this.text;
    const opening = matchAt('string', text, this.at);
    if (!opening || (this.parts.length && this.endsAnother())) {
      return false;
    }
    const quote = opening[1];
    const start = this.at + opening[0].length;
    let end: number;
    if (quote.length === 3) {
      const inner = text.slice(start, start + 600);
      let found = inner.indexOf(quote);
      if (found < 0) {
        // Half typed: what follows is not part of it.
        found = inner.indexOf('\n', matchAt('space', text, start)?.[0].length ?? 0);
      }
      end = found >= 0 ? start + found : Math.min(text.length, start + 600);
    } else {
      const inside = INSIDE[quote] ?? 'escaped';
      end = start + (matchAt(inside, text, start)?.[0].length ?? 0);
    }
    this.at = text.startsWith(quote, end) ? end + quote.length : end;
    let value = text.slice(start, end);
    if (opening[0].toLowerCase().includes('f')) {
      value = value.replace(compile(EXPRESSIONS.replacement, 'g'), '');
    }
    this.parts.push(strip(value, ' \t\r\n'));
    return true;
  }

  /** Whether the quote here closes the string that contains the literal just read. */
  private endsAnother(): boolean {
    const [before, here] = [this.text[this.at - 1], this.text[this.at]];
    return '"\''.includes(before) && '"\''.includes(here) && before !== here;
  }

  private foundOne(): boolean {
    return this.parts.length > 0 || (this.depth <= 0 && this.found.length > 0);
  }

  private bracket(): boolean {
    const char = this.text[this.at] ?? '';
    if (char === '(' || char === '[' || char === '{') {
      this.depth += 1;
      this.braces += char === '{' ? 1 : 0;
    } else if (char === ')' || char === ']' || char === '}') {
      this.flush(char !== '}');
      this.skip = false;
      this.depth -= 1;
      this.braces -= char === '}' ? 1 : 0;
      if (this.depth < 0) {
        return false;
      }
    } else if (char === ',') {
      if (!this.joins) {
        this.flush();
      }
      if (this.depth === 0 && !this.inTuple) {
        return false;
      }
    } else if (char === ':' && this.braces && this.parts.length) {
      this.parts = [];
    } else if (!(char === '+' && this.parts.length)) {
      return false;
    }
    this.at += 1;
    return true;
  }

  private word(): boolean {
    const condition = matchAt('condition', this.text, this.at);
    if (condition) {
      this.flush();
      this.at += condition[0].length;
      return true;
    }
    const isNumber = (this.inTuple || this.depth > 0) && !this.parts.length;
    const skipped =
      matchAt('added', this.text, this.at) ??
      (isNumber ? matchAt('number', this.text, this.at) : null);
    if (skipped) {
      this.at += skipped[0].length;
      return true;
    }
    const call = matchAt('call', this.text, this.at);
    if (!call) {
      return false;
    }
    const callee = call[0].slice(call[0].lastIndexOf('.') + 1, -1);
    if (GETTERS.has(callee)) {
      this.skip = true;
    } else if (callee === 'join') {
      this.joins = true;
    } else if (callee === 'format') {
      this.flush();
    } else if (this.foundOne() && !call[0].startsWith('.')) {
      return false; // another statement
    } else if (!WRAPPERS.has(callee) && !this.parts.length) {
      this.isSure = false;
    }
    this.depth += 1;
    this.at += call[0].length;
    return true;
  }
}

/** Without any of `chars` at either end, in one pass. */
export function strip(text: string, chars: string): string {
  let [low, high] = [0, text.length];
  while (low < high && chars.includes(text[low])) {
    low++;
  }
  while (high > low && chars.includes(text[high - 1])) {
    high--;
  }
  return text.slice(low, high);
}

/** Positions at which triple quotes alternately open and close strings. */
export function tripleQuotes(text: string): number[] {
  const found: number[] = [];
  let at = 0;
  for (;;) {
    const opening = search('triple', text, at);
    if (!opening) {
      return found;
    }
    found.push(opening.index);
    at = text.indexOf(opening[0], opening.index + 3);
    if (at < 0) {
      return found;
    }
    found.push(at);
    at += 3;
  }
}
