"""A file as editable pieces: a module's definitions, a notebook's code cells."""

from __future__ import annotations

import ast
import itertools
import json
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

ALIKE = 0.6  # pieces this similar are the same piece before and after an edit


@dataclass(frozen=True, slots=True)
class FilePiece:
    """`key` identifies it across versions: a definition's name, a cell's id; "" if there is
    none."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Pieces:
    language: str
    pieces: tuple[FilePiece, ...]


def read_pieces(name: str, data: bytes) -> Pieces | str:
    """The pieces of a file, or why there are none."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return "not utf-8"
    if "\0" in text:
        return "binary"
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    if name.endswith(".ipynb"):
        return notebook_pieces(text)
    return module_pieces(text)


def module_pieces(text: str) -> Pieces | str:
    """Split a module before and after each top-level definition; the parts in between are pieces
    too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "no python 3"
    lines = text.split("\n")
    cuts: list[tuple[int, int, str]] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)]) - 1
            cuts.append((first, node.end_lineno or node.lineno, node.name))
    pieces: list[FilePiece] = []
    seen: Counter[str] = Counter()
    at = 0
    for first, last, name in cuts:
        # A comment directly above a definition belongs to it.
        while first > at and lines[first - 1].startswith("#"):
            first -= 1
        _add(pieces, "", lines[at:first])
        seen[name] += 1
        _add(pieces, f"{name}#{seen[name]}", lines[first:last])
        at = max(at, last)
    _add(pieces, "", lines[at:])
    return Pieces("python", tuple(pieces))


def _add(pieces: list[FilePiece], key: str, lines: Sequence[str]) -> None:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        pieces.append(FilePiece(key, text))


def notebook_pieces(text: str) -> Pieces | str:
    """The code cells of a notebook of format 4."""
    try:
        raw = json.loads(text)
        metadata = raw.get("metadata", {})
        language = (
            metadata.get("kernelspec", {}).get("language")
            or metadata.get("language_info", {}).get("name")
            or "python"
        )
        pieces = []
        for cell in raw["cells"]:
            if cell.get("cell_type") == "code":
                source = "".join(cell["source"]).replace("\r\n", "\n")
                pieces.append(FilePiece(str(cell.get("id") or ""), source))
        if not isinstance(language, str):
            return "corrupt notebook"
        language = language.lower()
        return Pieces("python" if language == "ipython" else language, tuple(pieces))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "corrupt notebook"


def align(
    before: Sequence[FilePiece], after: Sequence[FilePiece]
) -> list[tuple[FilePiece | None, FilePiece | None]]:
    """Pairs of a piece before and after, in the order of the new text.

    A piece without a partner was deleted or inserted. Pieces with the same key or text are matched
    first, then similar ones between them.
    """
    was, now = [piece.key or piece.text for piece in before], [p.key or p.text for p in after]
    pairs: list[tuple[FilePiece | None, FilePiece | None]] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if tag == "equal":
            pairs += zip(before[i1:i2], after[j1:j2], strict=True)
        else:
            pairs += _pair_alike(before[i1:i2], after[j1:j2])
    return pairs


def _pair_alike(
    before: Sequence[FilePiece], after: Sequence[FilePiece]
) -> list[tuple[FilePiece | None, FilePiece | None]]:
    pairs: list[tuple[FilePiece | None, FilePiece | None]] = []
    at = 0
    for piece in before:
        found = next((j for j in range(at, len(after)) if _alike(piece.text, after[j].text)), None)
        if found is None:
            pairs.append((piece, None))
            continue
        pairs += [(None, other) for other in after[at:found]]
        pairs.append((piece, after[found]))
        at = found + 1
    return pairs + list(zip(itertools.repeat(None), after[at:]))


def _alike(a: str, b: str) -> bool:
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE
