/**
 * Whether a value looks like a secret, a placeholder, or neither. The port of
 * `core/secret_values.py`.
 */

import { EXPRESSIONS, PLACEHOLDER_WORDS, SCHEMES } from './secretRules';

/** What a name says about its value; see the Python original. */
export type Strength = 'password' | 'key' | 'token' | 'loose';

const compiled = new Map<string, RegExp>();

/** An expression that is compiled on first use. `flags`: `y` or `g`, besides `u`. */
export function compile(pattern: string, flags: 'y' | 'g'): RegExp {
  const key = flags + pattern;
  let found = compiled.get(key);
  if (!found) {
    found = new RegExp(pattern, `${flags}u`);
    compiled.set(key, found);
  }
  return found;
}

/** The match of a named expression that begins at `at`. */
export function matchAt(name: string, text: string, at: number): RegExpExecArray | null {
  const expression = compile(EXPRESSIONS[name], 'y');
  expression.lastIndex = at;
  return expression.exec(text);
}

/** The first match of a named expression from `at` on. */
export function search(name: string, text: string, at = 0): RegExpExecArray | null {
  const expression = compile(EXPRESSIONS[name], 'g');
  expression.lastIndex = at;
  return expression.exec(text);
}

export function isSecretValue(value: string, strength: Strength): boolean {
  for (const scheme of SCHEMES) {
    value = value.startsWith(scheme) ? value.slice(scheme.length) : value;
  }
  const isKey = strength === 'token' || strength === 'key';
  const schemeOf = isKey ? matchAt('scheme_of', value, 0) : null;
  value = value.slice(schemeOf?.[0].length ?? 0);
  if (value.includes('\n')) {
    const joined = value.replace(/[ \t\r\n]+/g, '');
    value = looksRandom(joined) ? joined : value;
  }
  if (strength === 'token' && value.includes('; ')) {
    return value
      .split('; ')
      .slice(0, 20)
      .some(one => one.includes('=') && isSecretValue(one.slice(one.indexOf('=') + 1), 'token'));
  }
  if (isTemplate(value) || isStandIn(value) || matchAt('colour', value, 0)) {
    return false;
  }
  const length = [...value].length;
  if (strength === 'password') {
    return length >= 3 && (!value.includes('\n') || looksRandom(value));
  }
  const blanks = [' ', '\t', '\n', ...(value.includes('\\x') ? [] : ['\\n'])];
  if (blanks.some(blank => value.includes(blank)) && !looksRandom(value)) {
    return false;
  }
  if (strength === 'key') {
    const words = value.split(/[_./:-]/).filter(word => word);
    return (
      isVaried(value) ||
      isMixed(value) ||
      (length >= 8 && (words.length === 1 || looksRandom(value)))
    );
  }
  if (strength === 'token') {
    const colon = value.indexOf(':'); // `user:password`
    const behind = colon < 0 ? '' : value.slice(colon + 1);
    return isMixed(value) || looksRandom(value) || isVaried(behind);
  }
  return (length >= 32 && isHex(value)) || (length >= 16 && looksRandom(value));
}

/** Whether something else will replace it: `{password}`, `$PW`, `%s`, `<yours>`, `...`. */
export function isTemplate(value: string): boolean {
  return (
    !value ||
    ('{<[%'.includes(value[0]) && '}>]s%)d'.includes(value[value.length - 1])) ||
    value[0] === '$' ||
    ['...', ')', ',', ';'].some(start => value.startsWith(start)) ||
    ![...value].some(char => kindOf(char) !== 'other' || char > '\x7f')
  );
}

/** Whether it consists of words that documentation uses as placeholders for secrets. */
export function isStandIn(value: string): boolean {
  value = head(value);
  const lower = value.toLowerCase();
  if (new Set(lower).size <= 2 || value.endsWith('...')) {
    return true;
  }
  if (lower.includes('xxxxx') || value.includes('*****') || value.includes('.....')) {
    return true;
  }
  return (value.match(compile(EXPRESSIONS.word, 'g')) ?? []).every(word => {
    const plain = word.toLowerCase();
    return PLACEHOLDER_WORDS.has(plain) || ['xx', 'xxx', 'xxxx'].includes(plain);
  });
}

/** Whether letters and digits are mixed as in secrets, not as in `layer_12`. */
export function isMixed(value: string): boolean {
  const chars = [...head(value)];
  if (chars.length < 6 || chars.includes(' ')) {
    return false;
  }
  const plain = chars.map(kindOf).filter(kind => kind !== 'other');
  const letters = plain.filter(kind => kind !== 'digit').length;
  if (!letters || (letters === plain.length && plain.length === chars.length)) {
    return false;
  }
  const turns = count(
    plain,
    (kind, i) => i > 0 && (kind === 'digit') !== (plain[i - 1] === 'digit')
  );
  const marks = count(chars, char => '!@#$%^&*?~+'.includes(char));
  const apart = count(chars, char => '_-./ :'.includes(char));
  return turns + 2 * marks >= (plain.length <= 16 && !apart ? 1 : 2 + apart);
}

/** Whether it mixes letters with digits or symbols; less strict than `isMixed`. */
export function isVaried(value: string): boolean {
  const chars = [...head(value)];
  if (chars.length < 6 || chars.some(char => ' \t\n/.:,=<>(){}[]\'"'.includes(char))) {
    return false;
  }
  const kinds = new Set(chars.map(kindOf));
  const letters = kinds.has('lower') || kinds.has('upper');
  return letters && (kinds.has('digit') || chars.some(char => '!@#$%^&*?~+'.includes(char)));
}

/** Whether lower case, capitals and digits alternate as in random text. */
export function looksRandom(value: string): boolean {
  value = head(value);
  const chars = [...value];
  const plain = chars.map(kindOf).filter(kind => kind !== 'other');
  const others = chars.length - plain.length;
  if (plain.length < 16 || others > chars.length / 6 || value.includes(' ')) {
    return false;
  }
  if (entropy(chars) < 3.3) {
    return false;
  }
  if (!(plain.includes('lower') && plain.includes('upper'))) {
    const joined = value.replace(compile(EXPRESSIONS.joined_words, 'g'), '');
    if (joined !== value && [...joined].length < 16) {
      return false;
    }
  }
  const digits = count(plain, kind => kind === 'digit');
  const turns = count(plain, (kind, i) => i > 0 && kind !== plain[i - 1]) / (plain.length - 1);
  if (plain.includes('lower') && plain.includes('upper')) {
    const runs = value.match(compile(EXPRESSIONS.lower_run, 'g')) ?? [];
    const worded = runs.reduce((sum, run) => sum + run.length, 0) / plain.length;
    if (chars.length === 40 && worded < 0.4) {
      return digits >= 1 && turns >= 0.3;
    }
    return digits >= 1 && turns >= 0.4 && (worded <= 0.4 || turns >= 0.45);
  }
  return turns >= 0.25 && digits >= 4 && plain.length - digits >= 5;
}

/** Whether capitalised words make up that share of a name: `DataCollatorForSeq2Seq`. */
export function isWorded(value: string, share: number): boolean {
  const name = head(value);
  const words = name.match(compile(EXPRESSIONS.capitalised, 'g')) ?? [];
  const digits = [...name].filter(isDigit).length;
  return digits <= 2 && words.join('').length >= share * name.length;
}

export function isHex(value: string): boolean {
  const kinds = [...value].map(kindOf);
  const letters = count(kinds, kind => kind === 'lower' || kind === 'upper');
  return (
    !(kinds.includes('lower') && kinds.includes('upper')) &&
    count(kinds, kind => kind === 'digit') >= 4 &&
    letters >= 4 &&
    [...value].every(char => '0123456789abcdefABCDEF'.includes(char))
  );
}

export function isDigit(char: string): boolean {
  return char.length === 1 && char >= '0' && char <= '9';
}

function kindOf(char: string): 'lower' | 'upper' | 'digit' | 'other' {
  if (char >= 'a' && char <= 'z') {
    return 'lower';
  }
  if (char >= 'A' && char <= 'Z') {
    return 'upper';
  }
  return isDigit(char) ? 'digit' : 'other';
}

/** At most 200 characters of a value are examined. */
function head(value: string): string {
  return value.length <= 200 ? value : [...value.slice(0, 400)].slice(0, 200).join('');
}

function count<T>(items: readonly T[], is: (item: T, i: number) => boolean): number {
  return items.reduce((sum, item, i) => sum + (is(item, i) ? 1 : 0), 0);
}

/** Shannon entropy in bits per character; 0 for no characters. */
function entropy(chars: readonly string[]): number {
  const counts = new Map<string, number>();
  chars.forEach(char => counts.set(char, (counts.get(char) ?? 0) + 1));
  let bits = 0;
  for (const seen of counts.values()) {
    bits -= (seen / chars.length) * Math.log2(seen / chars.length);
  }
  return bits;
}

export function stripEnd(text: string, chars: string): string {
  let end = text.length;
  while (end > 0 && chars.includes(text[end - 1])) {
    end--;
  }
  return text.slice(0, end);
}

/** Whether it may be a numeric password, rather than a size, which would be round. */
export function isNumber(value: string): boolean {
  const isAll = value.length >= 6 && value.length <= 20 && [...value].every(isDigit);
  return isAll && !value.endsWith('000');
}

/** Whether a value occurs once in a text. */
export function isOnce(text: string, value: string): boolean {
  const at = text.indexOf(value);
  return at >= 0 && text.indexOf(value, at + value.length) < 0;
}

export function isAscii(text: string, start: number, end: number): boolean {
  return ![...text.slice(start, end)].some(char => char > '\x7f');
}
