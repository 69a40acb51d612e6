"""Version 2 of the protocol: requests that say what changed in a notebook that this side holds.

With each key a page would send the same as with the key before, except for one cell. So the
receiver keeps the last states of each page under their hashes, and a request names the one that it
changes. The states are a cache: if one is gone (a new worker, evicted by another page), the error
has the code `unknown_state`, and the page sends everything again.

A hash is a full sha256 of everything that is held, and the result of a change is hashed again here:
a page whose bookkeeping went wrong is refused, and never gets an answer about a text other than its
own. Each page has its own states and cannot name another page's.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from nextedit_jupyter.core.cache import LruCache
from nextedit_jupyter.core.errors import WireError
from nextedit_jupyter.core.facts import KernelFacts
from nextedit_jupyter.core.history import EditEvent
from nextedit_jupyter.core.notebook import Cell
from nextedit_jupyter.core.request import Bounds, SuggestRequest
from nextedit_jupyter.core.wire import (
    assemble_request,
    decode_cells,
    decode_event,
    decode_facts,
    decode_request,
)

VERSION = 2
# A page's last answered state and those requested since, for a few notebooks.
MAX_STATES = 12
MAX_FACTS = 6
MAX_EVENTS = 80  # eight histories
_HASH = re.compile(r"[0-9a-f]{64}")

Page = Any  # hashable
Value = TypeVar("Value")


def cell_digest(cell: Cell) -> bytes:
    """The sha256 of everything about a cell; its parts are delimited by their lengths in bytes."""
    parts = [_utf8(part) for part in (cell.id, cell.type, *cell.tags)]
    count = "-" if cell.execution_count is None else str(cell.execution_count)
    lengths = " ".join(str(len(part)) for part in parts)
    head = f"{lengths} {count} {int(cell.editable)}\n".encode("ascii")
    return hashlib.sha256(b"".join((head, *parts, _utf8(cell.source)))).digest()


def state_hash(digests: Sequence[bytes]) -> str:
    """The hash of cells in order, 64 hex digits."""
    return hashlib.sha256(b"".join(digests)).hexdigest()


@dataclass(frozen=True, slots=True)
class HeldState:
    """A notebook's cells as a page sent them, with their digests."""

    cells: tuple[Cell, ...]
    digests: tuple[bytes, ...]

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> HeldState:
        return cls(tuple(cells), tuple(map(cell_digest, cells)))

    def changed(self, cells: Sequence[Cell], order: Sequence[str] | None) -> HeldState:
        """The state with these cells replacing those with the same ids; `order` is given if cells
        were added, removed or moved.

        Raises WireError for an id that is in neither.
        """
        known = dict(zip((cell.id for cell in self.cells), self._pairs(), strict=True))
        if order is None and any(cell.id not in known for cell in cells):
            raise WireError("a new cell needs the order of all cells")
        known.update({cell.id: (cell, cell_digest(cell)) for cell in cells})
        try:
            pairs = [known[id] for id in order] if order is not None else list(known.values())
        except KeyError:
            raise WireError("order names a cell that is not there") from None
        return HeldState(tuple(cell for cell, _ in pairs), tuple(digest for _, digest in pairs))

    def _pairs(self) -> list[tuple[Cell, bytes]]:
        return list(zip(self.cells, self.digests, strict=True))

    @property
    def hash(self) -> str:
        return state_hash(self.digests)

    @property
    def characters(self) -> int:
        return sum(len(cell.source) for cell in self.cells)


class HeldStates:
    """The last states that pages sent, with which requests are decoded. Thread-safe.

    `page` is any value that identifies a page.
    """

    def __init__(self, limit: int = MAX_STATES) -> None:
        self._states: LruCache[tuple[Page, str], HeldState] = LruCache(limit)
        self._facts: LruCache[tuple[Page, str], KernelFacts] = LruCache(MAX_FACTS)
        self._events: LruCache[tuple[Page, str], EditEvent] = LruCache(MAX_EVENTS)
        self._lock = threading.Lock()

    def decode(self, page: Page, value: Mapping[str, Any], bounds: Bounds) -> SuggestRequest:
        """`wire.decode_request` for either version. Raises WireError."""
        if value.get("version", 1) != VERSION:
            return decode_request(value, bounds)
        notebook = value.get("notebook")
        if not isinstance(notebook, dict):
            raise WireError("notebook must be an object")
        with self._lock:
            state = self._state(page, notebook, bounds)
            events = self._history(page, value)
            facts = self._known_facts(page, value)
        return assemble_request(value, bounds, cells=list(state.cells), events=events, facts=facts)

    def forget(self, is_gone: Callable[[Page], bool]) -> None:
        """Drop the states of pages that are gone."""
        with self._lock:
            _drop(self._states, is_gone)
            _drop(self._facts, is_gone)
            _drop(self._events, is_gone)

    def _state(self, page: Page, notebook: Mapping[str, Any], bounds: Bounds) -> HeldState:
        hash, base, order = _hash(notebook), notebook.get("base"), notebook.get("order")
        if order is not None and (
            not isinstance(order, list) or not all(isinstance(id, str) for id in order)
        ):
            raise WireError("order must be a list of strings")
        if base is None:
            state = HeldState.of(decode_cells(notebook))
            if state.hash != hash:
                raise WireError("hash is not the hash of the cells")
        else:
            held = self._states.get((page, base)) if isinstance(base, str) else None
            if held is None:
                raise _unknown("the notebook")
            state = held.changed(decode_cells(notebook), order)
            if state.hash != hash:
                raise _unknown("the notebook")
        if state.characters > bounds.notebook_bytes:
            raise WireError(
                f"the notebook has {state.characters} characters, at most "
                f"{bounds.notebook_bytes} are held; send fewer cells",
                code="too_large",
            )
        self._states.put((page, hash), state)
        return state

    def _history(self, page: Page, value: Mapping[str, Any]) -> list[EditEvent]:
        items = value.get("history") or []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise WireError("history must be a list of objects")
        events = []
        for item in items:
            if item.keys() == {"hash"}:
                event = self._events.get((page, _hash(item)))
                if event is None:
                    raise _unknown("an edit")
            else:
                event = decode_event(item)
                if "hash" in item:
                    self._events.put((page, _hash(item)), event)
            events.append(event)
        return events

    def _known_facts(self, page: Page, value: Mapping[str, Any]) -> KernelFacts:
        told = value.get("facts") or {}
        if not isinstance(told, dict):
            raise WireError("facts must be an object")
        if told.keys() == {"hash"}:
            known = self._facts.get((page, _hash(told)))
            if known is None:
                raise _unknown("what the kernel knows")
            return known
        facts = decode_facts(told)
        if "hash" in told:
            self._facts.put((page, _hash(told)), facts)
        return facts


def _unknown(what: str) -> WireError:
    return WireError(f"{what} is not held here: send everything again", code="unknown_state")


def _hash(value: Mapping[str, Any]) -> str:
    found = value.get("hash")
    if not isinstance(found, str) or not _HASH.fullmatch(found):
        raise WireError("a hash must have 64 hexadecimal digits")
    return found


def _drop(held: LruCache[tuple[Page, str], Value], is_gone: Callable[[Page], bool]) -> None:
    for key in held:
        if is_gone(key[0]):
            held.drop(key)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
