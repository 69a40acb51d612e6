/**
 * Secrets in tables, below a heading or first row that names them: the port of
 * `core/secret_tables.py`, function by function.
 */

import { strip } from './secretLiterals';
import { LONG_QUOTES, strengthOf } from './secretNames';
import * as rules from './secretRules';
import {
  isMixed,
  isSecretValue,
  isVaried,
  looksRandom,
  matchAt,
  type Strength,
  stripEnd
} from './secretValues';

const MAX_ROWS = 100;
const MAX_LINE = 1_000;

/** A value of a Markdown table, below a heading that names a secret. */
export function hasInTable(text: string): boolean {
  if (!text.includes('|') || !text.includes('--')) {
    return false;
  }
  const lines = text.split('\n');
  return lines.some((line, n) => {
    const below = (lines[n + 1] ?? '').replace(/\r$/, '');
    if (!line.includes('|') || !matchAt('table_rule', below, 0)) {
      return false;
    }
    const strengths = cellsOf(line, '|').map(cell => strengthOf(cell, false));
    const rows = lines.slice(n + 2, n + 2 + MAX_ROWS);
    const end = rows.findIndex(row => !row.includes('|'));
    return rows.slice(0, end < 0 ? rows.length : end).some(row => isInRow(row, strengths, '|'));
  });
}

/** A value in comma-separated rows, below a first row that names a secret. */
export function hasInRows(text: string, folded: string): boolean {
  if (!rules.KEY_WORDS.some(word => folded.includes(word))) {
    return false;
  }
  let [comma, left] = ['', 0];
  let strengths: (Strength | null)[] = [];
  for (const line of text.split('\n')) {
    let row = [...line].slice(0, MAX_LINE).join('');
    const begins = Math.max(...LONG_QUOTES.map(mark => row.lastIndexOf(mark))) + 3;
    row = begins > 2 && strip(row.slice(begins), BLANKS) ? row.slice(begins) : row;
    if (left > 0 && row.split(comma).length === strengths.length) {
      if (isInRow(row, strengths, comma)) {
        return true;
      }
      left--;
    } else {
      left = 0;
    }
    const mark = left === 0 ? [',', ';', '\t'].find(one => row.includes(one)) : undefined;
    const heads = mark === undefined ? [] : stripEnd(row, BLANKS).split(mark);
    if (heads.length && heads.every(cell => matchAt('column', cell, 0) !== null)) {
      comma = mark!;
      strengths = heads.map(cell => strengthOf(cell, false));
      left = strengths.some(strength => strength !== null) ? MAX_ROWS : 0;
    }
  }
  return false;
}

const BLANKS = ' \t\r';
const AROUND_VALUES = ' \t\r`*"\'';

function cellsOf(row: string, mark: string): string[] {
  return [...row].slice(0, MAX_LINE).join('').split(mark);
}

function isInRow(row: string, strengths: readonly (Strength | null)[], mark: string): boolean {
  return cellsOf(row, mark).some((cell, i) => {
    const value = strip(cell, AROUND_VALUES);
    const strength = strengths[i];
    const isMadeUp = isVaried(value) || isMixed(value) || looksRandom(value);
    const isNamed = strength === 'password' || strength === 'key';
    return isNamed && isMadeUp && isSecretValue(value, strength);
  });
}
