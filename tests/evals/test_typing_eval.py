"""The simulated typist, with stand-ins for the suggester."""

from __future__ import annotations

import pytest

from nextedit_jupyter.core import Cell, Notebook, SuggestRequest
from nextedit_jupyter.evals.typing import (
    TypingTally,
    choose_cells,
    leading_blanks,
    type_cell,
    typing_request,
)

NOTEBOOK = Notebook(
    "python",
    (
        Cell("a", "code", "import numpy as np"),
        Cell("m", "markdown", "text"),
        Cell("b", "code", "for x in y:\n    print(x)"),
        Cell("c", "code", "later = 1"),
    ),
)
TEXT = NOTEBOOK.cells[2].source


def typed(say: dict[int, str]) -> TypingTally:
    tally = TypingTally()
    type_cell(NOTEBOOK, 2, lambda request: say.get(request.caret.offset, ""), tally)
    return tally


def test_without_suggestions_every_character_is_typed_but_the_indentation() -> None:
    tally = typed({})
    assert (tally.characters, tally.saved, tally.shown) == (len(TEXT) - 4, 0, 0)
    assert tally.asked == tally.characters


def test_what_remains_to_be_typed_is_accepted_and_saves_its_length() -> None:
    tally = typed({0: "for x in y:"})
    assert (tally.saved, tally.accepted, tally.first_wrong) == (11, 1, 0)
    assert tally.report()["saved"] == pytest.approx(11 / tally.characters, abs=1e-4)


def test_given_blanks_within_an_accepted_text_are_not_saved() -> None:
    assert typed({0: TEXT}).saved == len(TEXT) - 4


def test_a_wrong_first_token_is_noise_and_a_wrong_second_is_not_accepted() -> None:
    wrong = typed({0: "while True"})
    assert (wrong.shown, wrong.accepted, wrong.first_wrong) == (1, 0, 1)
    late = typed({0: "for z in y"})
    assert (late.shown, late.accepted, late.first_wrong) == (1, 0, 0)


def test_a_text_that_is_typed_through_is_shown_once() -> None:
    standing = {i: "for x of"[i:] for i in range(7)}
    assert typed(standing).shown == 1


def test_the_notebook_being_typed_ends_at_the_caret() -> None:
    request: SuggestRequest = typing_request(NOTEBOOK, 2, 5)
    assert [cell.id for cell in request.notebook.cells] == ["a", "m", "b"]
    assert request.cell.source == TEXT[:5]
    assert request.notebook.cells[0].execution_count == 1


def test_leading_blanks_are_those_of_each_line() -> None:
    assert leading_blanks("a b\n  c\n\n d") == [
        *(False, False, False, False, True, True, False, False, False, True, False)
    ]


def test_chosen_cells_are_code_of_a_fair_length_and_the_same_for_a_seed() -> None:
    chosen = choose_cells([NOTEBOOK], 9, 0)
    assert chosen == choose_cells([NOTEBOOK], 9, 0)
    assert [index for _, index in chosen] == [2]
