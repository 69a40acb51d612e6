/** The definitions of a name and of a word, in one place. */

const NAME = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u;

/** Whether `text` is an identifier, keywords included. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** The characters of words, for a character class of a regular expression with the flag `u`. */
export const WORD = String.raw`\p{L}\p{N}\p{M}_`;

const WORDS = new RegExp(`^[${WORD}]*$`, 'u');
const WORD_FIRST = new RegExp(`^[${WORD}]`, 'u');

/** Whether a text has no characters but those of words. */
export function isWord(text: string): boolean {
  return WORDS.test(text);
}

/** Whether a text begins with a character of a word. */
export function startsWithWord(text: string): boolean {
  return WORD_FIRST.test(text);
}

/** Whether the position between two characters is within a word. */
export function isInWord(text: string, at: number): boolean {
  return at > 0 && at < text.length && isWord(text.slice(at - 1, at + 1));
}

const KEYWORDS = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except ' +
    'finally for from global if import in is lambda nonlocal not or pass raise return try while ' +
    'with yield'
  ).split(' ')
);

/** Whether a name is a Python keyword, which cannot be renamed or used as a new name. */
export function isKeyword(name: string): boolean {
  return KEYWORDS.has(name);
}
