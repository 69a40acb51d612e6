"""Imported mixtures give what transformers gives; what is no mixture of ours is refused and why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_experts import (
    ARCHITECTURES,
    CLASSES,
    EXPERTS,
    SIZES,
    change_config,
    gguf_tensors,
    save,
    stacked,
    tensors_of,
    write_gguf,
    write_tensors,
)
from tiny_gguf import logits

from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.bundles.gguf import GgufFile
from nextedit_jupyter.bundles.gguf_model import GgufModel, GgufWeights
from nextedit_jupyter.bundles.graph import build_graph
from nextedit_jupyter.bundles.importing import Renamed, import_model, read_plan
from nextedit_jupyter.bundles.safetensors import TensorFolder
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.suggest.canary import try_bundle

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

pytestmark = pytest.mark.slow

IDS = [int(id) for id in np.random.default_rng(0).integers(0, 250, 40)]
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((kind, {}) for kind in EXPERTS),
    ("granitemoe", {"tie_word_embeddings": True, "num_experts_per_tok": 8}),
    ("granitemoeshared", {"shared_intermediate_size": 0}),
    ("olmoe", {"norm_topk_prob": True, "num_key_value_heads": 4}),
    ("olmoe", {"num_experts": 1, "num_experts_per_tok": 1}),
    ("qwen2_moe", {"norm_topk_prob": True, "tie_word_embeddings": True}),
    ("qwen2_moe", {"decoder_sparse_step": 2}),
    ("qwen2_moe", {"mlp_only_layers": [0, 2], "qkv_bias": False}),
]


def float32(folder: Path) -> np.ndarray:
    plan = read_plan(folder)
    weights = Renamed(TensorFolder(folder), plan, lambda name: None)
    weights.check()
    graph = build_graph(plan.shape, weights, int8=False).SerializeToString()
    return logits(graph, plan.shape, IDS)


def expected(model: Any, ids: list[int] = IDS) -> np.ndarray:
    with torch.no_grad():
        found: np.ndarray = model(torch.tensor([ids])).logits[0].numpy()
    return found


def bring(path: Path, out: Path, **more: Any) -> dict[str, Any]:
    return import_model(path, out, id="x", version="1.0.0", prompt_format="fim-qwen", **more)


@pytest.mark.parametrize(("kind", "changes"), VARIANTS)
def test_float32_logits_are_those_of_transformers(
    tmp_path: Path, kind: str, changes: dict[str, Any]
) -> None:
    model = save(tmp_path, kind, **changes)
    assert np.abs(float32(tmp_path) - expected(model)).max() < 1e-3
    assert read_plan(tmp_path).parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("kind", ["olmoe", "qwen2_moe"])
def test_experts_in_one_stack_a_layer_are_the_same_model(tmp_path: Path, kind: str) -> None:
    model = save(tmp_path, kind)
    write_tensors(tmp_path, stacked(tensors_of(tmp_path)))
    assert np.abs(float32(tmp_path) - expected(model)).max() < 1e-3


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("kind", EXPERTS)
def test_a_quantised_import_agrees_on_most_tokens_and_says_what_works(
    tmp_path: Path, kind: str, bits: Any
) -> None:
    model = save(tmp_path / "checkpoint", kind)
    manifest = bring(tmp_path / "checkpoint", tmp_path / "bundle", bits=bits)
    shape = read_plan(tmp_path / "checkpoint").shape
    ids = [int(i) for i in np.random.default_rng(1).integers(0, 330, 200)]
    found = logits((tmp_path / "bundle" / "model.onnx").read_bytes(), shape, ids).argmax(-1)
    agreed = (found == expected(model, ids).argmax(-1)).mean()
    assert agreed > (0.85 if bits == 8 else 0.4)
    assert manifest["parameters"] == sum(p.numel() for p in model.parameters())
    assert f"{shape.active_parameters:,}" in (tmp_path / "bundle" / "CARD.md").read_text()
    assert Bundle.open(tmp_path / "bundle").layers == SIZES["num_hidden_layers"]
    assert try_bundle(tmp_path / "bundle").rss_mb > 0  # it passes its trial


@pytest.mark.parametrize("quant", ["F32", "Q8_0", "Q4_0"])
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_a_gguf_file_of_it_gives_the_same(tmp_path: Path, kind: str, quant: str) -> None:
    pytest.importorskip("gguf")
    import transformers

    save(tmp_path / "a", kind)
    held = write_gguf(
        tmp_path / "a.gguf", kind, gguf_tensors(kind, tensors_of(tmp_path / "a")), quant=quant
    )
    with GgufFile(tmp_path / "a.gguf") as file:
        model = GgufModel.of(file)
        weights = GgufWeights(file, model)
        graph = build_graph(model.shape, weights, int8=False).SerializeToString()
        rows = len(held["token_embd.weight"])
        named = {name: weights[name] for name in weights.names()}
    found = logits(graph, model.shape, IDS)[:, :rows]
    if quant == "F32":
        # The same weights as the checkpoint's, but for the rows of tokens that the file lacks.
        other = tensors_of(tmp_path / "a")
        for name in ("model.embed_tokens.weight", "lm_head.weight"):
            other[name] = other[name][:rows]
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "config.json").write_bytes((tmp_path / "a/config.json").read_bytes())
        change_config(tmp_path / "b", vocab_size=rows)
        write_tensors(tmp_path / "b", other)
        cut = getattr(transformers, f"{CLASSES[kind]}ForCausalLM").from_pretrained(tmp_path / "b")
        assert np.abs(found - expected(cut.eval())).max() < 1e-3
    else:
        expert = named["layers.1.experts.3.up.weight"]
        assert np.array_equal(expert, held["blk.1.ffn_up_exps.weight"][3])
        assert np.isfinite(found).all()
    bring(tmp_path / "a.gguf", tmp_path / "out")
    assert Bundle.open(tmp_path / "out").layers == SIZES["num_hidden_layers"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A checkpoint of each kind, to be copied."""
    folders = {kind: tmp_path_factory.mktemp("saved") / kind for kind in EXPERTS}
    for kind, folder in folders.items():
        save(folder, kind)
    return folders


Change = Callable[[dict[str, np.ndarray]], object]


def drop(*parts: str) -> Change:
    def change(tensors: dict[str, np.ndarray]) -> None:
        gone = [name for name in tensors if any(part in name for part in parts)]
        assert gone
        for name in gone:
            del tensors[name]

    return change


def put(part: str, make: Callable[[np.ndarray], np.ndarray]) -> Change:
    def change(tensors: dict[str, np.ndarray]) -> None:
        (name,) = (name for name in tensors if name.endswith(part))
        tensors[name] = make(tensors[name])

    return change


def spoilt(value: np.ndarray) -> np.ndarray:
    changed = value.copy()
    changed.flat[-1] = np.nan
    return changed


BAD_TENSORS: dict[str, tuple[str, Change, str]] = {
    "a router of fewer experts": ("olmoe", put("1.mlp.gate.weight", lambda r: r[:5]), r"\(5, 64\)"),
    "a router of another width": ("olmoe", put("1.mlp.gate.weight", lambda r: r[:, :9]), "gate"),
    "a router that is a vector": ("qwen2_moe", put("1.mlp.gate.weight", lambda r: r[0]), "gate"),
    "a stack of fewer experts": (
        "granitemoe", put("2.block_sparse_moe.output_linear.weight", lambda s: s[:3]), "output_",
    ),
    "halves of another size": (
        "granitemoe", put("2.block_sparse_moe.input_linear.weight", lambda s: s[:, :-2]), "input_",
    ),
    "no router": ("granitemoe", drop("1.block_sparse_moe.router"), "router"),
    "an expert missing": ("qwen2_moe", drop("layers.2.mlp.experts.5."), "experts.5"),
    "a matrix of an expert missing": ("olmoe", drop("1.mlp.experts.0.up_proj"), "experts.0.up"),
    "all experts missing": ("olmoe", drop(".mlp.experts."), "experts.0"),
    "no shared expert": ("qwen2_moe", drop("0.mlp.shared_expert."), "shared_expert"),
    "no gate of the shared expert": ("qwen2_moe", drop("shared_expert_gate"), "shared_expert_gate"),
    "no norm of the keys": ("olmoe", drop("2.self_attn.k_norm"), "k_norm"),
    "a router of no numbers": ("olmoe", put("2.mlp.gate.weight", spoilt), "not numbers"),
    "an expert of no numbers": (
        "qwen2_moe", put("2.mlp.experts.5.down_proj.weight", spoilt), "not numbers",
    ),
    "a stack of no numbers": (
        "granitemoe", put("0.block_sparse_moe.input_linear.weight", spoilt), "not numbers",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_TENSORS)
def test_tensors_that_are_no_mixture_are_refused_and_leave_nothing(
    tmp_path: Path, saved: dict[str, Path], what: str
) -> None:
    kind, change, reason = BAD_TENSORS[what]
    shutil.copytree(saved[kind], tmp_path / "a")
    tensors = tensors_of(tmp_path / "a")
    change(tensors)
    write_tensors(tmp_path / "a", tensors)
    with pytest.raises(BundleError, match=reason):
        bring(tmp_path / "a", tmp_path / "out")
    assert not (tmp_path / "out").exists()


BAD_CONFIGS: dict[str, tuple[str, dict[str, Any], str]] = {
    "no experts": ("olmoe", {"num_experts": 0}, "num_experts is 0"),
    "fewer than none": ("qwen2_moe", {"num_experts": -4}, "num_experts is -4"),
    "experts without end": ("olmoe", {"num_experts": 2**40}, "1 to 1024"),
    "experts by word": ("olmoe", {"num_experts": "eight"}, "eight"),
    "experts by halves": ("olmoe", {"num_experts": 7.5}, "7.5"),
    "experts by yes": ("olmoe", {"num_experts": True}, "True"),
    "nothing said": ("granitemoe", {"num_local_experts": None}, "num_local_experts"),
    "more work than there are": ("granitemoe", {"num_experts_per_tok": 9}, "9 of 8 experts"),
    "none works": ("olmoe", {"num_experts_per_tok": 0}, "num_experts_per_tok"),
    "fewer than are stored": ("olmoe", {"num_experts": 7}, r"\(8, 64\)|7 experts"),
    "more than are stored": ("qwen2_moe", {"num_experts": 60}, "config.json says"),
    "another size of expert": ("qwen2_moe", {"moe_intermediate_size": 48}, "config.json says"),
    "experts of no size": ("granitemoe", {"intermediate_size": 0}, "intermediate_size"),
    "a shared expert without end": (
        "qwen2_moe", {"shared_expert_intermediate_size": 10**12}, "shared_expert",
    ),
    "no layer with experts": ("qwen2_moe", {"mlp_only_layers": [0, 1, 2]}, "no layer"),
    "layers by word": ("qwen2_moe", {"mlp_only_layers": "all"}, "mlp_only_layers"),
    "a step of none": ("qwen2_moe", {"decoder_sparse_step": 0}, "decoder_sparse_step"),
    "clipped values": ("olmoe", {"clip_qkv": 8.0}, "clip"),
    "a scale of no number": ("granitemoe", {"logits_scaling": float("nan")}, "logits_scaling"),
    "a scale of nothing": ("granitemoe", {"residual_multiplier": 0}, "residual_multiplier"),
    "a bias of the output": ("granitemoe", {"attention_bias": True}, "bias"),
    "a window": ("qwen2_moe", {"use_sliding_window": True, "sliding_window": 64}, "sliding"),
    "another activation": ("olmoe", {"hidden_act": "gelu"}, "SiLU"),
    "layers without end": ("olmoe", {"num_hidden_layers": 10**9}, "num_hidden_layers"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_CONFIGS)
def test_a_config_that_is_no_mixture_of_ours_is_refused(
    tmp_path: Path, saved: dict[str, Path], what: str
) -> None:
    kind, changes, reason = BAD_CONFIGS[what]
    shutil.copytree(saved[kind], tmp_path / "a")
    change_config(tmp_path / "a", **changes)
    with pytest.raises(BundleError, match=reason):
        bring(tmp_path / "a", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_that_no_file_could_hold_is_refused_before_a_weight_is_read(tmp_path: Path) -> None:
    save(tmp_path / "a", "olmoe")
    huge = {"num_experts": 64, "hidden_size": 2048, "intermediate_size": 1024}
    change_config(tmp_path / "a", **huge, num_hidden_layers=16, num_attention_heads=16)
    with pytest.raises(BundleError, match=r"config\.json says|over 2 GB"):
        bring(tmp_path / "a", tmp_path / "out")
    assert not (tmp_path / "out").exists()


BAD_FILES: dict[str, tuple[str, dict[str, Any], Change, str]] = {
    "no experts": ("olmoe", {"expert_count": 0}, lambda t: None, "expert_count"),
    "nothing said": ("olmoe", {"expert_count": None}, lambda t: None, "expert_count"),
    "experts without end": ("olmoe", {"expert_count": 2**31}, lambda t: None, "expert_count"),
    "more work than there are": ("qwen2_moe", {"expert_used_count": 7}, lambda t: None, "7 of 6"),
    "none works": ("qwen2_moe", {"expert_used_count": 0}, lambda t: None, "expert_used_count"),
    "another count": ("granitemoe", {"expert_count": 4}, lambda t: None, "fields say"),
    "a router of another shape": (
        "olmoe", {}, put("blk.1.ffn_gate_inp.weight", lambda r: r[:3]), "ffn_gate_inp",
    ),
    "a stack missing": ("olmoe", {}, drop("blk.2.ffn_up_exps"), "ffn_up_exps"),
    "an expert missing": ("olmoe", {}, put("blk.2.ffn_up_exps.weight", lambda s: s[:-1]), "ffn_up"),
    "no shared expert": ("qwen2_moe", {}, drop("_shexp"), "shexp"),
    "an expert of no numbers": (
        "granitemoe", {}, put("blk.2.ffn_down_exps.weight", spoilt), "not numbers",
    ),
    "a bias of the router": (
        "olmoe", {}, lambda t: t.update({"blk.0.exp_probs_b.bias": np.ones(8, np.float32)}), "exp_",
    ),
    "no rotary embedding": (
        "granitemoe", {"rope.scaling.finetuned": False}, lambda t: None, "rotary",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_gguf_file_that_is_no_mixture_is_refused_and_leaves_nothing(
    tmp_path: Path, saved: dict[str, Path], what: str
) -> None:
    pytest.importorskip("gguf")
    kind, fields, change, reason = BAD_FILES[what]
    tensors = gguf_tensors(kind, tensors_of(saved[kind]))
    change(tensors)
    write_gguf(tmp_path / "a.gguf", kind, tensors, fields=fields)
    with pytest.raises(BundleError, match=reason):
        bring(tmp_path / "a.gguf", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def command(folder: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nextedit_jupyter.cli", *arguments],
        env={**os.environ, "NEXTEDIT_DATA_DIR": str(folder / "data")},
        capture_output=True, text=True, timeout=120, **more,
    )  # fmt: skip


def test_the_command_line_imports_a_mixture_and_serves_it(tmp_path: Path) -> None:
    save(tmp_path / "tiny", "qwen2_moe")
    made = command(tmp_path, "model", "import", str(tmp_path / "tiny"), "--prompt", "fim-qwen",
                   "--licence", "MIT", "--use")  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "passed its trial" in made.stdout
    cells = [
        {"id": "a", "type": "code", "source": "import numpy as np"},
        {"id": "b", "type": "code", "source": "x = np.lin"},
    ]
    request = {
        "id": 7, "offsets": "code-point", "notebook": {"language": "python", "cells": cells},
        "cursor": {"cell": "b", "offset": 10}, "want": ["inline"], "deadline_ms": 5000,
    }  # fmt: skip
    line = json.dumps(request) + "\n"
    answers = [
        json.loads(answer)
        for answer in command(tmp_path, "predict", input=line * 2).stdout.splitlines()
    ]
    assert [answer["bundle"] for answer in answers] == ["tiny/0.1.0"] * 2
    assert answers[0]["tokens"]["prompt"] > 0
    assert answers[0]["suggestions"] == answers[1]["suggestions"]


def test_the_command_line_says_why_it_refuses_and_installs_nothing(tmp_path: Path) -> None:
    save(tmp_path / "tiny", "olmoe")
    change_config(tmp_path / "tiny", num_experts_per_tok=9)
    made = command(tmp_path, "model", "import", str(tmp_path / "tiny"), "--prompt", "fim-qwen")
    assert made.returncode == 1
    assert "9 of 8 experts" in made.stderr
    assert "Traceback" not in made.stderr
    listed = command(tmp_path, "model", "list").stdout
    assert "tiny" not in listed
    left = [p for p in (tmp_path / "data").rglob("*") if p.is_file() and "onnx" in p.name]
    assert left == []
