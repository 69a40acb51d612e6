/** A notebook's data besides the text: tags, execution counts, the language, a model's name. */

import type { ISharedBaseCell, ISharedCodeCell, ISharedNotebook } from '@jupyter/ydoc';

import type { CellWire } from './protocol';
import { OFF_TAG } from './tokens';

/** Whether a cell has the tag that keeps it from being sent. */
export function isTaggedOff(cell: ISharedBaseCell): boolean {
  return tagsOf(cell).includes(OFF_TAG);
}

/** A cell as it is sent; `hasRun` false says that its text is not what ran. */
export function wireOf(cell: ISharedBaseCell, source: string, hasRun: boolean): CellWire {
  const tags = tagsOf(cell);
  return {
    id: cell.getId(),
    type: cell.cell_type as CellWire['type'],
    source,
    execution_count: hasRun ? executionCount(cell) : null,
    ...(tags.length ? { tags } : {}),
    ...(isLocked(cell) ? { editable: false } : {})
  };
}

/** Whether a cell's author locked it, so that it is never changed. */
export function isLocked(cell: ISharedBaseCell): boolean {
  return (cell.getMetadata('editable') as unknown) === false;
}

/** Whether the editor counts characters differently from the document: a CR LF is one there, two here. */
export function isCountedOtherwise(text: string): boolean {
  return text.includes('\r');
}

/** Null if it never ran, or is not a code cell. */
export function executionCount(cell: ISharedBaseCell): number | null {
  return cell.cell_type === 'code' ? (cell as ISharedCodeCell).execution_count : null;
}

export function runsOf(notebook: ISharedNotebook): Map<string, number | null> {
  return new Map(
    notebook.cells
      .filter(cell => cell.cell_type === 'code')
      .map(cell => [cell.getId(), executionCount(cell)])
  );
}

/** Cells in order with their display names: by execution count, or by position. */
export function cellNames(notebook: ISharedNotebook): { id: string; name: string }[] {
  return notebook.cells.map((cell, i) => {
    const count = executionCount(cell);
    return { id: cell.getId(), name: count ? `Cell ${i + 1} [${count}]` : `Cell ${i + 1}` };
  });
}

/** The language in the notebook's metadata, or else `otherwise`. */
export function languageOf(notebook: ISharedNotebook, otherwise: string): string {
  // Not all of the metadata, which is copied on access and may contain widget state.
  const named = (key: string, field: string) => {
    const held = notebook.getMetadata(key) as Record<string, unknown> | undefined;
    return held?.[field] as string | undefined;
  };
  const language = named('language_info', 'name') ?? named('kernelspec', 'language') ?? otherwise;
  return language === 'ipython' ? 'python' : language;
}

/** The id of the model for this notebook; null for the one of each cell's language. */
export function bundleOf(notebook: ISharedNotebook): string | null {
  const ours = notebook.getMetadata('nextedit') as { bundle?: unknown } | undefined;
  return typeof ours?.bundle === 'string' && ours.bundle ? ours.bundle : null;
}

export function setBundle(notebook: ISharedNotebook, id: string | null): void {
  if (id === null) {
    notebook.deleteMetadata('nextedit');
  } else {
    notebook.setMetadata('nextedit', { bundle: id });
  }
}

function tagsOf(cell: ISharedBaseCell): string[] {
  const tags: unknown = cell.getMetadata('tags');
  return Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string') : [];
}
