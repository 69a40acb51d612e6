"""Compares suggestions with what was really written, and computes intervals of shares.

Pure functions. `before`, `wanted` and `given` are whole texts of one cell: before the edit, as it
should become, and as the suggestion makes it.
"""

from __future__ import annotations

import ast
import difflib
import math
import random
import warnings
from collections import Counter
from collections.abc import Sequence

from nextedit_jupyter.analysis.magics import mask
from nextedit_jupyter.core.text_edit import TextEdit
from nextedit_jupyter.suggest.caret import caret_context

CHRF_ORDERS = range(1, 7)
CHRF_BETA = 2.0


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share. Source: Wilson, 1927."""
    if not count:
        return 0.0, 1.0
    share = hits / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def ratio_interval(
    pairs: Sequence[tuple[int, int]], *, rounds: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % bootstrap interval of sum(first) / sum(second), resampling the pairs."""
    if not pairs:
        return 0.0, 1.0
    rng = random.Random(seed)
    shares = []
    for _ in range(rounds):
        drawn = rng.choices(pairs, k=len(pairs))
        shares.append(sum(a for a, _ in drawn) / max(1, sum(b for _, b in drawn)))
    shares.sort()
    return shares[int(rounds * 0.025)], shares[min(rounds - 1, int(rounds * 0.975))]


def same_lines(wanted: str, given: str) -> bool:
    """Whether texts are equal except for line endings and trailing whitespace; indentation
    counts."""

    def normal(text: str) -> str:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return "\n".join(line.rstrip() for line in lines).strip("\n")

    return normal(wanted) == normal(given)


def delta_chrf(before: str, wanted: str, given: str) -> float:
    """chrF of the changes, 0 to 1: added and removed n-grams, orders 1 to 6, recall weighted twice.

    An n-gram's change is the difference of its counts after and before. 1 if neither text changes
    anything. Source: chrF (Popović, 2015) on differences, as in Zed.
    """
    if wanted == given:
        return 1.0
    precisions, recalls = [], []
    for order in CHRF_ORDERS:
        old = _ngrams(before, order)
        want, have = _change(old, _ngrams(wanted, order)), _change(old, _ngrams(given, order))
        both = sum(
            min(abs(n), abs(have[gram])) for gram, n in want.items() if n * have.get(gram, 0) > 0
        )
        expected, received = sum(map(abs, want.values())), sum(map(abs, have.values()))
        if expected:
            recalls.append(both / expected)
        if received:
            precisions.append(both / received)
    if not precisions or not recalls:
        return 0.0
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    if not precision or not recall:
        return 0.0
    weight = CHRF_BETA**2
    return (1 + weight) * precision * recall / (weight * precision + recall)


def _ngrams(text: str, order: int) -> Counter[str]:
    return Counter(text[i : i + order] for i in range(len(text) - order + 1))


def _change(old: Counter[str], new: Counter[str]) -> dict[str, int]:
    return {gram: n for gram in old.keys() | new.keys() if (n := new[gram] - old[gram])}


def exact_lines(before: str, wanted: str, given: str) -> tuple[int, int, int]:
    """Lines removed and added, except blank ones: how many agree, are offered, and are wanted.

    Precision is the first divided by the second, recall the first by the third.
    """
    want, have = _line_changes(before, wanted), _line_changes(before, given)
    return sum((want & have).values()), sum(have.values()), sum(want.values())


def _line_changes(before: str, after: str) -> Counter[str]:
    lines = difflib.ndiff(before.split("\n"), after.split("\n"))
    return Counter(line for line in lines if line[:2] in ("+ ", "- ") and line[2:].strip())


def f1(both: int, given: int, wanted: int) -> float:
    return 2 * both / (given + wanted) if given + wanted else 1.0


def first_changed_line(before: str, after: str) -> int | None:
    """The first differing line, from 0; None if the texts are equal."""
    edit = TextEdit.between(before, after)
    if not edit:
        return None
    return before.count("\n", 0, edit.replacements[0].start)


def reversal_ratio(history_before: str, present: str, given: str) -> float:
    """The share of a suggestion's changed characters that undo the user's changes.

    `history_before` is the cell before the user's own edits.
    """
    offered = TextEdit.between(present, given)
    changed = sum(r.end - r.start + len(r.text) for r in offered)
    if not changed:
        return 0.0
    undone = 0
    for back in TextEdit.between(history_before, present).invert(history_before):
        for mine in offered:
            undone += max(0, min(mine.end, back.end) - max(mine.start, back.start))
            if mine.start <= back.end and back.start <= mine.end and mine.text and back.text:
                undone += len(mine.text) if mine.text in back.text else 0
    return min(1.0, undone / changed)


# What may be missing between a caret and the end of its line, most likely first.
_WORDS = (
    *("", "_", " _", "=_", " in _", " _ in _", "_ in _", " import _", "_ import _", " _ import _"),
    *(" else _", "()", ":_", " _:_", " as _"),
)


def begins_python(text: str) -> bool:
    """Whether a truncated cell can be continued to a valid program.

    Judged by CPython's parser with short completions of the last line; magics are masked. It shares
    only the scan for open brackets with the gate that refuses unparsable suggestions.
    """
    context = caret_context(text)
    if context.place == "comment":
        return _parses(text) or _parses(text + "\npass") or _parses(text + _indented(text, "pass"))
    closers = context.closers
    body = _indented(text, "pass")
    for word in _WORDS:
        for tail in ("", ":" + body, body, ":_}" if "{" in context.brackets else ""):
            for inner in ("", " for _ in _") if closers else ("",):
                ending = word + inner + closers + tail
                if _parses(text + ending) or _parses(_with_handler(text + ending, text)):
                    return True
    return False


def _indented(text: str, statement: str) -> str:
    line = text[text.rfind("\n") + 1 :]
    return "\n" + line[: len(line) - len(line.lstrip())] + "    " + statement


def _with_handler(text: str, before: str) -> str:
    """The text with an `except` for an open `try`, and a body for a decorator."""
    line = before[before.rfind("\n") + 1 :]
    margin = line[: len(line) - len(line.lstrip())]
    if line.lstrip().startswith("@"):
        return f"{text}\n{margin}def _():{_indented(before, 'pass')}"
    for row in reversed(before.split("\n")):
        if row.strip() == "try:":
            margin = row[: len(row) - len(row.lstrip())]
            return f"{text}\n{margin}finally:\n{margin}    pass"
    return text


def parses(source: str) -> bool:
    """Whether a cell parses, with magics masked; other languages count as parsing."""
    return _parses(source)


def _parses(source: str) -> bool:
    masked = mask(source)
    if not masked.is_python or not masked.text.strip():
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(masked.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
