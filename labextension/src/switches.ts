/** What switches suggestions off for a while or in one notebook. */

import { PageConfig } from '@jupyterlab/coreutils';

import type { Client } from './client';
import type { InlineProvider } from './inline';
import { Pause, browserStore } from './pause';
import type { NotServed } from './requests';
import type { NotebookSession } from './session';
import type { SettingsStore } from './settingsStore';
import type { CurrentNotebook } from './statusMenu';

export interface OpenNotebooks {
  readonly all: NotebookSession[];
  readonly current: NotebookSession | null;
}

/** Connects the pause: no automatic requests are made, and what is shown disappears. */
export function pauseOf(client: Client, sessions: OpenNotebooks, inline: InlineProvider): Pause {
  const pause = new Pause(browserStore(PageConfig.getBaseUrl()));
  const follow = () => {
    client.isPaused = pause.until !== null;
    if (client.isPaused) {
      inline.clear(sessions.current?.activeView ?? null);
      sessions.all.forEach(session => session.clear());
    }
  };
  pause.changed.connect(follow);
  window.addEventListener('storage', () => pause.look());
  window.addEventListener('focus', () => pause.look());
  follow();
  return pause;
}

/** Reasons that apply at the caret, not in the whole document. */
const AT_CARET: readonly NotServed[] = ['tagged', 'line-ends', 'too-large', 'file-too-large'];

/** The switch of the current notebook, file or console; null if none is open. */
export function switchOf(
  session: NotebookSession | null,
  settings: SettingsStore
): CurrentNotebook | null {
  if (!session) {
    return null;
  }
  const reason = session.notServed;
  const isOff = reason === 'off-here';
  const isOn = reason === null || AT_CARET.includes(reason);
  return {
    // If the language, the path or the permissions rule it out, this switch changes nothing.
    isOn: isOn || isOff ? isOn : null,
    kind: session.kind,
    async switch(on) {
      // A console is not reopened, so its switch is not stored.
      if (on || session.kind !== 'console') {
        await settings.switchNotebook(session.path, on);
      }
      session.switch(on);
    },
    focusEditor: () => session.focusEditor()
  };
}
