"""Writes executed edits to disk, if the user chose that, on a thread of its own, so that no cell
waits.

`core.history_store` decides what is written, for how long, and what is refused.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextedit_jupyter.core.history import EditEvent

_END_SECONDS = 2.0


class HistoryWriter:
    """Keeps edits until `end`. Never raises; without a usable store nothing is kept."""

    def __init__(self, language: str = "python") -> None:
        self._language = language
        self._waiting: SimpleQueue[EditEvent | str | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="nextedit-keeping", daemon=True)
        self._thread.start()

    def keep(self, event: EditEvent) -> None:
        """Keep an edit that ran; returns at once."""
        self._waiting.put(event)

    def forget(self, cell: str) -> None:
        """Delete what is kept of a cell, because it contains a secret or was tagged off."""
        self._waiting.put(cell)

    def end(self) -> None:
        """Write what is pending and close the file."""
        self._waiting.put(None)
        self._thread.join(_END_SECONDS)

    def _work(self) -> None:
        from nextedit_jupyter.core.history_store import HistoryStore
        from nextedit_jupyter.kernel.quiet import report_once

        store = HistoryStore()
        while (item := self._waiting.get()) is not None:
            try:
                if isinstance(item, str):
                    store.forget(item)
                else:
                    store.keep(self._language, item)
            except Exception as error:
                report_once("keeping an edit", error)
        store.close()
