"""Ghost text of what the kernel's figures and tables show: labels, limits, legends, categories.

They are certain enough to be shown without a model, and take precedence over a different text from
the model; a model's text that agrees and continues is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from nextedit_jupyter.core import CellEdit, Replacement, Suggestion, SuggestRequest, TextEdit
from nextedit_jupyter.core.plot_calls import (
    call_candidates,
    level_asked,
    plot_call,
    usual_quote,
)
from nextedit_jupyter.suggest.fitting import fitted
from nextedit_jupyter.suggest.lane import suggestion_id

KNOWN = 0.97  # the confidence of a text from the kernel
MIN_CHARS = 2  # characters: accepting one is a key press itself


@dataclass(frozen=True, slots=True)
class Drawn:
    """The text for the caret, and all alternatives.

    `typed` is the part of the `known` texts before the caret; `text` is None if several are equally
    likely.
    """

    typed: str
    known: tuple[str, ...]
    text: str | None

    def agrees(self, said: str) -> bool:
        """Whether a text for the caret agrees with one of the known ones, in either kind of
        quotes."""
        whole = _in_one_quote(self.typed + said)
        return any(whole.startswith(_in_one_quote(one)) for one in self.known)


def what_is_drawn(request: SuggestRequest) -> Drawn | None:
    """The texts for the caret from figures and tables; None if there are none."""
    facts, cell = request.facts, request.cell
    if not cell.is_code or not (facts.figures or facts.tables):
        return None
    before = cell.source[: request.caret.offset]
    call = plot_call(before, facts) if facts.figures else None
    if call is not None:
        quote = usual_quote([before, *(c.source for c in request.notebook.cells if c.is_code)])
        found = call_candidates(call, facts, before, quote)
        if not found:
            return None
        sure = next((one.text for one in found if one.is_sure), None)
        end = "" if call.is_keyword else ")"
        text = sure[len(call.typed) :] + end if sure is not None else None
        return Drawn(call.typed, tuple(one.text for one in found), text)
    level = level_asked(before, facts)
    if level is None:
        return None
    known = level.texts
    only = known[0][len(level.prefix) :] if len(known) == 1 else None
    return Drawn(level.prefix, known, only) if known else None


def with_drawn(request: SuggestRequest, drawn: Drawn, said: Suggestion | None) -> Suggestion | None:
    """What to show at the caret: `said` if it agrees with what is drawn, otherwise what is
    drawn."""
    if said is not None:
        text = "".join(r.text for change in said.edits for r in change.edit)
        if drawn.agrees(text):
            return said
    if drawn.text is None:
        return said
    source, offset = request.cell.source, request.caret.offset
    found = fitted(source[:offset], drawn.text, source[offset:])
    if found is None or len(found.text) < MIN_CHARS:
        return said
    edit = TextEdit((Replacement(offset, offset + found.replaced, found.text),))
    edits = (CellEdit.of(request.caret.cell, source, edit),)
    id = suggestion_id("inline", "symbols", edits)
    return Suggestion(id, "inline", "symbols", "complete", KNOWN, edits)


def _in_one_quote(text: str) -> str:
    return text.replace("'", '"')
