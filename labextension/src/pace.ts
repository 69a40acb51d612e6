/** How long to wait before asking, and when to be quiet: it follows what the user takes and what not. */

/** A clock in milliseconds. */
export type Clock = () => number;

const SLOWER = 1.5; // after a dismissal
const FASTER = 0.8; // after an acceptance
const LEAST = 50;
const MOST = 3000;
const DECAY = 10 * 60 * 1000; // the factor is back at 1 after so long
const QUIET = 5000; // after a dismissal

/**
 * The pause before a next edit is asked for: the setting, ×1.5 for each dismissal, ×0.8 for each
 * acceptance, within 50 to 3,000 ms, forgotten over 10 minutes; and 5 s of quiet after a dismissal.
 */
export class Pace {
  private factor = 1;
  private since = 0;
  private quietUntil = 0;

  constructor(private readonly now: Clock = () => performance.now()) {}

  /** The pause in ms, `base` being the user's setting. */
  pause(base: number): number {
    return Math.min(MOST, Math.max(LEAST, base * this.current()));
  }

  get isQuiet(): boolean {
    return this.now() < this.quietUntil;
  }

  accepted(): void {
    this.adjust(FASTER);
    this.quietUntil = 0;
  }

  dismissed(): void {
    this.adjust(SLOWER);
    this.quietUntil = this.now() + QUIET;
  }

  private adjust(by: number): void {
    this.factor = Math.min(60, Math.max(1 / 60, this.current() * by));
    this.since = this.now();
  }

  private current(): number {
    const left = Math.max(0, 1 - (this.now() - this.since) / DECAY);
    return Math.pow(this.factor, left);
  }
}
