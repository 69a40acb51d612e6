"""Whatever a model says, the accepted line has each bracket once and runs as well as before.

The editor has closed what was typed; the caret stands anywhere: in mid-line, in strings, f-strings,
comments, decorators, patterns, magic and shell lines. IPython's own transformer and Python's own
compiler judge. NEXTEDIT_GHOSTS=5000 tries so many.
"""

# ruff: noqa: E501

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest
from auto_closed import CELLS, Typed, compiles, half_typed, said

from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellEdit,
    Notebook,
    Silence,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.suggest import Suggester
from nextedit_jupyter.suggest.brackets import faults
from nextedit_jupyter.suggest.fitting import fitted
from nextedit_jupyter.suggest.model_lane import ModelAnswer
from nextedit_jupyter.suggest.suggester import SuggesterSettings

DRAWS = int(os.environ.get("NEXTEDIT_GHOSTS", "150"))


class Says:
    """A model that says one text, fitted as the model lane does it."""

    def __init__(self) -> None:
        self.text = ""

    def inline(self, request: SuggestRequest, deadline: float, cancelled: Any) -> ModelAnswer:
        source, at = request.cell.source, request.caret.offset
        found = fitted(source[:at], self.text, source[at:])
        if found is None:
            return ModelAnswer(silence={"inline": Silence("breaks_syntax")})
        edit = TextEdit.replace(at, at + found.replaced, found.text)
        change = CellEdit.of(request.caret.cell, source, edit)
        return ModelAnswer((Suggestion("s", "inline", "model", "", 0.9, (change,)),))


def accepted(model: Says, suggester: Suggester, typed: Typed, text: str) -> str | None:
    """The cell after Tab; None where nothing is shown."""
    model.text = text
    suggester.forget()
    request = SuggestRequest(
        Notebook("python", (Cell("c", "code", typed.source),)),
        Caret("c", len(typed.before)),
        want=("inline",),
        deadline_ms=600_000.0,
    )
    for suggestion in suggester.answer(request).suggestions:
        texts = suggestion.apply(request.notebook)
        assert texts is not None
        return texts["c"]
    return None


def drawn(seed: int) -> tuple[Typed, str]:
    random = Random(seed)
    cell = random.choice(CELLS)
    typed = half_typed(cell, random.randrange(len(cell)))
    return typed, said(typed, random)


def test_the_cells_run() -> None:
    assert all(compiles(cell) for cell in CELLS)


def test_no_accepted_text_breaks_a_line() -> None:
    model = Says()
    settings = SuggesterSettings(unknown_names=True)
    suggester = Suggester(model, "b", settings=settings)  # type: ignore[arg-type]
    shown = 0
    for seed in range(DRAWS):
        typed, text = drawn(seed)
        cell = accepted(model, suggester, typed, text)
        if cell is None:
            continue
        shown += 1
        assert faults(cell) <= faults(typed.source), (typed, text, cell)
        behind = typed.after.split("\n", 1)[0].strip()
        if behind and compiles(typed.source) and "\n" not in text:
            assert compiles(cell) or cell.rstrip().endswith(":"), (typed, text, cell)
    assert shown > DRAWS // 3


def test_a_model_that_says_the_truth_makes_the_line_that_was_meant() -> None:
    """Nothing doubled, nothing missing: but for an end that the editor wrote already."""
    right = 0
    for seed in range(DRAWS):
        typed, _ = drawn(seed)
        if not typed.rest.strip() or typed.rest.endswith('"""'):
            continue  # a string is never opened for what stands below
        found = fitted(typed.before, typed.rest, typed.after)
        if found is None:
            assert typed.source == typed.meant, typed
            continue
        assert found.apply(typed.before, typed.after).rstrip() == typed.meant.rstrip(), typed
        right += 1
    assert right > DRAWS // 2


@pytest.mark.parametrize(
    ("marked", "text", "becomes"),
    [
        ("%time x = foo(|)", "bar)", "%time x = foo(bar)"),
        ("%timeit -n 3 f(a[|])", "0], b)", "%timeit -n 3 f(a[0], b)"),
        ("%time x = foo(|)", "bar", "%time x = foo(bar)"),
        ("x = !ls {a[|]}", "0]}/*.csv", "x = !ls {a[0]}/*.csv"),
        ('print(f"{a[|]}")', "'k']}!\")", "print(f\"{a['k']}!\")"),
        ('print(f"{x:|}")', '>10}")', 'print(f"{x:>10}")'),
        ('@app.route("|")\ndef f(): pass', '/a", methods=["GET"])', '@app.route("/a", methods=["GET"])\ndef f(): pass'),
        ("match x:\n    case Point(x=|): pass", "0, y=int(y)):", "match x:\n    case Point(x=0, y=int(y)): pass"),
        ("match x:\n    case [a, |]: pass", "*b] if a", "match x:\n    case [a, *b] if a: pass"),
        ("x = {'a': [|]}", "1, 2], 'b': 3}", "x = {'a': [1, 2], 'b': 3}"),
        ("print('|')", "it\\'s')", "print('it\\'s')"),
        ('"""Doc |"""\nx = 1', 'of x."""', '"""Doc of x."""\nx = 1'),
        ("x = [a for a in b if a(|)]", "c) > 1]", "x = [a for a in b if a(c) > 1]"),
        ("f(lambda a: g(|))", "a), b)", "f(lambda a: g(a), b)"),
        ("x = a[|:3]", "1", "x = a[1:3]"),
        ("x = (|\n     + 1)", "a", "x = (a\n     + 1)"),
        ("df.query('|')", "a > 1').head(", "df.query('a > 1').head"),
        ("if f(|):\n    pass", "a) and g(b):", "if f(a) and g(b):\n    pass"),
        ("print(|) # what", "a", "print(a) # what"),
        ("x = f(|); y = 1", "a)", "x = f(a); y = 1"),
    ],
)  # fmt: skip
def test_each_closer_stands_once(marked: str, text: str, becomes: str) -> None:
    before, _, after = marked.partition("|")
    found = fitted(before, text, after)
    assert found is not None
    assert found.apply(before, after) == becomes
