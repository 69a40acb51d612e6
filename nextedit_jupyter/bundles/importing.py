"""Turning a checkpoint of Llama's or Qwen2's shape into a bundle: a Hugging Face folder, or GGUF.

Weights pass through one tensor at a time. What the graph can't do is refused with the reason
before anything is read: sliding windows, other activations, other rotary scalings. Nothing is
downloaded.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.bundles.graph import GraphShape, RopeScaling, build_graph
from nextedit_jupyter.bundles.manifest import Identity, manifest_of, write_manifest
from nextedit_jupyter.bundles.safetensors import TensorFolder
from nextedit_jupyter.core.errors import BundleError

Floats = npt.NDArray[np.float32]

SUPPORTED = ("llama", "qwen2")


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What a folder's `config.json` says, checked."""

    model_type: str
    shape: GraphShape
    trained_context: int

    @property
    def parameters(self) -> int:
        """The number of weights, a tied head counted once."""
        return parameters_of(self.shape)


def parameters_of(shape: GraphShape) -> int:
    """The number of a decoder's weights, a tied head counted once."""
    s = shape
    heads = (s.heads + 2 * s.kv_heads) * s.head_dim
    layer = s.width * heads + s.heads * s.head_dim * s.width + 3 * s.width * s.hidden
    layer += 2 * s.width + (heads if s.qkv_bias else 0)
    tables = s.vocab_size * s.width * (1 if s.tied else 2)
    return tables + s.layers * layer + s.width


def read_plan(folder: Path, *, context: int = 2048) -> ImportPlan:
    """Check `config.json`. Raises BundleError with the reason where the shape isn't ours."""
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_bytes())
        if not isinstance(config, dict):
            raise ValueError("not an object")
    except (OSError, ValueError) as error:
        raise BundleError(
            f"{folder.name} has no readable config.json ({type(error).__name__}); give the folder "
            "that transformers' save_pretrained writes"
        ) from None
    model_type = config.get("model_type")
    if model_type not in SUPPORTED:
        raise BundleError(
            f"a {model_type} model cannot be imported; {' and '.join(SUPPORTED)} shapes can"
        )
    _refuse(config, model_type)
    try:
        heads = int(config["num_attention_heads"])
        width = int(config["hidden_size"])
        rope = config.get("rope_parameters") or {}
        shape = GraphShape(
            vocab_size=int(config["vocab_size"]),
            width=width,
            layers=int(config["num_hidden_layers"]),
            heads=heads,
            kv_heads=int(config.get("num_key_value_heads") or heads),
            head_dim=int(config.get("head_dim") or width // heads),
            hidden=int(config["intermediate_size"]),
            context=min(context, int(config.get("max_position_embeddings") or context)),
            rope_theta=float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0),
            norm_eps=float(config.get("rms_norm_eps") or 1e-6),
            tied=bool(config.get("tie_word_embeddings", False)),
            qkv_bias=model_type == "qwen2" or bool(config.get("attention_bias")),
            rope_scaling=_rope_scaling(config),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"config.json lacks or garbles {error}") from None
    if shape.heads % shape.kv_heads:
        raise BundleError("the number of heads must be a multiple of the key-value heads")
    return ImportPlan(model_type, shape, int(config.get("max_position_embeddings") or context))


@dataclass(frozen=True, slots=True)
class _ModelSource:
    """What is imported, wherever it comes from; weights are read when they are asked for."""

    shape: GraphShape
    weights: Mapping[str, Floats]
    tokenizer: bytes
    origin: str
    trained_context: int
    licence: str = "unknown"


def import_model(
    path: Path,
    out: Path,
    *,
    id: str,
    version: str,
    prompt_format: str,
    language: str = "*",
    licence: str | None = None,
    bits: Literal[8, 4] = 8,
    context: int = 2048,
    thresholds: Mapping[str, float] | None = None,
    progress: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Write a bundle of a checkpoint's folder or a GGUF file into `out`, which must not exist yet.

    Returns the manifest. The thresholds of a foreign model aren't measured: they are set high, and
    `jupyter nextedit eval` says what fits. The licence is the one that a file names, unless another
    is given. Raises BundleError.
    """
    opened = _folder_source if path.is_dir() else _gguf_source
    with opened(path, context, progress) as source:
        identity = Identity(
            id, version, prompt_format, language=language, licence=licence or source.licence
        )
        return _write(out, identity, source, bits=bits, thresholds=thresholds)


@contextlib.contextmanager
def _folder_source(
    folder: Path, context: int, progress: Callable[[str], None]
) -> Iterator[_ModelSource]:
    plan = read_plan(folder, context=context)
    if not (folder / "tokenizer.json").is_file():
        raise BundleError(
            f"{folder.name} has no tokenizer.json; save the tokenizer with transformers' "
            "fast tokenizer first"
        )
    yield _ModelSource(
        plan.shape,
        Renamed(TensorFolder(folder), plan, progress),
        (folder / "tokenizer.json").read_bytes(),
        origin=f"a local checkpoint of {plan.model_type}'s shape",
        trained_context=plan.trained_context,
    )


@contextlib.contextmanager
def _gguf_source(
    path: Path, context: int, progress: Callable[[str], None]
) -> Iterator[_ModelSource]:
    from nextedit_jupyter.bundles.gguf import GgufFile
    from nextedit_jupyter.bundles.gguf_model import GgufModel, GgufWeights

    with GgufFile(path) as file:
        model = GgufModel.of(file, context=context)
        yield _ModelSource(
            model.shape,
            GgufWeights(file, model, progress),
            model.vocabulary.to_json().encode("utf-8"),
            origin=f"a GGUF file of {model.architecture}'s shape ({model.name})",
            trained_context=model.trained_context,
            licence=model.licence,
        )


def _write(
    out: Path,
    identity: Identity,
    source: _ModelSource,
    *,
    bits: Literal[8, 4],
    thresholds: Mapping[str, float] | None,
) -> dict[str, Any]:
    shape = source.shape
    if bits == 4 and (shape.width % 32 or shape.hidden % 32):
        raise BundleError("4 bits need layers whose width is a multiple of 32; import with 8")
    if out.exists():
        raise BundleError(f"{out.name} exists already; choose another folder")
    parameters = parameters_of(shape)
    out.mkdir(parents=True)
    try:
        model = build_graph(shape, source.weights, int8=True, bits=bits)
        if model.ByteSize() > 2_000_000_000:
            raise BundleError(
                "the model is over 2 GB at these bits, more than one ONNX file holds: "
                "import with 4 bits, or a smaller model"
            )
        (out / "model.onnx").write_bytes(model.SerializeToString())
        del model
        (out / "tokenizer.json").write_bytes(source.tokenizer)
        card = (
            f"# {identity.id} {identity.version}\n\n"
            f"Imported from {source.origin}: {parameters:,} parameters, {bits} bits, "
            f"{shape.context} of {source.trained_context} positions.\n\n"
            f"Licence: {identity.licence}. Quality and latency here were not measured at import; "
            "`jupyter nextedit eval` and `bench` measure them.\n"
        )
        (out / "CARD.md").write_text(card, encoding="utf-8")
        manifest = manifest_of(
            out,
            identity,
            shape,
            parameters=parameters,
            thresholds=thresholds or {"inline": 0.8, "next_edit": 0.9},
            quantisation="int8-rowwise" if bits == 8 else "int4-blocks",
        )
        write_manifest(out, manifest)
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise
    return manifest


class Renamed(Mapping[str, Floats]):
    """A checkpoint's tensors under the names that `build_graph` asks for, read when asked."""

    def __init__(
        self, tensors: TensorFolder, plan: ImportPlan, progress: Callable[[str], None]
    ) -> None:
        self._tensors = tensors
        self._plan = plan
        self._progress = progress

    def __getitem__(self, name: str) -> Floats:
        self._progress(name)
        shape = self._plan.shape
        if name == "embedding.weight":
            return self._read("model.embed_tokens.weight", (shape.vocab_size, shape.width))
        if name == "head.weight":
            return self._read("lm_head.weight", (shape.vocab_size, shape.width))
        if name == "norm.weight":
            return self._read("model.norm.weight", (shape.width,))
        _, layer, part, kind = name.split(".")
        at = f"model.layers.{layer}"
        query, cached = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        if part == "qkv":
            rows = {"q": query, "k": cached, "v": cached}
            tail = (shape.width,) if kind == "weight" else ()
            return np.concatenate(
                [
                    self._read(f"{at}.self_attn.{which}_proj.{kind}", (count, *tail))
                    for which, count in rows.items()
                ]
            )
        source, expected = {
            "norm_attention": (f"{at}.input_layernorm.weight", (shape.width,)),
            "norm_mlp": (f"{at}.post_attention_layernorm.weight", (shape.width,)),
            "out": (f"{at}.self_attn.o_proj.weight", (shape.width, query)),
            "gate": (f"{at}.mlp.gate_proj.weight", (shape.hidden, shape.width)),
            "up": (f"{at}.mlp.up_proj.weight", (shape.hidden, shape.width)),
            "down": (f"{at}.mlp.down_proj.weight", (shape.width, shape.hidden)),
        }[part]
        return self._read(source, expected)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("weights are asked for by name")

    def __len__(self) -> int:
        return len(self._tensors.names())

    def _read(self, name: str, expected: tuple[int, ...]) -> Floats:
        found = self._tensors.shape(name)
        if found != expected:
            raise BundleError(f"{name} is {found}, but config.json says {expected}")
        values = self._tensors.read(name)
        if not np.isfinite(values).all():
            raise BundleError(f"{name} holds values that are no numbers")
        return values


def _refuse(config: Mapping[str, Any], model_type: str) -> None:
    window = config.get("sliding_window")
    if config.get("use_sliding_window") or (model_type == "llama" and window):
        raise BundleError(
            f"the model attends to a sliding window of {window} positions; our graph attends to "
            "all, which would change its answers"
        )
    if config.get("hidden_act", "silu") not in ("silu", "swish"):
        raise BundleError(f"the activation {config['hidden_act']} isn't SiLU")
    if config.get("mlp_bias"):
        raise BundleError("biases in the feed-forward layers aren't supported")
    if model_type == "llama" and config.get("attention_bias"):
        raise BundleError("a Llama with a bias on the attention's output isn't supported")
    if config.get("quantization_config"):
        raise BundleError("the checkpoint is quantised already; import the original")


def _rope_scaling(config: Mapping[str, Any]) -> RopeScaling | None:
    scaling = config.get("rope_scaling") or config.get("rope_parameters") or {}
    kind = scaling.get("rope_type") or scaling.get("type") or "default"
    if kind == "default":
        return None
    if kind == "linear":
        return RopeScaling("linear", float(scaling["factor"]))
    if kind == "llama3":
        return RopeScaling(
            "llama3",
            float(scaling["factor"]),
            float(scaling["low_freq_factor"]),
            float(scaling["high_freq_factor"]),
            int(scaling["original_max_position_embeddings"]),
        )
    raise BundleError(f"rotary scaling of kind {kind} isn't supported; linear and llama3 are")
