/** Other texts treated as notebooks: a file is a notebook with one cell. */

import type { ISharedCell, ISharedFile, ISharedNotebook } from '@jupyter/ydoc';
import type { YFile } from '@jupyter/ydoc';
import type * as Y from 'yjs';

const fileIds = new WeakMap<object, string>();
let files = 0;

/** Notifications about a document's texts; for notebooks, `recorder.ts` observes them itself. */
export interface TextWatcher {
  /** A text changed to `after`. */
  changed(cell: string, after: string, transaction: Y.Transaction): void;
  /** Texts were added or removed. */
  cellsChanged(): void;
}

/** A document that has its own way of being watched. */
export interface WatchedDocument {
  watch(watcher: TextWatcher): () => void;
}

/** The id of the cell with an editor's text: a file is one cell with its own id. */
export function cellIdOf(shared: object): string {
  const id = (shared as Partial<ISharedCell>).getId?.() ?? fileIds.get(shared);
  if (id !== undefined) {
    return id;
  }
  files += 1;
  fileIds.set(shared, `file-${files}`);
  return `file-${files}`;
}

const owners = new WeakMap<object, object>();

/** Declare that a separate text belongs to what it is shown in, as a cell belongs to its notebook. */
export function own(shared: object, owner: object): void {
  owners.set(shared, owner);
}

/** The notebook, file or console that a text belongs to. */
export function ownerOf(shared: object): object {
  const { notebook } = shared as { notebook?: object | null };
  return notebook ?? owners.get(shared) ?? shared;
}

export function isWatched(document: unknown): document is WatchedDocument {
  return typeof (document as Partial<WatchedDocument>).watch === 'function';
}

/** A document used as a notebook; it has only the cells, and nothing else of a notebook. */
export function asNotebook(document: WatchedDocument): ISharedNotebook {
  return document as unknown as ISharedNotebook;
}

/** A file as a notebook with one cell. */
export class FileDocument implements WatchedDocument {
  readonly cells: readonly FileCell[];

  constructor(private readonly file: ISharedFile) {
    this.cells = [new FileCell(file)];
  }

  get ydoc(): Y.Doc {
    return (this.file as YFile).ydoc;
  }

  getMetadata(): undefined {
    return undefined;
  }

  watch(watcher: TextWatcher): () => void {
    const { ysource } = this.file as YFile;
    const onText = (_: Y.YTextEvent, transaction: Y.Transaction) =>
      watcher.changed(cellIdOf(this.file), this.file.getSource(), transaction);
    ysource.observe(onText);
    return () => ysource.unobserve(onText);
  }
}

class FileCell {
  readonly cell_type = 'code';
  readonly execution_count = null;

  constructor(private readonly file: ISharedFile) {}

  get undoManager() {
    return (this.file as YFile).undoManager;
  }

  getId(): string {
    return cellIdOf(this.file);
  }

  getSource(): string {
    return this.file.getSource();
  }

  updateSource(start: number, end: number, text: string): void {
    this.file.updateSource(start, end, text);
  }

  getMetadata(): undefined {
    return undefined;
  }
}
