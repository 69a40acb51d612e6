/** The requests of one notebook: whether it is served at all, and its present request. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { sharedCell } from './apply';
import type { CaretPlace } from './carets';
import { bundleOf, isCountedOtherwise, isLocked } from './cells';
import type { Client } from './client';
import { matches } from './glob';
import type { OtherDocumentsHost } from './elsewhere';
import { OtherDocuments, openWire, wholeRename } from './elsewhere';
import type { KernelFacts } from './kernelFacts';
import { Pending } from './pending';
import type {
  AcrossWire,
  AnswerWire,
  Kind,
  PlaceWire,
  RequestWire,
  SuggestionWire
} from './protocol';
import type { RecentPaths } from './recentPaths';
import type { Recorder } from './recorder';
import { buildRequest, isTooLarge } from './request';
import { whySilent, askPatiently } from './silences';
import type { Send, Surface } from './surfaces';
import type { Sights } from './sights';
import type { Settings } from './tokens';

/** A request and the texts with which it was made. */
export interface Snapshot {
  readonly request: Omit<RequestWire, 'id'>;
  readonly texts: ReadonlyMap<string, string>;
  readonly caret: CaretPlace;
  readonly burst: number | null;
  /** Convert an answer about the sent cells to one about the text. */
  restore(answer: AnswerWire): AnswerWire;
}

/** Why no requests are made here. */
export type NotServed =
  | 'off'
  | 'off-here'
  | 'no-notebook'
  | 'language'
  | 'excluded'
  | 'read-only'
  | 'tagged'
  | 'line-ends'
  | 'too-large'
  | 'file-too-large';

export interface RequestsHost {
  readonly surface: Surface;
  readonly recorder: Recorder;
  readonly shared: {
    client: Client;
    settings: Settings;
    trans: TranslationBundle;
    recent: RecentPaths;
    others: OtherDocumentsHost;
    sights: Sights;
  };
  facts(): KernelFacts;
  /** Whether the kernel's switch is on. */
  isOn(): boolean;
  /** Whether the kernel may have run a cell's present text. */
  holds(cell: string): boolean;
}

/** A requested new name, or a cell's text before the user changed it. */
export type AcrossAsked = { to: string } | { before: string };

export class Requests {
  private readonly send: Send;

  constructor(private readonly host: RequestsHost) {
    this.send = host.surface.sender({
      text: cell => host.recorder.text(cell),
      isEdited: cell => !host.holds(cell)
    });
  }

  get language(): string {
    return this.host.surface.views.place.language;
  }

  /** Why this notebook is not served; null if it is. `cell` is the caret's cell. */
  notServed(cell?: string): NotServed | null {
    const { settings, client } = this.host.shared;
    const { path, isReadOnly } = this.host.surface.views.place;
    if (!client.enabled) {
      return 'off';
    }
    if (!this.host.isOn() || settings.notebooksOff.includes(path)) {
      return 'off-here';
    }
    if (settings.languages[this.language] !== true) {
      return 'language';
    }
    if (settings.excludedPaths.some(glob => matches(glob, path))) {
      return 'excluded';
    }
    if (isReadOnly) {
      return 'read-only';
    }
    if (cell === undefined) {
      return null;
    }
    const { surface } = this.host;
    if (surface.isOff(cell)) {
      return 'tagged';
    }
    const text = surface.textAt(cell);
    if (isCountedOtherwise(text)) {
      return 'line-ends';
    }
    const isFile = surface.kind === 'file';
    return isTooLarge(text) ? (isFile ? 'file-too-large' : 'too-large') : null;
  }

  /** A request for these kinds for the present notebook; null if none should be made. */
  snapshot(want: Kind[], renameTo?: string, across?: AcrossAsked): Snapshot | null {
    const { surface, recorder } = this.host;
    const active = surface.views.activeId;
    const caret =
      surface.views.caret() ?? (active === undefined ? null : { cell: active, offset: 0 });
    if (!caret || this.notServed(caret.cell) !== null) {
      return null;
    }
    const sent = this.send(caret);
    // Only the analysis can tell whether a name at a console's prompt is used by cells that ran.
    const isUnlocked = surface.kind === 'console' && renameTo !== undefined;
    const request = buildRequest({
      language: this.language,
      cells: isUnlocked ? sent.cells.map(cell => ({ ...cell, editable: true })) : sent.cells,
      switchedOff: sent.switchedOff,
      caret: sent.caret,
      history: sent.events(recorder.history.wire()),
      facts: this.host.facts().current,
      want,
      bundle: bundleOf(surface.document) ?? undefined,
      drawn: this.host.shared.sights.last,
      place: this.place() ?? undefined,
      across: (across && this.acrossWire(across, caret)) ?? undefined,
      renameTo
    });
    if (!request) {
      return null;
    }
    return {
      request,
      texts: sent.texts,
      caret,
      burst: recorder.history.last?.burst ?? null,
      restore: answer => sent.restore(answer)
    };
  }

  /**
   * An answer for this and other documents, as one suggestion; null if it has nothing for others. `own` is the same answer's offer here, if the rename was made by hand.
   *
   */
  across(answer: AnswerWire, snapshot: Snapshot, own: SuggestionWire | null): Pending | null {
    const { surface, shared } = this.host;
    const found = answer.elsewhere;
    if (!found?.documents.length) {
      return null;
    }
    const { path } = surface.views.place;
    const others = new OtherDocuments(found, path, shared.others);
    const pending = this.upToDate(wholeRename(found, path, own), snapshot, others);
    return pending?.places.some(place => others.holds(place.cell)) ? pending : null;
  }

  /** The part of a request about other documents; null if they must not be read. */
  private acrossWire(asked: AcrossAsked, caret: CaretPlace): AcrossWire | null {
    const { surface, shared } = this.host;
    const place = this.place();
    const here = surface.whole().find(cell => cell.id === caret.cell);
    if (!place || !here || here.editable === false) {
      return null;
    }
    const open = openWire(shared.others.open(), place.path);
    return { path: place.path, cell: caret.cell, offset: caret.offset, open, ...asked };
  }

  /** Where the document is; null if the folder around it must not be read. */
  private place(): PlaceWire | null {
    const { surface, shared } = this.host;
    const { path, isOnServer } = surface.views.place;
    if (!shared.settings.folder || !isOnServer) {
      return null;
    }
    if (surface.kind !== 'console') {
      shared.recent.saw(path);
    }
    return {
      path,
      excluded: shared.settings.excludedPaths,
      recent: shared.recent.besides(path),
      neighbours: shared.settings.neighbours
    };
  }

  /** The answer to a request, converted to the text that it was made from. */
  async ask(snapshot: Snapshot): Promise<AnswerWire | null> {
    const answer = await this.host.shared.client.suggest(snapshot.request);
    return answer && snapshot.restore(answer);
  }

  /** The rename of the name at the caret: its suggestion, or why there is none. */
  async rename(to: string): Promise<Pending | string> {
    const { trans, client } = this.host.shared;
    const snapshot = this.snapshot(['rename'], to, { to });
    if (!snapshot) {
      const reason = this.notServed(this.host.surface.views.caret()?.cell);
      return reason === null ? trans.__('no cell is active') : whyNot(reason, trans);
    }
    const asked = await askPatiently(async () => {
      const answer = await this.ask(snapshot);
      return answer && { answer };
    }, ['rename']);
    if (!asked) {
      return client.status.problem ?? trans.__('there was no answer');
    }
    const { answer } = asked;
    const across = this.across(answer, snapshot, null);
    if (across) {
      return across;
    }
    const suggestion = answer.suggestions.find(s => s.kind === 'rename');
    if (!suggestion) {
      return whySilent(answer, ['rename'], trans) ?? trans.__('nothing to rename here');
    }
    const { kind, views } = this.host.surface;
    if (kind === 'console' && suggestion.edits.some(({ cell }) => cell !== views.activeId)) {
      return trans.__('this name is used in cells that have run, which are not changed');
    }
    return this.upToDate(suggestion, snapshot) ?? trans.__('the notebook changed: try again');
  }

  /** The suggestion for the notebook as it is now; null if it is stale. */
  upToDate(
    suggestion: SuggestionWire,
    snapshot: Snapshot,
    others: OtherDocuments | null = null
  ): Pending | null {
    const { surface, recorder } = this.host;
    const { texts, burst } = snapshot;
    const notebook = surface.document;
    const pending = Pending.from(suggestion, cell => texts.get(cell), burst, others);
    const typed = recorder.history.all.find(event => event.burst === burst);
    const then = typed && texts.get(typed.cell);
    if (typed && then !== undefined) {
      pending?.calledForBy(typed.cell, typed.before, then);
    }
    if (!pending?.followAll(cell => sharedCell(notebook, cell)?.getSource())) {
      return null;
    }
    this.leaveOut(pending);
    return pending.places.length ? pending : null;
  }

  /** Remove places in cells that are locked or that the editor cannot follow, with a note. */
  leaveOut(pending: Pending): void {
    const { surface, shared } = this.host;
    surface.document.cells.forEach((cell, index) => {
      const places = pending.in(cell.getId());
      const why = !places.length
        ? null
        : isLocked(cell)
          ? shared.trans.__('cell %1 is locked', index + 1)
          : isCountedOtherwise(cell.getSource())
            ? shared.trans.__('cell %1 has Windows line endings: not changed', index + 1)
            : null;
      if (why !== null) {
        places.forEach(place => pending.remove(place));
        pending.note(why);
      }
    });
  }
}

/** Why nothing is offered here, in words. */
export function whyNot(reason: NotServed, trans: TranslationBundle): string {
  const words: Record<NotServed, string> = {
    off: trans.__('suggestions are off'),
    'off-here': trans.__('suggestions are off in this document'),
    'no-notebook': trans.__('suggestions are for notebooks, consoles and Python files'),
    language: trans.__('suggestions are disabled for this language'),
    excluded: trans.__('suggestions are disabled for this path'),
    'read-only': trans.__('this document is read-only'),
    tagged: trans.__('suggestions are disabled for this cell by its tag'),
    'line-ends': trans.__(
      'this cell has Windows line endings (CR LF); paste its text into a new cell'
    ),
    'too-large': trans.__('this cell is too large; split it'),
    'file-too-large': trans.__(
      'this file is too large without `# %%` lines, which split it into cells'
    )
  };
  return words[reason];
}
