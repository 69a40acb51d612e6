"""Which places of a notebook's cells are spoken for, looked up without going through them all."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort


class TakenPlaces:
    """Spans of texts by cell; a span touches another where they overlap or are the same."""

    def __init__(self) -> None:
        self._exact: set[tuple[int, int, int]] = set()
        # Of each cell, sorted: spans that do not overlap and cover all that were added, and those
        # of no length.
        self._covered: dict[int, list[tuple[int, int]]] = {}
        self._points: dict[int, list[int]] = {}

    def add(self, cell: int, start: int, end: int) -> None:
        self._exact.add((cell, start, end))
        if start == end:
            insort(self._points.setdefault(cell, []), start)
            return
        covered = self._covered.setdefault(cell, [])
        low, high = self._overlapped(covered, start, end)
        if low < high:
            start, end = min(start, covered[low][0]), max(end, covered[high - 1][1])
        covered[low:high] = [(start, end)]

    def touches(self, cell: int, start: int, end: int) -> bool:
        if (cell, start, end) in self._exact:
            return True
        low, high = self._overlapped(self._covered.get(cell, []), start, end)
        points = self._points.get(cell, [])
        return low < high or bisect_right(points, start) < bisect_left(points, end)

    @staticmethod
    def _overlapped(covered: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
        """From where to where the spans overlap `start` to `end`: start < their end, and so on."""
        low = bisect_right(covered, start, key=lambda span: span[1])
        high = bisect_left(covered, end, key=lambda span: span[0])
        return low, max(low, high)
