"""Windows of a text that move in coarse steps, and the lines in which two texts differ."""

from __future__ import annotations

from collections.abc import Sequence


def head_window(text: str, *, max_chars: int) -> str:
    """The start of `text`, at most `max_chars` characters, cut at a line end if there is one."""
    if len(text) <= max_chars:
        return text
    cut = text.rfind("\n", 1, max_chars)
    return text[: cut if cut > 0 else max_chars]


def tail_window(text: str, *, max_chars: int, step: int) -> str:
    """The end of `text`, about `max_chars` characters, beginning at a line.

    The beginning moves in steps of `step` characters of the text before, so that appending to the
    text keeps it in place for a while. Holds at most `max_chars` characters.
    """
    if len(text) <= max_chars:
        return text
    drop = -(-(len(text) - max_chars) // step) * step
    line = text.find("\n", drop - 1)
    start = line + 1 if 0 <= line < drop + step and line + 1 < len(text) else drop
    return text[start:]


def common_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """The lengths of the common prefix of two sequences, and of the common suffix of the rest."""
    shorter = min(len(old), len(new))
    start = 0
    while start < shorter and old[start] == new[start]:
        start += 1
    end = 0
    while end < shorter - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, end


def with_line_end(text: str, first: int, last: int) -> tuple[int, int]:
    """The span of whole lines to delete, with one line ending: the one after them if there is
    one."""
    if last < len(text):
        return first, last + 1
    return max(0, first - 1), last


def changed_lines(before: str, after: str) -> tuple[str, str]:
    """The whole lines in which two texts differ, as (old, new) without the last newline.

    For a pure insertion `old` is empty, for a pure deletion `new`.
    """
    old, new = before.split("\n"), after.split("\n")
    start, end = common_ends(old, new)
    return (
        "\n".join(old[start : len(old) - end]),
        "\n".join(new[start : len(new) - end]),
    )


def anchored_lines(before: str, after: str) -> tuple[str, str]:
    """`changed_lines`, but including the line above (or below) if one side is empty."""
    old, new = changed_lines(before, after)
    if old and new:
        return old, new
    was, now = before.split("\n"), after.split("\n")
    start = 0
    while start < min(len(was), len(now)) and was[start] == now[start]:
        start += 1
    lines = (new or old).split("\n")
    if start > 0:
        anchor = was[start - 1]
        return (
            ("\n".join([anchor, *lines]), anchor) if old else (anchor, "\n".join([anchor, *lines]))
        )
    if not before:
        return "", after
    anchor = was[len(lines)] if old and len(was) > len(lines) else was[0]
    return ("\n".join([*lines, anchor]), anchor) if old else (anchor, "\n".join([*lines, anchor]))


def line_window(text: str, offset: int, *, above: int, below: int, step: int) -> tuple[int, int]:
    """Start and end offsets of the whole lines around `offset`.

    The first line's number is a multiple of `step`; a text of up to `above + below` lines is
    returned whole.
    """
    lines = text.count("\n") + 1
    if lines <= above + below:
        return 0, len(text)
    row = text.count("\n", 0, offset)
    first = max(0, (row - above) // step * step)
    last = min(lines, first + above + below)
    start = 0
    for _ in range(first):
        start = text.index("\n", start) + 1
    end = start
    for _ in range(last - first):
        following = text.find("\n", end)
        if following < 0:
            return start, len(text)
        end = following + 1
    return start, end - 1


def find_lines(text: str, wanted: str, start: int, end: int, near: int) -> tuple[int, int] | None:
    """Where `wanted` occurs as whole lines in text[start:end], nearest to the offset `near`."""
    best: tuple[int, int] | None = None
    at = start
    while True:
        found = text.find(wanted, at, end)
        if found < 0:
            return best
        stop = found + len(wanted)
        whole = (found == 0 or text[found - 1] == "\n") and (
            stop == len(text) or text[stop] == "\n"
        )
        if whole and (best is None or _distance(found, stop, near) < _distance(*best, near)):
            best = (found, stop)
        at = found + 1


def _distance(start: int, end: int, near: int) -> int:
    return max(0, start - near, near - end)
