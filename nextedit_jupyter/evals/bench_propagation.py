"""Latency of the symbols and patterns lanes over many cells, compared with jedi and rope.

Warm is one keystroke's request: one cell of the notebook is new, the others are cached. Cold is a
new notebook. The notebooks are generated, so that a run needs no network.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nextedit_jupyter.analysis.index import forget_cells, index_notebook
from nextedit_jupyter.core import Caret, EditEvent, Notebook, SuggestRequest
from nextedit_jupyter.evals.notebooks import generated_notebook
from nextedit_jupyter.evals.rename_peers import jedi, rope
from nextedit_jupyter.suggest.patterns import PatternsLane
from nextedit_jupyter.suggest.symbols import SymbolsLane

# The targets for 200 cells, in milliseconds.
WARM_MS, COLD_MS = 10.0, 80.0


def measure(*, quick: bool = False, seed: int = 0) -> dict[str, Any]:
    """Milliseconds by number of cells: p50 and p95, warm and cold; one rename of jedi and rope."""
    sizes = (10, 200) if quick else (10, 200, 1_000)
    rounds = 10 if quick else 40
    report: dict[str, Any] = {"sizes": {}, "promise_ms": {"warm": WARM_MS, "cold": COLD_MS}}
    for cells in sizes:
        notebook = generated_notebook(cells, seed)
        report["sizes"][str(cells)] = {
            "characters": sum(len(cell.source) for cell in notebook.cells),
            "symbols_warm": _warm(notebook, rounds, SymbolsLane),
            "symbols_cold": _cold(notebook, max(rounds // 4, 3), SymbolsLane),
            "patterns_warm": _warm(notebook, rounds, PatternsLane),
            "patterns_cold": _cold(notebook, max(rounds // 4, 3), PatternsLane),
        }
    notebook = generated_notebook(200, seed)
    _, request, first, new = _rename(notebook, 0)
    mine = report["sizes"]["200"]["symbols_cold"]["p50"]
    report["peers_200_cells"] = {}
    for name, peer in (("jedi", jedi), ("rope", rope)):
        started = time.perf_counter()
        try:
            peer(notebook, first, new)
            failed = ""
        except Exception as error:  # a peer may fail in any way; that is a result
            failed = type(error).__name__
        ms = (time.perf_counter() - started) * 1e3
        report["peers_200_cells"][name] = {
            "ms": round(ms, 1),
            "times_ours_cold": round(ms / mine, 1),
            "times_ours_warm": round(ms / report["sizes"]["200"]["symbols_warm"]["p50"], 1),
            "failed": failed,
        }
    del request
    return report


def _rename(
    notebook: Notebook, round_: int
) -> tuple[str, SuggestRequest, tuple[str, int, int], str]:
    """A definition of the first cells that others use, renamed to a name of this round."""
    index = index_notebook(notebook)
    best: tuple[int, tuple[str, int, int]] | None = None
    for name in sorted(index.bound_names()):
        cell, i = index.definitions(name)[0] if index.definitions(name) else ("", -1)
        if not cell:
            continue
        found = index.cells[cell].names[i]
        web = index.references([(cell, i)])
        spread = len({id for id, _ in web})
        if found.kind in ("variable", "function") and (best is None or spread > best[0]):
            best = spread, (cell, found.start, found.end)
    assert best is not None, "the generated notebook binds no name"
    cell, start, end = best[1]
    source = index.cell(cell).source
    new = f"renamed_{round_}"
    after = source[:start] + new + source[end:]
    cells = tuple(replace(c, source=after) if c.id == cell else c for c in notebook.cells)
    request = SuggestRequest(
        replace(notebook, cells=cells),
        Caret(cell, start + len(new)),
        (EditEvent(cell, source, after),),
        want=("next_edit", "rename"),
    )
    return cell, request, best[1], new


def _warm(notebook: Notebook, rounds: int, make: Callable[[], Any]) -> dict[str, float]:
    lane = make()
    _, request, first, _ = _rename(notebook, 0)
    lane.suggest(request, lambda: False)
    times: list[tuple[float, float]] = []
    for n in range(1, rounds + 1):
        event = request.history[0]
        new = f"renamed_{n}"  # a new text, so that one cell is read again
        after = event.before[: first[1]] + new + event.before[first[2] :]
        cells = tuple(
            replace(c, source=after) if c.id == first[0] else c for c in request.notebook.cells
        )
        asked = replace(
            request,
            notebook=replace(request.notebook, cells=cells),
            history=(replace(event, after=after),),
            caret=Caret(first[0], first[1] + len(new)),
        )
        times.append(_time(lane, asked))
    return _figures(times)


def _cold(notebook: Notebook, rounds: int, make: Callable[[], Any]) -> dict[str, float]:
    times: list[tuple[float, float]] = []
    _, request, _, _ = _rename(notebook, 0)
    for _ in range(rounds):
        forget_cells()
        lane = make()
        times.append(_time(lane, request))
    return _figures(times)


def _time(lane: Any, request: SuggestRequest) -> tuple[float, float]:
    """Elapsed and processor time in milliseconds."""
    started, used = time.perf_counter(), time.process_time()
    lane.suggest(request, lambda: False)
    return (time.perf_counter() - started) * 1e3, (time.process_time() - used) * 1e3


def _figures(times: list[tuple[float, float]]) -> dict[str, float]:
    """`cpu_p50` is what an idle machine would need."""
    ordered = sorted(passed for passed, _ in times)
    return {
        "p50": round(statistics.median(ordered), 2),
        "p95": round(ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))], 2),
        "cpu_p50": round(statistics.median(used for _, used in times), 2),
        "n": len(ordered),
    }


def format_report(report: dict[str, Any]) -> str:
    row = "{:<10}{:>10}" + "{:>14}" * 4
    lines = [
        "milliseconds a request, p50 / p95",
        row.format("cells", "chars", "symbols warm", "symbols cold", "patterns warm", "p. cold"),
    ]
    for cells, figures in report["sizes"].items():
        lines.append(
            row.format(
                cells,
                figures["characters"],
                *(
                    f"{figures[name]['p50']:.1f} / {figures[name]['p95']:.1f}"
                    for name in ("symbols_warm", "symbols_cold", "patterns_warm", "patterns_cold")
                ),
            )
        )
    lines.append("")
    for name, figures in report["peers_200_cells"].items():
        failed = f" (failed: {figures['failed']})" if figures["failed"] else ""
        lines.append(
            f"{name}: {figures['ms']:.0f} ms for one rename in 200 cells, "
            f"{figures['times_ours_cold']:.0f} times ours cold, "
            f"{figures['times_ours_warm']:.0f} times ours warm{failed}"
        )
    return "\n".join(lines)
