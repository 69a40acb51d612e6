/** What a name is, in one place. */

const NAME = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u;

/** Whether `text` is an identifier, keywords included. */
export function isName(text: string): boolean {
  return NAME.test(text);
}
