/** The definition of a name, in one place. */

const NAME = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u;

/** Whether `text` is an identifier, keywords included. */
export function isName(text: string): boolean {
  return NAME.test(text);
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
