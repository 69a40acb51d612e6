/**
 * The keys that are named in an offer: those of the user's shortcuts, which may differ from ours.
 */

import { CommandIDs } from './tokens';

/** Keystrokes as JupyterLab writes them, such as `Alt Shift A`; null if there is none. */
export interface KeyNames {
  /** This one is the editor's own. */
  readonly tab: string;
  readonly jump: string | null;
  readonly accept: string | null;
  readonly acceptAll: string | null;
}

export interface KeyBinding {
  readonly command: string;
  readonly selector: string;
  readonly keys: readonly string[];
}

/** The keys at a place in the page: a command may have different ones in notebooks and files. */
export function keyNames(
  bindings: readonly KeyBinding[],
  isWithin: (selector: string) => boolean
): KeyNames {
  const of = (id: string) =>
    bindings
      .find(({ command, selector }) => command === id && isWithin(selector))
      ?.keys.join(', ') ?? null;
  return {
    tab: bindings.find(({ command }) => command === CommandIDs.tab)?.keys.join(', ') ?? 'Tab',
    jump: of(CommandIDs.jump),
    accept: of(CommandIDs.accept),
    acceptAll: of(CommandIDs.acceptAll)
  };
}

/** The key as it is displayed; empty if there is none. */
export function drawnKey(key: string | null): string {
  return key?.replace(/(?<!,) /g, '-') ?? '';
}
