"""Training the judge: what was right at a place, and trees that the product reads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextedit_jupyter.cli import main
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.evals.real_edits import Commit
from nextedit_jupyter.suggest.judge.features import NAMES
from nextedit_jupyter.suggest.judge.forest import Forest
from nextedit_jupyter.training import judge
from nextedit_jupyter.training.judge_states import Rows, rows_of, states_of, was_made
from nextedit_jupyter.training.judge_trees import as_json

pytest.importorskip("sklearn")


def spread(name: str, owner: str) -> Commit:
    """A keyword that was changed in three cells, and left in a comment."""
    before = (
        f"a = fit({name}, lr=1)",
        f"b = fit({name}, lr=2)",
        f"c = fit({name}, lr=3)  # lr",
        "# lr is small",
    )
    changed = {n: before[n].replace("lr=", "rate=") for n in range(3)}
    return Commit(f"{owner}/repo", "rename", before, changed, ("lr", "rate"))


def single(name: str, owner: str) -> Commit:
    before = (f"{name} = 10", f"range(10, {name})", f"plot({name}, 10)")
    return Commit(f"{owner}/repo", "single", before, {0: f"{name} = 20"}, None)


COMMITS = [make(f"v{n}", f"o{n % 7}") for n in range(30) for make in (spread, single)]


def test_a_place_was_made_left_or_changed_otherwise() -> None:
    before, after = "f(lr=1); g(lr=2); h(lr=3)", "f(rate=1); g(lr=2); h(k=3)"
    places = [n for n in range(len(before)) if before.startswith("lr", n)]
    assert [was_made(before, after, n, n + 2, "rate") for n in places] == [True, False, None]


def test_an_insertion_was_made_where_its_text_stands() -> None:
    assert was_made("f(x)", "f(x, 1)", 3, 3, ", 1") is True
    assert was_made("f(x)", "g(x)", 3, 3, ", 1") is False


@pytest.mark.parametrize(
    ("unpaired", "right"),
    [({}, [0, 0]), ({1: None}, [0]), ({1: "range(20, v)"}, [1, 0]), ({1: None, 2: None}, [])],
)
def test_cells_that_are_not_paired_count_as_far_as_it_is_known_what_they_became(
    unpaired: dict[int, str | None], right: list[int]
) -> None:
    commit = replace(single("v", "o"), unpaired=unpaired)
    assert rows_of(states_of(commit)).right.tolist() == right


def test_of_an_edit_that_nobody_spread_every_place_is_a_negative() -> None:
    rows = rows_of(states_of(single("v", "o")))
    assert rows.values.shape == (2, len(NAMES))
    assert rows.right.tolist() == [0, 0]


def test_a_rename_is_followed_step_by_step() -> None:
    states = list(states_of(spread("v", "o")))
    assert [(s.kind, len(s.request.history), len(s.after)) for s in states] == [
        ("rename", 1, 2),
        ("rename", 2, 1),
        ("rename", 3, 0),
    ]


def test_the_first_of_several_like_changes_of_a_cell_is_a_state_of_its_own() -> None:
    before = ("f(lr=1)\nf(lr=2)", "x")
    changed = {0: before[0].replace("lr", "rate")}
    commit = Commit("o/r", "edit", before, changed, None)
    (state,) = states_of(commit)
    assert state.request.notebook.cells[0].source == "f(rate=1)\nf(lr=2)"
    assert rows_of([state]).right.tolist() == [1]


def test_the_trees_that_are_written_are_the_trees_that_were_fitted() -> None:
    rows = rows_of(state for commit in COMMITS for state in states_of(commit))
    model = judge.fit(rows, judge.Plan(trees=12, leaves=6))
    limits = {"show": 0.6, "tick": 0.5, "list": 0.3}
    forest = Forest({**as_json(model), "features": list(NAMES), "thresholds": limits})
    assert np.allclose(
        forest.values(rows.values), model.predict_proba(rows.values)[:, 1], atol=1e-4
    )


def test_the_command_learns_what_follows_and_what_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "edits.jsonl", tmp_path / "judge.json"
    with file.open("w") as lines:
        for commit in COMMITS:
            after = [commit.changed.get(n, text) for n, text in enumerate(commit.before)]
            told = {
                "repo": commit.repo,
                "kind": commit.kind,
                "before": commit.before,
                "after": after,
                "pairs": [[n, n] for n in commit.changed],
                "rename": commit.rename,
            }
            lines.write(json.dumps(told) + "\n")
    asked = ["train", "judge", "--edits", str(file), "--validation", str(file)]
    assert main([*asked, "--out", str(out), "--trees", "20"]) == 0
    told = json.loads(out.read_text())
    Forest(told)
    assert told["validation"]["precision"] == 1.0
    assert told["validation"]["recall"] == 1.0
    assert told["validation"]["silent"] == 1.0
    said = " ".join(capsys.readouterr().out.split())
    assert "on owners that were left out: recall 1.000" in said


def test_too_many_leaves_and_edits_without_followers_are_refused() -> None:
    with pytest.raises(TrainingError, match="at most 16"):
        judge.Plan(leaves=17)
    rows = rows_of(states_of(single("v", "o")))
    with pytest.raises(TrainingError, match="contain no place"):
        judge.fit(rows, judge.Plan(trees=2, leaves=3))


def test_edits_that_hold_nothing_to_learn_say_so() -> None:
    with pytest.raises(TrainingError, match="too few"):
        judge.train(COMMITS[:2])
    nothing = [Commit("o/r", "edit", ("x = 1",), {}, None)] * 9
    with pytest.raises(TrainingError, match="contain no place"):
        judge.train(nothing)


def test_the_same_edits_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    plan = judge.Plan(trees=10, seed=3, per_owner=3)
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    for path in (first, second):
        judge.write(judge.train(COMMITS, (), plan), path)
    assert first.read_bytes() == second.read_bytes()


def test_of_one_owner_so_many_commits_of_a_kind_are_taken() -> None:
    taken = judge.sampled(COMMITS, 3, seed=0)
    assert {(c.owner, c.kind) for c in taken} == {(c.owner, c.kind) for c in COMMITS}
    assert sum(c.kind == "single" for c in taken) == 7 * 3
    assert [c for c in taken if c.rename] == [c for c in COMMITS if c.rename]
    assert judge.sampled(COMMITS, 0, seed=0) == COMMITS


def test_a_run_that_was_cut_off_goes_on_and_ends_as_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = judge.Plan(trees=10, seed=3, per_owner=3)
    whole = judge.train(COMMITS, (), plan)
    real, count = judge.fit, 0

    def fit(rows: Rows, plan: judge.Plan) -> Any:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return real(rows, plan)

    monkeypatch.setattr(judge, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        judge.train(COMMITS, (), plan, work=tmp_path)
    assert judge.train(COMMITS, (), plan, work=tmp_path) == whole
    assert count == 3 + 2  # the trees of the whole and of the first part were there


def test_parts_share_no_owner_and_where_there_is_one_owner_no_commit() -> None:
    parts = judge.folded(COMMITS, 3, seed=0)
    owners = [{c.owner for c in part} for part in parts]
    assert not owners[0] & owners[1]
    assert not owners[1] & owners[2]
    assert all(parts)
    mine = [spread(f"v{n}", "me") for n in range(9)]
    assert [len(part) for part in judge.folded(mine, 3, seed=0)] == [3, 3, 3]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"repo": "a/b", "kind": "edit", "before": ["x"], "after": ["y"], "pairs": [[3, 0]]}',
        '{"repo": "a/b", "kind": "edit", "before": ["x"], "after": ["y"], "pairs": [[0, -1]]}',
        '{"repo": "a/b", "kind": "edit", "before": 3, "after": ["y"], "pairs": []}',
    ],
)
def test_a_line_that_is_no_edit_is_named(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "edits.jsonl"
    file.write_text(line + "\n")
    assert main(["train", "judge", "--edits", str(file), "--out", str(tmp_path / "j.json")]) != 0
    assert "edits.jsonl, line 1: not an edit of a notebook" in capsys.readouterr().err
