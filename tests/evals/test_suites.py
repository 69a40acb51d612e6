"""The suites: tasks whose answers are known, and what is made of a suggester's answers."""

from __future__ import annotations

from collections import Counter

import pytest

from nextedit_jupyter.core import (
    Answer,
    CellEdit,
    Silence,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.evals.heldout import HeldOut, held_out
from nextedit_jupyter.evals.suites import (
    SUITES,
    Task,
    lane_latency,
    make_tasks,
    run_suites,
    run_task,
    summarise,
)
from nextedit_jupyter.suggest import Suggester

CELLS = [
    "import numpy as np\nimport analysis_tools",
    "def load_table(path):\n    raw = open(path)\n    lines = raw.read()\n    return lines",
    "table = load_table('a.csv')\nvalues = np.array(table)\nprint(values)",
    "table = load_table('b.csv')\nresult = analysis_tools.summarise(values)\nprint(result)",
    "scaled = values * 2\nprint(scaled)\nnp.testing.assert_allclose(scaled, values)",
    "total = np.nansum(scaled)\nprint(total)\nprint(values)",
]


def documents(count: int = 6) -> list[HeldOut]:
    return [
        held_out("p", f"n{i}.ipynb", "notebook", [c.replace("table", f"table{i}") for c in CELLS])
        for i in range(count)
    ]


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return make_tasks(documents(), each=6, seed=0)


class Says:
    """A suggester that edits each cell as told."""

    def __init__(self, texts: dict[str, str], kind: Kind = "next_edit") -> None:
        self.texts, self.kind = texts, kind

    def answer(self, request: SuggestRequest) -> Answer:
        edits = []
        for id, text in self.texts.items():
            cell = request.notebook.cell(id)
            assert cell is not None
            edits.append(CellEdit.of(id, cell.source, TextEdit.between(cell.source, text)))
        if not edits:
            return Answer(silence={self.kind: Silence("no_change")})
        return Answer((Suggestion("s", self.kind, "model", "", 0.9, tuple(edits)),))


def test_every_suite_has_tasks_and_the_same_for_a_seed(tasks: list[Task]) -> None:
    assert set(Counter(task.suite for task in tasks)) == set(SUITES)
    assert make_tasks(documents(), each=6, seed=0) == tasks


def test_what_is_wanted_is_not_there_yet(tasks: list[Task]) -> None:
    for task in tasks:
        now = {cell.id: cell.source for cell in task.request.notebook.cells}
        assert all(now[id] != text for id, text in task.wanted.items())
        assert bool(task.wanted) is (task.suite != "no edit")


def test_the_wanted_texts_score_full_marks(tasks: list[Task]) -> None:
    outcomes = [
        run_task(Says(dict(task.wanted)), task)  # type: ignore[arg-type]
        for task in tasks
    ]
    report = summarise(outcomes)
    for suite in SUITES[:-1]:
        figures = report[suite]
        assert figures["exact"]["share"] == figures["delta_chrf"] == 1.0, suite
        assert figures["exact_line_f1"] == figures["position"]["share"] == 1.0, suite
        assert figures["parse_correct"]["share"] == 1.0, suite
    assert report["no edit"]["silent"]["share"] == 1.0


def test_a_wrong_and_a_missing_answer_are_told_apart() -> None:
    (task, *_) = [t for t in make_tasks(documents(), each=2, seed=0) if t.suite == "distant edit"]
    missing = run_task(Says({}), task)  # type: ignore[arg-type]
    ((id, text),) = task.wanted.items()
    wrong = run_task(Says({id: text + "\nx = ("}), task)  # type: ignore[arg-type]
    assert not missing.offered
    assert wrong.offered
    assert not wrong.exact
    assert wrong.parsed is False
    assert 0 < wrong.chrf < 1


def test_an_offer_where_nothing_is_to_do_breaks_the_silence(tasks: list[Task]) -> None:
    task = next(t for t in tasks if t.suite == "no edit")
    id = task.request.caret.cell
    outcome = run_task(Says({id: task.request.cell.source + "\nx"}), task)  # type: ignore[arg-type]
    assert summarise([outcome])["no edit"]["silent"]["share"] == 0.0


def test_the_lanes_without_a_model_follow_edits_over_cells_and_files(tasks: list[Task]) -> None:
    outcomes = run_suites(Suggester(), tasks)
    report = summarise(outcomes)
    # A use that was changed alone proves nothing: of what follows from it the judge offers what it
    # is sure of, which is some of it in half of these.
    assert report["cross-cell"]["offered"] == report["cross-cell"]["tasks"]
    assert report["cross-cell"]["exact"]["share"] >= 0.3
    assert report["cross-file"]["exact"]["share"] > 0.6
    assert report["no edit"]["silent"]["share"] == 1.0
    assert report["next line"]["offered"] == 0
    assert {"symbols", "none"} <= set(lane_latency(outcomes))
