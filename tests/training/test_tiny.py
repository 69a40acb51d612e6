from __future__ import annotations

import time
from pathlib import Path

import pytest

pytest.importorskip("torch")

from nextedit_jupyter.core import Caret, Cell, Notebook, SuggestRequest
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.suggest.trim import Step
from nextedit_jupyter.training.card import render_card
from nextedit_jupyter.training.cli import main
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.evaluate import (
    THRESHOLDS,
    Asked,
    Bundle,
    Typed,
    ask,
    evaluate_bundle,
    given,
    type_cell,
    wilson,
)
from nextedit_jupyter.training.export import Agreement, Identity
from nextedit_jupyter.training.tiny import TINY, collect

# Tests must show that the steps fit together; `jupyter nextedit train tiny` takes more steps.
STEPS = "30"


@pytest.mark.slow
def test_one_command_goes_from_code_to_a_bundle_that_is_served(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number in range(6):
        functions = [
            f"def compute_{i}(values, factor={i}):\n"
            f"    total = sum(values) * factor + {number}\n    return total\n"
            for i in range(12)
        ]
        (corpus / f"m{number}.py").write_text("\n\n".join(functions))
    bundle = tmp_path / "bundle"
    arguments = ["train", "tiny", str(corpus), "--out", str(bundle), "--steps", STEPS]
    assert main(arguments) == 0

    loaded = Bundle.load(bundle)
    cells = (Cell("a", "code", "total = 1"), Cell("b", "code", "def compute_1(va"))
    asked = SuggestRequest(Notebook("python", cells), Caret("b", 16))
    answer = ask(loaded, asked, budget=200)
    assert isinstance(answer.text, str)
    assert len(answer.steps) > 0

    documents = [
        Document("p", "n", "notebook", ("x = 1", "y = compute(x, 2) + x", "z = compute(y, 3) + x"))
    ]
    report = evaluate_bundle(
        bundle, documents, cells=2, edits=4, budget=200, progress=lambda line: None
    )
    assert report["typing"]["cells"] == 2
    assert set(report["thresholds"]) == {"inline", "next_edit"}

    card = render_card(
        Identity("nextedit-tiny", "0.0.1", "cells-spm-v1"),
        TINY,
        corpus={
            "packages": [
                {"package": "p", "licence": "MIT License", "split": "test", "chars": {"module": 9}}
            ],
            "near_duplicates": 0,
        },
        log=[{"tokens": 1_000_000, "validation": 2.5}],
        agreement=Agreement(2, 64, 0.995, 1.0),
        validation=report,
        test=report,
        compute="two cores, a minute",
    )
    for said in ("nextedit-tiny 0.0.1", "two cores, a minute", "MIT (1)", "99.50%", "## Limits"):
        assert said in card


def test_a_folder_without_code_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"\xff")
    with pytest.raises(TrainingError, match=r"give folders with \.py or \.ipynb"):
        collect([tmp_path])


def asked(text: str, *ends: int, logprob: float = -0.05) -> Asked:
    return Asked(text, tuple(Step(end, logprob) for end in ends), True)


def test_typing_counts_what_was_saved_and_what_was_wrong() -> None:
    text = "x = foo(1)\n    y"
    answers = {0: asked("z = 9", 1, 5), 4: asked("foo(1)", 3, 6), 15: asked("y", 1)}
    counts = Typed()
    type_cell(text, answers, 0.5, counts)
    assert counts.chars == len(text) - 4
    assert (counts.shown, counts.accepted, counts.first_wrong) == (3, 2, 1)
    assert counts.saved == len("foo(1)") + 1


def test_a_text_that_is_typed_through_is_shown_once() -> None:
    counts = Typed()
    type_cell("abcd", {i: asked("abx", 1, 3) for i in range(4)}, 0.5, counts)
    # Shown at `a`, typed through until it departs at `c`, shown anew at `d`.
    assert counts.shown == 2


def test_nothing_is_shown_below_the_threshold() -> None:
    counts = Typed()
    type_cell("abcd", {0: asked("abcd", 4, logprob=-1.0)}, 0.5, counts)
    assert counts.shown == 0


def test_leading_blanks_are_given() -> None:
    assert [i for i, blank in enumerate(given("  a b\n    c")) if blank] == [0, 1, 6, 7, 8, 9]


def test_an_interval_holds_the_share() -> None:
    low, high = wilson(13, 100)
    assert low < 0.13 < high
    assert wilson(0, 0) == (0.0, 1.0)


def test_thresholds_rise() -> None:
    assert list(THRESHOLDS) == sorted(THRESHOLDS)


def test_a_budget_is_either_minutes_or_steps(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--minutes or --steps"):
        main(["train", "sft", "--work", str(tmp_path), "--stage", "s1"])


def test_commands_say_which_step_is_missing(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(TrainingError, match="train data"):
        main(["train", "tokenizer", "--work", str(tmp_path)])
    assert time.monotonic() - began < 30
