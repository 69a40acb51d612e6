"""What was typed over or undone is not offered again, as far as one worker can know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellEdit,
    EditEvent,
    Notebook,
    Silence,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.suggest.model_lane import ModelAnswer
from nextedit_jupyter.suggest.suggester import Suggester

GUESS = "linspace(0, 1)"


class Guesses:
    """A model that says the same word wherever the word so far begins it, as sure as it is told."""

    def __init__(self, word: str = GUESS, confidence: float = 0.8) -> None:
        self.word, self.confidence = word, confidence
        self.rewrite: tuple[str, str] | None = None
        self.asked = 0

    def inline(self, request: SuggestRequest, deadline: float, cancelled: Any) -> ModelAnswer:
        self.asked += 1
        before = request.cell.source[: request.caret.offset]
        typed = before[before.rfind(".") + 1 :]
        if not self.word.startswith(typed) or typed == self.word:
            return ModelAnswer(silence={"inline": Silence("low_confidence")})
        edit = TextEdit.insert(request.caret.offset, self.word[len(typed) :])
        return ModelAnswer((self._made("inline", request, edit),))

    def next_edit(self, request: SuggestRequest, deadline: float, cancelled: Any) -> ModelAnswer:
        source = request.cell.source
        if self.rewrite is None or self.rewrite[0] not in source:
            return ModelAnswer(silence={"next_edit": Silence("no_change")})
        start = source.index(self.rewrite[0])
        edit = TextEdit.replace(start, start + len(self.rewrite[0]), self.rewrite[1])
        return ModelAnswer((self._made("next_edit", request, edit),))

    def prefill(self, request: SuggestRequest, cancelled: Any) -> None: ...

    def _made(self, kind: Any, request: SuggestRequest, edit: TextEdit) -> Suggestion:
        change = CellEdit.of(request.caret.cell, request.cell.source, edit)
        return Suggestion("s", kind, "model", "", self.confidence, (change,))


def seen(model: Guesses | None = None) -> Callable[..., str | None]:
    """Ask one suggester at one text of the cell after another: the ghost text, None for silence."""
    guesses = model or Guesses()
    made = Suggester(guesses, "b")  # type: ignore[arg-type]

    def at(
        marked: str,
        *,
        cell: str = "c",
        above: str = "import numpy as np",
        superseded: bool = False,
        drawn: str | None = None,
    ) -> str | None:
        before, _, after = marked.partition("|")
        cells = (Cell("top", "code", above), Cell(cell, "code", before + after))
        request = SuggestRequest(
            Notebook("python", cells), Caret(cell, len(before)), want=("inline",), drawn=drawn
        )
        asked = guesses.asked
        # A newer request comes while the model reads.
        is_late = lambda: superseded and guesses.asked > asked  # noqa: E731
        answer = made.answer(request, cancelled=is_late)
        if not answer.suggestions:
            return None
        return answer.suggestions[0].edits[0].edit.replacements[0].text

    return at


def test_what_was_typed_over_is_not_offered_at_its_place_again() -> None:
    at = seen()
    assert at("np.|") == GUESS
    assert at("np.a|") is None
    assert at("np.|") is None  # deleted again
    assert at("np.l|") is None
    assert at("np.linspace|") == "(0, 1)"  # typed by hand after all


def test_what_came_too_late_to_be_shown_was_not_typed_over() -> None:
    at = seen()
    for n in range(4):
        at(f"x{n} = np.|", superseded=True)
        assert at(f"x{n} = np.a|") is None
    assert at("x0 = np.|") == GUESS


@pytest.mark.parametrize(
    ("word", "shown", "typed", "then"),
    [
        ("np.ones(3)", "x =|", "x = |", "np.ones(3)"),
        ("np.ones(3)", "x =|", "x =  |", "np.ones(3)"),
        ("np.ones(3)", "x =|", "x = n|", "p.ones(3)"),
        (" np.ones(3)", "x =|", "x =n|", "p.ones(3)"),
        ("np.ones(3)", "x =|", "x = y|", None),
        ("np.ones(3)", "x =|", "x =\n|", None),
    ],
)
def test_a_blank_before_what_is_shown_is_no_other_text(
    word: str, shown: str, typed: str, then: str | None
) -> None:
    class Assigned(Guesses):
        def inline(self, request: SuggestRequest, deadline: float, cancelled: Any) -> ModelAnswer:
            before = request.cell.source[: request.caret.offset].partition("=")[2].lstrip(" ")
            said = self.word if not before else self.word.lstrip(" ").removeprefix(before)
            edit = TextEdit.insert(request.caret.offset, said)
            return ModelAnswer((self._made("inline", request, edit),))

    at = seen(Assigned(word))
    assert at(shown) == word
    assert at(typed) == then
    at("x =|")
    if then is None:
        assert at("x =|") is None


def test_what_the_page_did_not_draw_was_not_typed_over() -> None:
    at = seen()
    for n in range(4):
        assert at(f"x{n} = np.|", drawn="") == GUESS
        assert at(f"x{n} = np.a|", drawn="") is None
    assert at("x0 = np.|", drawn="other") == GUESS
    assert at("x0 = np.a|", drawn="s") is None  # the id of what was shown
    assert at("x0 = np.|", drawn="s") is None


def test_what_was_accepted_was_drawn_whatever_the_page_says() -> None:
    at = seen()
    assert at("np.|", drawn="") == GUESS
    at("np.linspace(0, 1)|", drawn="")
    assert at("np.|", drawn="") is None


def test_what_was_typed_into_and_then_over_counts_from_where_it_was_shown() -> None:
    at = seen()
    assert at("np.|") == GUESS
    assert at("np.l|") == GUESS[1:]
    assert at("np.lo|") is None
    assert at("np.l|") is None
    assert at("np.|") is None


def test_less_in_this_cell_and_as_before_in_others() -> None:
    at = seen(Guesses(confidence=0.92))
    assert at("np.|") == GUESS
    at("np.a|")
    line = "np.abs(x)\n"
    assert at(line + "np.|") == GUESS  # surer than it must be now
    at(line + "np.b|")
    assert at(line + line + "np.|") is None
    assert at("np.|", cell="d") == GUESS
    unsure = seen(Guesses(confidence=0.8))
    unsure("np.|")
    unsure("np.a|")
    assert unsure(line + "np.|") is None


def test_what_was_typed_over_three_times_is_not_offered_in_the_cell() -> None:
    at = seen(Guesses(confidence=0.99))
    text = ""
    for _ in range(3):
        assert at(text + "np.|") == GUESS
        at(text + "np.a|")
        text += "np.abs(x)\n"
    assert at(text + "np.|") is None


@pytest.mark.parametrize("way", [("np.linspace(0, 1)|",), ("np.linspace|", "np.linspace(0, 1)|")])
def test_an_acceptance_that_was_undone_is_not_offered_again(way: tuple[str, ...]) -> None:
    at = seen()
    assert at("np.|") == GUESS
    for step in way:
        at(step)
    assert at("np.|") is None


def test_an_undone_acceptance_is_known_though_more_was_typed_before_it_was_undone() -> None:
    at = seen()
    at("x = np.|")
    at("x = np.l|")
    at("x = np.linspace(0, 1)|")
    at("x = np.linspace(0, 1)\ny = 2|")
    assert at("x = np.l|") is None
    assert at("x = np.linspace(|") == "0, 1)"


def test_going_along_with_a_text_and_stopping_is_no_refusal() -> None:
    at = seen()
    assert at("np.|") == GUESS
    assert at("np.l|") == GUESS[1:]
    assert at("np.|") == GUESS
    assert at("x|\nnp.") is None
    assert at("np.|") == GUESS


def test_a_cell_of_the_same_id_in_another_notebook_is_another_cell() -> None:
    at = seen()
    at("np.|")
    at("np.a|")
    assert at("np.|", above="import other") == GUESS


def test_the_same_request_has_the_same_answer() -> None:
    at = seen()
    assert [at("np.|") for _ in range(5)] == [GUESS] * 5


def test_a_next_edit_that_was_undone_is_not_offered_again() -> None:
    model = Guesses()
    model.rewrite = ("lr=", "learning_rate=")
    made = Suggester(model, "b")  # type: ignore[arg-type]

    def offered(source: str, *more: str) -> bool:
        cells = tuple(Cell(f"c{i}", "code", text) for i, text in enumerate((source, *more)))
        history = (EditEvent("c9", "a", "b"),)
        request = SuggestRequest(
            Notebook("python", cells), Caret("c0", len(source)), history, want=("next_edit",)
        )
        return bool(made.answer(request).suggestions)

    assert offered("fit(lr=1)")
    assert not offered("fit(learning_rate=1)")
    assert not offered("fit(lr=1)")
    assert offered("fit(x, lr=1)")  # another text


TRIGGER = EditEvent("c0", "plt.plot(x, lw=2)", "plt.plot(x, linewidth=2)", "typed", 1.0)


@pytest.mark.parametrize("kind", ["next_edit", "rename"])
def test_an_undone_edit_of_another_cell_waits_until_its_reason_comes_again(kind: Any) -> None:
    """The record of edits dropped both the acceptance and its undoing."""
    first, then = "plt.plot(y, lw=2)", "plt.plot(y, linewidth=2)"

    class Spreads:
        def suggest(self, request: SuggestRequest, cancelled: Any) -> list[Suggestion]:
            if request.notebook.cells[1].source != first:
                return []
            edit = CellEdit.of("c1", first, TextEdit.between(first, then))
            return [Suggestion("s", kind, "patterns", "", 0.9, (edit,))]

    made = Suggester(symbols=Spreads())

    def offered(source: str, *history: EditEvent, **more: Any) -> bool:
        sources = (TRIGGER.after, source, "z = 3")
        cells = tuple(Cell(f"c{i}", "code", text) for i, text in enumerate(sources))
        request = SuggestRequest(Notebook("python", cells), Caret("c2", 5), history, **more)
        return any(s.kind == kind for s in made.answer(request).suggestions)

    other = EditEvent("c2", "", "z = 3", "typed", 9.0)
    assert offered(first, TRIGGER)
    assert offered(first, TRIGGER)  # not taken so far
    assert not offered(then, TRIGGER)
    assert not offered(first, TRIGGER)
    assert not offered(first, TRIGGER, other)
    again = EditEvent("c0", TRIGGER.before, TRIGGER.after, "typed", 20.0)
    assert offered(first, other, again)
    if kind == "rename":
        assert offered(first, TRIGGER, rename_to="linewidth")  # a command is no offer
