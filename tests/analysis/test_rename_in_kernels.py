"""Renamed notebooks run in a real kernel give the outputs that they gave before."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from nextedit_jupyter.analysis.index import index_notebook
from nextedit_jupyter.analysis.rename import RenamePlan, plan_rename
from nextedit_jupyter.core import Cell, KernelFacts, Notebook

pytestmark = pytest.mark.alone

SOURCES = (
    "import math as m\nvalues = [1, 2, 3]\nlimit = 2\ncalls = 0",
    "def scale(xs, by=2):\n    global calls\n    calls += 1\n"
    "    return [x * by for x in xs if x <= limit]",
    "%time print(scale(values, by=3))",
    "%%capture out\nprint(limit)",
    "out.show()\n!echo {limit} $limit",
    "listing = !echo {values[0]}\nprint(listing, f'{limit:>{values[1]}} {m.pi:.2f}')",
    "class Box:\n    def __init__(self, size):\n        self.size = size\n"
    "    def double(self):\n        return self.size * limit",
    "box = Box(size=3)\nprint(box.double(), box.size, calls)",
    "for limit in range(2):\n    print(limit)\nprint([limit for limit in values], limit)",
    "match values:\n    case [first, *rest]:\n        print(first, rest, (n := len(rest)), n)",
)
CHOICES = [
    ("values", 0), ("limit", 0), ("m", 0), ("scale", 1), ("by", 1), ("calls", 1), ("xs", 1),
    ("out", 3), ("listing", 5), ("Box", 6), ("size", 6), ("double", 6), ("limit", 8),
    ("first", 9), ("n", 9), ("box", 7),
]  # fmt: skip


def is_printed(output: nbformat.NotebookNode) -> bool:
    """Whether it is what the cell printed: warnings quote the code, timings differ."""
    return output.get("name") == "stdout" and "time:" not in output.text


def outputs(sources: list[str]) -> list[str]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return [
        "".join(o.get("text", "") for o in cell.outputs if is_printed(o)) for cell in notebook.cells
    ]


@pytest.mark.slow
def test_a_notebook_whose_names_are_all_renamed_in_turn_gives_the_same_outputs() -> None:
    before = outputs(list(SOURCES))
    notebook = Notebook(
        "python", tuple(Cell(f"c{i}", "code", source) for i, source in enumerate(SOURCES))
    )
    for n, (name, cell) in enumerate(CHOICES):
        source = notebook.cells[cell].source
        offset = next(
            i
            for i in range(len(source))
            if source.startswith(name, i)
            and not source[i - 1 : i].isidentifier()
            and not source[i + len(name) : i + len(name) + 1].isidentifier()
        )
        plan = plan_rename(notebook, KernelFacts(), f"c{cell}", offset, f"renamed_{n}")
        assert isinstance(plan, RenamePlan), (name, plan)
        texts = {e.cell: e.edit.apply(source_of(notebook, e.cell)) for e in plan.edits()}
        notebook = Notebook(
            "python",
            tuple(Cell(c.id, "code", texts.get(c.id, c.source)) for c in notebook.cells),
        )
    assert outputs([c.source for c in notebook.cells]) == before


def source_of(notebook: Notebook, id: str) -> str:
    cell = notebook.cell(id)
    assert cell is not None
    return cell.source


EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.ipynb"))


def all_renamed(notebook: Notebook) -> tuple[Notebook, int]:
    """Every name that a cell binds in the notebook renamed in turn, where nothing is noted."""
    count = 0
    for name in sorted(index_notebook(notebook).bound_names()):
        place = next(iter(index_notebook(notebook).definitions(name)), None)
        if place is None:
            continue
        start = index_notebook(notebook).cells[place[0]].names[place[1]].start
        plan = plan_rename(notebook, KernelFacts(), place[0], start, f"renamed_{count}")
        if not isinstance(plan, RenamePlan) or plan.notes:
            continue
        count += 1
        texts = {e.cell: e.edit.apply(source_of(notebook, e.cell)) for e in plan.edits()}
        cells = (Cell(c.id, c.type, texts.get(c.id, c.source)) for c in notebook.cells)
        notebook = Notebook("python", tuple(cells))
    return notebook, count


def cells_of(path: Path) -> list[str]:
    found = nbformat.read(path, as_version=4).cells
    # What our own magics print are counts and times, which differ from run to run.
    return [c.source for c in found if c.cell_type == "code" and "nextedit" not in c.source]


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_whose_names_are_all_renamed_prints_what_it_printed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    sources = cells_of(path)
    cells = tuple(Cell(f"c{i}", "code", source) for i, source in enumerate(sources))
    renamed, count = all_renamed(Notebook("python", cells))
    assert count >= 3
    assert outputs([c.source for c in renamed.cells]) == outputs(sources)
