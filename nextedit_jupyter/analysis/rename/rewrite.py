"""Whether a definition whose name changed is still the same definition.

`rate = 0.5` that became `path = "x.csv"` is another definition that replaced the old one: uses of
`rate` mean the old one. The name alone does not show this, but the defined value does.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Collection
from difflib import SequenceMatcher

from tree_sitter import Node

from nextedit_jupyter.analysis import trees
from nextedit_jupyter.analysis.bindings import CellIndex
from nextedit_jupyter.analysis.index import cell_index
from nextedit_jupyter.analysis.rename.alignment import Swap, Window, align
from nextedit_jupyter.analysis.rename.bodies import body_at
from nextedit_jupyter.analysis.rename.orphaned import (
    LITERALS,
    called_for,
    kind_of_value,
    spells_out,
)

# Half of a definition's content must be unchanged: the letters of a file's name may change, the
# call that loads it may not.
KEPT = 0.5
# The same for a value made in a different way, such as by a subscript instead of a call.
_KEPT_OF_ANOTHER_KIND = 0.75
# Names this similar are corrections: `lod` and `load` are 0.86, `json` and `math` 0.25.
_ALIKE = 0.8
# The same for a function's body, apart from the names of its parameters.
_SHARED = 0.25
# Of what a function or a class does: `n % 2 == 0` and `n % 2 == 1` are three of four alike.
_DONE = 0.75
_DIGITS = str.maketrans("123456789", "000000000")
_CONTENT = re.compile(
    # An unclosed string ends with the text; otherwise each quote would be tried to the end.
    r"\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)"
    r"|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|#[^\n]*|\w+(?:\.\d\w*)?",
    re.S,
)
_SYNTAX = frozenset(keyword.kwlist)
# More words of a definition add nothing, and the comparison is quadratic.
_MAX_WORDS = 300
_IMPORTS = frozenset(["import", "package", "member", "alias"])
# Kinds of values: if the kind changes, it is another definition.
_OWN_KINDS = frozenset(["function", "class", "parameter", "magic"])


def is_rewritten(window: Window, cell: str, swap: Swap, now: str) -> bool:
    """Whether the definition of `swap.old` was replaced by another one, of `swap.new`.

    False if the name was changed first, with the rest as it was, and the rest after that, unless
    what a function or a class does is another thing by now.
    """
    was = window.before.cell(cell)
    if was is None:
        return False
    does = _does_the_same(cell_index(was.source), cell_index(now), swap)
    if does is False:
        return True
    if does or _is_kept(was.source, now, swap):
        return False
    for event in reversed(window.events[1:]):
        if event.cell != cell:
            continue
        for step in align(was.source, event.after).swaps:
            if step.start == swap.start and step.new == swap.new:
                return not _is_kept(was.source, event.after, step)
    return True


def is_made_otherwise(window: Window, cell: str, swap: Swap, now: str) -> bool:
    """Whether a variable got another name and another call's value at once: `mean = np.mean(x)`
    that became `std = np.std(x)` may be renamed, but that is a guess.
    """
    was = window.before.cell(cell)
    if was is None or spells_out(swap.old, swap.new) or alike(swap.old, swap.new):
        return False
    texts = [event.after for event in reversed(window.events) if event.cell == cell]
    for text in (*texts[:-1], now):
        for step in align(was.source, text).swaps:
            if (step.start, step.new) == (swap.start, swap.new):
                before = called_for(cell_index(was.source), swap.start)
                after = called_for(cell_index(text), step.now)
                return None not in (before, after) and before != after
    return False


def _does_the_same(was: CellIndex, now: CellIndex, swap: Swap) -> bool | None:
    """Whether a function or a class does what it did; False if it lost a good part of that, None
    where it does more or little is lost. A parameter is kept by a function that does the same.

    A name in which one letter was put right is that of the same thing; one that spells the old
    name out is, if half of it is left.
    """
    called = swap.old, swap.new
    around = _function_of(was, swap.start), _function_of(now, swap.now)
    before = body_at(was, around[0] or swap.start, called)
    after = body_at(now, around[1] or swap.now, called)
    if before is None or after is None or (kept := before.kept(after)) is None:
        return None
    if before.does == after.does or None not in around:
        return before.does == after.does or None
    if kept > _DONE or _is_letter_off(swap.old, swap.new):
        return None
    return None if kept >= KEPT and spells_out(swap.old, swap.new) else False


def _is_outgrown(was: CellIndex, now: CellIndex, swap: Swap) -> bool:
    """Whether a function or a class does more that is new than it did."""
    called = swap.old, swap.new
    before, after = body_at(was, swap.start, called), body_at(now, swap.now, called)
    return before is not None and after is not None and not before.is_most_of(after)


def _function_of(index: CellIndex, start: int) -> int | None:
    """Where the name of the function begins of which a parameter begins at `start`."""
    found = (f.start for f in index.functions if any(p.start == start for p in f.parameters))
    return next(found, None)


def alike(old: str, new: str) -> bool:
    """Whether one spelling is a correction of the other, or contains it."""
    a, b = old.lower(), new.lower()
    short, long = sorted((a, b), key=len)
    if len(short) >= 3 and short in long:
        return True
    return SequenceMatcher(None, a, b, autojunk=False).ratio() >= _ALIKE


def _is_kept(before: str, after: str, swap: Swap) -> bool:
    """Whether the definition of the name in `before` is that of the new one in `after`."""
    was, now = cell_index(before), cell_index(after)
    old, new = _role(was, swap.start), _role(now, swap.now)
    if not old or old != new:
        return False
    if old == "import":
        return _is_same_import(was, now, swap)
    is_respelt = SequenceMatcher(None, swap.old, swap.new).ratio() >= _ALIKE
    least = KEPT
    if old in ("parameter", "keyword", "variable"):
        values = kind_of_value(was, swap.start), kind_of_value(now, swap.now)
        is_another = values[0] != values[1] and LITERALS.issuperset(values)
        if is_another and not spells_out(swap.old, swap.new):
            return old == "variable" and is_respelt
        if values[0] != values[1] and None not in values:
            least = _KEPT_OF_ANOTHER_KIND
    holders = _words_before(was, swap.start) | _words_before(now, swap.now)
    a = _content(was.masked.text, swap.start, {swap.old, *holders})
    b = _content(now.masked.text, swap.now, {swap.old, swap.new, *holders})
    if a == b:
        return True
    shared = SequenceMatcher(None, a, b, autojunk=False).ratio()
    is_kept = shared >= least and not _is_outgrown(was, now, swap)
    if is_kept and old == "function":
        is_kept = _does_alike(a, b, _parameters(was, swap.start) | _parameters(now, swap.now))
    return is_kept or (is_respelt and (shared > 0 or _is_slip(swap.old, swap.new)))


def _is_slip(old: str, new: str) -> bool:
    """Whether letters were added, omitted or transposed; `weight` for `height` is another word."""
    if sorted(old) == sorted(new):
        return True
    short, long = sorted((old, new), key=len)
    letters = iter(long)
    return len(short) < len(long) and all(letter in letters for letter in short)


def _is_letter_off(old: str, new: str) -> bool:
    """Whether one letter was added, left out or changed places: a digit makes another name."""
    if not _is_slip(old, new) or abs(len(old) - len(new)) > 1:
        return False
    a, b = Counter(old), Counter(new)
    return all(map(str.isalpha, (a - b) + (b - a)))


def _does_alike(a: list[str], b: list[str], parameters: set[str]) -> bool:
    """Whether two functions do similar things; that both use `df` or `x` says nothing."""
    was, now = ([_kind(word) for word in words if word not in parameters] for words in (a, b))
    return SequenceMatcher(None, was, now, autojunk=False).ratio() >= _SHARED


def _kind(word: str) -> str:
    return word if word[0].isalpha() or word[0] == "_" else word[0].translate(_DIGITS)


def _parameters(index: CellIndex, start: int) -> set[str]:
    function = next((f for f in index.functions if f.start == start), None)
    return {p.name for p in function.parameters} if function is not None else set()


def _role(index: CellIndex, start: int) -> str:
    """The role of what is there, in which a loop's target counts as a variable."""
    i = index.starts.get(start)
    if i is not None:
        kind = index.names[i].kind
        if kind in _IMPORTS:
            return "import"
        return kind if kind in _OWN_KINDS else "variable"
    if any(attribute.start == start for attribute in index.attributes):
        return "attribute"
    return "keyword" if any(word.start == start for word in index.keywords) else ""


def _words_before(index: CellIndex, start: int) -> set[str]:
    """The object of an attribute, which says nothing about its value: `self`."""
    holder = next((a.object for a in index.attributes if a.start == start), "")
    return set(holder.split("."))


def _is_same_import(was: CellIndex, now: CellIndex, swap: Swap) -> bool:
    """Whether it is the same import under another name, another member of the same module, or a
    module's corrected spelling."""
    path, becomes = was.imports.get(swap.start, ""), now.imports.get(swap.now, "")
    old, new = was.names[was.starts[swap.start]].kind, now.names[now.starts[swap.now]].kind
    if path == becomes:
        return True
    module, _, member = path.rpartition(":")
    other, _, replaced = becomes.rpartition(":")
    if module or other:
        if module != other and not alike(module, other):
            return False
        return (module == other and old == new == "member") or alike(member, replaced)
    # A part of a package is not the same as the whole.
    return old == new and alike(path, becomes) and alike(_tail(path), _tail(becomes))


def _tail(path: str) -> str:
    return path.rpartition(".")[2]


def _content(text: str, start: int, names: Collection[str]) -> list[str]:
    """The words and literals of the statement around `start`, without the names themselves."""
    tree, at = trees.parse(text)
    node: Node | None = tree.root_node
    found = node
    while node is not None:
        node = next(
            (n for n in node.named_children if at(n.start_byte) <= start < at(n.end_byte)), None
        )
        if node is not None and _is_statement(node):
            found = node
    assert found is not None
    stretch = text[at(found.start_byte) : at(found.end_byte)]
    words = [m[0] for m in _CONTENT.finditer(stretch)]
    kept = [word for word in words if word[0] != "#" and word not in names and word not in _SYNTAX]
    return kept[:_MAX_WORDS]


def _is_statement(node: Node) -> bool:
    return node.type.endswith(("_statement", "_definition"))
