"""A tokenizer's tokens as bytes: which tokens begin with, continue or stay within given bytes.

Tokens are sorted by their bytes, so that all tokens with a common prefix form one range. Built once
per engine, on first use.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.core.cache import LruCache

TokenIds = npt.NDArray[np.int64]


class Vocabulary:
    """The tokens of `table` (bytes by id) that stand for bytes; control tokens are left out."""

    def __init__(self, table: Sequence[bytes]) -> None:
        pairs = sorted((token, id) for id, token in enumerate(table) if token)
        self.tokens = [token for token, _ in pairs]
        self.ids: TokenIds = np.array([id for _, id in pairs], np.int64)
        self._healing: LruCache[bytes, TokenIds] = LruCache(512)

    def range_of(self, beginning: bytes, low: int = 0, high: int | None = None) -> tuple[int, int]:
        """The range [low, high) of the tokens with this prefix, within a given range."""
        high = len(self.tokens) if high is None else high
        low = bisect_left(self.tokens, beginning, low, high)
        after = _successor(beginning)
        return low, high if after is None else bisect_left(self.tokens, after, low, high)

    def exactly(self, token: bytes, low: int = 0, high: int | None = None) -> range:
        """The range of the tokens with exactly these bytes."""
        high = len(self.tokens) if high is None else high
        low = bisect_left(self.tokens, token, low, high)
        return range(low, bisect_right(self.tokens, token, low, high))

    def within(self, rest: bytes) -> TokenIds:
        """The ids of the tokens that are prefixes of `rest`, including `rest` itself."""
        places = [self.exactly(rest[:end]) for end in range(1, len(rest) + 1)]
        parts = [self.ids[found.start : found.stop] for found in places]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def healing(self, rest: bytes) -> TokenIds:
        """The ids of the tokens that agree with `rest`: its prefixes, and those that begin with
        it."""
        return self._healing.get_or_make(rest, lambda: self._agreeing(rest))

    def _agreeing(self, rest: bytes) -> TokenIds:
        low, high = self.range_of(rest)
        # In the order of ids, so that ties are broken as without a mask.
        return np.sort(np.concatenate((self.ids[low:high], self.within(rest[:-1]))))


def _successor(beginning: bytes) -> bytes | None:
    """The smallest bytes greater than everything that begins with `beginning`; None if there are
    none."""
    trimmed = beginning.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1]) if trimmed else None
