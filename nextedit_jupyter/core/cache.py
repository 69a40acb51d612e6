"""A mapping that keeps the most recently used entries."""

from __future__ import annotations

import functools
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """At most `max_entries` values with a total weight of at most `max_weight`; thread-safe.

    The least recently used entry is dropped first; the newest stays, however heavy. Values are not
    None.
    """

    __slots__ = ("_held", "_lock", "_max_entries", "_max_weight", "_total", "_weigh")

    def __init__(
        self,
        max_entries: int,
        *,
        max_weight: int | None = None,
        weigh: Callable[[K, V], int] = lambda key, value: 1,
    ) -> None:
        """`weigh` returns a value's weight, in the unit of `max_weight`; it must not change."""
        self._max_entries = max(1, max_entries)
        self._max_weight = max_weight
        self._weigh = weigh
        self._held: OrderedDict[K, V] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value, which now counts as used; None if it is not in the cache."""
        with self._lock:
            value = self._held.get(key)
            if value is not None:
                self._held.move_to_end(key)
            return value

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """The cached value, or the one that `make` returns, which is cached.

        Two threads that miss at the same time both call `make`.
        """
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._remove(key)
            self._held[key] = value
            if self._max_weight is not None:
                self._total += self._weigh(key, value)
            while len(self._held) > 1 and self._is_over():
                self._remove(next(iter(self._held)))

    def drop(self, key: K) -> None:
        with self._lock:
            self._remove(key)

    def clear(self) -> None:
        with self._lock:
            self._held.clear()
            self._total = 0

    def _is_over(self) -> bool:
        if len(self._held) > self._max_entries:
            return True
        return self._max_weight is not None and self._total > self._max_weight

    def _remove(self, key: K) -> None:
        value = self._held.pop(key, None)
        if value is not None and self._max_weight is not None:
            self._total -= self._weigh(key, value)

    def __contains__(self, key: K) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[K]:
        with self._lock:
            return iter(tuple(self._held))

    def __len__(self) -> int:
        return len(self._held)


def by_text(max_characters: int) -> Callable[[Callable[[str], V]], Callable[[str], V]]:
    """Cache a function of a text, for texts of at most `max_characters` in total.

    `lru_cache` counts texts: a thousand versions of a long cell, one per keystroke, would be tens
    of megabytes. The function must not return None.
    """

    def wrap(make: Callable[[str], V]) -> Callable[[str], V]:
        held: LruCache[str, V] = LruCache(
            sys.maxsize, max_weight=max_characters, weigh=lambda text, _: len(text) + 100
        )

        @functools.wraps(make)
        def remembered(text: str) -> V:
            return held.get_or_make(text, lambda: make(text))

        return remembered

    return wrap
