"""Fast decoding of requests, both complete ones and those that say what changed (`core.changes`).

`orjson` reads what it can, seven times faster; what it refuses (lone surrogates, NaN, other
encodings, numbers beyond a double, deep nesting) or would round (integers of more than 64 bits,
which become doubles) is left to `core.wire`. Cells that are unchanged since the page's last request
are the same objects, so neither they nor the hashes of their texts are computed twice.
"""

from __future__ import annotations

import re
import threading
from typing import Any

import orjson

from nextedit_jupyter.core.cache import LruCache
from nextedit_jupyter.core.changes import VERSION, HeldStates
from nextedit_jupyter.core.notebook import Cell
from nextedit_jupyter.core.request import Bounds, SuggestRequest
from nextedit_jupyter.core.wire import decode_request, parse_line

# 2 ** 63 has 19 digits.
_LONG_INTEGER = re.compile(rb"[0-9]{19}")
MAX_NOTEBOOKS = 8  # as many as a person switches between


def parse_request(body: bytes, bounds: Bounds) -> dict[str, Any]:
    """A request as a JSON object, as `core.wire.parse_line` reads it. Raises WireError."""
    if len(body) <= bounds.request_bytes and not _LONG_INTEGER.search(body):
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
        else:
            if isinstance(value, dict):
                return value
    return parse_line(body, bounds)


class HeldCells:
    """Decodes requests, reusing the cells of the same notebook's last one.

    `page` is (connection, name), as in `request_queue.Job.client`. A page may alternate between
    several notebooks, which are identified by their first cells.
    """

    def __init__(self, limit: int = MAX_NOTEBOOKS) -> None:
        self._states = HeldStates()
        self._cells: LruCache[tuple[int, str, str], dict[str, Cell]] = LruCache(limit)
        self._lock = threading.Lock()

    def take(
        self, page: tuple[int, str], value: dict[str, Any], bounds: Bounds
    ) -> SuggestRequest | None:
        """Read a request that changes what its page sent earlier; None if the request is complete.

        Must be called for every request on arrival, even if it is superseded: the next one may
        build on it. Raises WireError.
        """
        if value.get("version", 1) != VERSION:
            return None
        return self._states.decode(page, value, bounds)

    def decode(
        self, page: tuple[int, str], value: dict[str, Any], bounds: Bounds
    ) -> SuggestRequest:
        """`core.wire.decode_request` for a page's request. Raises WireError."""
        notebook = (*page, _first_cell(value))
        with self._lock:
            held = self._cells.get(notebook)
        request = decode_request(value, bounds, held)
        with self._lock:
            self._cells.put(notebook, {cell.id: cell for cell in request.notebook.cells})
        return request

    def forget(self, connection: int) -> None:
        """Drop the last requests of the pages of a closed connection."""
        with self._lock:
            for notebook in self._cells:
                if notebook[0] == connection:
                    self._cells.drop(notebook)
        self._states.forget(lambda page: bool(page[0] == connection))


def _first_cell(value: dict[str, Any]) -> str:
    """The id of a request's first cell, read before the request is checked."""
    try:
        return str(value["notebook"]["cells"][0]["id"])
    except (KeyError, IndexError, TypeError):
        return ""
