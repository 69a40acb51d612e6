/** Cells that JupyterLab has not made yet: made now, or waited for. */

import type { Cell } from '@jupyterlab/cells';
import type { StaticNotebook } from '@jupyterlab/notebook';

/** Milliseconds that a key waits for a cell: JupyterLab makes one when the page is idle, or after 3 s. */
const PATIENCE = 10_000;

/** What is asked of a notebook; one that cannot make a cell on demand is waited for. */
export interface CellMaker {
  readonly widgets: readonly Pick<Cell, 'isPlaceholder' | 'isAttached'>[];
  readonly notebookConfig: Pick<StaticNotebook.INotebookConfig, 'windowingMode'>;
  readonly renderCellOutputs?: (index: number) => void;
}

/**
 * JupyterLab makes the cells of a notebook one by one when the page is idle, and has whoever scrolls to
 * one wait for that: on a busy machine seconds. The one that is gone to is made at once, as for a search
 * in its outputs. Where only the cells in sight are kept, scrolling makes it.
 */
export function makeNow(content: CellMaker, index: number): void {
  const cell = content.widgets[index];
  if (cell.isPlaceholder() && !cell.isAttached && content.notebookConfig.windowingMode !== 'full') {
    content.renderCellOutputs?.(index);
  }
}

/** Whether the cell is there before patience ends. */
export function isMade(cell: Pick<Cell, 'ready'>, patience = PATIENCE): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve(false), patience);
    void cell.ready.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
