/** Requests next edits for one notebook, after a pause or on command, and chooses what to show. */

import type { IDisposable } from '@lumino/disposable';

import { isWord } from './names';
import type { Offers } from './offers';
import { Pending } from './pending';
import type { AnswerWire, Kind, SuggestionWire } from './protocol';
import type { Recorder } from './recorder';
import type { Requests, Snapshot } from './requests';
import { whyNot } from './requests';
import { Scheduler } from './scheduler';
import type { Shared } from './shared';
import { OnceMore, askPatiently, whySilent } from './silences';
import type { Views } from './surfaces';

export interface AskingHost {
  readonly views: Views;
  readonly offers: Offers;
  readonly recorder: Recorder;
  readonly requests: Requests;
  readonly shared: Shared;
  /** A module's text before the user changed it; null if that concerns no other document. */
  byHand(): string | null;
  /** What was accepted and undone since, for when the user asks for it. */
  again(): SuggestionWire | null;
  /** Show the first of these, and the others once it is done; `wanted` says that the user asked. */
  show(suggestions: readonly Pending[], wanted: boolean): void;
  clear(): void;
}

/** The kinds requested besides ghost text; first the one whose silence says more. */
const KINDS: readonly Kind[] = ['rename', 'next_edit'];

export class Asking implements IDisposable {
  private readonly scheduler: Scheduler;
  private readonly onceMore = new OnceMore();
  private unfinished: Snapshot | null = null; // nothing was likely enough, with the caret where it is
  private left: number | null = null; // the burst for which a request was repeated when the caret left it

  constructor(private readonly host: AskingHost) {
    this.scheduler = this.makeScheduler();
  }

  get isDisposed(): boolean {
    return this.scheduler.isDisposed;
  }

  /** Request after the pause. */
  schedule(): void {
    this.scheduler.schedule();
  }

  cancel(): void {
    this.scheduler.cancel();
  }

  /** Another cell became the active one. */
  entered(): void {
    this.scheduler.entered();
  }

  /**
   * The caret moved. What looks half typed while the caret is after it is complete once the caret leaves: then the request is repeated.
   *
   */
  caretMoved(): void {
    const { recorder, views } = this.host;
    const { caret: at, burst } = this.unfinished ?? {};
    const now = views.caret();
    if (!at || !now || burst !== recorder.history.last?.burst || burst === this.left) {
      return;
    }
    const [from, to] = [at.offset, now.offset].sort((a, b) => a - b);
    const between = recorder.text(at.cell)?.slice(from, to) ?? '';
    if (now.cell !== at.cell || !isWord(between)) {
      this.left = burst ?? null;
      this.unfinished = null;
      this.schedule();
    }
  }

  dispose(): void {
    this.scheduler.dispose();
  }

  /** Request next edits now, even dismissed ones, and say so if there are none. */
  async suggest(): Promise<void> {
    const { views, offers, requests, shared } = this.host;
    const { client, trans, tell } = shared;
    const reason = requests.notServed(views.activeId);
    if (reason !== null) {
      tell(whyNot(reason, trans));
      return;
    }
    await client.settled(); // a newer request would supersede this one
    const asked = await askPatiently(() => this.ask(true), KINDS);
    if (asked && !offers.shown) {
      const why = whySilent(asked.answer, KINDS, trans);
      tell(why === null ? trans.__('No next edit here.') : trans.__('No next edit here: %1', why));
    } else if (!asked) {
      tell(client.status.problem ?? trans.__('there was no answer'));
    }
  }

  private makeScheduler(): Scheduler {
    const { recorder, requests, views, shared } = this.host;
    const { client, pace, settings } = shared;
    return new Scheduler({
      mayAsk: () => client.enabled && client.mayInfer,
      pause: () => client.pause(settings.delay),
      // What an input method is composing is not text yet.
      isQuiet: () => pace.isQuiet || !!views.activeView?.composing,
      settled: () => client.settled(),
      lastEdit: () => recorder.history.last,
      ask: () => void this.askByItself(),
      readAhead: () => {
        const snapshot = views.isActiveCode ? requests.snapshot([]) : null;
        if (snapshot) {
          void client.prefill(snapshot.request);
        }
      }
    });
  }

  /**
   * A request that ran out of time is repeated after the pause, unless something was typed since; so is one that was superseded by ghost text requested without typing.
   *
   */
  private async askByItself(): Promise<void> {
    const asked = await this.ask(false);
    const isDue = asked
      ? this.onceMore.isDue(asked.answer, KINDS, asked.snapshot.burst)
      : this.host.shared.client.isAsking;
    if (isDue && !this.host.offers.shown) {
      this.scheduler.schedule();
    }
  }

  /** Request next edits, and show them; `wanted`: the user asked for them. */
  private async ask(wanted: boolean): Promise<{ answer: AnswerWire; snapshot: Snapshot } | null> {
    this.scheduler.cancel();
    const { requests } = this.host;
    const before = this.host.byHand();
    const across = before === null ? undefined : { before };
    const snapshot = requests.snapshot(['next_edit', 'rename'], undefined, across);
    const answer = snapshot && (await requests.ask(snapshot));
    if (!snapshot || !answer) {
      return null;
    }
    if (!this.isDisposed) {
      this.adopt(answer, snapshot, wanted);
      const isUnsure = answer.silence.rename === 'low_confidence' && !this.host.offers.shown;
      this.unfinished = isUnsure ? snapshot : null;
    }
    return { answer, snapshot };
  }

  private adopt(answer: AnswerWire, snapshot: Snapshot, wanted: boolean): void {
    const { offers, recorder, requests, shared } = this.host;
    const own = answer.suggestions.find(s => s.kind === 'rename') ?? null;
    const across = requests.across(answer, snapshot, own);
    const rest = across ? answer.suggestions.filter(s => s !== own) : answer.suggestions;
    const undone = wanted ? this.host.again() : null;
    const found = [
      ...(undone ? [Pending.from(undone, cell => recorder.text(cell))] : []),
      ...(across ? [across] : []),
      ...rest
        .filter(s => s.kind !== 'inline' && s.confidence >= shared.settings.confidence)
        .map(suggestion => requests.upToDate(suggestion, snapshot))
    ].filter(pending => pending !== null && !pending.isTouched) as Pending[];
    const chosen = offers.choose(found, wanted);
    const held = offers.current;
    if (chosen.length) {
      this.host.show(chosen, wanted);
    } else if (held && (held.hidden || held.burst === snapshot.burst)) {
      this.host.clear();
    }
  }
}
