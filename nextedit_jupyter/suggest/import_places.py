"""Where to insert a missing import in a cell: below what must come first, in sorted order.

A docstring, `from __future__` lines, a cell magic, magic and shell lines at the top, and a file's
shebang and encoding lines stay above it. If imports follow, it is inserted among those of its kind,
as isort would.
"""

from __future__ import annotations

import re
import sys

from nextedit_jupyter.analysis.flat_tree import Node, SyntaxTree
from nextedit_jupyter.analysis.magics import Masked, mask
from nextedit_jupyter.core import TextEdit

# A shebang, an encoding, a marker that begins a cell of a file.
_HEADING = re.compile(r"#!|#[^\n]{0,60}coding[:=]|#[ \t]?%%")
_IMPORTS = ("import_statement", "import_from_statement")


def import_edit(source: str, tree: SyntaxTree, statement: str, line: int) -> TextEdit:
    """The edit that puts `statement` above the line (counted from 1) that needs it."""
    needed = _line_start(source, line)
    masked = mask(source)
    futures = [n for n in tree.root.named_children if n.kind == "future_import_statement"]
    if futures and futures[-1].start >= needed:  # they share the line
        semicolon = _semicolon(source, futures[-1])
        return TextEdit.insert(semicolon, f" {statement};")
    at = _below_what_comes_first(masked, tree, needed)
    margin = _margin(source, tree)
    company = [n for n in _company(tree, at) if n.end <= needed]
    if company:
        at = _among(source, company, statement)
    if at and source[at - 1] != "\n":
        return TextEdit.insert(at, f"\n{margin}{statement}")
    return TextEdit.insert(at, f"{margin}{statement}\n")


def _below_what_comes_first(masked: Masked, tree: SyntaxTree, needed: int) -> int:
    """The start of a line, or the text's end."""
    source = masked.source
    magics = {_start_of_line(source, region.start) for region in masked.regions}
    statements = [node for node in tree.root.named_children if node.kind != "comment"]
    at = below = 0
    while at < min(needed, len(source)):
        end = _line_end(source, at)
        says = masked.text[at:end].strip()
        here = next((n for n in statements if at <= n.start < end), None)
        is_heading = _HEADING.match(source, at, end) and source.count("\n", 0, at) < 2
        if is_heading or (at in magics and says in ("", "0")):
            below = end
        elif here is not None and (
            here.kind == "future_import_statement" or (here is statements[0] and _is_string(here))
        ):
            below = end = _line_end(source, here.end)
        elif says and not says.startswith("#"):
            break
        at = end
    return below


def _semicolon(source: str, node: Node) -> int:
    """After the semicolon that follows on the statement's line, or else after the statement."""
    rest = source[node.end : _line_end(source, node.end)]
    return node.end + rest.index(";") + 1 if rest.lstrip().startswith(";") else node.end


def _line_end(source: str, at: int) -> int:
    """After the line break of the line that contains `at`."""
    newline = source.find("\n", at)
    return len(source) if newline < 0 else newline + 1


def _company(tree: SyntaxTree, at: int) -> list[Node]:
    """The imports at the top, from `at` on, possibly with comments between them."""
    found: list[Node] = []
    for node in tree.root.named_children:
        if node.start < at or node.kind == "comment":
            continue
        if node.kind not in _IMPORTS:
            break
        found.append(node)
    return found


def _among(source: str, company: list[Node], statement: str) -> int:
    """Where to insert a plain import among others: the start of a line, or the text's end."""
    group = [
        n for n in company if _is_standard(_module(n.text)) == _is_standard(_module(statement))
    ]
    plain = [n for n in group if n.kind == "import_statement"]
    for node in plain:
        if _module(node.text) > _module(statement):
            return _start_of_line(source, node.start)
    if plain:
        last = plain[-1]
    elif group:
        return _start_of_line(source, group[0].start)
    elif _is_standard(_module(statement)):
        return _start_of_line(source, company[0].start)
    else:
        last = company[-1]
    return _line_end(source, last.end)


def _module(statement: str) -> str:
    words = statement.replace(",", " ").split()
    return words[1].lower() if len(words) > 1 else ""


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _is_string(node: Node) -> bool:
    children = node.named_children
    return node.kind == "expression_statement" and [c.kind for c in children] == ["string"]


def _margin(source: str, tree: SyntaxTree) -> str:
    """The indentation of the first statement of a completely indented cell."""
    first = next((line for line in tree.text.split("\n") if line.strip()), "")
    return first[: len(first) - len(first.lstrip(" \t"))] if source else ""


def _start_of_line(source: str, at: int) -> int:
    return source.rfind("\n", 0, at) + 1


def _line_start(source: str, line: int) -> int:
    at = 0
    for _ in range(line - 1):
        newline = source.find("\n", at)
        if newline < 0:
            return len(source)
        at = newline + 1
    return at
