/** The item in the status bar: state, model, last latency; a menu. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { Client, ClientStatus, ServerStatus, State } from './client';
import type { Pause } from './pause';
import type { NotServed } from './requests';
import { whyNot } from './requests';
import { clock } from './statusMenu';

/** Milliseconds after which waiting for an answer is shown. */
const LATER = 250;

export class StatusItem extends Widget {
  private readonly button = document.createElement('button');
  private shown: { kind: string; reason: NotServed | null } = { kind: '', reason: null };
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: Client,
    private readonly pause: Pause,
    private readonly trans: TranslationBundle,
    openMenu: (button: HTMLElement, byKey: boolean) => void,
    /** Why suggestions are off in the current document; null if they are on. */
    private readonly notServed: () => NotServed | null
  ) {
    super();
    this.addClass('nextedit-status');
    this.button.type = 'button';
    this.button.setAttribute('aria-haspopup', 'menu');
    this.button.setAttribute('aria-expanded', 'false');
    // The text keeps the focus, and with it the caret, while the menu is open.
    this.button.addEventListener('mousedown', event => event.preventDefault());
    this.button.addEventListener('click', event => openMenu(this.button, event.detail === 0));
    this.node.appendChild(this.button);
    client.statusChanged.connect(this.onChanged, this);
    pause.changed.connect(this.draw, this);
    this.draw();
  }

  /** Refresh: another widget or cell is the current one. */
  refresh(): void {
    this.onChanged();
  }

  /** A single key's request should not change the page: changes are shown a little later. */
  private onChanged(): void {
    const { kind, reason } = this.look();
    if (kind !== this.shown.kind || reason !== this.shown.reason) {
      this.draw();
    } else {
      this.timer ??= setTimeout(() => this.draw(), LATER);
    }
  }

  private draw(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { status, reason, paused, kind } = this.look();
    this.shown = { kind, reason };
    const { text, title } = this.describe(status, reason, paused);
    this.button.dataset.state = kind === 'up' ? status.state : kind;
    if (title !== this.button.title || text !== this.button.textContent) {
      this.button.textContent = text;
      this.button.title = title;
      this.button.setAttribute('aria-label', `${text}. ${title}`);
    }
  }

  private look() {
    const status = this.client.status;
    const isUp = status.state === 'ready' || status.state === 'thinking';
    const reason = isUp ? this.notServed() : null;
    const paused = isUp ? this.pause.until : null;
    const kind = paused ? 'paused' : reason !== null ? 'not-here' : isUp ? 'up' : status.state;
    return { status, reason, paused, kind };
  }

  private describe(
    status: ClientStatus,
    reason: NotServed | null,
    paused: Date | null
  ): { text: string; title: string } {
    const trans = this.trans;
    const words: Record<State, string> = {
      ready: trans.__('ready'),
      thinking: trans.__('thinking'),
      off: trans.__('off'),
      'no-worker': trans.__('no worker'),
      'no-bundle': trans.__('no model (renames still work)')
    };
    const lines = reason === null ? [] : [whyNot(reason, trans)];
    if (paused) {
      lines.push(trans.__('F2 and commands still work'));
    }
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
    const read = this.client.filesRead;
    if (read !== null && reason === null) {
      lines.push(trans._n('Folder: %1 file read', 'Folder: %1 files read', read));
    }
    if (status.lastMs !== null) {
      lines.push(trans.__('Last answer: %1 ms', status.lastMs.toFixed(1)));
    }
    lines.push(trans.__('Click for the menu: pause, switch off, model, tour, settings'));
    const isUp =
      reason === null && !paused && (status.state === 'ready' || status.state === 'thinking');
    const ms = isUp && status.lastMs !== null ? ` · ${Math.round(status.lastMs)} ms` : '';
    const where = remote ? ` → ${remote.host}` : '';
    const mark = update && isUp ? this.mark(update.state) : '';
    const here = reason === null ? words[status.state] : trans.__('not here');
    const word = paused ? trans.__('paused until %1', clock(paused)) : here;
    const text = trans.__('Next Edit: %1', word) + ms + where + mark;
    return { text, title: lines.join('\n') };
  }

  /** The part of an update that is shown without hovering. */
  private mark(state: string): string {
    const words: Record<string, string> = {
      available: this.trans.__('update available'),
      ready: this.trans.__('update available'),
      switched: this.trans.__('updated'),
      failed: this.trans.__('update failed')
    };
    return words[state] ? ` · ${words[state]}` : '';
  }

  /** The text about an update, with its publisher's description. */
  private news(update: NonNullable<ServerStatus['update']>): string | null {
    const version = update.version ?? '';
    const changes = update.changes ? `: ${update.changes}` : '';
    switch (update.state) {
      case 'available':
        return this.trans.__('Update %1 is available', version) + changes;
      case 'ready':
        return this.trans.__('Update %1 will be installed when idle', version) + changes;
      case 'switched':
        return this.trans.__('Updated to %1', version) + changes;
      case 'failed':
        return this.trans.__('Update %1 could not be installed', version) + `: ${update.problem}`;
      default:
        return null;
    }
  }
}
