"""A key that was pasted and deleted again is in no prompt, no cache and no answer."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from holding import holding
from secret_families import FAMILIES, filled

from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, SuggestRequest
from nextedit_jupyter.suggest import Suggester, build_suggester
from nextedit_jupyter.suggest.model_lane import ModelAnswer
from nextedit_jupyter.suggest.secrets import Secrets

KEY = "sk-" + "proj-" + "Zk81hQpLw02nVbRt77aaYeTu"
PASTED = f'client = Client("{KEY}")\nfor row in rows:\n    pri'
CLEAN = 'client = Client("")\nfor row in rows:\n    pri'


def request(
    source: str, *events: tuple[str, str], other: str = "rows = [1, 2]", **fields: Any
) -> SuggestRequest:
    cells = (Cell("other", "code", other, 1), Cell("here", "code", source))
    history = tuple(
        EditEvent("here", before, after, "pasted", float(at))
        for at, (before, after) in enumerate(events)
    )
    return SuggestRequest(
        Notebook("python", cells), Caret("here", len(source)), history=history, **fields
    )


@pytest.fixture(scope="module")
def suggester() -> Suggester:
    found = build_suggester()
    assert found.model is not None, "the bundle of the package is needed here"
    return found


def test_the_model_is_silent_in_a_cell_with_a_secret_and_says_why(suggester: Suggester) -> None:
    answer = suggester.answer(request(PASTED))
    assert answer.suggestions == ()
    assert answer.silence["inline"].detail == "the cell contains a secret"
    assert answer.tokens.prompt == 0


def test_cells_with_a_secret_and_their_past_reach_no_prompt(suggester: Suggester) -> None:
    plain = suggester.answer(request("print(ro", other=""))
    hidden = suggester.answer(request("print(ro", other=f'api_key = "{KEY}"'))
    assert plain.tokens.prompt == hidden.tokens.prompt > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_a_secret_of_any_family_is_shown_to_no_model_by_any_way(
    suggester: Suggester, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[SuggestRequest] = []

    def look(visible: SuggestRequest, *_: object) -> ModelAnswer:
        shown.append(visible)
        return ModelAnswer()

    for way in ("inline", "next_edit", "prefill"):
        monkeypatch.setattr(suggester.model, way, look)
    secret = next(text for name, _, text in reversed(filled(0)) if name == family)
    for asked in (
        request("print(ro", other=secret),
        request("print(ro", (secret, "print(ro"), other=""),
        request("print(ro", ("", secret), (secret, "print(ro"), other=secret),
    ):
        shown.clear()
        suggester.answer(asked)
        suggester.prefill(asked)
        assert shown
        for seen in shown:
            texts = [cell.source for cell in seen.notebook.cells]
            texts += [text for event in seen.history for text in (event.before, event.after)]
            assert secret not in texts
    shown.clear()
    answer = suggester.answer(request(f"{secret}\nprint(ro"))
    suggester.prefill(request(f"{secret}\nprint(ro"))
    assert answer.silence["inline"].detail == "the cell contains a secret"
    assert not shown


def test_a_key_pasted_and_deleted_is_held_nowhere(suggester: Suggester) -> None:
    suggester.answer(request("client = "))
    suggester.answer(request(PASTED, ("client = ", PASTED)))
    suggester.answer(request("print(row", other=PASTED))
    suggester.prefill(request(PASTED))
    suggester.answer(request(CLEAN, ("client = ", PASTED), (PASTED, CLEAN)))
    ours = [
        vars(module) for name, module in sys.modules.items() if name.startswith("nextedit_jupyter.")
    ]
    assert holding(KEY, suggester, *ours) == []


def test_a_rename_in_a_notebook_with_a_secret_goes_on(suggester: Suggester) -> None:
    before, after = "table = 1", "frame = 1"
    cells = (
        Cell("a", "code", after),
        Cell("b", "code", f'print(table, "{KEY}")'),
    )
    event = EditEvent("a", before, after, "typed", 0.0)
    asked = SuggestRequest(
        Notebook("python", cells), Caret("a", 5), history=(event,), want=("rename",)
    )
    (rename,) = suggester.answer(asked).suggestions
    assert [change.cell for change in rename.edits] == ["b"]


def test_a_cell_is_looked_at_again_once_it_changed_however_many_were_seen() -> None:
    secrets = Secrets(size=4)
    for number in range(12):  # more texts than are remembered, by turns with a secret
        clean = request("print(row", other=f"rows = [{number}]")
        assert secrets.without_cells(clean) is clean
        assert secrets.without_cells(clean) is clean
        visible = secrets.without_cells(request("print(row", other=f'key_{number} = "{KEY}"'))
        assert visible is not None
        assert [cell.id for cell in visible.notebook.cells] == ["here"]
