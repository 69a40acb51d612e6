"""Rewards for lines of real commits: what is asked, what is right; adapters alone learn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from prompt_letters import Letters  # noqa: E402

from nextedit_jupyter.core.errors import TrainingError  # noqa: E402
from nextedit_jupyter.prompt.cells_lines_v1 import CellsLinesV1  # noqa: E402
from nextedit_jupyter.prompt.control import CONTROL_TOKENS, END, NEW  # noqa: E402
from nextedit_jupyter.training.network import DecoderModule, Shape  # noqa: E402
from nextedit_jupyter.training.rl import open_run, train  # noqa: E402
from nextedit_jupyter.training.rl_lines import LineQuestions  # noqa: E402
from nextedit_jupyter.training.rl_questions import Question  # noqa: E402
from nextedit_jupyter.training.rl_settings import RlSettings  # noqa: E402
from nextedit_jupyter.training.run_folder import read_checkpoint  # noqa: E402
from nextedit_jupyter.training.schedule import RunBudget  # noqa: E402
from nextedit_jupyter.training.tuning import adapted  # noqa: E402

BEFORE = ["a = load(x)", "if a:\n    b = load(y)", "c = load(z)  # stays", "print(a)"]
AFTER = ["a = read(x)", "if a:\n    b = read(y)", "c = load(z)  # stays", "print(a)"]
SETTINGS = RlSettings(length=400, max_new=40, prompts=2, samples=4, lr=1e-2, threads=1)
LETTERS = Letters()


@pytest.fixture
def commits(tmp_path: Path) -> Path:
    row = {"repo": "a/b", "before": BEFORE, "after": AFTER, "pairs": [[0, 0], [1, 1]]}
    path = tmp_path / "edits.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for _ in range(3)))
    return path


def text_of(ids: Sequence[int]) -> str:
    count = len(CONTROL_TOKENS)
    return "".join(CONTROL_TOKENS[id] if id < count else chr(id - count) for id in ids)


def asked(commits: Path, **settings: Any) -> list[Question]:
    settings = {"length": 400, "max_new": 40, **settings}
    return LineQuestions(commits, CellsLinesV1(), LETTERS, RlSettings(**settings)).draw("a", 20)


def said(new: str) -> list[int]:
    return [LETTERS.control(NEW), *LETTERS.encode(new), LETTERS.control(END)]


def test_questions_end_where_the_answer_begins_and_are_the_same_for_the_same_seed(
    commits: Path,
) -> None:
    drawn = asked(commits)
    assert [q.ids for q in drawn] == [q.ids for q in asked(commits)]
    texts = {text_of(q.ids).rpartition("<|edit|>")[2] for q in drawn if not q.wanted}
    assert "c = load(z)  # stays" in texts
    texts = {text_of(q.ids).rpartition("<|edit|>")[2] for q in drawn if q.wanted}
    assert texts == {"a = load(x)", "    b = load(y)"}
    assert all(text_of(q.ids).startswith("<|bos|><|old|>") for q in drawn)
    assert all(LETTERS.control(END) in q.stop for q in drawn)


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_as_many_are_wanted_as_is_said(commits: Path, share: float) -> None:
    """Though few of the lines that could be asked about were changed."""
    rows = [
        {"before": BEFORE + ["d = load(1)"] * 5, "after": AFTER + ["d = load(1)"] * 5}
        | {"pairs": [[0, 0], [1, 1]]}
    ]
    commits.write_text(json.dumps(rows[0]) + "\n")
    settings = RlSettings(length=400, max_new=40, wanted=share)
    drawn = LineQuestions(commits, CellsLinesV1(), LETTERS, settings).draw("b", 200)
    assert abs(sum(q.wanted for q in drawn) / 200 - share) < 0.1


def test_what_the_person_wrote_is_right_and_the_rest_is_not(commits: Path) -> None:
    drawn = asked(commits, wanted=1.0)
    inner = next(q for q in drawn if text_of(q.ids).endswith("    b = load(y)"))
    right = inner.judge(said("    b = read(y)"))
    assert (right.exact, right.parsed) == (True, True)
    assert right.reward > 1.0
    assert inner.judge(said("b = read(y)")).reward == -1.0  # no longer in its block
    assert inner.judge(said("    qq = 1")).reward == -0.25
    assert inner.judge(said("    b = read(y")).reward == -1.0  # it no longer parses
    assert inner.judge([LETTERS.control(END)]).silent
    assert inner.judge(said("    b = load(y)")).silent  # nothing would be shown
    assert inner.judge(said("x")[:-1]).reward == -1.0  # cut off


def test_silence_is_right_where_the_person_left_the_lines(commits: Path) -> None:
    for question in asked(commits, wanted=0.0):
        assert question.judge([LETTERS.control(END)]).exact
        assert question.judge(said("c = read(z)")).wrong


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no commits"),
        (json.dumps({"repo": "a", "before": ["x"], "after": ["y"], "pairs": []}), "no commits"),
        ("{", "cannot be read"),
    ],
)
def test_a_file_without_commits_is_refused(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "edits.jsonl"
    path.write_text(text)
    with pytest.raises(TrainingError, match=match):
        LineQuestions(path, CellsLinesV1(), LETTERS, SETTINGS)


def test_commits_with_too_few_questions_are_refused(commits: Path) -> None:
    questions = LineQuestions(commits, CellsLinesV1(), LETTERS, RlSettings(length=40, max_new=4))
    with pytest.raises(TrainingError, match="of 3 questions"):
        questions.draw("a", 3)


def test_adapters_alone_learn_and_a_run_goes_on(commits: Path, tmp_path: Path) -> None:
    shape = Shape(
        vocab_size=400, width=16, layers=2, heads=2, kv_heads=1, head_dim=8, hidden=24, context=512
    )
    questions = LineQuestions(commits, CellsLinesV1(), LETTERS, SETTINGS)

    def begin(resume: Path | None = None) -> Any:
        weights = DecoderModule(shape, seed=5).state_dict()
        model = adapted(shape, weights, new_rows=20, rank=4)
        return open_run(tmp_path / "rl", model, SETTINGS, resume=resume)

    run, reference = begin()
    before = {name: value.clone() for name, value in run.model.named_parameters()}
    train(run, reference, questions, SETTINGS, RunBudget(steps=2), progress=lambda _: None)
    changed = {n for n, p in run.model.named_parameters() if not torch.equal(before[n], p)}
    assert changed
    assert changed <= {name for name, p in run.model.named_parameters() if p.requires_grad}
    held = read_checkpoint(tmp_path / "rl" / "final.pt")["model"]
    assert not [name for name in held if "frozen" in name or name.endswith("kept")]

    run, again = begin(tmp_path / "rl" / "latest.pt")
    assert run.state.step == 2
    for (name, one), (_, other) in zip(
        reference.named_parameters(), again.named_parameters(), strict=True
    ):
        assert torch.equal(one, other), name
    train(run, again, questions, SETTINGS, RunBudget(steps=3), progress=lambda _: None)
    assert run.state.step == 3
