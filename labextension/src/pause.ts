/**
 * A pause of automatic suggestions: it ends by itself, applies to all tabs, and survives a reload.
 */

import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

/** Where the end of the pause is kept, in ms since the epoch; shared by the tabs of a browser. */
export interface PauseStore {
  read(): string | null;
  write(until: string | null): void;
}

export class Pause {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ending: number | null = null;
  private changedSignal = new Signal<this, void>(this);

  constructor(private readonly store: PauseStore) {
    this.look();
  }

  /** It began or ended. */
  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  /** When the pause ends; null if there is none. */
  get until(): Date | null {
    return this.ending === null ? null : new Date(this.ending);
  }

  begin(minutes: number): void {
    this.store.write(String(Date.now() + minutes * 60_000));
    this.look();
  }

  end(): void {
    this.store.write(null);
    this.look();
  }

  /** Read the store: another tab may have changed it, or the time may be over. */
  look(): void {
    clearTimeout(this.timer);
    const kept = Number(this.store.read() ?? NaN);
    const left = kept - Date.now();
    const end = left > 0 ? kept : null;
    if (end !== null) {
      // Timers do not run on a sleeping machine, so check the time as well.
      this.timer = setTimeout(() => this.look(), Math.min(left, 60_000));
    }
    if (end !== this.ending) {
      this.ending = end;
      this.changedSignal.emit();
    }
  }
}

/** The browser's store for the server at this address; without one, only the page remembers. */
export function browserStore(baseUrl: string): PauseStore {
  const key = `nextedit-jupyter:paused-until:${baseUrl}`;
  let own: string | null = null;
  return {
    read() {
      try {
        return localStorage.getItem(key);
      } catch {
        return own;
      }
    },
    write(until) {
      own = until;
      try {
        if (until === null) {
          localStorage.removeItem(key);
        } else {
          localStorage.setItem(key, until);
        }
      } catch {
        // The browser stores nothing: the pause applies to this page.
      }
    }
  };
}
