from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.bundles.manifest import Identity
from nextedit_jupyter.core import Caret, Cell, Notebook, SuggestRequest
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.suggest import Suggester
from nextedit_jupyter.suggest.build import open_model_lane
from nextedit_jupyter.training.bundle_evaluation import evaluate_bundle
from nextedit_jupyter.training.card import render_card
from nextedit_jupyter.training.cli import main
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.export import Agreement
from nextedit_jupyter.training.tiny import TINY, collect

# Tests must show that the steps fit together; `jupyter nextedit train tiny` takes more steps.
STEPS = "8"


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

    cells = (Cell("a", "code", "total = 1"), Cell("b", "code", "def compute_1(va"))
    lane = open_model_lane(Bundle.open(bundle))
    lane.show_from(0.0)
    asked = SuggestRequest(Notebook("python", cells), Caret("b", 16), deadline_ms=60_000)
    answer = Suggester(lane).answer(asked)
    assert answer.tokens.generated > 0

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


def test_a_budget_is_either_minutes_or_steps(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--minutes or --steps"):
        main(["train", "sft", "--work", str(tmp_path), "--stage", "s1"])


def test_commands_say_which_step_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="train data"):
        main(["train", "tokenizer", "--work", str(tmp_path)])
