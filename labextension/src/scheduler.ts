/**
 * When next edits are requested: after a pause in typing, once nothing else is in flight, and not
 * while the user wants quiet. The session decides what is requested, and uses the answer.
 */

import type { IDisposable } from '@lumino/disposable';

/** Milliseconds in a cell after which its context is read ahead; arrow keys are faster. */
const STAY = 150;

/** What the scheduler needs to know, and what it calls. */
export interface SchedulerHost {
  /** Whether automatic requests are allowed. */
  mayAsk(): boolean;
  /** The pause in ms before a request. */
  pause(): number;
  /** Whether to wait: something was just dismissed, or a character is being composed. */
  isQuiet(): boolean;
  /** Resolves once no other request is in flight. */
  settled(): Promise<void>;
  /** The newest edit: another one during the wait makes the request pointless. */
  lastEdit(): unknown;
  ask(): void;
  readAhead(): void;
}

export class Scheduler implements IDisposable {
  private asking: ReturnType<typeof setTimeout> | null = null;
  private entering: ReturnType<typeof setTimeout> | null = null;
  private disposed = false;

  constructor(private readonly host: SchedulerHost) {}

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** Request after the pause, counted from now. */
  schedule(): void {
    this.cancel();
    if (this.disposed || !this.host.mayAsk()) {
      return;
    }
    this.asking = setTimeout(() => {
      this.asking = null;
      void this.askAfterPause();
    }, this.host.pause());
  }

  cancel(): void {
    if (this.asking !== null) {
      clearTimeout(this.asking);
      this.asking = null;
    }
  }

  /** Another cell became the active one: its context is read ahead if the user stays there. */
  entered(): void {
    if (this.entering !== null) {
      clearTimeout(this.entering);
    }
    this.entering = setTimeout(() => {
      this.entering = null;
      if (!this.disposed) {
        this.host.readAhead();
      }
    }, STAY);
  }

  dispose(): void {
    this.disposed = true;
    this.cancel();
    if (this.entering !== null) {
      clearTimeout(this.entering);
    }
  }

  private async askAfterPause(): Promise<void> {
    const last = this.host.lastEdit();
    await this.host.settled(); // an inline request goes first
    if (this.asking !== null || this.host.lastEdit() !== last || this.disposed) {
      return;
    }
    if (this.host.isQuiet()) {
      this.schedule();
    } else {
      this.host.ask();
    }
  }
}
