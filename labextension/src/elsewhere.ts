/**
 * Other documents that a rename reaches: what is open is changed in its shared document, where undo
 * works; a file that is not open is written by the server's contents, unless it changed meanwhile.
 */

import type { ISharedNotebook } from '@jupyter/ydoc';
import type { Contents } from '@jupyterlab/services';

import type { Application } from './apply';
import { apply, takeBack } from './apply';
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
  /** Its id in an open document, and its place in a file. */
  readonly cell: string;
  readonly number: number;
  readonly source: string;
}

/** One cell of a file that was written, as it read before and after. */
interface Written {
  readonly cell: OtherCell;
  readonly before: string;
  readonly after: string;
}

/** Paths of other documents: those that were taken back, and those that were edited since. */
export interface Reverted {
  readonly reverted: string[];
  readonly left: string[];
}

/** Bytes of open documents that are sent along; what is beyond is left out of the rename. */
const OPEN_BYTES = 250_000;

/**
 * The open documents as they are sent, the one at `here` first: one that is too much, or that is not to
 * be read, is named without its cells. The file is no substitute: it may be older, and open in an editor.
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

  /** `here` is the path of the document that the rename begins in: it is none of the others. */
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

  /** The text of a cell as it stands; of a file, as it was read. Undefined if it is none of these. */
  textOf(id: string): string | undefined {
    const cell = this.byId.get(id);
    if (!cell?.isOpen) {
      return cell?.source;
    }
    return this.openCell(cell)?.getSource();
  }

  /** The cells in order with how people call them. */
  names(): { id: string; name: string }[] {
    return [...this.byId.values()].map(({ id, path, number }) => ({
      id,
      name: path.endsWith('.py') ? path : `${path}: Cell ${number + 1}`
    }));
  }

  /** The documents that keep the old name where these are not chosen, while others take the new one. */
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

  /** The edits of the document itself, and those of the others. */
  split(
    edits: ReadonlyMap<string, TextEdit>
  ): [own: Map<string, TextEdit>, others: Map<string, TextEdit>] {
    const parts = [...edits].map(entry => [this.holds(entry[0]), entry] as const);
    return [
      new Map(parts.filter(([isOther]) => !isOther).map(([, entry]) => entry)),
      new Map(parts.filter(([isOther]) => isOther).map(([, entry]) => entry))
    ];
  }

  /** The files among these that no longer read as they did; nothing is changed yet. */
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

  /** Change the open documents; false if one no longer reads as it did: then nothing is changed. */
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

  /** Write the files; gives those that changed meanwhile, or that could not be written. */
  async write(edits: ReadonlyMap<string, TextEdit>): Promise<string[]> {
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

  /** Take back what was changed in the others; gives their paths, by whether that could be done. */
  async revert(): Promise<Reverted> {
    const found: Reverted = { reverted: [], left: [] };
    for (const application of this.applications.splice(0)) {
      const path = this.pathOf(application.notebook);
      (takeBack([application]) ? found.reverted : found.left).push(path);
    }
    const written = this.written.splice(0);
    for (const path of new Set(written.map(({ cell }) => cell.path))) {
      const back = written
        .filter(({ cell }) => cell.path === path)
        .map(({ cell, before, after }) => ({ cell, before: after, after: before }));
      ((await this.change(path, back)) ? found.reverted : found.left).push(path);
    }
    return found;
  }

  /** Write cells of one file, if each still reads as it did before; false if not. */
  private async change(path: string, changes: readonly Written[]): Promise<boolean> {
    try {
      if (this.host.open().some(text => text.path === path)) {
        return false; // it was opened since: its editor has the text now
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
 * A rename of several documents as one suggestion about all of their cells. `own` is what is offered
 * in the document at `path` beside it; else the answer says that as well.
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
