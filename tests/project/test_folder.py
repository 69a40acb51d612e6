"""Requests get what their folder says: in the background, within bounds, up to date."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nextedit_jupyter.core import (
    Caret,
    Cell,
    KernelFacts,
    NamedObject,
    Notebook,
    Place,
    SuggestRequest,
)
from nextedit_jupyter.project.below_root import Limits, Root
from nextedit_jupyter.project.folder import Folder, Folders
from nextedit_jupyter.project.pieces import Words, pieces_of, words_of

OTHER = [
    "import pandas as pd\nmeasurements = pd.read_csv('measurements.csv')",
    "weekly_average = measurements.groupby('week').temperature.mean()\nweekly_average.plot()",
]


def notebook_text(*cells: str, tags: tuple[str, ...] = ()) -> str:
    return json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "source": cell.splitlines(True),
                    "metadata": {"tags": [*tags]},
                }
                for cell in cells
            ]
        }
    )


def request(
    *cells: str,
    path: str = "here.ipynb",
    facts: KernelFacts | None = None,
    **place: tuple[str, ...],
) -> SuggestRequest:
    made = tuple(Cell(f"c{i}", "code", text) for i, text in enumerate(cells))
    return SuggestRequest(
        Notebook("python", made),
        Caret(made[-1].id, len(cells[-1])),
        facts=facts or KernelFacts(),
        place=Place(path, **place, neighbours=True),
    )


class Later:
    """Work that waits until it is let run, and a clock that is set."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []
        self.now = 0.0

    def folder(self, root: Path, **limits: int) -> Folder:
        return Folder(
            Root(str(root), limits=Limits(**limits)), run=self.work.append, clock=lambda: self.now
        )

    def run(self) -> None:
        while self.work:
            self.work.pop(0)()


def at_once(root: Path, **limits: int) -> Folder:
    return Folder(Root(str(root), limits=Limits(**limits)), run=lambda work: work())


WRITING = (
    "measurements = pd.read_csv('measurements.csv')",
    "weekly_average = measurements.groupby('week')\nweekly",
)


def test_the_likest_piece_of_a_neighbour_comes_with_the_request(tmp_path: Path) -> None:
    (tmp_path / "other.ipynb").write_text(notebook_text(*OTHER, "print('something else entirely')"))
    near = at_once(tmp_path).enrich(request(*WRITING)).nearby
    assert near
    assert near[0].path == "other.ipynb"
    assert near[0].text == OTHER[1]


def test_nothing_waits_for_neighbours_to_be_read(tmp_path: Path) -> None:
    (tmp_path / "other.ipynb").write_text(notebook_text(*OTHER))
    later = Later()
    folder = later.folder(tmp_path)
    assert folder.enrich(request(*WRITING)).nearby == ()
    assert folder.status().is_reading
    later.run()
    assert folder.enrich(request(*WRITING)).nearby
    status = folder.status()
    assert (status.files, status.pieces, status.is_reading) == (1, 2, False)


def test_a_changed_neighbour_is_read_again_after_a_while(tmp_path: Path) -> None:
    other = tmp_path / "other.ipynb"
    other.write_text(notebook_text(*OTHER))
    later = Later()
    folder = later.folder(tmp_path)
    folder.enrich(request(*WRITING))
    later.run()
    other.write_text(notebook_text(OTHER[0], OTHER[1].replace("mean", "median")))
    assert "mean()" in folder.enrich(request(*WRITING)).nearby[0].text
    later.now = 60
    folder.enrich(request(*WRITING))
    later.run()
    assert "median()" in folder.enrich(request(*WRITING)).nearby[0].text


def test_what_stands_in_the_notebook_itself_is_not_said_twice(tmp_path: Path) -> None:
    (tmp_path / "here.ipynb").write_text(notebook_text(*OTHER))
    (tmp_path / "copy.ipynb").write_text(notebook_text(*OTHER))
    near = at_once(tmp_path).enrich(request(*OTHER, WRITING[1])).nearby
    assert all(text.text not in OTHER for text in near)


def test_cells_switched_off_and_cells_with_secrets_are_no_pieces() -> None:
    assert pieces_of("a.ipynb", notebook_text(OTHER[1], tags=("nextedit-off",))) == ()
    secret = OTHER[1] + "\npassword = 'correct-Horse7battery'"
    assert pieces_of("a.ipynb", notebook_text(secret)) == ()
    assert pieces_of("a.ipynb", "no json") == ()
    assert pieces_of("a.ipynb", '{"cells": [1, {"cell_type": "code"}]}') == ()


def test_a_module_is_cut_into_its_definitions() -> None:
    text = "import numpy\n\n\ndef first(alpha, beta):\n    return alpha + beta\n\n\nclass Long:\n"
    text += "".join(f"    def method_{i}(self):\n        {'value = 1; ' * 30}\n" for i in range(4))
    found = [piece.text.splitlines()[0].strip() for piece in pieces_of("m.py", text)]
    assert "def first(alpha, beta):" in found
    assert [line for line in found if "method" in line] == [
        f"def method_{i}(self):" for i in range(4)
    ]


def test_pieces_that_share_common_words_alone_are_not_like() -> None:
    words = Words(pieces_of("a.ipynb", notebook_text(*OTHER)))
    here = words_of("for index in range(10):\n    print(index)")
    assert words.nearest(here, frozenset(), limit=2, min_likeness=0.3) == []


def test_what_the_kernel_says_of_a_name_counts(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("def load(a): ...\n")
    told = NamedObject("helpers", "module", ("other",))
    facts = KernelFacts(names=(told,))
    names = at_once(tmp_path).enrich(request("import helpers", "x", facts=facts)).facts.names
    assert [known for known in names if known.name == "helpers"] == [told]


def test_neighbours_are_read_only_where_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "other.ipynb").write_text(notebook_text(*OTHER))
    folder = at_once(tmp_path)
    wanted = request(*WRITING)
    plain = replace(wanted, place=Place("here.ipynb"))
    assert folder.enrich(plain) is plain
    assert folder.status().files == 0
    assert folder.enrich(wanted).nearby


def test_no_more_files_are_read_than_may_be(tmp_path: Path) -> None:
    for i in range(10):
        (tmp_path / f"n{i}.ipynb").write_text(notebook_text(*OTHER))
    folder = at_once(tmp_path, files=3)
    folder.enrich(request(*WRITING))
    assert folder.status().files == 3


def test_documents_opened_lately_are_read_first(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "lately.ipynb").write_text(notebook_text(*OTHER))
    for i in range(5):
        (tmp_path / f"n{i}.ipynb").write_text(notebook_text("print('a quite different cell')"))
    recent = ("far/lately.ipynb", "../outside.ipynb")
    near = at_once(tmp_path, files=2).enrich(request(*WRITING, recent=recent)).nearby
    assert near[0].path == "far/lately.ipynb"


def test_a_document_in_an_excluded_path_and_another_language_get_nothing(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("def load(a): ...\n")
    folders = Folders()
    plain = request("import helpers", "x", path="secrets/a.ipynb", excluded=("**/secrets/**",))
    assert folders.enrich(plain, str(tmp_path)) is plain
    plain = request("import helpers", "x", path="../a.ipynb")
    assert folders.enrich(plain, str(tmp_path)) is plain
    plain = request("import helpers", "x")
    assert folders.enrich(plain, None) is plain
    assert folders.enrich(plain, str(tmp_path)).facts.named("helpers") is not None


def test_imports_of_many_large_cells_are_read_over_several_requests(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("def load_weeks(path): ...\n")
    large = [f"import a{i}\n" + "x = [1, 2, 3]\n" * 4_000 for i in range(8)]
    asked = request(*large, "from helpers import load_weeks\n")
    folder = at_once(tmp_path)
    answers = [folder.enrich(asked).facts.names for _ in range(8)]
    found = [any(n.name == "load_weeks" for n in names) for names in answers]
    assert not found[0]
    assert found[-1]
