"""Dictionary keys among the candidates: whose key was renamed, and whose key each place is.

If a key was renamed in its dictionary's definition, lookups by the old name fail, so that
dictionary's own uses follow. A dictionary of another variable that is defined with a key of the
same name, or that is unrelated to the first one, keeps it, unless the user selects it; and a
keyword argument with the same name does not belong to the dictionary.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping

from nextedit_jupyter.analysis.bindings import IMPORTED, MODULE
from nextedit_jupyter.analysis.call_sites import calls_at
from nextedit_jupyter.analysis.dictionaries import OwnKey, made_of, own_keys, passed_keys, rekeyed
from nextedit_jupyter.analysis.index import cell_index
from nextedit_jupyter.core.cache import by_text
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.last_edits import LastChange
from nextedit_jupyter.suggest.judge.lexed import KEYED

_WORD = re.compile(r"[^\W\d]\w*")
_MATCH = re.compile(r"^[ \t]*match\b(.+):", re.M)
_QUOTES = ("''", '""')
_Whose = tuple[str, int | None, bool]
"""A variable, the number of the cell whose function binds it, if one does, and whether the key is
of something within its value."""


class RenamedKeys:
    """What the edits imply for dictionaries. Reads cells only if a key was renamed."""

    def __init__(self, considered: Considered, sources: Mapping[int, str]) -> None:
        self._renamed: dict[tuple[str, str], set[_Whose]] = {}  # by the old key and the new one
        for edit in considered.edits:
            for old, new in rekeyed(edit.before, edit.after):
                whose = self._whose(new, edit.number)
                self._renamed.setdefault((old.text, new.text), set()).add(whose)
        self._used: dict[tuple[str, str], bool] = {}
        self._edits = considered.edits
        self._cells = considered.cells
        self._sources = sources
        self._keys: dict[int, dict[tuple[int, int], OwnKey]] = {}
        self._of_keys: dict[int, bool] = {}
        self._filled: set[tuple[str, str, bool]] = set()
        self._bound: set[str] = set()
        self._imported: set[str] = set()
        self._made_again: set[str] = set()
        self._displays: set[str] = set()  # variables that a dictionary literal is assigned to
        self._made_of: dict[str, set[str]] = {}  # variables, with those that they are derived from
        self._arguments: dict[tuple[object, ...], bool] = {}
        self._edited = {edit.number for edit in considered.edits}
        if self._renamed:
            for number, source in sources.items():
                index = cell_index(source)
                self._filled |= {(k.owner, k.text, k.nested) for k in own_keys(index) if k.fills}
                self._filled |= {(owner, text, False) for owner, text in passed_keys(index)}
                self._bound |= index.bound_at_module()
                self._imported |= {n.name for n in index.names if n.kind in IMPORTED}
                self._displays |= {made.within for made in index.dict_keys if made.within}
                for bound, read in made_of(index):
                    self._made_of.setdefault(bound, set()).update(read)
                if number not in self._edited:
                    self._made_again |= index.bound_at_module()

    def follows(self, place: Candidate) -> bool:
        """Whether a place looks up a key that its dictionary no longer has."""
        found = self._key_at(place)
        if found is None or place.change.replaced_entries:
            return False
        key, renamed = found
        is_asked = not key.fills and (key.owner, key.text, key.nested) not in self._filled
        is_made_again = key.owner.partition(".")[0] in self._made_again
        return is_asked and not is_made_again and self._whose(key, place.cell) in renamed

    def is_of_another(self, place: Candidate) -> bool:
        """Whether a place is a key of another variable's dictionary, which defines it, or of one
        without a variable.
        """
        found = self._key_at(place)
        if found is None:
            return self._is_nobodys(place) or self._is_argument(place)
        key, renamed = found
        if key.fills and place.cell in self._edited and len(place.change.examples) == 1:
            return self._is_of_keys(place.change)  # left alone next to the renamed one
        is_other = self._whose(key, place.cell) not in renamed
        is_made = (key.owner, key.text, key.nested) in self._filled
        is_made_otherwise = is_made or self._is_unrelated(key, renamed, place.cell)
        return is_other and is_made_otherwise and self._is_of_keys(place.change)

    def _is_unrelated(self, key: OwnKey, renamed: set[_Whose], cell: int) -> bool:
        """Whether the key's variable is not derived from the dictionary whose key was renamed,
        which is a literal, or is derived from one that still has the old key too.
        """
        owners, root = {whose[0] for whose in renamed}, key.owner.partition(".")[0]
        if not owners <= self._displays:
            return False
        if key.home != MODULE:
            asked = cell, key.home, key.owner, key.text, frozenset(owners)
            if asked not in self._arguments:
                self._arguments[asked] = self._is_unrelated_argument(key, owners, cell)
            return self._arguments[asked]
        if root in self._imported or root not in self._bound:
            return root not in owners
        if key.owner not in self._made_of:
            return False
        reached = self._reached(key.owner)
        return not reached & owners or any(
            (name, key.text, nested) in self._filled for name in reached for nested in (True, False)
        )

    def _reached(self, name: str) -> set[str]:
        """A variable, and those that it is derived from."""
        reached, todo = {name}, [name]
        while todo:
            new = self._made_of.get(todo.pop(), set()) - reached
            reached |= new
            todo += new
        return reached

    def _is_unrelated_argument(self, key: OwnKey, owners: set[str], cell: int) -> bool:
        """Whether the key is of a parameter that calls give something else."""
        index = cell_index(self._sources[cell])
        function = next((f for f in index.functions if f.scope == key.home), None)
        if function is None or all(p.name != key.owner for p in function.parameters):
            return False
        given = [
            argument.text
            for source in self._sources.values()
            if function.name in source
            for call in calls_at(cell_index(source), _places_of(function.name, source))
            for argument in call.arguments
        ]
        reached = [self._reached(word) for text in given for word in _WORD.findall(text)]
        is_given = any(names & owners for names in reached)
        has_key = any(quote[0] + key.text + quote[1] in text for text in given for quote in _QUOTES)
        return bool(given) and (not is_given or has_key)

    def _is_argument(self, place: Candidate) -> bool:
        """Whether a place is a keyword of a call that does not get the dictionary."""
        cell, pair = self._cells[place.cell], ("".join(place.change.replaced), place.change.new)
        renamed = self._renamed.get(pair) if place.change.shape == "word" else None
        if renamed is None or cell.kinds[place.first] != "keyword":
            return False
        line = cell.lines[cell.line_of(place.start)]
        is_given = any(f"**{owner}" in line or f"{owner}.update(" in line for owner, *_ in renamed)
        return not is_given and self._is_of_keys(place.change)

    def _is_nobodys(self, place: Candidate) -> bool:
        """Whether a place is a key of a dictionary made on the spot, as in `json.dumps({…})`, or of
        a `case`, or a string passed to a call: of 20 such strings 6 followed a renamed key.
        """
        pair = "".join(place.change.replaced), place.change.new
        if place.change.shape != "word" or pair not in self._renamed:
            return False
        source = self._sources[place.cell]
        if source[place.start - 1 : place.start] + source[place.end : place.end + 1] not in _QUOTES:
            return False
        span, index = (place.start, place.end), cell_index(source)
        line = self._cells[place.cell].line_of(place.start)
        is_key = any((key.start, key.end) == span for key in index.dict_keys) and not any(
            f"**{owner}" in self._cells[place.cell].lines[line] for owner, *_ in self._renamed[pair]
        )
        callee = self._cells[place.cell].callee(place.first)
        is_text = callee.endswith("(") and callee not in KEYED
        is_spoken_for = is_text and len(place.change.examples) == 1 and self._is_used(pair)
        is_matched = callee == "case{" and not self._is_of_match(place, pair)
        return (is_key or is_spoken_for or is_matched) and self._is_of_keys(place.change)

    def _is_of_match(self, place: Candidate, pair: tuple[str, str]) -> bool:
        """Whether the pattern around a place is matched with the dictionary."""
        starts, subjects = _matches(self._sources[place.cell])
        n = bisect_right(starts, place.start) - 1
        return n >= 0 and subjects[n] in {owner for owner, *_ in self._renamed[pair]}

    def _is_used(self, pair: tuple[str, str]) -> bool:
        """Whether the renamed key is looked up in its dictionary."""
        if pair not in self._used:
            self._used[pair] = any(
                key.text == pair[0]
                and not key.fills
                and self._whose(key, None) in self._renamed[pair]
                for source in self._sources.values()
                for key in own_keys(cell_index(source))
            )
        return self._used[pair]

    def _is_of_keys(self, change: LastChange) -> bool:
        """Whether the word was changed only as a key of one dictionary."""
        known = self._of_keys.get(id(change))
        if known is not None:
            return known
        pair = "".join(change.replaced), change.new
        owners = {owner for owner, *_ in self._renamed.get(pair, ())}
        now = sum(
            key.text == change.new and key.owner in owners
            for edit in self._edits
            for key in own_keys(cell_index(edit.after))
        )
        found = self._of_keys[id(change)] = len(owners) == 1 and len(change.examples) <= now
        return found

    def _key_at(self, place: Candidate) -> tuple[OwnKey, set[_Whose]] | None:
        if place.change.shape != "word":
            return None
        renamed = self._renamed.get(("".join(place.change.replaced), place.change.new))
        if renamed is None:
            return None
        if place.cell not in self._keys:
            keys = own_keys(cell_index(self._sources[place.cell]))
            self._keys[place.cell] = {(key.start, key.end): key for key in keys}
        key = self._keys[place.cell].get((place.start, place.end))
        return (key, renamed) if key is not None else None

    @staticmethod
    def _whose(key: OwnKey, cell: int | None) -> _Whose:
        return key.owner, None if key.home == MODULE else cell, key.nested


@by_text(500_000)  # thousands of places may be in one cell
def _matches(source: str) -> tuple[list[int], list[str]]:
    """Where a cell's `match` statements begin, and their subjects."""
    found = list(_MATCH.finditer(source))
    return [match.start() for match in found], [match[1].strip() for match in found]


def _places_of(name: str, source: str) -> set[int]:
    """Where a function's name is read in a cell."""
    index = cell_index(source)
    return {n.start for n in index.names if n.name == name and n.op == "read"} | {
        attribute.start for attribute in index.attributes if attribute.name == name
    }
