/** Counts whether what was accepted is still there after 30 seconds and after 5 minutes. */

import type { IDisposable } from '@lumino/disposable';

import type { Outcome } from './client';
import type { Kind, Lane } from './protocol';

const LOOKS = [
  ['kept_30s', 30],
  ['kept_5m', 300]
] as const;

export class KeptWatch implements IDisposable {
  private timers = new Set<ReturnType<typeof setTimeout>>();
  private disposed = false;

  constructor(
    private readonly textOf: (cell: string) => string | undefined,
    private readonly report: (outcome: Outcome, kind: Kind, lane: Lane) => void
  ) {}

  get isDisposed(): boolean {
    return this.disposed;
  }

  watch(kind: Kind, lane: Lane, accepted: readonly { cell: string; text: string }[]): void {
    for (const [outcome, seconds] of LOOKS) {
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        if (accepted.every(({ cell, text }) => this.textOf(cell)?.includes(text))) {
          this.report(outcome, kind, lane);
        }
      }, seconds * 1000);
      this.timers.add(timer);
    }
  }

  dispose(): void {
    this.disposed = true;
    this.timers.forEach(clearTimeout);
  }
}
