"""A model that continues edits is asked only where the last edits changed code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    KernelError,
    KernelFacts,
    Notebook,
    SuggestRequest,
)
from nextedit_jupyter.core.history import Origin
from nextedit_jupyter.suggest import Suggester
from nextedit_jupyter.suggest.continuing import changes_code, nothing_to_continue
from nextedit_jupyter.suggest.model_lane import ModelAnswer


def asked(*events: tuple[str, str], origin: Origin = "typed") -> SuggestRequest:
    """After edits of one cell, each a text before and after."""
    history = tuple(
        EditEvent("a", was, now, origin, float(n)) for n, (was, now) in enumerate(events)
    )
    text = events[-1][1] if events else "x"
    return SuggestRequest(
        Notebook("python", (Cell("a", "code", text), Cell("b", "code", "y = 2"))),
        Caret("a", len(text)),
        history,
        want=("next_edit",),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "x = 1"),
        ("x = 1", "x = 1\ny = 2"),
        ("x = 1\n", "x = 1\ny"),
        ("x = 1\n\ny = 2", "x = 1\nz = 3\ny = 2"),
        ("y = 2", "x = 1\ny = 2"),
        ("def f():\n    ", "def f():\n    return 1"),
        ("x = 1  ", "x = 1"),
        ("x = 1\n\n\n", "x = 1\n"),
    ],
)
def test_new_lines_and_blanks_change_no_code(before: str, after: str) -> None:
    assert not changes_code(EditEvent("a", before, after, "typed", 0.0))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1", "x = 2"),
        ("f(x)", "f(x, 1)"),
        ("x = 1\ny = 2", "x = 1"),
        ("f(x)", "await f(x)"),
        ("f(x)", "g(f(x))"),
        ("x = f(", "x = f(1)"),
    ],
)
def test_one_argument_is_a_change(before: str, after: str) -> None:
    assert changes_code(EditEvent("a", before, after, "typed", 0.0))


def test_what_was_changed_a_while_ago_was_asked_about_then() -> None:
    change = ("x = 1", "x = 2")
    lines = [(f"x = 2{k * chr(10)}", f"x = 2{(k + 1) * chr(10)}") for k in range(3)]
    assert nothing_to_continue(asked(change)) is None
    assert nothing_to_continue(asked(change, *lines[:2])) is None
    assert nothing_to_continue(asked(change, *lines)) is not None


def test_who_writes_something_new_in_another_cell_has_seen_what_follows_from_a_change() -> None:
    change = EditEvent("b", "y = 1", "y = 2", "typed", 0.0)
    new = EditEvent("a", "", "z = 3", "typed", 1.0)
    request = asked(("", "z = 3"))
    moved_on = nothing_to_continue(replace(request, history=(change, new)))
    assert moved_on is not None
    assert moved_on.reason == "no_change"
    assert nothing_to_continue(replace(request, history=(new, change))) is None
    here = replace(change, cell="a", before="z = 2", after="z = 3")
    assert nothing_to_continue(replace(request, history=(here, new))) is None


def test_undone_and_remote_edits_begin_nothing() -> None:
    undone = nothing_to_continue(asked(("x = 1", "x = 2"), origin="undone"))
    assert undone is not None
    assert undone.reason == "reverts_user"
    assert nothing_to_continue(asked(("x = 1", "x = 2"), origin="remote")) is not None
    assert nothing_to_continue(asked()) is not None


class Counting:
    """A model lane that counts how often it is asked."""

    def __init__(self) -> None:
        self.edits = 0

    def next_edit(self, request: SuggestRequest, deadline: float, cancelled: Any) -> ModelAnswer:
        self.edits += 1
        return ModelAnswer()


@pytest.mark.parametrize(
    ("edit", "times"),
    [
        (("x = 1", "x = 1\nz = 3"), 0),
        (("x = f(1)", "x = f(1, 2)"), 1),
        (("x = 'a'", "x = 'b'"), 1),
        (("nets = 1\nlast = models", "nets = 1\nlast = ne"), 0),
    ],
)
def test_the_model_is_not_asked_while_new_code_or_half_a_name_is_written(
    edit: tuple[str, str], times: int
) -> None:
    model = Counting()
    request = replace(asked(edit), want=("rename", "next_edit"))
    Suggester(model=model).answer(request)  # type: ignore[arg-type]
    assert model.edits == times


def test_what_failed_may_be_mended_by_the_model() -> None:
    error = KernelError("a", 1, "NameError", "name 'y' is not defined", "y")
    request = asked(("x = 1", "x = 1\nprint(y)"))
    known = SuggestRequest(
        request.notebook, request.caret, request.history, KernelFacts(error=error)
    )
    assert nothing_to_continue(known) is None
