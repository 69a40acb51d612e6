"""Measures how many of the places that must follow an edit are found, and how many offered ones are
wrong, compared with jedi, rope and plain word replacement in the same run.

The cases are synthesised on notebooks of source distributions (`sdists`), the right places found by
`oracle`, which shares only the masking of magics with the analysis: a regression test, because
people edit differently. `--edits FILE` measures on real commits (`propagation_edits`).
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nextedit_jupyter.core import Suggestion
from nextedit_jupyter.evals import propagation_edits
from nextedit_jupyter.evals.measures import wilson
from nextedit_jupyter.evals.real_edits import read_commits
from nextedit_jupyter.evals.rename_peers import PEERS
from nextedit_jupyter.evals.sdists import PACKAGES, notebooks
from nextedit_jupyter.evals.synthetic_edits import Case, Place, cases
from nextedit_jupyter.suggest import Suggester, build_suggester
from nextedit_jupyter.suggest.judge.forest import shipped
from nextedit_jupyter.suggest.judge.judge_lane import JudgeLane

MIGRATIONS = ("attribute", "keyword argument", "module path", "string value")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cache", type=Path, default=default_cache(), help="directory for fetched archives"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-kind", type=int, default=60, help="cases of each kind (default 60)")
    parser.add_argument(
        "--no-peers", action="store_true", help="leave jedi and rope out, which take minutes"
    )
    parser.add_argument(
        "--edits",
        type=Path,
        metavar="FILE",
        help="measure on these real commits instead (JSON Lines, plain or .zst)",
    )
    parser.add_argument(
        "--limit",
        type=int,
        default=propagation_edits.MAX_CASES,
        help="with --edits: commits for next edits and for silence (default %(default)s)",
    )
    parser.add_argument(
        "--curve",
        action="store_true",
        help="with --edits: the figures for each threshold of the judge",
    )
    parser.add_argument(
        "--no-model", action="store_true", help="with --edits: only the lanes that need none"
    )


def default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "nextedit-jupyter" / "sdists"


@dataclass(slots=True)
class PropagationTally:
    """Places found, wrong and missed; cases with an offer; milliseconds per case."""

    cases: int = 0
    offered: int = 0
    exact: int = 0
    right: int = 0
    wrong: int = 0
    missed: int = 0
    failed: int = 0
    ms: list[float] = field(default_factory=list)

    def add(self, found: set[Place] | None, wanted: frozenset[Place] | set[Place]) -> None:
        self.cases += 1
        if found is None:
            self.failed += 1
            found = set()
        self.offered += bool(found)
        self.exact += found == wanted
        self.right += len(found & wanted)
        self.wrong += len(found - wanted)
        self.missed += len(wanted - found)

    def report(self) -> dict[str, Any]:
        return {
            "cases": self.cases,
            "recall": _share(self.right, self.right + self.missed),
            "precision": _share(self.right, self.right + self.wrong),
            "precision_95": _interval(self.right, self.right + self.wrong),
            "recall_95": _interval(self.right, self.right + self.missed),
            "exact": _share(self.exact, self.cases),
            "offered": _share(self.offered, self.cases),
            "failed": self.failed,
            "p50_ms": round(statistics.median(self.ms), 2) if self.ms else None,
            "max_ms": round(max(self.ms), 1) if self.ms else None,
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _interval(part: int, whole: int) -> list[float] | None:
    return [round(end, 4) for end in wilson(part, whole)] if whole else None


def offered_places(
    case: Case, done: list[Place], suggestions: tuple[Suggestion, ...]
) -> set[Place]:
    """The places, in the texts before the edit, that accepting the first suggestion changes: the
    one for all places if there is one, otherwise the next edit.

    A change to a text other than the rename's counts as a wrong place.
    """
    offered = sorted(
        (s for s in suggestions if s.kind in ("rename", "next_edit")),
        key=lambda s: s.kind != "rename",
    )
    best = offered[0] if offered else None
    found: set[Place] = set()
    for change in best.edits if best else ():
        edited = sorted((s, e) for cell, s, e in done if cell == change.cell)
        for r in change.edit:
            start, end = r.start, r.end
            for s, e in edited:
                if start > s:
                    growth = len(case.new) - (e - s)
                    start, end = start - growth, end - growth
            found.add(_trimmed(case, change.cell, start, end, r.text))
    return found


def _trimmed(case: Case, cell: str, start: int, end: int, text: str) -> Place:
    """The place extended to the whole old text, however little of it the edit replaces."""
    source = next(c.source for c in case.notebook.cells if c.id == cell)
    for begin in range(max(0, end - len(case.old)), start + 1):
        if source[begin : begin + len(case.old)] == case.old:
            after = source[begin:start] + text + source[end : begin + len(case.old)]
            if after in (case.new, f"{case.old} as {case.new}"):
                return cell, begin, begin + len(case.old)
    return cell, start, end


def evaluate(
    suite: list[Case], *, peers: bool = True, progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Recall and precision by kind for each tool, and the silence rate on ordinary edits."""
    suggester = Suggester()
    tallies: dict[str, dict[str, PropagationTally]] = defaultdict(
        lambda: defaultdict(PropagationTally)
    )
    ordinary: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    wrong: list[dict[str, Any]] = []
    for n, case in enumerate(suite):
        if n % 50 == 0:
            progress(f"{n} of {len(suite)} cases")
        if not case.places:
            request, _ = case.request()
            said = [
                s
                for s in suggester.answer(request).suggestions
                if s.lane in ("symbols", "patterns")
            ]
            ordinary[case.kind][0] += 1
            ordinary[case.kind][1] += not said
            if said:
                wrong.append({"kind": case.kind, "source": case.source, "label": said[0].label})
            continue
        if (failed := _try_product(suggester, case, tallies)) is not None:
            wrong.append(failed)
        _try_peers(case, tallies, [n for n in PEERS if peers or n == "word"])
    return {**_report(tallies, ordinary), "cases": len(suite), "wrong": wrong}


def _try_product(
    suggester: Suggester, case: Case, tallies: Mapping[str, Mapping[str, PropagationTally]]
) -> dict[str, Any] | None:
    """Ask after one example, and after two if there was no offer; also returns what was wrong after
    one."""
    failed = None
    for examples in (1, 2):
        if examples > len(case.places):
            break
        request, done = case.request(examples)
        started = time.perf_counter()
        answer = suggester.answer(request)
        ms = (time.perf_counter() - started) * 1e3
        found = offered_places(case, done, answer.suggestions)
        wanted = case.places - set(done)
        if examples == 1:
            tally = tallies["nextedit"][case.kind]
            tally.ms.append(ms)
            tally.add(found, wanted)
            if found != wanted:
                failed = _explained(case, found, wanted, answer.silence.get("rename"))
        if found or examples == 2:
            tallies["nextedit, two examples if silent"][case.kind].add(found, wanted)
            break
    return failed


def _try_peers(
    case: Case, tallies: Mapping[str, Mapping[str, PropagationTally]], names: Iterable[str]
) -> None:
    for name in names:
        tally = tallies[name][case.kind]
        started = time.perf_counter()
        places: set[Place] | None
        try:
            places = PEERS[name](case.notebook, case.first, case.new) - {case.first}
        except Exception:  # a peer may fail in any way; that is a result
            places = None
        tally.ms.append((time.perf_counter() - started) * 1e3)
        tally.add(places, case.places)


def _report(
    tallies: Mapping[str, Mapping[str, PropagationTally]], ordinary: Mapping[str, list[int]]
) -> dict[str, Any]:
    """The tools' tables, and the silence on ordinary edits."""
    report: dict[str, Any] = {"tools": {}}
    for tool, by_kind in tallies.items():
        table = {kind: tally.report() for kind, tally in sorted(by_kind.items())}
        renames = [t for kind, t in by_kind.items() if kind not in MIGRATIONS]
        moves = [t for kind, t in by_kind.items() if kind in MIGRATIONS]
        names = [t for kind, t in by_kind.items() if kind.startswith("variable")]
        for label, group in (("variables", names), ("renames", renames), ("migrations", moves)):
            table[f"all {label}"] = _sum(group).report()
        report["tools"][tool] = table
    total = sum(seen for seen, _ in ordinary.values())
    silent = sum(quiet for _, quiet in ordinary.values())
    report["ordinary"] = {
        "cases": total,
        "silent": _share(silent, total),
        "silent_95": _interval(silent, total),
        "by_kind": {
            kind: {"cases": seen, "silent": _share(quiet, seen)}
            for kind, (seen, quiet) in sorted(ordinary.items())
        },
    }
    return report


def _sum(tallies: list[PropagationTally]) -> PropagationTally:
    total = PropagationTally()
    for tally in tallies:
        for name in ("cases", "offered", "exact", "right", "wrong", "missed", "failed"):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
        total.ms += tally.ms
    return total


def _explained(
    case: Case, found: set[Place], wanted: frozenset[Place] | set[Place], silence: Any
) -> dict[str, Any]:
    return {
        "kind": case.kind,
        "source": case.source,
        "old": case.old,
        "new": case.new,
        "first": list(case.first),
        "extra": sorted(map(list, found - wanted))[:5],
        "missed": sorted(map(list, wanted - found))[:5],
        "silence": f"{silence.reason}: {silence.detail}" if silence else "",
    }


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """The whole evaluation, as JSON values."""
    if arguments.edits is not None:
        return _run_edits(arguments)
    suite = cases(notebooks(arguments.cache), arguments.seed, arguments.per_kind)
    report = evaluate(suite, peers=not arguments.no_peers)
    report["packages"] = list(PACKAGES)
    report["seed"] = arguments.seed
    return report


def _run_edits(arguments: argparse.Namespace) -> dict[str, Any]:
    suggester = Suggester() if arguments.no_model else build_suggester()
    shared = suggester.model

    def at_level(level: float) -> Suggester:
        return Suggester(shared, suggester.bundle, judge=JudgeLane(shipped().at(level)))

    report = propagation_edits.evaluate(
        list(read_commits(arguments.edits)),
        suggester,
        peers=not arguments.no_peers,
        limit=arguments.limit,
        at_level=at_level if arguments.curve else None,
    )
    report["edits"] = arguments.edits.name
    report["model"] = suggester.bundle
    return report


def format_report(report: dict[str, Any]) -> str:
    if "edits" in report:
        return propagation_edits.format_report(report)
    lines = [
        f"{report['cases']} cases on notebooks of {len(report.get('packages', PACKAGES))} packages",
        "",
    ]
    row = "{:<22}{:>6}{:>8}{:>10}{:>8}{:>9}{:>9}{:>10}"
    for tool, table in report["tools"].items():
        lines.append(
            row.format(
                tool[:21], "cases", "recall", "precision", "exact", "failed", "p50 ms", "max ms"
            )
        )
        for kind, figures in table.items():
            lines.append(
                row.format(
                    f"  {kind}"[:21],
                    figures["cases"],
                    *(_percent(figures[name]) for name in ("recall", "precision", "exact")),
                    figures["failed"],
                    "-" if figures["p50_ms"] is None else figures["p50_ms"],
                    "-" if figures["max_ms"] is None else figures["max_ms"],
                )
            )
        lines.append("")
    ordinary = report["ordinary"]
    lines.append(f"ordinary edits: silent on {_percent(ordinary['silent'])} of {ordinary['cases']}")
    for kind, figures in ordinary["by_kind"].items():
        lines.append(f"  {kind:<34}{figures['cases']:>5}{_percent(figures['silent']):>9}")
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f} %"
