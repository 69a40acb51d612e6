/** Work on many things in slices, so that none of the page's tasks takes long. */

/** Calls back when there is time, at the latest after a moment; gives what cancels it. */
export type Later = (work: () => void) => () => void;

/** At most so long, in ms, is idle time waited for. */
const PATIENCE = 100;

/** In Safari there are no idle callbacks. */
export const whenIdle: Later = work => {
  if (typeof requestIdleCallback === 'function') {
    const handle = requestIdleCallback(work, { timeout: PATIENCE });
    return () => cancelIdleCallback(handle);
  }
  const timer = setTimeout(work, 20);
  return () => clearTimeout(timer);
};

/** When there is time after the next frame: what a slice costs there, as in measuring, is behind it. */
const afterFrame: Later = work => {
  let cancel = () => {};
  const frame = requestAnimationFrame(() => (cancel = whenIdle(work)));
  return () => {
    cancelAnimationFrame(frame);
    cancel();
  };
};

export class Slices {
  private cancel: (() => void) | null = null;

  constructor(
    /** How much work is a slice. */
    private readonly most: number,
    private readonly later: Later = afterFrame
  ) {}

  /**
   * Do `work` on each item in turn: one slice now, the others later. `work` gives what it cost, 0
   * where nothing was to be done. What an earlier call left is dropped.
   */
  run<T>(items: Iterable<T>, work: (item: T) => number): void {
    this.stop();
    this.slice(items[Symbol.iterator](), work);
  }

  /** Leave what is left. */
  stop(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private slice<T>(left: Iterator<T>, work: (item: T) => number): void {
    let cost = 0;
    while (cost < this.most) {
      const next = left.next();
      if (next.done) {
        return;
      }
      cost += work(next.value);
    }
    this.cancel = this.later(() => {
      this.cancel = null;
      this.slice(left, work);
    });
  }
}
