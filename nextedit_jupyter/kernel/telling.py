"""Reports to the worker what happened to suggestions: it paces, and counts if the user wants.

This runs on a separate thread, so that no key or cell waits for a worker that hangs. It never
starts a worker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, Full, Queue

_MOST_WAITING = 50  # a worker that hangs loses counts, it does not pile them up here
_LINGER_SECONDS = 30.0  # the thread leaves when nothing has come for so long


class OutcomeReporter:
    """Hands words over to `report(outcome, kind, lane)`, one at a time, off the caller's thread."""

    def __init__(self, report: Callable[[str, str, str], object]) -> None:
        self._report = report
        self._waiting: Queue[tuple[str, str, str]] = Queue(_MOST_WAITING)
        self._lock = threading.Lock()
        self._working = False

    def tell(self, outcome: str, kind: str, lane: str) -> None:
        """Hand one outcome over; returns at once."""
        with self._lock:
            try:
                self._waiting.put_nowait((outcome, kind, lane))
            except Full:
                return
            if not self._working:
                self._working = True
                threading.Thread(target=self._work, name="nextedit-telling", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                words = self._waiting.get(timeout=_LINGER_SECONDS)
            except Empty:
                with self._lock:
                    if self._waiting.empty():
                        self._working = False
                        return
                continue
            try:
                self._report(*words)
            except Exception:  # no worker, or it hangs: this one is not counted
                continue
