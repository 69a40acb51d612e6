/**
 * Which texts hold a secret, and so are never recorded: the twin of `core/redact.py`, which says why
 * each pattern is as it is. Both sides are held to the same vectors.
 */

/** A pattern that is tried only where one of its marks stands, case folded. */
interface Pattern {
  readonly expression: RegExp;
  readonly marks: readonly string[];
}

const SHAPES: Pattern = {
  expression: new RegExp(
    '-----BEGIN [A-Z ]*PRIVATE KEY' +
      '|\\bAKIA[0-9A-Z]{16}\\b|\\bASIA[0-9A-Z]{16}\\b' +
      '|\\bgh[pousr]_[A-Za-z0-9]{20,}|\\bgithub_pat_[A-Za-z0-9_]{20,}' +
      '|\\bglpat-[A-Za-z0-9_-]{16,}' +
      '|\\bsk-(?:proj-|ant-|live-|test-|or-)?[A-Za-z0-9_-]{20,}' +
      '|\\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}' +
      '|\\bxox[abeoprs]-[A-Za-z0-9-]{10,}' +
      '|\\bhf_[A-Za-z0-9]{20,}|\\bnpm_[A-Za-z0-9]{30,}|\\bpypi-[A-Za-z0-9_-]{30,}' +
      '|\\bAIza[0-9A-Za-z_-]{30,}|\\bya29\\.[0-9A-Za-z_-]{20,}' +
      '|\\bSG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}' +
      '|\\beyJ[A-Za-z0-9_-]{10,}\\.eyJ[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]{5,}',
    'g'
  ),
  marks: (
    'private akia asia ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- sk- k_live_ k_test_ xox hf_ ' +
    'npm_ pypi- aiza ya29. sg. eyj'
  ).split(' ')
};

/** A password in an address: scheme://user:password@host */
const URL: Pattern = {
  expression: /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@'"{}<>$]+:([^\s/@'"{}<>$]{3,})@/gi,
  marks: ['://']
};

/** A quoted value given to something that is named like a secret. */
const KEYED: Pattern = {
  expression: new RegExp(
    '(?:(?<![A-Za-z])(?:[A-Za-z0-9_.-]*[_.-])?' +
      '(?:api[_-]?key|apikey|secret(?:[_-]?key)?|access[_-]?key(?:[_-]?id)?|token|passw(?:or)?d' +
      '|passwd|pwd|passphrase|private[_-]?key|credentials?|client[_-]?secret|auth(?:orization)?' +
      '|bearer|connection[_-]?string|account[_-]?key))' +
      '["\']?\\]?\\s*(?:[:=]|=>|,)\\s*[rbfRBF]{0,2}' +
      '(?<quote>["\'])(?<value>[^"\'\\n]{6,})\\k<quote>',
    'gi'
  ),
  marks: 'key secret token passw pwd passphrase credent auth bearer connect'.split(' ')
};

const ENVIRONMENT: Pattern = {
  expression: new RegExp(
    '^\\s*(?:%(?:set_)?env\\s+|!?\\s*export\\s+|)' +
      '[A-Z0-9_]*(?:KEY|SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIALS?)[A-Z0-9_]*[ =]+' +
      '(?<value>[^\\s\'"()[\\]{}$]{8,})\\s*$',
    'gm'
  ),
  marks: 'key secret token passw credent'.split(' ')
};

const BEARER: Pattern = {
  expression: /\b(?:bearer|basic)\s+(?<value>[A-Za-z0-9+/_.=-]{16,})/gi,
  marks: ['bearer', 'bas']
};

/** What stands for a secret in documentation. */
const PLACEHOLDER = new RegExp(
  '^(?:<.*>|\\{.*\\}|\\$.*|%.*|x{3,}.*|\\*{3,}|\\.{3,}|your[_ -].*|my[_ -].*' +
    '|.*(?:example|placeholder|changeme|redacted|dummy).*)$',
  'i'
);

/** Whether the text must not be recorded. Errs on the side of refusing. */
export function holdsSecret(text: string): boolean {
  const folded = text.toLowerCase();
  const found = (pattern: Pattern) =>
    pattern.marks.some(mark => folded.includes(mark)) ? [...text.matchAll(pattern.expression)] : [];
  return (
    found(SHAPES).length > 0 ||
    found(URL).length > 0 ||
    found(KEYED).some(match => isSecret(match.groups!.value, 2.5)) ||
    [ENVIRONMENT, BEARER].some(pattern =>
      found(pattern).some(match => isSecret(match.groups!.value, 3))
    )
  );
}

function isSecret(value: string, bits: number): boolean {
  if (PLACEHOLDER.test(value)) {
    return false;
  }
  if (value.trim().includes(' ') && !/\p{Nd}/u.test(value)) {
    return false; // a sentence, such as a message
  }
  return entropy(value) >= bits;
}

/** Shannon entropy in bits a character; 0 for the empty text. */
function entropy(text: string): number {
  const chars = [...text];
  const counts = new Map<string, number>();
  chars.forEach(char => counts.set(char, (counts.get(char) ?? 0) + 1));
  let bits = 0;
  for (const count of counts.values()) {
    bits -= (count / chars.length) * Math.log2(count / chars.length);
  }
  return bits;
}
