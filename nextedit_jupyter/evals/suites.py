"""The suites: next line, block, distant edit, consistency across cells and files, no edit.

A task is a request with the expected texts of cells. Lines and blocks are real ones of held-out
notebooks; edits are synthetic (`synthetic_edits`), and what must follow is known from the syntax
tree (`oracle`). Across files: a module that the notebook imports was changed, the cell ran and
failed, and the kernel lists the module's present members.
"""

from __future__ import annotations

import ast
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nextedit_jupyter.analysis.magics import mask
from nextedit_jupyter.core import (
    Caret,
    CellRun,
    KernelError,
    KernelFacts,
    NamedObject,
    Notebook,
    Suggestion,
    SuggestRequest,
    text_hash,
)
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.evals import measures
from nextedit_jupyter.evals.heldout import HeldOut, kernel_facts
from nextedit_jupyter.evals.synthetic_edits import Case, cases
from nextedit_jupyter.suggest import Suggester

SUITES = ("next line", "block", "distant edit", "cross-cell", "cross-file", "no edit")
BLOCK_LINES = 5


@dataclass(frozen=True, slots=True)
class Task:
    """`wanted` are the expected texts of cells; empty if nothing is to be done."""

    suite: str
    package: str
    request: SuggestRequest
    wanted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """The measured offer for a task; the figures of edits are None if there was none."""

    task: Task
    offered: bool
    kinds: tuple[str, ...]
    lane: str
    milliseconds: float
    exact: bool = False
    same_lines: bool = False
    chrf: float = 0.0
    lines: tuple[int, int, int] = (0, 0, 0)
    position: bool = False
    jump: int | None = None
    parsed: bool | None = None
    reversal: float = 0.0


def make_tasks(documents: Sequence[HeldOut], *, each: int, seed: int) -> list[Task]:
    """At most `each` tasks per suite, the same for the same documents and seed."""
    rng = random.Random(seed)
    books = [d for d in documents if d.kind in ("notebook", "gallery")]
    books = rng.sample(books, len(books))
    tasks = [*_lines(books, each, rng), *_blocks(books, each, rng)]
    made = cases(((d.package, d.notebook) for d in books), seed, 4 * each, per_book=3)
    rng.shuffle(made)
    following = [case for case in made if case.places]
    tasks += [_follow("distant edit", _in_one_cell(case)) for case in following[:each]]
    tasks += [_follow("cross-cell", case) for case in following[each : 2 * each]]
    tasks += _over_files(books, each, rng)
    tasks += [_nothing(case) for case in made if not case.places][:each]
    return tasks


def _places(books: Sequence[HeldOut], rng: random.Random) -> Iterator[tuple[HeldOut, int, int]]:
    """A document, a cell and the row to be written next; at most two per document."""
    for book in books:
        fit = [
            (index, row)
            for index, cell in enumerate(book.notebook.cells)
            if index and cell.is_code and len(cell.source) < 2_000
            for row, line in enumerate(cell.source.split("\n"))
            if row and line.strip() and not line.lstrip().startswith(("#", ")", "]", "}"))
        ]
        for index, row in rng.sample(fit, min(2, len(fit))):
            yield book, index, row


def _written(
    suite: str, book: HeldOut, index: int, row: int, last: int, rng: random.Random
) -> Task:
    """The rows from `row` up to `last` are to be written; later rows do not exist yet."""
    lines = book.notebook.cells[index].source.split("\n")
    margin = lines[row][: len(lines[row]) - len(lines[row].lstrip())]
    now = "\n".join([*lines[:row], margin])
    request = _request(book, index, now, len(now), kernel_facts(book, index, rng))
    id = book.notebook.cells[index].id
    return Task(suite, book.package, request, {id: "\n".join(lines[:last])})


def _request(book: HeldOut, index: int, now: str, caret: int, facts: KernelFacts) -> SuggestRequest:
    cells = [
        replace(cell, execution_count=i + 1) if cell.is_code else cell
        for i, cell in enumerate(book.notebook.cells[:index])
    ]
    here = replace(book.notebook.cells[index], source=now, execution_count=None)
    notebook = Notebook("python", (*cells, here))
    return SuggestRequest(
        notebook, Caret(here.id, caret), facts=facts, want=("inline",), deadline_ms=60_000
    )


def _lines(books: Sequence[HeldOut], each: int, rng: random.Random) -> list[Task]:
    found: list[Task] = []
    for book, index, row in _places(books, rng):
        if len(found) == each:
            break
        found.append(_written("next line", book, index, row, row + 1, rng))
    return found


def _blocks(books: Sequence[HeldOut], each: int, rng: random.Random) -> list[Task]:
    """Two to five lines up to a blank one or the cell's end."""
    found: list[Task] = []
    for book, index, row in _places(books, rng):
        lines = book.notebook.cells[index].source.split("\n")
        last = row
        while last < len(lines) and lines[last].strip() and last - row < BLOCK_LINES:
            last += 1
        if last - row >= 2 and len(found) < each:
            found.append(_written("block", book, index, row, last, rng))
    return found


def _in_one_cell(case: Case) -> Case:
    """The case with its cells joined into one, two lines apart."""
    about = {place[0] for place in (case.first, *case.places)}
    shifts: dict[str, int] = {}
    text = ""
    for cell in case.notebook.cells:
        if cell.id in about:
            text += "\n\n\n" if shifts else ""
            shifts[cell.id] = len(text)
            text += cell.source
    home = next(cell.id for cell in case.notebook.cells if cell.id in about)
    cells = tuple(
        replace(cell, source=text) if cell.id == home else cell
        for cell in case.notebook.cells
        if cell.id == home or cell.id not in about
    )

    def moved(place: tuple[str, int, int]) -> tuple[str, int, int]:
        return home, place[1] + shifts[place[0]], place[2] + shifts[place[0]]

    return replace(
        case,
        notebook=Notebook("python", cells),
        first=moved(case.first),
        places=frozenset(map(moved, case.places)),
    )


def _follow(suite: str, case: Case) -> Task:
    """A task in which one place was changed, and the others must follow."""
    request, done = case.request()
    now = {cell.id: cell.source for cell in request.notebook.cells}
    wanted = {id: text for id, text in _all_changed(case, done).items() if text != now[id]}
    return Task(suite, case.source, replace(request, deadline_ms=60_000), wanted)


def _all_changed(case: Case, done: Sequence[tuple[str, int, int]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for cell in case.notebook.cells:
        text = cell.source
        spans = {place for place in (*case.places, *done) if place[0] == cell.id}
        for _, start, end in sorted(spans, reverse=True):
            new = case.new if text[start:end] == case.old else text[start:end]
            text = text[:start] + new + text[end:]
        if text != cell.source:
            texts[cell.id] = text
    return texts


def _nothing(case: Case) -> Task:
    request, _ = case.request()
    return Task("no edit", case.source, replace(request, deadline_ms=60_000))


def _over_files(books: Sequence[HeldOut], each: int, rng: random.Random) -> list[Task]:
    """An attribute or keyword of an imported module was renamed, and a cell failed."""
    found: list[Task] = []
    for book in books:
        uses = [
            (index, use) for index, cell in enumerate(book.notebook.cells) if cell.is_code
            for use in _uses(cell.source)
        ]  # fmt: skip
        for index, (module, name, start) in rng.sample(uses, min(2, len(uses))):
            if len(found) == each:
                return found
            cell = book.notebook.cells[index]
            new = rng.choice([f"{name}s", name[:-1], f"{name}_", name.replace("_", "", 1) + "2"])
            if new == name or new in cell.source or not new.isidentifier():
                continue
            lines = cell.source.count("\n", 0, start) + 1
            error = KernelError(
                cell.id,
                lines,
                "AttributeError",
                name,
                f"module '{module}' has no attribute '{name}'",
            )
            # The module's other members, as far as this notebook shows them.
            members = {n for _, (m, n, _) in uses if m == module and n != name} | {new}
            facts = KernelFacts(
                runs=(CellRun(cell.id, text_hash(cell.source), 1),),
                names=(
                    NamedObject(module, "module", members=tuple(sorted(members)), module=module),
                ),
                error=error,
            )
            request = SuggestRequest(
                book.notebook,
                Caret(cell.id, start),
                facts=facts,
                want=("next_edit", "rename"),
                deadline_ms=60_000,
            )
            wanted = cell.source[:start] + new + cell.source[start + len(name) :]
            found.append(Task("cross-file", book.package, request, {cell.id: wanted}))
    return found


def _uses(source: str) -> list[tuple[str, str, int]]:
    """`module.name` with a lower-case root, occurring once in its cell: root, name and place."""
    try:
        tree = ast.parse(mask(source).text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    if not source.isascii():  # columns are bytes
        return []
    starts = [0]
    for line in source.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            end = starts[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)
            start = end - len(node.attr)
            once = source.count(f".{node.attr}") == 1
            if once and len(node.attr) > 4 and source[start:end] == node.attr:
                found.append((node.value.id, node.attr, start))
    return found


def run_task(suggester: Suggester, task: Task) -> CaseOutcome:
    """Ask once and measure the first suggestion that counts for the task."""
    request = task.request
    began = time.perf_counter()
    answer = suggester.answer(request)
    spent = (time.perf_counter() - began) * 1e3
    order: tuple[Kind, ...] = ("rename", "next_edit", "inline")
    offered = sorted(answer.suggestions, key=lambda s: order.index(s.kind))
    if not offered:
        return CaseOutcome(task, False, (), "", spent)
    best = offered[0]
    kinds = tuple(s.kind for s in offered)
    outcome = CaseOutcome(task, True, kinds, best.lane, spent)
    return _measured(outcome, best) if task.wanted else outcome


def _measured(outcome: CaseOutcome, best: Suggestion) -> CaseOutcome:
    task, request = outcome.task, outcome.task.request
    now = {cell.id: cell.source for cell in request.notebook.cells}
    given = {**now, **(best.apply(request.notebook) or {})}
    wanted = {**now, **task.wanted}
    if task.suite == "next line":  # anything offered beyond the line is ignored here
        id = request.caret.cell
        rows = wanted[id].count("\n") + 1
        given[id] = "\n".join(given[id].split("\n")[:rows])
    touched = [id for id in now if wanted[id] != now[id] or given[id] != now[id]]
    scores = [measures.delta_chrf(now[id], wanted[id], given[id]) for id in touched]
    counts = [measures.exact_lines(now[id], wanted[id], given[id]) for id in touched]
    changed = [id for id in touched if given[id] != now[id]]
    positions = [
        measures.first_changed_line(now[id], given[id])
        == measures.first_changed_line(now[id], wanted[id])
        for id in changed
    ]
    past: dict[str, str] = {}
    for event in reversed(request.history):
        past[event.cell] = event.before
    reversals = [
        measures.reversal_ratio(past[id], now[id], given[id]) for id in changed if id in past
    ]
    # A cell that is being typed is incomplete, an edited one is complete.
    sound = measures.begins_python if "inline" in request.want else measures.parses
    judged = [sound(given[id]) for id in changed if sound(now[id])]
    return replace(
        outcome,
        exact=all(given[id] == wanted[id] for id in touched),
        same_lines=all(measures.same_lines(wanted[id], given[id]) for id in touched),
        chrf=sum(scores) / len(scores) if scores else 1.0,
        lines=(sum(c[0] for c in counts), sum(c[1] for c in counts), sum(c[2] for c in counts)),
        position=bool(positions) and all(positions),
        jump=_jump(request, changed, given),
        parsed=all(judged) if judged else None,
        reversal=max(reversals, default=0.0),
    )


def _jump(request: SuggestRequest, changed: Sequence[str], given: Mapping[str, str]) -> int | None:
    """Lines of the notebook from the caret to the nearest change."""
    starts: dict[str, int] = {}
    at = 0
    for cell in request.notebook.cells:
        starts[cell.id] = at
        at += cell.source.count("\n") + 1
    source = request.cell.source
    caret = starts[request.caret.cell] + source.count("\n", 0, request.caret.offset)
    found = []
    for id in changed:
        touched = request.notebook.cell(id)
        line = measures.first_changed_line(touched.source if touched else "", given[id])
        if line is not None:
            found.append(abs(starts[id] + line - caret))
    return min(found, default=None)


def run_suites(
    suggester: Suggester,
    tasks: Sequence[Task],
    *,
    progress: Callable[[int], None] = lambda done: None,
) -> list[CaseOutcome]:
    outcomes = []
    for number, task in enumerate(tasks):
        outcomes.append(run_task(suggester, task))
        progress(number + 1)
    return outcomes


def summarise(outcomes: Sequence[CaseOutcome]) -> dict[str, Any]:
    """The figures of each suite, and latency by lane."""
    report: dict[str, Any] = {}
    for suite in SUITES:
        of_suite = [o for o in outcomes if o.task.suite == suite]
        if of_suite:
            report[suite] = _nothing_done(of_suite) if suite == "no edit" else _figures(of_suite)
    return report


def lane_latency(outcomes: Sequence[CaseOutcome]) -> dict[str, dict[str, float]]:
    """p50 and p95 of the answers by lane; those without a suggestion count as `none`."""
    by_lane: dict[str, list[float]] = {}
    for outcome in outcomes:
        by_lane.setdefault(outcome.lane or "none", []).append(outcome.milliseconds)
    return {
        lane: {
            "answers": len(times),
            "p50_ms": round(sorted(times)[len(times) // 2], 2),
            "p95_ms": round(sorted(times)[int(len(times) * 0.95)], 2),
        }
        for lane, times in sorted(by_lane.items())
    }


def _figures(outcomes: Sequence[CaseOutcome]) -> dict[str, Any]:
    offered = [o for o in outcomes if o.offered]
    judged = [o for o in offered if o.parsed is not None]
    jumps = sorted(o.jump for o in offered if o.jump is not None)
    both, given, wanted = (sum(o.lines[i] for o in offered) for i in range(3))
    missed = len(outcomes) - len(offered)
    return {
        "tasks": len(outcomes),
        "offered": len(offered),
        "exact": _share(sum(o.exact for o in outcomes), len(outcomes)),
        "same_lines": _share(sum(o.same_lines for o in outcomes), len(outcomes)),
        "exact_of_offered": _share(sum(o.exact for o in offered), len(offered)),
        "delta_chrf": round(sum(o.chrf for o in outcomes) / len(outcomes), 4),
        "delta_chrf_of_offered": round(sum(o.chrf for o in offered) / max(1, len(offered)), 4),
        "exact_line_f1": round(measures.f1(both, given, wanted), 4) if offered else 0.0,
        "position": _share(sum(o.position for o in offered), len(offered)),
        "jump_p50": jumps[len(jumps) // 2] if jumps else None,
        "parse_correct": _share(sum(bool(o.parsed) for o in judged), len(judged)),
        "reversal_ratio": round(sum(o.reversal for o in offered) / max(1, len(offered)), 4),
        "silent": missed,
    }


def _nothing_done(outcomes: Sequence[CaseOutcome]) -> dict[str, Any]:
    quiet = sum(not o.offered for o in outcomes)
    return {"tasks": len(outcomes), "silent": _share(quiet, len(outcomes))}


def _share(hits: int, count: int) -> dict[str, Any]:
    low, high = measures.wilson(hits, count)
    return {
        "share": round(hits / count, 4) if count else None,
        "count": count,
        "interval_95": [round(low, 4), round(high, 4)],
    }
