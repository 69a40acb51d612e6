"""How well a cell parses, magics masked."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node, Tree

from nextedit_jupyter.analysis import trees
from nextedit_jupyter.analysis.bindings import MAX_CELL
from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.magics import mask
from nextedit_jupyter.core.python_trees import python_tree

# Parts of a dotted name in an import: the compiler is quadratic in their number.
_MAX_DOTS = 300

# Syntax for which this Python may be too old, but not the kernel's, and what may replace it.
_NEWER = {"type_alias_statement": "pass", "type_parameter": ""}


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
    tree, code_point = trees.parse(masked.text)
    if not tree.root_node.has_error:
        return 0 if _is_valid_newer_syntax(masked.text, tree, code_point) else 1
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


def _is_valid_newer_syntax(text: str, tree: Tree, code_point: Callable[[int], int]) -> bool:
    """Whether the text compiles with something plain in place of newer syntax, as do the
    expressions in the fields of its strings."""
    plain, fields = _in_older_syntax(text, tree.root_node, (0, len(text)), code_point)
    if plain == text or not _compiles(plain):
        return False
    while fields:
        node = fields.pop()
        span = code_point(node.start_byte), code_point(node.end_byte)
        plain, inner = _in_older_syntax(text, node, span, code_point)
        if not _compiles(f"({plain})"):
            return False
        fields += inner
    return True


def _in_older_syntax(
    text: str, root: Node, span: tuple[int, int], code_point: Callable[[int], int]
) -> tuple[str, list[Node]]:
    """The text of a node, in code points `span`, without newer syntax: `""` for a string with
    fields; and their expressions."""
    pieces: list[str] = []
    fields: list[Node] = []
    at, end = span
    for node in trees.walk(root):
        found = _expressions(node) if node.type == "string" else []
        plain = '""' if found else _NEWER.get(node.type)
        if plain is None or code_point(node.start_byte) < at:
            continue  # it is within what was replaced
        pieces += [text[at : code_point(node.start_byte)], plain]
        at = code_point(node.end_byte)
        fields += found
    return "".join(pieces) + text[at:end], fields


def _expressions(string: Node) -> list[Node]:
    """The expressions in the fields of a string, also in their format specifications."""
    found: list[Node] = []
    open_ = [node for node in string.named_children if node.type == "interpolation"]
    while open_:
        for node in open_.pop().named_children:
            if node.type in ("format_specifier", "format_expression", "interpolation"):
                open_.append(node)
            elif node.type not in ("type_conversion", "comment"):
                found.append(node)
    return found


def _compiles(text: str) -> bool:
    first = next((line for line in text.split("\n", 64) if line.strip()), "")
    if first[:1] in (" ", "\t"):
        text = "if 1:\n" + text
    return python_tree(text) is not None
