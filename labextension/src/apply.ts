/** Changes cells so that each change is one undo step, and reverts all of it. */

import type { ISharedNotebook } from '@jupyter/ydoc';
import type { YNotebook } from '@jupyter/ydoc';

import { TextEdit } from './textEdit';

/** The origin of our transactions, by which the recorder recognises them. */
export const ACCEPTED = Object.freeze({ name: 'nextedit-accepted' });

/** The origin of transactions that revert them where the editor's own undo cannot. */
export const REVERTED = Object.freeze({ name: 'nextedit-reverted' });

export interface CellApplication {
  readonly id: string;
  readonly before: string;
  readonly after: string;
  /** The user's own change, which is reverted together with the suggestion that it led to. */
  readonly byHand?: boolean;
}

/** An application to several cells. */
export interface Application {
  readonly notebook: ISharedNotebook;
  readonly cells: readonly CellApplication[];
}

const indices = new WeakMap<ISharedNotebook, Map<string, number>>();

/** The shared cell with this id: looked up at its last index, or else searched. */
export function sharedCell(notebook: ISharedNotebook, id: string) {
  const { cells } = notebook as YNotebook;
  const at = indices.get(notebook)?.get(id);
  if (at !== undefined && cells[at]?.getId() === id) {
    return cells[at];
  }
  const index = new Map(cells.map((cell, i) => [cell.getId(), i]));
  indices.set(notebook, index);
  const now = index.get(id);
  return now === undefined ? undefined : cells[now];
}

/**
 * Apply an edit to each cell, in one transaction and with one undo step per cell. All or nothing: null if a
 * cell is gone or an edit does not fit.
 */
export function apply(
  notebook: ISharedNotebook,
  edits: ReadonlyMap<string, TextEdit>,
  origin: typeof ACCEPTED | typeof REVERTED = ACCEPTED
): Application | null {
  const changes: {
    id: string;
    cell: NonNullable<ReturnType<typeof sharedCell>>;
    edit: TextEdit;
    before: string;
    after: string;
  }[] = [];
  for (const [id, edit] of edits) {
    const cell = sharedCell(notebook, id);
    if (!cell || !edit.fits(cell.getSource())) {
      return null;
    }
    const before = cell.getSource();
    changes.push({ id, cell, edit, before, after: edit.apply(before) });
  }
  for (const { cell } of changes) {
    cell.undoManager?.addTrackedOrigin(origin);
    cell.undoManager?.stopCapturing();
  }
  (notebook as YNotebook).ydoc.transact(() => {
    for (const { cell, edit } of changes) {
      for (const r of [...edit.replacements].reverse()) {
        cell.updateSource(r.start, r.end, r.text);
      }
    }
  }, origin);
  for (const { cell } of changes) {
    cell.undoManager?.stopCapturing();
  }
  return { notebook, cells: changes.map(({ id, before, after }) => ({ id, before, after })) };
}

/**
 * Revert applications, newest first. A cell that was not edited since is undone like with Ctrl-Z; otherwise
 * only our part is reverted. All or nothing: false if a later edit is in the way.
 */
export function revert(applications: readonly Application[]): boolean {
  if (!applications.length) {
    return false;
  }
  const { notebook } = applications[0];
  // The combined effect of each cell's applications, newest last.
  const changed = new Map<string, { before: string; after: string; steps: number }>();
  for (const application of applications) {
    for (const { id, before, after, byHand } of application.cells) {
      const earlier = changed.get(id);
      changed.set(id, {
        before: earlier?.before ?? before,
        after,
        steps: (earlier?.steps ?? 0) + (byHand ? 0 : 1)
      });
    }
  }
  const undo: {
    cell: NonNullable<ReturnType<typeof sharedCell>>;
    before: string;
    steps: number;
  }[] = [];
  const inverse = new Map<string, TextEdit>();
  for (const [id, { before, after, steps }] of changed) {
    const cell = sharedCell(notebook, id);
    if (!cell) {
      continue;
    }
    const now = cell.getSource();
    if (now === after) {
      undo.push({ cell, before, steps });
    } else if (now !== before) {
      const edit = TextEdit.between(after, before).rebase(TextEdit.between(after, now));
      if (!edit) {
        return false;
      }
      inverse.set(id, edit);
    }
  }
  for (const { cell, before, steps } of undo) {
    for (let i = 0; i < steps && cell.getSource() !== before; i++) {
      cell.undoManager?.undo();
    }
    if (cell.getSource() !== before) {
      inverse.set(cell.getId(), TextEdit.between(cell.getSource(), before));
    }
  }
  if (inverse.size) {
    apply(notebook, inverse, REVERTED);
  }
  return true;
}
