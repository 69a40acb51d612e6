"""Edits of one text and their algebra.

A `TextEdit` is a set of replacements, sorted and disjoint, whose offsets are code points of the
text it was made for. With `a` made for `t`, and `b` for `a.apply(t)`:

    a.compose(b).apply(t) == b.apply(a.apply(t))
    a.invert(t).apply(a.apply(t)) == t
    b = a.rebase(o):       b.apply(o.apply(t)) == o.rebase(a).apply(a.apply(t)) up to the order of
                           two insertions at one place, and None where both change one place
    r = a.interpolate(o):  r.apply(o.apply(t)) == a.apply(t)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Pairs of equal lines in two texts: difflib visits all of them for each stretch.
_MAX_PAIRS = 40_000


@dataclass(frozen=True, slots=True, order=True)
class Replacement:
    """The code points from `start` up to `end` become `text`."""

    start: int
    end: int
    text: str

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a replacement needs 0 <= start <= end, not {self.start}, {self.end}")

    @property
    def growth(self) -> int:
        """By how many code points the text grows."""
        return len(self.text) - (self.end - self.start)

    @property
    def is_noop(self) -> bool:
        return self.start == self.end and not self.text

    def shifted(self, by: int) -> Replacement:
        return Replacement(self.start + by, self.end + by, self.text)


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Sorted, disjoint replacements of one text; adjacent ones are merged, empty ones dropped."""

    replacements: tuple[Replacement, ...] = ()

    def __post_init__(self) -> None:
        merged: list[Replacement] = []
        for replacement in self.replacements:
            if replacement.is_noop:
                continue
            if merged and replacement.start < merged[-1].end:
                raise ValueError("replacements must be sorted and disjoint")
            if merged and replacement.start == merged[-1].end:
                last = merged.pop()
                replacement = Replacement(last.start, replacement.end, last.text + replacement.text)
            merged.append(replacement)
        object.__setattr__(self, "replacements", tuple(merged))

    @classmethod
    def of(cls, replacements: Iterable[Replacement]) -> TextEdit:
        """An edit from replacements in any order."""
        return cls(tuple(sorted(replacements, key=lambda r: (r.start, r.end))))

    @classmethod
    def replace(cls, start: int, end: int, text: str) -> TextEdit:
        return cls((Replacement(start, end, text),))

    @classmethod
    def insert(cls, at: int, text: str) -> TextEdit:
        return cls.replace(at, at, text)

    @classmethod
    def between(cls, before: str, after: str) -> TextEdit:
        """The edit that turns `before` into `after`: by lines, trimmed to what differs in each.

        Two texts with one changed stretch give one replacement. Cost is linear in the texts plus
        a line diff of the middle.
        """
        if before == after:
            return cls()
        prefix = _common_prefix(before, after)
        suffix = _common_suffix(before, after, prefix)
        old, new = before[prefix : len(before) - suffix], after[prefix : len(after) - suffix]
        if "\n" not in old or "\n" not in new:
            return cls.replace(prefix, prefix + len(old), new)
        # The lines of the whole middle, so that a change at a line's end keeps to that line.
        old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
        from difflib import SequenceMatcher  # imported here to keep the extension's load time short

        if len(old_lines) * len(new_lines) > 4_000_000:  # a paste over a huge cell: one hunk
            return cls.replace(prefix, prefix + len(old), new)
        old_at = _offsets(old_lines)
        new_at = _offsets(new_lines)
        replacements = []
        same = Counter(new_lines)
        if sum(same[line] for line in old_lines) <= _MAX_PAIRS:
            codes = SequenceMatcher(None, old_lines, new_lines, autojunk=False).get_opcodes()
        elif len(old_lines) == len(new_lines):  # a word replaced in hundreds of equal lines
            codes = [("replace", 0, len(old_lines), 0, len(new_lines))]
        else:
            return cls.replace(prefix, prefix + len(old), new)
        for tag, i1, i2, j1, j2 in codes:
            if tag == "equal":
                continue
            if i2 - i1 == j2 - j1:  # as many lines as before: compare line by line
                spans = [(i, i + 1, j, j + 1) for i, j in zip(range(i1, i2), range(j1, j2))]
            else:
                spans = [(i1, i2, j1, j2)]
            for a1, a2, b1, b2 in spans:
                was, now = old[old_at[a1] : old_at[a2]], new[new_at[b1] : new_at[b2]]
                if was == now:
                    continue
                head = _common_prefix(was, now)
                tail = _common_suffix(was, now, head)
                start = prefix + old_at[a1] + head
                replacements.append(
                    Replacement(start, prefix + old_at[a2] - tail, now[head : len(now) - tail])
                )
        return cls(tuple(replacements))

    def __bool__(self) -> bool:
        return bool(self.replacements)

    def __iter__(self) -> Iterator[Replacement]:
        return iter(self.replacements)

    def fits(self, text: str) -> bool:
        """Whether every offset lies within `text`."""
        return not self.replacements or self.replacements[-1].end <= len(text)

    def apply(self, text: str) -> str:
        """The text after this edit. Raises ValueError if an offset lies past its end."""
        if not self.fits(text):
            raise ValueError("this edit was made for a longer text")
        parts, at = [], 0
        for replacement in self.replacements:
            parts += [text[at : replacement.start], replacement.text]
            at = replacement.end
        parts.append(text[at:])
        return "".join(parts)

    def invert(self, text: str) -> TextEdit:
        """The edit that undoes this one; `text` is the text before it."""
        undone, growth = [], 0
        for replacement in self.replacements:
            start = replacement.start + growth
            undone.append(
                Replacement(
                    start,
                    start + len(replacement.text),
                    text[replacement.start : replacement.end],
                )
            )
            growth += replacement.growth
        return TextEdit(tuple(undone))

    def compose(self, then: TextEdit) -> TextEdit:
        """One edit that does this and `then`, which was made for the text after this."""
        result: list[Replacement] = []
        stream, at = _Output(self.replacements), 0
        for later in then.replacements:
            result += stream.take(later.start - at, keep=True)
            result += stream.take(later.end - later.start, keep=False)
            result.append(Replacement(stream.source, stream.source, later.text))
            at = later.end
        result += stream.rest()
        return TextEdit(tuple(result))

    def rebase(self, over: TextEdit) -> TextEdit | None:
        """This edit for the text after `over`, or None if both change the same place.

        Both were made for the same text. A replacement that `over` already made is dropped; of two
        insertions at one place, this one comes second.
        """
        rebased, growth, index = [], 0, 0
        others = over.replacements
        for mine in self.replacements:
            while index < len(others) and (
                others[index].end < mine.start
                or (others[index].end == mine.start and others[index] != mine)
            ):
                growth += others[index].growth
                index += 1
            if index < len(others) and others[index] == mine:
                continue
            if index < len(others) and _conflict(mine, others[index]):
                return None
            rebased.append(mine.shifted(growth))
        return TextEdit(tuple(rebased))

    def interpolate(self, typed: TextEdit) -> TextEdit | None:
        """What remains of this suggestion after the user typed part of it, or None.

        Both were made for the same text. The typed part must be the beginning of one replacement:
        it may have overwritten some of what the replacement overwrites.
        """
        if not typed:
            return self
        if len(typed.replacements) != 1:
            return None
        (key,) = typed.replacements
        left, growth, found = [], 0, False
        for mine in self.replacements:
            if (
                not found
                and key.start == mine.start
                and key.end <= mine.end
                and mine.text.startswith(key.text)
            ):
                found, growth = True, key.growth
                left.append(
                    Replacement(
                        mine.start + len(key.text), mine.end + growth, mine.text[len(key.text) :]
                    )
                )
            else:
                left.append(mine.shifted(growth))
        return TextEdit(tuple(left)) if found else None

    def map_offset(self, offset: int, *, after: bool = True) -> int:
        """Where `offset` of the text before lies in the text after.

        Inside a replaced stretch it goes to the end of the new text (`after`) or to its start.
        """
        growth = 0
        for replacement in self.replacements:
            if replacement.start > offset or (replacement.start == offset and not after):
                break
            if replacement.end > offset or (replacement.end == offset and not after):
                return replacement.start + growth + (len(replacement.text) if after else 0)
            growth += replacement.growth
        return offset + growth


class _Output:
    """Reads the new text from its start; `source` is the corresponding position in the old text."""

    def __init__(self, replacements: tuple[Replacement, ...]) -> None:
        self._left = list(reversed(replacements))
        self._pending = ""  # the unread rest of the current replacement's new text
        self.source = 0

    def take(self, length: int, *, keep: bool) -> Iterator[Replacement]:
        """Read `length` code points; yields the replacements of the old text that keep or drop
        them."""
        while length > 0:
            if self._pending:
                text, self._pending = self._pending[:length], self._pending[length:]
                length -= len(text)
                if keep:
                    yield Replacement(self.source, self.source, text)
                continue
            if self._left and self._left[-1].start == self.source:
                yield from self._enter()
                continue
            step = min(length, self._left[-1].start - self.source) if self._left else length
            if not keep:
                yield Replacement(self.source, self.source + step, "")
            self.source += step
            length -= step

    def rest(self) -> Iterator[Replacement]:
        """Keep everything that was not read."""
        yield Replacement(self.source, self.source, self._pending)
        while self._left:
            yield self._left.pop()

    def _enter(self) -> Iterator[Replacement]:
        entered = self._left.pop()
        yield Replacement(entered.start, entered.end, "")
        self.source, self._pending = entered.end, entered.text


def _conflict(a: Replacement, b: Replacement) -> bool:
    if a.start == a.end or b.start == b.end:
        # An insertion conflicts only strictly inside what the other replaces.
        return max(a.start, b.start) < min(a.end, b.end) or (
            a.start < b.start < a.end or b.start < a.start < b.end
        )
    return max(a.start, b.start) < min(a.end, b.end)


def _common_prefix(a: str, b: str) -> int:
    if a == b:
        return len(a)
    low, high = 0, min(len(a), len(b))
    while low < high:  # by halves: slices compare at memory speed
        middle = (low + high + 1) // 2
        if a[:middle] == b[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_suffix(a: str, b: str, taken: int) -> int:
    low, high = 0, min(len(a), len(b)) - taken
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle :] == b[len(b) - middle :]:
            low = middle
        else:
            high = middle - 1
    return low


def _offsets(lines: list[str]) -> list[int]:
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line))
    return offsets
