"""How the judge reads cells, edits and places, and what its trees answer."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextedit_jupyter.core import NextEditError
from nextedit_jupyter.suggest.judge.candidates import MAX_CANDIDATES, find_candidates
from nextedit_jupyter.suggest.judge.consider import CellPast, consider
from nextedit_jupyter.suggest.judge.features import NAMES
from nextedit_jupyter.suggest.judge.forest import Forest, shipped
from nextedit_jupyter.suggest.judge.last_edits import LastChange, read_changes
from nextedit_jupyter.suggest.judge.lexed import LexedCell, LexedCells
from nextedit_jupyter.suggest.judge.view import Evidence


def kinds(source: str) -> dict[str, str]:
    cell = LexedCell(source)
    return {cell.texts[i]: cell.kinds[i] for i in cell.solid if cell.texts[i].isidentifier()}


def change(before: str, after: str) -> list[LastChange]:
    return read_changes([("c", before, after, True)], LexedCells())[0]


@given(st.text(alphabet="ab1_.'\"#([{}])=, \n\\f%", max_size=60))
def test_the_tokens_of_any_text_are_that_text(source: str) -> None:
    cell = LexedCell(source)
    assert "".join(cell.texts) == source
    assert cell.starts == sorted(cell.starts)


def test_a_word_is_what_it_does_where_it_stands() -> None:
    assert kinds("import numpy\nx = f(lr=1).fit  # note\ndef g(a): return 'text'") == {
        "import": "import",
        "numpy": "import",
        "x": "target",
        "f": "call",
        "lr": "keyword",
        "fit": "attribute",
        "note": "comment",
        "def": "name",
        "g": "definition",
        "a": "definition",
        "return": "name",
        "text": "string",
    }


def test_an_expression_in_an_f_string_is_code_and_a_text_in_it_is_not() -> None:
    found = kinds("f'size {width}'")
    assert (found["size"], found["width"]) == ("string", "name")


@pytest.mark.parametrize(
    ("source", "word", "owner"),
    [
        ("log.warn(1)", "warn", "log"),
        ("cfg['lr']", "lr", "cfg"),
        ("cfg = {'lr': 1}", "lr", "cfg"),
        ("fit(x, lr=1)", "lr", "fit"),
        ("f(x).warn(1)", "warn", ""),
    ],
)
def test_a_word_belongs_to_its_object_its_variable_or_its_callee(
    source: str, word: str, owner: str
) -> None:
    cell = LexedCell(source)
    assert cell.owner(cell.texts.index(word)) == owner


@pytest.mark.parametrize(
    ("before", "after", "shape", "old", "new"),
    [
        ("fit(lr=1)", "fit(learning_rate=1)", "word", ("lr",), "learning_rate"),
        ("p = 'data/v1/x'", "p = 'data/v2/x'", "word", ("v1",), "v2"),
        ("y = f(x)", "y = g(f(x))", "tokens", ("f", "(", "x", ")"), "g(f(x))"),
        ("a.b.c(x)", "a.d(x)", "tokens", ("b", ".", "c"), "d"),
        ("plot(x)", "plot(x, lw=2)", "insert", ("x", ")"), ", lw=2"),
        ("a = 1\nold()\nb = 2", "a = 1\nb = 2", "lines removed", ("old()",), ""),
        ("a = 1\nb = 2", "a = 1\nnew()\nb = 2", "lines added", ("a = 1",), "new()"),
        # One word of a short line, however unlike the other.
        ("a = 1\ndf", "a = 1\nhouses", "word", ("df",), "houses"),
        ("df[0]", "houses[0]", "word", ("df",), "houses"),
        ("foo(a)", "bar(b)", "lines", ("foo(a)",), "bar(b)"),
        # What could have gone, or come, in two places.
        (
            "from a.b.c.b.d import e",
            "from a.b.d import e",
            "tokens",
            (".", "b", ".", "c", ".", "b", "."),
            ".b.",
        ),
        ("f(1, 1)", "f(1, 1, 1)", "tokens", ("1", ",", "1"), "1, 1, 1"),
        ("f(a, x, y)", "f(a, y)", "tokens", ("x", ","), ""),
        # A path that lost a part, and got another root.
        (
            "np.random.rand(3)",
            "rng.random(3)",
            "tokens",
            ("np", ".", "random", ".", "rand"),
            "rng.random",
        ),
        # A string that became one of another kind is one change with all that is in it.
        (
            "print('%d of' % n)",
            "print(f'{n} of')",
            "tokens",
            ("'", "%", "d", "of", "'", "%", "n"),
            "f'{n} of'",
        ),
    ],
)
def test_a_change_is_the_smallest_whole_stretch(
    before: str, after: str, shape: str, old: tuple[str, ...], new: str
) -> None:
    (found,) = change(before, after)
    assert (found.shape, found.old, found.new) == (shape, old, new)


def test_changes_are_found_again_where_they_were_made() -> None:
    """Undone at its example, each change's place among others is the example itself."""
    before, after = "m = fit(x, lr=0.1)\nplot(m)", "m = fit(x, rate=0.1)\nplot(m, 'b')"
    changes = change(before, after)
    lexed = {0: LexedCell(before)}
    found = find_candidates(changes, [(0, before)], lexed)
    text = before
    for place in sorted(found, key=lambda c: -c.start):
        text = text[: place.start] + place.text + text[place.end :]
    assert text == after


def test_a_large_notebook_has_a_bounded_number_of_candidates() -> None:
    cell = "x = x + x\n" * 200
    sources = dict(enumerate(["x = 1", *[cell] * 30]))
    sources[0] = "y = 1"
    found = consider([CellPast(0, "x = 1", "y = 1")], sources, Evidence(), LexedCells())
    assert len(found.candidates) == MAX_CANDIDATES
    assert found.rows.shape == (MAX_CANDIDATES, len(NAMES))


@settings(max_examples=60)
@given(
    st.lists(st.text(alphabet="ab1.'(=,) \n#", max_size=30), min_size=2, max_size=5),
    st.text(alphabet="ab1.'(=,) \n#", max_size=30),
)
def test_any_edit_of_any_cells_has_finite_features(cells: list[str], before: str) -> None:
    found = consider(
        [CellPast(0, before, cells[0])], dict(enumerate(cells)), Evidence(), LexedCells()
    )
    assert np.isfinite(found.rows).all()
    for place in found.candidates:
        assert 0 <= place.start <= place.end <= len(cells[place.cell])


def told() -> dict[str, Any]:
    file = resources.files("nextedit_jupyter.suggest.judge").joinpath("judge.json")
    value: dict[str, Any] = json.loads(file.read_text())
    return value


def test_trees_made_for_other_features_are_refused() -> None:
    value = told()
    with pytest.raises(NextEditError, match="train it again"):
        Forest({**value, "features": value["features"][1:]})


def test_the_trees_answer_as_walking_them_does() -> None:
    value = told()
    rows = np.random.default_rng(0).integers(-1, 9, (600, len(NAMES))).astype(np.float32)
    got = shipped().values(rows)
    for row, sure in list(zip(rows, got, strict=True))[:40]:
        score = value["bias"] + sum(walk(tree, row) for tree in value["trees"])
        assert sure == pytest.approx(1 / (1 + np.exp(-score)), abs=1e-4)
    assert np.array_equal(got[:5], shipped().values(rows[:5]))


def walk(tree: dict[str, Any], row: Any) -> float:
    """The leaf that a row comes to; splits are numbered parents first, their left side first."""
    low, high = 0, len(tree["leaves"])
    for feature, border, first, last in zip(
        tree["feature"], tree["border"], tree["first"], tree["last"], strict=True
    ):
        if first != low or last > high or last == low or high - low == 1:
            continue
        if row[feature] > np.float32(border):
            low = last
        else:
            high = last
    return float(tree["leaves"][low])


def test_the_shipped_judge_is_small() -> None:
    file = resources.files("nextedit_jupyter.suggest.judge").joinpath("judge.json")
    assert len(file.read_bytes()) < 300_000
