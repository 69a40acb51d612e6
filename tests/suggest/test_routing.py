"""Which model is asked for which cell; which ones are in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from nextedit_jupyter.analysis.cell_languages import cell_language
from nextedit_jupyter.core import Caret, Cell, Notebook, Silence, SuggestRequest
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.suggest.model_lane import ModelAnswer
from nextedit_jupyter.suggest.routing import Router, Specialist
from nextedit_jupyter.suggest.suggester import Suggester


@dataclass
class Lane:
    name: str
    seen: list[SuggestRequest] = field(default_factory=list)

    def inline(self, request: SuggestRequest, deadline: float, cancelled: Any) -> ModelAnswer:
        self.seen.append(request)
        return ModelAnswer(silence={"inline": Silence("no_change", self.name)})

    next_edit = inline

    def prefill(self, request: SuggestRequest, cancelled: Any) -> None:
        self.seen.append(request)

    def forget(self) -> None: ...


class Shelf:
    """Bundles that can be opened, and how often each was."""

    def __init__(self, *languages: str, broken: str = "") -> None:
        self.opened: list[str] = []
        self.lanes = {language: Lane(language) for language in languages}
        self.broken = broken

    def router(self, **fields: Any) -> Router:
        specialists = [
            Specialist(f"id-{name}", name, f"id-{name}/1.0.0", lambda name=name: self.open(name))  # type: ignore[misc]
            for name in self.lanes
        ]
        return Router(specialists, next(iter(self.lanes.values())), **fields)  # type: ignore[arg-type]

    def open(self, name: str) -> Any:
        self.opened.append(name)
        if name == self.broken:
            raise BundleError("broken")
        return self.lanes[name]


CELLS = (
    Cell("py", "code", "x = 1", 1),
    Cell("js", "code", "%%javascript\nlet a = 1"),
    Cell("r", "code", "%%R -i x\ny <- x"),
    Cell("js2", "code", "%%js\na + "),
    Cell("sh", "code", "%%script bash\nls"),
    Cell("timed", "code", "%%time\nx = 2"),
    Cell("text", "markdown", "# Title"),
)


def at(cell: str, language: str = "python", **fields: Any) -> SuggestRequest:
    return SuggestRequest(Notebook(language, CELLS), Caret(cell, 3), **fields)


def asked(router: Router, request: SuggestRequest) -> str | None:
    return router.inline(request, 0.0, lambda: False).bundle


@pytest.mark.parametrize(
    ("cell", "language"),
    [
        ("py", "python"),
        ("js", "javascript"),
        ("js2", "javascript"),
        ("r", "r"),
        ("sh", "bash"),
        ("timed", "python"),
        ("text", "python"),
    ],
)
def test_a_cell_is_in_its_magics_language(cell: str, language: str) -> None:
    notebook = Notebook("python", CELLS)
    found = notebook.cell(cell)
    assert found is not None
    assert cell_language(found, notebook) == language


def test_in_a_notebook_of_another_language_a_magic_is_no_magic() -> None:
    notebook = Notebook("R", CELLS)
    assert {cell_language(cell, notebook) for cell in CELLS} == {"r"}


def test_each_cell_asks_the_bundle_of_its_language_and_the_rest_the_general_one() -> None:
    router = Shelf("python", "r", "*").router(limit=3)
    assert asked(router, at("py")) == "id-python/1.0.0"
    assert asked(router, at("timed")) == "id-python/1.0.0"
    assert asked(router, at("r")) == "id-r/1.0.0"
    assert asked(router, at("js")) == "id-*/1.0.0"
    assert asked(router, at("py", "julia")) == "id-*/1.0.0"


def test_a_general_model_that_is_put_in_use_answers_in_python_too() -> None:
    router = Shelf("*", "python", "r").router(limit=3)
    assert asked(router, at("py")) == "id-*/1.0.0"
    assert asked(router, at("timed")) == "id-*/1.0.0"
    assert asked(router, at("r")) == "id-r/1.0.0"
    assert asked(router, at("js")) == "id-*/1.0.0"


def test_a_general_model_that_cannot_be_opened_leaves_python_to_the_next() -> None:
    shelf = Shelf("r", "*", "python", broken="*")
    assert asked(shelf.router(), at("py")) == "id-python/1.0.0"


def test_a_model_of_python_is_not_asked_for_other_languages() -> None:
    router = Shelf("python").router()
    answer = router.inline(at("js"), 0.0, lambda: False)
    assert answer.bundle is None
    silence = answer.silence["inline"]
    assert (silence.reason, "javascript" in silence.detail) == ("no_model", True)


def test_a_specialist_sees_the_cells_of_its_language_alone() -> None:
    shelf = Shelf("python", "javascript")
    asked(shelf.router(), at("js2"))
    (seen,) = shelf.lanes["javascript"].seen
    assert seen.notebook.language == "javascript"
    assert [cell.id for cell in seen.notebook.cells] == ["js", "js2"]
    assert seen.caret == Caret("js2", 3)


def test_two_are_in_memory_at_most_and_the_one_asked_longest_ago_leaves() -> None:
    shelf = Shelf("python", "r", "javascript")
    router = shelf.router()
    for cell in ("py", "r", "py", "js"):
        asked(router, at(cell))
    assert router.loaded == ["id-python/1.0.0", "id-javascript/1.0.0"]
    asked(router, at("r"))
    assert router.loaded == ["id-javascript/1.0.0", "id-r/1.0.0"]
    assert shelf.opened == ["r", "javascript", "r"]


def test_a_bundle_that_cannot_be_opened_is_asked_no_more_and_the_general_one_serves() -> None:
    shelf = Shelf("python", "r", "*", broken="r")
    router = shelf.router()
    for _ in range(2):
        assert asked(router, at("r")) == "id-*/1.0.0"
    assert shelf.opened.count("r") == 1


def test_a_notebook_can_name_its_model() -> None:
    router = Shelf("python", "*", "r").router()
    assert asked(router, at("py", bundle="id-*")) == "id-*/1.0.0"
    answer = router.inline(at("py", bundle="gone"), 0.0, lambda: False)
    assert "gone" in answer.silence["inline"].detail


def test_the_answer_says_which_bundle_was_asked_and_pythons_gates_stay_away() -> None:
    router = Shelf("python", "r").router()
    suggester = Suggester(router, "id-python/1.0.0")
    assert suggester.answer(at("r", want=("inline",))).bundle == "id-r/1.0.0"
    assert suggester.answer(at("py", want=("inline",))).bundle == "id-python/1.0.0"
    assert [bundle["language"] for bundle in suggester.bundles] == ["python", "r"]


def test_a_rename_stays_out_of_cells_in_other_languages() -> None:
    cells = (
        Cell("a", "code", "frame = 1"),
        Cell("b", "code", "%%javascript\nlet table = 2"),
        Cell("c", "code", "print(table)"),
    )
    from nextedit_jupyter.core import EditEvent

    event = EditEvent("a", "table = 1", "frame = 1", "typed", 0.0)
    request = SuggestRequest(
        Notebook("python", cells), Caret("a", 5), history=(event,), want=("rename",)
    )
    (rename,) = Suggester().answer(request).suggestions
    assert [change.cell for change in rename.edits] == ["c"]
