"""Five formats in which a model writes the next edit of a window of lines, and their parsers.

    blocks   the old lines, `<|new|>`, the new lines
    window   the whole window after the edit
    diff     a hunk of a unified diff with a line of context on each side
    rows     the numbers of the lines to replace, `<|new|>`, the new lines
    span     the words to replace, `<|new|>`, the new words; several of them separated by `<|old|>`

Each ends with `<|end|>`, immediately if there is nothing to do. With `numbers`, a hunk and a span
begin with the line's number within the window, and a span's words are the first match from there
on. Without numbers, a span's words must be unique in the window: neighbouring words are included
until they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol, get_args

from nextedit_jupyter.prompt import control
from nextedit_jupyter.prompt.lines import common_ends, find_lines, with_line_end
from nextedit_jupyter.prompt.tokenizer import TextTokenizer

AnswerKind = Literal["blocks", "window", "diff", "rows", "span"]
ANSWER_KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)

_WORD = re.compile(r"\w+|\n|[^\S\n]+|[^\w\s]")
_ROW = re.compile(r"(\d{1,3}):")
_ROWS = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?:")
_HUNK = re.compile(r"@@(?: -(\d{1,3}))? @@\n")


class AnswerFormat(Protocol):
    """A format for writing an edit of a window."""

    def write(self, before: str, after: str, tokenizer: TextTokenizer) -> list[int]:
        """The ids that change the window from `before` to `after`, which must differ, without
        `<|end|>`."""

    def read(
        self, before: str, ids: Sequence[int], tokenizer: TextTokenizer, near: int
    ) -> str | None:
        """The window's new text; None if the ids, without `<|end|>`, are not a valid edit.

        `near` is the caret's offset in the window: of several places, the nearest is taken.
        """


def answer_of(kind: AnswerKind, *, numbers: bool) -> AnswerFormat:
    """The format of that name."""
    if kind == "window":
        return _Window()
    if kind == "diff":
        return _Diff(numbers)
    if kind == "rows":
        return _Rows()
    return _Span(numbers) if kind == "span" else _Blocks()


@dataclass(frozen=True, slots=True)
class _Change:
    """Lines `first` to `last` (exclusive) of a text, and their replacement; neither is empty."""

    first: int
    old: list[str]
    new: list[str]

    @classmethod
    def between(cls, before: str, after: str) -> _Change:
        """The lines that differ; if one side has none, the line above (or below) is included."""
        old, new = before.split("\n"), after.split("\n")
        first, same = common_ends(old, new)
        parts = old[first : len(old) - same], new[first : len(new) - same]
        if before and not ("\n".join(parts[0]) and "\n".join(parts[1])):
            if first > 0:
                first -= 1
            elif same > 0:
                same -= 1
        return cls(first, old[first : len(old) - same], new[first : len(new) - same])


@dataclass(frozen=True, slots=True)
class _Blocks:
    def write(self, before: str, after: str, tokenizer: TextTokenizer) -> list[int]:
        change = _Change.between(before, after)
        return [
            *tokenizer.encode("\n".join(change.old)),
            tokenizer.control(control.NEW),
            *tokenizer.encode("\n".join(change.new)),
        ]

    def read(
        self, before: str, ids: Sequence[int], tokenizer: TextTokenizer, near: int
    ) -> str | None:
        parts = _parts(ids, tokenizer.control(control.NEW))
        if len(parts) != 2:
            return None
        old, new = (tokenizer.decode(part) for part in parts)
        if not old:
            return None if before.strip() else new
        place = find_lines(before, old, 0, len(before), near)
        if place is None:
            return None
        first, last = place
        if not new:
            first, last = with_line_end(before, first, last)
        return before[:first] + new + before[last:]


@dataclass(frozen=True, slots=True)
class _Window:
    def write(self, before: str, after: str, tokenizer: TextTokenizer) -> list[int]:
        return list(tokenizer.encode(after))

    def read(
        self, before: str, ids: Sequence[int], tokenizer: TextTokenizer, near: int
    ) -> str | None:
        return tokenizer.decode(ids) or None


@dataclass(frozen=True, slots=True)
class _Rows:
    def write(self, before: str, after: str, tokenizer: TextTokenizer) -> list[int]:
        change = _Change.between(before, after)
        first, last = change.first + 1, change.first + len(change.old)
        rows = f"{first}:" if first == last else f"{first}-{last}:"
        return [
            *tokenizer.encode(rows),
            tokenizer.control(control.NEW),
            *tokenizer.encode("\n".join(change.new)),
        ]

    def read(
        self, before: str, ids: Sequence[int], tokenizer: TextTokenizer, near: int
    ) -> str | None:
        parts = _parts(ids, tokenizer.control(control.NEW))
        rows = _ROWS.fullmatch(tokenizer.decode(parts[0]))
        if len(parts) != 2 or rows is None:
            return None
        lines = before.split("\n")
        first = int(rows[1])
        last = int(rows[2] or first)
        if not 1 <= first <= last <= len(lines):
            return None
        new = tokenizer.decode(parts[1])
        lines[first - 1 : last] = new.split("\n") if new else []
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Diff:
    numbers: bool

    def write(self, before: str, after: str, tokenizer: TextTokenizer) -> list[int]:
        change = _Change.between(before, after)
        lines = before.split("\n")
        first, last = change.first, change.first + len(change.old)
        above, below = lines[max(first - 1, 0) : first], lines[last : last + 1]
        hunk = [f"@@ -{first - len(above) + 1} @@" if self.numbers else "@@ @@"]
        hunk += [f" {line}" for line in above]
        hunk += [f"-{line}" for line in change.old] + [f"+{line}" for line in change.new]
        hunk += [f" {line}" for line in below]
        return list(tokenizer.encode("\n".join(hunk)))

    def read(
        self, before: str, ids: Sequence[int], tokenizer: TextTokenizer, near: int
    ) -> str | None:
        text = tokenizer.decode(ids)
        head = _HUNK.match(text)
        if head is None:
            return None
        lines = text[head.end() :].split("\n")
        if any(line[:1] not in (" ", "-", "+") for line in lines):
            return None
        old = "\n".join(line[1:] for line in lines if line[0] != "+")
        new = "\n".join(line[1:] for line in lines if line[0] != "-")
        at = near
        if head[1]:
            at = sum(len(line) + 1 for line in before.split("\n")[: int(head[1]) - 1])
        place = find_lines(before, old, 0, len(before), at)
        return before[: place[0]] + new + before[place[1] :] if place else None


@dataclass(frozen=True, slots=True)
class _Span:
    numbers: bool

    def write(self, before: str, after: str, tokenizer: TextTokenizer) -> list[int]:
        ids: list[int] = []
        for first, last, text in self._spans(before, after):
            if ids:
                ids.append(tokenizer.control(control.OLD))
            if self.numbers:
                row = before.count("\n", 0, first) + 1
                ids += tokenizer.encode(f"{row}:")
            ids += tokenizer.encode(before[first:last])
            ids.append(tokenizer.control(control.NEW))
            ids += tokenizer.encode(text)
        return ids

    def read(
        self, before: str, ids: Sequence[int], tokenizer: TextTokenizer, near: int
    ) -> str | None:
        spans: list[tuple[int, int, str]] = []
        for part in _parts(ids, tokenizer.control(control.OLD)):
            sides = _parts(part, tokenizer.control(control.NEW))
            if len(sides) != 2:
                return None
            old, new = (tokenizer.decode(side) for side in sides)
            start = 0
            if self.numbers:
                row = _ROW.match(old)
                if row is None or not 1 <= int(row[1]) <= before.count("\n") + 1:
                    return None
                start = _line_start(before, int(row[1]))
                old = old[row.end() :]
            first = before.find(old, start)
            if (not old and before) or first < 0 or (spans and first < spans[-1][1]):
                return None
            if self.numbers and before.find("\n", start, first) >= 0:
                return None  # not in that line
            spans.append((first, first + len(old), new))
        for first, last, text in reversed(spans):
            before = before[:first] + text + before[last:]
        return before

    def _spans(self, before: str, after: str) -> Iterable[tuple[int, int, str]]:
        """Spans of `before` and their new texts: one per changed line if no lines are added or
        removed.

        Each can be found again from its line's start, or in the whole text if there are no numbers.
        """
        old, new = before.split("\n"), after.split("\n")
        if len(old) != len(new):
            yield self._span(before, 0, len(before), after)
            return
        at = 0
        for was, now in zip(old, new, strict=True):
            if was != now:
                yield self._span(before, at, at + len(was), now)
            at += len(was) + 1

    def _span(self, text: str, start: int, end: int, after: str) -> tuple[int, int, str]:
        """The words in which text[start:end] and `after` differ, and those needed around them."""
        bounds = [match.start() for match in _WORD.finditer(text)] + [len(text)]
        was = [text[a:b] for a, b in pairwise(bounds) if start <= a < end]
        now = _WORD.findall(after)
        first, same = common_ends(was, now)
        left = start + sum(map(len, was[:first]))
        right = start + sum(map(len, was[: len(was) - same]))
        middle = "".join(now[first : len(now) - same])
        grow = bounds.index(left), bounds.index(right)
        while not self._is_found(text, bounds[grow[0]], bounds[grow[1]]):
            if grow[0] > 0 and (text[bounds[grow[0]] - 1] != "\n" or grow[1] == len(bounds) - 1):
                grow = grow[0] - 1, grow[1]
            elif grow[1] < len(bounds) - 1:
                grow = grow[0], grow[1] + 1
            else:
                break
        first_at, last_at = bounds[grow[0]], bounds[grow[1]]
        return first_at, last_at, text[first_at:left] + middle + text[right:last_at]

    def _is_found(self, text: str, first: int, last: int) -> bool:
        if not text[first:last].strip():
            return False
        if not self.numbers:
            return text.count(text[first:last]) == 1
        return text.find(text[first:last], text.rfind("\n", 0, first) + 1) == first


def _line_start(text: str, row: int) -> int:
    """The offset at which a line begins, counted from 1."""
    at = 0
    for _ in range(row - 1):
        at = text.index("\n", at) + 1
    return at


def _parts(ids: Sequence[int], mark: int) -> list[list[int]]:
    """The stretches between the marks."""
    parts: list[list[int]] = [[]]
    for id in ids:
        if id == mark:
            parts.append([])
        else:
            parts[-1].append(id)
    return parts
