/** Messages to the user: a new message replaces the previous one, which may no longer be true. */

/** Shows messages with `emit`, which returns the message's id, and removes them with `dismiss`. */
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
