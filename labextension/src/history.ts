/**
 * The edit history: a bounded ring that merges bursts of typing, drops reverted edits, and never holds a text
 * with a secret. What was accepted and taken back stays as both events. The port of `core/history.py`.
 */

import { changedWords } from './changedWords';
import type { EventWire, Origin } from './protocol';
import type { Rearranged } from './rearranged';
import { holdsSecret } from './redact';
import { TextEdit } from './textEdit';

/** A cell's whole text before and after an edit; `at` is in seconds. */
export interface EditEvent {
  readonly cell: string;
  readonly before: string;
  readonly after: string;
  readonly origin: Origin;
  readonly at: number;
  /** Stays the same while keystrokes are merged into this event. */
  readonly burst: number;
}

export interface HistoryOptions {
  maxEvents?: number;
  mergeLines?: number;
  mergeSeconds?: number;
}

type Change = Pick<EditEvent, 'cell' | 'before' | 'after' | 'origin'>;

function undoes(last: Change, event: Change): boolean {
  return last.cell === event.cell && last.before === event.after && last.after === event.before;
}

/**
 * Whether two events are as if neither had been: not what is accepted and taken back, nor what is
 * undone and made anew.
 */
function leavesNothing(last: Change, event: Change): boolean {
  const madeAnew = last.origin === 'undone' && event.origin !== 'undone';
  return undoes(last, event) && last.origin !== 'accepted' && !madeAnew;
}

/** The last edits, oldest first. */
export class EditHistory {
  private events: EditEvent[] = [];
  private bursts = 0;
  private readonly wires = new WeakMap<EditEvent, EventWire>();
  private looked = { text: '', refused: false };
  private readonly maxEvents: number;
  private readonly mergeLines: number;
  private readonly mergeSeconds: number;

  constructor(options: HistoryOptions = {}) {
    this.maxEvents = options.maxEvents ?? 10;
    this.mergeLines = options.mergeLines ?? 8;
    this.mergeSeconds = options.mergeSeconds ?? 1;
  }

  get all(): readonly EditEvent[] {
    return this.events;
  }

  get last(): EditEvent | undefined {
    return this.events[this.events.length - 1];
  }

  /**
   * The text of the last edited cell before the words that were edited last were first edited: a pause, or
   * accepted ghost text, divides the typing of a name. Null without edits.
   */
  get before(): string | null {
    let first = this.last;
    for (const event of this.events.slice(0, -1).reverse()) {
      if (!first || !leadsTo(event, first)) {
        break;
      }
      first = event;
    }
    return first?.before ?? null;
  }

  /** Add an event: merge it into the last one, or append it and drop the oldest. */
  append(event: Omit<EditEvent, 'burst'>): void {
    if (event.before === event.after) {
      return;
    }
    if (this.isRefused(event.before) || this.isRefused(event.after)) {
      this.forget(event.cell);
      return;
    }
    const last = this.last;
    if (last && this.isSameBurst(last, event)) {
      this.events.pop();
      if (last.before !== event.after) {
        this.push({ ...event, before: last.before, burst: last.burst });
      }
      return;
    }
    if (last && leavesNothing(last, event)) {
      this.events.pop();
      return;
    }
    this.push({ ...event, burst: ++this.bursts });
  }

  /** Drop the events of one cell, or all. */
  forget(cell?: string): void {
    this.events = cell === undefined ? [] : this.events.filter(event => event.cell !== cell);
  }

  /** A cell got another id. */
  rename(cell: string, to: string): void {
    this.events = this.events.map(event => (event.cell === cell ? { ...event, cell: to } : event));
  }

  /** Texts moved to other cells: their edits belong to these now, unless they contain a secret. */
  rearrange(rearranged: Rearranged): void {
    const events = rearranged.edits(this.events);
    const refused = events
      .filter(event => !this.events.includes(event))
      .filter(({ before, after }) => this.isRefused(before) || this.isRefused(after));
    const cells = new Set(refused.map(({ cell }) => cell));
    this.events = events.filter(({ cell }) => !cells.has(cell)).slice(-this.maxEvents);
  }

  /** The history as sent: an unchanged event is the same object each time. */
  wire(): EventWire[] {
    return this.events.map(event => {
      let wire = this.wires.get(event);
      if (!wire) {
        const { cell, before, after, origin, at } = event;
        wire = { cell, before, after, origin, at };
        this.wires.set(event, wire);
      }
      return wire;
    });
  }

  /** Called twice for most texts: as the result of one key, and as the text before the next. */
  private isRefused(text: string): boolean {
    if (text !== this.looked.text) {
      this.looked = { text, refused: holdsSecret(text) };
    }
    if (this.looked.refused) {
      this.looked = { text: '', refused: false }; // a refused text is not kept here either
      return true;
    }
    return false;
  }

  /** Append an event; it is "undone" if it takes back, not by an offer, what was accepted last in its
   * cell. */
  private push(event: EditEvent): void {
    const last = [...this.events].reverse().find(({ cell }) => cell === event.cell);
    const isOffer = event.origin === 'accepted';
    const takesBack = !isOffer && last?.origin === 'accepted' && undoes(last, event);
    this.events.push(takesBack ? { ...event, origin: 'undone' } : event);
    this.events.splice(0, this.events.length - this.maxEvents);
  }

  private isSameBurst(last: EditEvent, event: Omit<EditEvent, 'burst'>): boolean {
    if (
      last.cell !== event.cell ||
      last.origin !== event.origin ||
      last.after !== event.before ||
      (event.origin !== 'typed' && event.origin !== 'undone') ||
      event.at - last.at > this.mergeSeconds
    ) {
      return false;
    }
    const was = TextEdit.between(last.before, last.after).replacements;
    const now = TextEdit.between(event.before, event.after).replacements;
    if (!was.length || !now.length) {
      return true;
    }
    const shift = was.slice(0, -1).reduce((sum, r) => sum + r.text.length - r.end + r.start, 0);
    const there = was[was.length - 1].start + shift + was[was.length - 1].text.length;
    const [low, high] = [Math.min(there, now[0].start), Math.max(there, now[0].start)];
    return event.before.slice(low, high).split('\n').length - 1 <= this.mergeLines;
  }
}

/** Whether the second edit goes on with words that the first one changed. */
function leadsTo(one: EditEvent, next: EditEvent): boolean {
  const words = one.cell === next.cell && one.after === next.before;
  const changed = words ? changedWords(one.before, one.after) : null;
  return (
    changed !== null &&
    TextEdit.between(next.before, next.after).replacements.some(
      ({ start, end }) => start <= changed.end && changed.start <= end
    )
  );
}
