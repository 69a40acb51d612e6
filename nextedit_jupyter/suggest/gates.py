"""Every gate: a pure function that says why a suggestion must not be shown, or None if it may.

A gate gets the request and one suggestion; its caches only save time. `suggest.suggester` decides
which gates a lane's suggestions pass, and in which order. `suggest.trim` shortens completions
instead of refusing them (an overlap with the text after the caret, a loop).
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from nextedit_jupyter.analysis import grammars, names
from nextedit_jupyter.core import CellEdit, Silence, Suggestion, SuggestRequest
from nextedit_jupyter.core.cache import LruCache
from nextedit_jupyter.core.history import without_taken_back
from nextedit_jupyter.core.tags import OFF_TAG
from nextedit_jupyter.core.text_edit import TextEdit
from nextedit_jupyter.core.word_characters import word_start
from nextedit_jupyter.engine.filters import is_clean
from nextedit_jupyter.suggest.caret import caret_context
from nextedit_jupyter.suggest.fitting import BODY, error_count, stands
from nextedit_jupyter.suggest.taken_back import brings_back, brought_back, pasts_of

Gate = Callable[[SuggestRequest, Suggestion], Silence | None]

# Sweep's bounds: a rewrite that deletes and adds more lines than that, some of them above the
# caret, is a runaway model.
MAX_REWRITTEN_LINES = 5


def changes_nothing(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
    """Every edit must change its cell, and at least one must be left."""
    for change, source in _sources(request, suggestion):
        if change.edit.apply(source) == source:
            return Silence("no_change")
    return None if suggestion.edits else Silence("no_change")


def is_stale(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
    """Every edit must be made for the text in the request, and lie within it."""
    if suggestion.apply(request.notebook) is None:
        return Silence("stale")
    return None


def touches_switched_off(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
    """A cell that is locked, or has the tag `nextedit-off`, is never changed."""
    for change in (*suggestion.edits, *suggestion.optional):
        cell = request.notebook.cell(change.cell)
        if cell is not None and cell.is_off:
            return Silence("off", f"a cell is switched off by its tag {OFF_TAG}")
        if cell is not None and not cell.editable:
            return Silence("off", "a cell is locked")
    return None


def reverts_user(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
    """A suggestion must not restore what the user just changed.

    Refused are: a cell's whole text before an event of the history, any replacement that undoes one
    that led from such a text to the present one, and an insertion at the caret that begins with
    what was deleted there. Explicit commands are exempt, and what was accepted is restored if the
    user gives a definition its old name again: its uses would be unknown.
    """
    if request.rename_to is not None:
        return None
    if suggestion.kind == "inline":  # `suggest.memory` knows how much of it was typed since
        request = replace(request, history=without_taken_back(request.history))
    follows = suggestion.lane == "symbols" and not suggestion.is_guess
    for change, source in _sources(request, suggestion):
        pasts = pasts_of(request, change.cell, source, since_accepted=follows)
        if not pasts:
            continue
        if change.edit.apply(source) in pasts:
            return Silence("reverts_user")
        backs = brought_back(source, pasts)
        if any(brings_back(mine, source, backs) for mine in change.edit):
            return Silence("reverts_user")
    return None


def breaks_syntax(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
    """Each cell parses at least as well after the edit as before, magics masked.

    An inline suggestion at a line's end may leave it unfinished, as typing does: the line is
    completed in the shortest way (brackets closed, an operand added, a body for a block), both
    before and after. In the middle of a line only a block's body may be missing.
    """
    for change, source in _sources(request, suggestion):
        if _swaps_names(change.edit, source):
            continue
        allowed = error_count(source)
        after = change.edit.apply(source)
        if suggestion.kind == "inline" and len(change.edit.replacements) == 1:
            (only,) = change.edit.replacements
            end = only.start + len(only.text)
            if only.end > only.start or _line_from(source, only.start).strip():
                if not stands(source, after, only.start, end):
                    return Silence("breaks_syntax")
                continue
            if allowed:  # the line was already unfinished
                allowed = min(allowed, *map(error_count, _finished(source, only.start)))
            texts = [after, *_finished(after, end)]
        else:
            texts = [after]
        if any(error_count(text) <= allowed for text in texts):
            continue
        return Silence("breaks_syntax")
    return None


def breaks_syntax_of(language: str) -> Gate:
    """The same for another language, if its grammar is installed: no syntax error is added."""

    def breaks_other_syntax(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
        for change, source in _sources(request, suggestion):
            before = grammars.error_count(source, language)
            after = grammars.error_count(change.edit.apply(source), language)
            if before is not None and after is not None and after > before:
                return Silence("breaks_syntax")
        return None

    return breaks_other_syntax


def _swaps_names(edit: TextEdit, source: str) -> bool:
    """Whether each replacement replaces one name by another, which cannot add syntax errors.

    Saves compiling all cells for a rename over 200 cells: 4 of 10 ms.
    """
    return all(
        _is_plain_name(r.text)
        and _is_plain_name(source[r.start : r.end])
        and not _WORD_OR_QUOTE.match(source[r.start - 1 : r.start])
        and not _WORD_OR_QUOTE.match(source[r.end : r.end + 1])
        for r in edit
    )


def _is_plain_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text) and not keyword.issoftkeyword(text)


def uses_unknown_name(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
    """No name may be read that neither notebook nor kernel nor builtins define.

    An unfinished line is completed in the shortest way, so that words in an open string are not
    names; a name that the rest of the line may still bind (a target or a keyword before its `=`, a
    comprehension's variable) does not count as read yet.
    """
    for change, source in _sources(request, suggestion):
        if _says_known_words(request, change, source):
            continue
        after = change.edit.apply(source)
        may_be_bound: frozenset[str] = frozenset()
        if suggestion.kind == "inline" and len(change.edit.replacements) == 1:
            (only,) = change.edit.replacements
            end = only.start + len(only.text)
            texts = (after, *_finished(after, end))
            whole = next((text for text in texts if not error_count(text)), None)
            if whole is None:
                continue  # it is unclear what is a name here
            may_be_bound = _may_be_bound(after[:end])
            after = whole
        unknown = names.unknown_names(request, change.cell, after) - may_be_bound
        if unknown:
            return Silence("unknown_name", ", ".join(sorted(unknown)[:3]))
    return None


def names_elsewhere(request: SuggestRequest) -> frozenset[str]:
    """The names of the other cells and the kernel; the first reading of 1,000 cells takes 250
    ms."""
    return _names_known(request, request.caret.cell)


_TARGETS = re.compile(r"\s*(?:for\s+)?\*?[^\W\d]\w*(?:\s*,\s*\*?[^\W\d]\w*)*\s*,?\s*\Z")
_LONGEST_LINE = 1_000  # characters that these expressions are tried on
_LAST_ARGUMENT = re.compile(r"[(,]\s*([^\W\d]\w*)\Z")


def _may_be_bound(text: str) -> frozenset[str]:
    """Names on the unfinished last line of `text` that may still become targets."""
    line = text[text.rfind("\n") + 1 :]
    context = caret_context(text)
    if context.place in ("string", "comment") or len(line) > _LONGEST_LINE:
        return frozenset()
    if not context.brackets:
        return frozenset(_WORD.findall(line)) if _TARGETS.match(line) else frozenset()
    if context.brackets[-1] in "[{":  # `[x ** 2` may continue with `for x in`
        return frozenset(_WORD.findall(line[max(line.rfind(context.brackets[-1]), 0) :]))
    argument = _LAST_ARGUMENT.search(text)
    return frozenset((argument[1],)) if argument else frozenset()


def below(threshold: float) -> Gate:
    """The gate that requires a confidence of at least `threshold`."""

    def low_confidence(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
        if suggestion.confidence < threshold:
            return Silence("low_confidence", f"{suggestion.confidence:.2f} < {threshold:.2f}")
        return None

    return low_confidence


def has_bad_characters(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
    """No control, bidirectional, zero-width or tag character that is not already in the cell."""
    for change, source in _sources(request, suggestion):
        for replacement in change.edit:
            if not is_clean(replacement.text, source):
                return Silence("refused", "the text contains characters that hide or reorder text")
    return None


def inserts_above_caret(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
    """A next edit must not only insert lines above the caret's line, where the user is already
    done."""
    line = _caret_line_start(request)
    for change in suggestion.edits:
        if change.cell != request.caret.cell:
            continue
        if all(r.start == r.end and "\n" in r.text and r.end < line for r in change.edit):
            return Silence("refused", "it only inserts above the caret")
    return None


def rewrites_too_much(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
    """More than five lines added and five deleted, with a change above the caret, is a runaway
    model."""
    line = _caret_line_start(request)
    for change, source in _sources(request, suggestion):
        added = sum(r.text.count("\n") for r in change.edit)
        deleted = sum(source.count("\n", r.start, r.end) for r in change.edit)
        above = change.cell == request.caret.cell and any(r.start < line for r in change.edit)
        if above and added > MAX_REWRITTEN_LINES and deleted > MAX_REWRITTEN_LINES:
            return Silence("refused", "it rewrites too many lines")
    return None


def deletes_only_blanks(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
    """A change of whitespace alone is not worth showing."""
    for change, source in _sources(request, suggestion):
        if all(not r.text.strip() and not source[r.start : r.end].strip() for r in change.edit):
            return Silence("no_change", "only white space differs")
    return None


def inside_leading_blanks(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
    """Nothing is offered inside a line's indentation: editors indent automatically.

    A fifth of a small model's wrong first tokens were there.
    """
    if suggestion.kind != "inline":
        return None
    source, offset = request.cell.source, request.caret.offset
    line = source[source.rfind("\n", 0, offset) + 1 : offset]
    if line.strip():
        return None
    after = source[offset : offset + 1]
    text = "".join(r.text for change in suggestion.edits for r in change.edit)
    if after in (" ", "\t") or text[:1] in (" ", "\t"):
        return Silence("no_change", "the caret is inside a line's indentation")
    return None


def repeats_neighbours(request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
    """An inline suggestion must not make its line a copy of the line above or below."""
    if suggestion.kind != "inline":
        return None
    for change, source in _sources(request, suggestion):
        for r in change.edit:
            after = change.edit.apply(source)
            start = after.rfind("\n", 0, r.start) + 1
            first_end = after.find("\n", r.start)
            line = after[start : first_end if first_end >= 0 else len(after)].strip()
            end = after.find("\n", r.start + len(r.text))
            above = after[: max(start - 1, 0)].rsplit("\n", 1)[-1].strip()
            below_ = after[end + 1 :].split("\n", 1)[0].strip() if end >= 0 else ""
            if len(line) > 3 and line in (above, below_):
                return Silence("no_change", "the line is already there")
    return None


_WORD_OR_QUOTE = re.compile(r"[\w'\"]")
# Words that may be read as names: neither attributes nor words before an `=`.
_READ_WORD = re.compile(r"(?<![\w.])[^\W\d]\w*(?!\w)(?!\s*=(?!=))")
_WORD = re.compile(r"[^\W\d]\w*")
_SYNTAX_WORDS = frozenset(keyword.kwlist) | frozenset(keyword.softkwlist) | names.ALWAYS_KNOWN


def _says_known_words(request: SuggestRequest, change: CellEdit, source: str) -> bool:
    """Whether each word of the new text is a known name or occurs in the cell, as most do.

    Saves reading the whole notebook, which takes 10 ms for 1,000 cells.
    """
    words = _words_of(change.edit, change.edit.apply(source))
    words -= _SYNTAX_WORDS
    words -= set(_WORD.findall(source))
    return not words or words <= _names_known(request, change.cell)


def _words_of(edit: TextEdit, after: str) -> set[str]:
    """The words that an edit creates or touches; `after` is the text after it."""
    words: set[str] = set()
    growth = 0
    for r in edit:
        start = r.start + growth
        growth += r.growth
        for match in _READ_WORD.finditer(after, word_start(after, start)):
            if match.start() >= start + len(r.text):
                break
            words.add(match[0])
    return words


# The names known without one cell, for the notebooks of recent requests.
_known: LruCache[tuple[str, int], frozenset[str]] = LruCache(4)


def _names_known(request: SuggestRequest, cell: str) -> frozenset[str]:
    others = tuple(c for c in request.notebook.cells if c.id != cell)
    key = (cell, hash((tuple((c.id, c.source) for c in others), request.facts.names)))
    return _known.get_or_make(
        key,
        lambda: names.known_names(replace(request.notebook, cells=others), request.facts),
    )


def _sources(request: SuggestRequest, suggestion: Suggestion) -> Iterator[tuple[CellEdit, str]]:
    for change in suggestion.edits:
        cell = request.notebook.cell(change.cell)
        if cell is not None:
            yield change, cell.source


def _line_from(text: str, at: int) -> str:
    end = text.find("\n", at)
    return text[at:] if end < 0 else text[at:end]


def _caret_line_start(request: SuggestRequest) -> int:
    return request.cell.source.rfind("\n", 0, request.caret.offset) + 1


def _finished(text: str, end: int) -> Iterator[str]:
    """`text` with the shortest completions of what is unfinished at `end`."""
    context = caret_context(text[:end])
    if context.place == "comment":
        yield text
        return
    line = text[text.rfind("\n", 0, end) + 1 : end]
    margin = "\n" + line[: len(line) - len(line.lstrip())]
    body = margin + "    " + BODY
    tails = [
        operand + context.closers + block for operand in ("", "_") for block in ("", ":" + body)
    ]
    tails.append(body)
    if line.strip() == "try:":
        tails.append(f"{body}{margin}finally:{body}")
    elif line.lstrip().startswith("@"):
        tails.append(f"{context.closers}{margin}def _():{body}")
    for tail in tails:
        yield text[:end] + tail + text[end:]
