/**
 * Downloads the larger model: only at the user's request, with progress and a message at the end.
 */

import { Notification, showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Client } from './client';
import type { LargerWire } from './protocol';

/** How often the server is asked for the progress, in ms. */
const EVERY = 1_000;
/** How many times in a row the server may fail to answer before the page gives up. */
const PATIENCE = 30;

export class LargerModel {
  private following = false;

  constructor(
    private readonly client: Client,
    private readonly trans: TranslationBundle
  ) {
    // A page that is loaded during the download also shows the progress.
    client.statusChanged.connect(() => {
      if (this.client.larger?.state === 'getting') {
        void this.follow();
      }
    });
  }

  /** Whether there is one to download, and no download is in progress. */
  get canGet(): boolean {
    const state = this.client.larger?.state;
    return this.client.enabled && (state === 'available' || state === 'failed');
  }

  /** The menu entry's label. */
  get label(): string {
    const { trans } = this;
    const larger = this.client.larger;
    switch (larger?.state) {
      case 'getting':
        return trans.__('Larger Model: %1', progressOf(larger, trans));
      case 'here':
        return trans.__('Larger Model: Installed');
      case 'failed':
        return trans.__('Get the Larger Model Again (%1 MB)', larger.megabytes);
      case 'available':
        return trans.__('Get the Larger Model (%1 MB)', larger.megabytes);
      default:
        return trans.__('Get the Larger Model');
    }
  }

  /** The menu entry's caption: what it is made of, and what is wrong. */
  get caption(): string {
    const { trans } = this;
    const larger = this.client.larger;
    if (!larger) {
      return trans.__('There is no larger model to get here');
    }
    const made = trans.__('%1, from %2 (licence %3)', larger.label, larger.base, larger.licence);
    return larger.problem ? `${larger.problem}\n${made}` : made;
  }

  /** Download it. */
  async get(): Promise<void> {
    try {
      await this.client.post('model/get');
    } catch (error) {
      this.failed((error as Error).message);
      return;
    }
    await this.client.refresh(true);
    void this.follow();
  }

  private async follow(): Promise<void> {
    if (this.following) {
      return;
    }
    this.following = true;
    const { trans, client } = this;
    const id = Notification.emit(titleOf(client.larger, trans), 'in-progress', {
      autoClose: false,
      progress: client.larger?.share ?? 0
    });
    let unanswered = 0;
    while (client.enabled && unanswered < PATIENCE) {
      const larger = client.larger;
      if (larger?.state !== 'getting' && unanswered === 0) {
        break;
      }
      Notification.update({
        id,
        message: titleOf(larger, trans),
        type: 'in-progress',
        progress: larger?.share ?? 0,
        autoClose: false
      });
      await new Promise(resolve => setTimeout(resolve, EVERY));
      unanswered = (await client.refresh(true)) ? 0 : unanswered + 1;
    }
    Notification.dismiss(id);
    this.following = false;
    const end = client.larger;
    if (end?.state === 'here') {
      Notification.emit(
        trans.__('Next Edit: the larger model is installed and answers from now on.'),
        'success',
        { autoClose: 8_000 }
      );
    } else if (end?.state === 'failed') {
      this.failed(end.problem);
    }
  }

  /** A notification has no room for the reason, which is shown on request. */
  private failed(problem: string): void {
    const { trans } = this;
    Notification.emit(
      trans.__(
        'Next Edit: the larger model was not installed. Your previous model continues to answer.'
      ),
      'error',
      {
        autoClose: false,
        actions: [
          {
            label: trans.__('Why, and What to Do'),
            callback: () =>
              void showErrorMessage(trans.__('The larger model was not installed'), problem)
          },
          { label: trans.__('Try Again'), callback: () => void this.get() }
        ]
      }
    );
  }
}

function titleOf(larger: LargerWire | null, trans: TranslationBundle): string {
  const how = larger ? progressOf(larger, trans) : trans.__('waiting for the server');
  return trans.__('Next Edit: larger model: %1', how);
}

/** The progress in words. */
export function progressOf(larger: LargerWire, trans: TranslationBundle): string {
  const percent = Math.round(larger.share * 100);
  switch (larger.step) {
    case 'fetch':
      return trans.__('fetching, %1 %', percent);
    case 'assemble':
      return trans.__('assembling, %1 %', percent);
    case 'try':
      return trans.__('trying it');
    default:
      return trans.__('starting');
  }
}
