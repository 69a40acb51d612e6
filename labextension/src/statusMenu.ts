/** The status item's menu, and its commands, which are also in the palette. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import { showErrorMessage } from '@jupyterlab/apputils';
import type { ILauncher } from '@jupyterlab/launcher';
import type { TranslationBundle } from '@jupyterlab/translation';
import { MenuSvg, editIcon } from '@jupyterlab/ui-components';

import type { Client } from './client';
import type { LargerModel } from './largerModel';
import type { Pause } from './pause';
import { CommandIDs } from './tokens';
import { openTour } from './tour';

const PAUSE_MINUTES = 10;
const SEPARATOR = '';
const ENTRIES = [
  CommandIDs.pause,
  CommandIDs.resume,
  CommandIDs.toggleHere,
  CommandIDs.toggle,
  SEPARATOR,
  CommandIDs.suggest,
  CommandIDs.openPanel,
  SEPARATOR,
  CommandIDs.getModel,
  CommandIDs.chooseBundle,
  CommandIDs.restartWorker,
  SEPARATOR,
  CommandIDs.openTour,
  CommandIDs.openSettings
];

/** The notebook, file or console that the user is in, as far as the menu concerns it. */
export interface CurrentNotebook {
  /** Whether suggestions are on in it; null if that cannot be changed from here. */
  readonly isOn: boolean | null;
  readonly kind: 'notebook' | 'file' | 'console';
  switch(on: boolean): Promise<void>;
  focusEditor(): void;
}

export interface MenuParts {
  app: JupyterFrontEnd;
  client: Client;
  pause: Pause;
  larger: LargerModel;
  trans: TranslationBundle;
  palette: ICommandPalette | null;
  launcher: ILauncher | null;
  /** Null if no notebook is open. */
  notebook(): CurrentNotebook | null;
  tell(message: string): void;
}

/** Add the commands; returns a function that opens the menu at a button. */
export function addStatusMenu(parts: MenuParts): (button: HTMLElement, byKey: boolean) => void {
  const { app, client, pause, larger, trans, palette, launcher, notebook, tell } = parts;
  const { commands } = app;
  const category = trans.__('Next Edit');
  const describedBy = { args: { type: 'object', properties: {} } } as const;

  commands.addCommand(CommandIDs.pause, {
    label: trans.__('Pause for %1 Minutes', PAUSE_MINUTES),
    isEnabled: () => client.enabled && pause.until === null,
    isVisible: () => pause.until === null,
    execute: () => {
      pause.begin(PAUSE_MINUTES);
      tell(trans.__('paused until %1', clock(pause.until!)));
    },
    describedBy
  });
  commands.addCommand(CommandIDs.resume, {
    label: () =>
      pause.until
        ? trans.__('End the Pause (Until %1)', clock(pause.until))
        : trans.__('End the Pause'),
    isEnabled: () => pause.until !== null,
    isVisible: () => pause.until !== null,
    execute: () => {
      pause.end();
      tell(trans.__('suggestions are on again'));
    },
    describedBy
  });
  commands.addCommand(CommandIDs.toggleHere, {
    label: () =>
      ({
        notebook: trans.__('Suggestions in This Notebook'),
        file: trans.__('Suggestions in This File'),
        console: trans.__('Suggestions in This Console')
      })[notebook()?.kind ?? 'notebook'],
    isEnabled: () => client.enabled && (notebook()?.isOn ?? null) !== null,
    isToggleable: true,
    isToggled: () => client.enabled && notebook()?.isOn === true,
    execute: async () => {
      const here = notebook();
      await here?.switch(!here.isOn);
    },
    describedBy
  });
  commands.addCommand(CommandIDs.getModel, {
    label: () => larger.label,
    caption: () => larger.caption,
    isEnabled: () => larger.canGet,
    isVisible: () => client.larger !== null,
    execute: () => larger.get(),
    describedBy
  });
  commands.addCommand(CommandIDs.restartWorker, {
    label: trans.__('Restart the Worker'),
    caption: trans.__('Stop the process that computes suggestions, and start a new one'),
    isEnabled: () => client.enabled,
    execute: async () => {
      try {
        await client.post('worker/restart');
        tell(trans.__('the worker was restarted'));
      } catch (error) {
        await showErrorMessage(trans.__('The worker could not be restarted'), error as Error);
      }
      await client.refresh(true);
    },
    describedBy
  });
  commands.addCommand(CommandIDs.openTour, {
    label: args => (args.isLauncher ? trans.__('Next Edit Tour') : trans.__('Open the Tour')),
    caption: trans.__('A notebook that shows ghost text, renames and next edits'),
    icon: args => (args.isLauncher || args.hasIcon ? editIcon : undefined),
    execute: () => openTour(app, client, trans),
    describedBy
  });
  commands.addCommand(CommandIDs.openSettings, {
    label: trans.__('Settings…'),
    isVisible: () => commands.hasCommand('settingeditor:open'),
    execute: () => commands.execute('settingeditor:open', { query: trans.__('Next Edit') }),
    describedBy
  });

  const menu = new MenuSvg({ commands });
  menu.addClass('nextedit-menu');
  for (const command of ENTRIES) {
    menu.addItem(
      command === SEPARATOR ? { type: 'separator' } : { command, args: { isMenu: true } }
    );
  }
  commands.addCommand(CommandIDs.openMenu, {
    label: trans.__('Open the Menu'),
    execute: () => {
      const button = document.querySelector<HTMLElement>('.nextedit-status button');
      if (button) {
        open(button, true);
      }
    },
    describedBy
  });
  for (const command of [CommandIDs.openMenu, ...ENTRIES.filter(isOfOurs)]) {
    palette?.addItem({ command, category });
  }
  launcher?.add({
    command: CommandIDs.openTour,
    args: { isLauncher: true },
    category: trans.__('Other'),
    rank: 100
  });
  for (const signal of [client.statusChanged, pause.changed]) {
    (signal as typeof pause.changed).connect(() => commands.notifyCommandChanged());
  }

  const open = (button: HTMLElement, byKey: boolean): void => {
    const wasEditing = document.activeElement?.closest('.cm-content') !== null;
    const back = wasEditing ? () => notebook()?.focusEditor() : () => button.focus();
    const { left, top, bottom } = button.getBoundingClientRect();
    const isLow = top > window.innerHeight / 2;
    button.setAttribute('aria-expanded', 'true');
    const closed = () => {
      menu.aboutToClose.disconnect(closed);
      button.setAttribute('aria-expanded', 'false');
      back(); // before the chosen command, which may move the focus on
    };
    menu.aboutToClose.connect(closed);
    void client.refresh();
    menu.open(left, isLow ? top : bottom);
    // Lumino makes separators focusable and hides their role, which is not allowed in a menu.
    for (const line of menu.contentNode.querySelectorAll('[data-type=separator]')) {
      line.removeAttribute('tabindex');
      line.setAttribute('role', 'separator');
    }
    if (byKey) {
      menu.activateNextItem();
    }
  };
  return open;
}

/** Commands of this module; the others are in the palette already. */
function isOfOurs(command: string): boolean {
  return (
    command !== SEPARATOR &&
    !(
      [
        CommandIDs.toggle,
        CommandIDs.suggest,
        CommandIDs.openPanel,
        CommandIDs.chooseBundle
      ] as string[]
    ).includes(command)
  );
}

/** Hours and minutes in the user's format. */
export function clock(time: Date): string {
  return time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
