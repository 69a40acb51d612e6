"""Training goes on from a bundle's own weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_bundle import SHAPE, make_bundle, random_weights

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.cli import main
from nextedit_jupyter.training.from_bundle import bundle_weights, start_from
from nextedit_jupyter.training.network import DecoderModule, Shape
from nextedit_jupyter.training.packing import write_packed
from nextedit_jupyter.training.run_folder import read_checkpoint


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


def test_the_weights_come_back_within_half_a_step_of_their_scale(bundle: Path) -> None:
    shape, weights = bundle_weights(bundle)
    assert shape.parameters == DecoderModule(shape).shape.parameters
    exact = random_weights()
    assert weights.keys() == exact.keys()
    for name, value in exact.items():
        step = np.abs(value).max(axis=-1, keepdims=True) / 127 if value.ndim == 2 else 0
        assert np.all(np.abs(weights[name].numpy() - value) <= 0.51 * step), name


def test_a_model_that_starts_from_a_bundle_says_what_the_bundle_says(bundle: Path) -> None:
    shape, weights = bundle_weights(bundle)
    model = DecoderModule(shape, seed=3)
    start_from(model, bundle)
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


def test_a_bundle_of_another_shape_is_refused(bundle: Path) -> None:
    with pytest.raises(TrainingError, match="another shape"):
        start_from(
            DecoderModule(Shape(vocab_size=384, width=64, layers=1, heads=2, kv_heads=1)), bundle
        )


@pytest.mark.parametrize("broken", ["nothing", "no manifest", "another layout"])
def test_what_is_no_bundle_of_ours_is_refused(bundle: Path, tmp_path: Path, broken: str) -> None:
    if broken != "nothing":
        (tmp_path / "model.onnx").write_bytes((bundle / "model.onnx").read_bytes())
    if broken == "another layout":
        manifest = json.loads((bundle / "manifest.json").read_text())
        (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "layers": 9}))
    with pytest.raises(TrainingError):
        bundle_weights(tmp_path)


def test_the_command_goes_on_from_a_bundle_and_refuses_what_does_not_fit(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tokenizer.json").write_bytes((bundle / "tokenizer.json").read_bytes())
    rows = np.random.default_rng(0).integers(10, SHAPE.vocab_size, (8, 65)).astype(np.uint16)
    write_packed(tmp_path / "s1.npy", rows)
    line = ["train", "sft", "--work", str(tmp_path), "--stage", "s1", "--init", str(bundle)]
    line += ["--no-compile", "--batch", "2", "--float32"]
    assert main([*line, "--steps", "2", "--run", "mine"]) == 0
    assert "2 steps" in capsys.readouterr().out
    payload = read_checkpoint(tmp_path / "mine" / "final.pt")
    assert payload["shape"]["width"] == SHAPE.width
    with pytest.raises(TrainingError, match="not both"):
        main([*line, "--steps", "2", "--resume", "latest.pt"])
    with pytest.raises(TrainingError, match="another shape"):
        main([*line, "--steps", "2", "--shape", '{"layers": 1, "vocab_size": 384}'])


def test_weights_that_were_turned_come_back_too(tmp_path: Path) -> None:
    from nextedit_jupyter.training.export import int8_graph

    folder = make_bundle(tmp_path / "tiny")
    exact = random_weights()
    shape = bundle_weights(folder)[0]
    prompts = np.random.default_rng(0).integers(0, shape.vocab_size, (6, 40)).tolist()
    graph = int8_graph(shape, exact, prompts)
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    stored = {tensor.name for tensor in graph.graph.initializer}
    assert {"embedding.turned", "layers.0.down.turned", "layers.0.out.int8"} <= stored
    _, weights = bundle_weights(folder)
    for name, value in exact.items():
        error = np.abs(weights[name].numpy() - value).mean()
        assert error <= 0.01 * np.abs(value).max(), name
