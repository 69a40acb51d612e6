"""Exports a checkpoint as a bundle: the INT8 graph, the tokenizer, the manifest and the card.

A bundle is put in place by one rename, so that readers see the old one or the new one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.bundles.graph import GraphShape, Int8Columns, build_graph, hadamard_rotated
from nextedit_jupyter.bundles.manifest import Identity, manifest_of, write_manifest
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.network import Shape
from nextedit_jupyter.training.run_folder import read_checkpoint

if TYPE_CHECKING:
    import onnx
    from torch import Tensor

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

TURNED = ("qkv", "gate", "down", "head")  # inputs of the matrices, as in `bundles.graph.INPUTS`
FINE = ("qkv", "head")


@dataclass(frozen=True, slots=True)
class Measured:
    """The results of the evaluation; empty until it has run.

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
    """The same sizes as a `bundles.graph.GraphShape`."""
    return GraphShape(**asdict(shape))


@dataclass(frozen=True, slots=True)
class GraphRecipe:
    """Which inputs of a graph are rotated, and which are quantised in two rows
    (`bundles.graph`)."""

    turn: tuple[str, ...] = ()
    fine: tuple[str, ...] = ()


# For models trained from scratch; a base whose outliers are smoothed does not need it.
OURS = GraphRecipe(turn=TURNED, fine=FINE)


def int8_graph(
    shape: Shape,
    weights: Mapping[str, Floats],
    calibration: Sequence[Sequence[int]] = (),
    *,
    recipe: GraphRecipe = OURS,
) -> onnx.ModelProto:
    """The graph as it is shipped.

    `calibration`: some ten thousand token ids of training data. With them the graph is made by
    `recipe` and matrices are rounded for their inputs (docs/adr/0004); without them everything is
    simply rounded.
    """
    sizes = graph_shape(shape)
    if not calibration:
        return build_graph(sizes, weights)
    packed = {}
    for name, curvature in _curvatures(shape, weights, calibration).items():
        matrix = weights[f"{name}.weight"].T
        if name.rpartition(".")[2].replace("up", "gate") in recipe.turn:
            matrix, curvature = (
                hadamard_rotated(matrix),
                hadamard_rotated(hadamard_rotated(curvature).T),
            )
        packed[name] = Int8Columns.for_inputs(matrix, curvature)
    return build_graph(sizes, weights, turn=recipe.turn, fine=recipe.fine, packed=packed)


def _curvatures(
    shape: Shape, weights: Mapping[str, Floats], prompts: Sequence[Sequence[int]]
) -> dict[str, Doubles]:
    """The sum of x'x over the inputs x of each matrix of the layers, float64 [inputs, inputs]."""
    from nextedit_jupyter.training.inputs import reduce_inputs

    def curvature(so_far: Doubles | None, inputs: Tensor) -> Doubles:
        found: Doubles = (inputs.T @ inputs).double().numpy()
        return found if so_far is None else so_far + found

    found = reduce_inputs(shape, weights, prompts, curvature)
    gates = {name: value for name, value in found.items() if name.endswith("gate")}
    return found | {name.replace("gate", "up"): value for name, value in gates.items()}


class GraphRunner:
    """Runs a decoder graph from an empty cache; for gates and evaluation, not for serving."""

    def __init__(self, model: bytes | Path, shape: Shape, *, threads: int = 2) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.set_denormal_as_zero", "1")  # as in serving
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
        """Logits [len(ids) - start, vocab_size] of ids at `position` and after.

        The cache must contain the positions before, from earlier calls.
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
    """How often INT8 and float32 choose the same token.

    `exact_float32` and `exact_int8` are the numbers of `tasks` answered exactly by each.
    `nats_lost` is the increase of the mean loss of the prompts' own tokens by 8 bits, in nats per
    token.
    """

    prompts: int
    tokens: int
    same: float
    same_chunked: float
    tasks: int = 0
    exact_float32: int = 0
    exact_int8: int = 0
    nats_lost: float = 0.0

    @property
    def lost(self) -> float:
        """The share of exact answers that INT8 loses; negative if it gains some."""
        return (self.exact_float32 - self.exact_int8) / max(1, self.tasks)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of the graph alone: 512 tokens read at once, and one more token."""

    prefill_512_p50: float
    prefill_512_p95: float
    token_p50: float


class Graphs:
    """A checkpoint's float32 reference graph, and the one that is shipped.

    `calibration` is that of `int8_graph`. Each graph is built on first use.
    """

    def __init__(self, checkpoint: Path, calibration: Sequence[Sequence[int]] = ()) -> None:
        self.shape, self._weights = checkpoint_weights(checkpoint)
        self._calibration = calibration

    @cached_property
    def reference(self) -> bytes:
        """The float32 graph."""
        graph = build_graph(graph_shape(self.shape), self._weights, int8=False)
        written: bytes = graph.SerializeToString()
        return written

    @cached_property
    def model(self) -> bytes:
        """The graph that is shipped."""
        graph = int8_graph(self.shape, self._weights, self._calibration)
        written: bytes = graph.SerializeToString()
        return written

    @cached_property
    def exact(self) -> GraphRunner:
        return GraphRunner(self.reference, self.shape)

    @cached_property
    def small(self) -> GraphRunner:
        return GraphRunner(self.model, self.shape)

    def agreement(
        self,
        prompts: Sequence[Sequence[int]],
        tasks: Sequence[tuple[Sequence[int], Sequence[int]]] = (),
        *,
        last: int = 32,
        with_losses: bool = False,
    ) -> Agreement:
        """Compare both on the last positions of prompts, and on tasks (prompt and answer).

        `same_chunked` compares the INT8 graph with itself when a prompt is read in three passes.
        `with_losses` also compares the losses of all of a prompt's tokens.
        """
        exact, small = self.exact, self.small
        tokens = same = chunked = 0
        added = [np.zeros(0, np.float32)]
        for prompt in prompts:
            start = max(0, len(prompt) - last)
            read = 0 if with_losses else start
            exactly = exact.logits(prompt, start=read)
            shipped = small.logits(prompt, start=read)
            if with_losses:
                wanted = np.asarray(prompt[1:])
                added.append(_losses(shipped[:-1], wanted) - _losses(exactly[:-1], wanted))
            want, have = (logits[start - read :].argmax(-1) for logits in (exactly, shipped))
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
        return Agreement(
            len(prompts),
            tokens,
            same / max(1, tokens),
            chunked / max(1, tokens),
            len(tasks),
            sum(_writes(exact, *task) for task in tasks),
            sum(_writes(small, *task) for task in tasks),
            float(np.concatenate(added).mean()) if with_losses else 0.0,
        )

    def latency(self, repeats: int = 20) -> Latency:
        """Time the shipped graph on random ids; the cache must have room for 513 tokens."""
        ids = np.random.default_rng(0).integers(0, self.shape.vocab_size, 513).tolist()
        reads, steps = [], []
        for _ in range(repeats):
            began = time.perf_counter()
            self.small.logits(ids[:512], start=511)
            read = time.perf_counter()
            self.small.logits(ids[512:], position=512)
            steps.append(time.perf_counter() - read)
            reads.append(read - began)
        return Latency(
            round(1000 * float(np.median(reads)), 2),
            round(1000 * float(np.quantile(reads, 0.95)), 2),
            round(1000 * float(np.median(steps)), 2),
        )


def _losses(logits: Floats, wanted: npt.NDArray[np.int64]) -> Floats:
    """Nats of each wanted id: logits [n, vocab_size] to [n]."""
    top = logits.max(-1)
    total = top + np.log(np.exp(logits - top[:, None]).sum(-1))
    lost: Floats = total - logits[np.arange(len(wanted)), wanted]
    return lost


def _writes(runner: GraphRunner, prompt: Sequence[int], answer: Sequence[int]) -> bool:
    """Whether greedy decoding after the prompt produces the answer: each token is the most
    likely."""
    logits = runner.logits([*prompt, *answer[:-1]], start=len(prompt) - 1)
    return bool((logits.argmax(-1) == np.asarray(answer)).all())


def export_bundle(
    graphs: Graphs,
    tokenizer: Path,
    out: Path,
    identity: Identity,
    *,
    measured: Measured | None = None,
    card: str = "",
) -> dict[str, Any]:
    """Write the bundle `out`, replacing an existing one; returns its manifest.

    Raises TrainingError if the checkpoint and the tokenizer don't belong together.
    """
    from nextedit_jupyter.prompt.tokenizer import BundleTokenizer

    shape = graphs.shape
    size = BundleTokenizer(tokenizer).vocab_size
    if size > shape.vocab_size:
        raise TrainingError(
            f"the tokenizer has {size} tokens, the checkpoint only {shape.vocab_size}: "
            "export with the tokenizer it was trained with"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".bundle-", dir=out.parent))
    try:
        (staging / "model.onnx").write_bytes(graphs.model)
        shutil.copyfile(tokenizer, staging / "tokenizer.json")
        text = card or f"# {identity.id} {identity.version}\n\nA checkpoint for development.\n"
        (staging / "CARD.md").write_text(text, encoding="utf-8")
        measured = measured or Measured()
        manifest = manifest_of(
            staging,
            identity,
            graph_shape(shape),
            parameters=shape.parameters,
            thresholds=measured.thresholds,
            latency=measured.latency,
            quality=measured.quality,
        )
        write_manifest(staging, manifest)
        os.chmod(staging, 0o755)
        replace_folder(staging, out)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return manifest


def replace_folder(new: Path, place: Path) -> None:
    """Move the folder `new` to `place`; what was there is removed after the rename."""
    old = None
    if place.exists():
        old = place.with_name(f".old-{place.name}-{os.getpid()}")
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
    new.rename(place)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)
