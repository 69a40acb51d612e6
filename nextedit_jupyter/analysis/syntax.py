"""How well a cell parses, magics masked."""

from __future__ import annotations

from nextedit_jupyter.analysis import trees
from nextedit_jupyter.analysis.bindings import MAX_CELL
from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.magics import mask
from nextedit_jupyter.core.python_trees import python_tree

# Parts of a dotted name in an import: the compiler is quadratic in their number.
_MAX_DOTS = 300

# Syntax for which this Python may be too old, but not the kernel's.
_NEWER = frozenset(("type_alias_statement", "type_parameter", "interpolation"))


def error_count(source: str) -> int:
    """The number of syntax errors in the cell; 0 if it parses or is not Python. Never raises."""
    masked = mask(source)
    if not masked.is_python or not masked.text.strip():
        return 0
    spend(len(masked.text) // 20)
    if not has_endless_import(masked.text) and _compiles(masked.text):
        return 0
    if len(source) > MAX_CELL or "\0" in source:
        return 1
    tree, _ = trees.parse(masked.text)
    nodes = list(trees.walk(tree.root_node)) if not tree.root_node.has_error else []
    if any(node.type in _NEWER for node in nodes):
        return 0
    count = 0
    stack = [tree.root_node]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            count += 1
        if node.has_error:
            stack.extend(node.children)
    return max(count, 1)


def parses_at_least_as_well(before: str, after: str) -> bool:
    """Whether an edit adds no syntax error."""
    after_errors = error_count(after)
    return after_errors == 0 or after_errors <= error_count(before)


def has_endless_import(text: str) -> bool:
    """Whether Python's compiler would be slow on an import's dotted names."""
    if text.count(".") <= _MAX_DOTS or "import" not in text:
        return False
    joined = text.replace("\\\r\n", "").replace("\\\n", "")
    return any(
        line.count(".") > _MAX_DOTS and ("import" in line or "from" in line)
        for line in joined.split("\n")
    )


def _compiles(text: str) -> bool:
    first = next((line for line in text.split("\n", 64) if line.strip()), "")
    if first[:1] in (" ", "\t"):
        text = "if 1:\n" + text
    return python_tree(text) is not None
