"""Propagation on real commits: what should follow an edit, and what should not.

- replay: the commit's edits are made cell by cell. A cell counts as found if the newest offer
  leaves it exactly as the author did; otherwise the author types it, and the tool is asked again
  with a longer history. Each distinct offered text of a cell that the author did not write is
  wrong; a cell that was also changed in another way is neutral once it contains the new name.
  What the file does not pair with the cell that it became is looked up among the new cells.
- single request: the same after the first edit alone.
- next edits: after the first half of a commit's cells, whether the first offer touches a cell of
  the other half (located) and leaves one exactly as the author did (exact).
- quiet: after an edit that its author made in one place only, whether nothing is offered.

Jedi, rope and replacing the word everywhere are measured in the same run.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.evals.measures import ratio_interval, wilson
from nextedit_jupyter.evals.real_edits import (
    Commit,
    caret_after,
    count_word,
    request_after,
    tokens,
)
from nextedit_jupyter.evals.rename_peers import PEERS, Peer
from nextedit_jupyter.suggest import Suggester

Texts = Mapping[int, str]
# Returns the texts that cells would have after accepting the offer.
Offer = Callable[[SuggestRequest, tuple[str, str] | None, bool], Texts]

MAX_CHARACTERS = 60_000  # of a notebook for which next edits are requested
MAX_CASES = 200
SEED = 3
LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def _four_zeros() -> list[int]:
    return [0] * 4


@dataclass(slots=True)
class Replay:
    """Counts of a replay; by repository for the intervals."""

    cases: int = 0
    cells: int = 0
    found: int = 0
    offered: int = 0
    wrong: int = 0
    repos: dict[str, list[int]] = field(default_factory=lambda: defaultdict(_four_zeros))

    def add(self, repo: str, cells: int, found: int, offered: int, wrong: int) -> None:
        self.cases += 1
        self.cells += cells
        self.found += found
        self.offered += offered
        self.wrong += wrong
        for at, count in enumerate((cells, found, offered, wrong)):
            self.repos[repo][at] += count

    def merge(self, other: Replay) -> None:
        self.cases += other.cases
        self.cells += other.cells
        self.found += other.found
        self.offered += other.offered
        self.wrong += other.wrong
        for repo, counts in other.repos.items():
            mine = self.repos[repo]
            for at, count in enumerate(counts):
                mine[at] += count

    def report(self) -> dict[str, Any]:
        counts = list(self.repos.values())
        recall = ratio_interval([(found, cells) for cells, found, _, _ in counts])
        precision = ratio_interval([(made - bad, made) for _, _, made, bad in counts])
        return {
            "cases": self.cases,
            "cells": self.cells,
            "found": self.found,
            "offered": self.offered,
            "wrong": self.wrong,
            "recall": round(self.found / max(self.cells, 1), 4),
            "recall_95": [round(x, 4) for x in recall],
            "precision": round(1 - self.wrong / max(self.offered, 1), 4),
            "precision_95": [round(x, 4) for x in precision],
        }


def product(suggester: Suggester, times: list[float] | None = None) -> Offer:
    """The product's offer: each cell after the first suggestion that touches it."""

    def offer(
        request: SuggestRequest, rename: tuple[str, str] | None, first: bool
    ) -> dict[int, str]:
        started = time.perf_counter()
        answer = suggester.answer(request)
        if times is not None:
            times.append((time.perf_counter() - started) * 1e3)
        texts: dict[int, str] = {}
        for said in answer.suggestions:
            for id, text in (said.apply(request.notebook) or {}).items():
                cell = request.notebook.index(id)
                if cell is not None and text != request.notebook.cells[cell].source:
                    texts.setdefault(cell, text)
            if first and texts:
                break
        return texts

    return offer


def words(request: SuggestRequest, rename: tuple[str, str] | None, first: bool) -> dict[int, str]:
    """Replaces the word in every other cell."""
    assert rename is not None
    old, new = rename
    return {
        n: "".join(new if token == old else token for token in tokens(cell.source))
        for n, cell in enumerate(request.notebook.cells)
        if cell.id != request.caret.cell and count_word(cell.source, old)
    }


def replay(commits: Iterable[Commit], offer: Offer, *, single: bool = False) -> Replay:
    """Make each commit's rename cell by cell, asking after each cell that was not offered."""
    total = Replay()
    for commit in commits:
        cells = commit.spread
        if len(cells) >= 2:
            total.add(commit.repo, len(cells) - 1, *_replayed(commit, cells, offer, single))
    return total


def _replayed(
    commit: Commit, cells: Sequence[int], offer: Offer, single: bool
) -> tuple[int, int, int]:
    assert commit.rename is not None
    new = commit.rename[1]
    now, events = list(commit.before), []
    standing: Texts = {}
    seen: set[tuple[int, str]] = set()
    found = wrong = 0
    for n, cell in enumerate(cells):
        after = commit.changed[cell]
        if n and standing.get(cell) == after:
            found += 1
            now[cell] = after
            continue
        if n and single:
            continue
        events.append((cell, now[cell], after))
        now[cell] = after
        standing = offer(
            request_after(now, events, after.find(new) + len(new)), commit.rename, False
        )
        for place in standing.items():
            if place not in seen:
                seen.add(place)
                wrong += _is_wrong(commit, *place)
    return found, len(seen), wrong


def _is_wrong(commit: Commit, cell: int, text: str) -> bool:
    after = commit.changed.get(cell, commit.unpaired.get(cell))
    if after is None:
        return True
    assert commit.rename is not None
    new = commit.rename[1]
    return after != text and count_word(after, new) <= count_word(commit.before[cell], new)


def peer_offer(peer: Peer) -> Offer:
    """A refactoring tool's result for a rename that was made at one place; raises what the tool
    raises."""

    def offer(
        request: SuggestRequest, rename: tuple[str, str] | None, first: bool
    ) -> dict[int, str]:
        assert rename is not None
        notebook, event = request.notebook, request.history[-1]
        start = _first_change(event.before, event.after)
        cells = tuple(
            type(c)(c.id, c.type, event.before if c.id == event.cell else c.source)
            for c in notebook.cells
        )
        before = type(notebook)(notebook.language, cells)
        places = peer(before, (event.cell, start, start + len(rename[0])), rename[1])
        texts: dict[int, str] = {}
        for number, cell in enumerate(cells):
            mine = sorted((s, e) for id, s, e in places if id == cell.id)
            text = cell.source
            for s, e in reversed(mine):
                text = text[:s] + rename[1] + text[e:]
            if mine and cell.id != event.cell:
                texts[number] = text
        return texts

    return offer


def replay_peer(commits: Iterable[Commit], peer: Peer) -> tuple[Replay, int]:
    """Ask a refactoring tool once, at the first changed place; also returns how often it failed."""
    failed = 0
    asked = peer_offer(peer)

    def offer(request: SuggestRequest, rename: tuple[str, str] | None, first: bool) -> Texts:
        nonlocal failed
        try:
            return asked(request, rename, first)
        except Exception:  # a peer may fail in any way; that is a result
            failed += 1
            return {}

    return replay(commits, offer, single=True), failed


def _first_change(before: str, after: str) -> int:
    at = 0
    for old, new in zip(tokens(before), tokens(after), strict=False):
        if old != new:
            break
        at += len(old)
    return at


def next_edits(commits: Iterable[Commit], offer: Offer, limit: int = MAX_CASES) -> dict[str, int]:
    """Located, exact, wrong and silent after the first half of a commit's cells."""
    suited = [
        c for c in commits if len(c.changed) >= 2 and sum(map(len, c.before)) <= MAX_CHARACTERS
    ]
    random.Random(SEED).shuffle(suited)
    counts = dict.fromkeys(("cases", "located", "exact", "wrong", "silent"), 0)
    for commit in suited[:limit]:
        cells = sorted(commit.changed)
        half = max(1, len(cells) // 2)
        now, events = list(commit.before), []
        for cell in cells[:half]:
            events.append((cell, commit.before[cell], commit.changed[cell]))
            now[cell] = commit.changed[cell]
        last = cells[half - 1]
        caret = caret_after(commit.before[last], commit.changed[last])
        texts = offer(request_after(now, events, caret), None, True)
        left = {cell: commit.changed[cell] for cell in cells[half:]}
        counts["cases"] += 1
        if not texts:
            counts["silent"] += 1
        elif not set(texts) & set(left):
            counts["wrong"] += 1
        else:
            counts["located"] += 1
            counts["exact"] += any(left.get(cell) == text for cell, text in texts.items())
    return counts


def quiet(commits: Iterable[Commit], offer: Offer, limit: int = MAX_CASES) -> dict[str, Any]:
    """How often nothing is offered after an edit that was made in one place only."""
    suited = [c for c in commits if c.kind == "single" and c.changed]
    random.Random(SEED).shuffle(suited)
    suited = suited[:limit]
    silent = 0
    for commit in suited:
        cell, after = next(iter(commit.changed.items()))
        before = commit.before[cell]
        now = list(commit.before)
        now[cell] = after
        asked = request_after(now, [(cell, before, after)], caret_after(before, after))
        silent += not offer(asked, None, False)
    low, high = wilson(silent, len(suited))
    return {
        "cases": len(suited),
        "silent": silent,
        "share": round(silent / max(len(suited), 1), 4),
        "share_95": [round(low, 4), round(high, 4)],
    }


def evaluate(
    commits: Sequence[Commit],
    suggester: Suggester,
    *,
    peers: bool = True,
    limit: int = MAX_CASES,
    levels: Sequence[float] = LEVELS,
    at_level: Callable[[float], Suggester] | None = None,
) -> dict[str, Any]:
    """All figures; `at_level` returns the product with another threshold, for the curve."""
    times: list[float] = []
    mine = product(suggester, times)
    report: dict[str, Any] = {
        "commits": len(commits),
        "repositories": len({c.repo for c in commits}),
        "replay": {"nextedit": replay(commits, mine).report()},
        "single": {"nextedit": replay(commits, mine, single=True).report()},
        "next_edits": next_edits(commits, mine, limit),
        "quiet": quiet(commits, mine, limit),
    }
    report["replay"]["word"] = replay(commits, words).report()
    report["single"]["word"] = replay(commits, words, single=True).report()
    for name in ("jedi", "rope") if peers else ():
        total, failed = replay_peer(commits, PEERS[name])
        report["single"][name] = {**total.report(), "failed": failed}
    if at_level is not None:
        report["curve"] = [
            {"threshold": level, **_short(commits, at_level(level), limit)} for level in levels
        ]
    ordered = sorted(times)
    report["ms"] = {
        "asks": len(ordered),
        "p50": round(statistics.median(ordered), 1) if ordered else None,
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 1) if ordered else None,
    }
    return report


def _short(commits: Sequence[Commit], suggester: Suggester, limit: int) -> dict[str, Any]:
    mine = product(suggester)
    replayed = replay(commits, mine)
    return {
        "recall": replayed.report()["recall"],
        "precision": replayed.report()["precision"],
        "silent": quiet(commits, mine, limit)["share"],
    }


def format_report(report: dict[str, Any]) -> str:
    lines = [
        f"{report['commits']} commits of {report['repositories']} repositories;"
        " 95 % intervals draw repositories",
        "",
    ]
    row = "{:<18}{:>7}{:>9}{:>18}{:>11}{:>18}"
    for kind, title in (("replay", "replay"), ("single", "single request")):
        lines.append(row.format(title, "cells", "recall", "", "precision", ""))
        for name, figures in report[kind].items():
            lines.append(
                row.format(
                    f"  {name}",
                    figures["cells"],
                    _percent(figures["recall"]),
                    _range(figures["recall_95"]),
                    _percent(figures["precision"]),
                    _range(figures["precision_95"]),
                )
            )
        lines.append("")
    counts = report["next_edits"]
    lines.append(
        f"next edits: {counts['located']} of {counts['cases']} located, {counts['exact']} exact,"
        f" {counts['wrong']} wrong, {counts['silent']} silent"
    )
    silence = report["quiet"]
    lines.append(
        f"edits that were not spread: silent on {_percent(silence['share'])}"
        f" {_range(silence['share_95'])} of {silence['cases']}"
    )
    if "curve" in report:
        lines += ["", "{:<12}{:>9}{:>11}{:>9}".format("threshold", "recall", "precision", "silent")]
        lines += [
            f"{p['threshold']:<12}{_percent(p['recall']):>9}{_percent(p['precision']):>11}"
            f"{_percent(p['silent']):>9}"
            for p in report["curve"]
        ]
    ms = report["ms"]
    lines += ["", f"{ms['asks']} requests: p50 {ms['p50']} ms, p95 {ms['p95']} ms"]
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _range(ends: Sequence[float]) -> str:
    return f"({ends[0] * 100:.1f} to {ends[1] * 100:.1f})"
