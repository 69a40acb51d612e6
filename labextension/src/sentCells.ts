/** A notebook's cells as they are sent, rebuilt only for changed cells. */

import type { ISharedBaseCell, ISharedNotebook } from '@jupyter/ydoc';
import type { IDisposable } from '@lumino/disposable';
import type * as Y from 'yjs';

import { isTaggedOff, wireOf } from './cells';
import type { CellWire } from './protocol';

interface Known {
  /** Null for a cell that is switched off. */
  wire: CellWire | null;
  hasRun: boolean;
}

/**
 * A thousand cells may be needed with each key, and reading a cell's metadata takes longer than
 * everything else. So each cell's wire form is cached until its shared document changes: the same
 * object is the same cell, by which its digest and size are cached.
 */
export class SentCells implements IDisposable {
  private readonly known = new WeakMap<object, Known>();
  private readonly cells: Y.Array<unknown>;
  private disposed = false;

  constructor(
    private readonly notebook: ISharedNotebook,
    /** The text of a cell according to the recorder. */
    private readonly text: (cell: string) => string | undefined,
    /** Whether a cell has changed since it ran. */
    private readonly isEdited: (cell: string) => boolean
  ) {
    const ydoc = (notebook as unknown as { ydoc: Y.Doc }).ydoc;
    this.cells = ydoc.getArray('cells');
    this.cells.observeDeep(this.forget);
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** The document may continue to exist in another view. */
  dispose(): void {
    if (!this.disposed) {
      this.disposed = true;
      this.cells.unobserveDeep(this.forget);
    }
  }

  /** The cells that may be sent, from top to bottom, and the numbers of the others, from 1. */
  all(): { cells: CellWire[]; switchedOff: number[] } {
    const cells: CellWire[] = [];
    const switchedOff: number[] = [];
    this.notebook.cells.forEach((cell, i) => {
      const wire = this.wire(cell);
      if (wire) {
        cells.push(wire);
      } else {
        switchedOff.push(i + 1);
      }
    });
    return { cells, switchedOff };
  }

  private forget = (events: Y.YEvent<Y.AbstractType<unknown>>[]): void => {
    for (const event of events) {
      let at = event.target as Y.AbstractType<unknown> | null;
      while (at && at.parent !== (this.cells as Y.AbstractType<unknown>)) {
        at = at.parent as Y.AbstractType<unknown> | null;
      }
      if (at) {
        this.known.delete(at);
      }
    }
  };

  private wire(cell: ISharedBaseCell): CellWire | null {
    const key = (cell as unknown as { ymodel: object }).ymodel;
    const known = this.known.get(key);
    const hasRun = known?.wire ? !this.isEdited(known.wire.id) : false;
    if (known && (!known.wire || known.hasRun === hasRun)) {
      return known.wire;
    }
    const id = cell.getId();
    const ran = !this.isEdited(id);
    const source = this.text(id) ?? cell.getSource();
    const wire = isTaggedOff(cell) ? null : wireOf(cell, source, ran);
    this.known.set(key, { wire, hasRun: ran });
    return wire;
  }
}
