/**
 * Requests that say what changed in what the worker holds: the port of `core/changes.py`.
 *
 * The worker holds what it has answered. So a key's request contains only the edited cell, and refers to the
 * rest by its hash.
 */

import { sha256 } from '@noble/hashes/sha2';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils';

import type {
  CellWire,
  ChangedNotebookWire,
  ChangedRequestWire,
  EventWire,
  FactsWire,
  HeldWire,
  RequestWire
} from './protocol';
import { encodeUtf8 } from './textHash';

type Request = Omit<RequestWire, 'id'>;
export type ChangedRequest = Omit<ChangedRequestWire, 'id'>;

/** A request as sent, and what the worker holds once it has answered it. */
export interface Told {
  readonly request: ChangedRequest;
  readonly state: State;
  readonly hashes: readonly string[];
}

/** Cells whose digests are known by the cells themselves: the same object is the same cell. */
interface State {
  readonly hash: string;
  readonly cells: readonly CellWire[];
}

/** Notebooks that the worker is known to hold; it keeps more than these. */
const HELD_STATES = 4;
const HELD_HASHES = 40;
/** A part shorter than this is sent itself, because its hash takes 75 bytes. */
const SHORT = 150;

const digests = new WeakMap<CellWire, Uint8Array>();
const hashes = new WeakMap<object, string>();

/** The sha256 of everything about a cell; its parts are delimited by their lengths in bytes. */
export function cellDigest(cell: CellWire): Uint8Array {
  let digest = digests.get(cell);
  if (!digest) {
    const parts = [cell.id, cell.type, ...(cell.tags ?? [])].map(encodeUtf8);
    const lengths = parts.map(part => part.length).join(' ');
    const count = cell.execution_count ?? '-';
    const hash = sha256.create();
    hash.update(utf8ToBytes(`${lengths} ${count} ${cell.editable === false ? 0 : 1}\n`));
    [...parts, encodeUtf8(cell.source)].forEach(part => hash.update(part));
    digest = hash.digest();
    digests.set(cell, digest);
  }
  return digest;
}

/** The hash of cells in order, 64 hex digits. */
export function stateHash(cells: readonly CellWire[]): string {
  const all = new Uint8Array(cells.length * 32);
  cells.forEach((cell, i) => all.set(cellDigest(cell), i * 32));
  return bytesToHex(sha256(all));
}

/** What the worker holds of one page, as far as the page knows. */
export class Changes {
  private states: State[] = []; // the newest last
  private known = new Set<string>();

  /** The request as changes, or in full if nothing is known to be held. */
  tell({ notebook, history, facts, ...rest }: Request): Told {
    const state = { hash: stateHash(notebook.cells), cells: notebook.cells };
    const sent: string[] = [];
    const told = <T extends object>(part: T, isLasting: boolean): (T & HeldWire) | HeldWire | T => {
      if (!isLasting) {
        return part;
      }
      const hash = hashOf(part);
      if (this.known.has(hash)) {
        return { hash };
      }
      sent.push(hash);
      return { ...part, hash };
    };
    const last = (history?.length ?? 0) - 1; // it changes with the next key
    return {
      state,
      hashes: sent,
      request: {
        version: 2,
        ...rest,
        notebook: this.change(notebook, state),
        ...(history && {
          history: history.map((event: EventWire, i) => {
            const isLasting = i < last && event.before.length + event.after.length > SHORT;
            return told(event, isLasting);
          })
        }),
        ...(facts && { facts: told<FactsWire>(facts, true) })
      }
    };
  }

  /** The worker answered this request, and so holds it. */
  answered({ state, hashes }: Told): void {
    this.states = [...this.states.filter(known => known.hash !== state.hash), state];
    this.states.splice(0, this.states.length - HELD_STATES);
    for (const hash of hashes) {
      this.known.delete(hash);
      this.known.add(hash);
    }
    [...this.known].slice(0, -HELD_HASHES).forEach(hash => this.known.delete(hash));
  }

  /** The worker does not hold what was assumed. */
  forget(): void {
    this.states = [];
    this.known.clear();
  }

  private change(notebook: RequestWire['notebook'], state: State): ChangedNotebookWire {
    const { cells, language, left_out } = notebook;
    const shared = { language, hash: state.hash, ...(left_out && { left_out }) };
    const base = [...this.states].reverse().find(known => isAlike(known.cells, cells));
    if (!base) {
      return { ...shared, cells };
    }
    const isInOrder =
      base.cells.length === cells.length && cells.every((cell, i) => cell.id === base.cells[i].id);
    const before = isInOrder ? null : new Map(base.cells.map(cell => [cell.id, cell]));
    return {
      ...shared,
      base: base.hash,
      cells: cells.filter((cell, i) => {
        const known = before ? before.get(cell.id) : base.cells[i];
        return !known || !isSame(known, cell);
      }),
      ...(before && { order: cells.map(cell => cell.id) })
    };
  }
}

/** Whether two states belong to the same notebook: they share their first or last cell. */
function isAlike(one: readonly CellWire[], other: readonly CellWire[]): boolean {
  return one[0]?.id === other[0]?.id || one[one.length - 1]?.id === other[other.length - 1]?.id;
}

function isSame(one: CellWire, other: CellWire): boolean {
  if (one === other) {
    return true;
  }
  const [a, b] = [cellDigest(one), cellDigest(other)];
  return a.every((byte, i) => byte === b[i]);
}

/** The hash of a part; cached for objects that are sent again. */
function hashOf(part: object): string {
  let hash = hashes.get(part);
  if (hash === undefined) {
    hash = bytesToHex(sha256(encodeUtf8(JSON.stringify(part))));
    hashes.set(part, hash);
  }
  return hash;
}
