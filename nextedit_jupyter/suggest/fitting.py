"""Which part of a completion fits at the caret: the line must parse with the text after it.

`suggest.brackets` determines what a text may open and close; here the resulting line is parsed.
"""

from __future__ import annotations

from collections.abc import Iterator

from nextedit_jupyter.analysis import syntax
from nextedit_jupyter.core.cache import LruCache
from nextedit_jupyter.core.word_characters import is_word_character
from nextedit_jupyter.suggest.brackets import Fit, faults, fit
from nextedit_jupyter.suggest.trim import without_overlap

# A body for a line that begins a block, so that only the line itself matters.
BODY = "pass"
# The number of shorter texts to try, each parsed with its cell (0.3 ms for 1,000 characters), and
# the limit on characters in total.
_TRIES, _PARSED = 12, 30_000


# Syntax errors of recent texts, by their hash: a keystroke changes only one cell.
_counts: LruCache[tuple[int, int], int] = LruCache(4_096)


def error_count(text: str) -> int:
    """The number of syntax errors in a cell's text."""
    return _counts.get_or_make((len(text), hash(text)), lambda: syntax.error_count(text))


def fitted(before: str, text: str, after: str, *, python: bool = True) -> Fit | None:
    """The longest prefix of `text` that fits at the caret; None if there is none.

    If nothing else is on the line, it may be left unfinished, as typing does: the gates judge that.
    Otherwise the line must parse at least as well as without it.
    """
    behind = after.split("\n", 1)[0].strip()
    if is_word_character(before[-1:]) and is_word_character(after[:1]):
        return None  # mid-word nothing more is wanted
    caret = len(before)
    tried: set[Fit] = set()
    size = len(before) + len(after) + 1
    tries = min(_TRIES, _PARSED // size)
    python = python and size <= _PARSED
    if behind and size > _PARSED:
        return None  # nobody checks whether the line would parse
    for shorter in _beginnings(text, tries):
        found = fit(before, shorter, after)
        if found.text != shorter.rstrip() and not shorter.startswith(found.text + "\n"):
            lines, newline, _ = found.text.rpartition("\n")
            if newline:  # several lines are all complete
                found = fit(before, lines, after)
        found = _without_overlap(found, before, after, python=python)
        if not found.text.strip():
            return None
        if not behind and not found.replaced:
            return found
        if found in tried or _runs_into(found.text[-1:], after[found.replaced :][:1]):
            continue
        tried.add(found)
        if not python or stands(
            before + after, found.apply(before, after), caret, caret + len(found.text)
        ):
            return found
    return None


def stands(was: str, now: str, caret: int, end: int) -> bool:
    """Whether `now` parses at least as well as `was`, which may lack an operand at the caret.

    `end` is where the caret is in `now`. Its line may lack a block's body and the colon before it.
    """
    allowed = min(map(error_count, as_it_stands(was, caret)))
    if allowed:
        whole = was[:caret] + "_" + was[caret:]
        allowed = min(allowed, *map(error_count, as_it_stands(whole, caret)))
    return any(error_count(text) <= allowed for text in as_it_stands(now, end))


def as_it_stands(text: str, caret: int) -> Iterator[str]:
    """`text`, and `text` with a body for the block that the caret's line may begin."""
    yield text
    start = text.rfind("\n", 0, caret) + 1
    end = text.find("\n", caret)
    end = len(text) if end < 0 else end
    line = text[start:end]
    body = "\n" + line[: len(line) - len(line.lstrip())] + "    " + BODY
    yield text[:end] + ":" + body + text[end:]
    yield text[:end] + body + text[end:]


def _beginnings(text: str, limit: int) -> Iterator[str]:
    """The text, then at most `limit` shorter ones, without splitting words."""
    yield text
    tries, end = 0, len(text) - 1
    while end > 0 and tries < limit:
        if (
            not (is_word_character(text[end - 1]) and is_word_character(text[end]))
            and text[end - 1] not in " \t"
        ):
            tries += 1
            yield text[:end]
        end -= 1


def _without_overlap(found: Fit, before: str, after: str, *, python: bool) -> Fit:
    """Remove an end that is already after the caret, unless the line parses better with it, or the
    end closes what the text opens."""
    text = without_overlap(found.text, after[found.replaced :])
    if text == found.text:
        return found
    short = Fit(text.rstrip(), found.replaced).shortest(after)
    if faults(short.apply(before, after)) > faults(found.apply(before, after)):
        return found
    if not python or error_count(short.apply(before, after)) <= error_count(
        found.apply(before, after)
    ):
        return short
    return found


def _runs_into(end: str, following: str) -> bool:
    """Whether two words would merge, or a call would be called again."""
    return (is_word_character(end) and is_word_character(following)) or (
        end in (")", "]") and following == "("
    )
