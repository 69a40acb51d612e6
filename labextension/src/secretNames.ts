/**
 * Names of secrets, and whether a secret is assigned to one: the port of `core/secret_names.py`,
 * function by function.
 */

import { LiteralReader, strip, tripleQuotes, type Literal } from './secretLiterals';
import * as rules from './secretRules';
import {
  compile,
  isAscii,
  isDigit,
  isMixed,
  isNumber,
  isOnce,
  isSecretValue,
  isTemplate,
  isVaried,
  looksRandom,
  matchAt,
  search,
  stripEnd,
  type Strength
} from './secretValues';
import { Variables } from './secretVariables';

const WINDOW = 300;
const NAME = new Set('abcdefghijklmnopqrstuvwxyz0123456789_-');

export function hasNamed(text: string, folded: string): boolean {
  if (!rules.KEY_WORDS.some(word => folded.includes(word))) {
    return false;
  }
  let [done, steps] = [0, 0];
  const foreign = isForeign(text) || search('section', text) !== null;
  const quotes = tripleQuotes(text);
  const variables = new Variables(text);
  let passed = 0;
  for (const match of folded.matchAll(compile(rules.KEY_WORDS.join('|'), 'g'))) {
    if (match.index < done) {
      continue;
    }
    let start = match.index;
    const low = Math.max(done, start - 60);
    while (start > low && (NAME.has(folded[start - 1]) || folded[start - 1] > '\x7f')) {
      start--;
    }
    while (text[start] === '-') {
      start++;
    }
    done = match.index + match[0].length;
    done += matchAt('name_tail', text, done)?.[0].length ?? 0;
    const sends = matchAt('sends', text, done) !== null;
    let strength = strengthOf(text.slice(start, done), sends);
    if (strength === 'loose') {
      // `fs.s3a.access.key`
      const dotted = search('dotted', text.slice(Math.max(0, start - 21), start));
      const whole = dotted ? `${dotted[1]}_${text.slice(start, done)}` : '';
      strength = strengthOf(whole, false) === 'key' ? 'key' : strength;
    }
    if (strength === null || isRunThrough(text, start, done)) {
      continue;
    }
    steps++;
    while (quotes[passed] <= start) {
      passed++;
    }
    const inText = strength === 'password' && passed % 2 === 1;
    if (
      steps > rules.MAX_STEPS ||
      isGiven(text, start, done, strength, foreign, inText, variables)
    ) {
      return true;
    }
  }
  return false;
}

/** Whether a `pass` is one through something: `forward pass = 3`. */
function isRunThrough(text: string, start: number, end: number): boolean {
  const before = search('last_word', text.slice(Math.max(0, start - 17), start));
  const isPass = text.slice(start, end).toLowerCase() === 'pass';
  return isPass && before !== null && rules.PASSES.has(before[1].toLowerCase());
}

/** How much a name says about its value; `sends`: it is an element of a web page. */
export function strengthOf(name: string, sends: boolean): Strength | null {
  const words = (name.match(compile(rules.EXPRESSIONS.word, 'g')) ?? []).map(word =>
    word.toLowerCase()
  );
  const isTail = (word: string) =>
    rules.NAME_TAILS.has(word) || isDigit(word[0]) || (sends && rules.ELEMENTS.has(word));
  while (words.length > 1 && isTail(words[words.length - 1])) {
    words.pop();
  }
  if (!words.length) {
    return null;
  }
  let joined = words.join('');
  let last = words[words.length - 1];
  const before = words[words.length - 2];
  if (last === 'passes') {
    return null; // of a ball, over the data
  }
  if (last.endsWith('s') && !rules.PASSWORD_WORDS.has(last) && last !== 'pass') {
    joined = joined.slice(0, -1);
    last = last.slice(0, -1);
    if (last === 'token') {
      return 'loose';
    }
  }
  if (last === 'pass' && before !== undefined && rules.PASSES.has(before)) {
    return null;
  }
  const endsIn = (ends: readonly string[]) => ends.some(end => joined.endsWith(end));
  if (rules.PASSWORD_WORDS.has(last) || endsIn(rules.PASSWORD_ENDS)) {
    return 'password';
  }
  if (last === 'token' && before !== undefined && rules.TEXT_TOKENS.has(before)) {
    return 'loose';
  }
  if (endsIn(rules.KEY_ENDS)) {
    return 'key';
  }
  if (rules.TOKEN_WORDS.has(last) || joined.endsWith('token')) {
    return 'token';
  }
  return rules.LOOSE_WORDS.has(last) || rules.LOOSE_WORDS.has(joined) ? 'loose' : null;
}

/** Where a value may be assigned to a name; see the Python original. */
interface Place {
  readonly at: number;
  readonly operator: string;
  readonly index?: number;
  readonly isSure?: boolean;
}

/** Whether a secret is assigned to the name at `start` to `end`. */
function isGiven(
  text: string,
  start: number,
  end: number,
  strength: Strength,
  foreign: boolean,
  inText: boolean,
  variables: Variables
): boolean {
  const head = headOf(text, start);
  if (isBefore(head, strength)) {
    return true;
  }
  const place = placeOf(text, start, end, strength, head);
  if (!place) {
    return false;
  }
  const { operator, index = 0, isSure = false } = place;
  let [at, inTuple, which] = [place.at, index > 0, 0];
  if (operator === '=' || operator === ':') {
    at += matchAt('ended', text, at)?.[0].length ?? 0;
  }
  if (operator === '=' && index === 0 && matchAt('heads', head, 0)) {
    which = head.split(',').length - 1;
    inTuple = which > 0;
  }
  if (strength === 'password' && operator === '=' && matchAt('spelt', text, at)) {
    return true;
  }
  inTuple ||= operator === '(' || operator === 'in';
  let literals = new LiteralReader(text, at, inTuple).read();
  if (which && literals.length === 1) {
    // `user, password = "ann …".split()`
    const [whole] = literals;
    literals = whole.value.split(/[ \t,:;|/]+/).map(value => ({ ...whole, value }));
  }
  if (literals.length) {
    return judge(literals, which, operator, strength, isSure);
  }
  if ((operator === '=' || operator === ':') && (strength === 'password' || strength === 'key')) {
    const madeUp = variables.given(at).filter(({ value }) => isMadeUp(value, strength));
    if (judge(madeUp, 0, operator, strength)) {
      return true;
    }
  }
  if (operator === ',' || (operator === '(' && !head.includes('#'))) {
    return false;
  }
  at += matchAt('blanks', text, at)?.[0].length ?? 0;
  const leads = head.includes('{') || matchAt('lead', head, 0) !== null;
  const isSetting = inText && leads && (operator === ':' || operator === '=');
  const isText = isSetting && matchAt('text_value', text, at) !== null;
  const isEnv =
    index === 0 &&
    /^[^a-z]*[A-Z][^a-z]*$/.test(text.slice(start, end)) &&
    isAscii(text, start, end);
  return isBare(text, at, head, operator, strength, foreign || isText || isSure, isEnv);
}

/** Whether a secret is before its name: what it is compared with, the value of the form's element. */
function isBefore(head: string, strength: Strength): boolean {
  if (strength !== 'password' && strength !== 'key') {
    return false;
  }
  const yoda = stripEnd(head, ' \t').endsWith('=') ? search('yoda', head) : null;
  if (yoda && isSecretValue(yoda[1], strength)) {
    return true;
  }
  const element = search('described', head);
  return element !== null && isMadeUp(element[1], strength) && isSecretValue(element[1], strength);
}

function placeOf(
  text: string,
  start: number,
  end: number,
  strength: Strength,
  head: string
): Place | null {
  const close = matchAt('close', text, end);
  const closed = close !== null;
  let at = end + (close?.[0].length ?? 0);
  at += matchAt('brackets', text, at)?.[0].length ?? 0;
  const told = toldPlace(text, at, end, closed, head);
  if (told) {
    return told;
  }
  const found = matchAt('operator', text, at);
  const isPassword = strength === 'password';
  let char = text[at] ?? '';
  const folded = fold(head);
  if (found) {
    const isSure =
      found[1] === '(' && isPassword && handsOver(text.slice(start, end), head, folded);
    return { at: at + found[0].length, operator: found[1], isSure };
  }
  if (char === ',' && isPassword && !closed && search('compared', head)) {
    return { at: at + 1, operator: '=' };
  }
  if (closed && char === ',') {
    if (isPassword && search('setter', folded)) {
      return { at: at + 1, operator: '=' };
    }
    if (isPassword && /["']--$/.test(head) && matchAt('quoted', text, at + 1)) {
      return { at: at + 1, operator: '=', isSure: true }; // an option in a list of arguments
    }
    const isSure = isPassword && search('pairs', folded) !== null;
    return { at: at + 1, operator: ',', isSure };
  }
  const attributes = /[<:]$/.test(head) ? matchAt('attributes', text, at) : null;
  if (attributes) {
    at += attributes[0].length;
    char = '>';
  }
  if (char === '>') {
    return matchAt('element', text, at + 1) ? { at: at + 1, operator: '>' } : null;
  }
  const isSaid = !closed && (strength === 'password' || strength === 'key');
  const said = isSaid ? matchAt('said_of', text, end)?.[0] : undefined;
  if (said !== undefined && (!said.includes('|') || matchAt('cell_of', head, 0))) {
    return { at: end + said.length, operator: said.includes('|') ? ':' : ' ' };
  }
  if (!closed && (char === ' ' || char === '\t')) {
    const grants = isPassword && search('grants', folded) !== null;
    return { at, operator: ' ', isSure: (grants || head.endsWith('-')) && isPassword };
  }
  return null;
}

/** The places that a single expression identifies. */
function toldPlace(
  text: string,
  at: number,
  end: number,
  closed: boolean,
  head: string
): Place | null {
  for (const name of ['cases', 'answered', 'filled_row', 'values']) {
    const row = name === 'answered' || !closed ? matchAt(name, text, end) : null;
    if (row) {
      return { at: end + row[0].length, operator: 'in' };
    }
  }
  const returns = head.endsWith('def ') ? matchAt('returns', text, at) : null;
  const given = returns ?? (closed ? matchAt('default', text, at) : null);
  if (given) {
    return { at: at + given[0].length, operator: '=' };
  }
  const isTarget = (!closed || text[at - 1] === ']') && matchAt('target_head', head, 0);
  const targets = isTarget ? matchAt('targets', text, at) : null;
  if (targets) {
    return { at: at + targets[0].length, operator: '=', index: 1 };
  }
  const annotation = matchAt('annotation', text, at);
  if (annotation) {
    return { at: at + annotation[0].length, operator: '=' };
  }
  const asked = matchAt('asked', text, end);
  if (asked) {
    return { at: end + asked[0].length, operator: '=' };
  }
  const said = closed ? null : matchAt('said_with', text, end);
  if (said) {
    return { at: end + said[0].length, operator: ',' };
  }
  const valued = matchAt('valued', text, end);
  return valued ? { at: end + valued[0].length, operator: ':', isSure: true } : null;
}

/** Whether a call that is named like a secret takes it as an argument: `set_password("…")`. */
function handsOver(name: string, head: string, folded: string): boolean {
  return (
    (head.endsWith('.') && !matchAt('fetches', name, 0)) ||
    matchAt('hands', name, 0) !== null ||
    search('sets_password', folded) !== null
  );
}

export function judge(
  literals: readonly Literal[],
  which: number,
  operator: string,
  strength: Strength,
  isSure = false
): boolean {
  if (operator === '(') {
    literals = literals.slice(-1);
  } else if (which) {
    literals = literals.slice(which, which + 1);
  }
  return literals.some(
    ({ value, isLast, isSure: isValue }) =>
      !(operator === ',' && !isLast) &&
      !(
        [',', '(', ' '].includes(operator) &&
        !((isSure && !value.includes(' ')) || isMadeUp(value, strength))
      ) &&
      (isValue || isVaried(value) || looksRandom(value)) &&
      isSecretValue(value, strength)
  );
}

/**
 * Whether a value is not a natural-language word, judged by how strongly its name suggests a
 * secret.
 */
function isMadeUp(value: string, strength: Strength): boolean {
  return isMixed(value) || looksRandom(value) || (strength === 'password' && isVaried(value));
}

/** A value without quotes: in a shell, a settings file, a comment, or inside a string. */
function isBare(
  text: string,
  at: number,
  head: string,
  operator: string,
  strength: Strength,
  foreign: boolean,
  isEnv: boolean
): boolean {
  at += matchAt('said_scheme', text, at)?.[0].length ?? 0;
  const filled = matchAt('filled', text, at);
  if (filled) {
    const literals = new LiteralReader(text, at + filled[0].length, true).read();
    const varied = literals.filter(({ value }) => isVaried(value));
    return judge(varied, 0, 'in', strength);
  }
  const braced = head.endsWith(';') ? matchAt('braced', text, at) : null;
  if (braced && isVaried(braced[1])) {
    return true;
  }
  const match = matchAt('bare', text, at);
  if (!match) {
    return false;
  }
  let value = stripEnd(match[0], rules.VERBS.includes(operator) ? '.:!?' : '.:');
  const end = at + match[0].length;
  if (operator === ' ' && value.startsWith('-')) {
    return false; // another option
  }
  if (head.endsWith('/')) {
    value = value.slice(value.lastIndexOf('/') + 1); // `user/password: ann/…`
  }
  const next = text[end] ?? '';
  if (['(', '[', '{', '$'].includes(next) || isTemplate(value)) {
    return false;
  }
  let start = 0;
  while (head[start] === ' ' || head[start] === '\t') {
    start++;
  }
  const line = head.slice(start);
  const isOption = head.endsWith('-');
  const endsLine =
    ['', '\n', '\r', '|', '<'].includes(next) ||
    [' \n', ' |'].includes(text.slice(end, end + 2)) ||
    text.startsWith(' -->', end);
  let mixed = isMadeUp(value, strength);
  const leads = matchAt('lead', head, 0) !== null;
  const inPlace = (leads && endsLine) || next === '}' || next === ',';
  const isStrong = strength === 'password' || strength === 'key';
  const isSetting = operator === ':' && strength === 'password' && inPlace; // YAML in a string
  // `NAME=value` in a settings file; a name that occurs once is not a variable.
  const isLine =
    leads && text[at - 1] === '=' && endsLine && isStrong && mixed && isOnce(text, value);
  const isPassword = strength === 'password';
  const ofDigits = isPassword && isNumber(value);
  const inShell =
    line.startsWith('!') || line.startsWith('%') || matchAt('caught', head, 0) !== null;
  const plain = isPassword && endsLine && matchAt('plain_word', text, at) !== null;
  const said = head.slice(Math.max(head.lastIndexOf("'"), head.lastIndexOf('"')) + 1);
  const isProse = isStrong && matchAt('prose', said, 0) !== null;
  const isRow = leads && endsLine && isStrong && mixed;
  const isExport = line === 'export ' || line === '$ export ';
  if (operator === ' ') {
    let isSaid = isOption || leads || isProse;
    isSaid ||= rules.SETTING_MAGICS.some(start => line.startsWith(start));
    isSaid ||= strength !== 'loose' && inShell;
    if (line.startsWith('%')) {
      mixed ||= endsLine;
    }
    const lower = head.toLowerCase();
    const login = rules.ACCOUNT_WORDS.some(word => lower.includes(word));
    const isPlain = !stripEnd(value, '=').includes('=');
    // `--password word`, where a shell is given it.
    const isGivenOption = isOption && isPassword && (inShell || foreign) && [...value].length >= 5;
    const sets = (isStrong && matchAt('sets', head, 0) !== null) || isGivenOption;
    if (!sets && !(mixed && isPlain && (isSaid || login || head.includes('#')))) {
      return false;
    }
    if (!sets && line === '' && !foreign && !isRow && !looksRandom(value)) {
      return false;
    }
  } else if (foreign || inShell || isOption) {
    const ends = endsLine || ((next === '}' || next === ',') && head.includes('{'));
    if (!(mixed || (isStrong && (ends || operator === '=')))) {
      return false;
    }
  } else if (head.includes('#')) {
    const noted = plain && text[at - 1] === '=' && matchAt('noted', head, 0) !== null;
    if (!(mixed || noted)) {
      return false;
    }
  } else if (
    !isSetting &&
    !isLine &&
    !(mixed && (head.endsWith('?') || head.endsWith('&'))) &&
    !(ofDigits && (operator === '=' || operator === ':')) &&
    !["'", '"', ';', '&', '<', '`', '\\'].includes(next) &&
    !(operator === '=' && matchAt('after', text, end)) &&
    !((line === '' || isExport) && text[at - 1] === '=' && looksRandom(value)) &&
    !(isExport && isPassword && endsLine) &&
    !(rules.VERBS.includes(operator) && isStrong) &&
    !(operator === ':' && isProse) &&
    !(['=>', '->', ':'].includes(operator) && isRow) &&
    !(mixed && endsLine && matchAt('settings', head, 0)) &&
    !(mixed && operator === '=' && stripEnd(head, ' ').endsWith(';') && head.includes('=')) &&
    !(mixed && endsLine && matchAt('listed_item', head, 0)) &&
    !(mixed && isPassword && isEnv && text[at - 1] === '=') &&
    !(mixed && isPassword && endsLine && head.endsWith('/')) &&
    !(mixed && isRow && isPassword && [...value].some(char => rules.MARKS.includes(char)))
  ) {
    return false;
  } else if (operator !== '=' && !mixed && !ofDigits) {
    const isPlain = plain && (operator === ':' || operator === '\uff1a') && line === head;
    if (!(isPassword && operator === '>') && !isPlain) {
      return false;
    }
  }
  return isSecretValue(value, strength);
}

/** Lower-case ASCII letters only: offsets stay the same, here and in Python. */
export function fold(text: string): string {
  return text.replace(/[A-Z]+/g, letters => letters.toLowerCase());
}

/** The line before `at`, within the window, or from where a triple-quoted text begins. */
function headOf(text: string, at: number): string {
  const window = text.slice(Math.max(0, at - WINDOW), at);
  const head = window.slice(window.lastIndexOf('\n') + 1);
  const begins = Math.max(...LONG_QUOTES.map(quote => head.lastIndexOf(quote)));
  return begins >= 0 ? head.slice(begins + 3) : head;
}

export const LONG_QUOTES = ['"'.repeat(3), "'".repeat(3)];

/** Whether the cell is a script or a file in another language. */
function isForeign(text: string): boolean {
  const start = strip(text.slice(0, 200), ' \t\r\n');
  return start.startsWith('%%') && !rules.PYTHON_CELLS.some(name => start.startsWith(name, 2));
}
