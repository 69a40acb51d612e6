"""The requests used for measuring latencies, as an editor would send them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

from nextedit_jupyter.core.facts import CellRun, KernelFacts, NamedObject
from nextedit_jupyter.core.history import EditEvent, EditHistory
from nextedit_jupyter.core.notebook import Caret, Notebook, text_hash
from nextedit_jupyter.core.request import SuggestRequest
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.evals.notebooks import example_path, generated_notebook, read_notebook

# What the editor requests with each keystroke, and after a pause in typing.
KEYSTROKE: tuple[Kind, ...] = ("inline",)
REST: tuple[Kind, ...] = ("next_edit", "rename")


def typing(
    notebook: Notebook,
    cell: str,
    keys: int,
    facts: KernelFacts | None = None,
    want: tuple[Kind, ...] = KEYSTROKE,
) -> Iterator[SuggestRequest]:
    """Typing a cell's text key by key from empty; the other cells stay the same.

    The history is recorded like in the editor: five keys per second, bursts merged.
    """
    place = notebook.index(cell)
    assert place is not None
    target = notebook.cells[place]
    history, text = EditHistory(), ""
    for key, char in enumerate(target.source[:keys]):
        before, text = text, text + char
        history.append(EditEvent(cell, before, text, "typed", key * 0.2))
        cells = list(notebook.cells)
        cells[place] = replace(target, source=text, execution_count=None)
        yield SuggestRequest(
            notebook=Notebook(notebook.language, tuple(cells)),
            caret=Caret(cell, len(text)),
            history=history.events,
            facts=facts or KernelFacts(),
            want=want,
            id=key,
        )


def warm_requests(keys_per_cell: int) -> Iterator[tuple[int, SuggestRequest]]:
    """The key's index and the request when typing in three cells of the packaged examples."""
    for name, cells in (("tour", ["summary"]), ("store_sales", ["products", "bootstrap"])):
        notebook = read_notebook(example_path(name))
        for cell in cells:
            facts = plausible_facts(notebook)
            yield from enumerate(typing(notebook, cell, keys_per_cell, facts))


def plausible_facts(notebook: Notebook) -> KernelFacts:
    """Facts of the size that a kernel sends: two modules' members, a table's columns, the runs."""
    columns = ("date", "store", "product", "units", "price", "revenue", "month", "weekday")
    return KernelFacts(
        runs=tuple(
            CellRun(cell.id, text_hash(cell.source), count)
            for count, cell in enumerate(notebook.code_cells, 1)
        ),
        names=(
            NamedObject("np", "module", members=_members("np", 500), module="numpy"),
            NamedObject("pd", "module", members=_members("pd", 120), module="pandas"),
            NamedObject(
                "sales", "pandas.DataFrame", members=_members("df", 200), subscripts=columns
            ),
            NamedObject("top_days", "function", keywords=("table", "count")),
        ),
    )


def cold_request(characters: int, seed: int) -> SuggestRequest:
    """Entering the last cell of a new notebook, in the middle of a line.

    The notebook has just enough cells for `characters`.
    """
    cells = list(generated_notebook(64, 1_000 + seed, lines=4).cells)
    sizes = itertools.accumulate(len(cell.source) for cell in cells)
    enough = next((i for i, size in enumerate(sizes, 1) if size >= characters), len(cells))
    *above, last = cells[:enough]
    source = last.source[: max(1, len(last.source) * 2 // 3)]
    above.append(replace(last, source=source, execution_count=None))
    return SuggestRequest(
        notebook=Notebook("python", tuple(above)),
        caret=Caret(last.id, len(source)),
        want=KEYSTROKE,
        id=seed,
    )


def rename_requests_warm(count: int) -> Iterator[SuggestRequest]:
    """A name in the first of 200 cells retyped, key by key."""
    notebook = generated_notebook(200, 4_242, lines=4)
    for key in range(count):
        yield rename_request(notebook, "table_" + "abcdefghijklmnopqrstuvwxyz"[: 1 + key % 26])


def rename_request(notebook: Notebook, new: str) -> SuggestRequest:
    """A rename of the table that the first generated cell reads."""
    first = notebook.cells[0]
    start = first.source.rindex("\n", 0, first.source.index(" = pd.read_csv")) + 1
    end = first.source.index(" = pd.read_csv")
    after = first.source[:start] + new + first.source[end:]
    return SuggestRequest(
        notebook=Notebook("python", (replace(first, source=after), *notebook.cells[1:])),
        caret=Caret(first.id, start + len(new)),
        history=(EditEvent(first.id, first.source, after, "typed", 0.0),),
        want=("rename",),
        id=new,
    )


def edit_requests(count: int) -> Iterator[SuggestRequest]:
    """A number in a cell was changed in one place, which proves nothing about others: request next
    edits."""
    made = 0
    for seed in itertools.count():
        if made == count:
            return
        notebook = generated_notebook(12, 600 + seed, lines=8)
        place = 6 + seed % 6
        cell = notebook.cells[place]
        number = re.search(r"\d+\.\d+|\d\d+", cell.source)
        if number is None:
            continue
        after = cell.source[: number.start()] + "5" + cell.source[number.end() :]
        cells = list(notebook.cells)
        cells[place] = replace(cell, source=after, execution_count=None)
        yield SuggestRequest(
            notebook=Notebook("python", tuple(cells)),
            caret=Caret(cell.id, number.start() + 1),
            history=(EditEvent(cell.id, cell.source, after, "typed", 0.0),),
            want=("next_edit",),
            id=seed,
        )
        made += 1


def _members(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}_member_{i}" for i in range(count))
