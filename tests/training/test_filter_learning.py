"""`train filter`: what it writes into a bundle, and when it leaves a bundle without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_bundle import make_bundle

from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.cli import main
from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.evals.heldout import held_out
from nextedit_jupyter.evals.replay import RememberingLane
from nextedit_jupyter.suggest.acceptance import FEATURES, AcceptanceFilter
from nextedit_jupyter.suggest.build import open_model_lane
from nextedit_jupyter.suggest.model_lane import ModelAnswer
from nextedit_jupyter.suggest.recall import KeptReply
from nextedit_jupyter.suggest.trim import GeneratedToken
from nextedit_jupyter.training import filter_learning

CELLS = [
    "import numpy as np\nimport pandas as pd",
    "df = pd.read_csv('data.csv')\ndf['price'].mean()",
    "for i in range(10):\n    print(i, df['price'])",
]


def report(**more: Any) -> dict[str, Any]:
    found = {
        "validation": ["q"],
        "noise": 0.13,
        "saved_plain": 0.2,
        "saved_filter": 0.3,
        "cross_validation": {"folds": 2},
        "plain_threshold": 0.7,
    }
    return {**found, **more}


def test_a_filter_is_written_beside_what_was_measured_and_the_bundle_still_opens(
    tmp_path: Path,
) -> None:
    folder = make_bundle(tmp_path / "b")
    made = AcceptanceFilter((0.5,) * len(FEATURES), 0.25, 0.8)
    filter_learning.write_filter(folder, made, report())
    bundle = Bundle.open(folder)
    assert open_model_lane(bundle).acceptance == made
    assert bundle.thresholds["inline"] == 0.7  # for versions without the filter
    assert bundle.manifest["acceptance"]["measured"]["saved_filter"] == 0.3
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_a_filter_that_is_no_gain_takes_an_older_one_away(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "b")
    made = AcceptanceFilter((0.5,) * len(FEATURES), 0.25, 0.8)
    filter_learning.write_filter(folder, made, report())
    filter_learning.write_filter(folder, None, report(plain_threshold=0.6))
    bundle = Bundle.open(folder)
    assert open_model_lane(bundle).acceptance is None
    assert bundle.thresholds["inline"] == 0.6


def test_a_package_is_learned_from_or_validated_on(tmp_path: Path) -> None:
    bundle = Bundle.open(make_bundle(tmp_path / "b"))
    books = [held_out("p", "n", "notebook", CELLS)]
    with pytest.raises(TrainingError, match="p: a package to learn from"):
        filter_learning.learn_filter(bundle, books, books)


def half_right(
    self: RememberingLane, request: SuggestRequest, *_: Any
) -> tuple[KeptReply | None, ModelAnswer]:
    """In the place of a model: right and sure at even places, wrong and less so at odd ones."""
    before = request.cell.source
    rest = next(cell[len(before) :] for cell in CELLS if cell.startswith(before)).split("\n")[0]
    right = len(before) % 2 == 0
    text = rest if right else "zzz"
    sure = -0.1 if right else -1.0
    return KeptReply(before, text, (GeneratedToken(len(text), sure),), True), ModelAnswer()


def test_the_command_learns_and_says_whether_it_kept_the_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, corpus = make_bundle(tmp_path / "b"), tmp_path / "work" / "corpus"
    corpus.mkdir(parents=True)
    for split, packages in (("train", "ab"), ("validation", "q")):
        lines = [
            json.dumps({"package": p, "path": f"{n}", "kind": "notebook", "cells": CELLS})
            for p in packages
            for n in range(4)
        ]
        (corpus / f"{split}.jsonl").write_text("\n".join(lines))
    monkeypatch.setattr(RememberingLane, "_ask", half_right)
    monkeypatch.setattr("nextedit_jupyter.evals.filter_examples.MIN_EXAMPLES", 20)
    output = tmp_path / "filter.json"
    command = ["train", "filter", "--bundle", str(folder), "--work", str(tmp_path / "work")]
    command += ["--cells", "6", "--validation-cells", "1", "-o", str(output)]
    assert main(command) == 0
    found = json.loads(output.read_text())
    assert found["learned_from"] == ["a", "b"]
    assert found["validation"] == ["q"]
    assert found["cross_validation"]["packages"] == 2
    kept = Bundle.open(folder).manifest.get("acceptance") is not None
    assert kept is found["kept"]
    assert ("not kept" in capsys.readouterr().out) is not kept
