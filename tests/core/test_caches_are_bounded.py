"""What is kept of cells is bounded by size, however long they are and how many versions come."""

from __future__ import annotations

import ast
from pathlib import Path

import nextedit_jupyter
from nextedit_jupyter.core.cache import by_text

PACKAGE = Path(nextedit_jupyter.__file__).parent
TEXTS = ("source", "sources", "text", "cell", "line", "code")
# Few texts, or of one line.
FEW = {"suggest/acceptance.py _read", "suggest/brackets.py _read", "project/outline.py outline"}


def counted_by_text() -> set[str]:
    """Functions of a text whose `lru_cache` counts texts, not characters."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        where = path.relative_to(PACKAGE)
        if where.parts[0] in ("training", "evals"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            decorated = any("lru_cache" in ast.unparse(one) for one in node.decorator_list)
            if decorated and any(one.arg in TEXTS for one in node.args.args):
                found.add(f"{where.as_posix()} {node.name}")
    return found


def test_what_is_remembered_of_a_text_is_bounded_by_characters_not_by_texts() -> None:
    assert counted_by_text() <= FEW


def test_the_oldest_texts_are_forgotten_past_so_many_characters() -> None:
    read: list[str] = []

    @by_text(1_000)
    def length(text: str) -> int:
        read.append(text[:1])
        return len(text)

    for letter in "abca":
        assert length(letter * 400) == 400
    assert read == ["a", "b", "c", "a"]
    assert length("a" * 400) == 400
    assert len(read) == 4
