/** Which ghost text the user saw last: one that is drawn as the next key is typed was not seen. */

/** Milliseconds; people react to what they see after some 200. */
const SEEN_AFTER = 150;

export class Sights {
  private onScreen: { id: string; since: number } | null = null;
  private id = '';

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** The id of the ghost text that was seen last; empty if none was. */
  get last(): string {
    if (this.isSeen) {
      this.id = this.onScreen!.id;
    }
    return this.id;
  }

  /** Whether what is on the screen has been there long enough. */
  get isSeen(): boolean {
    return this.onScreen !== null && this.now() - this.onScreen.since >= SEEN_AFTER;
  }

  /** A ghost text is drawn. */
  draw(id: string): void {
    void this.last;
    if (this.onScreen?.id !== id) {
      this.onScreen = { id, since: this.now() };
    }
  }

  /** It is accepted or dismissed, which nobody does unseen. */
  answered(): void {
    this.id = this.onScreen?.id ?? this.id;
  }

  /** It is on the screen no longer. */
  gone(): void {
    void this.last;
    this.onScreen = null;
  }
}
