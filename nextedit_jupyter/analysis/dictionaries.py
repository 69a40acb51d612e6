"""Which variable's dictionary a key belongs to, as far as the cells show it.

A variable is not an object: another name may refer to the same dictionary, and a function may fill
it. So what is found here is evidence, not proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.index import cell_index

# Methods whose first argument is a key, and those that take a dictionary's keys.
_KEYED = frozenset(["get", "pop", "setdefault"])
_FILLED = frozenset(["update"])


class OwnKey(NamedTuple):
    """A key's place within its quotes, and the variable whose key it is: `cfg`, `self.cfg`.

    `home` is the scope of the cell that binds the variable. `fills`: the key is set here. `nested`:
    it is a key of something within the variable's value, as in `cfg["model"]["name"]`.
    """

    start: int
    end: int
    text: str
    owner: str
    home: int
    fills: bool
    nested: bool = False


def own_keys(index: CellIndex) -> Iterator[OwnKey]:
    """The keys of a cell whose variable is clear from the text."""
    for made in index.dict_keys:
        if made.within:
            home = _home(index, made.within.partition(".")[0], made.scope)
            nested = made.owner < 0 and "." not in made.within
            yield OwnKey(made.start, made.end, made.text, made.within, home, True, nested)
    for key in index.keys:
        i = index.starts.get(key.root)
        if i is not None:
            owner = key.object or index.names[i].name
            fills = key.op in ("write", "update")
            home, nested = index.homes[i], not key.object
            yield OwnKey(key.start, key.end, key.text, owner, home, fills, nested)
    for text in index.texts:
        i = index.starts.get(text.root)
        fills = text.method in _FILLED and text.role == "key"
        if i is not None and (fills or (text.method in _KEYED and text.role == "argument")):
            name = index.names[i]
            nested = index.masked.text[name.end : name.end + 1] in ("[", "(")
            home = index.homes[i]
            yield OwnKey(text.start, text.end, text.text, name.name, home, fills, nested)


def passed_keys(index: CellIndex) -> Iterator[tuple[str, str]]:
    """Keys of dictionaries that are passed to a call, with the variable that the result is assigned
    to: `df = pd.DataFrame({"k": [1]})`.
    """
    for text in index.texts:
        i = index.starts.get(text.root)
        if text.role == "key" and i is not None:
            statement = index.names[i].statement
            for name in index.names:
                if name.statement == statement and name.op == "write":
                    yield name.name, text.text


def made_of(index: CellIndex) -> Iterator[tuple[str, set[str]]]:
    """The variables that a cell's statements bind, each with the names that the statement reads.

    What a call is given by keyword is no part of its result: `answer = get(url, params=params)`.
    """
    given = {_behind_equals(index.masked.text, word.end) for word in index.keywords}
    read: dict[int, set[str]] = {}
    for name in index.names:
        if name.op == "read" and name.start not in given:
            read.setdefault(name.statement, set()).add(name.name)
    for i, name in enumerate(index.names):
        if name.op == "write" and name.kind in ("variable", "loop") and index.homes[i] == MODULE:
            yield name.name, read.get(name.statement, set())


def _behind_equals(text: str, at: int) -> int:
    """Where the value begins of a keyword that ends at `at`."""
    value = text[at:].lstrip().removeprefix("=").lstrip()
    return len(text) - len(value)


def _home(index: CellIndex, name: str, scope: int) -> int:
    return next((s for s in index.enclosing(scope) if name in index.scopes[s].binds), MODULE)


def rekeyed(before: str, after: str) -> Iterator[tuple[OwnKey, OwnKey]]:
    """Keys that an edit renamed in their dictionary's definition: before and after.

    `d["day"] = f(d["date"])` keeps the old key, which the new entry is made of.
    """
    was = [key for key in own_keys(cell_index(before)) if key.fills]
    now = [key for key in own_keys(cell_index(after)) if key.fills]
    if len(was) != len(now):
        return
    made_of = _keys_read_beside(cell_index(after))
    for old, new in zip(was, now, strict=True):
        is_one = (old.owner, old.home) == (new.owner, new.home)
        if is_one and old.text != new.text and old.text not in made_of.get(new.start, ()):
            yield old, new


def _keys_read_beside(index: CellIndex) -> dict[int, set[str]]:
    """For keys that are set, by their starts, the keys that the statement reads of the same
    variable."""
    read: dict[tuple[int, str], set[str]] = {}
    own = [(index.names[index.starts[k.root]], k) for k in index.keys if k.root in index.starts]
    for name, key in own:
        if key.op == "read":
            read.setdefault((name.statement, name.name), set()).add(key.text)
    return {key.start: read.get((name.statement, name.name), set()) for name, key in own}
