"""The evaluation of propagation: its cases, its oracle, its peers and its arithmetic."""

from __future__ import annotations

import argparse
import io
import json
import tarfile
from pathlib import Path

import pytest

from nextedit_jupyter.core import Cell, Notebook
from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.evals import (
    bench_propagation,
    oracle,
    propagation,
    rename_peers,
    sdists,
    synthetic_edits,
)

CELLS = (
    "import numpy as np\nimport lib",
    "total = 1\nfor i in range(3):\n    total += i",
    "print(total, f'{total} total')  # total\n%time use(total)",
    "def scale(xs, by=1):\n    return [x * by for x in xs]",
    "scale([1], by=2)\nlib.fit(lr=1, kind='old')",
    "lib.fit(lr=2, kind='old')\nnp.mean(total)\nbroken = (",
    "lib.fit(lr=2, kind='old')\nnp.mean(total)",
    "np.mean([total])\nscale([2], by=3)",
    "fig = lib.plot()\nfig.show()",
    "fig = lib.plot()\nfig.save()",
    "fig.close()",
)


@pytest.fixture
def notebook() -> Notebook:
    return Notebook("python", tuple(Cell(f"c{i}", "code", s) for i, s in enumerate(CELLS)))


def cases(notebook: Notebook) -> dict[str, synthetic_edits.Case]:
    """One case of each kind and name."""
    found: dict[str, synthetic_edits.Case] = {}
    for seed in range(12):
        for case in synthetic_edits.cases([("book", notebook)], seed, 50, 50):
            found.setdefault(f"{case.kind} {case.old}", case)
    return found


def texts(case: synthetic_edits.Case) -> set[tuple[str, str, str]]:
    sources = {cell.id: cell.source for cell in case.notebook.cells}
    return {
        (cell, sources[cell][start:end], sources[cell][:start].rpartition("\n")[2])
        for cell, start, end in {case.first, *case.places}
    }


def test_the_oracle_tells_the_notebook_s_names_from_local_ones() -> None:
    facts = oracle.read("x = 1\ndef f(x, y=x):\n    return x\n[x for x in y]\nf'{x} a'")
    assert facts is not None
    assert [(use.start, use.binds, use.late) for use in facts.names["x"]] == [
        (0, True, False),
        (17, False, False),
        (facts.source.index("{x}") + 1, False, False),
    ]


def test_the_oracle_leaves_out_what_does_not_parse_or_is_no_python() -> None:
    assert oracle.read("x = (") is None
    assert oracle.read("%%bash\nls") is None


def test_cases_hold_every_place_that_must_follow_and_no_other(notebook: Notebook) -> None:
    found = cases(notebook)
    scale = found["function scale"]
    assert {cell for cell, _, _ in texts(scale)} == {"c3", "c4", "c7"}
    by = found["parameter by"]
    assert len(by.places) == 3
    assert len(found["keyword argument lr"].places) == 1
    assert {cell for cell, _, _ in texts(found["attribute mean"])} == {"c6", "c7"}
    assert "string value old" not in found  # it also stands in the cell that does not parse
    fig = found["variable, rebound fig"]
    assert {cell for cell, _, _ in texts(fig)} == {"c9", "c10"}


def test_a_request_of_a_case_is_the_notebook_after_its_first_edits(notebook: Notebook) -> None:
    for case in cases(notebook).values():
        if not case.places:
            continue
        for examples in (1, 2):
            request, done = case.request(examples)
            assert len(done) == min(examples, 1 + len(case.places))
            for cell in {cell for cell, _, _ in done}:
                texts = [e for e in request.history if e.cell == cell]
                assert texts[-1].after == next(
                    c.source for c in request.notebook.cells if c.id == cell
                )
            assert request.history[-1].after.count(case.new) >= 1


def test_ordinary_edits_change_one_cell_and_want_nothing(notebook: Notebook) -> None:
    ordinary = [case for kind, case in cases(notebook).items() if kind.startswith("ordinary")]
    assert len(ordinary) >= 5
    for case in ordinary:
        request, _ = case.request()
        assert not case.places
        assert request.history[-1].before != request.history[-1].after


def test_the_whole_evaluation_finds_the_places_of_a_small_notebook(notebook: Notebook) -> None:
    suite = [c for c in cases(notebook).values() if c.kind in ("function", "parameter")]
    suite += [c for c in cases(notebook).values() if c.kind.startswith("ordinary")][:6]
    report = propagation.evaluate(suite)
    ours = report["tools"]["nextedit"]["all renames"]
    assert ours["recall"] == ours["precision"] == 1.0
    assert set(report["tools"]) >= {"nextedit", "jedi", "rope", "word"}
    assert report["ordinary"]["cases"] == 6
    assert json.loads(json.dumps(report)) == report
    assert "all renames" in propagation.format_report(report)


def test_a_peer_s_places_are_those_that_it_would_change() -> None:
    book = Notebook("python", (Cell("a", "code", "x = 1"), Cell("b", "code", "print(x, 'x')")))
    first = ("a", 0, 1)
    assert rename_peers.word_replacement(book, first, "y") == {first, ("b", 6, 7), ("b", 10, 11)}
    assert rename_peers.jedi(book, first, "y") == {first, ("b", 6, 7)}
    assert rename_peers.rope(book, first, "y") == {first, ("b", 6, 7)}


def test_wrong_and_missed_places_are_counted_apart() -> None:
    tally = propagation.PropagationTally()
    tally.add({("a", 0, 1), ("a", 4, 5)}, {("a", 0, 1), ("b", 0, 1), ("b", 2, 3)})
    report = tally.report()
    assert report["precision"] == 0.5
    assert report["recall"] == pytest.approx(1 / 3, abs=1e-4)
    assert report["exact"] == 0
    tally.add(None, {("a", 0, 1)})
    assert tally.report()["failed"] == 1


def test_notebooks_are_read_from_archives_that_are_there(tmp_path: Path) -> None:
    book = {"cells": [{"cell_type": "code", "source": ["x = 1\n", "y"]}], "metadata": {}}
    with tarfile.open(tmp_path / "some_thing-1.0.tar.gz", "w:gz") as archive:
        for name, data in (("a/b.ipynb", json.dumps(book).encode()), ("a/c.ipynb", b"{")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    found = list(sdists.notebooks(tmp_path, ("some-thing==1.0",)))
    assert [(name, [c.source for c in nb.cells]) for name, nb in found] == [
        ("some-thing/a/b.ipynb", ["x = 1\ny"])
    ]


def test_nothing_fetched_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdists, "archive", lambda package, cache: None)
    with pytest.raises(NextEditError, match="pip"):
        list(sdists.notebooks(tmp_path, ("a==1",)))


def test_the_command_s_arguments_have_defaults() -> None:
    parser = argparse.ArgumentParser()
    propagation.add_arguments(parser)
    arguments = parser.parse_args([])
    assert arguments.per_kind >= 30
    assert arguments.cache


def test_the_bench_reports_every_size_and_both_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_propagation, "jedi", lambda *_: set())
    monkeypatch.setattr(bench_propagation, "rope", lambda *_: 1 / 0)
    report = bench_propagation.measure(quick=True)
    assert set(report["sizes"]) == {"10", "200"}
    assert report["sizes"]["200"]["symbols_warm"]["p50"] > 0
    assert report["peers_200_cells"]["rope"]["failed"] == "ZeroDivisionError"
    assert "200" in bench_propagation.format_report(report)


def test_the_same_seed_gives_the_same_cases(notebook: Notebook) -> None:
    once, twice = (synthetic_edits.cases([("b", notebook)], 5, 9) for _ in range(2))
    assert once == twice
