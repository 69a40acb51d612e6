"""Uses whose definition was rewritten: `lr = 0.1` became `learning_rate = 0.05`.

Judged by the value alone, it is another definition. But if nothing binds the old name any more, its
uses need some definition, and a name that spells out the old one, with a value of the same kind, is
the one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from tree_sitter import Node

from nextedit_jupyter.analysis import trees
from nextedit_jupyter.analysis.bindings import MODULE, CellIndex, normalised
from nextedit_jupyter.analysis.index import NotebookIndex, cell_index, index_notebook
from nextedit_jupyter.analysis.rename.alignment import Swap
from nextedit_jupyter.core import Notebook

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\dA-Za-z_]+")
_ALIKE = 0.5
_MAX_VALUE = 300  # the comparison is quadratic
_NUMBERS = frozenset(["integer", "float", "unary_operator", "binary_operator"])
# By the type of a binding, the field with the assigned value.
_VALUES = {
    "assignment": "right",
    "for_statement": "",
    "for_in_clause": "",
    "as_pattern": "",
    "named_expression": "value",
    "keyword_argument": "value",
    "default_parameter": "value",
    "typed_default_parameter": "value",
}
LITERALS = frozenset(["number", "string", "list", "dictionary", "set", "tuple", "true"])


def is_orphaned(index: NotebookIndex, present: Notebook, cell: str, swap: Swap) -> bool:
    """Whether the name and value of a definition in `cell` (of a variable or an attribute) changed
    at once, and its uses cannot refer to anything else.

    `index` is of the notebook before the edit.
    """
    was, now = index.cells[cell], cell_index(source_of(present, cell))
    if now.broken or not spells_out(swap.old, swap.new):
        return False
    i = was.starts.get(swap.start)
    is_parameter = i is not None and was.names[i].kind == "parameter"
    old_value, new_value = _value(was, swap.start), _value(now, swap.now)
    if is_parameter or old_value is None or new_value is None or old_value[0] != new_value[0]:
        return False
    # `col = "x"` for `color = "red"`: letters alone are not enough if the values do not agree.
    is_text = old_value[0] == "string" and not _keeps_words(swap.old, swap.new)
    if is_text and not _agree(old_value[1], new_value[1]):
        return False
    old, new = normalised(swap.old), normalised(swap.new)
    if swap.start not in was.starts:
        cells = index_notebook(present, index.facts).cells.values()
        written = {a.name for there in cells for a in there.attributes if a.op != "read"}
        return old not in written
    if any(known == old and _binds(now, places) for (_, known), places in now.streams.items()):
        return False
    if now.homes[now.starts[swap.now]] != MODULE:
        return True
    after = index_notebook(present, index.facts)
    is_bound = after.definitions(old) or after.broken_binds(old) or after.stars
    return not is_bound and not _is_bound(index, new)


def _binds(index: CellIndex, places: list[int]) -> bool:
    return any(index.names[i].op != "read" for i in places)


def spells_out(old: str, new: str) -> bool:
    """Whether one of two names abbreviates the other: by some of its words, by letters of each
    word, or by its initials.
    """
    short, long = sorted((words_of(old), words_of(new)), key=lambda words: len("".join(words)))
    if not short or short == long:
        return short == long != []
    if "".join(short) in ("".join(long), "".join(word[0] for word in long)):
        return True
    matched = list(_matched(short, long))
    if len(matched) < len(short):
        return False
    is_word_for_word = len(short) == len(long)
    return is_word_for_word or any(a == b or len(a) > 1 for a, b in matched)


def _agree(old: str, new: str) -> bool:
    texts = old.strip("'\""), new.strip("'\"")
    return SequenceMatcher(None, *texts, autojunk=False).ratio() >= _ALIKE


def _keeps_words(old: str, new: str) -> bool:
    short, long = sorted((set(words_of(old)), set(words_of(new))), key=len)
    return short <= long


def words_of(name: str) -> list[str]:
    """The words that a name, or a text, is made of, in small letters: `maxDepth`, `max_depth`."""
    return [word.lower() for word in _WORD.findall(name)]


def _matched(short: list[str], long: list[str]) -> Iterator[tuple[str, str]]:
    """The words of the shorter name, each with the word of the longer one that it abbreviates, in
    order."""
    rest = iter(long)
    for word in short:
        other = next((other for other in rest if _shortens(word, other)), None)
        if other is None:
            return
        yield word, other


def _shortens(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    letters = iter(long)
    return short[0] == long[0] and all(letter in letters for letter in short)


def kind_of_value(index: CellIndex, start: int) -> str | None:
    """The kind of the value assigned to the name at `start`: the type of its node. None if nothing
    is assigned.
    """
    found = _value(index, start)
    return found[0] if found is not None else None


def called_for(index: CellIndex, start: int) -> str | None:
    """The last name of what is called for the value of the name at `start`; None if no call is."""
    found = _value(index, start)
    if found is None or found[0] != "call":
        return None
    return found[1].partition("(")[0].rpartition(".")[2].strip()


def _value(index: CellIndex, start: int) -> tuple[str, str] | None:
    """The kind of the value assigned to the name at `start`, and its text."""
    i = index.starts.get(start)
    if i is not None and index.names[i].kind in ("function", "class", "magic"):
        return None
    tree, at = trees.parse(index.masked.text)
    node: Node | None = tree.root_node
    binding: Node | None = None
    while node is not None:
        if node.type in _VALUES:
            binding = node
        node = next(
            (n for n in node.named_children if at(n.start_byte) <= start < at(n.end_byte)), None
        )
    if binding is None:
        return None
    value = binding.child_by_field_name(_VALUES[binding.type]) if _VALUES[binding.type] else None
    if value is None:
        return binding.type, ""
    kind = "number" if value.type in _NUMBERS else value.type.replace("false", "true")
    return kind, (value.text or b"")[:_MAX_VALUE].decode("utf-8", "replace")


def _is_bound(index: NotebookIndex, name: str) -> bool:
    return any(_binds(index.cells[id], where) for id, where in index.module_places(name).items())


def source_of(notebook: Notebook, cell: str) -> str:
    found = notebook.cell(cell)
    return found.source if found else ""
