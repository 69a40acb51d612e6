/**
 * Silence after a dismissal, for as long as the worker says, which decides the pace
 * (`core.pacing`).
 */

import type { PaceWire } from './protocol';

/** A clock in milliseconds. */
export type Clock = () => number;

export class Pace {
  private quietUntil = -Infinity;
  private serial = 0;

  constructor(private readonly now: Clock = () => performance.now()) {}

  get isQuiet(): boolean {
    return this.now() < this.quietUntil;
  }

  accepted(): void {
    this.serial++;
    this.quietUntil = -Infinity;
  }

  /** Be quiet from now on; `told` is the worker's answer to the report, null if there is none. */
  async dismissed(told: Promise<PaceWire | null>): Promise<void> {
    const serial = ++this.serial;
    this.quietUntil = Infinity;
    const pace = await told;
    if (serial === this.serial) {
      this.quietUntil = this.now() + (pace?.quiet_ms ?? 0);
    }
  }
}
