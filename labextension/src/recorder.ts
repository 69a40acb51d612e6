/** Records one notebook's edits, from its shared document. */

import type { ISharedNotebook } from '@jupyter/ydoc';
import type { IDisposable } from '@lumino/disposable';
import type * as Y from 'yjs';

import { ACCEPTED, REVERTED, sharedCell } from './apply';
import { isTaggedOff } from './cells';
import type { WatchedDocument } from './documents';
import { isWatched } from './documents';
import { EditHistory } from './history';
import type { Origin } from './protocol';
import { Rearranged } from './rearranged';

const WRITTEN: readonly Origin[] = ['typed', 'pasted', 'accepted'];

/** One transaction's change of one cell. */
export interface CellChange {
  cell: string;
  before: string;
  after: string;
  origin: Origin;
  /** Whether the user wrote it here: by key, from the clipboard, or by accepting ghost text. */
  isWritten: boolean;
}

/** Cells were added, removed or moved. */
export interface CellsNews {
  /** An edited cell is back, or was moved or changed its type. */
  readonly cameBack: boolean;
  /** Where texts are now that moved to other cells; null if none did. */
  readonly rearranged: Rearranged | null;
}

/** Seconds. */
export type Seconds = () => number;

/**
 * Observes each change of a cell's source, determines its origin, and keeps the history. Changes
 * are keyed by cell id, because moving a cell deletes and inserts it again.
 */
export class Recorder implements IDisposable {
  readonly history = new EditHistory();
  private texts = new Map<string, string>();
  private cut = new Map<string, string>(); // texts of removed cells in the history
  private announced = new Map<string, Origin>();
  private origins = new Map<string, Origin>();
  private readonly stop: () => void;
  private disposed = false;

  constructor(
    private readonly notebook: ISharedNotebook,
    private readonly onChange: (change: CellChange) => void,
    private readonly onCells: (news: CellsNews) => void = () => {},
    private readonly now: Seconds = () => performance.now() / 1000
  ) {
    this.rescan();
    this.stop = isWatched(notebook) ? this.watch(notebook) : this.observe();
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** The text of a cell; undefined if it is not in the notebook. */
  text(cell: string): string | undefined {
    return this.texts.get(cell);
  }

  /** Where the last change of this cell came from. */
  lastOrigin(cell: string): Origin | undefined {
    return this.origins.get(cell);
  }

  /** The next change of this cell, in the same task, has this origin. */
  announce(cell: string, origin: Origin): void {
    this.announced.set(cell, origin);
    queueMicrotask(() => this.announced.delete(cell));
  }

  dispose(): void {
    if (!this.disposed) {
      this.disposed = true;
      this.stop();
    }
  }

  private watch(document: WatchedDocument): () => void {
    return document.watch({
      changed: (cell, after, transaction) => this.onSource(cell, after, transaction),
      cellsChanged: () => this.rescan()
    });
  }

  private observe(): () => void {
    const { ydoc } = this.notebook as unknown as { ydoc: Y.Doc };
    const cells = ydoc.getArray<Y.Map<unknown>>('cells');
    cells.observeDeep(this.onEvents);
    return () => cells.unobserveDeep(this.onEvents);
  }

  private onEvents = (events: Y.YEvent<Y.AbstractType<unknown>>[], tr: Y.Transaction): void => {
    // Events of single cells, such as their numbers, are not those of the list of cells.
    const ofCells = events.filter(event => event.path.length === 0);
    const texts = events.every(event => event.path.length >= 2) ? null : this.read();
    const rearranged = ofCells.length && texts ? this.rearrange(texts) : null;
    for (const event of rearranged ? [] : events) {
      if (event.path.length === 2 && event.path[1] === 'source') {
        const id = (event.target.parent as Y.Map<unknown>).get('id') as string;
        this.onSource(id, textOf(event.target), tr);
      }
    }
    let cameBack = texts !== null && this.rescan(texts);
    if (ofCells.length) {
      const came = new Set(ofCells.flatMap(insertedIds));
      cameBack ||= this.history.all.some(({ cell }) => came.has(cell) || rearranged?.now.has(cell));
      this.onCells({ cameBack, rearranged });
    }
  };

  /**
   * Texts that moved to other cells in one step were not typed there: their edits move with them.
   */
  private rearrange(texts: Map<string, string>): Rearranged | null {
    const isNews =
      (other: ReadonlyMap<string, string>) =>
      ([cell, text]: [string, string]) =>
        other.get(cell) !== text;
    const was = new Map([...this.texts].filter(isNews(texts)));
    const now = new Map([...texts].filter(isNews(this.texts)));
    const rearranged = Rearranged.of(was, now);
    if (rearranged) {
      this.texts = texts;
      this.history.rearrange(rearranged);
      now.forEach((_, cell) => this.origins.set(cell, 'pasted'));
    }
    return rearranged;
  }

  private read(): Map<string, string> {
    return new Map(this.notebook.cells.map(cell => [cell.getId(), cell.getSource()]));
  }

  private onSource(cell: string, after: string, tr: Y.Transaction): void {
    const before = this.texts.get(cell);
    this.texts.set(cell, after);
    if (before === undefined || before === after) {
      return;
    }
    const origin = this.originOf(cell, tr);
    this.origins.set(cell, origin);
    const shared = sharedCell(this.notebook, cell);
    if (!shared || !isTaggedOff(shared)) {
      this.history.append({ cell, before, after, origin, at: this.now() });
    }
    const isWritten = tr.origin !== ACCEPTED && WRITTEN.includes(origin);
    this.onChange({ cell, before, after, origin, isWritten });
  }

  private originOf(cell: string, tr: Y.Transaction): Origin {
    const origin = tr.origin as { undoStack?: unknown; ytext?: unknown } | null | undefined;
    if (!tr.local) {
      return 'remote';
    }
    if (origin === ACCEPTED) {
      return 'accepted';
    }
    if (origin === REVERTED || origin?.undoStack) {
      return 'undone';
    }
    // Typing comes from an editor, whose binding to the shared text is the origin; changes by a
    // program, such as replace-all, come at once, like a paste.
    return this.announced.get(cell) ?? (origin?.ytext ? 'typed' : 'pasted');
  }

  /** Read all cells; returns whether one came back that is in the history. */
  private rescan(texts = this.read()): boolean {
    const known = this.texts;
    this.texts = texts;
    for (const [cell, after] of this.texts) {
      const before = known.get(cell);
      if (before !== undefined && before !== after) {
        this.replaced(cell, before, after);
      }
    }
    return this.followCut(known);
  }

  /**
   * A cell that is cut and pasted may get another id: a new cell with the text of a removed one is the same cell, and its edits stay in the history.
   *
   */
  private followCut(known: ReadonlyMap<string, string>): boolean {
    for (const { cell } of this.history.all) {
      const text = this.texts.has(cell) ? undefined : known.get(cell);
      if (text !== undefined) {
        this.cut.set(cell, text);
      }
    }
    let cameBack = false;
    for (const [cell, text] of this.cut) {
      const isRecorded = this.history.all.some(event => event.cell === cell);
      const pasted = [...this.texts].find(([id, now]) => !known.has(id) && now === text)?.[0];
      const isThere = this.texts.has(cell);
      if (isRecorded && !isThere && pasted !== undefined) {
        this.history.rename(cell, pasted);
      }
      if (!isRecorded || isThere || pasted !== undefined) {
        this.cut.delete(cell);
        cameBack ||= isRecorded;
      }
    }
    return cameBack;
  }

  /** A cell was reloaded from disk: what was typed in it before no longer applies. */
  private replaced(cell: string, before: string, after: string): void {
    this.history.forget(cell);
    this.origins.set(cell, 'remote');
    this.onChange({ cell, before, after, origin: 'remote', isWritten: false });
  }
}

/** The ids of the cells that an event of the list of cells inserted. */
function insertedIds(event: Y.YEvent<Y.AbstractType<unknown>>): string[] {
  return event.changes.delta.flatMap(({ insert }) =>
    Array.isArray(insert) ? insert.map(cell => (cell as Y.Map<string>).get('id') ?? '') : []
  );
}

function textOf(source: unknown): string {
  return (source as { toString(): string }).toString();
}
