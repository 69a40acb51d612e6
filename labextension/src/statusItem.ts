/** The item in the status bar: how it is, which model, how long the last answer took; a switch. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { Client, ClientStatus, State } from './client';

export class StatusItem extends Widget {
  private readonly button = document.createElement('button');

  constructor(
    private readonly client: Client,
    private readonly trans: TranslationBundle,
    toggle: () => void
  ) {
    super();
    this.addClass('nextedit-status');
    this.button.type = 'button';
    this.button.addEventListener('click', toggle);
    this.node.appendChild(this.button);
    client.statusChanged.connect(this.onChanged, this);
    this.onChanged();
  }

  private onChanged(): void {
    const status = this.client.status;
    const { text, title } = this.describe(status);
    this.button.dataset.state = status.state;
    this.button.textContent = text;
    this.button.title = title;
    this.button.setAttribute('aria-pressed', String(status.state !== 'off'));
    this.button.setAttribute('aria-label', `${text}. ${title}`);
  }

  private describe(status: ClientStatus): { text: string; title: string } {
    const trans = this.trans;
    const words: Record<State, string> = {
      ready: trans.__('ready'),
      thinking: trans.__('thinking'),
      off: trans.__('off'),
      'no-worker': trans.__('no worker'),
      'no-bundle': trans.__('no model')
    };
    const lines = [];
    if (status.problem) {
      lines.push(status.problem);
    }
    if (status.bundle) {
      lines.push(trans.__('Model: %1', status.bundle));
    }
    if (status.lastMs !== null) {
      lines.push(trans.__('Last answer: %1 ms', status.lastMs.toFixed(1)));
    }
    lines.push(
      status.state === 'off'
        ? trans.__('Click to switch suggestions on')
        : trans.__('Click to switch suggestions off')
    );
    const isUp = status.state === 'ready' || status.state === 'thinking';
    const ms = isUp && status.lastMs !== null ? ` · ${Math.round(status.lastMs)} ms` : '';
    return { text: trans.__('Next Edit: %1', words[status.state]) + ms, title: lines.join('\n') };
  }
}
