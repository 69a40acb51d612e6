/** Cells that JupyterLab has not created yet: created now, or waited for. */

import type { Cell } from '@jupyterlab/cells';
import type { StaticNotebook } from '@jupyterlab/notebook';

/**
 * Milliseconds that a key waits for a cell: JupyterLab creates it when the page is idle, or after 3
 * s.
 */
const PATIENCE = 10_000;

/**
 * The part of a notebook that is needed here; one that cannot create a cell on demand is waited
 * for.
 */
export interface CellMaker {
  readonly widgets: readonly Pick<Cell, 'isPlaceholder' | 'isAttached'>[];
  readonly notebookConfig: Pick<StaticNotebook.INotebookConfig, 'windowingMode'>;
  readonly renderCellOutputs?: (index: number) => void;
}

/**
 * JupyterLab creates a notebook's cells one by one when the page is idle, and scrolling to one
 * waits for that: on a busy machine, for seconds. The target cell is created at once, as for a
 * search in its outputs. If only visible cells are kept, scrolling creates it.
 */
export function makeNow(content: CellMaker, index: number): void {
  const cell = content.widgets[index];
  if (cell.isPlaceholder() && !cell.isAttached && content.notebookConfig.windowingMode !== 'full') {
    content.renderCellOutputs?.(index);
  }
}

/** Wait for the cell; returns whether it exists in time. */
export function isMade(cell: Pick<Cell, 'ready'>, patience = PATIENCE): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve(false), patience);
    void cell.ready.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
