"""Makes a bundle from a base's weights and a delta, with the same bytes each time.

The base's matrices are read from its GGUF file, the delta's low-rank pairs are merged into them,
the vocabulary is reduced, and the graph is written in 8 bits. Products are computed in float64 and
rounded once, so that processors that sum in a different order produce the same weights. For 135 M
parameters this takes at most 0.9 GB of memory.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.bundles.byte_level import ByteLevelVocabulary
from nextedit_jupyter.bundles.delta import Delta
from nextedit_jupyter.bundles.gguf import GgufFile
from nextedit_jupyter.bundles.gguf_model import GgufModel, GgufWeights, byte_row
from nextedit_jupyter.bundles.graph import INPUTS, GraphShape, build_graph
from nextedit_jupyter.bundles.importing import parameters_of
from nextedit_jupyter.bundles.manifest import NOTICE, Identity, manifest_of, write_manifest
from nextedit_jupyter.bundles.safetensors import TensorFile
from nextedit_jupyter.bundles.smoothing import PLACES, smooth
from nextedit_jupyter.core.errors import BundleError

Floats = npt.NDArray[np.float32]
Progress = Callable[[float], None]

_MATRICES = ("qkv", "out", "gate", "up", "down")
_NORMS = {"attention": "norm_attention", "mlp": "norm_mlp"}


def assemble(
    base: Path, delta: Delta, out: Path, *, licence_text: str = "", progress: Progress | None = None
) -> dict[str, Any]:
    """Write the bundle of the GGUF file `base` and a delta into `out`, which must not exist yet.

    `licence_text` is the full text of the base's licence, which is included in the bundle;
    `progress` receives the completed share, 0 to 1. Returns the manifest. On failure it raises
    BundleError and leaves nothing behind.
    """
    if out.exists():
        raise BundleError(f"{out.name} exists already; choose another folder")
    unknown = set(delta.options) - {"fine", "turn"}
    if unknown or not INPUTS.issuperset(name for names in delta.options.values() for name in names):
        raise BundleError(
            f"the delta {delta.label} asks for a graph that this version cannot build"
        )
    report = progress or (lambda share: None)
    out.mkdir(parents=True)
    try:
        with GgufFile(base) as file:
            shape, weights, vocabulary = _merged(file, delta, lambda share: report(0.7 * share))
        (out / "tokenizer.json").write_text(vocabulary.to_json(), encoding="utf-8")
        options = {name: delta.options.get(name, ()) for name in ("fine", "turn")}
        model = build_graph(shape, weights, fine=options["fine"], turn=options["turn"])
        parameters = parameters_of(shape)
        weights.clear()
        report(0.9)
        (out / "model.onnx").write_bytes(model.SerializeToString())
        del model
        manifest = _describe(out, delta, shape, parameters, licence_text)
        report(1.0)
        return manifest
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise


def _merged(
    file: GgufFile, delta: Delta, progress: Progress
) -> tuple[GraphShape, dict[str, Floats], ByteLevelVocabulary]:
    """The base's weights with the delta merged, by the names that `build_graph` uses."""
    model = GgufModel.of(file, context=delta.context)
    if not model.shape.tied or model.architecture != "llama":
        raise BundleError("a delta needs a base whose embedding is also its head, without biases")
    changes = _Changes(delta)
    read = GgufWeights(file, model)
    names = list(read)
    weights: dict[str, Floats] = {}
    for done, name in enumerate(names):
        weights[name] = changes.applied(name, read[name])
        progress((done + 1) / len(names))
    own = ByteLevelVocabulary.from_metadata(file.metadata)
    kept = _kept(delta, own)
    vocabulary = own.reduced(kept, delta.control_tokens)
    rows = weights["embedding.weight"]
    weights["embedding.weight"] = changes.table(rows, kept, vocabulary, model.vocabulary.tokens)
    shape = replace(model.shape, vocab_size=len(vocabulary.tokens))
    factors = changes.smoothing(shape)
    if factors:
        smooth(shape, weights, factors)
    changes.check_all_used()
    return shape, weights, vocabulary


class _Changes:
    """The tensors of a delta, all of them optional: an empty one leaves the base as it is."""

    def __init__(self, delta: Delta) -> None:
        self._delta = delta
        self._file = TensorFile(delta.weights) if delta.weights is not None else None
        self._left = set(self._file.names()) if self._file is not None else set()

    def applied(self, name: str, weight: Floats) -> Floats:
        """A weight of the base with the delta's addition or replacement."""
        if name == "norm.weight":
            return self._replaced("norms.final", weight)
        if not name.startswith("layers."):
            return weight
        _, layer, part, _ = name.split(".")
        for ours, theirs in _NORMS.items():
            if part == theirs:
                return self._replaced(f"norms.{layer}.{ours}", weight)
        at = f"layers.{layer}.{part}"
        if part == "qkv" and f"{at}.a" not in self._left:
            return self._by_parts(layer, weight)
        return self._added(at, weight)

    def table(
        self, rows: Floats, kept: list[int], vocabulary: ByteLevelVocabulary, old: tuple[str, ...]
    ) -> Floats:
        """The embedding of the new vocabulary: the kept rows, then those of the new tokens.

        New tokens without rows of their own start as the mean of the bytes' rows.
        """
        new = len(vocabulary.tokens) - len(kept)
        table = self._added("embedding.kept", rows[kept])
        found = self._take("embedding.new", (new, rows.shape[1]))
        if found is None:
            found = np.tile(byte_row(rows, old), (new, 1))
        return np.concatenate((table, found))

    def smoothing(self, shape: GraphShape) -> dict[str, Floats]:
        """Factors for `smooth`; empty if the delta has none. Raises BundleError if some are
        missing."""
        if not any(name.startswith("smooth.") for name in self._left):
            return {}
        query = shape.heads * shape.head_dim
        inputs = {"qkv": shape.width, "out": query, "gate": shape.width, "down": shape.hidden}
        factors = {}
        for i in range(shape.layers):
            for place in PLACES:
                found = self._take(f"smooth.layers.{i}.{place}", (inputs[place],))
                if found is None or not (found > 0).all():
                    raise self._unfit(f"smooth.layers.{i}.{place}")
                factors[f"layers.{i}.{place}"] = found
        return factors

    def check_all_used(self) -> None:
        """Raise BundleError for an unused tensor, which would otherwise silently be ignored."""
        if self._left:
            raise self._unfit(min(self._left))

    def _by_parts(self, layer: str, weight: Floats) -> Floats:
        """Query, key and value with their own pairs, because their sizes do not identify them."""
        width = weight.shape[1]
        sizes = [self._rows_of(f"layers.{layer}.{part}.b") for part in "qkv"]
        if not any(sizes):
            return weight
        cached = next((size for size in sizes[1:] if size), 0)
        query = sizes[0] or weight.shape[0] - 2 * cached
        cached = cached or (weight.shape[0] - query) // 2
        if query + 2 * cached != weight.shape[0] or cached <= 0:
            raise self._unfit(f"layers.{layer}.q.b")
        ends = np.cumsum([0, query, cached, cached])
        parts = [
            self._added(f"layers.{layer}.{part}", weight[ends[k] : ends[k + 1]].reshape(-1, width))
            for k, part in enumerate("qkv")
        ]
        return np.concatenate(parts)

    def _rows_of(self, name: str) -> int:
        return self._file.shape(name)[0] if self._file is not None and name in self._left else 0

    def _added(self, name: str, weight: Floats) -> Floats:
        """The weight plus scale * b @ a, of a [rank, inputs] and b [outputs, rank]."""
        if f"{name}.a" not in self._left and f"{name}.b" not in self._left:
            return weight
        first = self._take(f"{name}.a", (None, weight.shape[1]))
        second = self._take(f"{name}.b", (weight.shape[0], None))
        if first is None or second is None or first.shape[0] != second.shape[1]:
            raise self._unfit(name)
        # In float64, where sums differ by less than the rounding to float32.
        low = second.astype(np.float64) @ first.astype(np.float64)
        result: Floats = (weight.astype(np.float64) + self._delta.scale * low).astype(np.float32)
        return result

    def _replaced(self, name: str, weight: Floats) -> Floats:
        found = self._take(name, weight.shape)
        return weight if found is None else found

    def _take(self, name: str, shape: Iterable[int | None]) -> Floats | None:
        if self._file is None or name not in self._left:
            return None
        self._left.discard(name)
        found = self._file.read(name)
        wanted = tuple(shape)
        fits = len(wanted) == found.ndim and all(
            side in (None, size) for side, size in zip(wanted, found.shape)
        )
        if not fits or not np.isfinite(found).all():
            raise self._unfit(name)
        return found

    def _unfit(self, name: str) -> BundleError:
        return BundleError(
            f"{name} of the delta {self._delta.label} does not fit its base: "
            "install nextedit-jupyter again"
        )


def _kept(delta: Delta, own: ByteLevelVocabulary) -> list[int]:
    """The base's tokens that are kept; all of them if the delta says nothing."""
    if delta.kept is None:
        return list(range(len(own.tokens)))
    try:
        kept = np.load(delta.kept, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BundleError(f"{delta.kept} cannot be read ({type(error).__name__})") from None
    if kept.dtype != np.uint16 or kept.ndim != 1 or not len(kept):
        raise BundleError(f"{delta.kept.name} of the delta {delta.label} contains no token ids")
    return [int(id) for id in kept]


def _describe(
    out: Path, delta: Delta, shape: GraphShape, parameters: int, licence_text: str
) -> dict[str, Any]:
    base = delta.base
    card = delta.folder / "CARD.md"
    text = card.read_text(encoding="utf-8") if card.is_file() else f"# {delta.label}\n"
    text = (
        f"{text.rstrip()}\n\n## Base\n\n"
        f"Made on this machine of {base.name} and our changes to it: {parameters:,} parameters, "
        "8 bits.\n\n"
        f"- base: {base.name}\n"
        f"- package: {base.package} {base.version}, sha256 {base.wheel_sha256}\n"
        f"- file: {base.member}, sha256 {base.member_sha256}\n"
        f"- licence: {base.licence}\n"
        f"- our changes: {delta.licence}\n\n"
        f"{base.notice}\n"
    )
    (out / "CARD.md").write_text(text, encoding="utf-8")
    notice = f"{base.notice}\n\n{base.source}\n"
    if licence_text:
        notice += f"\n{licence_text.rstrip()}\n"
    (out / NOTICE).write_text(notice, encoding="utf-8")
    licence = (
        base.licence if base.licence == delta.licence else f"{base.licence} AND {delta.licence}"
    )
    measured = dict(delta.measured)
    manifest = manifest_of(
        out,
        Identity(
            delta.id, delta.version, delta.prompt_format, delta.language, licence,
            delta.min_app_version,
        ),
        shape,
        parameters=parameters,
        thresholds=delta.thresholds or {"inline": 0.8, "next_edit": 0.9},
        latency=measured.pop("latency", None),
        quality=measured.pop("quality", None),
        base=base.to_json(),
    )  # fmt: skip
    manifest |= measured
    write_manifest(out, manifest)
    return manifest
