"""Tuning a base: little is learnt, the rest stays, and a run goes on where it stood."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nextedit_jupyter.core.errors import TrainingError  # noqa: E402
from nextedit_jupyter.training.delta_export import write_tensors  # noqa: E402
from nextedit_jupyter.training.lora import MATRICES  # noqa: E402
from nextedit_jupyter.training.network import DecoderModule, Shape  # noqa: E402
from nextedit_jupyter.training.packing import pack, write_packed  # noqa: E402
from nextedit_jupyter.training.schedule import RunBudget  # noqa: E402
from nextedit_jupyter.training.sft import SftSettings, train  # noqa: E402
from nextedit_jupyter.training.tuning import adapted, begin_with, learnt, open_tuning  # noqa: E402

SHAPE = Shape(
    vocab_size=48, width=32, layers=2, heads=2, kv_heads=1, head_dim=16, hidden=48, context=64
)
NEW = 8
SETTINGS = SftSettings(batch=2, warmup_steps=1, threads=1, compile=False, validate_s=1e9)


def base() -> dict[str, Any]:
    return {
        name: value.clone() for name, value in DecoderModule(SHAPE, seed=5).state_dict().items()
    }


def model() -> DecoderModule:
    return adapted(SHAPE, base(), new_rows=NEW, rank=4)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = pack(([int(x) for x in rng.integers(1, 48, 33)] for _ in range(8)), length=32, pad=0)
    write_packed(tmp_path / "data.npy", rows)
    return tmp_path / "data.npy"


def run(folder: Path, data: Path, steps: int, *, resume: Path | None = None) -> DecoderModule:
    tuned = model()
    budget = RunBudget(steps=steps)
    train(
        open_tuning(folder, tuned, resume=resume), data, SETTINGS, budget, progress=lambda _: None
    )
    return tuned


def test_an_adapted_base_answers_as_the_base_until_it_learns() -> None:
    plain = DecoderModule(SHAPE)
    plain.load_state_dict(base())
    ids = torch.arange(1, 40)[None]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(model()(ids), plain(ids), atol=2e-2, rtol=2e-2)


def test_only_adapters_and_new_rows_change(tmp_path: Path, data: Path) -> None:
    before = model()
    after = run(tmp_path / "run", data, 3)
    for (name, was), (_, now) in zip(
        before.named_parameters(), after.named_parameters(), strict=True
    ):
        assert torch.equal(was, now) != was.requires_grad, name


def test_a_checkpoint_holds_what_is_learnt_and_no_more(tmp_path: Path, data: Path) -> None:
    run(tmp_path / "run", data, 2)
    held = torch.load(tmp_path / "run" / "final.pt", weights_only=True)["model"]
    frozen = [name for name in held if "frozen" in name or name.endswith("kept")]
    assert held
    assert not frozen


def test_a_run_goes_on_from_its_checkpoint_as_if_it_had_not_stopped(
    tmp_path: Path, data: Path
) -> None:
    whole = run(tmp_path / "whole", data, 4)
    run(tmp_path / "parts", data, 2)
    parts = run(tmp_path / "parts", data, 4, resume=tmp_path / "parts" / "latest.pt")
    for (name, one), (_, other) in zip(
        whole.named_parameters(), parts.named_parameters(), strict=True
    ):
        torch.testing.assert_close(one, other, msg=name)


def test_another_base_is_refused(tmp_path: Path) -> None:
    other = replace(SHAPE, width=64)
    with pytest.raises(TrainingError, match="another shape"):
        adapted(other, base(), new_rows=NEW)


def test_the_delta_has_two_factors_for_each_matrix_and_the_new_rows() -> None:
    found = learnt(model())
    names = {
        f"layers.{i}.{name}.{side}"
        for i in range(SHAPE.layers)
        for name in MATRICES
        for side in "ab"
    }
    assert set(found) == {*names, "embedding.new"}
    assert found["layers.0.qkv.a"].shape == (4, 32)
    assert found["layers.0.qkv.b"].shape == (64, 4)
    assert found["embedding.new"].shape == (NEW, 32)


def test_a_model_begins_with_the_delta_that_another_learnt(tmp_path: Path, data: Path) -> None:
    trained = run(tmp_path / "run", data, 3)
    write_tensors(
        tmp_path / "delta.safetensors",
        {name: value.half().numpy() for name, value in learnt(trained).items()},
    )
    again = model()
    begin_with(again, tmp_path / "delta.safetensors")
    for name, value in learnt(trained).items():
        torch.testing.assert_close(learnt(again)[name], value.half().float())


def test_a_delta_of_another_rank_is_refused(tmp_path: Path) -> None:
    write_tensors(
        tmp_path / "delta.safetensors",
        {name: value.half().numpy()[:1] for name, value in learnt(model()).items()},
    )
    with pytest.raises(TrainingError, match="is of another model"):
        begin_with(model(), tmp_path / "delta.safetensors")


def test_a_delta_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "delta.safetensors").write_bytes(b"no tensors")
    with pytest.raises(TrainingError, match="cannot be gone on from"):
        begin_with(model(), tmp_path / "delta.safetensors")
