/**
 * Which texts hold a secret, and so are never recorded: the twin of `core/redact.py`, function by
 * function, which says why each thing is as it is. The rules are generated from its own, and both
 * sides are held to the same vectors.
 *
 * Time is linear in the text: expressions are bounded, each place is looked at with a bounded
 * window, and a text with more places than MAX_STEPS allows is refused unread.
 */

import { LiteralReader, strip, type Literal } from './secretLiterals';
import * as rules from './secretRules';
import {
  compile,
  isDigit,
  isHex,
  isMixed,
  isSecretValue,
  isStandIn,
  isTemplate,
  isVaried,
  looksRandom,
  matchAt,
  search,
  type Strength
} from './secretValues';

const WINDOW = 300;
const NAME = new Set('abcdefghijklmnopqrstuvwxyz0123456789_-');
const PAIRS = [
  ...['auth', 'login', 'connect', 'cred', 'ftp(', 'smtp', 'url.create(', 'register('],
  ...['pw_set(', 'dbclient(', '.new(', 'fernet(', 'crypt(', 'jwt.', 'otp(', 'redis('],
  ...['gis(', 'sentinelapi(']
];
const UNSURE = [
  ...['dash_other', 'here', 'slash', 'listed', 'user_and', 'said_pair'],
  ...['said_after', 'mailbox']
];
const PYTHON_CELLS = ['time', 'timeit', 'capture', 'prun', 'debug', 'matplotlib'];

/** Whether the text must not be recorded. Errs on the side of refusing. */
export function holdsSecret(text: string): boolean {
  const folded = fold(text);
  return (
    hasShape(text) ||
    hasAddress(text) ||
    hasNamed(text, folded) ||
    hasPair(text, folded) ||
    hasCommand(text, folded) ||
    hasRandom(text, folded) ||
    isSplitUp(text)
  );
}

function hasShape(text: string): boolean {
  for (const [, mark, pattern] of rules.SHAPES) {
    if (text.includes(mark)) {
      for (const match of text.matchAll(compile(pattern, 'g'))) {
        if (!isStandIn(match[0])) {
          return true;
        }
      }
    }
  }
  return false;
}

function isSplitUp(text: string): boolean {
  if (!text.includes('"') && !text.includes("'")) {
    return false;
  }
  const joined = text.replace(compile(rules.EXPRESSIONS.joint, 'g'), '');
  return (
    joined.length !== text.length &&
    (hasShape(joined) || hasAddress(joined) || hasRandom(joined, fold(joined)))
  );
}

function hasAddress(text: string): boolean {
  let steps = 0;
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at + 3)) {
    if (++steps > rules.MAX_STEPS) {
      return true;
    }
    const password = matchAt('scheme', text, at)?.[2];
    if (password !== undefined) {
      const slash = password.indexOf('/');
      const isPort = slash >= 0 && [...password.slice(0, slash)].every(isDigit);
      if (!isPort && !isTemplate(password) && !isStandIn(password)) {
        return true;
      }
    }
    const half = matchAt('half_scheme', text, at)?.[1];
    if (half !== undefined && isHalfPassword(half)) {
      return true;
    }
    const lone = matchAt('lone', text, at);
    if (lone && looksRandom(lone[1])) {
      return true;
    }
  }
  return false;
}

function isHalfPassword(value: string): boolean {
  const isPort = [...value].every(isDigit);
  return !isPort && !isTemplate(value) && !isStandIn(value);
}

function hasRandom(text: string, folded: string): boolean {
  for (const match of text.matchAll(compile(rules.EXPRESSIONS.run, 'g'))) {
    const run = match[0];
    if (run.length > 400) {
      continue;
    }
    const before = text[match.index - 1];
    const isQuoted = before === "'" || before === '"';
    const isBase64 = isQuoted && !/[_-]/.test(run) && !run.includes('//');
    for (const piece of isBase64 && looksRandom(run) ? [run] : run.split('/')) {
      const isSum = piece.length >= 32 && isHex(piece);
      // Shorter ones are keys where they are all that is quoted, in capitals.
      const after = text[match.index + run.length];
      const isLong =
        piece.length >= 20 ||
        (isQuoted && (after === "'" || after === '"') && matchAt('capitals', run, 0) !== null);
      if (!isLong || !(isSum || looksRandom(piece)) || matchAt('uuid', piece, 0)) {
        continue;
      }
      let head = folded.slice(Math.max(0, match.index - 120), match.index);
      head = head.slice(head.lastIndexOf('\n') + 1);
      const inPath = head.includes('://') && !head.slice(head.lastIndexOf('://')).includes('?');
      if (!inPath && !search('sum', head)) {
        return true;
      }
    }
  }
  return false;
}

function hasNamed(text: string, folded: string): boolean {
  if (!rules.KEY_WORDS.some(word => folded.includes(word))) {
    return false;
  }
  let [done, steps] = [0, 0];
  const foreign = isForeign(text) || search('section', text) !== null;
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
    const strength = strengthOf(text.slice(start, done), sends);
    if (strength === null) {
      continue;
    }
    steps++;
    if (steps > rules.MAX_STEPS || isGiven(text, start, done, strength, foreign)) {
      return true;
    }
  }
  return false;
}

/** How much a name says about what is given to it; `sends`: it is an element of a page. */
function strengthOf(name: string, sends: boolean): Strength | null {
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
  return rules.LOOSE_WORDS.has(last) ? 'loose' : null;
}

/** Whether a secret is given to the name at `start` to `end`. */
function isGiven(
  text: string,
  start: number,
  end: number,
  strength: Strength,
  foreign: boolean
): boolean {
  const close = matchAt('close', text, end);
  const closed = close !== null;
  let at = end + (close?.[0].length ?? 0);
  at += matchAt('brackets', text, at)?.[0].length ?? 0;
  let [operator, index, which] = ['', 0, 0];
  const head = headOf(text, start);
  const assigned = closed ? matchAt('default', text, at) : null;
  const returns = head.endsWith('def ') ? matchAt('returns', text, at) : null;
  const targets = closed ? null : matchAt('targets', text, at);
  const annotation = matchAt('annotation', text, at);
  const found = matchAt('operator', text, at);
  const told =
    (closed ? null : matchAt('cases', text, end)) ??
    matchAt('answered', text, end) ??
    (closed ? null : matchAt('values', text, end));
  const said = matchAt('said_with', text, end);
  if (told) {
    [at, operator] = [end + told[0].length, 'in'];
  } else if (returns ?? assigned) {
    [at, operator] = [at + (returns ?? assigned)![0].length, '='];
  } else if (targets) {
    [at, operator, index] = [at + targets[0].length, '=', 1];
  } else if (annotation) {
    [at, operator] = [at + annotation[0].length, '='];
  } else if (said && !closed) {
    [at, operator] = [end + said[0].length, ','];
  } else if (found) {
    [at, operator] = [at + found[0].length, found[1]];
  } else if (closed && text[at] === ',') {
    const sets = strength === 'password' && search('setter', head) !== null;
    [at, operator] = [at + 1, sets ? '=' : ','];
  } else if (text[at] === '>') {
    [at, operator] = [at + 1, '>'];
    if (!matchAt('element', text, at)) {
      return false;
    }
  } else if (!closed && (text[at] === ' ' || text[at] === '\t')) {
    operator = ' ';
  } else {
    return false;
  }
  if (operator === '=' && index === 0 && !closed && matchAt('heads', head, 0)) {
    which = index = head.split(',').length - 1;
  }
  const literals = new LiteralReader(
    text,
    at,
    index > 0 || operator === '(' || operator === 'in'
  ).read();
  if (literals.length) {
    return judge(literals, which, operator, strength);
  }
  if (operator === '(' || operator === ',') {
    return false;
  }
  at += matchAt('blanks', text, at)?.[0].length ?? 0;
  return isBare(text, at, head, operator, strength, foreign);
}

function judge(
  literals: readonly Literal[],
  which: number,
  operator: string,
  strength: Strength
): boolean {
  if (operator === '(') {
    literals = literals.slice(-1);
  } else if (which) {
    literals = literals.slice(which, which + 1);
  }
  return literals.some(
    ({ value, isLast }) =>
      !(operator === ',' && !isLast) &&
      !([',', '(', ' '].includes(operator) && !isMadeUp(value, strength)) &&
      isSecretValue(value, strength)
  );
}

/** Whether a value is no word of a language, as far as the name makes that likely. */
function isMadeUp(value: string, strength: Strength): boolean {
  return isMixed(value) || looksRandom(value) || (strength === 'password' && isVaried(value));
}

/** A value without quotes: in a shell, a file of settings, a comment, or inside a string. */
function isBare(
  text: string,
  at: number,
  head: string,
  operator: string,
  strength: Strength,
  foreign: boolean
): boolean {
  at += matchAt('said_scheme', text, at)?.[0].length ?? 0;
  const filled = matchAt('filled', text, at);
  if (filled) {
    const literals = new LiteralReader(text, at + filled[0].length, true).read();
    const varied = literals.filter(({ value }) => isVaried(value));
    return judge(varied, 0, 'in', strength);
  }
  const match = matchAt('bare', text, at);
  if (!match) {
    return false;
  }
  const value = stripEnd(match[0], '.:');
  const end = at + match[0].length;
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
    ['', '\n', '\r', '|', '<'].includes(next) || [' \n', ' |'].includes(text.slice(end, end + 2));
  let mixed = isMadeUp(value, strength);
  const leads = matchAt('lead', head, 0) !== null;
  const inPlace = (leads && endsLine) || next === '}' || next === ',';
  const isStrong = strength === 'password' || strength === 'key';
  const isSetting = operator === ':' && strength === 'password' && inPlace; // YAML in a string
  // `NAME=value` of a file of settings; a name that is used once is no variable.
  const isLine =
    leads && text[at - 1] === '=' && endsLine && isStrong && mixed && isOnce(text, value);
  const ofDigits = strength === 'password' && isNumber(value);
  const isProse = isStrong && matchAt('prose', head, 0) !== null;
  const isRow = leads && endsLine && isStrong && mixed;
  if (operator === ' ') {
    let isSaid = isOption || leads || isProse;
    isSaid ||= line.startsWith('%env ') || line.startsWith('%set_env ');
    isSaid ||= isStrong && line.startsWith('!');
    if (line.startsWith('%')) {
      mixed ||= endsLine;
    }
    const lower = head.toLowerCase();
    const login = ['login', 'machine', 'configure', 'user'].some(word => lower.includes(word));
    const isPlain = !stripEnd(value, '=').includes('=');
    if (!(mixed && isPlain && (isSaid || login || head.includes('#')))) {
      return false;
    }
    if (line === '' && !foreign && !isRow && !looksRandom(value)) {
      return false;
    }
  } else if (foreign || line.startsWith('!') || line.startsWith('%') || isOption) {
    if (!(mixed || (isStrong && (endsLine || operator === '=')))) {
      return false;
    }
  } else if (head.includes('#')) {
    if (!mixed) {
      return false;
    }
  } else if (
    !isSetting &&
    !isLine &&
    !(mixed && (head.endsWith('?') || head.endsWith('&'))) &&
    !(ofDigits && (operator === '=' || operator === ':')) &&
    !["'", '"', ';', '&', '<', '`', '\\'].includes(next) &&
    !(operator === '=' && matchAt('after', text, end)) &&
    !((line === '' || line === 'export ') && text[at - 1] === '=' && looksRandom(value)) &&
    !((operator === 'is' || operator === 'was') && isStrong) &&
    !(operator === ':' && isProse) &&
    !(['=>', '->', ':'].includes(operator) && isRow) &&
    !(mixed && endsLine && matchAt('settings', head, 0))
  ) {
    return false;
  } else if (operator !== '=' && !mixed && !ofDigits) {
    return false;
  }
  return isSecretValue(value, strength);
}

/** Whether it may be a password of digits: not a size, which would be round. */
function isNumber(value: string): boolean {
  const isAll = value.length >= 6 && value.length <= 20 && [...value].every(isDigit);
  return isAll && !value.endsWith('000');
}

function isOnce(text: string, value: string): boolean {
  const at = text.indexOf(value);
  return at >= 0 && text.indexOf(value, at + value.length) < 0;
}

/** `auth=("ann", "…")`, `.login("ann", "…")`, `HTTPBasicAuth("ann", "…")`. */
function hasPair(text: string, folded: string): boolean {
  if (!PAIRS.some(word => folded.includes(word))) {
    return false;
  }
  let steps = 0;
  for (const match of folded.matchAll(compile(rules.EXPRESSIONS.pair, 'g'))) {
    if (steps++ > rules.MAX_STEPS) {
      return true;
    }
    const at = match.index + match[0].length;
    const named = matchAt('argument', text, at);
    let literals = new LiteralReader(text, at + (named?.[0].length ?? 0), true).read();
    const alone = matchAt('pair_alone', match[0], 0) !== null;
    if (!named && !alone) {
      literals = literals.slice(1);
    }
    if (alone || matchAt('pair_unsure', match[0], 0)) {
      literals = literals.filter(({ value }) => isMixed(value) || isVaried(value));
    }
    if (literals.length && isSecretValue(literals[0].value, 'password')) {
      return true;
    }
  }
  return false;
}

/** Passwords that are handed to a command by a letter: `curl -u`, `mysql -p`. */
function hasCommand(text: string, folded: string): boolean {
  if (!rules.COMMANDS.some(([words]) => words.some(word => folded.includes(word)))) {
    return false;
  }
  let at = 0;
  while (at < text.length) {
    const found = text.indexOf('\n', at);
    const end = found < 0 ? text.length : found;
    for (let low = at; low < Math.max(end, at + 1); low += 900) {
      if (hasCommandIn(text.slice(low, Math.min(end, low + 1000)))) {
        return true;
      }
    }
    at = end + 1;
  }
  return false;
}

function hasCommandIn(text: string): boolean {
  const line = fold(text);
  return rules.COMMANDS.some(([words, name]) => {
    if (!words.some(word => line.includes(word))) {
      return false;
    }
    const match = search(name, name === 'identified' ? line : text);
    if (!match) {
      return false;
    }
    const value = strip(match[name === 'option' ? 2 : 1], '\'"');
    const isCertain =
      !UNSURE.includes(name) &&
      (name !== 'dash_p' || line.includes('sshpass') || line.includes('sql'));
    return (
      (isCertain || isMixed(value) || isVaried(value)) &&
      !value.startsWith('-') &&
      isSecretValue(value, 'password')
    );
  });
}

/** ASCII letters in lower case: offsets stay, and both sides do the same. */
function fold(text: string): string {
  return text.replace(/[A-Z]+/g, letters => letters.toLowerCase());
}

/** The line of `at` up to it, as far as the window reaches. */
function headOf(text: string, at: number): string {
  const window = text.slice(Math.max(0, at - WINDOW), at);
  return window.slice(window.lastIndexOf('\n') + 1);
}

/** Whether the cell is a script or a file in another language. */
function isForeign(text: string): boolean {
  const start = strip(text.slice(0, 200), ' \t\r\n');
  return start.startsWith('%%') && !PYTHON_CELLS.some(name => start.startsWith(name, 2));
}

function stripEnd(text: string, chars: string): string {
  let end = text.length;
  while (end > 0 && chars.includes(text[end - 1])) {
    end--;
  }
  return text.slice(0, end);
}
