"""The suggester with stand-in lanes: who is asked, what is shown, why nothing is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellEdit,
    EditEvent,
    KernelError,
    KernelFacts,
    Notebook,
    Silence,
    Suggestion,
    SuggestRequest,
    TextEdit,
    TokenCounts,
)
from nextedit_jupyter.core.suggestion import Kind, Lane
from nextedit_jupyter.suggest import gates
from nextedit_jupyter.suggest.model_lane import ModelAnswer
from nextedit_jupyter.suggest.suggester import Suggester, SuggesterSettings


class FakeLane:
    def __init__(self, *said: Suggestion | Silence | Exception) -> None:
        self.said = said
        self.asked = 0

    def suggest(
        self, request: SuggestRequest, cancelled: Callable[[], bool]
    ) -> Sequence[Suggestion] | Silence:
        self.asked += 1
        for item in self.said:
            if isinstance(item, Exception):
                raise item
            if isinstance(item, Silence):
                return item
        return [item for item in self.said if isinstance(item, Suggestion)]


class FakeModel:
    def __init__(self, text: str = "1", next_edit: Suggestion | None = None) -> None:
        self.text = text
        self.next = next_edit
        self.seen: list[tuple[str, SuggestRequest]] = []

    def inline(self, request: SuggestRequest, deadline: float, cancelled: Any) -> ModelAnswer:
        self.seen.append(("inline", request))
        offset = request.caret.offset
        edit = CellEdit.of(
            request.caret.cell, request.cell.source, TextEdit.insert(offset, self.text)
        )
        made = Suggestion("i", "inline", "model", "", 0.9, (edit,))
        return ModelAnswer((made,), {}, 2.0, 3.0, TokenCounts(10, 5, 2, 0, 0))

    def next_edit(self, request: SuggestRequest, deadline: float, cancelled: Any) -> ModelAnswer:
        self.seen.append(("next_edit", request))
        if self.next is None:
            return ModelAnswer(silence={"next_edit": Silence("low_confidence")})
        return ModelAnswer((self.next,))

    def prefill(self, request: SuggestRequest, cancelled: Any) -> None:
        self.seen.append(("prefill", request))


def notebook(*cells: Cell, language: str = "python") -> Notebook:
    return Notebook(language, cells)


A = Cell("a", "code", "x = ")
B = Cell("b", "code", "print(y)")


def ask(*cells: Cell, language: str = "python", **fields: Any) -> SuggestRequest:
    cells = cells or (A, B)
    return SuggestRequest(
        notebook(*cells, language=language), Caret(cells[0].id, len(cells[0].source)), **fields
    )


EDITED = (EditEvent("a", "x = 0", A.source),)  # a model is asked to continue what was changed


def change(cell: Cell, old: str, new: str, kind: Kind = "rename", lane: Lane = "symbols") -> Any:
    start = cell.source.index(old)
    edit = CellEdit.of(cell.id, cell.source, TextEdit.replace(start, start + len(old), new))
    return Suggestion(f"{lane}-{old}-{new}", kind, lane, "", 0.95, (edit,))


def suggester(model: Any = None, **lanes: Any) -> Suggester:
    lanes = {"symbols": FakeLane(), "patterns": FakeLane(), "fixes": FakeLane()} | lanes
    return Suggester(model, "bundle/1" if model else None, **lanes)


def test_each_kind_comes_from_its_lane_in_the_order_that_was_asked() -> None:
    rename, fix = change(B, "y", "z"), change(B, "print", "repr", "next_edit")
    made = suggester(FakeModel("1"), symbols=FakeLane(rename), fixes=FakeLane(fix))
    answer = made.answer(ask())
    assert [s.kind for s in answer.suggestions] == ["inline", "next_edit", "rename"]
    assert answer.silence == {}
    assert answer.bundle == "bundle/1"
    assert (answer.timing.prefill, answer.timing.decode, answer.tokens.prompt) == (2.0, 3.0, 10)


def test_only_what_is_wanted_is_asked_for() -> None:
    model, symbols = FakeModel(), FakeLane()
    answer = suggester(model, symbols=symbols).answer(ask(want=("inline",)))
    assert [name for name, _ in model.seen] == ["inline"]
    assert symbols.asked == 0
    assert set(answer.silence) == set()


def test_every_wanted_kind_that_is_absent_has_its_reason() -> None:
    model = FakeModel("= = =")
    answer = suggester(model, symbols=FakeLane(Silence("refused", "`list` is a builtin"))).answer(
        ask(history=EDITED)
    )
    assert answer.silence["inline"].reason == "breaks_syntax"
    assert answer.silence["next_edit"].reason == "low_confidence"
    assert answer.silence["rename"] == Silence("refused", "`list` is a builtin")


def test_without_a_bundle_the_other_lanes_serve_and_the_model_says_why_not() -> None:
    made = Suggester(
        problem="run `jupyter nextedit model install`",
        symbols=FakeLane(change(B, "y", "z")),
        patterns=FakeLane(),
        fixes=FakeLane(),
    )
    answer = made.answer(ask())
    assert [s.kind for s in answer.suggestions] == ["rename"]
    assert answer.silence["inline"] == Silence("no_model", "run `jupyter nextedit model install`")
    assert answer.bundle is None
    assert made.lanes == ["symbols", "patterns"]


def test_a_lane_that_fails_is_logged_without_the_text_and_the_others_serve(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = suggester(FakeModel(), symbols=FakeLane(ValueError("secret = 'hunter2'"))).answer(
            ask()
        )
    assert [s.kind for s in answer.suggestions] == ["inline"]
    assert "ValueError" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("error", [RecursionError(), MemoryError(), AssertionError("x")])
def test_no_failure_of_a_lane_reaches_the_caller(error: Exception) -> None:
    answer = suggester(
        symbols=FakeLane(error), patterns=FakeLane(error), fixes=FakeLane(error)
    ).answer(ask())
    assert set(answer.silence) == {"inline", "next_edit", "rename"}


def test_a_pattern_at_a_place_of_a_rename_is_dropped() -> None:
    rename, same = change(B, "y", "z"), change(B, "y", "z", "rename", "patterns")
    other = change(B, "print", "show", "next_edit", "patterns")
    answer = suggester(symbols=FakeLane(rename), patterns=FakeLane(same, other)).answer(ask())
    assert [s.lane for s in answer.suggestions if s.kind == "rename"] == ["symbols"]
    assert [s.lane for s in answer.suggestions if s.kind == "next_edit"] == ["patterns"]


def test_a_proven_edit_leaves_nothing_for_the_model_to_guess() -> None:
    for proven in (change(B, "y", "z", "next_edit"), change(B, "y", "z")):
        model = FakeModel(next_edit=change(B, "print", "repr", "next_edit", "model"))
        answer = suggester(model, symbols=FakeLane(proven)).answer(ask())
        assert [s.lane for s in answer.suggestions] == ["model", "symbols"]
        assert [name for name, _ in model.seen] == ["inline"]


def test_the_models_next_edit_is_shown_where_no_other_lane_has_one() -> None:
    model = FakeModel(next_edit=change(B, "print", "repr", "next_edit", "model"))
    answer = suggester(model).answer(ask(want=("next_edit",), history=EDITED))
    assert [(s.kind, s.lane) for s in answer.suggestions] == [("next_edit", "model")]


def test_an_unsure_pattern_is_not_shown() -> None:
    unsure = Suggestion(
        "p", "next_edit", "patterns", "", 0.5, change(B, "y", "z", "next_edit").edits
    )
    answer = suggester(patterns=FakeLane(unsure)).answer(ask())
    assert answer.suggestions == ()


def test_a_cell_switched_off_is_neither_read_nor_changed() -> None:
    off = Cell("off", "code", "print(y)", tags=("nextedit-off",))
    both = Suggestion(
        "r",
        "rename",
        "symbols",
        "",
        0.9,
        (*change(B, "y", "z").edits, *change(off, "y", "z").edits),
    )
    model = FakeModel()
    event = EditEvent("off", "print(k)", "print(y)")
    answer = suggester(model, symbols=FakeLane(both)).answer(ask(A, B, off, history=(event,)))
    rename = answer.suggestions[-1]
    assert [edit.cell for edit in rename.edits] == ["b"]
    assert rename.notes == ("cell 3 is switched off by the tag nextedit-off: not changed",)
    told = replace(both, notes=("what a lane says of it",), left_alone=("off",))
    again = suggester(FakeModel(), symbols=FakeLane(told)).answer(ask(A, B, off))
    assert again.suggestions[-1].notes == told.notes  # named once
    seen = model.seen[0][1]
    assert [cell.id for cell in seen.notebook.cells] == ["a", "b"]
    assert seen.history == ()


def test_in_a_cell_switched_off_nothing_is_offered() -> None:
    off = Cell("off", "code", "x = ", tags=("nextedit-off",))
    model, symbols = FakeModel(), FakeLane(change(B, "y", "z"))
    made = suggester(model, symbols=symbols)
    answer = made.answer(ask(off, B))
    made.prefill(ask(off, B))
    assert answer.suggestions == ()
    assert {s.reason for s in answer.silence.values()} == {"off"}
    assert (model.seen, symbols.asked) == ([], 0)


def test_other_languages_have_the_model_alone() -> None:
    model, symbols = FakeModel("= ="), FakeLane(change(B, "y", "z"))
    answer = suggester(model, symbols=symbols).answer(ask(language="julia"))
    assert [s.kind for s in answer.suggestions] == ["inline"]  # and no Python is expected of it
    assert symbols.asked == 0
    assert answer.silence["rename"].reason == "off"


def test_a_cancelled_request_stops_at_once() -> None:
    model, symbols = FakeModel(), FakeLane(change(B, "y", "z"))
    answer = suggester(model, symbols=symbols).answer(ask(), cancelled=lambda: True)
    assert answer.suggestions == ()
    assert {s.reason for s in answer.silence.values()} == {"throttled"}
    assert (model.seen, symbols.asked) == ([], 0)


def test_past_the_deadline_no_lane_is_asked() -> None:
    model, symbols = FakeModel(), FakeLane(change(B, "y", "z"))
    answer = suggester(model, symbols=symbols).answer(ask(deadline_ms=1e-9))
    assert {s.reason for s in answer.silence.values()} == {"deadline"}
    assert (model.seen, symbols.asked) == ([], 0)


def test_an_explicit_rename_asks_the_symbols_lane_alone() -> None:
    patterns, fixes = FakeLane(), FakeLane()
    suggester(patterns=patterns, fixes=fixes).answer(ask(rename_to="z", want=("rename",)))
    assert (patterns.asked, fixes.asked) == (0, 0)


def test_a_stale_edit_is_dropped() -> None:
    stale = change(Cell("b", "code", "print(y, y)"), "y", "z")
    answer = suggester(symbols=FakeLane(stale)).answer(ask())
    assert answer.suggestions == ()
    assert answer.silence["rename"].reason == "stale"


def test_no_more_than_the_cap_is_shown_of_a_kind() -> None:
    many = [change(B, "y", f"z{i}", "next_edit", "patterns") for i in range(9)]
    made = Suggester(
        symbols=FakeLane(),
        patterns=FakeLane(*many),
        fixes=FakeLane(),
        settings=SuggesterSettings(limits={"next_edit": 2}),
    )
    answer = made.answer(ask())
    assert [s.id for s in answer.suggestions] == ["patterns-y-z0", "patterns-y-z1"]


def test_unknown_names_are_refused_of_the_model_unless_that_is_switched_off() -> None:
    model = FakeModel("nobody_knows")
    refused = suggester(model).answer(ask(want=("inline",)))
    assert refused.silence["inline"].reason == "unknown_name"
    free = Suggester(model, settings=SuggesterSettings(unknown_names=True))  # type: ignore[arg-type]
    assert free.answer(ask(want=("inline",))).suggestions


def test_the_real_lanes_answer_the_same_request_the_same_way() -> None:
    cells = (Cell("a", "code", "SGD(learning_rate=1)"), Cell("b", "code", "SGD(lr=2)\nSGD(lr=3)"))
    request = ask(*cells, history=(EditEvent("a", "SGD(lr=1)", "SGD(learning_rate=1)"),))
    first, second = Suggester().answer(request), Suggester().answer(request)
    assert first.suggestions == second.suggestions
    assert [s.kind for s in first.suggestions] == ["next_edit", "rename"]


def test_hostile_cells_get_an_answer() -> None:
    hostile = ["x+" * 5_000 + "x", "(" * 20_000, "-" * 100_000 + "1", "\0", "'" * 3, "\ud800 = 1"]
    cells = [Cell(f"h{i}", "code", text) for i, text in enumerate(hostile)]
    fine = Cell("f", "code", "SGD(lr=2)")
    edited = Cell("e", "code", "SGD(learning_rate=1)")
    event = EditEvent("e", "SGD(lr=1)", "SGD(learning_rate=1)")
    error = KernelError("h0", 1, "NameError", "x")
    request = ask(
        edited,
        fine,
        *cells,
        history=(event,),
        facts=KernelFacts(error=error),
        deadline_ms=60_000.0,
    )
    suggester = Suggester()
    answer = suggester.answer(request)
    if not answer.suggestions:  # so much is not read at once
        assert answer.silence["rename"].reason == "deadline"
        answer = suggester.answer(request)
    assert [s.kind for s in answer.suggestions] == ["next_edit"]


@pytest.mark.parametrize(
    ("language", "changed", "stale"),
    [
        ("python", ("a",), ("a", "c")),
        ("python", (), None),
        ("python", ("gone",), ()),
        ("r", ("a",), ("a",)),
    ],
)
def test_what_depends_on_changed_cells_is_listed_in_order_where_that_is_asked(
    language: str, changed: tuple[str, ...], stale: tuple[str, ...] | None
) -> None:
    cells = [("a", "x = 1", 1), ("b", "y = 2", 2), ("c", "print(x)", 3)]
    request = ask(
        *(Cell(id, "code", source, count) for id, source, count in cells),
        language=language,
        want=(),
        changed=changed,
    )
    assert Suggester(symbols=FakeLane(), patterns=FakeLane()).answer(request).stale == stale


@pytest.mark.parametrize(("language", "read"), [("python", True), ("r", False)])
def test_reading_ahead_has_the_other_cells_names_at_hand(
    language: str, read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(gates, "names_elsewhere", lambda request: asked.append("names"))
    model: Any = FakeModel()
    Suggester(model, symbols=FakeLane(), patterns=FakeLane()).prefill(ask(A, B, language=language))
    assert [what for what, _ in model.seen] == ["prefill"]
    assert asked == (["names"] if read else [])


HERE = Cell("here", "code", 'sales.groupby("sto')
MADE = Cell("made", "code", 'sales["store"], sales["visitors"] = 1, 2')


def offered(made: Suggester, *cells: Cell) -> tuple[str, str] | str:
    answer = made.answer(ask(*cells, want=("inline",)))
    if not answer.suggestions:
        return answer.silence["inline"].reason
    ((only,),) = (answer.suggestions[0].edits[0].edit.replacements,)
    return answer.suggestions[0].lane, only.text


def test_what_exists_is_offered_without_a_model_too_and_wins_over_one() -> None:
    assert offered(suggester(), HERE, MADE) == ("symbols", 're")')
    assert offered(suggester(FakeModel('ck")')), HERE, MADE) == ("symbols", 're")')
    assert offered(suggester(FakeModel('re").mean()')), HERE, MADE) == ("model", 're").mean()')


def test_a_guess_that_contradicts_what_exists_is_not_shown() -> None:
    either = Cell("here", "code", 'y = sales["')
    assert offered(suggester(FakeModel('value"]')), either, MADE) == "unknown_name"
    assert offered(suggester(FakeModel('store"]')), either, MADE) == ("model", 'store"]')
