"""Constrained decoding: the names that may follow, as a trie that masks tokens.

After `module.` its members, after `frame["` its columns, after `f(` its keywords, but only for
objects that the kernel knows. Each kind has its own switch. A mask allows the tokens that agree
with at least one name, however the tokenizer splits it: a token may end within a name, or continue
after its end with what may follow there (`col"].mean`).
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np

from nextedit_jupyter.core import KernelFacts, SuggestRequest
from nextedit_jupyter.engine.vocabulary import TokenIds, Vocabulary

Kind = Literal["members", "columns", "keywords"]
KINDS: frozenset[Kind] = frozenset(("members", "columns", "keywords"))

# ASCII bytes of names; bytes of other characters also count, so that `größe` is one name.
_NAME_BYTES = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
) | frozenset(range(0x80, 0x100))
_NAME_STARTS = _NAME_BYTES - frozenset(b"0123456789")
_BLANKS = frozenset(b" \t\r\n")
_AFTER_NAME = frozenset(range(0x100)) - _NAME_BYTES
_QUOTES = frozenset(b"\"'")
# Types whose instances have only their type's attributes, so that its members are complete.
# fmt: off
CLOSED_TYPES = frozenset((
    "module", "str", "bytes", "list", "dict", "set", "tuple", "int", "float", "complex",
    "builtins.str", "builtins.bytes", "builtins.list", "builtins.dict", "builtins.set",
    "builtins.tuple", "builtins.int", "builtins.float", "builtins.complex",
    "numpy.ndarray", "pandas.DataFrame", "pandas.Series", "pandas.core.frame.DataFrame",
    "pandas.core.series.Series",
))
# fmt: on


class TrieNode:
    """A node of a trie. `after`: the bytes that may follow if a name ends here."""

    __slots__ = ("after", "next", "tokens")

    def __init__(self) -> None:
        self.next: dict[int, TrieNode] = {}
        self.after: frozenset[int] = frozenset()
        self.tokens: dict[bytes, tuple[Vocabulary, TokenIds]] = {}

    def add(self, name: bytes, after: frozenset[int]) -> None:
        """Add a name and what may follow it."""
        node = self
        for byte in name:
            node = node.next.setdefault(byte, TrieNode())
        node.after |= after

    def descend(self, text: bytes) -> TrieNode | None:
        """The node after `text`; None once a name is complete, or if no name begins that way."""
        node = self
        for byte in text:
            below = node.next.get(byte)
            if below is None:
                return None
            node = below
        return node

    def allowed(self, vocabulary: Vocabulary, healed: bytes = b"") -> TokenIds:
        """The ids of the tokens that are possible here, which begin with the `healed` bytes.

        Empty if no token fits: then nothing is constrained. Cached.
        """
        known = self.tokens.get(healed)
        if known is not None and known[0] is vocabulary:
            return known[1]
        places: list[tuple[int, int]] = []
        low, high = vocabulary.range_of(healed)
        self._collect(vocabulary, healed, low, high, places)
        parts = [vocabulary.ids[first:last] for first, last in places]
        ids = np.concatenate(parts) if parts else np.empty(0, np.int64)
        self.tokens[healed] = (vocabulary, ids)
        return ids

    def _collect(
        self,
        vocabulary: Vocabulary,
        said: bytes,
        low: int,
        high: int,
        places: list[tuple[int, int]],
    ) -> None:
        # Walks names and tokens together. Depth is bounded by the longest token.
        for byte, below in self.next.items():
            longer = said + bytes((byte,))
            first, last = vocabulary.range_of(longer, low, high)
            if first == last:
                continue
            whole = vocabulary.exactly(longer, first, last)
            if len(whole):
                places.append((whole.start, whole.stop))
            below._collect(vocabulary, longer, first, last, places)
        for byte in self.after - self.next.keys():
            first, last = vocabulary.range_of(said + bytes((byte,)), low, high)
            if first < last:
                places.append((first, last))


class Constraint(Protocol):
    """Restricts what may come next."""

    def allowed(self, text_so_far: bytes) -> TrieNode | None:
        """The trie's node after the text generated since the caret; None for no restriction."""


def trie(names: Iterable[str], after: frozenset[int] = _AFTER_NAME) -> TrieNode:
    """A trie of names that are followed by one of the bytes `after`."""
    root = TrieNode()
    for name in names:
        if name:
            root.add(name.encode("utf-8", "replace"), after)
    return root


@lru_cache(maxsize=64)
def _names(names: tuple[str, ...]) -> TrieNode:
    return trie(names)


@lru_cache(maxsize=64)
def _quoted(names: tuple[str, ...], quote: str) -> TrieNode:
    usable = [name for name in names if quote not in name and "\\" not in name and "\n" not in name]
    return trie(usable, frozenset(quote.encode()))


@lru_cache(maxsize=16)
def _arguments(keywords: tuple[str, ...], words: frozenset[str]) -> TrieNode:
    """What may begin an argument: whitespace, a literal, a keyword with `=`, or a known name."""
    root = trie(words, _AFTER_NAME - frozenset(b"="))
    for prefix in ("f", "r", "b", "rb", "br", "fr", "rf", "u"):
        root.add(prefix.encode(), _QUOTES)
    for name in keywords:
        root.add(name.encode(), frozenset(b"= "))
    root.after = frozenset(range(0x100)) - _NAME_STARTS - _BLANKS
    for blank in _BLANKS:
        root.next[blank] = root
    return root


@dataclass(frozen=True, slots=True)
class Position:
    """Where a text ends: after `object.`, in `object["`, or at the start of an argument.

    `partial` is the part of the name that is already there; `quote` delimits a column.
    """

    kind: Kind
    object: str
    partial: str
    quote: str = ""


# Tokens of a source; anything else is skipped character by character.
_PIECE = re.compile(
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<triple>(?i:[rbfu]{0,2})(?:\"\"\"(?:[^\\]|\\.)*?(?:\"\"\"|\Z)|'''(?:[^\\]|\\.)*?(?:'''|\Z)))"
    r"|(?P<string>(?i:\b[rbfu]{1,2})?(?P<quote>[\"'])(?P<inside>(?:[^\\\n\"']|\\.|(?!(?P=quote))[\"'])*)"
    r"(?P<closed>(?P=quote))?)"
    r"|(?P<name>[^\W\d]\w*(?:\s?\.\s?[^\W\d]\w*)*\.?)"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<newline>\n)|(?P<comma>,)"
    r"|(?P<blank>[ \t\r]+)|(?P<other>.)",
    re.S,
)
SCANNED = 8_000  # characters before the caret within which a statement may begin
_STATEMENT = re.compile(r"^[^\s)\]}#]", re.M)


# What the end of a source must look like for `position_of` to find anything: cheap to refuse.
_PROMISING = re.compile(
    r"(?:(?P<object>[^\W\d][\w.]*)\.\w*|\[\s*(?:\[[^\n]*)?(?P<quote>[\"'])[^\n]*|(?P<argument>[(,])\s*\w*)\Z"
)


def position_of(text: str) -> Position | None:
    """The position at which a source ends, if names can be constrained there; None elsewhere.

    Reads the last statement that begins at a line's start. The text before it is assumed to be
    complete, except for counting triple quotes: tokenizing 8,000 characters would take 8 ms.
    """
    near = max(0, len(text) - SCANNED)
    start = max((match.start() for match in _STATEMENT.finditer(text, near)), default=near)
    if any(text.count(quotes, 0, start) % 2 for quotes in ('"""', "'''")):
        return None
    text = text[start:]
    # Each open bracket: its character, the text before it, and whether that begins a statement,
    # where `frame["new"] = …` creates a column.
    stack: list[tuple[str, str, bool]] = []
    before, statement, argument = "", True, ""
    last: re.Match[str] | None = None
    for match in _PIECE.finditer(text):
        last = match
        what = match.lastgroup
        if what in ("blank", "comment"):
            if what == "blank" and argument:
                argument += match.group()
            continue
        if what == "open":
            stack.append((match.group(), before, statement))
            before, argument, statement = "", "", False
        elif what == "close":
            if stack:
                stack.pop()
            before, argument = ")", ")"
        elif what == "newline":
            if not stack:
                before, argument, statement = "", "", True
        elif what == "comma":
            before, argument = "", ""
        else:
            statement = statement and what == "name" and not before
            # In `f(x).g(` the callee is not a name that the kernel could know: it stays `.g`.
            before = "." + match.group() if before == "." else match.group()
            argument += match.group()
    if last is None or last.lastgroup == "comment":
        return None
    if last.lastgroup == "string" and not last["closed"]:
        return _in_string(last, stack)
    if last.lastgroup == "name" and "." in last.group():
        object, _, partial = re.sub(r"\s", "", last.group()).rpartition(".")
        previous = text[: last.start()].rstrip()
        if object and not previous.endswith(".") and not _is_declared(previous):
            return Position("members", object, partial)
        return None
    if stack and stack[-1][0] == "(" and stack[-1][1].strip():
        callee = stack[-1][1]
        if not argument.strip():
            return Position("keywords", callee, "")
        if last.lastgroup == "name" and argument.strip() == last.group():
            return Position("keywords", callee, last.group())
    return None


def _in_string(last: re.Match[str], stack: list[tuple[str, str, bool]]) -> Position | None:
    prefix = last.group()[: last.start("quote") - last.start()]
    if prefix or "\\" in last["inside"]:
        return None
    # frame["…  or frame[["…
    if stack and stack[-1][0] == "[" and not stack[-1][1] and len(stack) > 1:
        stack = stack[:-1]
    if not stack or stack[-1][0] != "[" or not stack[-1][1]:
        return None
    _, object, statement = stack[-1]
    if statement:
        return None
    return Position("columns", re.sub(r"\s", "", object), last["inside"], last["quote"])


def _is_declared(previous: str) -> bool:
    return previous.endswith(("import", "from", "def", "class"))


class FactsConstraint:
    """Constrains what is generated after `before`, the source up to the caret, to the kernel's
    facts.

    `words` are the names that may begin an argument: if it is empty, keywords are not constrained.
    """

    def __init__(
        self,
        facts: KernelFacts,
        before: str,
        *,
        words: Collection[str] = (),
        kinds: Collection[Kind] = KINDS,
    ) -> None:
        self._facts = {name.name: name for name in facts.names}
        self._before = before
        self._words = frozenset(words)
        self._kinds = frozenset(kinds)
        self._last: tuple[bytes, TrieNode | None] | None = None

    def allowed(self, text_so_far: bytes) -> TrieNode | None:
        # Within a name the node is one step below the last one, without reading the source again.
        if self._last is not None:
            said, node = self._last
            if node is not None and text_so_far.startswith(said):
                below = node.descend(text_so_far[len(said) :])
                if below is not None:
                    self._last = (text_so_far, below)
                    return below
        node = self._find(text_so_far)
        self._last = (text_so_far, node)
        return node

    def _find(self, text_so_far: bytes) -> TrieNode | None:
        if not self._facts:
            return None
        source = self._before + text_so_far.decode("utf-8", "ignore")
        if not self._is_promising(source[-200:]):
            return None
        place = position_of(source)
        if place is None or place.kind not in self._kinds:
            return None
        root = self._root(place)
        return root.descend(place.partial.encode("utf-8", "replace")) if root else None

    def _is_promising(self, end: str) -> bool:
        match = _PROMISING.search(end)
        if match is None:
            return False
        if match["object"]:
            return "members" in self._kinds and match["object"] in self._facts
        return ("columns" if match["quote"] else "keywords") in self._kinds

    def _root(self, place: Position) -> TrieNode | None:
        known = self._facts.get(place.object)
        if known is None:
            return None
        if place.kind == "members":
            if known.type not in CLOSED_TYPES or not known.members:
                return None
            return _names(known.members + known.subscripts)
        if place.kind == "columns":
            return _quoted(known.subscripts, place.quote) if known.subscripts else None
        if not known.keywords or not self._words:
            return None
        return _arguments(known.keywords, self._words)


_ALWAYS = frozenset(keyword.kwlist) | frozenset(dir(builtins))
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(slots=True)
class _WordCache:
    """Caches the words of recent notebooks' cells, by text: a keystroke reads only one cell
    again."""

    held: dict[str, frozenset[str]] = field(default_factory=dict)

    def of(self, text: str) -> frozenset[str]:
        words = self.held.get(text)
        if words is None:
            if len(self.held) > 2_000:
                self.held.clear()
            words = self.held[text] = frozenset(_WORD.findall(text))
        return words


_words = _WordCache()


def constraint_for(
    request: SuggestRequest, kinds: Collection[Kind] = KINDS
) -> FactsConstraint | None:
    """The constraint at a request's caret; None if the kernel knows nothing."""
    if not request.facts.names or not kinds:
        return None
    words: frozenset[str] = frozenset()
    if "keywords" in kinds:
        words = _ALWAYS | {name.name for name in request.facts.names}
        for cell in request.notebook.cells:
            if cell.is_code and cell.id != request.caret.cell:
                words |= _words.of(cell.source)
        words |= frozenset(_WORD.findall(request.cell.source))
    before = request.cell.source[: request.caret.offset]
    return FactsConstraint(request.facts, before, words=words, kinds=kinds)
