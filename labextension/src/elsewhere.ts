/**
 * Other documents that a rename changes: an open one in its shared document, where undo works; a closed file
 * through the server's contents API, unless it has changed in the meantime.
 */

import type { ISharedNotebook } from '@jupyter/ydoc';
import type { Contents } from '@jupyterlab/services';

import type { Application } from './apply';
import { apply, revert } from './apply';
import { flat, rewritten } from './lineEnds';
import type { Pending } from './pending';
import type { CellWire, DocumentChangesWire, ElsewhereWire, SuggestionWire } from './protocol';
import type { TextEdit } from './textEdit';
import { textHash } from './textHash';

/** A document that is open in this page. */
export interface OpenText {
  readonly path: string;
  readonly document: ISharedNotebook;
  /** Whether it may be read and changed. */
  readonly isServed: boolean;
  cells(): CellWire[];
}

export interface OtherDocumentsHost {
  readonly contents: Contents.IManager;
  /** The open documents. */
  open(): OpenText[];
  /** Show a document. */
  reveal(path: string): void;
}

interface OtherCell {
  readonly id: string;
  readonly path: string;
  readonly isOpen: boolean;
  /** The cell's id in an open document, or its position in a file. */
  readonly cell: string;
  readonly number: number;
  readonly source: string;
}

/** One cell of a written file, with its text before and after. */
interface Written {
  readonly cell: OtherCell;
  readonly before: string;
  readonly after: string;
}

/** Paths of other documents: those that were reverted, and those that were edited since. */
export interface Reverted {
  readonly reverted: string[];
  readonly left: string[];
}

/** The maximum bytes of open documents in a request; the rest is left out of the rename. */
const OPEN_BYTES = 250_000;

/**
 * The open documents as sent, the one at `here` first. One that is too large, or that must not be read, is
 * named without its cells. Its file is not read instead, because it may be older than the editor's text.
 */
export function openWire(
  texts: readonly OpenText[],
  here: string
): { path: string; cells: CellWire[] }[] {
  let left = OPEN_BYTES;
  const isHere = ({ path }: OpenText) => path === here;
  return [...texts.filter(isHere), ...texts.filter(text => !isHere(text))].map(text => {
    const cells = text.isServed ? text.cells() : [];
    const bytes = cells.reduce((sum, cell) => sum + cell.source.length * 2 + 80, 0);
    const fits = bytes <= left;
    left -= fits ? bytes : 0;
    return { path: text.path, cells: fits ? cells : [] };
  });
}

export class OtherDocuments {
  private readonly byId = new Map<string, OtherCell>();
  private applications: Application[] = [];
  private written: Written[] = [];
  private writing: Promise<unknown> = Promise.resolve();

  /** `here` is the path of the document in which the rename begins; it is not one of the others. */
  constructor(
    readonly found: ElsewhereWire,
    private readonly here: string,
    private readonly host: OtherDocumentsHost
  ) {
    for (const document of this.others) {
      for (const cell of document.cells) {
        const id = otherId(document.path, cell.cell);
        this.byId.set(id, {
          id,
          path: document.path,
          isOpen: document.open,
          cell: cell.cell,
          number: cell.number,
          source: cell.source
        });
      }
    }
  }

  get others(): readonly DocumentChangesWire[] {
    return this.found.documents.filter(document => document.path !== this.here);
  }

  holds(id: string): boolean {
    return this.byId.has(id);
  }

  /** The present text of a cell; for a file, as it was read. Undefined for other cells. */
  textOf(id: string): string | undefined {
    const cell = this.byId.get(id);
    if (!cell?.isOpen) {
      return cell?.source;
    }
    return this.openCell(cell)?.getSource();
  }

  /** The cells in order with their display names. */
  names(): { id: string; name: string }[] {
    return [...this.byId.values()].map(({ id, path, number }) => ({
      id,
      name: path.endsWith('.py') ? path : `${path}: Cell ${number + 1}`
    }));
  }

  /** The documents that keep the old name because of unticked places, while others take the new one. */
  keepers(pending: Pick<Pending, 'places' | 'isChosen'>): string[] {
    const due = pending.places.filter(place => !place.optional);
    const kept = due.filter(place => !pending.isChosen(place));
    return kept.length < due.length
      ? [...new Set(kept.map(({ cell }) => this.byId.get(cell)?.path ?? this.here))]
      : [];
  }

  reveal(id: string): void {
    const cell = this.byId.get(id);
    if (cell) {
      this.host.reveal(cell.path);
    }
  }

  /** Split the edits into those of the document itself and those of the others. */
  split(
    edits: ReadonlyMap<string, TextEdit>
  ): [own: Map<string, TextEdit>, others: Map<string, TextEdit>] {
    const parts = [...edits].map(entry => [this.holds(entry[0]), entry] as const);
    return [
      new Map(parts.filter(([isOther]) => !isOther).map(([, entry]) => entry)),
      new Map(parts.filter(([isOther]) => isOther).map(([, entry]) => entry))
    ];
  }

  /** The files among these that have changed; nothing is written yet. */
  async changedFiles(edits: ReadonlyMap<string, TextEdit>): Promise<string[]> {
    const changed = new Set<string>();
    for (const [path, cells] of this.files(edits)) {
      const model = await this.read(path).catch(() => null);
      if (!model || cells.some(({ cell }) => textIn(model, cell) !== cell.source)) {
        changed.add(path);
      }
    }
    return [...changed];
  }

  /** Change the open documents; false if one has changed: then nothing is done. */
  applyOpen(edits: ReadonlyMap<string, TextEdit>): boolean {
    const parts = new Map<ISharedNotebook, Map<string, TextEdit>>();
    for (const [id, edit] of edits) {
      const cell = this.byId.get(id);
      if (!cell?.isOpen) {
        continue;
      }
      const document = this.openText(cell)?.document;
      if (!document || !edit.fits(this.textOf(id) ?? '')) {
        return false;
      }
      const part = parts.get(document) ?? new Map<string, TextEdit>();
      parts.set(document, part.set(cell.cell, edit));
    }
    for (const [document, part] of parts) {
      const made = apply(document, part);
      if (made) {
        this.applications.push(made);
      }
    }
    return true;
  }

  /** Write the files; returns those that have changed in the meantime, or could not be written. */
  write(edits: ReadonlyMap<string, TextEdit>): Promise<string[]> {
    const refused = this.writeFiles(edits);
    this.writing = refused;
    return refused;
  }

  private async writeFiles(edits: ReadonlyMap<string, TextEdit>): Promise<string[]> {
    const refused: string[] = [];
    for (const [path, cells] of this.files(edits)) {
      const changes = cells.map(({ cell, edit }) => ({
        cell,
        before: cell.source,
        after: edit.apply(cell.source)
      }));
      if (await this.change(path, changes)) {
        this.written.push(...changes);
      } else {
        refused.push(path);
      }
    }
    return refused;
  }

  /**
   * Revert the changes in other documents, files once they are written; returns their paths, by
   * whether that was possible.
   */
  async revert(): Promise<Reverted> {
    const found: Reverted = { reverted: [], left: [] };
    for (const application of this.applications.splice(0)) {
      const path = this.pathOf(application.notebook);
      (revert([application]) ? found.reverted : found.left).push(path);
    }
    await this.writing;
    const written = this.written.splice(0);
    for (const path of new Set(written.map(({ cell }) => cell.path))) {
      const back = written
        .filter(({ cell }) => cell.path === path)
        .map(({ cell, before, after }) => ({ cell, before: after, after: before }));
      ((await this.change(path, back)) ? found.reverted : found.left).push(path);
    }
    return found;
  }

  /** Write cells of one file, if all still have their old texts; false if not. */
  private async change(path: string, changes: readonly Written[]): Promise<boolean> {
    try {
      if (this.host.open().some(text => text.path === path)) {
        return false; // it was opened since: its editor now has the text
      }
      const model = await this.read(path);
      if (changes.some(({ cell, before }) => textIn(model, cell) !== before)) {
        return false;
      }
      const content = changes.reduce<unknown>(
        (made, change) => withText(model, made, change),
        model.content
      );
      const now = await this.host.contents.get(path, { content: false });
      if (now.last_modified !== model.last_modified || !model.writable) {
        return false;
      }
      const { type, format } = model;
      await this.host.contents.save(path, { type, format, content });
      return true;
    } catch {
      return false;
    }
  }

  private read(path: string): Promise<Contents.IModel> {
    const isText = path.endsWith('.py');
    return this.host.contents.get(path, {
      content: true,
      type: isText ? 'file' : 'notebook',
      format: isText ? 'text' : 'json'
    });
  }

  private files(
    edits: ReadonlyMap<string, TextEdit>
  ): Map<string, { cell: OtherCell; edit: TextEdit }[]> {
    const files = new Map<string, { cell: OtherCell; edit: TextEdit }[]>();
    for (const [id, edit] of edits) {
      const cell = this.byId.get(id);
      if (cell && !cell.isOpen) {
        files.set(cell.path, [...(files.get(cell.path) ?? []), { cell, edit }]);
      }
    }
    return files;
  }

  private openText(cell: OtherCell): OpenText | undefined {
    return this.host.open().find(text => text.path === cell.path && text.isServed);
  }

  private openCell(cell: OtherCell) {
    return this.openText(cell)?.document.cells.find(known => known.getId() === cell.cell);
  }

  private pathOf(document: ISharedNotebook): string {
    return this.host.open().find(text => text.document === document)?.path ?? '';
  }
}

function otherId(path: string, cell: string): string {
  return `${path}\n${cell}`;
}

interface NotebookContent {
  cells: { source: string | string[] }[];
}

/** The text of a cell in a file, as the worker reads it. */
function textIn(model: Contents.IModel, cell: OtherCell): string | undefined {
  if (typeof model.content === 'string') {
    return flat(model.content);
  }
  const source = (model.content as NotebookContent).cells[cell.number]?.source;
  return Array.isArray(source) ? source.join('') : source;
}

function withText(
  model: Contents.IModel,
  content: unknown,
  { cell, before, after }: Written
): unknown {
  if (typeof model.content === 'string') {
    return rewritten(model.content, before, after);
  }
  const notebook = content as NotebookContent;
  return {
    ...notebook,
    cells: notebook.cells.map((known, i) =>
      i === cell.number ? { ...known, source: after } : known
    )
  };
}

/**
 * A rename of several documents as one suggestion for all of their cells. `own` is the offer in the document
 * at `path`; without it, the answer also contains that document.
 */
export function wholeRename(
  found: ElsewhereWire,
  path: string,
  own: SuggestionWire | null
): SuggestionWire {
  const edits = found.documents.flatMap(document =>
    document.cells.flatMap(cell =>
      cell.edits.map(edit => ({
        cell: document.path === path ? cell.cell : otherId(document.path, cell.cell),
        base: textHash(cell.source),
        ...edit
      }))
    )
  );
  return {
    id: own?.id ?? `across-${found.old}-${found.new}`,
    kind: 'rename',
    lane: 'symbols',
    label: `rename ${found.old} to ${found.new}`,
    confidence: 0.99,
    edits: [...(own?.edits ?? []), ...edits],
    optional: own?.optional ?? [],
    notes: [...(own?.notes ?? []), ...found.notes]
  };
}
