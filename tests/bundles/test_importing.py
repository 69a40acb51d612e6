"""Imported checkpoints give what transformers gives; random weights, made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_gguf import logits

from nextedit_jupyter.bundles.graph import build_graph
from nextedit_jupyter.bundles.importing import Renamed, import_model, read_plan
from nextedit_jupyter.bundles.safetensors import TensorFolder
from nextedit_jupyter.core.errors import BundleError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

IDS = [1, 5, 9, 200, 3, 77, 42, 8, 150, 6, 31, 2]
SIZES = {
    "vocab_size": 256,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}


def save(folder: Path, kind: str, **changes: Any) -> Any:
    """A checkpoint with random weights, saved as transformers saves; returns the model."""
    torch.manual_seed(0)
    sizes = SIZES | changes
    if kind == "llama":
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes))
    else:
        model = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**sizes))
    for parameter in model.parameters():  # biases and norms too, which start as zeros and ones
        with torch.no_grad():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.eval().save_pretrained(folder, safe_serialization=True)
    (folder / "tokenizer.json").write_text("{}")
    return model


CASES = [
    ("llama", {}),
    ("llama", {"tie_word_embeddings": True}),
    ("llama", {"num_key_value_heads": 4, "head_dim": 32}),
    ("llama", {"rope_parameters": LLAMA3}),
    ("llama", {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}}),
    ("qwen2", {}),
    ("qwen2", {"tie_word_embeddings": True, "rope_parameters": {"rope_type": "default",
                                                                "rope_theta": 1e6}}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "changes"), CASES)
def test_float32_logits_are_those_of_transformers(
    tmp_path: Path, kind: str, changes: dict[str, Any]
) -> None:
    model = save(tmp_path, kind, **changes)
    plan = read_plan(tmp_path)
    weights = Renamed(TensorFolder(tmp_path), plan, lambda name: None)
    graph = build_graph(plan.shape, weights, int8=False).SerializeToString()
    with torch.no_grad():
        expected = model(torch.tensor([IDS])).logits[0].numpy()
    assert np.abs(logits(graph, plan.shape, IDS) - expected).max() < 1e-3


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_each_precision_of_a_checkpoint_is_read(tmp_path: Path, dtype: str) -> None:
    model = save(tmp_path / "a", "llama")
    model.to(getattr(torch, dtype)).save_pretrained(tmp_path / "b", safe_serialization=True)
    name = "model.layers.1.mlp.up_proj.weight"
    values = TensorFolder(tmp_path / "b").read(name)
    assert np.array_equal(values, dict(model.named_parameters())[name].detach().float().numpy())


@pytest.mark.parametrize("bits", [8, 4])
def test_a_quantised_import_agrees_on_most_tokens(tmp_path: Path, bits: Any) -> None:
    model = save(tmp_path / "checkpoint", "qwen2")
    manifest = import_model(
        tmp_path / "checkpoint", tmp_path / "bundle", id="imported", version="1.0.0",
        prompt_format="cells-spm-v1", bits=bits,
    )  # fmt: skip
    plan = read_plan(tmp_path / "checkpoint")
    ids = [int(i) for i in np.random.default_rng(0).integers(0, 256, 200)]
    found = logits((tmp_path / "bundle" / "model.onnx").read_bytes(), plan.shape, ids).argmax(-1)
    with torch.no_grad():
        expected = model(torch.tensor([ids])).logits[0].argmax(-1).numpy()
    assert (found == expected).mean() > (0.9 if bits == 8 else 0.5)
    assert manifest["parameters"] == sum(p.numel() for p in model.parameters())
    assert set(manifest["files"]) == {"model.onnx", "tokenizer.json", "CARD.md"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_type": "mixtral"}, "llama and qwen2"),
        ({"model_type": ["llama"]}, "cannot be imported"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers"),
        ({"num_hidden_layers": 0}, "num_hidden_layers"),
        ({"num_attention_heads": 0}, "config.json"),
        ({"max_position_embeddings": "many"}, "config.json"),
        ({"model_type": "qwen2", "use_sliding_window": True, "sliding_window": 4096}, "sliding"),
        ({"hidden_act": "gelu"}, "SiLU"),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 4.0}}, "yarn"),
        ({"quantization_config": {"bits": 4}}, "already quantised"),
        ({"hidden_size": None}, "config.json"),
        ({"num_key_value_heads": 3}, "multiple"),
    ],
)
def test_what_the_graph_cannot_do_is_refused_with_the_reason(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    config = {"model_type": "llama", **SIZES, **change}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(BundleError, match=reason):
        read_plan(tmp_path)


def test_missing_broken_and_mismatched_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"config\.json"):
        read_plan(tmp_path)
    save(tmp_path, "llama")
    (weights,) = tmp_path.glob("*.safetensors")
    data = weights.read_bytes()
    weights.write_bytes(data[: len(data) // 2])
    with pytest.raises(BundleError, match="download it again"):
        TensorFolder(tmp_path)
    weights.write_bytes(data)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"intermediate_size": 128}))
    with pytest.raises(BundleError, match=r"config\.json says"):
        import_model(
            tmp_path, tmp_path / "out", id="x", version="1.0.0", prompt_format="cells-spm-v1"
        )
    assert not (tmp_path / "out").exists()
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(BundleError, match=r"tokenizer\.json"):
        import_model(
            tmp_path, tmp_path / "out", id="x", version="1.0.0", prompt_format="cells-spm-v1"
        )
