/** What was accepted last, to be taken back as a whole, and what a rename leaves behind. */

import type { Application } from './apply';
import { takeBack } from './apply';
import { isName } from './names';
import type { Pending, Place } from './pending';

export class Applications {
  private held: Application[] = [];
  private from: string | null = null; // the suggestion that they are of
  private renamed: string[] = []; // old names of the last rename

  get isEmpty(): boolean {
    return !this.held.length;
  }

  /** Old names that the kernel may still hold. */
  get oldNames(): readonly string[] {
    return this.renamed;
  }

  /** Whether accepting more of this suggestion belongs to what was accepted before. */
  continues(pending: Pending): boolean {
    return this.held.length > 0 && this.from === pending.id;
  }

  /** These places were accepted; called while `pending` still has them. */
  add(application: Application, pending: Pending, places: readonly Place[]): void {
    this.held = this.continues(pending) ? [...this.held, application] : [application];
    this.from = pending.id;
    if (pending.kind === 'rename') {
      this.renamed = [...new Set(places.map(place => pending.old(place)).filter(isName))];
    }
  }

  /** False if a later edit is in the way, or there is nothing to take back. */
  takeBack(): boolean {
    if (!takeBack(this.held)) {
      return false;
    }
    this.held = [];
    this.renamed = [];
    return true;
  }
}
