/** Texts that are no notebook, seen as one: a file is a notebook of one cell. */

import type { ISharedCell, ISharedFile, ISharedNotebook } from '@jupyter/ydoc';
import type { YFile } from '@jupyter/ydoc';
import type * as Y from 'yjs';

const fileIds = new WeakMap<object, string>();
let files = 0;

/** What a document tells of its texts: of a notebook it is told by `recorder.ts` itself. */
export interface TextWatcher {
  /** A text now reads `after`. */
  changed(cell: string, after: string, transaction: Y.Transaction): void;
  /** Texts came or went. */
  cellsChanged(): void;
}

/** A document that is watched by its own means. */
export interface WatchedDocument {
  watch(watcher: TextWatcher): () => void;
}

/** The id of the cell that an editor's text is: a file is one cell, with an id of its own. */
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

/** A text that stands by itself belongs to what it is shown in, as a cell does to its notebook. */
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

/** A document is used as a notebook: what a notebook has beside its cells, these don't have. */
export function asNotebook(document: WatchedDocument): ISharedNotebook {
  return document as unknown as ISharedNotebook;
}

/** A file as a notebook of one cell. */
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
