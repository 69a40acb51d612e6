"""Boosted trees in numpy, read from the JSON that `jupyter nextedit train judge` writes.

Evaluated like QuickScorer (Lucchese et al., SIGIR 2015): every split of every tree is tested at
once, each failed test rules out the leaves on its left, and the leftmost remaining leaf is the
tree's answer. 500 rows of 200 trees take some 2 ms; walking the trees would take much longer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextedit_jupyter.core import NextEditError
from nextedit_jupyter.suggest.judge.features import NAMES

MAX_LEAVES = 16  # a tree's leaves are the bits of a 16-bit word
_CHUNK = 256
_ALL = np.uint16(0xFFFF)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """An offer is made if its best place reaches `show`; places from `tick` on are ticked, from
    `list` on optional."""

    show: float
    tick: float
    list: float


class Forest:
    """Boosted trees; `values` returns a probability for each row of features.

    Raises NextEditError if the trees were trained with other features.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        if tuple(told["features"]) != NAMES:
            raise NextEditError("the judge was trained for other features: train it again")
        self.thresholds = Thresholds(**told["thresholds"])
        self._bias = float(told["bias"])
        trees: Sequence[Mapping[str, Any]] = told["trees"]
        count = len(trees)
        splits = max((len(tree["feature"]) for tree in trees), default=0)
        # Split k of every tree: the feature, the threshold, and the leaves that remain above it.
        self._feature = np.zeros((splits, count), np.intp)
        self._border = np.full((splits, count, 1), np.inf, np.float32)
        self._left = np.full((splits, count, 1), _ALL, np.uint16)
        self._leaves = np.zeros((count, MAX_LEAVES), np.float32)
        for t, tree in enumerate(trees):
            for k, (feature, border, first, last) in enumerate(
                zip(tree["feature"], tree["border"], tree["first"], tree["last"], strict=True)
            ):
                self._feature[k, t] = feature
                self._border[k, t] = border
                self._left[k, t] = int(_ALL) & ~sum(1 << leaf for leaf in range(first, last))
            self._leaves[t, : len(tree["leaves"])] = tree["leaves"]
        lowest = [(word & -word).bit_length() - 1 for word in range(1, 1 << MAX_LEAVES)]
        self._lowest = np.array([0, *lowest], np.intp)
        self._offsets = (np.arange(count) * MAX_LEAVES)[:, None]

    def at(self, level: float) -> Forest:
        """The same trees with a single threshold for showing and ticking."""
        other = copy(self)
        other.thresholds = Thresholds(level, level, min(level, self.thresholds.list))
        return other

    def values(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of each row, float32."""
        if len(rows) > _CHUNK:  # three times as fast if it fits into the processor's cache
            parts = [rows[at : at + _CHUNK] for at in range(0, len(rows), _CHUNK)]
            return np.concatenate([self.values(part) for part in parts])
        columns = np.ascontiguousarray(rows.T)
        alive = np.full((len(self._leaves), len(rows)), _ALL, np.uint16)
        for feature, border, left in zip(self._feature, self._border, self._left):
            alive &= np.where(columns[feature] > border, left, _ALL)
        said = self._leaves.ravel()[self._lowest[alive] + self._offsets]
        score = said.sum(axis=0, dtype=np.float32) + np.float32(self._bias)
        sure: NDArray[np.float32] = (1 / (1 + np.exp(-score))).astype(np.float32)
        return sure


@lru_cache(maxsize=1)
def shipped() -> Forest:
    """The packaged forest, read on first use."""
    text = resources.files("nextedit_jupyter.suggest.judge").joinpath("judge.json").read_text()
    return Forest(json.loads(text))
