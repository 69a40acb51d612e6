"""Reports the outcomes of suggestions to the worker, which paces requests and, if enabled, counts.

This runs on a separate thread, so that no key or cell waits for a worker that hangs. It never
starts a worker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, Full, Queue

_MAX_WAITING = 50  # if the worker hangs, counts are lost rather than piled up here
_LINGER_SECONDS = 30.0  # the thread ends after being idle for this long


class OutcomeReporter:
    """Calls `report(outcome, kind, lane)` for each outcome, one at a time, on another thread."""

    def __init__(self, report: Callable[[str, str, str], object]) -> None:
        self._report = report
        self._waiting: Queue[tuple[str, str, str]] = Queue(_MAX_WAITING)
        self._lock = threading.Lock()
        self._working = False

    def tell(self, outcome: str, kind: str, lane: str) -> None:
        """Queue one outcome; returns at once."""
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
            except Exception:  # no worker, or it hangs: not counted
                continue
