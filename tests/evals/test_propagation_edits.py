"""The evaluation on real commits: what counts as found, wrong, located and silent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nextedit_jupyter.cli import main
from nextedit_jupyter.core import NextEditError, SuggestRequest
from nextedit_jupyter.evals import propagation_edits
from nextedit_jupyter.evals.propagation_edits import (
    next_edits,
    quiet,
    replay,
    replay_peer,
    words,
)
from nextedit_jupyter.evals.real_edits import Commit, read_commits, renamed
from nextedit_jupyter.evals.rename_peers import word_replacement

BEFORE = ("x = 1", "print(x)", "y = x + x", "f(x=3)")
RENAME = Commit(
    "owner/repo", "rename", BEFORE, {0: "n = 1", 1: "print(n)", 2: "y = n + n"}, ("x", "n")
)
SINGLE = Commit("owner/repo", "single", BEFORE, {1: "print(x, 2)"}, None)
LINE = {
    "repo": "owner/repo",
    "kind": "rename",
    "before": list(BEFORE),
    "after": ["n = 1", "print(n)", "y = n + n", "f(x=3)"],
    "pairs": [[0, 0], [1, 1], [2, 2]],
    "rename": ["x", "n"],
}


class Offering:
    """Offers the same texts at every request, and counts the requests."""

    def __init__(self, texts: Mapping[int, str]) -> None:
        self.texts = texts
        self.asked: list[SuggestRequest] = []

    def __call__(
        self, request: SuggestRequest, rename: tuple[str, str] | None, first: bool
    ) -> Mapping[int, str]:
        self.asked.append(request)
        return self.texts


def test_a_cell_that_is_offered_as_the_person_left_it_is_found_and_not_typed() -> None:
    offer = Offering({1: "print(n)", 2: "y = n + n"})
    total = replay([RENAME], offer)
    assert (total.cells, total.found, total.offered, total.wrong) == (2, 2, 2, 0)
    assert len(offer.asked) == 1


def test_a_cell_that_is_not_offered_is_typed_and_asked_after_with_a_longer_history() -> None:
    offer = Offering({2: "y = n + n"})
    total = replay([RENAME], offer)
    assert (total.found, len(offer.asked)) == (1, 2)
    assert [len(request.history) for request in offer.asked] == [1, 2]
    assert offer.asked[1].notebook.cells[1].source == "print(n)"


def test_a_text_that_the_person_did_not_make_is_wrong_once() -> None:
    total = replay([RENAME], Offering({3: "f(n=3)"}))
    assert (total.found, total.offered, total.wrong) == (0, 1, 1)


def test_a_cell_that_was_changed_otherwise_too_is_neutral_once_it_holds_the_new_name() -> None:
    more = Commit("o/r", "rename-mixed", BEFORE, {**RENAME.changed, 3: "g(n=4)"}, ("x", "n"))
    assert replay([more], Offering({3: "f(n=3)"})).wrong == 0


@pytest.mark.parametrize(
    ("after", "offered", "wrong"),
    [
        # The file does not say what cell 2 became.
        (["n = 1", "print(n)", "y = n + n", "f(x=3)"], "y = n + n", 0),
        (["n = 1", "print(n)", "z = 3", "y = n + n", "f(x=3)"], "y = n + n", 0),
        # It was changed in another way as well; it was not changed so; it stayed; it is gone.
        (["n = 1", "print(n)", "y = n + n + 2", "f(x=3)"], "y = n + n", 0),
        (["n = 1", "print(n)", "y = x + m", "f(x=3)"], "y = n + n", 1),
        (["n = 1", "print(n)", "y = x + x", "f(x=3)"], "y = n + n", 1),
        (["n = 1", "print(n)", "f(x=3)"], "y = n + n", 1),
        # Another cell has always had this text.
        (["n = 1", "print(n)", "f(x=3)"], "f(x=3)", 1),
    ],
)
def test_a_cell_that_is_not_paired_is_looked_up_among_the_new_ones(
    tmp_path: Path, after: list[str], offered: str, wrong: int
) -> None:
    path = tmp_path / "edits.jsonl"
    path.write_text(json.dumps({**LINE, "after": after, "pairs": [[0, 0], [1, 1]]}), "utf-8")
    assert replay(read_commits(path), Offering({2: offered})).wrong == wrong


def test_each_new_cell_is_what_one_cell_became(tmp_path: Path) -> None:
    told = {
        **LINE,
        "before": ["x = 1", "print(x, 1, 2)", "print(x, 1, 3)", "plot(x)"],
        "after": ["n = 1", "print(n, 1, 3)", "other()"],
        "pairs": [[0, 0]],
    }
    path = tmp_path / "edits.jsonl"
    path.write_text(json.dumps(told), "utf-8")
    (commit,) = read_commits(path)
    assert commit.unpaired == {1: None, 2: "print(n, 1, 3)", 3: None}


def test_after_a_single_request_nothing_is_asked_again() -> None:
    offer = Offering({})
    assert replay([RENAME], offer, single=True).found == 0
    assert len(offer.asked) == 1


def test_replacing_the_word_finds_all_and_takes_the_keyword_along() -> None:
    total = replay([RENAME], words)
    assert (total.found, total.wrong) == (2, 1)
    peer, failed = replay_peer([RENAME], word_replacement)
    assert (peer.found, peer.wrong, failed) == (2, 1, 0)


def test_a_peer_that_fails_is_counted() -> None:
    def peer(*_: Any) -> set[Any]:
        raise RuntimeError

    assert replay_peer([RENAME], peer)[1] == 1


def test_next_edits_are_asked_after_the_first_half() -> None:
    offer = Offering({2: "y = n + n", 3: "f(n=3)"})
    assert next_edits([RENAME, SINGLE], offer) == {
        "cases": 1,
        "located": 1,
        "exact": 1,
        "wrong": 0,
        "silent": 0,
    }
    assert next_edits([RENAME], Offering({3: "f(n=3)"}))["wrong"] == 1
    assert next_edits([RENAME], Offering({}))["silent"] == 1


def test_an_edit_that_nobody_spread_is_to_be_followed_by_silence() -> None:
    assert quiet([SINGLE, RENAME], Offering({}))["share"] == 1.0
    assert quiet([SINGLE, RENAME], Offering({2: "y = 0"}))["silent"] == 0


def test_one_token_for_one_other_is_a_rename_and_more_is_none() -> None:
    assert renamed("f(x) + x", "f(n) + n") == ("x", "n")
    assert renamed("f(x) + x", "f(n) + m") is None
    assert renamed("f(x)", "f(n, 1)") is None


def test_a_file_that_is_none_says_which_line(tmp_path: Path) -> None:
    path = tmp_path / "edits.jsonl"
    path.write_text(json.dumps(LINE) + '\n{"repo": 1}\n')
    with pytest.raises(NextEditError, match="line 2: not an edit"):
        list(read_commits(path))
    with pytest.raises(NextEditError, match="no such file"):
        list(read_commits(tmp_path / "none.jsonl"))


def test_the_command_measures_the_product_on_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "edits.jsonl"
    single = {**LINE, "kind": "single", "pairs": [[3, 3]], "rename": None}
    single["after"] = [*BEFORE[:3], "f(x=4)"]
    path.write_text("\n".join(map(json.dumps, (LINE, single))))
    report = tmp_path / "report.json"
    asked = ["eval", "propagation", "--edits", str(path), "--no-model", "-o", str(report)]
    assert main(asked) == 0
    told = json.loads(report.read_text())
    assert told["replay"]["nextedit"]["recall"] == 1.0
    assert set(told["single"]) == {"nextedit", "word", "jedi", "rope"}
    assert told["quiet"]["cases"] == 1
    printed = capsys.readouterr().out
    assert "replay" in printed
    assert "silent on 100.0 %" in printed


def test_the_curve_has_a_point_for_each_threshold(tmp_path: Path) -> None:
    path = tmp_path / "edits.jsonl"
    path.write_text(json.dumps(LINE))
    report = tmp_path / "report.json"
    options = ["--no-model", "--no-peers", "--curve", "-o", str(report)]
    assert main(["eval", "propagation", "--edits", str(path), *options]) == 0
    curve = json.loads(report.read_text())["curve"]
    assert [point["threshold"] for point in curve] == list(propagation_edits.LEVELS)
