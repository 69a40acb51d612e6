"""What is kept of a document: no secrets, no data dumps, no near-duplicates."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.corpus.extract import Skipped

MAX_LINE_CHARS = 400  # longer lines are data or minified code
MAX_DIGIT_SHARE = 0.35
PERMUTATIONS = 64
BANDS = 16  # of 4 rows: documents that share 70 % of their shingles are found with p = 0.99
SHINGLE = 5  # tokens

_TOKEN = re.compile(r"\w+|[^\w\s]")
_PRIME = (1 << 31) - 1


def clean(document: Document, skipped: Skipped) -> Document | None:
    """The document without unsuitable cells, or None if too little is left."""
    cells = []
    for cell in document.cells:
        if any(len(line) > MAX_LINE_CHARS for line in cell.split("\n")):
            skipped["long line"] += 1
        elif sum(char.isdigit() for char in cell) > MAX_DIGIT_SHARE * len(cell):
            skipped["data"] += 1
        elif holds_secret(cell):
            skipped["secret"] += 1
        else:
            cells.append(cell)
    min_cells = 1 if document.kind == "module" else 2
    if len(cells) < min_cells or sum(map(len, cells)) < 60:
        return None
    return Document(document.package, document.path, document.kind, tuple(cells))


def signature(text: str) -> npt.NDArray[np.int64]:
    """The MinHash signature of a text over shingles of `SHINGLE` tokens.

    Shape [PERMUTATIONS], int64. Source: Broder, "On the resemblance and containment of
    documents", 1997.
    """
    tokens = _TOKEN.findall(text)
    shingles = {
        zlib.crc32(" ".join(tokens[i : i + SHINGLE]).encode("utf-8", "replace"))
        for i in range(max(1, len(tokens) - SHINGLE + 1))
    }
    hashes = np.fromiter(shingles, dtype=np.int64)
    if len(hashes) > 4_000:
        hashes = np.sort(hashes)[:: len(hashes) // 4_000 + 1]
    random = np.random.default_rng(20_26)
    scale = random.integers(1, _PRIME, PERMUTATIONS, dtype=np.int64)
    shift = random.integers(0, _PRIME, PERMUTATIONS, dtype=np.int64)
    mixed = (hashes[:, None] % (1 << 31) * scale[None, :] + shift[None, :]) % _PRIME
    return np.asarray(mixed.min(axis=0), dtype=np.int64)


class NearDuplicates:
    """Remembers texts; one that resembles an earlier one is a duplicate."""

    def __init__(self) -> None:
        self._seen: list[set[bytes]] = [set() for _ in range(BANDS)]

    def add(self, text: str) -> bool:
        """Add a text; True if it resembles one that was added before."""
        return self.add_signature(signature(text))

    def add_signature(self, signed: npt.NDArray[np.int64]) -> bool:
        """Add a text by its signature; True if it resembles an earlier one."""
        rows = signed.reshape(BANDS, -1)
        keys = [row.tobytes() for row in rows]
        duplicate = any(key in seen for key, seen in zip(keys, self._seen, strict=True))
        for key, seen in zip(keys, self._seen, strict=True):
            seen.add(key)
        return duplicate


def without_duplicates(
    documents: Iterable[Document],
    near: NearDuplicates,
    skipped: Skipped,
    signatures: Iterable[npt.NDArray[np.int64]] | None = None,
) -> Iterator[Document]:
    """Drop the documents that resemble an earlier one; precomputed `signatures` save time."""
    if signatures is None:
        documents = list(documents)
        signatures = map(document_signature, documents)
    for document, signed in zip(documents, signatures, strict=True):
        if near.add_signature(signed):
            skipped["near-duplicate"] += 1
        else:
            yield document


def document_signature(document: Document) -> npt.NDArray[np.int64]:
    """The signature of a document's cells."""
    return signature("\n".join(document.cells))
