/** The kernel's facts, over the comm "nextedit": requested after each execution. */

import type { ISessionContext } from '@jupyterlab/apputils';
import type { Kernel } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';

import type { FactsWire, RequestWire, SuggestionWire } from './protocol';

const TARGET = 'nextedit';

/**
 * How likely a kernel's request is meant for this notebook: of those that share the kernel, the
 * highest wins.
 */
export enum Address {
  Hidden,
  Visible,
  Focused,
  Running
}

/** What the kernel can request from its notebook. */
export interface KernelPeer {
  /** Whether it has cells to change: between a notebook and its console, the notebook is meant. */
  readonly isDocument: boolean;
  address(): Address;
  /** The notebook's present state. */
  request(): Omit<RequestWire, 'id'> | null;
  apply(suggestion: SuggestionWire): void;
  /** `%nextedit on` and `off`. */
  setEnabled(enabled: boolean): void;
  factsChanged(): void;
  /** The kernel was restarted or replaced: its state is gone. */
  kernelGone(): void;
}

/**
 * The instances of all open notebooks. If several share a kernel, JupyterLab delivers its messages
 * to only one: that one passes them on, and the others send through it.
 */
const open = new Set<KernelFacts>();

/** The comm with one notebook's kernel, across restarts and reloads. */
export class KernelFacts implements IDisposable {
  private facts: FactsWire | null = null;
  private comm: Kernel.IComm | null = null;
  private kernel: Kernel.IKernelConnection | null = null;
  private disposed = false;

  constructor(
    /** Null if a text has no kernel. */
    private readonly context: ISessionContext | null,
    private readonly peer: KernelPeer
  ) {
    open.add(this);
    context?.kernelChanged.connect(this.onKernelChanged, this);
    context?.statusChanged.connect(this.onStatusChanged, this);
    this.use(context?.session?.kernel ?? null);
  }

  /** The newest facts; null without the kernel extension. */
  get current(): FactsWire | null {
    return this.facts;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** Request the facts, which arrive later. Does nothing if no comm is open. */
  ask(): void {
    this.send({ op: 'facts' });
  }

  /** How many cells the kernel has run, found by executing nothing; null if unknown. */
  async counter(): Promise<number | null> {
    try {
      const reply = await this.kernel?.requestExecute({
        code: '',
        silent: true,
        store_history: false,
        allow_stdin: false,
        stop_on_error: false
      }).done;
      return reply?.content.execution_count ?? null;
    } catch {
      return null; // it is going away
    }
  }

  dispose(): void {
    this.disposed = true;
    open.delete(this);
    this.context?.kernelChanged.disconnect(this.onKernelChanged, this);
    this.context?.statusChanged.disconnect(this.onStatusChanged, this);
    this.use(null);
  }

  private onKernelChanged(): void {
    this.use(this.context?.session?.kernel ?? null);
  }

  private onStatusChanged(_: unknown, status: Kernel.Status): void {
    if (status === 'restarting' || status === 'autorestarting' || status === 'dead') {
      this.comm = null;
      this.facts = null;
      this.peer.kernelGone();
      this.peer.factsChanged();
    }
  }

  private use(kernel: Kernel.IKernelConnection | null): void {
    if (kernel === this.kernel) {
      return;
    }
    if (this.kernel && !this.kernel.isDisposed) {
      this.kernel.removeCommTarget(TARGET, this.onOpen);
    }
    const isAnother = this.kernel !== null && kernel !== null && kernel.id !== this.kernel.id;
    this.kernel = kernel;
    this.comm = null;
    this.facts = null;
    if (!kernel) {
      return;
    }
    if (isAnother) {
      this.peer.kernelGone();
    }
    if (kernel.handleComms) {
      kernel.registerCommTarget(TARGET, this.onOpen);
      void this.find(kernel);
    } else {
      this.ask();
    }
  }

  /** After a reload of the page the kernel's comm already exists. */
  private async find(kernel: Kernel.IKernelConnection): Promise<void> {
    try {
      // Before that it is not known whether it has subshells, and a comm opened now would have
      // none: its answers would wait for the end of the running cell.
      await kernel.info;
      const reply = await kernel.requestCommInfo({ target_name: TARGET });
      if (reply.content.status !== 'ok' || kernel !== this.kernel || this.comm) {
        return;
      }
      const id = Object.keys(reply.content.comms).pop();
      if (id !== undefined && !kernel.hasComm(id)) {
        this.take(kernel.createComm(TARGET, id));
      }
    } catch {
      // A kernel that is going away, or one without comms.
    }
  }

  private onOpen = (comm: Kernel.IComm): void => {
    this.take(comm);
  };

  private take(comm: Kernel.IComm): void {
    this.comm = comm;
    comm.onMsg = message => this.onMessage(message.content.data, message.parent_header);
    comm.onClose = () => {
      if (this.comm === comm) {
        this.comm = null;
        this.learn(null);
      }
    };
    this.ask();
  }

  private onMessage(data: JSONObject, cause: { session?: string }): void {
    switch (data.op) {
      case 'facts':
        this.learn(data.facts as unknown as FactsWire);
        break;
      case 'notebook':
        if (this.speaker === this) {
          const request = this.addressed(cause.session)?.peer.request();
          this.send({
            op: 'notebook',
            token: data.token,
            request: { id: null, ...request } as unknown as JSONObject
          });
        }
        break;
      case 'apply':
        if (this.speaker === this) {
          const suggestion = data.suggestion as unknown as SuggestionWire;
          this.addressed(cause.session)?.peer.apply(suggestion);
        }
        break;
      case 'enabled':
        this.sharing.forEach(one => one.peer.setEnabled(data.enabled === true));
        break;
    }
  }

  private learn(facts: FactsWire | null): void {
    for (const one of this.sharing) {
      one.facts = facts;
      one.peer.factsChanged();
    }
  }

  /** The instances that share this kernel, including this one. */
  private get sharing(): KernelFacts[] {
    return [...open].filter(other => other.kernel?.id === this.kernel?.id);
  }

  /** The one whose comm is open with the kernel; undefined if there is none. */
  private get speaker(): KernelFacts | undefined {
    return this.sharing.find(({ comm }) => comm !== null && !comm.isDisposed);
  }

  /**
   * The notebook that the kernel means: the one that sent the running cell, by its connection's id. Two copies of a notebook have the same cells, and both may run.
   *
   */
  private addressed(session: string | undefined): KernelFacts | undefined {
    const documents = this.sharing.filter(({ peer }) => peer.isDocument);
    const meant = documents.length ? documents : this.sharing;
    return (
      meant.find(({ kernel }) => kernel?.clientId === session) ??
      meant.sort((one, other) => other.peer.address() - one.peer.address())[0]
    );
  }

  private send(message: JSONObject): void {
    const { comm, kernel } = this.speaker ?? this;
    if (comm && kernel?.connectionStatus === 'connected') {
      void comm.send(message);
    }
  }
}

/** Whether the kernel's last error is new for this text of its cell. */
export class NewError {
  private seen: string | null = null;

  has(error: FactsWire['error'], textOf: (cell: string) => string | undefined): boolean {
    const now = error ? JSON.stringify([error, textOf(error.cell)]) : null;
    const isNew = now !== null && now !== this.seen;
    this.seen = now;
    return isNew;
  }
}
