/** The keys that are named beside an offer: those of the user's shortcuts, which may not be ours. */

import { CommandIDs } from './tokens';

/** Keystrokes as JupyterLab writes them, such as `Alt Shift A`; null where the user has none. */
export interface KeyNames {
  /** The editor has this one itself. */
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

/** The keys at a place of the page: a command may have one in notebooks and another one in files. */
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

/** As it is drawn; empty where there is no key. */
export function drawnKey(key: string | null): string {
  return key?.replace(/(?<!,) /g, '-') ?? '';
}
