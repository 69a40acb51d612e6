"""Which places of a notebook's cells are already taken, with fast lookup."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort


class TakenPlaces:
    """Spans of texts by cell; a span touches another where they overlap or are the same."""

    def __init__(self) -> None:
        self._exact: set[tuple[int, int, int]] = set()
        # For each cell, sorted: disjoint spans that cover all added ones, and the empty spans.
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
        """The range of spans that overlap `start` to `end`."""
        low = bisect_right(covered, start, key=lambda span: span[1])
        high = bisect_left(covered, end, key=lambda span: span[0])
        return low, max(low, high)
