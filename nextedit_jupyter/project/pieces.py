"""Pieces of neighbouring files, found by words that they share with the text being written."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nextedit_jupyter.core import Nearby
from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.core.tags import OFF_TAG
from nextedit_jupyter.project.outline import parse_module
from nextedit_jupyter.project.parts import without_off

MAX_PIECE = 900  # characters: some twenty lines
MIN_PIECE = 30
MAX_PIECES = 6_000
_WORD = re.compile(r"[^\W\d]\w{2,}")
_COMMON = frozenset(
    {
        *("and", "for", "not", "def", "class", "return", "import", "from", "None", "True", "else"),
        *(
            "False",
            "self",
            "with",
            "lambda",
            "while",
            "elif",
            "pass",
            "print",
            "len",
            "range",
            "the",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A cell of a notebook or a definition of a module.

    `words` are its own and, with half the weight, those of the piece above it: what follows a
    similar cell suggests what follows this one.
    """

    path: str
    text: str
    words: frozenset[str]
    above: frozenset[str] = frozenset()


def pieces_of(path: str, text: str) -> tuple[Piece, ...]:
    """The pieces of a file; those with a secret are left out."""
    parts = _cells(text) if path.endswith(".ipynb") else _definitions(without_off(text))
    found: list[Piece] = []
    above: frozenset[str] = frozenset()
    for part in parts:
        part = part.strip("\n")
        words = words_of(part)
        if len(part) >= MIN_PIECE and words and not holds_secret(part):
            found.append(Piece(path, shortened(part), words, above))
        above = words
    return tuple(found)


def words_of(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text)) - _COMMON


def shortened(text: str) -> str:
    """The first complete lines that fit into `MAX_PIECE`."""
    if len(text) <= MAX_PIECE:
        return text
    return text[: text.rfind("\n", 0, MAX_PIECE) + 1].rstrip() or text[:MAX_PIECE]


class Words:
    """An immutable index of pieces."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = tuple(pieces[:MAX_PIECES])
        holding: dict[str, list[int]] = {}
        for i, piece in enumerate(self.pieces):
            for word in piece.words | piece.above:
                holding.setdefault(word, []).append(i)
        self._holding = holding

    def nearest(
        self,
        here: frozenset[str],
        above: frozenset[str],
        *,
        limit: int,
        min_likeness: float,
        apart_from: Iterable[str] = (),
    ) -> list[Nearby]:
        """The most similar pieces, best first. `here` are the words of the text being written,
        `above` those of the text before it. Pieces whose text is in `apart_from`, and those with a
        similarity (0 to 1) below `min_likeness`, are left out."""
        total = len(self.pieces)
        if not total:
            return []
        weights = {
            word: math.log(1 + total / len(held))
            for word in here | above
            if (held := self._holding.get(word)) is not None
        }
        scores: defaultdict[int, float] = defaultdict(float)
        for word, weight in weights.items():
            own = weight if word in here else 0.5 * weight
            for i in self._holding[word]:
                piece = self.pieces[i]
                if word in piece.words and word in here:
                    scores[i] += own
                elif word in piece.above and word in above:
                    scores[i] += 0.7 * weight
                else:
                    scores[i] += 0.3 * own
        whole = sum(weights.values()) or 1.0
        gone = {text.strip() for text in apart_from}
        found: list[Nearby] = []
        for i, score in sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[: 8 * limit]:
            likeness = score / whole
            if likeness < min_likeness or len(found) == limit:
                break
            piece = self.pieces[i]
            if piece.text.strip() not in gone:
                found.append(Nearby(piece.path, piece.text, "piece"))
                gone.add(piece.text.strip())
        return found


def _cells(text: str) -> list[str]:
    """The code cells of a notebook's JSON; none if it is not a notebook."""
    try:
        value = json.loads(text)
        cells = value["cells"]
        found = []
        for cell in cells:
            tags = cell.get("metadata", {}).get("tags", [])
            if cell.get("cell_type") == "code" and OFF_TAG not in tags:
                source = cell.get("source", "")
                found.append("".join(source) if isinstance(source, list) else str(source))
        return found
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _definitions(text: str) -> list[str]:
    """The functions and methods of a module, and the text between definitions."""
    tree = parse_module(text)
    if tree is None:
        return []
    lines = text.split("\n")
    found, at = [], 0
    for node in tree.body:
        first = (
            min((d.lineno for d in getattr(node, "decorator_list", ())), default=node.lineno) - 1
        )
        if getattr(node, "name", None) is None:
            continue
        between = "\n".join(lines[at:first])
        body = "\n".join(lines[first : node.end_lineno])
        found += [between, *(_methods(node, lines) if len(body) > MAX_PIECE else [body])]
        at = node.end_lineno or first
    return [*found, "\n".join(lines[at:])]


def _methods(node: object, lines: list[str]) -> list[str]:
    """A long class is split into its methods; a long function stays whole and is shortened
    later."""
    below = [one for one in getattr(node, "body", ()) if hasattr(one, "decorator_list")]
    if not hasattr(node, "bases") or not below:
        return ["\n".join(lines[node.lineno - 1 : node.end_lineno])]  # type: ignore[attr-defined]
    return ["\n".join(lines[one.lineno - 1 : one.end_lineno]) for one in below]
