"""A GGUF file's model is the one that others make of it; other shapes are refused and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llama_server import llama_cpp
from tiny_gguf import Sizes, Tiny, logits, make_gguf

from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.bundles.gguf import GgufFile
from nextedit_jupyter.bundles.gguf_model import GgufModel, GgufWeights
from nextedit_jupyter.bundles.graph import build_graph
from nextedit_jupyter.bundles.importing import import_model
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.prompt import BundleTokenizer

pytest.importorskip("gguf")

IDS = [5, 9, 200, 3, 77, 42, 8, 150, 6, 31, 2, 260]
TEXTS = ("import np\n\ndf = print(x1234)", "  if x:\n    y = 'é'", "\n\n\n    int")


def ours(made: Tiny, *, int8: bool = False) -> np.ndarray:
    with GgufFile(made.path) as file:
        model = GgufModel.of(file)
        graph = build_graph(model.shape, GgufWeights(file, model), int8=int8)
    return logits(graph.SerializeToString(), model.shape, IDS)[:, : len(made.tokens)]


def log_softmax(logits: np.ndarray) -> np.ndarray:
    less = logits - logits.max(-1, keepdims=True)
    found: np.ndarray = less - np.log(np.exp(less).sum(-1, keepdims=True))
    return found


def of_transformers(made: Tiny, arch: str, rope: dict[str, Any] | None = None) -> np.ndarray:
    """Logits of the class that wrote the checkpoint, before it was turned into a file."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    s = made.sizes
    kind = {"llama": "Llama", "qwen2": "Qwen2"}[arch]
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(made.tokens), hidden_size=s.width, intermediate_size=s.hidden,
        num_hidden_layers=s.layers, num_attention_heads=s.heads, num_key_value_heads=s.kv_heads,
        max_position_embeddings=s.context, rms_norm_eps=s.eps,
        rope_parameters=rope or {"rope_type": "default", "rope_theta": s.theta},
        tie_word_embeddings="output.weight" not in made.weights,
    )  # fmt: skip
    model = getattr(transformers, f"{kind}ForCausalLM")(config).eval()
    head = s.width // s.heads

    def halves(values: np.ndarray) -> np.ndarray:
        pairs = values.reshape(-1, head // 2, 2, *values.shape[1:])
        return pairs.swapaxes(1, 2).reshape(values.shape) if arch == "llama" else values

    named = {"model.embed_tokens.weight": made.weights["token_embd.weight"]}
    named["model.norm.weight"] = made.weights["output_norm.weight"]
    named["lm_head.weight"] = made.weights.get("output.weight", made.weights["token_embd.weight"])
    parts = {
        "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
        "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    }  # fmt: skip
    for name, values in made.weights.items():
        if name.startswith("blk."):
            _, layer, part, kind = name.split(".")
            turned = halves(values) if part in ("attn_q", "attn_k") else values
            named[f"model.layers.{layer}.{parts[part]}.{kind}"] = turned
    model.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in named.items()})
    with torch.no_grad():
        found: np.ndarray = model(torch.tensor([IDS])).logits[0].numpy()
    return found


@pytest.mark.parametrize("arch", ["llama", "qwen2"])
@pytest.mark.parametrize("tied", [True, False])
def test_logits_are_those_of_transformers(tmp_path: Path, arch: str, tied: bool) -> None:
    made = make_gguf(tmp_path / "a.gguf", arch=arch, tied=tied)
    assert np.abs(ours(made) - of_transformers(made, arch)).max() < 1e-3


@pytest.mark.parametrize("quant", ["Q8_0", "Q4_1", "Q4_0"])
def test_logits_of_a_quantised_file_are_those_of_the_weights_it_stores(
    tmp_path: Path, quant: str
) -> None:
    made = make_gguf(tmp_path / "a.gguf", quant=quant)
    assert np.abs(ours(made) - of_transformers(made, "llama")).max() < 1e-3


def test_rotary_scalings_come_from_the_file(tmp_path: Path) -> None:
    fields = {"rope.scaling.type": "linear", "rope.scaling.factor": 4.0}
    made = make_gguf(tmp_path / "linear.gguf", fields=fields)
    rope = {"rope_type": "linear", "factor": 4.0, "rope_theta": made.sizes.theta}
    assert np.abs(ours(made) - of_transformers(made, "llama", rope)).max() < 1e-3
    factors = {"rope_freqs.weight": np.full(8, 4.0, np.float32)}
    same = make_gguf(tmp_path / "factors.gguf", extra=factors)
    assert np.abs(ours(same) - ours(made)).max() < 1e-3


def test_llama_cpp_gives_the_same_logits_for_the_same_text(tmp_path: Path) -> None:
    made = make_gguf(tmp_path / "a.gguf")
    with llama_cpp(made.path) as other:
        expected = np.array([other.logprobs(IDS[: i + 1]) for i in range(len(IDS))])
        theirs = {text: other.tokens(text) for text in TEXTS}
    found = log_softmax(ours(made))
    assert np.abs(found - expected).max() < 0.02  # it keeps keys and values in 16 bits
    assert (found.argmax(-1) == expected.argmax(-1)).all()
    assert np.abs(log_softmax(ours(made, int8=True)) - expected).max() < 0.5
    with GgufFile(made.path) as file:
        (tmp_path / "tokenizer.json").write_text(GgufModel.of(file).vocabulary.to_json())
    tokenizer = BundleTokenizer(tmp_path / "tokenizer.json")
    assert {text: tokenizer.encode(text) for text in TEXTS} == theirs


def test_a_file_becomes_a_bundle_that_says_where_it_is_from(tmp_path: Path) -> None:
    made = make_gguf(tmp_path / "a.gguf")
    import_model(
        made.path, tmp_path / "out", id="tiny", version="1.0.0", prompt_format="cells-spm-v1"
    )
    bundle = Bundle.open(tmp_path / "out")
    assert bundle.manifest["licence"] == "mit"
    assert "Tiny" in (tmp_path / "out" / "CARD.md").read_text()
    tokenizer = BundleTokenizer(bundle.tokenizer)
    assert tokenizer.vocab_size == bundle.vocab_size
    text = "\x04 all bytes: \U00040000 é\r\n\t"  # also those that the file has no tokens for
    assert tokenizer.decode(tokenizer.encode(text)) == text


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another architecture": ({"arch": "gemma"}, "llama and qwen2"),
    "a mixture of experts": ({"fields": {"expert_count": 8}}, "experts"),
    "a sliding window": ({"fields": {"attention.sliding_window": 512}}, "sliding"),
    "both directions": ({"fields": {"attention.causal": False}}, "both directions"),
    "heads that do not divide": ({"fields": {"attention.head_count_kv": 3}}, "heads"),
    "no heads": ({"fields": {"attention.head_count": 0}}, "head_count"),
    "a turned part of a head": ({"fields": {"rope.dimension_count": 8}}, "dimension_count"),
    "layers without end": ({"fields": {"block_count": 2**31}}, "block_count"),
    "no layers": ({"fields": {"block_count": None}}, "block_count"),
    "another width": ({"fields": {"embedding_length": 128}}, "fields say|heads"),
    "a rope that is no number": ({"fields": {"rope.freq_base": float("nan")}}, "freq_base"),
    "yarn": (
        {"fields": {"rope.scaling.type": "yarn", "rope.scaling.factor": 4.0}}, "yarn",
    ),
    "a tensor too few": ({"drop": ("blk.1.ffn_up.weight",)}, "ffn_up"),
    "a norm that ours lacks": (
        {"extra": {"blk.0.attn_q_norm.weight": np.ones(16, np.float32)}}, "attn_q_norm",
    ),
    "biases that ours lacks": (
        {"extra": {"blk.0.attn_q.bias": np.ones(64, np.float32)}}, "attn_q.bias",
    ),
    "factors of another size": (
        {"extra": {"rope_freqs.weight": np.ones(3, np.float32)}}, "rope_freqs",
    ),
    "another way of cutting texts": ({"pre": "tekken"}, "tekken"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_of_another_shape_is_refused_with_the_reason(tmp_path: Path, what: str) -> None:
    changes, reason = REFUSED[what]
    made = make_gguf(tmp_path / "a.gguf", **changes)
    with pytest.raises(BundleError, match=reason):
        import_model(
            made.path, tmp_path / "out", id="x", version="1.0.0", prompt_format="cells-spm-v1"
        )
    assert not (tmp_path / "out").exists()


def test_weights_that_are_no_numbers_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    bad = np.full((96, 64), np.nan, np.float32)
    made = make_gguf(tmp_path / "a.gguf", extra={"blk.1.ffn_up.weight": bad})
    with pytest.raises(BundleError, match="not numbers"):
        import_model(
            made.path, tmp_path / "out", id="x", version="1.0.0", prompt_format="cells-spm-v1"
        )
    assert not (tmp_path / "out").exists()


def test_heads_may_be_of_another_width_than_the_model_s_share(tmp_path: Path) -> None:
    made = make_gguf(tmp_path / "a.gguf", sizes=Sizes(width=64, heads=2, kv_heads=1))
    assert np.abs(ours(made) - of_transformers(made, "llama")).max() < 1e-3
