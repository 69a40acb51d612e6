"""Detects names that are still being typed: a rename to one would be a rename to half a word."""

from __future__ import annotations

import builtins
import keyword
import re
from bisect import bisect_left

from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.alignment import Window
from nextedit_jupyter.analysis.rename.orphaned import words_of
from nextedit_jupyter.core import Silence, SuggestRequest
from nextedit_jupyter.core.cache import by_text

_SMALL = re.compile(r"(?<!\w)\w*[a-z]\w*")
_FEW = 3
_IDENTIFIER = re.compile(r"[^\W\d]\w*")


def half_typed(
    request: SuggestRequest,
    window: Window,
    index: NotebookIndex,
    old: str,
    new: str,
    is_definition: bool,
) -> Silence | None:
    """Why a name with the caret at its end looks unfinished; None if it does not.

    The client asks after a pause, so most names are whole by then. It asks again when the caret
    leaves the name.
    """
    last = window.events[0]
    alignment = window.alignments.get(request.caret.cell)
    if last.origin != "typed" or request.caret.cell != last.cell or alignment is None:
        return None
    if sum(laid.count(old, new) for laid in window.alignments.values()) > 1:
        return None  # a name written twice is complete
    text = request.cell.source
    if not any(
        swap.now < request.caret.offset == _word_end(text, swap.now) for swap in alignment.swaps
    ):
        return None
    unfinished = is_unfinished(request, old, new)
    if not is_definition and not unfinished:
        known = index.bound_names() | {name.name for name in request.facts.names}
        unfinished = any(name != old and name.startswith(new) for name in known)
    return looks_half_typed(new) if unfinished else None


def is_unfinished(request: SuggestRequest, old: str, new: str) -> bool:
    """Whether the shape of a name, behind which the caret stands, is one of names that go on.

    Its last word, of a few letters, begins a longer one of the notebook and is none itself: of the
    beginnings of new names in real commits two in five are like that, of the whole ones one in
    fifty; with words of any length two in three, and one in thirty.
    """
    if sorted(old) == sorted(new) or (new.endswith("_") and _is_taken(new[:-1])):
        return False  # `_fitted` became `fitted_`
    return (
        (len(new) == 1 and len(old) >= 3)
        or (new.endswith("_") and not old.endswith("_"))
        or (old.startswith(new) and not is_whole(old, new))
        or (not _ends_alike(old, new) and _begins_a_word(request, new))
    )


def _is_taken(name: str) -> bool:
    """Whether Python has a name, so that one writes it with a `_` behind it."""
    return keyword.iskeyword(name) or hasattr(builtins, name)


def _ends_alike(old: str, new: str) -> bool:
    """Whether the last words of two names are one, so that a word before it was changed."""
    return words_of(old)[-1:] == words_of(new)[-1:]


def _begins_a_word(request: SuggestRequest, new: str) -> bool:
    """Whether the last word of a name is only a beginning, for what is written elsewhere."""
    word = (words_of(new) or [""])[-1]
    before = new[-len(word) - 1 : -len(word)]
    if not word.isalpha() or before.isdigit() or len(new) == 1 or len(word) > _FEW:
        return False
    is_capitals = len(word) > 1 and new.endswith(word.upper())
    found = len(word) == 1
    for cell in request.notebook.cells:
        text = cell.source
        if cell.is_off:
            continue
        if cell.id == request.caret.cell:
            at = request.caret.offset
            text = text[: at - len(new)] + text[at:]
        words = _vocabulary(text)[is_capitals]
        n = bisect_left(words, word)
        if n < len(words) and words[n] == word:
            return False
        if n < len(words) and words[n] == f"{word}s":
            n += 1
        found = found or (n < len(words) and words[n].startswith(word))
    return found


@by_text(500_000)
def _vocabulary(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of which the names in a text are made, and those of its prose, in order and in
    small letters; and of them those that are written in capitals.
    """
    return tuple(sorted(set(words_of(text)))), tuple(sorted(set(words_of(_SMALL.sub(" ", text)))))


def looks_half_typed(new: str) -> Silence:
    """The silence for a name that seems unfinished."""
    return Silence("low_confidence", f"`{new}` looks half typed", half_typed=new)


def _word_end(text: str, start: int) -> int:
    found = _IDENTIFIER.match(text, start)
    return found.end() if found else start


def is_whole(old: str, new: str) -> bool:
    """Whether `new` is `old` shortened at the edge of a word: total_sum, x1, items."""
    return old == new or (not new.endswith("_") and ends_at_edge(old, new))


def ends_at_edge(old: str, new: str) -> bool:
    """Whether `new`, a prefix of `old`, ends where a word of `old` ends."""
    rest = old[len(new) :]
    is_plural = rest == "s" and len(new) > 2
    is_edge = rest[:1] in ("_", *"0123456789") or rest[:1].isupper() or new[-1:].isdigit()
    return not rest or is_edge or is_plural
