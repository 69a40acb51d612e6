/** Work in slices, so that none of the page's tasks takes long. */

/**
 * Calls back when there is time, at the latest after a moment; returns a function that cancels it.
 */
export type Later = (work: () => void) => () => void;

/** The maximum wait for idle time, in ms. */
const PATIENCE = 100;

/** Safari has no idle callbacks. */
export const whenIdle: Later = work => {
  if (typeof requestIdleCallback === 'function') {
    const handle = requestIdleCallback(work, { timeout: PATIENCE });
    return () => cancelIdleCallback(handle);
  }
  const timer = setTimeout(work, 20);
  return () => clearTimeout(timer);
};

/**
 * Calls back when there is time after the next frame, when its work for a slice, such as measuring,
 * is done.
 */
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
    /** The amount of work per slice. */
    private readonly most: number,
    private readonly later: Later = afterFrame
  ) {}

  /**
   * Do `work` on each item in turn: one slice now, the others later. `work` returns its cost, 0 if nothing was done. Unfinished work of an earlier call is dropped.
   *
   */
  run<T>(items: Iterable<T>, work: (item: T) => number): void {
    this.stop();
    this.slice(items[Symbol.iterator](), work);
  }

  /** Drop the unfinished work. */
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
