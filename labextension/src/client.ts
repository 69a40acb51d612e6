/** The client of the Jupyter server: one request in flight, the newest wins, off means none. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { UUID } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { Changes } from './changes';
import type {
  AnswerWire,
  ChangedRequestWire,
  ErrorAnswerWire,
  Kind,
  Lane,
  LargerWire,
  OutcomeWire,
  PaceWire,
  ReportedOutcome,
  RequestWire,
  StatusWire
} from './protocol';

export type { LargerWire, PaceWire } from './protocol';

/** The outcome of a suggestion. */
export type Outcome = ReportedOutcome;

/** `GET nextedit/status`. */
export type ServerStatus = StatusWire;

export type State = 'ready' | 'thinking' | 'off' | 'no-worker' | 'no-bundle';

/** What the status item shows. */
export interface ClientStatus {
  state: State;
  bundle: string | null;
  /** What is wrong, and what to do. */
  problem: string | null;
  lastMs: number | null;
}

/** A request in progress. */
interface Flight {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

const TIMEOUT = 10_000; // the first request may start the worker and load the model
const STATUS_EVERY = 5_000;
const MIN_PAUSE = 50; // until a worker says otherwise
const MAX_PAUSE = 3_000;
const NEWS_EVERY = 30_000; // while a request is being made anyway

export class Client {
  /** While suggestions are paused, only requests by a key or command are sent. */
  isPaused = false;
  private readonly id = UUID.uuid4();
  private readonly settings = ServerConnection.makeSettings();
  private flight: Flight | null = null;
  private superseded: Flight | null = null; // still in progress, although nobody waits for its answer
  private on = false;
  private server: ServerStatus | null = null;
  private failure: string | null = null;
  private lastMs: number | null = null;
  private bundle: string | null = null;
  private noModel = false;
  private pace: PaceWire | null = null;
  private askedAt = -Infinity;
  private isRefreshDue = false;
  private serial = 0;
  private readonly changes = new Changes();
  private changed = new Signal<this, void>(this);

  get statusChanged(): ISignal<this, void> {
    return this.changed;
  }

  get enabled(): boolean {
    return this.on;
  }

  set enabled(on: boolean) {
    if (on === this.on) {
      return;
    }
    this.on = on;
    if (on) {
      void this.refresh();
    } else {
      this.abort();
    }
    this.changed.emit();
  }

  get status(): ClientStatus {
    const { bundle, lastMs } = this;
    const problem = this.failure ?? this.server?.problem ?? null;
    if (!this.on) {
      return { state: 'off', bundle, problem: null, lastMs };
    }
    if (this.server && !this.server.enabled) {
      return { state: 'off', bundle, problem: 'switched off on the server', lastMs };
    }
    if (this.failure !== null || this.server?.worker === 'failed') {
      return { state: 'no-worker', bundle, problem, lastMs };
    }
    if (this.flight) {
      return { state: 'thinking', bundle, problem: null, lastMs };
    }
    const isKnown = this.server?.worker === 'running' || this.noModel;
    if (isKnown && bundle === null && (problem !== null || this.noModel)) {
      return { state: 'no-bundle', bundle, problem, lastMs };
    }
    return { state: 'ready', bundle, problem, lastMs };
  }

  /** The server outside this machine that text is sent to; null if none. */
  get remote(): ServerStatus['remote'] {
    return this.server?.remote ?? null;
  }

  /** How many files of the folder were read; null if none may be. */
  get filesRead(): number | null {
    return this.server?.folder?.files ?? null;
  }

  /** The progress of a model update; null if updates are off. */
  get update(): ServerStatus['update'] {
    return this.server?.update ?? null;
  }

  /** The larger model and its download's progress; null if there is none to download. */
  get larger(): LargerWire | null {
    return this.server?.larger ?? null;
  }

  /** The models that can be asked, the preferred one first. */
  get bundles(): readonly { id: string; language: string; label: string }[] {
    return this.server?.bundles ?? [];
  }

  /** The pause in ms before a request: the user's `delay`, adjusted by the worker's pace. */
  pause(delay: number): number {
    const { pause_ms: least, factor } = this.pace ?? { pause_ms: MIN_PAUSE, factor: 1 };
    return Math.max(least, Math.min(MAX_PAUSE, delay * factor));
  }

  /** False during a pause, and on low power if the user chose that: then there are no automatic requests. */
  get mayInfer(): boolean {
    return !this.isPaused && (this.pace?.may_infer ?? true);
  }

  /** Whether a request is in progress; for one that got no answer, whether it was superseded. */
  get isAsking(): boolean {
    return this.flight !== null;
  }

  /** Resolves once nothing is in flight. */
  async settled(): Promise<void> {
    while (this.flight) {
      await this.flight.done;
    }
  }

  abort(): void {
    this.flight?.abort.abort();
    this.superseded?.abort.abort();
    this.flight = null;
    this.superseded = null;
  }

  /**
   * A newer request supersedes the one in progress. The worker answers that at once and then holds its contents, which may be the whole notebook; aborting it would lose that and the connection. If it still gets no answer, the next request aborts it.
   *
   */
  private supersede(): void {
    this.superseded?.abort.abort();
    this.superseded = this.flight;
  }

  /**
   * The answer, or null if it is off, superseded by a newer request, refused, or the worker is gone. Never rejects.
   *
   */
  async suggest(request: Omit<RequestWire, 'id'>): Promise<AnswerWire | null> {
    if (!this.on) {
      return null;
    }
    this.supersede();
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TIMEOUT);
    let finish = () => {};
    const flight: Flight = { abort, done: new Promise<void>(resolve => (finish = resolve)) };
    const isWanted = () => this.flight === flight && !abort.signal.aborted;
    this.flight = flight;
    this.changed.emit();
    try {
      const answer = await this.ask({ id: ++this.serial, ...request }, abort.signal, isWanted);
      if (!isWanted()) {
        return null;
      }
      if ('error' in answer) {
        // Bounds and throttling concern only this request.
        if (answer.error.code === 'worker' || answer.error.code === 'bundle') {
          this.failure = answer.error.message;
          void this.refresh();
        }
        return null;
      }
      this.failure = null;
      this.lastMs = answer.timing_ms.total;
      // Another model or a worker that has only just started answered, or it has been a while: the
      // status may have changed.
      const hasStarted = this.server?.enabled === true && this.server.worker !== 'running';
      const isNews = answer.bundle !== this.bundle || hasStarted;
      if (isNews || performance.now() - this.askedAt > NEWS_EVERY) {
        void this.refresh();
      }
      this.bundle = answer.bundle;
      const noModel = Object.values(answer.silence).includes('no_model');
      if (noModel && !this.noModel) {
        void this.refresh();
      }
      this.noModel = noModel || (this.noModel && answer.bundle === null);
      return answer;
    } catch (error) {
      if (isWanted()) {
        this.failure = reason(error);
      }
      return null;
    } finally {
      clearTimeout(timer);
      finish();
      if (this.flight === flight) {
        this.flight = null;
        this.changed.emit();
      } else if (this.superseded === flight) {
        this.superseded = null;
      }
    }
  }

  /**
   * Have the model read ahead what the next key here will need, unless a request is in progress or the battery is low. It uses the same name as suggestions, so that the next request ends it. Never rejects.
   *
   */
  async prefill(request: Omit<RequestWire, 'id'>): Promise<void> {
    if (!this.on || this.flight || !this.mayInfer || this.pace?.power === 'low' || this.noModel) {
      return;
    }
    try {
      const isWanted = () => this.flight === null; // sent again, it would come after a key's request
      await this.ask({ id: null, ...request, want: [] }, undefined, isWanted);
    } catch {
      // Then the next key takes longer.
    }
  }

  /**
   * The cells to run again after `changed`, in order; null if unknown. `ran` are the cells with results, perhaps from an earlier kernel. Independent of requests for suggestions: neither supersedes the other. Never rejects.
   *
   */
  async stale(
    request: Omit<RequestWire, 'id'>,
    changed: readonly string[],
    ran: readonly string[]
  ): Promise<string[] | null> {
    if (!this.on) {
      return null;
    }
    try {
      // Under another name, for which nothing is held: it is rare, and sent in full.
      const body = JSON.stringify({ id: null, ...request, want: [], changed, ran_before: ran });
      const init = { method: 'POST', body, signal: AbortSignal.timeout(TIMEOUT) };
      const answer = await read(await this.fetch('suggest', init, `${this.id}-state`));
      return 'error' in answer ? null : (answer.stale ?? null);
    } catch {
      return null;
    }
  }

  /**
   * Report a suggestion's outcome: words only, no text. Returns the resulting pace, or null if unknown. Never rejects.
   *
   */
  async report(outcome: Outcome, kind: Kind, lane: Lane): Promise<PaceWire | null> {
    if (!this.on) {
      return null;
    }
    try {
      const told: OutcomeWire = { outcome, kind, lane };
      const body = JSON.stringify(told);
      const response = await this.fetch('outcome', { method: 'POST', body });
      const pace = response.ok ? ((await response.json()) as PaceWire | null) : null;
      this.pace = pace ?? this.pace;
      return pace;
    } catch {
      return null; // it is only counted, and only if the user enabled that
    }
  }

  /** Send a command to the server; returns its answer. Rejects with an Error that says what is wrong. */
  async post(path: string): Promise<unknown> {
    let response: Response;
    try {
      response = await this.fetch(path, { method: 'POST', body: '{}' });
    } catch (error) {
      throw new Error(reason(error));
    }
    if (!response.ok) {
      const said = (await response.json().catch(() => null)) as ErrorAnswerWire | null;
      throw new Error(said?.error?.message ?? reason(new ServerConnection.ResponseError(response)));
    }
    return response.json();
  }

  /** Read the server's status, at most every 5 s unless `soon`; returns whether it answered. */
  async refresh(soon = false): Promise<boolean> {
    const wait = soon ? 0 : this.askedAt + STATUS_EVERY - performance.now();
    if (!this.on || (this.isRefreshDue && !soon)) {
      return false;
    }
    if (wait > 0) {
      this.isRefreshDue = true;
      setTimeout(() => {
        this.isRefreshDue = false;
        void this.refresh();
      }, wait);
      return false;
    }
    this.askedAt = performance.now();
    try {
      const response = await this.fetch('status', { method: 'GET' });
      if (!response.ok) {
        throw new ServerConnection.ResponseError(response);
      }
      this.server = (await response.json()) as ServerStatus;
      this.bundle = this.server.bundle ?? this.bundle;
      this.lastMs ??= this.server.last_ms;
      this.pace = this.server.pace ?? null;
      if (this.server.worker !== 'failed') {
        this.failure = null;
      }
    } catch (error) {
      this.failure = reason(error);
    }
    this.changed.emit();
    return this.failure === null;
  }

  /** Send only what changed; everything, if the worker no longer holds the rest. */
  private async ask(
    { id, ...request }: RequestWire,
    signal?: AbortSignal,
    isWanted = () => true
  ): Promise<AnswerWire | ErrorAnswerWire> {
    const told = this.changes.tell(request);
    const answer = await this.send({ id, ...told.request }, signal);
    if (!('error' in answer)) {
      this.changes.answered(told);
      return answer;
    }
    if (answer.error.code !== 'unknown_state' || !isWanted()) {
      return answer;
    }
    this.changes.forget();
    const whole = this.changes.tell(request);
    const second = await this.send({ id, ...whole.request }, signal);
    if (!('error' in second)) {
      this.changes.answered(whole);
    }
    return second;
  }

  private async send(
    request: ChangedRequestWire,
    signal?: AbortSignal
  ): Promise<AnswerWire | ErrorAnswerWire> {
    const body = JSON.stringify(request);
    return read(await this.fetch('suggest', { method: 'POST', body, signal }));
  }

  private fetch(path: string, init: RequestInit, id: string = this.id): Promise<Response> {
    return ServerConnection.makeRequest(
      URLExt.join(this.settings.baseUrl, 'nextedit', path),
      { ...init, headers: { 'X-NextEdit-Client': id } },
      this.settings
    );
  }
}

/** An answer, or one of our errors; throws for anything else. */
async function read(response: Response): Promise<AnswerWire | ErrorAnswerWire> {
  if (!response.ok) {
    const value = (await response.json().catch(() => null)) as ErrorAnswerWire | null;
    if (typeof value?.error?.code === 'string') {
      return value;
    }
    throw new ServerConnection.ResponseError(response);
  }
  return (await response.json()) as AnswerWire | ErrorAnswerWire;
}

/** What is wrong, and what to do. */
function reason(error: unknown): string {
  const status = error instanceof ServerConnection.ResponseError ? error.response.status : 0;
  switch (status) {
    case 404:
      return 'the server extension is off: jupyter server extension enable nextedit_jupyter';
    case 403:
      return 'the server refuses: log in again and reload the page';
    case 0:
      return 'the Jupyter server does not answer';
    default:
      return `the server failed (${status}): see its log, or jupyter nextedit doctor`;
  }
}
