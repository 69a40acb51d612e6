"""A base and a delta make a bundle: what is in the delta is in its answers, and nothing else is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_gguf import LICENCE, Tiny, logits, make_delta, make_gguf, make_wheel, write_tensors

from nextedit_jupyter.bundles.assembling import assemble
from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.bundles.byte_level import ALPHABET, ByteLevelVocabulary
from nextedit_jupyter.bundles.delta import Delta
from nextedit_jupyter.bundles.gguf import GgufFile
from nextedit_jupyter.bundles.gguf_model import GgufModel, GgufWeights, byte_row
from nextedit_jupyter.bundles.graph import GraphShape, build_graph
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.control import CONTROL_TOKENS
from nextedit_jupyter.suggest.canary import try_bundle

pytest.importorskip("gguf")

IDS = [5, 9, 200, 3, 77, 42, 8, 150]
SMOOTHED = ("qkv", "out", "gate", "down")


@dataclass(frozen=True)
class Kit:
    base: Tiny
    wheel: Path
    folder: Path

    def delta(self, tensors: dict[str, np.ndarray] | None = None, **changes: Any) -> Delta:
        folder = self.folder / "delta"
        make_delta(folder, self.wheel, self.base.path, **changes)
        if tensors is not None:
            write_tensors(folder / "delta.safetensors", tensors)
            make_delta(folder, self.wheel, self.base.path, weights="delta.safetensors", **changes)
        return Delta.open(folder)

    def build(self, delta: Delta, name: str = "out") -> Path:
        assemble(self.base.path, delta, self.folder / name, licence_text=LICENCE)
        return self.folder / name

    def weights(self) -> tuple[GraphShape, dict[str, np.ndarray]]:
        """The base's own, by the graph's names, with the bytes that it lacks."""
        with GgufFile(self.base.path) as file:
            model = GgufModel.of(file)
            return model.shape, dict(GgufWeights(file, model))


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    base = make_gguf(tmp_path / "base.gguf", quant="Q8_0")
    return Kit(base, make_wheel(tmp_path, base.path), tmp_path)


def save_kept(kit: Kit, ids: np.ndarray) -> None:
    (kit.folder / "delta").mkdir(exist_ok=True)
    np.save(kit.folder / "delta" / "kept.npy", ids, allow_pickle=True)


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        whole.update(file.name.encode() + file.read_bytes())
    return whole.hexdigest()


def expected(shape: GraphShape, weights: dict[str, np.ndarray]) -> np.ndarray:
    graph = build_graph(shape, weights)
    return logits(graph.SerializeToString(), shape, IDS)


def found(kit: Kit, folder: Path) -> np.ndarray:
    shape, _ = kit.weights()
    bundle = Bundle.open(folder)
    sized = GraphShape(
        **{name: getattr(shape, name) for name in shape.__slots__}
        | {"vocab_size": bundle.vocab_size}
    )
    return logits((folder / "model.onnx").read_bytes(), sized, IDS)


def random(shape: tuple[int, ...], seed: int, scale: float = 0.05) -> np.ndarray:
    values = np.random.default_rng(seed).normal(0, scale, shape)
    return values.astype(np.float16).astype(np.float32)


def test_an_empty_delta_gives_the_base_as_it_is(kit: Kit) -> None:
    folder = kit.build(kit.delta(vocabulary=None))
    shape, weights = kit.weights()
    assert np.array_equal(found(kit, folder), expected(shape, weights))


def test_low_rank_pairs_norms_and_rows_are_in_the_answers(kit: Kit) -> None:
    shape, weights = kit.weights()
    width, hidden, rank = shape.width, shape.hidden, 3
    query = shape.heads * shape.head_dim
    rows = (shape.heads + 2 * shape.kv_heads) * shape.head_dim
    tensors: dict[str, np.ndarray] = {}
    sides = {
        "qkv": (rows, width), "out": (width, query), "gate": (hidden, width),
        "up": (hidden, width), "down": (width, hidden),
    }  # fmt: skip
    for seed, (part, (outputs, inputs)) in enumerate(sides.items()):
        a, b = random((rank, inputs), seed), random((outputs, rank), seed + 50)
        tensors |= {f"layers.1.{part}.a": a, f"layers.1.{part}.b": b}
        weights[f"layers.1.{part}.weight"] = (
            weights[f"layers.1.{part}.weight"] + 2.0 * b.astype(np.float64) @ a.astype(np.float64)
        ).astype(np.float32)
    tensors["norms.0.attention"] = weights["layers.0.norm_attention.weight"] = random((width,), 7)
    tensors["norms.1.mlp"] = weights["layers.1.norm_mlp.weight"] = random((width,), 8)
    tensors["norms.final"] = weights["norm.weight"] = random((width,), 9, 1.0)
    whole = ByteLevelVocabulary.from_metadata(_metadata(kit))
    new = len(whole.missing_bytes) + len(CONTROL_TOKENS)
    tensors["embedding.new"] = random((new, width), 10)
    own = weights["embedding.weight"][: len(whole.tokens)]
    weights["embedding.weight"] = np.concatenate((own, tensors["embedding.new"]))
    sized = {name: getattr(shape, name) for name in shape.__slots__}
    shape = GraphShape(**sized | {"vocab_size": len(weights["embedding.weight"])})
    folder = kit.build(kit.delta(tensors, scale=2.0))
    assert np.array_equal(found(kit, folder), expected(shape, weights))


@pytest.mark.parametrize("parts", ["q", "v", "qk", "qkv"])
def test_query_key_and_value_may_have_pairs_of_their_own(kit: Kit, parts: str) -> None:
    shape, weights = kit.weights()
    query, cached = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    starts = {"q": (0, query), "k": (query, cached), "v": (query + cached, cached)}
    tensors: dict[str, Any] = {}
    matrix = weights["layers.0.qkv.weight"].astype(np.float64)
    for seed, part in enumerate(parts):
        at, count = starts[part]
        a, b = random((2, shape.width), seed), random((count, 2), seed + 9)
        tensors |= {f"layers.0.{part}.a": a, f"layers.0.{part}.b": b}
        matrix[at : at + count] += 2.0 * b.astype(np.float64) @ a.astype(np.float64)
    weights["layers.0.qkv.weight"] = matrix.astype(np.float32)
    folder = kit.build(kit.delta(tensors, scale=2.0, vocabulary=None))
    assert np.array_equal(found(kit, folder), expected(shape, weights))


def test_moved_factors_change_the_rounding_and_not_the_model(kit: Kit) -> None:
    shape, weights = kit.weights()
    tensors: dict[str, Any] = {}
    sizes = (shape.width, shape.heads * shape.head_dim, shape.width, shape.hidden)
    for i in range(shape.layers):
        for seed, (place, size) in enumerate(zip(SMOOTHED, sizes)):
            factor = np.exp(random((size,), seed + 10 * i, 0.3))
            if place == "out":  # one for all heads that share a value
                grouped = factor.reshape(shape.kv_heads, -1, shape.head_dim)
                factor = np.broadcast_to(grouped[:, :1], grouped.shape).reshape(-1)
            tensors[f"smooth.layers.{i}.{place}"] = factor
    plain = expected(shape, weights)
    moved = found(kit, kit.build(kit.delta(tensors, vocabulary=None)))
    assert not np.array_equal(moved, plain)
    assert np.abs(moved - plain).max() < 0.1 * np.abs(plain).max()


def test_the_vocabulary_is_cut_to_what_is_kept(kit: Kit) -> None:
    whole = ByteLevelVocabulary.from_metadata(_metadata(kit))
    kept = [id for id, token in enumerate(whole.tokens) if token in {*ALPHABET, "in", "int"}]
    save_kept(kit, np.array(kept, np.uint16))
    vocabulary = {"kept": "kept.npy", "control_tokens": list(CONTROL_TOKENS)}
    folder = kit.build(kit.delta(vocabulary=vocabulary))
    bundle = Bundle.open(folder)
    assert bundle.vocab_size == len(kept) + len(whole.missing_bytes) + len(CONTROL_TOKENS)
    tokenizer = BundleTokenizer(bundle.tokenizer)
    assert tokenizer.encode("int") == [bundle.vocab_size - len(CONTROL_TOKENS) - 3 - 1]
    _, weights = kit.weights()
    rows = weights["embedding.weight"]
    new = np.tile(byte_row(rows, whole.tokens), (bundle.vocab_size - len(kept), 1))
    shape, _ = kit.weights()
    sized = {name: getattr(shape, name) for name in shape.__slots__}
    weights["embedding.weight"] = np.concatenate((rows[kept], new))
    shape = GraphShape(**sized | {"vocab_size": bundle.vocab_size})
    assert np.array_equal(found(kit, folder), expected(shape, weights))


def test_built_twice_it_is_the_same_to_the_byte_and_passes_its_trial(kit: Kit) -> None:
    tensors = {"layers.0.down.a": random((2, 96), 1), "layers.0.down.b": random((64, 2), 2)}
    delta = kit.delta(tensors)
    first, second = kit.build(delta), kit.build(delta, "again")
    assert digest(first) == digest(second)
    golden = list(try_bundle(first).tokens)
    assert golden == list(try_bundle(second).tokens)
    same = kit.build(kit.delta(tensors, golden_tokens=golden), "golden")
    assert try_bundle(same).tokens == tuple(golden)
    other = kit.build(kit.delta(tensors, golden_tokens=[1, 2, 3]), "other")
    with pytest.raises(BundleError, match="publisher"):
        try_bundle(other)


def test_the_bundle_names_its_base_licence_and_notice(kit: Kit) -> None:
    folder = kit.build(kit.delta(acceptance={"threshold": 0.5}, quality={"a": 1}))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["base"]["package"] == "tiny-base"
    assert (
        manifest["base"]["member_sha256"] == hashlib.sha256(kit.base.path.read_bytes()).hexdigest()
    )
    assert manifest["licence"] == "MIT AND BSD-3-Clause"
    assert (manifest["acceptance"], manifest["quality"]) == ({"threshold": 0.5}, {"a": 1})
    card, notice = (folder / "CARD.md").read_text(), (folder / "NOTICE").read_text()
    for text in (card, notice):
        assert "Tiny base, by nobody." in text
        assert "tiny-base 1.0.0" in text
        assert manifest["base"]["member_sha256"] in text
    assert LICENCE in notice
    assert {"NOTICE", "CARD.md"} <= manifest["files"].keys()


UNFIT: dict[str, dict[str, np.ndarray]] = {
    "half of a pair": {"layers.0.up.a": np.zeros((2, 64))},
    "a pair of two ranks": {"layers.0.up.a": np.zeros((2, 64)), "layers.0.up.b": np.zeros((96, 3))},
    "other sides": {"layers.0.up.a": np.zeros((2, 65)), "layers.0.up.b": np.zeros((96, 2))},
    "a layer that is not there": {
        "layers.9.up.a": np.zeros((2, 64)), "layers.9.up.b": np.zeros((96, 2)),
    },
    "a name that says nothing": {"something": np.zeros(3)},
    "a norm of another size": {"norms.final": np.zeros(3)},
    "too few rows": {"embedding.new": np.zeros((3, 64))},
    "what is no number": {"norms.final": np.full(64, np.nan)},
    "one factor of all": {"smooth.layers.0.qkv": np.ones(64)},
}  # fmt: skip


@pytest.mark.parametrize("what", UNFIT)
def test_a_delta_that_does_not_fit_is_refused_and_leaves_nothing(kit: Kit, what: str) -> None:
    with pytest.raises(BundleError, match="does not fit"):
        kit.build(kit.delta(UNFIT[what]))
    assert not (kit.folder / "out").exists()


def test_kept_tokens_that_are_none_are_refused(kit: Kit) -> None:
    save_kept(kit, np.array([1], np.uint16))
    delta = kit.delta(vocabulary={"kept": "kept.npy", "control_tokens": []})
    for wrong in (np.array([1, 2], np.int64), np.array([[1]], np.uint16), np.array([], np.uint16)):
        save_kept(kit, wrong)
        with pytest.raises(BundleError, match="token ids"):
            kit.build(delta)
    save_kept(kit, np.array([{}], object))
    with pytest.raises(BundleError, match=r"kept\.npy"):
        kit.build(delta)
    with pytest.raises(BundleError, match="graph"):
        kit.build(kit.delta(graph={"turn": ["everything"]}))


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 2},
        {"id": "../up"},
        {"version": None},
        {"base": None},
        {"weights": "../../delta.safetensors"},
        {"weights": "not-there.safetensors"},
        {"vocabulary": {"kept": "/etc/passwd"}},
        {"vocabulary": {"control_tokens": ["a", "a"]}},
        {"context": 0},
        {"thresholds": []},
    ],
)
def test_a_description_that_cannot_be_used_is_refused(kit: Kit, changes: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="install nextedit-jupyter again"):
        kit.delta(**changes)


def _metadata(kit: Kit) -> dict[str, Any]:
    with GgufFile(kit.base.path) as file:
        return dict(file.metadata)
