"""Whether a change can mean the same at another place as where it was made.

A number or a truth value means nothing by itself: its meaning depends on what it is assigned to. An
argument belongs to its callee, a member to its module. What was wrapped as a whole is not wrapped
where it is part of a longer expression. And a name that lost its object, or that only one function
knows, is undefined elsewhere.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from functools import cached_property

from nextedit_jupyter.analysis.bindings import MODULE
from nextedit_jupyter.analysis.frame_parts import statement_around
from nextedit_jupyter.analysis.index import cell_index
from nextedit_jupyter.analysis.names import ALWAYS_KNOWN, free_names
from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.core.cache import by_text
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.last_edits import TEXTS, LastChange, Site
from nextedit_jupyter.suggest.judge.lexed import LexedCell

_CONSTANTS = frozenset(["True", "False", "None"])
_READ_FROM = frozenset([".", "[", "("])
_QUOTES = frozenset("'\"")
_WORD = re.compile(r"\w+")
_PART = re.compile(r"[^\W_]+")
_BOUND = re.compile(r"([^\W\d]\w*)\s*=(?!=)")
_IMPORT = re.compile(r"from\s+([\w.]+)\s+import\b(.*)|import\s+([\w.]+)(?:\s+as\s+(\w+))?\s*$")
# Text inserted together with another change of its line followed alone in 64 of 126 places, and in
# all nine with at least this probability.
SURE_ALONE = 0.8


@dataclass(frozen=True, slots=True)
class _WordMeaning:
    """What the places where a word was changed imply for others; empty if nothing.

    `given`: what a number or a truth value in code was assigned to. `callees`: for an argument that
    got a longer or shorter name, the callees with the value. `passed_to`: the only callee that a
    whole string was passed to by keyword. `members`: the objects that attributes were read from.
    `is_of_paths`: it was a part of imported paths, and not a name that an import binds.
    """

    given: tuple[str, ...] = ()
    callees: tuple[tuple[str, tuple[str, ...]], ...] = ()
    passed_to: str = ""
    members: tuple[tuple[str, str], ...] = ()
    is_of_paths: bool = False

    @classmethod
    def of(cls, change: LastChange) -> _WordMeaning | None:
        """None if nothing is implied."""
        old, new = change.old[0], change.new
        sites = [e.site for e in change.examples]
        kinds = {s.kind for s in sites}
        # Changed in several places that differ, a value means more than one of them.
        given = {_before(s) for s in sites} if _is_plain(old) and not kinds & TEXTS else set()
        is_argument = kinds == {"keyword"} and (old in new or new in old)
        passed_to = {s.callee if _is_passed_whole(s) else "" for s in sites}
        is_member = kinds == {"attribute"} and all(_is_path(s.object) for s in sites)
        said = cls(
            given=given.pop() if len(given) == 1 else (),
            callees=tuple((s.owner, s.right[:2]) for s in sites) if is_argument else (),
            passed_to=passed_to.pop() if len(passed_to) == 1 else "",
            members=tuple((s.object, s.root) for s in sites) if is_member else (),
            is_of_paths=kinds == {"import"} and all(_is_in_path(s.line, old) for s in sites),
        )
        return said if said != cls() else None

    def is_given_to_another(self, site: Site) -> bool:
        """Whether a value is given to something else: of 20 such places 9 followed."""
        return bool(self.given) and site.kind not in TEXTS and _before(site) != self.given

    def is_passed_to_another(self, site: Site) -> bool:
        """Whether a string is passed to another callee: `open(p, mode="r")`.

        Where the names have a word in common, as `plot_grid` and `plot_slice` do, both cells in
        real commits followed; of the others two of four.
        """
        return bool(self.passed_to) and _is_passed_whole(site) and not self._is_akin(site.callee)

    def _is_akin(self, callee: str) -> bool:
        """Whether a callee shares a word of its name with that to which a string was passed."""
        mine, other = (set(_PART.findall(name.lower())) for name in (self.passed_to, callee))
        return bool(mine & other)

    def is_of_another_callee(self, site: Site) -> bool:
        """Whether it is another callee with another value: of 12 such places none followed."""
        return (
            bool(self.callees)
            and site.kind == "keyword"
            and all(site.owner != owner and site.right[:2] != v for owner, v in self.callees)
        )

    def is_no_path(self, site: Site) -> bool:
        """Whether a place is outside of imports and not part of a path: of 36 such places 4
        followed the path of an import.
        """
        return self.is_of_paths and site.kind != "import" and site.left[:1] != (".",)


def _before(site: Site) -> tuple[str, ...]:
    """The name or key that a value is assigned to, `n` in `n: int = 10`, `f(n=10)` and `{"n": 10}`;
    otherwise the two tokens before it.
    """
    left = [token for token in site.left if token not in _QUOTES]
    if left[:1] == ["="] and left[2:3] == [":"]:
        del left[1:3]
    is_named = len(left) > 1 and left[0] in ("=", ":") and left[1].isidentifier()
    return (left[1],) if is_named else tuple(left[:2])


def _is_passed_whole(site: Site) -> bool:
    """Whether it is a whole string that a call is given by keyword."""
    is_whole = site.left[:1] == site.right[:1] and site.left[:1] in (("'",), ('"',))
    return is_whole and site.left[1:2] == ("=",) and site.callee.endswith("(")


def _is_plain(text: str) -> bool:
    return text in _CONSTANTS or text[0].isdigit()


def is_a_part(change: LastChange, site: Site) -> bool:
    """Whether what was wrapped is part of a longer expression at a place, unlike where it was
    made."""
    if change.shape != "tokens" or not _is_read_from(site):
        return False
    old, new = "".join(change.replaced), re.sub(r"\s", "", change.new)
    is_wrapped = new.endswith(f"{old})") and new != f"{old})"
    return is_wrapped and not any(_is_read_from(e.site) for e in change.examples)


def _is_read_from(site: Site) -> bool:
    return bool(site.right) and site.right[0] in _READ_FROM


def _is_in_path(line: str, word: str) -> bool:
    found = _IMPORT.match(line)
    if found is None:
        return False
    path, bound = found[1] or found[3], found[2] or found[4] or found[3].partition(".")[0]
    return word in path.split(".") and word not in _WORD.findall(bound)


class Fits:
    """Determines which places of one request a change does not fit; the notebook is read only if
    necessary."""

    def __init__(self, request: SuggestRequest, considered: Considered) -> None:
        self._request, self._considered = request, considered
        self._meanings: dict[int, _WordMeaning | None] = {}
        self._brought: dict[int, frozenset[str]] = {}
        self._known: dict[str, bool] = {}

    def is_unfit(self, place: Candidate) -> bool:
        """Whether a change would mean something else at a place, or nothing."""
        change = place.change
        if change.shape == "word":
            if (
                self._is_of_another_comprehension(place)
                or self._is_made_of(place)
                or self._is_unknown_name(place)
            ):
                return True
            said = self._meaning_of(change)
            if said is None:
                return False
            site = self._site(place)
            return (
                said.is_given_to_another(site)
                or said.is_passed_to_another(site)
                or said.is_of_another_callee(site)
                or said.is_no_path(site)
                or self._is_of_another_module(said, site)
            )
        if change.shape not in ("tokens", "insert"):
            return False
        site = self._site(place)
        return is_a_part(change, site) or self._lacks_name(place) or self._is_read_on(place)

    def _is_of_another_comprehension(self, place: Candidate) -> bool:
        """Whether a comprehension's own variable was changed and the place is another one's."""
        edits = [self._considered.edits[e.edit].before for e in place.change.examples]
        word = place.change.old[0]
        here = self._considered.cells[place.cell].source
        return _of_comprehensions(here, place.start) and all(
            _of_comprehensions(before, name.start)
            for before in dict.fromkeys(edits)
            for name in cell_index(before).names
            if name.name == word
        )

    def _is_unknown_name(self, place: Candidate) -> bool:
        """Whether a member or a keyword was changed and the place is a name, which would be unknown
        under the new one: `box.fetch()` says nothing of `fetch()`."""
        kinds = {e.site.kind for e in place.change.examples}
        if not kinds <= {"attribute", "keyword"}:
            return False
        index = cell_index(self._considered.cells[place.cell].source)
        i = index.starts.get(place.start)
        if i is None or index.scopes[index.homes[i]].kind == "class":
            return False
        is_local = index.homes[i] != MODULE
        return not (is_local and "keyword" in kinds) and not self._is_known(place.change.new)

    def _is_made_of(self, place: Candidate) -> bool:
        """Whether the entry under the new key is made of the one at the place: `d["day"] =
        f(d["date"])` needs both."""
        cell = self._considered.cells[place.cell]
        edited = {self._considered.edits[e.edit].number for e in place.change.examples}
        if place.cell not in edited or cell.kinds[place.first] != "string":
            return False
        index = cell_index(cell.source)
        written = [k for k in index.keys if k.text == place.change.new and k.op == "write"]
        spans = [statement_around(index, key.start) for key in written]
        return any(first <= place.start < last for first, last in spans)

    def _is_read_on(self, place: Candidate) -> bool:
        """Whether a name that loses its assignment there is read in the notebook."""
        found = _BOUND.match("".join(place.change.replaced))
        if found is None or _BOUND.match(place.text):
            return False
        return any(
            cell.kinds[i] in ("name", "call")
            for cell in self._considered.cells.values()
            for i in cell.places.get(found[1], ())
        )

    def _site(self, place: Candidate) -> Site:
        return Site.of(self._considered.cells[place.cell], place.first, place.last)

    def _meaning_of(self, change: LastChange) -> _WordMeaning | None:
        if id(change) not in self._meanings:
            self._meanings[id(change)] = _WordMeaning.of(change)
        return self._meanings[id(change)]

    def is_alone(self, place: Candidate) -> bool:
        """Whether it is an insertion that was made together with another change of the same line,
        which has places, but none on this line.
        """
        if place.change.shape != "insert" or len(self._lines) < 2:
            return False
        mine = self._lines[id(place.change)]
        here = self._on_line.get(self._line(place), {})
        return any(
            key not in here and mine <= lines
            for key, lines in self._lines.items()
            if key != id(place.change)
        )

    @cached_property
    def _lines(self) -> dict[int, frozenset[tuple[int, int]]]:
        """The edited lines of each change that has places."""
        changes = {id(c.change): c.change for c in self._considered.candidates}
        return {key: _lines_of(change) for key, change in changes.items()}

    @cached_property
    def _on_line(self) -> dict[tuple[int, int], dict[int, None]]:
        """The changes that have a place on a line of a cell."""
        found: dict[tuple[int, int], dict[int, None]] = {}
        for candidate in self._considered.candidates:
            found.setdefault(self._line(candidate), {})[id(candidate.change)] = None
        return found

    def _line(self, place: Candidate) -> tuple[int, int]:
        return place.cell, self._considered.cells[place.cell].line_of(place.start)

    def _is_of_another_module(self, said: _WordMeaning, site: Site) -> bool:
        """Whether a module's member was changed and the place reads another module's, or an
        object's; or vice versa: on real commits 6 of 38 such places followed.
        """
        if not said.members or site.kind != "attribute" or not _is_path(site.object):
            return False
        mine = self._imported.get(site.root)
        return all(
            site.object != object and self._imported.get(root) != mine
            for object, root in said.members
        )

    @cached_property
    def _imported(self) -> dict[str, str]:
        """What each imported name refers to in the notebook."""
        return {
            name: path
            for cell in self._request.notebook.cells
            if cell.is_code
            for name, path in _imports_of(cell.source)
        }

    def _lacks_name(self, place: Candidate) -> bool:
        """Whether a change leaves an unknown name at a place.

        A name that the edited cells themselves read may be about to be defined.
        """
        cell = self._considered.cells[place.cell]
        site = place.change.examples[0].site
        if _is_in_text(cell, place.first) or site.line.startswith(("import ", "from ")):
            return False
        brought = self._brought_by(place.change) | _bared(place, cell)
        wanted = [n for n in brought if n not in self._read and n not in cell.bound]
        return any(n not in ALWAYS_KNOWN and not self._is_known(n) for n in wanted)

    def _is_known(self, name: str) -> bool:
        """Whether a cell or the kernel has a name, or may have: `from module import *` may bind
        any."""
        known = self._known.get(name)
        if known is None:
            request = self._request
            code = [cell for cell in request.notebook.cells if cell.is_code]
            known = self._known[name] = (
                request.facts.named(name) is not None
                or any(
                    name in cell.source and name in cell_index(cell.source).bound_at_module()
                    for cell in code
                )
                or (not request.facts.names and any(cell_index(c.source).stars for c in code))
            )
        return known

    def _brought_by(self, change: LastChange) -> frozenset[str]:
        known = self._brought.get(id(change))
        if known is None:
            known = self._brought[id(change)] = _names_of(change)
        return known

    @cached_property
    def _read(self) -> frozenset[str]:
        return frozenset(
            name for edit in self._considered.edits for name in free_names(cell_index(edit.after))
        )


def _of_comprehensions(source: str, start: int) -> bool:
    """Whether the name at a place is a comprehension's variable."""
    index = cell_index(source)
    i = index.starts.get(start)
    return i is not None and index.scopes[index.homes[i]].kind == "comprehension"


def _lines_of(change: LastChange) -> frozenset[tuple[int, int]]:
    return frozenset((example.edit, example.line) for example in change.examples)


def _is_path(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


@by_text(500_000)
def _imports_of(source: str) -> tuple[tuple[str, str], ...]:
    """The names that a cell imports, each with what it refers to."""
    index = cell_index(source)
    return tuple(
        (index.names[index.starts[start]].name, path) for start, path in index.imports.items()
    )


def _is_in_text(cell: LexedCell, i: int) -> bool:
    """Whether token i stands in a text, or would if something came before it."""
    if i < len(cell.kinds) and cell.kinds[i] in TEXTS:
        return True
    return i > 0 and cell.kinds[i - 1] in TEXTS and cell.texts[i - 1] not in _QUOTES


def _names_of(change: LastChange) -> frozenset[str]:
    """The names that the new text reads, as far as it shows."""
    if not _QUOTES.isdisjoint(change.new) and not _is_closed(change.new):
        return frozenset()
    text = LexedCell(change.new)
    if "lambda" in text.texts:
        return frozenset()
    site = change.examples[0].site
    solid = text.solid[site.left[:1] == (".",) :]  # it begins with the rest of an attribute
    if site.right[:1] == ("=",):
        solid = solid[:-1]  # a keyword, or a bound name
    return frozenset(
        text.texts[i]
        for i in solid
        if text.kinds[i] in ("name", "call")
        and not keyword.iskeyword(text.texts[i])
        and text.texts[i] not in text.bound
    )


def _is_closed(text: str) -> bool:
    return all(text.count(quote) % 2 == 0 for quote in _QUOTES)


def _bared(place: Candidate, cell: LexedCell) -> frozenset[str]:
    """The attribute that is left without its object: `b` of `a.b`."""
    replaced = place.change.replaced
    if replaced[-1:] != (".",) or place.change.new.rstrip().endswith("."):
        return frozenset()
    behind = cell.right(place.last, 1)
    if place.change.new.strip() or not behind or not behind[0].isidentifier():
        return frozenset()
    before = cell.left(place.first, 1)
    return frozenset() if before == ["."] else frozenset(behind)
