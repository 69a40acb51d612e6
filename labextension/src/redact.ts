/**
 * Which texts contain a secret, and so are never recorded: the port of `core/redact.py`, function
 * by function, which explains the reasons. The rules are generated from there, and both sides are
 * tested with the same vectors.
 *
 * Time is linear in the text: expressions are bounded, each place is examined within a bounded
 * window, and a text with more places than MAX_STEPS is refused unread.
 */

import { LiteralReader, strip } from './secretLiterals';
import { fold, hasNamed, judge } from './secretNames';
import * as rules from './secretRules';
import { hasInRows, hasInTable } from './secretTables';
import {
  compile,
  isDigit,
  isHex,
  isMixed,
  isSecretValue,
  isStandIn,
  isTemplate,
  isVaried,
  isWorded,
  looksRandom,
  matchAt,
  search,
  stripEnd
} from './secretValues';

/** Whether the text must not be recorded. Errs on the side of refusing. */
export function holdsSecret(text: string): boolean {
  const folded = fold(text);
  return (
    hasShape(text) ||
    hasAddress(text) ||
    hasNamed(text, folded) ||
    hasInTable(text) ||
    hasInRows(text, folded) ||
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
    const matched = matchAt('scheme', text, at);
    const password = matched?.[2];
    if (password !== undefined) {
      const slash = password.indexOf('/');
      const isPort = slash >= 0 && [...password.slice(0, slash)].every(isDigit);
      if (!isPort && !isTemplate(password) && !isStandIn(password)) {
        return true;
      }
      if (isTemplate(password) && isFilled(text, at + matched![0].length, password)) {
        return true;
      }
    }
    const half = matchAt('half_scheme', text, at)?.[1];
    if (half !== undefined && isHalfPassword(half)) {
      return true;
    }
    const continued = matchAt('continued', text, at);
    if (continued) {
      const added = new LiteralReader(text, at + continued[0].length, false).read().slice(0, 1);
      const varied = added.filter(({ value }) => isVaried(value));
      if (judge(varied, 0, 'in', 'password')) {
        return true;
      }
    }
    const lone = matchAt('lone', text, at);
    if (lone && looksRandom(lone[1])) {
      return true;
    }
  }
  return false;
}

/** Whether a password is substituted for the template in the text before `at`. */
function isFilled(text: string, at: number, template: string): boolean {
  const filled = matchAt('filled_address', text, at);
  if (!filled) {
    return false;
  }
  const begin = at + filled[0].length;
  const name = strip(stripEnd(template, '{}%()s'), '{}%()s');
  if (name) {
    const after = text.slice(begin, begin + 300);
    return [...after.matchAll(compile(rules.EXPRESSIONS.filled_name, 'g'))].some(
      given => given[1] === name && isVaried(given[2]) && isSecretValue(given[2], 'password')
    );
  }
  const literals = new LiteralReader(text, begin, true).read();
  const varied = literals.filter(({ value }) => isVaried(value));
  return judge(varied, 0, 'in', 'password');
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
    const isAlone = isQuoted && !/[_-]/.test(run) && !run.includes('//');
    const isBase64 = isAlone && run.split('/').length <= 4 && looksRandom(run);
    const parts = isQuoted ? run : run.replace(/[+]/g, '/'); // in code, names that are added
    for (const piece of isBase64 ? [run] : parts.split('/')) {
      const isSum = piece.length >= 32 && isHex(piece);
      // Shorter words are keys only if they are all that is quoted, in capitals.
      const after = text[match.index + run.length];
      const isLong =
        piece.length >= 20 ||
        (isQuoted && (after === "'" || after === '"') && matchAt('capitals', run, 0) !== null);
      const isName = matchAt('uuid', piece, 0) ?? matchAt('resource', piece, 0);
      const isFile = matchAt('file_end', text, match.index + run.length) !== null;
      const isKnown = isName !== null || isFile || isWorded(piece, isQuoted ? 0.8 : 0.6);
      if (!isLong || !(isSum || looksRandom(piece)) || isKnown) {
        continue;
      }
      let head = folded.slice(Math.max(0, match.index - 120), match.index);
      head = head.slice(head.lastIndexOf('\n') + 1);
      const inPath = head.includes('://') && !/[? \t]/.test(head.slice(head.lastIndexOf('://')));
      if (!inPath && !search('sum', head)) {
        return true;
      }
    }
  }
  return false;
}

/** `auth=("ann", "…")`, `.login("ann", "…")`, `HTTPBasicAuth("ann", "…")`. */
function hasPair(text: string, folded: string): boolean {
  if (!rules.PAIR_WORDS.some(word => folded.includes(word))) {
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
    if (match[0].startsWith('b64')) {
      // `b64encode(b"ann:…")`
      literals = literals.map(one => ({
        ...one,
        value: one.value.includes(':') ? one.value.slice(one.value.indexOf(':') + 1) : ''
      }));
    }
    if (alone || matchAt('pair_unsure', match[0], 0)) {
      literals = literals.filter(({ value }) => isMixed(value) || isVaried(value));
    }
    // A host may precede the user.
    const beside = literals.slice(1, 2).filter(({ value }) => !alone && isVaried(value));
    if ([...literals.slice(0, 1), ...beside].some(one => isSecretValue(one.value, 'password'))) {
      return true;
    }
  }
  return false;
}

/** Passwords that are passed to a command by a one-letter option: `curl -u`, `mysql -p`. */
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
    const value = stripEnd(strip(match[name === 'option' ? 2 : 1], '\'"'), '.,;');
    // `mysql -p shop` asks for the password: the word is the database.
    const isJoined = line.includes('sql') && !match[0].slice(1, 4).includes(' ');
    const isCertain =
      !rules.UNSURE.has(name) && (name !== 'dash_p' || line.includes('sshpass') || isJoined);
    return (
      (isCertain || isMixed(value) || isVaried(value)) &&
      !value.startsWith('-') &&
      isSecretValue(value, 'password')
    );
  });
}
