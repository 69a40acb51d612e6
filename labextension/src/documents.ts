/**
 * Texts that are no notebook, seen as one: a file is a notebook of one cell, a console's cells are
 * those that ran and the one that is typed in.
 */

import type { ISharedCell, ISharedFile, ISharedNotebook } from '@jupyter/ydoc';
import type { YCodeCell, YFile } from '@jupyter/ydoc';
import type * as Y from 'yjs';

const fileIds = new WeakMap<object, string>();
let files = 0;

/** What a document tells of its texts: of a notebook it is told by `recorder.ts` itself. */
export interface TextWatcher {
  /** A text now reads `after`. */
  changed(cell: string, after: string, transaction: Y.Transaction): void;
  /** Cells came or went. */
  rearranged(): void;
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

export function isWatched(document: unknown): document is WatchedDocument {
  return typeof (document as Partial<WatchedDocument>).watch === 'function';
}

/** A document is used as a notebook: what a notebook has beside its cells, these don't have. */
export function asNotebook(document: FileDocument | ConsoleDocument): ISharedNotebook {
  return document as unknown as ISharedNotebook;
}

/** A file as a notebook of one cell. */
export class FileDocument implements WatchedDocument {
  readonly metadata = {};
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

/** A console: what ran is locked, what is typed is not. */
export class ConsoleDocument implements WatchedDocument {
  readonly metadata = {};
  private readonly watchers = new Set<{ watcher: TextWatcher; refresh: () => void }>();

  /** `texts` gives the code cells as they stand, the one that is typed in last, if there is one. */
  constructor(private readonly texts: () => { ran: YCodeCell[]; prompt: YCodeCell | null }) {}

  get cells(): ConsoleCell[] {
    const { ran, prompt } = this.texts();
    const cells = ran.map(cell => new ConsoleCell(cell, true));
    return prompt ? [...cells, new ConsoleCell(prompt, false)] : cells;
  }

  /** That of the cell that is typed in: nothing else is ever changed. */
  get ydoc(): Y.Doc {
    return docOf(this.texts().prompt!);
  }

  getMetadata(): undefined {
    return undefined;
  }

  /** The prompt is another cell now, or cells were cleared. */
  rearranged(): void {
    for (const { watcher, refresh } of this.watchers) {
      refresh();
      watcher.rearranged();
    }
  }

  watch(watcher: TextWatcher): () => void {
    let stop = () => {};
    const refresh = () => {
      stop();
      const { prompt } = this.texts();
      if (!prompt) {
        stop = () => {};
        return;
      }
      const { ysource } = prompt;
      const onText = (_: Y.YTextEvent, transaction: Y.Transaction) =>
        watcher.changed(prompt.getId(), prompt.getSource(), transaction);
      ysource.observe(onText);
      stop = () => ysource.unobserve(onText);
    };
    refresh();
    const entry = { watcher, refresh };
    this.watchers.add(entry);
    return () => {
      stop();
      this.watchers.delete(entry);
    };
  }
}

class ConsoleCell {
  readonly cell_type = 'code';

  constructor(
    private readonly cell: YCodeCell,
    private readonly hasRun: boolean
  ) {}

  get execution_count(): number | null {
    return this.hasRun ? this.cell.execution_count : null;
  }

  get undoManager() {
    return this.cell.undoManager;
  }

  getId(): string {
    return this.cell.getId();
  }

  getSource(): string {
    return this.cell.getSource();
  }

  updateSource(start: number, end: number, text: string): void {
    this.cell.updateSource(start, end, text);
  }

  getMetadata(key?: string): unknown {
    return key === 'editable' ? !this.hasRun : undefined;
  }
}

function docOf(cell: YCodeCell): Y.Doc {
  return cell.ysource.doc!;
}
