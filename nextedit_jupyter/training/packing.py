"""Packed token sequences on disk: what the training loop reads.

A packed file is a .npy of uint16 [sequences, length + 1]. Bit 15 marks tokens without loss (a
vocabulary has at most 32,768 ids).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.core.files import written_beside

NO_LOSS = 1 << 15


def pack(
    documents: Iterable[list[int]], *, length: int, pad: int, open_bins: int = 64
) -> npt.NDArray[np.uint16]:
    """Pack documents into rows of `length + 1` tokens, each into the fullest row with room for it.

    A longer document is split at row ends. Padding has no loss.
    """
    rows: list[list[int]] = []
    bins: list[list[int]] = []
    size = length + 1
    for document in documents:
        for start in range(0, len(document), size):
            piece = document[start : start + size]
            fits = [row for row in bins if len(row) + len(piece) <= size]
            if fits:
                row = max(fits, key=len)
                row += piece
            else:
                if len(bins) == open_bins:
                    fullest = max(range(len(bins)), key=lambda i: len(bins[i]))
                    rows.append(bins.pop(fullest))
                row = list(piece)
                bins.append(row)
            if len(row) > size - 8:
                bins.remove(row)
                rows.append(row)
    rows += bins
    packed = np.full((len(rows), size), pad | NO_LOSS, dtype=np.uint16)
    for index, row in enumerate(rows):
        packed[index, : len(row)] = row
    return packed


def write_packed(path: Path, packed: npt.NDArray[np.uint16]) -> None:
    """Write the file atomically; its name ends in .npy."""
    with written_beside(path) as beside:
        np.save(beside, packed)


def split_targets(
    rows: npt.NDArray[np.uint16],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Inputs and targets, int64 [batch, length]; a target without loss is -1."""
    ids = (rows & (NO_LOSS - 1)).astype(np.int64)
    targets = ids[:, 1:].copy()
    targets[(rows[:, 1:] & NO_LOSS) != 0] = -1
    return ids[:, :-1], targets
