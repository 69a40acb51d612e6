"""A cell as tokens with their roles, read in one pass, whether it parses or not.

There is no tree: half of the places that people change together are in strings, comments and
magics, and the judge needs a word's neighbours more than its binding.
"""

from __future__ import annotations

import keyword
import re
import sys
from bisect import bisect_left
from collections import Counter
from difflib import SequenceMatcher
from functools import cached_property

from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.core.cache import LruCache
from nextedit_jupyter.core.word_characters import is_word_character

_LEXEME = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<string>(?:[rRbBuUfFtT]{1,3})?(?:
        \"\"\"(?:[^\"\\]|\\.|\"(?!\"\"))*(?:\"\"\"|\Z)
       |\'\'\'(?:[^\'\\]|\\.|\'(?!\'\'))*(?:\'\'\'|\Z)
       |\"(?:[^\"\\\n]|\\.)*\"?
       |\'(?:[^\'\\\n]|\\.)*\'?))
    |(?P<word>[^\W\d]\w*)
    |(?P<number>\d[\d_.]*[eE][+-]\d+|\d[\w.]*)
    |(?P<blank>\s+)
    |(?P<other>.)""",
    re.S | re.X,
)
_PIECE = re.compile(r"[^\W\d]\w*|\d[\w.]*|\s+|.", re.S)
_WORD = re.compile(r"\w+")
_ANNOTATED = re.compile(r"\s*([^\W\d]\w*)\s*:[^:=\n]{1,200}=\s*\Z")
_OPEN, _CLOSE = "([{", ")]}"
# Calls that take a dictionary key, including the bracket, as returned by `callee`.
KEYED = frozenset(["get(", "pop(", "setdefault("])
_MAX_OUTWARDS = 50  # brackets that are followed outwards for what they belong to
_MIN_VALUES = 8  # tokens of two values that tell whether one is the other
_KEPT = 0.5  # of one value in the other
_MAX_VALUE = 60  # tokens of one that are compared with another
_MAX_GIVEN = 12  # tokens of a value that tell its kind
_COMPUTING = frozenset(
    ["+", "-", "*", "/", "%", "<", ">", "=", "if"]
)  # after a number: it is only a part
STRING_PREFIXES = frozenset(["b", "r", "f", "u", "rb", "br", "rf", "fr"])
_MAX_OBJECT = 40  # tokens of an attribute's object

# The role of a word. `other` is punctuation and whitespace.
KINDS = (
    "name",
    "attribute",
    "keyword",
    "string",
    "comment",
    "docstring",
    "definition",
    "import",
    "target",
    "call",
    "number",
    "other",
)


class LexedCell:
    """A tokenized cell: `texts[i]` begins at `starts[i]` and is a `kinds[i]`; joined, the texts are
    the cell.

    `opens[i]` is the token of the innermost bracket around token i, -1 for none. `solid` are the
    tokens that are not whitespace, `rank[i]` the number of them before token i.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.texts: list[str] = []
        self.starts: list[int] = []
        self.kinds: list[str] = []
        self.opens: list[int] = []
        self._read(source)
        self.solid: list[int] = []
        self.rank: list[int] = []
        for i, text in enumerate(self.texts):
            self.rank.append(len(self.solid))
            if not text.isspace():
                self.solid.append(i)
        self._classify()

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Token indices by text."""
        table: dict[str, list[int]] = {}
        for i in self.solid:
            table.setdefault(self.texts[i], []).append(i)
        return table

    @cached_property
    def bound(self) -> frozenset[str]:
        """The words that are bound in the cell: variables, functions, classes, parameters."""
        return frozenset(
            text
            for text, kind in zip(self.texts, self.kinds, strict=True)
            if kind in ("target", "definition")
        )

    @cached_property
    def lines(self) -> list[str]:
        return [line.strip() for line in self.source.split("\n")]

    @cached_property
    def long_lines(self) -> frozenset[str]:
        """The lines that are long enough to recognise copies."""
        return frozenset(line for line in self.lines if len(line) > 3)

    @cached_property
    def line_counts(self) -> Counter[str]:
        return Counter(self.lines)

    @cached_property
    def memory(self) -> dict[tuple[int, int], object]:
        """A cache for values derived from parts of the cell, kept as long as the cell."""
        return {}

    @cached_property
    def line_starts(self) -> list[int]:
        found = [0]
        for line in self.source.split("\n"):
            found.append(found[-1] + len(line) + 1)
        return found[:-1]

    def at(self, start: int) -> int:
        """The token that begins at `start`, or the first one after it."""
        return bisect_left(self.starts, start)

    def line_of(self, start: int) -> int:
        return bisect_left(self.line_starts, start + 1) - 1

    def left(self, i: int, count: int) -> list[str]:
        """The solid tokens before token i, nearest first."""
        rank = self.rank[i] if i < len(self.rank) else len(self.solid)
        return [self.texts[k] for k in reversed(self.solid[max(rank - count, 0) : rank])]

    def right(self, i: int, count: int) -> list[str]:
        """The solid tokens from token i on."""
        rank = self.rank[i] if i < len(self.rank) else len(self.solid)
        return [self.texts[k] for k in self.solid[rank : rank + count]]

    def callee(self, i: int) -> str:
        """The last name of the call, subscript or literal around token i; "" if there is none.

        For a literal that is assigned or passed by keyword, that name.
        """
        opened = self.opens[i] if i < len(self.opens) else -1
        last = ""
        for _ in range(_MAX_OUTWARDS):
            if opened < 0:
                break
            last = self.texts[opened]
            before = self.left(opened, 2)
            if before and is_word_character(before[0][0]):
                return before[0] + last
            if len(before) > 1 and before[0] in "=:":
                return (self._annotated(opened) or before[1]) + "=" + last
            opened = self.opens[opened]
        return last

    def _annotated(self, i: int) -> str:
        """The name that a literal at token i is assigned to, as in `name: dict[str, int] = {`."""
        line = self.line_of(self.starts[i])
        head = _ANNOTATED.match(self.source, self.line_starts[line], self.starts[i])
        return head[1] if head is not None else ""

    def owner(self, i: int) -> str:
        """The name that a word belongs to: the object of an attribute or key, the variable of a
        literal, the callee of an argument; "" if there is none.
        """
        before = self.left(i, 2)
        if self.kinds[i] == "attribute":
            owner = before[1] if len(before) > 1 else ""
            return owner if is_word_character(owner[:1]) else ""
        callee = self.callee(i)
        if callee in KEYED and self.kinds[i] == "string":  # `options.get("key")`
            around = self.left(self.opens[i], 3)
            if len(around) == 3 and around[1] == "." and _is_part(around[2]):
                return around[2]
        return callee.rstrip("([{=")

    def object(self, i: int) -> str:
        """The object of an attribute, as written: `self.log`, `axes[0]`, `f(x)`.

        "" if it is not an attribute, or the object is too long to be compared.
        """
        if self.kinds[i] != "attribute":
            return ""
        end = self.rank[i] - 1  # the dot
        first, depth, wanted = end, 0, "part"
        for rank in range(end - 1, max(end - _MAX_OBJECT, 0) - 1, -1):
            token = self.solid[rank]
            text = self.texts[token]
            is_code = self.kinds[token] not in ("string", "docstring", "comment")
            if is_code and text in _CLOSE and (depth or wanted != "dot"):
                depth += 1
            elif is_code and text in _OPEN and depth:
                depth -= 1
                if not depth:
                    first, wanted = rank, "part or end"
            elif depth:
                continue
            elif wanted == "dot" and text == ".":
                wanted = "part"
            elif wanted != "dot" and is_code and _is_part(text):
                first, wanted = rank, "dot"
            else:
                break
        if depth or wanted == "part":
            return ""
        return "".join(self.texts[k] for k in self.solid[first:end])

    def given(self, i: int) -> str:
        """The kind of value of the entry or argument named by token i: "number", "text", or "["
        with the kind of its first item. "" if unclear.
        """
        rank = self.rank[i] + 1
        texts = [self.texts[k] for k in self.solid[rank : rank + _MAX_GIVEN]]
        while texts and texts[0] in ("'", '"', "]"):
            texts.pop(0)
        if len(texts) < 2 or texts[0] not in ("=", ":") or texts[1] == "=":
            return ""
        return _kind_of_value(texts[1:])

    def column(self, i: int) -> list[str]:
        """The rest of the line that the entry at token i, a key in brackets, is given; empty where
        nothing is.
        """
        rank, line = self.rank[i] + 1, self.line_of(self.starts[i])
        end = self.line_starts[line + 1] if line + 1 < len(self.line_starts) else len(self.source)
        last = bisect_left(self.solid, self.at(end))
        texts = [self.texts[k] for k in self.solid[rank : min(last, rank + _MAX_VALUE)]]
        while texts and texts[0] in ("'", '"'):
            texts.pop(0)
        return texts[2:] if texts[:2] == ["]", "="] and texts[2:3] != ["="] else []

    def words(self, line: int) -> frozenset[str]:
        """The names and numbers of a line; cached, because thousands of places may be on one."""
        known = self._words.get(line)
        if known is None:
            known = self._words[line] = frozenset(_WORD.findall(self.lines[line]))
        return known

    @cached_property
    def _words(self) -> dict[int, frozenset[str]]:
        return {}

    def function(self, line: int) -> str:
        """The head of the innermost function or class around the line; "" if there is none."""
        return self._functions[line]

    @cached_property
    def _functions(self) -> list[str]:
        found, heads = [], [(-1, "")]
        for raw, line in zip(self.source.split("\n"), self.lines):
            if not line:
                found.append(heads[-1][1])
                continue
            indent = len(raw) - len(raw.lstrip())
            while len(heads) > 1 and heads[-1][0] >= indent:
                heads.pop()
            found.append(heads[-1][1])
            if line.startswith(("def ", "class ", "async def ")):
                heads.append((indent, line))
        return found

    def _read(self, source: str) -> None:
        stack: list[int] = []
        for match in _LEXEME.finditer(source):
            group, text, at = match.lastgroup, match[0], match.start()
            if group == "string":
                self._string(text, at, stack)
                continue
            if group == "comment":
                self._pieces(text, at, "comment", stack)
                continue
            if group == "other" and text in _CLOSE and stack:
                stack.pop()
            self._add(text, at, "number" if group == "number" else "other", stack)
            if group == "word":
                self.kinds[-1] = "name"
            elif group == "other" and text in _OPEN:
                stack.append(len(self.texts) - 1)

    def _string(self, text: str, at: int, stack: list[int]) -> None:
        quote = min((text.find(q) for q in "\"'" if q in text), default=0)
        is_docstring = text[quote : quote + 3] in ('"""', "'''") and self._begins_line()
        kind = "docstring" if is_docstring and not stack else "string"
        if not set(text[:quote]) & set("fFtT") or "{" not in text:
            self._pieces(text, at, kind, stack)
            return
        depth = 0
        for match in _PIECE.finditer(text):
            piece = match[0]
            if piece == "{":
                depth += 1
            elif piece == "}":
                depth = max(depth - 1, 0)
            is_code = depth % 2 == 1 and (piece[0].isalpha() or piece[0] == "_")
            self._add(piece, at + match.start(), "name" if is_code else kind, stack)

    def _begins_line(self) -> bool:
        """Whether there is only whitespace on the line so far."""
        for text in reversed(self.texts):
            if "\n" in text:
                return True
            if not text.isspace():
                return False
        return True

    def _pieces(self, text: str, at: int, kind: str, stack: list[int]) -> None:
        for match in _PIECE.finditer(text):
            self._add(match[0], at + match.start(), kind, stack)

    def _add(self, text: str, at: int, kind: str, stack: list[int]) -> None:
        self.texts.append(text)
        self.starts.append(at)
        self.kinds.append(kind)
        self.opens.append(stack[-1] if stack else -1)

    def _classify(self) -> None:
        texts, kinds, solid = self.texts, self.kinds, self.solid
        first = ""  # the first word of the line
        line_end = -1
        for n, i in enumerate(solid):
            if self.starts[i] > line_end:
                line_end = self.source.find("\n", self.starts[i])
                line_end = line_end if line_end >= 0 else len(self.source)
                first = texts[i]
            if kinds[i] != "name":
                continue
            before = texts[solid[n - 1]] if n else ""
            after = texts[solid[n + 1]] if n + 1 < len(solid) else ""
            after2 = texts[solid[n + 2]] if n + 2 < len(solid) else ""
            if first in ("import", "from"):
                kinds[i] = "import"
            elif before == ".":
                kinds[i] = "attribute"
            elif before in ("def", "class") or (before in "(,*" and self._is_parameter(i)):
                kinds[i] = "definition"
            elif after == "=" and after2 != "=":
                kinds[i] = "keyword" if self.opens[i] >= 0 else "target"
            elif before in ("for", "as", "global", "nonlocal") or self._is_annotated(n, first):
                kinds[i] = "target"
            elif after == "(":
                kinds[i] = "call"

    def _is_annotated(self, n: int, first: str) -> bool:
        """Whether solid token n is a name that its line declares: `steps: int`."""
        i, behind = self.solid[n], self.solid[n + 1 : n + 3]
        if self.texts[i] != first or self.opens[i] >= 0 or len(behind) < 2:
            return False
        colon, kind = behind
        return (
            self.texts[colon] == ":"
            and not keyword.iskeyword(first)
            and self.line_of(self.starts[i]) == self.line_of(self.starts[kind])
        )

    def _is_parameter(self, i: int) -> bool:
        """Whether token i is in a function's parameter list."""
        opened = self.opens[i]
        if opened < 0 or self.texts[opened] != "(":
            return False
        head = self.left(opened, 2)
        return len(head) == 2 and head[1] == "def"


def _kind_of_value(texts: list[str]) -> str:
    first = next((text for text in texts if text != "-"), "")
    if first[:1] in "\"'" or (first.lower() in STRING_PREFIXES and texts[1:2] in (["'"], ['"'])):
        return "text" if first else ""
    if first in _OPEN:
        return first + _kind_of_value(texts[texts.index(first) + 1 :])
    if not (first[0].isdigit() or first == "."):
        return ""
    behind = texts[texts.index(first) + 1 :][:1]
    return "" if behind and behind[0] in _COMPUTING else "number"


def _is_part(text: str) -> bool:
    return (text[0].isalpha() or text[0] == "_") and not keyword.iskeyword(text)


class LexedCells:
    """A cache of lexed cells by source, bounded by the number of tokens; the least recently used
    are dropped."""

    def __init__(self, tokens: int = 80_000) -> None:
        self._cells: LruCache[str, LexedCell] = LruCache(
            sys.maxsize,
            max_weight=tokens,
            weigh=lambda source, cell: len(cell.texts) + len(source) // 100,
        )

    def of(self, source: str) -> LexedCell:
        cell = self._cells.get(source)
        if cell is None:
            cell = LexedCell(source)
            self._cells.put(source, cell)
            spend(len(cell.texts))  # a token costs as much as a node; the cell is cached
        return cell


def is_made_anew(was: list[str], now: list[str]) -> bool:
    """Whether a column is given something else: `df["rate"] = df.a / df.b` became
    `df["label"] = names.map(str)`. Of a few tokens nothing is said.
    """
    if not was or not now or len(was) + len(now) < _MIN_VALUES:
        return False
    return SequenceMatcher(None, was, now, autojunk=False).ratio() < _KEPT
