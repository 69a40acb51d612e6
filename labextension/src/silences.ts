/** Answers without suggestions: what to say about them, and which requests are repeated. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { AnswerWire, Kind, SilenceReason } from './protocol';

type Silent = Pick<AnswerWire, 'silence' | 'silence_detail'>;

function hadNoTime({ silence }: Silent, kinds: readonly Kind[]): boolean {
  return kinds.some(kind => silence[kind] === 'deadline');
}

/**
 * A request that ran out of time, on a machine that is busy for a moment or while the worker loads
 * its model, is repeated once, and not a third time: what was read by then is cached.
 */
export class OnceMore {
  private late: unknown; // what the last answer ran out of time for

  /**
   * Whether to repeat the request for `about` because this answer ran out of time for one of these
   * kinds.
   */
  isDue(answer: Silent, kinds: readonly Kind[], about: unknown): boolean {
    const isLate = hadNoTime(answer, kinds);
    const isAgain = this.late !== undefined && this.late === about;
    this.late = isLate ? about : undefined;
    return isLate && !isAgain;
  }
}

/** Request, and repeat at once if it ran out of time, unless nobody waits for it any more. */
export async function askPatiently<T extends { answer: Silent }>(
  ask: () => Promise<T | null>,
  kinds: readonly Kind[],
  isWanted: () => boolean = () => true
): Promise<T | null> {
  const asked = await ask();
  return asked && hadNoTime(asked.answer, kinds) && isWanted() ? ask() : asked;
}

/**
 * Why an answer has nothing of these kinds, for a user who asked for it: of the first kind with a
 * reason. Null if simply nothing was found.
 */
export function whySilent(
  { silence, silence_detail: details }: Silent,
  kinds: readonly Kind[],
  trans: TranslationBundle
): string | null {
  const words: Partial<Record<SilenceReason, string>> = {
    low_confidence: trans.__('nothing is likely enough'),
    reverts_user: trans.__('what was found would revert your own edit'),
    breaks_syntax: trans.__('what was found does not parse'),
    unknown_name: trans.__('what was found uses unknown names'),
    stale: trans.__('the text changed meanwhile: try again'),
    throttled: trans.__('too many requests: try again'),
    off: trans.__('suggestions are off'),
    deadline: trans.__('there was no time: try again'),
    no_model: trans.__('there is no model (renames still work)')
  };
  for (const kind of kinds) {
    const reason = silence[kind] as SilenceReason | undefined;
    const detail = details?.[kind];
    const word = reason && words[reason];
    if (word && detail && /^[\d.]+ < [\d.]+$/.test(detail)) {
      return `${word} (${detail})`;
    }
    if (word && detail && reason === 'unknown_name') {
      return `${word}: ${detail}`;
    }
    if (detail ?? word) {
      return detail ?? word!;
    }
  }
  return null;
}
