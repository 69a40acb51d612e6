"""A checkpoint of Qwen2's shape with random weights, imported with each format, answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_checkpoint import QWEN_TOKENS, STARCODER_TOKENS, make_checkpoint

from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.bundles.importing import import_model
from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, SuggestRequest
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.core.wire import decode_request
from nextedit_jupyter.suggest.build import build_suggester, open_model_lane
from nextedit_jupyter.suggest.canary import try_bundle
from nextedit_jupyter.suggest.model_lane import ModelSettings

SEED_TOKENS = ("<[end▁of▁sentence]>", "<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>")
FAMILIES: dict[str, tuple[str, ...] | None] = {
    "fim-qwen": QWEN_TOKENS,
    "fim-starcoder": STARCODER_TOKENS,
    "fim-codellama": None,
    "fim-seed": SEED_TOKENS,
    "sweep": QWEN_TOKENS,
    "zeta-2.1": SEED_TOKENS,
}
REQUEST: dict[str, Any] = {
    "id": 7,
    "offsets": "code-point",
    "notebook": {
        "language": "python",
        "cells": [
            {"id": "a", "type": "code", "source": "import numpy as np"},
            {"id": "b", "type": "code", "source": "x = np.lin"},
        ],
    },
    "cursor": {"cell": "b", "offset": 10},
    "history": [{"cell": "b", "before": "y = np.lin", "after": "x = np.lin", "origin": "typed"}],
    "want": ["inline", "next_edit"],
    "deadline_ms": 2000,
}


@pytest.fixture(scope="module", params=FAMILIES)
def imported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name: str = request.param
    folder = tmp_path_factory.mktemp(name)
    checkpoint = make_checkpoint(folder / "checkpoint", special=FAMILIES[name])
    import_model(
        checkpoint,
        folder / "bundle",
        id="imported",
        version="1.0.0",
        prompt_format=name,
        thresholds={"inline": 0.0, "next_edit": 0.0},
    )
    return folder / "bundle"


def test_it_passes_its_trial(imported: Path) -> None:
    assert try_bundle(imported).tokens


def test_it_completes_at_the_caret_and_edits_only_if_it_can(imported: Path) -> None:
    bundle = Bundle.open(imported)
    lane = open_model_lane(bundle, settings=ModelSettings(threshold=0.0, min_probability=0.0))
    source = "x = np.lin"
    asked = SuggestRequest(
        Notebook("python", (Cell("a", "code", "import numpy as np"), Cell("b", "code", source))),
        Caret("b", len(source)),
        (EditEvent("b", "y = np.lin", source),),
    )
    inline = lane.inline(asked, float("inf"), lambda: False)
    assert inline.tokens.generated > 0
    edit = lane.next_edit(asked, float("inf"), lambda: False)
    if bundle.prompt_format.startswith("fim"):
        assert edit.silence["next_edit"].reason == "no_model"
        assert edit.tokens.generated == 0
    else:
        assert edit.tokens.generated > 0


def test_the_command_line_serves_it(imported: Path) -> None:
    if Bundle.open(imported).prompt_format not in ("fim-codellama", "sweep"):
        pytest.skip("two families stand for all: each takes a process")
    result = subprocess.run(
        [sys.executable, "-m", "nextedit_jupyter.cli", "predict", "--bundle", str(imported)],
        input=json.dumps(REQUEST) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answer = json.loads(result.stdout)
    assert (answer["id"], answer["bundle"]) == (7, "imported/1.0.0")
    assert answer["tokens"]["prompt"] > 0
    assert {s["kind"] for s in answer["suggestions"]} | set(answer["silence"]) >= {"inline"}


def test_a_format_that_does_not_fit_its_tokenizer_is_refused(imported: Path) -> None:
    manifest = json.loads((imported / "manifest.json").read_text())
    wrong = "fim-starcoder" if manifest["prompt_format"] != "fim-starcoder" else "fim-qwen"
    original = (imported / "manifest.json").read_text()
    (imported / "manifest.json").write_text(json.dumps(manifest | {"prompt_format": wrong}))
    try:
        with pytest.raises(BundleError, match="no control token"):
            try_bundle(imported)
        # Where it is used all the same, the model is silent with a reason.
        answer = build_suggester(imported).answer(decode_request(REQUEST))
        assert answer.suggestions == ()
        assert set(answer.silence) == {"inline", "next_edit"}
    finally:
        (imported / "manifest.json").write_text(original)
