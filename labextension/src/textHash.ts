/** The hash by which edits are addressed: the port of `core.notebook.text_hash`. */

import { sha256 } from '@noble/hashes/sha2';
import { bytesToHex } from '@noble/hashes/utils';

/** The first 16 hex digits of the sha256 of the text's UTF-8. */
export function textHash(text: string): string {
  return bytesToHex(sha256(encodeUtf8(text))).slice(0, 16);
}

/** Lone surrogates, which UTF-8 forbids and TextEncoder replaces, are encoded as if allowed. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (!/\p{Surrogate}/u.test(text)) {
    return bytes;
  }
  const result: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0)!;
    if (code >= 0xd800 && code < 0xe000) {
      result.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    } else {
      result.push(...new TextEncoder().encode(char));
    }
  }
  return Uint8Array.from(result);
}
