/** The item in the status bar: how it is, which model, how long the last answer took; a switch. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { Client, ClientStatus, ServerStatus, State } from './client';

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
    const { remote, update } = this.client;
    if (remote) {
      lines.push(trans.__('Text leaves this machine: it is sent to %1', remote.host));
      if (remote.problem) {
        lines.push(remote.problem);
      }
    }
    const news = update ? this.news(update) : null;
    if (news) {
      lines.push(news);
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
    const where = remote ? ` → ${remote.host}` : '';
    const mark = update && isUp ? this.mark(update.state) : '';
    const text = trans.__('Next Edit: %1', words[status.state]) + ms + where + mark;
    return { text, title: lines.join('\n') };
  }

  /** What is seen of an update without pointing at the item. */
  private mark(state: string): string {
    const words: Record<string, string> = {
      available: this.trans.__('update waits'),
      ready: this.trans.__('update waits'),
      switched: this.trans.__('updated'),
      failed: this.trans.__('update refused')
    };
    return words[state] ? ` · ${words[state]}` : '';
  }

  /** What there is to say of an update, with what its publisher says of it. */
  private news(update: NonNullable<ServerStatus['update']>): string | null {
    const version = update.version ?? '';
    const changes = update.changes ? `: ${update.changes}` : '';
    switch (update.state) {
      case 'available':
        return this.trans.__('Update %1 is to be fetched', version) + changes;
      case 'ready':
        return this.trans.__('Update %1 comes at the next pause', version) + changes;
      case 'switched':
        return this.trans.__('Updated to %1', version) + changes;
      case 'failed':
        return this.trans.__('Update %1 was not taken', version) + `: ${update.problem}`;
      default:
        return null;
    }
  }
}
