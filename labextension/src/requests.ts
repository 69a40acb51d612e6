/** What is asked about one notebook: where it is served at all, and the request as it stands now. */

import type { ISharedNotebook } from '@jupyter/ydoc';
import type { TranslationBundle } from '@jupyterlab/translation';

import { sharedCell } from './apply';
import { bundleOf, isLocked, isTaggedOff, languageOf } from './cells';
import type { Client } from './client';
import { matches } from './glob';
import type { KernelFacts } from './kernelFacts';
import { Pending } from './pending';
import type { Kind, RequestWire, SuggestionWire } from './protocol';
import type { Recorder } from './recorder';
import { buildRequest, isTooLarge } from './request';
import { SentCells } from './sentCells';
import type { Settings } from './tokens';
import type { NotebookViews } from './views';

/** A request and the texts it was made with. */
export interface Snapshot {
  readonly request: Omit<RequestWire, 'id'>;
  readonly texts: ReadonlyMap<string, string>;
  readonly burst: number | null;
}

/** Why nothing is asked here. */
export type NotServed =
  | 'off'
  | 'off-here'
  | 'no-notebook'
  | 'language'
  | 'excluded'
  | 'read-only'
  | 'tagged'
  | 'too-large';

export interface RequestsHost {
  readonly notebook: ISharedNotebook;
  readonly views: NotebookViews;
  readonly recorder: Recorder;
  readonly shared: { client: Client; settings: Settings; trans: TranslationBundle };
  facts(): KernelFacts;
  /** Whether the kernel's switch is on. */
  isOn(): boolean;
  /** Whether the kernel may hold what a cell says now. */
  holds(cell: string): boolean;
}

export class Requests {
  private readonly cells: SentCells;

  constructor(private readonly host: RequestsHost) {
    const { notebook, recorder } = host;
    this.cells = new SentCells(
      notebook,
      cell => recorder.text(cell),
      cell => !host.holds(cell)
    );
  }

  get language(): string {
    const { notebook, views } = this.host;
    return languageOf(notebook, views.panel.model?.defaultKernelLanguage ?? '');
  }

  /** Why this notebook is not served; null if it is. `cell` is that of the caret. */
  notServed(cell?: string): NotServed | null {
    const { settings, client } = this.host.shared;
    const { context } = this.host.views.panel;
    if (!client.enabled) {
      return 'off';
    }
    if (!this.host.isOn() || settings.notebooksOff.includes(context.localPath)) {
      return 'off-here';
    }
    if (settings.languages[this.language] !== true) {
      return 'language';
    }
    if (settings.excludedPaths.some(glob => matches(glob, context.localPath))) {
      return 'excluded';
    }
    if (context.model.readOnly || context.contentsModel?.writable === false) {
      return 'read-only';
    }
    const shared = cell === undefined ? undefined : sharedCell(this.host.notebook, cell);
    if (cell !== undefined && (!shared || isTaggedOff(shared))) {
      return 'tagged';
    }
    return shared && isTooLarge(shared.getSource()) ? 'too-large' : null;
  }

  /** A request for these kinds as the notebook stands; null where none is to be made. */
  snapshot(want: Kind[], renameTo?: string): Snapshot | null {
    const { views, recorder } = this.host;
    const active = views.activeCell?.model.sharedModel.getId();
    const caret = views.caret() ?? (active === undefined ? null : { cell: active, offset: 0 });
    if (!caret || this.notServed(caret.cell) !== null) {
      return null;
    }
    const cells = this.cells.all();
    const known = new Set(cells.map(cell => cell.id));
    const request = buildRequest({
      language: this.language,
      cells,
      switchedOff: this.switchedOff(),
      caret,
      history: recorder.history.wire().filter(event => known.has(event.cell)),
      facts: this.host.facts().current,
      want,
      bundle: bundleOf(this.host.notebook) ?? undefined,
      renameTo
    });
    if (!request) {
      return null;
    }
    return {
      request,
      texts: new Map(request.notebook.cells.map(cell => [cell.id, cell.source])),
      burst: recorder.history.last?.burst ?? null
    };
  }

  /** The rename of the name at the caret: its suggestion, or why there is none. */
  async rename(to: string): Promise<Pending | string> {
    const { trans, client } = this.host.shared;
    const snapshot = this.snapshot(['rename'], to);
    if (!snapshot) {
      const reason = this.notServed(this.host.views.caret()?.cell);
      return reason === null ? trans.__('no cell is active') : whyNot(reason, trans);
    }
    const answer = await client.suggest(snapshot.request);
    if (!answer) {
      return client.status.problem ?? trans.__('no answer');
    }
    const suggestion = answer.suggestions.find(s => s.kind === 'rename');
    if (!suggestion) {
      const nothing = trans.__('nothing to rename here');
      const { rename: reason } = answer.silence;
      return (
        answer.silence_detail?.rename ?? (reason === 'no_change' ? nothing : reason) ?? nothing
      );
    }
    return this.upToDate(suggestion, snapshot) ?? trans.__('the notebook changed, try again');
  }

  /** The suggestion for the notebook as it is now; null if it is stale. Locked cells are left out. */
  upToDate(suggestion: SuggestionWire, snapshot: Snapshot): Pending | null {
    const { notebook, recorder } = this.host;
    const pending = Pending.from(suggestion, cell => snapshot.texts.get(cell), snapshot.burst);
    const typed = recorder.history.all.find(event => event.burst === snapshot.burst);
    const then = typed && snapshot.texts.get(typed.cell);
    if (typed && then !== undefined) {
      pending?.calledForBy(typed.cell, typed.before, then);
    }
    if (!pending?.followAll(cell => sharedCell(notebook, cell)?.getSource())) {
      return null;
    }
    this.leaveLocked(pending);
    return pending.places.length ? pending : null;
  }

  /** Take the places in locked cells out, and say so. */
  leaveLocked(pending: Pending): void {
    const { notebook, shared } = this.host;
    notebook.cells.forEach((cell, index) => {
      const places = isLocked(cell) ? pending.in(cell.getId()) : [];
      places.forEach(place => pending.remove(place));
      if (places.length) {
        pending.note(shared.trans.__('cell %1 is locked', index + 1));
      }
    });
  }

  private switchedOff(): number[] {
    return this.host.notebook.cells.flatMap((cell, i) => (isTaggedOff(cell) ? [i + 1] : []));
  }
}

/** Why nothing is offered here, in words. */
export function whyNot(reason: NotServed, trans: TranslationBundle): string {
  const words: Record<NotServed, string> = {
    off: trans.__('suggestions are off'),
    'off-here': trans.__('suggestions are off in this notebook'),
    'no-notebook': trans.__('suggestions are for notebooks'),
    language: trans.__('suggestions are disabled for this language'),
    excluded: trans.__('suggestions are disabled for this path'),
    'read-only': trans.__('this notebook is read-only'),
    tagged: trans.__('suggestions are disabled for this cell by its tag'),
    'too-large': trans.__('this cell is too large; split it')
  };
  return words[reason];
}
