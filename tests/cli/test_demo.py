"""`jupyter nextedit demo`: what a terminal shows, with suggestions that are known beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nextedit_jupyter.cli import demo, main, predict
from nextedit_jupyter.core import (
    Answer,
    CellEdit,
    Kind,
    Lane,
    Silence,
    Suggestion,
    SuggestRequest,
    TextEdit,
)

SOURCES = ["import pandas as pd", "frame = pd.read_csv('a.csv')", "frame.head()\nframe.mean()"]


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "small.ipynb"
    cells = [{"cell_type": "code", "id": f"n{i}", "source": s} for i, s in enumerate(SOURCES)]
    path.write_text(json.dumps({"cells": cells, "nbformat": 4, "metadata": {}}))
    return path


@pytest.fixture
def suggesting(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[SuggestRequest]]:
    """Put a function in the place of all lanes; returns the requests that it gets."""

    def put(answer: Callable[[SuggestRequest], Answer]) -> list[SuggestRequest]:
        seen: list[SuggestRequest] = []

        class Fake:
            def answer(self, request: SuggestRequest) -> Answer:
                seen.append(request)
                return answer(request)

        monkeypatch.setattr(predict, "open_suggester", lambda bundle, no_model: Fake())
        return seen

    return put


def offer(request: SuggestRequest, kind: Kind, cell: str, edit: TextEdit) -> Answer:
    source = next(c.source for c in request.notebook.cells if c.id == cell)
    lane: Lane = "model" if kind == "inline" else "symbols"
    suggestion = Suggestion(
        "s", kind, lane, f"a {kind}", 0.9, (CellEdit.of(cell, source, edit),), notes=("a note",)
    )
    return Answer((suggestion,), bundle="nextedit-python/0.0.1")


def rest_of_line(request: SuggestRequest) -> Answer:
    """Knows the last cell by heart, and offers the rest of a line after its third character."""
    text, caret = request.cell.source, request.caret.offset
    full = SOURCES[-1] if SOURCES[-1].startswith(text) else text
    rest = full[len(text) :].split("\n")[0]
    if request.caret.cell != "n2" or len(text) < 3 or not rest:
        return Answer(silence={"inline": Silence("low_confidence")})
    return offer(request, "inline", "n2", TextEdit.insert(caret, rest))


def test_ghost_text_is_shown_once_accepted_where_it_fits_and_typed_from_above_only(
    notebook: Path,
    suggesting: Callable[[Any], list[SuggestRequest]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen = suggesting(rest_of_line)
    assert main(["demo", str(notebook), "--cell", "3"]) == 0
    said = capsys.readouterr().out
    assert "    fra‹me.head()›" in said
    assert said.count("‹") == 2
    assert "4 keys gave 25 of 25 characters; 2 texts shown, 2 accepted" in said
    typing = [r for r in seen if r.caret.cell == "n2" and r.want == ("inline",)]
    assert all([c.id for c in r.notebook.cells] == ["n0", "n1", "n2"] for r in typing)


def test_a_rename_is_a_diff_over_cells_with_label_and_notes(
    notebook: Path,
    suggesting: Callable[[Any], list[SuggestRequest]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(request: SuggestRequest) -> Answer:
        if request.want == ("inline",):
            return Answer(silence={"inline": Silence("no_model")})
        return offer(request, "rename", "n2", TextEdit.replace(0, 5, "orders"))

    seen = suggesting(answer)
    assert main(["demo", str(notebook), "--rename", "frame=orders"]) == 0
    said = capsys.readouterr().out
    assert "Renaming frame to orders" in said
    assert "    - frame = pd.read_csv('a.csv')\n    + orders = pd.read_csv('a.csv')\n" in said
    assert "    - frame.head()\n    + orders.head()\n" in said
    assert "a rename" in said
    assert "a note" in said
    (event,) = seen[-1].history
    assert (event.cell, event.before, event.origin) == ("n1", SOURCES[1], "typed")
    assert seen[-1].caret.offset == len("orders")


def test_silence_is_shown_with_its_reason(
    notebook: Path,
    suggesting: Callable[[Any], list[SuggestRequest]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    suggesting(lambda request: Answer(silence={"rename": Silence("refused", "frame is taken")}))
    assert main(["demo", str(notebook)]) == 0
    assert "nothing is offered (rename: refused (frame is taken))" in capsys.readouterr().out


def test_without_a_terminal_there_is_no_colour_and_with_always_there_is(
    notebook: Path,
    suggesting: Callable[[Any], list[SuggestRequest]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    suggesting(rest_of_line)
    main(["demo", str(notebook), "--cell", "3"])
    assert "\x1b" not in capsys.readouterr().out
    main(["demo", str(notebook), "--cell", "3", "--color", "always"])
    assert "\x1b[2;3;36mme.head()\x1b[0m" in capsys.readouterr().out


def test_a_notebook_s_escape_sequences_do_not_reach_the_terminal(
    tmp_path: Path,
    suggesting: Callable[[Any], list[SuggestRequest]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    suggesting(rest_of_line)
    path = tmp_path / "evil.ipynb"
    source = "name = '\x1b]52;c;aGk=\x07\u202e'\nprint(name)"
    cells = [{"cell_type": "code", "id": f"e\x1b{i}", "source": source} for i in range(2)]
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}))
    assert main(["demo", str(path)]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\\x1b]52" in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("{", "not JSON"),
        ("[]", "has no cells"),
        ('{"worksheets": []}', "has no cells"),
        ('{"cells": [1]}', "cell 0"),
    ],
)
def test_what_is_no_notebook_is_a_message(
    content: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.ipynb"
    if content is not None:
        path.write_text(content)
    assert main(["demo", str(path), "--no-model"]) == 1
    assert message in capsys.readouterr().err


def test_a_notebook_without_code_is_shown_without_a_word(
    tmp_path: Path,
    suggesting: Callable[[Any], list[SuggestRequest]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    suggesting(rest_of_line)
    path = tmp_path / "prose.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["a"]}]}))
    assert main(["demo", str(path)]) == 0
    assert "prose.ipynb, 1 cells" in capsys.readouterr().out


def test_the_tour_has_a_name_to_rename_and_a_keyword_to_spell_out() -> None:
    from nextedit_jupyter.evals.notebooks import example_path, read_notebook

    tour = read_notebook(example_path())
    assert demo._name_to_rename(tour) == ("readings", "readings_all")
    change = demo._keyword_to_change(tour)
    assert change is not None
    cell, start, end, text = change
    assert (cell.source[start:end], text) == ("lw", "linewidth")
