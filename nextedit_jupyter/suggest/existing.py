"""What can be typed next because it exists: columns, keys, members, keyword arguments.

The kernel's facts show what exists, or else the notebook's other lines. A single remaining
candidate is certain enough to be shown without a model, and takes precedence over a model's text
that does not exist.
"""

from __future__ import annotations

import builtins
import keyword
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from nextedit_jupyter.analysis.index import cell_index
from nextedit_jupyter.core import (
    CellEdit,
    Replacement,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.core.cache import by_text
from nextedit_jupyter.engine.constraint import CLOSED_TYPES
from nextedit_jupyter.suggest.brackets import Frame, Scan
from nextedit_jupyter.suggest.callees import (
    NEAR,
    callee_at,
    is_last_label,
    method_at,
    root_of_chain,
    without_indexer,
)
from nextedit_jupyter.suggest.fitting import fitted
from nextedit_jupyter.suggest.gates import names_elsewhere
from nextedit_jupyter.suggest.lane import suggestion_id

KNOWN, READ = 0.97, 0.9  # the confidence of candidates from the kernel, and from cells
MIN_CHARS = 2  # characters: accepting one is a key press itself
_CUT = 200  # facts have at most this many names of an object: then some may be missing

# Each begins only at a word's start, so that none is tried at every letter of a long text.
_ATTRIBUTE = re.compile(r"(?<![\w.])([^\W\d]\w*(?:\.[^\W\d]\w*)*)\.(\w*)\Z")
_VARIABLE = re.compile(r"(?<![\w.])([^\W\d]\w{2,})\Z")
# After these comes a new name, or a module's.
_BINDS = re.compile(r"\b(?:def|class|as|for|lambda|global|nonlocal)\s+\Z|\A\s*(?:import|from)\b")
_ARGUMENT = re.compile(r"[(,]\s*([^\W\d]\w*)\Z")
_KEYWORD = re.compile(r"\b([^\W\d]\w*)\s*=\Z")
_GIVEN = re.compile(r"\b([^\W\d]\w*)\s*=(?!=)")
_DATA = re.compile(r"\A\(\s*(?:data\s*=\s*)?([^\W\d]\w*)\s*,|\bdata\s*=\s*([^\W\d]\w*)")
# Methods whose strings name columns: those that only frames have, and those that other objects also
# have.
_FRAME_METHODS = frozenset(
    {
        *("groupby", "sort_values", "set_index", "drop_duplicates", "pivot", "pivot_table", "melt"),
        *("explode", "nlargest", "nsmallest", "merge"),
    }
)
_METHODS = _FRAME_METHODS | {
    *("drop", "dropna", "duplicated", "value_counts", "get", "pop", "hist", "boxplot", "plot")
}
# Methods whose calls usually end after the first label: 94 % and 91 % of their calls in the
# training notebooks; next are `drop_duplicates` with 85 %, and `sort_values` with half.
_ENDED = frozenset(("groupby", "set_index"))
# Methods whose dictionary arguments have columns as keys.
_BY_KEY = frozenset(("agg", "aggregate", "rename", "fillna", "astype", "replace"))
_KEYWORDS = frozenset(
    {
        *("by", "on", "left_on", "right_on", "columns", "subset", "x", "y", "z", "hue", "style"),
        *("size", "col", "row", "index", "values", "id_vars", "value_vars", "weights", "c"),
    }
)


@dataclass(frozen=True, slots=True)
class Existing:
    """The existing names for the caret that begin with `prefix`, which is already typed.

    `tail` follows each of them. `is_all`: nothing else is possible; `is_hint`: something else is
    possible too, so a model's text takes precedence.
    """

    prefix: str
    names: tuple[str, ...]
    tail: str
    is_all: bool = False
    confidence: float = READ
    delimiter: str = ""  # the closing quote of a name that is a string
    is_hint: bool = False

    @property
    def one_left(self) -> str | None:
        """The rest of the only candidate."""
        if len(self.names) != 1 or self.names[0] == self.prefix:
            return None
        return self.names[0][len(self.prefix) :] + self.tail

    def agrees(self, text: str, behind: str) -> bool:
        """Whether a text for the caret continues to one of the names."""
        said = self.prefix + text
        if self.delimiter:
            name, ended, _ = said.partition(self.delimiter)
            whole = bool(ended) or behind.startswith(self.delimiter)
        else:
            match = re.match(r"\w*", said)
            name, whole = (match[0] if match else ""), True
        if whole:
            return name in self.names
        return any(known.startswith(name) for known in self.names)


def what_exists(request: SuggestRequest) -> Existing | None:
    """The candidates at the caret; None if nothing is known about them."""
    source, offset = request.cell.source, request.caret.offset
    if not request.cell.is_code:
        return None
    before = source[:offset]
    scan = Scan()
    for _ in scan.read(before):
        pass
    if scan.in_comment:
        return None
    top = scan.frames[-1] if scan.frames else None
    if top is not None and top.is_quote:
        return _strings(request, before, scan.frames)
    member = _ATTRIBUTE.search(before, max(0, offset - 200))
    if member is not None:
        return _members(request, before, member)
    if top is not None and top.opener == "(":
        keywords = _keywords(request, before, top)
        if keywords is not None:
            return keywords
    return _variables(request, before)


def reconciled(
    request: SuggestRequest, existing: Existing, said: Suggestion | None
) -> Suggestion | None:
    """What to show at the caret: `said` if it names what exists, otherwise the only candidate."""
    source, offset = request.cell.source, request.caret.offset
    if said is not None and existing.is_hint:
        return said
    if said is not None:
        text = "".join(r.text for change in said.edits for r in change.edit)
        left = existing.one_left
        says_more = left is not None and left != text and left.startswith(text)
        if existing.agrees(text, source[offset:]) and not says_more:
            return _with_tail(request, existing, said, text)
    left = existing.one_left
    if left is None or not existing.prefix:
        contradicts = existing.is_all or existing.names
        return None if contradicts else said
    if source[offset:].lstrip()[:1] in (")", ","):
        left = left.removesuffix("=")  # the call is closed, possibly on a line below
    edits = _inserted(request, left)
    if edits is None:
        return said if said is not None and not existing.is_all else None
    id = suggestion_id("inline", "symbols", edits)
    return Suggestion(id, "inline", "symbols", "complete", existing.confidence, edits)


def _with_tail(
    request: SuggestRequest, existing: Existing, said: Suggestion, text: str
) -> Suggestion:
    """`said`, with the quote and brackets behind it if it ends with one of the names."""
    name = existing.prefix + text
    if [known for known in existing.names if known.startswith(name)] != [name]:
        return said
    edits = _inserted(request, text + existing.tail)
    return said if edits is None else replace(said, edits=edits)


def _inserted(request: SuggestRequest, text: str) -> tuple[CellEdit, ...] | None:
    """The edit that inserts what fits of `text` at the caret; None if that is too little."""
    source, offset = request.cell.source, request.caret.offset
    found = fitted(source[:offset], text, source[offset:])
    if found is None or len(found.text) < MIN_CHARS:
        return None
    edit = TextEdit((Replacement(offset, offset + found.replaced, found.text),))
    return (CellEdit.of(request.caret.cell, source, edit),)


# Strings: columns of frames, keys of dictionaries ---------------------------------------------


def _strings(request: SuggestRequest, before: str, frames: list[Frame]) -> Existing | None:
    quote = frames[-1]
    prefix = before[quote.at + len(quote.opener) :]
    if len(quote.opener) > 1 or quote.start != quote.at or set(prefix) & set("\\{}"):
        return None
    outer = frames[:-1]
    tail = quote.opener
    in_list = bool(outer) and outer[-1].opener == "[" and _is_display(before, outer[-1].at)
    if in_list:
        outer = outer[:-1]
    by_key = bool(outer) and outer[-1].opener == "{" and not in_list
    if by_key:
        if before[: quote.at].rstrip()[-1:] not in ("{", ","):
            return None
        outer = outer[:-1]
    if not outer or outer[-1].opener != ("(" if by_key else outer[-1].opener):
        return None
    opened = outer[-1]
    if opened.opener == "[":
        if not in_list and before[opened.at + 1 : quote.start].rstrip()[-1:] not in ("", ","):
            return None  # `df[df["sex"] == "f`: a value
        path = callee_at(before, opened.at)
        owner = without_indexer(path)
        root = owner or root_of_chain(before[: opened.at])
        if not in_list and (path == owner or is_last_label(path, before[opened.at : quote.start])):
            tail += "]"
        return _labels(request, Asked(prefix, owner, root, tail, quote.opener, direct=bool(owner)))
    if opened.opener != "(":
        return None
    owner, root, anywhere = _frame_of_call(before, opened, quote, by_key=by_key)
    if not root:
        return None
    is_first = not in_list and not by_key and not before[opened.at + 1 : quote.start].strip()
    if is_first and method_at(before, opened.at) in _ENDED:
        tail += ")"
    return _labels(request, Asked(prefix, owner, root, tail, quote.opener, anywhere=anywhere))


@dataclass(frozen=True, slots=True)
class Asked:
    """The object whose label a string is: `owner` by its own name, `root` through a chain of calls.

    `direct`: it is a subscript of the owner. `anywhere`: labels of other objects are possible.
    """

    prefix: str
    owner: str
    root: str
    tail: str
    quote: str
    direct: bool = False
    anywhere: bool = True


def _is_display(before: str, at: int) -> bool:
    """Whether the bracket at `at` begins a list rather than a subscript."""
    previous = before[:at].rstrip()[-1:]
    return not (previous in tuple(")]}\"'_") or previous.isalnum())


def _frame_of_call(
    before: str, opened: Frame, quote: Frame, *, by_key: bool
) -> tuple[str, str, bool]:
    """The frame whose column a call's string names, as in `Asked`; "" if there is none."""
    argument = before[opened.at + 1 : quote.start]
    keyword_ = _KEYWORD.search(argument[-100:].rstrip(" \t\n[{"))
    named = keyword_ is not None and keyword_[1] in _KEYWORDS
    callee = callee_at(before, opened.at)
    owner, _, method = callee.rpartition(".")
    if named and method not in _METHODS | _BY_KEY:
        data = _DATA.search(before[opened.at : quote.start][:NEAR])
        name = (data[1] or data[2]) if data is not None else ""
        return name, name, False
    if method not in (_BY_KEY if by_key else _METHODS) or (keyword_ is not None and not named):
        return "", "", False
    anywhere = method in _FRAME_METHODS
    if not owner or owner.startswith("."):
        return "", root_of_chain(before[: opened.at]), anywhere
    return owner, owner, anywhere


def _labels(request: SuggestRequest, asked: Asked) -> Existing | None:
    def existing(names: Iterable[str], sure: float) -> Existing:
        usable = (name for name in names if not set(name) & {asked.quote, "\\", "\n"})
        fits = tuple(sorted({name for name in usable if name.startswith(asked.prefix)}))
        return Existing(asked.prefix, fits, asked.tail, False, sure, asked.quote)

    said = _said_labels(request)
    known = request.facts.named(asked.owner or asked.root)
    if known is not None and known.subscripts:
        written = {text for name, text, wrote in said if wrote and name == known.name}
        found = existing((*known.subscripts, *written), KNOWN)
        if found.names:
            return found
        if asked.direct and len(known.subscripts) < _CUT and not _begins_statement(request):
            return replace(found, is_all=True)
        return None
    of_root = existing({text for name, text, _ in said if name and name == asked.root}, READ)
    if of_root.names:
        return of_root
    if not asked.anywhere or len(asked.prefix) < MIN_CHARS:
        return None
    anywhere = existing({text for _, text, _ in said}, READ)
    return anywhere if anywhere.names else None


def _begins_statement(request: SuggestRequest) -> bool:
    """Whether the caret's line is `name["…`, which may become an assignment."""
    source, offset = request.cell.source, request.caret.offset
    line = source[source.rfind("\n", 0, offset) + 1 : offset]
    return re.fullmatch(r"\s*[^\W\d][\w.]*\[[^\[\](),]*", line) is not None


def _said_labels(request: SuggestRequest) -> set[tuple[str, str, bool]]:
    """The labels in the notebook, with their object's name ("" if unknown), and whether they are
    assigned."""
    return {label for source in _other_lines(request) for label in _labels_of(source)}


def _other_lines(request: SuggestRequest) -> Iterator[str]:
    """The code cells, without the caret's line, which is being typed."""
    for cell in request.notebook.cells:
        if not cell.is_code:
            continue
        if cell.id != request.caret.cell:
            yield cell.source
            continue
        source, offset = cell.source, request.caret.offset
        end = source.find("\n", offset)
        rest = source[end:] if end >= 0 else ""
        yield source[: source.rfind("\n", 0, offset) + 1] + rest


_DICT_KEY = re.compile(r"(?P<quote>[\"'])(?P<key>[^\"'\n\\]{1,60})(?P=quote)\s{0,2}:")
_GIVES = re.compile(r"([^\W\d]\w*)[ \t]*=(?!=)")
_STARTS = re.compile(r"^[^\s)\]}#]", re.M)


@by_text(1_000_000)
def _labels_of(source: str) -> frozenset[tuple[str, str, bool]]:
    """(name, label, assigned) in one cell: subscripts, strings of frames' methods, keys."""
    index = cell_index(source)
    if not index.is_python:
        return frozenset()

    def name_at(start: int) -> str:
        at = index.starts.get(start)
        return index.names[at].name if at is not None else ""

    given = _Given(source)
    said = {(name_at(k.root), k.text, k.op == "write") for k in index.keys}
    for text in index.texts:
        if text.role == "key" or (text.role == "value" and text.keyword == "columns"):
            said.add((given.name(text.start) or name_at(text.root), text.text, True))
        elif text.method in _METHODS and (not text.keyword or text.keyword in _KEYWORDS):
            said.add((name_at(text.root), text.text, False))
    for match in _DICT_KEY.finditer(source):
        said.add((given.name(match.start()), match["key"], True))
    return frozenset(label for label in said if label[1])


class _Given:
    """The names that a cell's statements assign dictionaries to."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._starts = [match.start() for match in _STARTS.finditer(source)]

    def name(self, at: int) -> str:
        """The name that the statement around `at` assigns a dictionary to; "" if there is none."""
        statement = bisect_right(self._starts, at) - 1
        gives = _GIVES.match(self._source, self._starts[statement]) if statement >= 0 else None
        return gives[1] if gives is not None else ""


# Members and keyword arguments ------------------------------------------------------------------


def _members(request: SuggestRequest, before: str, member: re.Match[str]) -> Existing | None:
    previous = before[: member.start()].rstrip()
    if previous.endswith((".", "import", "from")) or re.search(
        r"^[ \t]*(?:from|import)\b", _line(before)
    ):
        return None
    prefix = member[2]
    known = request.facts.named(member[1])
    if known is None or known.type not in CLOSED_TYPES or not known.members:
        return _members_read(request, member[1], prefix)
    columns = (name for name in known.subscripts if name.isidentifier())
    names = sorted(n for n in {*known.members, *columns} if n.startswith(prefix))
    whole = len(known.members) < _CUT and bool(prefix)
    if not names and not whole:
        return None
    return Existing(prefix, tuple(names), "", whole, KNOWN)


def _variables(request: SuggestRequest, before: str) -> Existing | None:
    """A name that was used before, of which three letters are typed after something else.

    At the start of a line it may be a new name.
    """
    line = _line(before)
    typed = _VARIABLE.search(line, max(0, len(line) - 100))
    if typed is None or not line[: typed.start()].strip() or _BINDS.search(line[: typed.start()]):
        return None
    prefix = typed[1]
    above = before[: len(before) - len(line)]
    names = _readable(request, prefix, cell_index(above).bound_at_module())
    return Existing(prefix, tuple(names), "", is_hint=True) if len(names) == 1 else None


def _members_read(request: SuggestRequest, owner: str, prefix: str) -> Existing | None:
    """Members that other lines have after the same name: right 9 times out of 10 on real cells."""
    if len(prefix) < MIN_CHARS:
        return None
    said = {name for source in _other_lines(request) for name in _members_of(source, owner)}
    names = tuple(sorted(name for name in said if name.startswith(prefix)))
    return Existing(prefix, names, "", is_hint=True) if names else None


@by_text(1_000_000)
def _attributes_of(source: str) -> dict[str, frozenset[str]]:
    """The members in one cell, by their objects."""
    said: dict[str, set[str]] = {}
    for attribute in cell_index(source).attributes:
        said.setdefault(attribute.object, set()).add(attribute.name)
    return {owner: frozenset(names) for owner, names in said.items()}


def _members_of(source: str, owner: str) -> frozenset[str]:
    return _attributes_of(source).get(owner, frozenset())


def _keywords(request: SuggestRequest, before: str, opened: Frame) -> Existing | None:
    argument = _ARGUMENT.search(before, max(opened.at, len(before) - 200))
    callee = callee_at(before, opened.at)
    if argument is None or len(argument[1]) < MIN_CHARS or not callee:
        return None
    if re.search(r"\b(?:def|class)\s+\Z", before[: opened.at - len(callee)][-20:]):
        return None
    known = request.facts.named(callee)
    keywords = known.keywords if known is not None else _parameters(request, callee)
    given = set(_GIVEN.findall(before[opened.at : len(before)]))
    prefix = argument[1]
    names = sorted(k for k in set(keywords) - given if k.startswith(prefix))
    own = (name.name for name in cell_index(request.cell.source).names)
    if len(names) != 1 or not _readable(request, prefix, own) <= {prefix}:
        return None
    return Existing(prefix, (names[0],), "=", False, KNOWN if known is not None else READ)


def _parameters(request: SuggestRequest, callee: str) -> tuple[str, ...]:
    """The keywords of a function that the notebook defines once."""
    if "." in callee:
        return ()
    found = [
        tuple(p.name for p in f.parameters if p.kind in ("positional", "keyword"))
        for cell in request.notebook.cells
        if cell.is_code and callee in cell.source
        for f in cell_index(cell.source).functions
        if f.name == callee
    ]
    return found[0] if len(found) == 1 else ()


_ALWAYS = frozenset((*dir(builtins), *keyword.kwlist))


def _readable(request: SuggestRequest, prefix: str, own: Iterable[str]) -> set[str]:
    """The names with this prefix that can be read at the caret; `own` are those of its cell."""
    known = chain(_ALWAYS, names_elsewhere(request), own)
    return {name for name in known if name.startswith(prefix)}


def _line(before: str) -> str:
    return before[before.rfind("\n") + 1 :]
