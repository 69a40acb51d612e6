"""Trees are read in linear time: tree-sitter looks for a node's parent and siblings from the root,
so a walk that asks each node for them takes the square of the depth.
"""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "nextedit_jupyter"
SLOW = frozenset(
    ["next_named_sibling", "next_sibling", "parent", "prev_named_sibling", "prev_sibling"]
)


def uses_tree_sitter(tree: ast.Module) -> bool:
    return any(isinstance(n, ast.ImportFrom) and n.module == "tree_sitter" for n in ast.walk(tree))


def slow_reads(source: str) -> list[str]:
    """What asks a node for its parent or a sibling; scopes have parents of their own."""
    tree = ast.parse(source)
    if not uses_tree_sitter(tree):
        return []
    found = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in SLOW)
    return [ast.unparse(n) for n in found if "scopes[" not in ast.unparse(n)]


def test_no_node_is_asked_for_its_parent() -> None:
    found = {path: slow_reads(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
    assert {path: reads for path, reads in found.items() if reads} == {}


def test_such_a_read_is_found() -> None:
    assert slow_reads("from tree_sitter import Node\ndef f(n: Node): return n.parent") == [
        "n.parent"
    ]
    assert slow_reads("def f(n): return n.parent") == []
