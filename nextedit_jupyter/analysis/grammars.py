"""Grammars of languages other than Python, if they are installed (the extra `languages`)."""

from __future__ import annotations

import importlib
from functools import lru_cache

from tree_sitter import Language, Parser

# The distributions of the extra; each has a function `language`.
_MODULES = {
    "bash": "tree_sitter_bash",
    "html": "tree_sitter_html",
    "javascript": "tree_sitter_javascript",
    "julia": "tree_sitter_julia",
    "sql": "tree_sitter_sql",
}
MAX_BYTES = 64_000


@lru_cache(maxsize=16)
def parser(language: str) -> Parser | None:
    """The parser of a language; None if its grammar is not installed or incompatible."""
    name = _MODULES.get(language)
    if name is None:
        return None
    try:
        return Parser(Language(importlib.import_module(name).language()))
    except (ImportError, AttributeError, ValueError, TypeError):
        return None


def error_count(source: str, language: str) -> int | None:
    """The number of syntax errors in a cell without its cell magic; None if unknown."""
    found = parser(language)
    if found is None:
        return None
    text = source
    if text.lstrip().startswith("%%"):
        text = text.partition("\n")[2]
    raw = text.encode("utf-8", "replace")
    if len(raw) > MAX_BYTES:
        return None
    count, stack = 0, [found.parse(raw).root_node]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            count += 1
        if node.has_error:
            stack.extend(node.children)
    return count
