"""Asks the peers and measures their answers: one report as JSON values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nextedit_jupyter.core import Notebook, SuggestRequest
from nextedit_jupyter.evals import measures
from nextedit_jupyter.evals.benchmark.isolated import PATIENCE_S, Isolated, Spec
from nextedit_jupyter.evals.benchmark.peers import Rename
from nextedit_jupyter.evals.benchmark.tasks import Tasks
from nextedit_jupyter.evals.machine import machine, today, versions
from nextedit_jupyter.evals.propagation_edits import next_edits, quiet, replay
from nextedit_jupyter.evals.suites import Task
from nextedit_jupyter.evals.typing import TypingTally, type_cell

VERSION = "nextedit-bench/2"
DEADLINE_MS = 10_000.0
_NO_SCORES = ("p50_ms", "p95_ms", "silence")  # times, and our own reasons

Progress = Callable[[str], None]


def run(
    tasks: Tasks,
    specs: Sequence[Spec],
    *,
    seed: int,
    patience_s: float = PATIENCE_S,
    progress: Progress = lambda text: None,
) -> dict[str, Any]:
    """Ask every peer all tasks that it can do, one peer after another."""
    rows = []
    for spec in specs:
        progress(f"{spec.name} …")
        peer = Isolated(spec, patience_s=patience_s)
        try:
            rows.append(measure(peer, tasks))
        finally:
            peer.close()
        progress(f"{spec.name}: {rows[-1]['notes'] or 'done'}")
    return {
        "benchmark": VERSION,
        "seed": seed,
        "tasks": tasks.counts(),
        "peers": rows,
        "machine": machine(),
        "versions": versions("nextedit-jupyter", "jedi", "rope"),
        "date": today(),
    }


def scores(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The part of a report that is the same for two runs with one seed: without times and dates."""
    return [{k: v for k, v in row.items() if k != "latency"} for row in report["peers"]]


def measure(peer: Isolated, tasks: Tasks) -> dict[str, Any]:
    """One row of the table; task kinds that the peer cannot do are left out."""
    row: dict[str, Any] = {"name": peer.spec.name, "label": peer.label}
    if "complete" in peer.can:
        row["typing"] = _typing(peer, tasks.typing)
        row["next line"] = _next_lines(peer, tasks.next_line)
    jumps: list[int] = []

    def offer(request: SuggestRequest, rename: Rename, first: bool) -> Mapping[int, str]:
        rename_hint = rename if "renames" in peer.can else None
        texts = peer.edits(replace(request, deadline_ms=DEADLINE_MS), rename_hint, first)
        if first and texts:
            jumps.append(_jump(request, texts))
        return texts

    if "edits" in peer.can:
        row["next edits"] = _next_edits(tasks, offer, jumps)
        row["silence"] = quiet(tasks.silence, offer, len(tasks.silence))
    if {"edits", "renames"} & set(peer.can):
        row["propagation"] = replay(tasks.propagation, offer).report()
    times = sorted(peer.milliseconds)
    if times:
        row["latency"] = {
            "asked": len(times),
            "p50_ms": round(times[len(times) // 2], 2),
            "p95_ms": round(times[int(0.95 * (len(times) - 1))], 2),
        }
    row["notes"] = peer.troubles.summary()
    return row


def _typing(peer: Isolated, places: Sequence[tuple[Notebook, int]]) -> dict[str, Any]:
    tally = TypingTally()
    for notebook, index in places:
        type_cell(
            notebook,
            index,
            lambda request: peer.complete(replace(request, deadline_ms=DEADLINE_MS)),
            tally,
            parse=True,
        )
    report = {key: value for key, value in tally.report().items() if key not in _NO_SCORES}
    low, high = measures.wilson(tally.word_wrong, tally.shown)
    return {**report, "word_wrong_95": [round(low, 4), round(high, 4)]}


def _next_lines(peer: Isolated, tasks: Sequence[Task]) -> dict[str, Any]:
    shown = exact = parsed = judged = 0
    for task in tasks:
        request = replace(task.request, deadline_ms=DEADLINE_MS)
        text = peer.complete(request).split("\n", 1)[0]
        if not text.strip():
            continue
        shown += 1
        before = request.cell.source[: request.caret.offset]
        exact += measures.same_lines(task.wanted[request.caret.cell], before + text)
        if measures.begins_python(before):
            judged += 1
            parsed += measures.begins_python(before + text)
    return {
        "tasks": len(tasks),
        "shown": shown,
        "exact": exact,
        "exact_95": [round(x, 4) for x in measures.wilson(exact, len(tasks))],
        "parse_correct": round(parsed / judged, 4) if judged else None,
    }


def _next_edits(
    tasks: Tasks,
    offer: Callable[[SuggestRequest, Rename, bool], Mapping[int, str]],
    jumps: list[int],
) -> dict[str, Any]:
    counts: dict[str, Any] = dict(next_edits(tasks.next_edits, offer, len(tasks.next_edits)))
    far = sorted(jumps)
    counts["exact_95"] = [round(x, 4) for x in measures.wilson(counts["exact"], counts["cases"])]
    counts["jump_p50"] = far[len(far) // 2] if far else None
    return counts


def _jump(request: SuggestRequest, texts: Mapping[int, str]) -> int:
    """Lines of the notebook from the caret to the nearest changed line."""
    starts, at = [], 0
    for cell in request.notebook.cells:
        starts.append(at)
        at += cell.source.count("\n") + 1
    here = request.notebook.index(request.caret.cell) or 0
    caret = starts[here] + request.cell.source.count("\n", 0, request.caret.offset)
    lines = [
        starts[place]
        + (measures.first_changed_line(request.notebook.cells[place].source, text) or 0)
        for place, text in texts.items()
    ]
    return min(abs(line - caret) for line in lines)
