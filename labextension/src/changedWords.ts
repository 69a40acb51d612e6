/** The words that an edit changed. */

import { isInWord } from './names';
import { TextEdit } from './textEdit';

/** Where `after` differs from `before`, extended to whole words; null if it does not. */
export function changedWords(before: string, after: string): { start: number; end: number } | null {
  const { replacements } = TextEdit.between(before, after);
  if (!replacements.length) {
    return null;
  }
  let [start, end] = [replacements[0].start, 0];
  let grown = 0;
  for (const r of replacements) {
    grown += r.text.length - (r.end - r.start);
    end = r.end + grown;
  }
  while (start > 0 && isInWord(after, start)) {
    start -= 1;
  }
  while (end < after.length && isInWord(after, end)) {
    end += 1;
  }
  return { start, end };
}
