"""Open brackets and quotes, and how a completion fits with those after the caret.

Editors close brackets automatically, so what a completion closes is often already after the caret.
A text that includes such a closer replaces it; a text never leaves open what it opens, and never
closes what is closed elsewhere. Like `suggest.caret`, this is a forward scan that needs no parser;
unlike it, the fields of f-strings are code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from nextedit_jupyter.analysis.budget import spend

_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_OPENERS = {closer: opener for opener, closer in _CLOSERS.items()}
# The end of a plain stretch, found by search, so that a long cell costs one step per bracket.
_IN_CODE = re.compile(r"[#\"'()\[\]{}\n]")
_IN_STRING = re.compile(r"[\\\"'{}\n]")
_DEEPEST = 50  # brackets across which a closer of another kind is matched
_PREFIX = re.compile(r"(?i)(?<![^\W_])(?:[bruft]|[rbft]r|r[bft])\Z")


@dataclass(frozen=True, slots=True)
class Frame:
    """An open bracket or quote: its opening character and position, and whether it is an f-string.

    `start` includes a string's prefix.
    """

    opener: str
    at: int
    start: int
    formatted: bool = False

    @property
    def is_quote(self) -> bool:
        return self.opener[0] in "\"'"

    @property
    def closer(self) -> str:
        return self.opener if self.is_quote else _CLOSERS[self.opener]


@dataclass(frozen=True, slots=True)
class Event:
    """An opening, closing or error from `start` to `end`.

    `what`: "open"; "close", of a frame that was open; "stray", a closer of nothing that is open;
    "broken", a one-line string that its line ends; "comment", which begins here.
    """

    what: str
    start: int
    end: int
    frame: Frame | None = None


@dataclass(slots=True)
class Scan:
    """A text scanned piece by piece; `frames` are those now open, outermost first.

    `quotes` are the depths of the strings among them: at most one of each kind of quote, because
    the same quote within an f-string's field ends it.
    """

    frames: list[Frame] = field(default_factory=list)
    in_comment: bool = False
    at: int = 0
    quotes: list[int] = field(default_factory=list)

    def copy(self) -> Scan:
        return Scan(list(self.frames), self.in_comment, self.at, list(self.quotes))

    def close(self, depth: int) -> Frame:
        """Close the frame at that depth, and all frames within it."""
        frame = self.frames[depth]
        del self.frames[depth:]
        while self.quotes and self.quotes[-1] >= depth:
            self.quotes.pop()
        return frame

    def read(self, text: str, end: int | None = None) -> Iterator[Event]:
        """Scan `text` up to `end`, continuing where the last call ended."""
        end = len(text) if end is None else end
        while self.at < end:
            if self.in_comment:
                newline = text.find("\n", self.at, end)
                self.at = end if newline < 0 else newline
                self.in_comment = newline < 0
                continue
            top = self.frames[-1] if self.frames else None
            in_string = top is not None and top.is_quote
            found = (_IN_STRING if in_string else _IN_CODE).search(text, self.at, end)
            if found is None:
                self.at = end
                return
            self.at = start = found.start()
            char = found[0]
            if top is not None and top.is_quote:
                yield from self._in_string(text, top)
            elif char == "#":
                self.in_comment = True
                yield Event("comment", start, start + 1)
            elif char in "\"'":
                yield from self._quote(text)
            elif char in _CLOSERS:
                yield self._open(text, char, start)
            elif char in _OPENERS:
                self.at += 1
                if top is not None and top.closer == char:
                    yield Event("close", start, self.at, self.close(len(self.frames) - 1))
                else:
                    yield Event("stray", start, self.at)
            elif char == "\n" and self._one_line() is not None:
                yield self._break()
            else:
                self.at += 1

    def _in_string(self, text: str, top: Frame) -> Iterator[Event]:
        start, char = self.at, text[self.at]
        if char == "\\":
            self.at += 2
        elif text.startswith(top.opener, start):
            self.at += len(top.opener)
            yield Event("close", start, self.at, self.close(len(self.frames) - 1))
        elif char == "\n" and len(top.opener) == 1:
            yield self._break()
        elif top.formatted and char in "{}":
            if text.startswith(char * 2, start):
                self.at += 2
            elif char == "{":
                yield self._open(text, char, start)
            else:
                self.at += 1
        else:
            self.at += 1

    def _quote(self, text: str) -> Iterator[Event]:
        """A quote in code: it opens a string, or ends the f-string whose field is still open."""
        start = self.at
        for depth in reversed(self.quotes):
            frame = self.frames[depth]
            if text.startswith(frame.opener, start):
                self.at += len(frame.opener)
                yield Event("close", start, self.at, self.close(depth))
                return
        char = text[start]
        opener = char * 3 if text.startswith(char * 3, start) else char
        yield self._open(text, opener, start)

    def _open(self, text: str, opener: str, start: int) -> Event:
        at = start
        self.at = start + len(opener)
        formatted = False
        if opener[0] in "\"'":
            prefix = _PREFIX.search(text, max(0, start - 3), start)
            if prefix is not None:
                start = prefix.start()
                formatted = bool(set("fFtT") & set(prefix[0]))
        frame = Frame(opener, at, start, formatted)
        if frame.is_quote:
            self.quotes.append(len(self.frames))
        self.frames.append(frame)
        return Event("open", start, self.at, frame)

    def _one_line(self) -> int | None:
        """The depth of the outermost string that ends with its line."""
        return next((depth for depth in self.quotes if len(self.frames[depth].opener) == 1), None)

    def _break(self) -> Event:
        """A line ends within a one-line string, which ends the frames within it as well."""
        depth = self._one_line()
        assert depth is not None
        return Event("broken", self.at, self.at, self.close(depth))


@dataclass(frozen=True, slots=True)
class Fit:
    """A text for the caret, and how many characters after the caret it replaces."""

    text: str
    replaced: int = 0

    def apply(self, before: str, after: str) -> str:
        return before + self.text + after[self.replaced :]

    def shortest(self, after: str) -> Fit:
        """The same change without an end that it only restores."""
        text, replaced = self.text, self.replaced
        while text and replaced and text[-1] == after[replaced - 1]:
            text, replaced = text[:-1], replaced - 1
        if not after[:replaced].strip():
            replaced = 0
        return Fit(text.rstrip(), replaced)


def fit(before: str, text: str, after: str) -> Fit:
    """As much of `text` as fits between `before` and `after`; an empty one if nothing does.

    It ends before a bracket that it would leave open, before a closer that is after the caret with
    something else in between, before a closer of nothing, and before a comment that would swallow
    the rest of the line. Of the text after the caret it replaces only closers that it contains
    itself.
    """
    caret = len(before)
    base = _read(before)[0].copy()
    rest_of_line = after.split("\n", 1)[0]
    if base.in_comment:
        line = Fit(text.split("\n", 1)[0])
        whole_text = Fit(text)  # the line below the comment is code
        left = _faults_with(whole_text, before, after) > _faults_with(Fit(""), before, after)
        return line if left or rest_of_line.strip() else whole_text
    closed_at = _closed_behind(base, before, after)
    whole = before + text
    scan, end = base.copy(), len(whole)
    over = [(caret, 0)]  # the end in `whole`, and how much of `after` is replaced
    for event in scan.read(whole):
        at, replaced = event.start, over[-1][1]
        mine = event.frame is not None and event.frame.at >= caret
        if event.what == "stray" or (event.what == "broken" and not mine):
            end = at
            break
        if event.what == "broken" and event.frame is not None:
            end = max(event.frame.start, caret)
            break
        if event.what == "comment" and rest_of_line[replaced:].strip():
            end = at
            break
        if event.what == "close" and not mine:
            span = closed_at.get(len(scan.frames))
            if span is None:
                continue
            if span[0] < replaced or after[replaced : span[0]].strip(" \t"):
                end = at
                break
            over.append((event.end, span[1]))
    end = min([end, *(max(f.start, caret) for f in scan.frames if caret <= f.at < end)])
    if rest_of_line[max(replaced for at, replaced in over if at <= end) :].strip():
        newline = whole.find("\n", caret, end)
        end = newline if newline >= 0 else end
    replaced = max(replaced for at, replaced in over if at <= end)
    found = Fit(whole[caret:end].rstrip(), replaced).shortest(after)
    # Joined pieces may have another meaning: `''` and `''`, a backslash.
    kept = _faults_with(found, before, after) <= _faults_with(Fit(""), before, after)
    return found if kept else Fit("")


def faults(text: str) -> int:
    """The number of brackets and quotes that are left open, close nothing or are cut off by a line
    end."""
    scan, broken = _read(text)
    return broken + len(scan.frames)


# The same text is scanned some twenty times, for the beginnings of a completion.
@lru_cache(maxsize=4)
def _read(text: str) -> tuple[Scan, int]:
    """A scan of the whole text, to be copied, and the number of its faults so far."""
    scan = Scan()
    broken = sum(event.what in ("stray", "broken") for event in scan.read(text))
    spend(len(text) // 30)
    return scan, broken


def _faults_with(fit: Fit, before: str, after: str) -> int:
    """`faults` of the text with the fit; the text above the caret's line is scanned only once."""
    line = before.rfind("\n") + 1
    above, broken = _read(before[:line])
    scan = above.copy()
    text = fit.apply(before, after)
    broken += sum(event.what in ("stray", "broken") for event in scan.read(text))
    return broken + len(scan.frames)


def _closed_behind(base: Scan, before: str, after: str) -> dict[int, tuple[int, int]]:
    """For each frame that is open at the caret, by depth, where it is closed in `after`."""
    found: dict[int, tuple[int, int]] = {}
    scan, offset = base.copy(), len(before)
    left = len(base.frames)
    for event in scan.read(before + after):
        span = (event.start - offset, event.end - offset)
        if event.what == "stray" and len(scan.frames) <= left:
            char = after[span[0]]
            inner = range(len(scan.frames) - 1, max(-1, len(scan.frames) - _DEEPEST), -1)
            depth = next((d for d in inner if scan.frames[d].closer == char), None)
            if depth is not None:  # frames open within it are never closed
                left = depth
                found[left] = span
                scan.close(depth)
        elif event.what == "close" and len(scan.frames) < left:
            left = len(scan.frames)
            found[left] = span
        elif event.what == "broken":
            left = min(left, len(scan.frames))
        if not left:
            break
    return found
