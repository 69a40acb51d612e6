from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_bundle import make_bundle

from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.suggest.canary import run_canary, try_bundle


def test_a_sound_bundle_passes_and_its_golden_tokens_are_checked(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "a")
    trial = run_canary(folder)
    assert trial.tokens
    assert trial.rss_mb > 0
    golden = make_bundle(tmp_path / "b", golden_tokens=list(trial.tokens))
    assert try_bundle(golden).tokens == trial.tokens
    wrong = make_bundle(tmp_path / "c", golden_tokens=[*trial.tokens[:-1], 5, 5])
    with pytest.raises(BundleError, match="publisher measured"):
        run_canary(wrong)


def test_a_model_that_gives_no_numbers_is_refused_by_an_install(tmp_path: Path) -> None:
    good = make_bundle(tmp_path / "good", version="0.1.0")
    bad = make_bundle(tmp_path / "bad", version="0.2.0", spoil=True)
    store = BundleStore(tmp_path / "store", canary=lambda folder: (run_canary(folder), None)[1])
    store.install(good)
    with pytest.raises(BundleError, match="not numbers"):
        store.install(bad)
    assert store.open("nextedit-tiny").version == "0.1.0"


def test_a_trial_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    stuck = tmp_path / "python"
    stuck.write_text("#!/bin/sh\nsleep 30\n")
    stuck.chmod(0o700)
    with pytest.raises(BundleError, match="no answer"):
        run_canary(tmp_path, timeout=0.5, python=str(stuck))


def test_a_trial_that_crashes_is_told(tmp_path: Path) -> None:
    crash = tmp_path / "python"
    crash.write_text("#!/bin/sh\nexit 139\n")
    crash.chmod(0o700)
    with pytest.raises(BundleError, match="code 139"):
        run_canary(tmp_path, python=str(crash))


def test_a_bundle_whose_prompt_format_is_unknown_is_refused(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "a", prompt_format="from-the-future-v9")
    assert json.loads((folder / "manifest.json").read_text())["prompt_format"].startswith("from")
    with pytest.raises(BundleError, match="not known"):
        run_canary(folder)
