/** The tour: opened on request, and offered only once. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification, showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Client } from './client';
import { CommandIDs } from './tokens';

/** How long the offer stays on the page, in ms; after that it is among the notifications. */
const SHOWN = 60_000;

/** Open the user's copy of the tour, which the server creates if there is none. */
export async function openTour(
  app: JupyterFrontEnd,
  client: Client,
  trans: TranslationBundle
): Promise<void> {
  try {
    const { path } = (await client.post('tour')) as { path: string };
    await app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
  } catch (error) {
    await showErrorMessage(trans.__('The tour could not be opened'), error as Error);
  }
}

/** Offer the tour once. `remember` stores that permanently; if it cannot, nothing is offered. */
export async function offerTour(
  app: JupyterFrontEnd,
  trans: TranslationBundle,
  remember: () => Promise<void>
): Promise<void> {
  await app.restored;
  try {
    await remember();
  } catch {
    return;
  }
  Notification.emit(
    trans.__(
      'Next Edit is on: it suggests code as you type, and offers your changes in the other places that need them.'
    ),
    'info',
    {
      autoClose: SHOWN,
      actions: [
        {
          label: trans.__('Open the Tour'),
          displayType: 'accent',
          callback: () => void app.commands.execute(CommandIDs.openTour)
        }
      ]
    }
  );
}
