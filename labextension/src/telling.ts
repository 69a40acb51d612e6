/** What the user is told: the newest takes the place of what was told before, which may be so no more. */

/** Tells by `emit`, which gives the message's id, and takes back by `dismiss`. */
export function telling(
  emit: (message: string) => string,
  dismiss: (id: string) => void
): (message: string) => void {
  let last: string | null = null;
  return message => {
    if (last !== null) {
      dismiss(last);
    }
    last = emit(message);
  };
}
