"""`eval model` and what it stands on: documents, replays of one pass, the choice of a threshold."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_bundle import make_bundle

from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.cli import main
from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.evals import filter_examples
from nextedit_jupyter.evals.heldout import (
    choose_places,
    fetch_documents,
    held_out,
    kernel_facts,
    read_documents,
)
from nextedit_jupyter.evals.model_evaluation import (
    THRESHOLDS,
    choose_threshold,
    format_report,
    measure_typing,
    saved_at_noise,
)
from nextedit_jupyter.evals.replay import (
    RememberingLane,
    ReplaySetting,
    TypingSimulator,
    first_token,
)
from nextedit_jupyter.evals.typing import TypingTally, type_cell
from nextedit_jupyter.suggest.acceptance import FEATURES, AcceptanceFilter
from nextedit_jupyter.suggest.build import open_model_lane
from nextedit_jupyter.suggest.suggester import Suggester

CELLS = [
    "import numpy as np\nimport pandas as pd",
    "df = pd.read_csv('data.csv')\ndf['price'].mean()",
    "for i in range(10):\n    print(i, df['price'])",
    "x = np.linspace(0, 1, 100)\nprint(x.mean(), x.std())",
]


# What jedi reads in a moment; pandas takes it seconds a key.
QUICK = [
    "import math",
    "sizes = [math.pi, 2.5]\nlongest = max(sizes)",
    "for size in sizes:\n    print(size, longest)",
    "half = math.floor(longest / 2)\nprint(half, sizes)",
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


def write(path: Path, package: str = "p", count: int = 3) -> Path:
    lines = [
        json.dumps({"package": package, "path": f"n{i}", "kind": "notebook", "cells": QUICK})
        for i in range(count)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_command_measures_and_writes_json_markdown_and_a_plot(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("jedi")
    held, validation = write(tmp_path / "t.jsonl"), write(tmp_path / "v.jsonl", "q")
    out, markdown, picture = tmp_path / "r.json", tmp_path / "r.md", tmp_path / "r.png"
    command = ["eval", "model", "--bundle", str(bundle), "--documents", str(held), "--cells", "2"]
    command += ["--validation", str(validation), "--tasks", "1", "--jedi-cells", "1"]
    command += ["-o", str(out), "--report", str(markdown), "--plot", str(picture)]
    assert main(command) == 0
    report = json.loads(out.read_text())
    assert report["test"]["packages"] == ["p"]
    assert report["chosen_on"] == "q"
    assert report["test"]["at"]["threshold"] == report["threshold"]
    assert set(report["baselines"]) >= {"earlier line", "jedi", "n-gram, 0.6"}
    assert set(report["met"]) == {"noise", "saved", "parse_correct", "silent", "baselines"}
    assert "## Baselines" in markdown.read_text()
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert capsys.readouterr().out.rstrip() == format_report(report)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no documents"),
        ("{", "line 1 is no document"),
        ('{"package": "p", "path": "n", "kind": "notebook", "cells": "x"}', "line 1 is no"),
        ('{"package": "p", "path": "n", "kind": "notebook", "cells": [1]}', "line 1 is no"),
        ("[]", "line 1 is no document"),
    ],
)
def test_a_file_that_holds_no_documents_is_refused_by_line(
    tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "d.jsonl").write_text(text)
    with pytest.raises(NextEditError, match=says):
        read_documents(tmp_path / "d.jsonl")


def test_missing_files_other_encodings_and_nameless_versions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NextEditError, match="No such file"):
        read_documents(tmp_path / "missing")
    (tmp_path / "latin").write_bytes(b"\xff\xfe{")
    with pytest.raises(NextEditError, match="not UTF-8"):
        read_documents(tmp_path / "latin")
    with pytest.raises(NextEditError, match="with its version"):
        fetch_documents(["seaborn"], tmp_path)


def test_documents_come_from_a_file_or_from_packages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["eval", "model"]) == 1
    assert "--documents or --packages" in capsys.readouterr().err


def test_places_are_taken_from_the_packages_in_turn() -> None:
    books = [held_out("big", f"{i}", "notebook", CELLS) for i in range(9)]
    books += [held_out("small", "0", "gallery", CELLS), held_out("mods", "0", "module", CELLS)]
    places = choose_places(books, 6, random.Random(0))
    assert [place.document.package for place in places] == ["big", "small"] * 3
    assert all(place.index > 0 for place in places)


def test_facts_are_those_of_the_cells_above() -> None:
    book = held_out("p", "n", "notebook", CELLS)
    known = kernel_facts(book, 2, random.Random(0))
    assert [name.name for name in known.names] == ["df"]
    assert "price" in known.names[0].subscripts
    assert kernel_facts(book, 1, random.Random(0)).names == ()


@pytest.mark.slow
def test_a_replay_says_what_the_product_says_at_each_threshold(bundle: Path) -> None:
    lane = open_model_lane(Bundle.open(bundle))
    places = choose_places([held_out("p", "n", "notebook", CELLS)], 3, random.Random(0))
    settings = [ReplaySetting(0.0), ReplaySetting(0.02), ReplaySetting(0.0, gates=False)]
    lane.settings = replace(lane.settings, min_probability=0.0)
    replayed = TypingSimulator(RememberingLane(lane), budget=300).type(places, settings)
    typist = TypingSimulator(RememberingLane(lane), budget=300)
    for setting, tally in zip(settings[:2], replayed[:2], strict=True):
        product = open_model_lane(Bundle.open(bundle))
        product.settings = replace(lane.settings, budget=300, threshold=setting.threshold)
        suggester, own = Suggester(product), TypingTally()
        for place in places:
            product.forget()
            known = typist.known(place)

            def ask(request, known=known, suggester=suggester):  # type: ignore[no-untyped-def]
                answer = suggester.answer(replace(request, facts=known, deadline_ms=60_000))
                edits = [r.text for s in answer.suggestions for c in s.edits for r in c.edit]
                return "".join(edits)

            notebook = place.document.notebook
            type_cell(notebook, place.index, ask, own, first_piece=first_token(lane.tokenizer))
        assert (own.shown, own.saved, own.first_wrong) == (
            tally.shown,
            tally.saved,
            tally.first_wrong,
        )
    assert replayed[0].shown >= replayed[1].shown
    assert replayed[2].shown >= replayed[0].shown


def test_both_curves_come_from_one_measurement(bundle: Path) -> None:
    lane = open_model_lane(Bundle.open(bundle))
    book = [held_out("p", "n", "notebook", CELLS)]
    plain = measure_typing(lane, book, shipped=0.6, cells=2, seed=0, budget=200, facts=True)
    assert "without_filter" not in plain
    lane.acceptance = AcceptanceFilter((0.0,) * len(FEATURES), 9.0, 0.5)
    report = measure_typing(lane, book, shipped=0.6, cells=2, seed=0, budget=200, facts=True)
    assert list(report["curve"]) == [str(threshold) for threshold in THRESHOLDS]
    assert report["without_filter"]["0.6"]["shown"] == plain["curve"]["0.6"]["shown"]
    assert report["curve"]["0.6"]["shown"] > report["without_filter"]["0.95"]["shown"]


def row(noise: float, saved: float) -> dict[str, float]:
    return {"first_wrong": noise, "saved": saved}


def test_the_threshold_is_the_lowest_from_which_on_the_noise_holds() -> None:
    curve = {
        "0.4": row(0.1, 0.5),
        "0.5": row(0.3, 0.4),
        "0.6": row(0.12, 0.3),
        "0.7": row(0.1, 0.2),
    }
    assert choose_threshold(curve) == 0.6
    assert choose_threshold({"0.5": row(0.9, 0.4), "0.9": row(0.5, 0.1)}) == 0.9


def test_what_is_saved_at_a_noise_lies_between_two_thresholds() -> None:
    curve = {"0.5": row(0.2, 0.4), "0.6": row(0.1, 0.3)}
    assert saved_at_noise(curve, 0.15) == 0.35
    assert saved_at_noise(curve, 0.5) == 0.4
    assert saved_at_noise(curve, 0.05) == 0.0


def test_a_filter_learns_what_tells_right_from_wrong_and_the_same_each_time() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, len(FEATURES)))
    told = FEATURES.index("string")
    y = (x[:, told] + 0.3 * rng.normal(size=600) > 0).astype(float)
    groups = tuple(f"p{i % 6}" for i in range(600))
    examples = filter_examples.Examples(x, y, np.ones(600), groups)
    first, second = filter_examples.fit(examples), filter_examples.fit(examples)
    assert np.array_equal(first.weights, second.weights)
    assert int(np.abs(first.weights).argmax()) == told
    crossed = filter_examples.cross_validate(examples)
    assert crossed["packages"] == 6
    assert crossed["filter"]["log_loss"] < crossed["probability"]["log_loss"] - 0.2
    assert crossed["filter"]["auc"] > 0.9 > crossed["probability"]["auc"]


def test_features_that_never_vary_weigh_nothing() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, len(FEATURES)))
    x[:, 3] = 7.0
    examples = filter_examples.Examples(x, (x[:, 0] > 0).astype(float), np.ones(300), ("p",) * 300)
    assert filter_examples.fit(examples).weights[3] == 0.0
    assert filter_examples.cross_validate(examples) == {"folds": 1}


def test_too_few_examples_are_refused(bundle: Path) -> None:
    typist = TypingSimulator(RememberingLane(open_model_lane(Bundle.open(bundle))))
    with pytest.raises(NextEditError, match="--cells"):
        filter_examples.collect(typist, [])
