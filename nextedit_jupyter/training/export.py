"""From a checkpoint to a bundle: the INT8 graph, the tokenizer, the manifest and the card.

A bundle enters its folder by one rename, so that who reads it sees the old one or the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.bundles.graph import GraphShape, build_graph
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.model import Shape
from nextedit_jupyter.training.sft import read_checkpoint

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a bundle is called and what it asks of the application."""

    id: str
    version: str
    prompt_format: str
    language: str = "python"
    licence: str = "BSD-3-Clause"
    min_app_version: str = "0.1.0"


@dataclass(frozen=True, slots=True)
class Measured:
    """What evaluation said; empty until it ran.

    `thresholds` are confidences between 0 and 1 below which nothing is shown, by kind.
    """

    thresholds: Mapping[str, float] = field(
        default_factory=lambda: {"inline": 0.6, "next_edit": 0.7}
    )
    latency: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)


def checkpoint_weights(path: Path) -> tuple[Shape, dict[str, Floats]]:
    """The shape and the float32 weights of a checkpoint."""
    payload = read_checkpoint(path)
    weights = {name: value.float().numpy() for name, value in payload["model"].items()}
    return Shape(**payload["shape"]), weights


def graph_shape(shape: Shape) -> GraphShape:
    """The same sizes in the words of `bundles.graph`."""
    return GraphShape(**asdict(shape))


def export_bundle(
    checkpoint: Path,
    tokenizer: Path,
    out: Path,
    identity: Identity,
    *,
    measured: Measured | None = None,
    card: str = "",
) -> dict[str, Any]:
    """Write the bundle `out`, replacing one that is there; returns its manifest.

    Raises TrainingError if the checkpoint and the tokenizer don't belong together.
    """
    from nextedit_jupyter.prompt.tokenizer import BundleTokenizer

    shape, weights = checkpoint_weights(checkpoint)
    size = BundleTokenizer(tokenizer).vocab_size
    if size > shape.vocab_size:
        raise TrainingError(
            f"the tokenizer has {size} tokens, the checkpoint only {shape.vocab_size}: "
            "export with the tokenizer it was trained with"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".bundle-", dir=out.parent))
    try:
        model = build_graph(graph_shape(shape), weights, int8=True)
        (staging / "model.onnx").write_bytes(model.SerializeToString())
        shutil.copyfile(tokenizer, staging / "tokenizer.json")
        text = card or f"# {identity.id} {identity.version}\n\nA checkpoint for development.\n"
        (staging / "CARD.md").write_text(text, encoding="utf-8")
        manifest = manifest_of(staging, shape, identity, measured or Measured())
        write_manifest(staging, manifest)
        os.chmod(staging, 0o755)
        replace_folder(staging, out)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return manifest


def manifest_of(
    folder: Path, shape: Shape, identity: Identity, measured: Measured
) -> dict[str, Any]:
    """The manifest of the files in `folder`."""
    files = {}
    for name in ("model.onnx", "tokenizer.json", "CARD.md"):
        data = (folder / name).read_bytes()
        files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    return {
        "schema": 1,
        **asdict(identity),
        "quantisation": "int8-rowwise",
        "parameters": shape.parameters,
        "context": shape.context,
        "layers": shape.layers,
        "heads": shape.heads,
        "kv_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "vocab_size": shape.vocab_size,
        "card": "CARD.md",
        "thresholds": dict(measured.thresholds),
        "latency": dict(measured.latency),
        "quality": dict(measured.quality),
        "files": files,
    }


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write `manifest.json`."""
    text = json.dumps(manifest, indent=2) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def replace_folder(new: Path, place: Path) -> None:
    """Put the folder `new` in `place`; what was there is removed after the rename."""
    old = None
    if place.exists():
        old = place.with_name(f".old-{place.name}-{os.getpid()}")
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
    new.rename(place)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


class GraphRunner:
    """Runs a decoder graph from an empty cache; for gates and evaluation, not for serving."""

    def __init__(self, model: bytes | Path, shape: Shape, *, threads: int = 2) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        source = model if isinstance(model, bytes) else str(model)
        self._ort = ort
        self._session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self._shape = shape
        empty = np.zeros((1, shape.kv_heads, shape.context, shape.head_dim), np.float32)
        self._cache = {
            f"{i}.{part}": ort.OrtValue.ortvalue_from_numpy(empty.copy())
            for i in range(shape.layers)
            for part in ("key", "value")
        }

    def logits(self, ids: Sequence[int], *, position: int = 0, start: int = 0) -> Floats:
        """Logits [len(ids) - start, vocab_size] of ids that stand at `position` and after.

        The cache must hold the positions before, from earlier calls.
        """
        binding = self._session.io_binding()
        end = position + len(ids)
        binding.bind_cpu_input("input_ids", np.asarray([ids], np.int64))
        binding.bind_cpu_input("seqlens_k", np.array([end - 1], np.int32))
        binding.bind_cpu_input("total", np.array(end, np.int32))
        binding.bind_cpu_input("start", np.array([start], np.int64))
        binding.bind_output("logits")
        for name, value in self._cache.items():
            binding.bind_ortvalue_input(f"past.{name}", value)
            binding.bind_ortvalue_output(f"present.{name}", value)
        self._session.run_with_iobinding(binding)
        result: Floats = binding.copy_outputs_to_cpu()[0][0]
        return result


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often INT8 and float32 choose the same token, and how far their logits lie apart."""

    prompts: int
    tokens: int
    same: float
    same_chunked: float


def token_agreement(
    checkpoint: Path, prompts: Sequence[Sequence[int]], *, last: int = 32
) -> Agreement:
    """Compare the INT8 graph with the float32 graph on the last positions of each prompt.

    `same_chunked` compares the INT8 graph with itself when a prompt is read in three passes.
    """
    shape, weights = checkpoint_weights(checkpoint)
    sizes = graph_shape(shape)
    exact = GraphRunner(build_graph(sizes, weights, int8=False).SerializeToString(), shape)
    small = GraphRunner(build_graph(sizes, weights, int8=True).SerializeToString(), shape)
    tokens = same = chunked = 0
    for prompt in prompts:
        start = max(0, len(prompt) - last)
        want = exact.logits(prompt, start=start).argmax(-1)
        have = small.logits(prompt, start=start).argmax(-1)
        tokens += len(want)
        same += int((want == have).sum())
        cut = len(prompt) // 2
        small.logits(prompt[:cut])
        middle = max(cut, start)
        small.logits(prompt[cut : middle + 1], position=cut)
        rest = prompt[middle + 1 :]
        if rest:
            again = small.logits(rest, position=middle + 1).argmax(-1)
            chunked += int((again == have[-len(again) :]).sum()) + len(have) - len(again)
        else:
            chunked += len(have)
    return Agreement(len(prompts), tokens, same / max(1, tokens), chunked / max(1, tokens))
