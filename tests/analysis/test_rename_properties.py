"""Renames of random notebooks: what ran still runs, prints the same, and can be undone."""

from __future__ import annotations

import contextlib
import io
import random
import warnings

from hypothesis import given, settings
from hypothesis import strategies as st

from nextedit_jupyter.analysis.bindings import normalised
from nextedit_jupyter.analysis.index import index_notebook
from nextedit_jupyter.analysis.rename import RenamePlan, detect, plan_rename
from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellRun,
    EditEvent,
    KernelFacts,
    Notebook,
    SuggestRequest,
    text_hash,
)

NAMES = ["a", "b", "c", "d", "k"]


class Writer:
    """Random cells that run without error: every name is an integer, functions take one."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.functions = ["f", "g"]

    def name(self) -> str:
        return self.random.choice(NAMES)

    def value(self, depth: int = 0) -> str:
        n, m = self.name(), self.name()
        simple = [n, f"{n} + 1", f"{n} - {m}", str(self.random.randint(0, 9))]
        if depth > 1:
            return self.random.choice(simple)
        v = self.value(depth + 1)
        return self.random.choice(
            [
                *simple,
                f"sum([{n} + {m} for {m} in range({n} % 3)])",
                f"(lambda {n}: {n} + {m})({v})",
                f"({n} := {v})",
                f"{self.random.choice(self.functions)}({v})",
                f"f(x={v})",
                f"len({{{n}: {m} for {n} in range(2) if {n} < {m}}})",
                f"len(f'{{{n}}} {{{m}:>{{{n} % 3}}}} {n}')",
                f"sum(i for i in [{v}] if (i, {n}))",
                f"Box({v}).get()",
                f"[({n} := {m} + j) for j in range(2)][-1]",
            ]
        )

    def function(self, name: str) -> list[str]:
        n, m = self.name(), self.name()
        parameter = "x" if name == "f" else self.name()
        body = [f"    {n} = {parameter} + 1"] if self.random.random() < 0.5 else []
        if self.random.random() < 0.3 and n != parameter:
            body = [f"    global {n}", f"    {n} = {parameter}"]
        if self.random.random() < 0.4 and body and "global" not in body[0]:
            body += [
                "    def inner(y):",
                *(
                    [f"        nonlocal {n}", f"        {n} = y"]
                    if self.random.random() < 0.5
                    else []
                ),
                f"        return y + {n}",
                "    inner(2)",
            ]
        used = n if body else parameter
        return [
            f"def {name}({parameter}):",
            *body,
            f"    return {used} + {m} * 2 if {used} != {m} else 0",
        ]

    def class_(self) -> list[str]:
        n, m = self.name(), self.name()
        return [
            "class Box:",
            f"    {n} = {m}",
            "    def __init__(self, v):",
            f"        self.{n} = v + {m}",
            "    def get(self):",
            f"        return self.{n} + {m}",
        ]

    def statement(self, depth: int = 0) -> list[str]:
        n, m = self.name(), self.name()
        choices = [
            lambda: [f"{n} = {self.value()}"],
            lambda: [f"{n} = {self.value()}"],
            lambda: [f"{n} += {self.value(2)}"],
            lambda: [f"print({n}, {self.value()})"],
            lambda: [f"print({n})"],
            lambda: [f"{n}, k = {self.value()}, {m}"],
            lambda: [f"{n} = {m}", f"del {n}", f"{n} = {m if m != n else 3}"],
        ]
        if depth < 2:
            choices += [
                lambda: [
                    f"for {n} in range(3):",
                    *self.block(depth),
                    *(["else:", *self.block(depth)] if self.random.random() < 0.3 else []),
                ],
                lambda: [
                    f"if {self.value()} > 3:",
                    *self.block(depth),
                    "else:",
                    *self.block(depth),
                ],
                lambda: [f"if {self.value()} > 3:", *self.block(depth)],
                lambda: [
                    "try:",
                    *self.block(depth),
                    "    1 / 0",
                    "except ZeroDivisionError as error:",
                    "    print(type(error))",
                    *self.block(depth),
                    "finally:",
                    *self.block(depth),
                ],
                lambda: [
                    f"match {self.value()}:",
                    "    case 1:",
                    *self.block(depth + 1, 2),
                    f"    case {n}:",
                    *self.block(depth + 1, 2),
                ],
                lambda: self.function(self.random.choice(self.functions)),
                self.class_,
            ]
        return self.random.choice(choices)()

    def block(self, depth: int, levels: int = 1) -> list[str]:
        lines = []
        for _ in range(self.random.randint(1, 2)):
            lines += self.statement(depth + 1)
        return ["    " * levels + line for line in lines]

    def notebook(self) -> Notebook:
        first = [f"{name} = {i}" for i, name in enumerate(NAMES)]
        first += ["def f(x): return x", "def g(x): return x"]
        first += [
            "class Box:",
            "    def __init__(self, v): self.v = v",
            "    def get(self): return 1",
        ]
        sources = ["\n".join(first)]
        for _ in range(self.random.randint(2, 6)):
            lines: list[str] = []
            for _ in range(self.random.randint(1, 4)):
                lines += self.statement()
            sources.append("\n".join(lines))
        return Notebook("python", tuple(Cell(f"c{i}", "code", s) for i, s in enumerate(sources)))


def outputs(notebook: Notebook, order: list[int]) -> list[str]:
    """What each run prints; a cell that fails prints the error's class and ends the notebook."""
    namespace: dict[str, object] = {}
    printed = []
    for i in order:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(notebook.cells[i].source, namespace)
            except Exception as error:
                printed.append(f"{out.getvalue()}{type(error).__name__}")
                break
        printed.append(out.getvalue())
    return printed


def applied(notebook: Notebook, plan: RenamePlan) -> Notebook:
    sources = {cell.id: cell.source for cell in notebook.cells}
    texts = {c.cell: c.edit.apply(sources[c.cell]) for c in plan.edits()}
    return Notebook(
        "python",
        tuple(Cell(c.id, c.type, texts.get(c.id, c.source)) for c in notebook.cells),
    )


@settings(max_examples=250)
@given(st.integers(0, 2**32), st.booleans())
def test_a_renamed_notebook_prints_what_it_printed(seed: int, reordered: bool) -> None:
    writer = Writer(seed)
    notebook = writer.notebook()
    order = list(range(len(notebook.cells)))
    facts = KernelFacts()
    if reordered:
        rest = order[1:]
        writer.random.shuffle(rest)
        order = [0, *rest, writer.random.choice(rest)]
        facts = KernelFacts(
            tuple(CellRun(notebook.cells[i].id, text_hash(notebook.cells[i].source)) for i in order)
        )
    before = outputs(notebook, order)
    if any("Error" in text and "<class" not in text for text in before):
        return  # the cell stopped half-way: which statements ran is not ours to know
    index = index_notebook(notebook, facts)
    for cell in notebook.cells:
        names = index.cells[cell.id].names
        if not names:
            continue
        name = writer.random.choice(names)
        plan = plan_rename(notebook, facts, cell.id, name.start, "renamed")
        if not isinstance(plan, RenamePlan):
            assert plan.reason == "refused"
            continue
        renamed = applied(notebook, plan)
        assert outputs(renamed, order) == before, (
            f"{name.name} at {cell.id}:{name.start}\n"
            + "\n----\n".join(c.source for c in notebook.cells)
            + "\n=======\n"
            + "\n----\n".join(c.source for c in renamed.cells)
        )


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_a_rename_and_its_inverse_give_the_same_text(seed: int) -> None:
    writer = Writer(seed)
    notebook = writer.notebook()
    index = index_notebook(notebook)
    for cell in notebook.cells:
        names = index.cells[cell.id].names
        if not names:
            continue
        name = writer.random.choice(names)
        plan = plan_rename(notebook, KernelFacts(), cell.id, name.start, "renamed")
        if not isinstance(plan, RenamePlan):
            continue
        renamed = applied(notebook, plan)
        first = plan.changes[0]
        back = plan_rename(renamed, KernelFacts(), first.cell, first.start, name.name)
        if isinstance(back, RenamePlan):
            assert applied(renamed, back) == notebook
        else:  # the old name lives on as another variable
            left = index_notebook(renamed).cells.values()
            assert any(
                normalised(n.name) == name.name for there in left for n in there.names
            ) or any(a.name == name.name for there in left for a in there.attributes)


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_a_notebook_whose_rename_was_begun_by_hand_and_completed_prints_what_it_printed(
    seed: int,
) -> None:
    writer = Writer(seed)
    notebook = writer.notebook()
    order = list(range(len(notebook.cells)))
    before = outputs(notebook, order)
    if any("Error" in text and "<class" not in text for text in before):
        return
    index = index_notebook(notebook)
    for cell in notebook.cells:
        names = index.cells[cell.id].names
        if not names:
            continue
        name = writer.random.choice(names)
        after = f"{cell.source[: name.start]}renamed{cell.source[name.end :]}"
        cells = tuple(
            Cell(c.id, "code", after if c.id == cell.id else c.source) for c in notebook.cells
        )
        edited = Notebook("python", cells)
        plan = detect(
            SuggestRequest(edited, Caret(cell.id, 0), (EditEvent(cell.id, cell.source, after),))
        )
        if isinstance(plan, RenamePlan):
            completed = applied(edited, plan)
            assert outputs(completed, order) == before, (
                f"{name.name} at {cell.id}:{name.start}\n"
                + "\n----\n".join(c.source for c in notebook.cells)
                + "\n=======\n"
                + "\n----\n".join(c.source for c in completed.cells)
            )
