"""Converts a checkpoint to a bundle: a Hugging Face folder (`checkpoint`) or a GGUF file.

Weights are processed one tensor at a time. Unsupported shapes are refused with the reason before
anything is read. Nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nextedit_jupyter.bundles.checkpoint import Renamed
from nextedit_jupyter.bundles.checkpoint_plan import (
    SUPPORTED,
    ImportPlan,
    parameters_of,
    read_plan,
)
from nextedit_jupyter.bundles.graph import Floats, GraphShape, build_graph
from nextedit_jupyter.bundles.manifest import Identity, manifest_of, write_manifest
from nextedit_jupyter.bundles.onnx_file import MAX_NODES
from nextedit_jupyter.bundles.safetensors import TensorFolder
from nextedit_jupyter.core.errors import BundleError

__all__ = ["SUPPORTED", "ImportPlan", "Renamed", "import_model", "parameters_of", "read_plan"]

MAX_BYTES = 2_000_000_000  # the maximum of one ONNX file


@dataclass(frozen=True, slots=True)
class _ModelSource:
    """The model to import, from either source; weights are read on access."""

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
    """Write a bundle from a checkpoint's folder or a GGUF file to `out`, which must not exist yet.

    Returns the manifest. The thresholds of an imported model are not measured: they are set high,
    and `jupyter nextedit eval` shows suitable ones. The licence is the one named in the files,
    unless another is given. Raises BundleError.
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
    weights = Renamed(TensorFolder(folder), plan, progress)
    weights.check()
    yield _ModelSource(
        plan.shape,
        weights,
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
    _check_fits(shape, bits)
    if out.exists():
        raise BundleError(f"{out.name} exists already; choose another folder")
    out.mkdir(parents=True)
    try:
        model = build_graph(shape, source.weights, int8=True, bits=bits)
        if model.ByteSize() > MAX_BYTES:
            raise _too_large()
        (out / "model.onnx").write_bytes(model.SerializeToString())
        del model
        (out / "tokenizer.json").write_bytes(source.tokenizer)
        card = (
            f"# {identity.id} {identity.version}\n\n"
            f"Imported from {source.origin}: {_size_of(shape)}, {bits} bits, "
            f"{shape.context} of {source.trained_context} positions.\n\n"
            f"Licence: {identity.licence}. Quality and latency here were not measured at import; "
            "`jupyter nextedit eval` and `bench` measure them.\n"
        )
        (out / "CARD.md").write_text(card, encoding="utf-8")
        manifest = manifest_of(
            out,
            identity,
            shape,
            parameters=shape.parameters,
            thresholds=thresholds or {"inline": 0.8, "next_edit": 0.9},
            quantisation="int8-rowwise" if bits == 8 else "int4-blocks",
        )
        write_manifest(out, manifest)
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise
    return manifest


def _check_fits(shape: GraphShape, bits: Literal[8, 4]) -> None:
    """Refuse what cannot be written, before any weight is read."""
    sizes = {shape.width, shape.hidden}
    if shape.experts is not None:
        sizes |= {shape.experts.hidden, shape.experts.shared_hidden}
    if bits == 4 and any(size % 32 for size in sizes):
        raise BundleError("4 bits need layers whose width is a multiple of 32; import with 8")
    if shape.experts is not None and 3 * shape.layers * shape.experts.count > MAX_NODES:
        raise BundleError(f"{shape.experts.count} experts a layer are more than a graph can have")
    tables = shape.vocab_size * shape.width * (1 if shape.tied else 2)
    if tables + (shape.parameters - tables) * bits // 8 > MAX_BYTES:
        raise _too_large()


def _too_large() -> BundleError:
    return BundleError(
        "the model is over 2 GB at these bits, more than one ONNX file holds: "
        "import with 4 bits, or a smaller model"
    )


def _size_of(shape: GraphShape) -> str:
    """The size as written on a card."""
    if shape.experts is None:
        return f"{shape.parameters:,} parameters"
    return (
        f"{shape.parameters:,} parameters in {shape.experts.count} experts per layer, of which "
        f"{shape.experts.active} work on a token: {shape.active_parameters:,}"
    )
