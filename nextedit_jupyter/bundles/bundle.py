"""Model bundles, and the checks before one is loaded.

A bundle is a folder with `model.onnx`, `tokenizer.json`, `manifest.json` and `CARD.md`. Opening one
checks that the files match the manifest, byte for byte, and that the model contains nothing but a
decoder (`onnx_file.check_model`). Whether the manifest itself can be trusted is the business of
`trust`.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nextedit_jupyter import __version__
from nextedit_jupyter.bundles.choices import check_identifier
from nextedit_jupyter.bundles.onnx_file import GraphSummary, check_model
from nextedit_jupyter.bundles.vocabulary_check import check_tokenizer
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.core.files import open_plain
from nextedit_jupyter.core.languages import common_language

MODEL, TOKENIZER, MANIFEST = "model.onnx", "tokenizer.json", "manifest.json"
DEFAULT_ID = "nextedit-python"
SCHEMA = 1
# Bytes. A manifest is a page of text; 4 GB is twice the maximum size of a protobuf message.
MAX_MANIFEST, MAX_TOKENIZER, MAX_MODEL = 1_000_000, 64_000_000, 4_000_000_000
# Bounds on the shapes that the engine supports: at most 2 GB for one set of KV buffers.
MAX_LAYERS, MAX_CONTEXT, MAX_HEADS, MAX_HEAD_DIM, MAX_VOCABULARY = 256, 131_072, 256, 512, 1_000_000
MAX_KV_BYTES = 2_000_000_000
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LANGUAGE = re.compile(rf"{_ID.pattern}|\*")  # `*`: any
_VERSION = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}(?:[.-]?[a-z0-9.]{1,20})?")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ADVICE = "install the bundle again"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files were checked.

    `context` is in positions; `thresholds` are the confidences, 0 to 1, from which each kind of
    suggestion is shown; `manifest` is all of `manifest.json`.
    """

    path: Path
    id: str
    version: str
    language: str
    prompt_format: str
    context: int
    layers: int
    kv_heads: int
    head_dim: int
    vocab_size: int
    thresholds: Mapping[str, float]
    manifest: Mapping[str, Any]

    @property
    def label(self) -> str:
        """Its name in answers: `nextedit-python/0.1.0`."""
        return f"{self.id}/{self.version}"

    @property
    def model(self) -> Path:
        return self.path / MODEL

    @property
    def tokenizer(self) -> Path:
        return self.path / TOKENIZER

    @classmethod
    def open(cls, path: Path | str) -> Bundle:
        """Check a bundle's folder: 30 ms for 16 MB. Raises BundleError, which says what to do."""
        path = Path(path)
        if not path.is_dir():
            raise BundleError(f"there is no bundle at {path}: {_ADVICE} or set NEXTEDIT_BUNDLE")
        manifest = _read_manifest(path)
        bundle = _from_manifest(path, manifest)
        summary = _check_files(path, manifest)
        _check_shapes(bundle, summary)
        return bundle


def default_bundle_path() -> Path:
    """The bundle to use: NEXTEDIT_BUNDLE, the one in the package, or the one in the source tree.

    The store is not considered: see `active.candidates`. Raises BundleError if there is none.
    """
    return named_bundle_path() or packaged_bundle_path()


def named_bundle_path() -> Path | None:
    """The folder in NEXTEDIT_BUNDLE; None if that is not set. Raises BundleError if it is not a
    folder."""
    named = os.environ.get("NEXTEDIT_BUNDLE")
    if not named:
        return None
    if Path(named).is_dir():
        return Path(named)
    raise BundleError(f"NEXTEDIT_BUNDLE is {named}, and there is no folder: correct or unset it")


def packaged_bundle_path() -> Path:
    """The bundle in the package or in its source tree. Raises BundleError."""
    package = Path(__file__).resolve().parent.parent
    for place in (package / "_bundles" / DEFAULT_ID, package.parent / "models" / DEFAULT_ID):
        if (place / MANIFEST).is_file():
            return place
    raise BundleError(
        "no model bundle is installed: run `jupyter nextedit model install` or set NEXTEDIT_BUNDLE "
        "to a bundle's folder"
    )


def _read_manifest(path: Path) -> Mapping[str, Any]:
    with _opened(path, MANIFEST, MAX_MANIFEST) as file:
        data = file.read()
    try:
        manifest = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BundleError(f"manifest.json in {path} is not JSON: {_ADVICE}") from None
    if not isinstance(manifest, dict):
        raise BundleError(f"manifest.json in {path} is not a JSON object: {_ADVICE}")
    return manifest


def _from_manifest(path: Path, manifest: Mapping[str, Any]) -> Bundle:
    if manifest.get("schema") != SCHEMA:
        raise BundleError(
            f"the bundle's manifest has the schema {manifest.get('schema')!r}, this version reads "
            f"{SCHEMA}: update nextedit-jupyter"
        )
    needed = manifest.get("min_app_version", "0")
    if not isinstance(needed, str) or _release(needed) > _release(__version__):
        raise BundleError(f"the bundle needs nextedit-jupyter {needed}: update it")
    bundle = Bundle(
        path=path,
        id=_identifier(manifest),
        version=_string(manifest, "version", _VERSION),
        language=common_language(_string(manifest, "language", _LANGUAGE)),
        prompt_format=_string(manifest, "prompt_format", _ID),
        context=_count(manifest, "context", MAX_CONTEXT),
        layers=_count(manifest, "layers", MAX_LAYERS),
        kv_heads=_count(manifest, "kv_heads", MAX_HEADS),
        head_dim=_count(manifest, "head_dim", MAX_HEAD_DIM),
        vocab_size=_count(manifest, "vocab_size", MAX_VOCABULARY),
        thresholds=_thresholds(manifest.get("thresholds", {})),
        manifest=MappingProxyType(dict(manifest)),
    )
    if 8 * bundle.layers * bundle.kv_heads * bundle.context * bundle.head_dim > MAX_KV_BYTES:
        raise BundleError("the bundle's context does not fit in memory: choose a smaller one")
    return bundle


def _check_files(path: Path, manifest: Mapping[str, Any]) -> GraphSummary:
    """Compare sizes and digests of all files in the manifest, and read the model's graph."""
    files = manifest.get("files")
    if not isinstance(files, dict) or not {MODEL, TOKENIZER} <= files.keys():
        raise BundleError(f"the manifest names no {MODEL} and {TOKENIZER}: {_ADVICE}")
    summary: GraphSummary | None = None
    for name, expected in files.items():
        if not isinstance(expected, dict):
            raise BundleError(f"the manifest says nothing about {_short(name)}: {_ADVICE}")
        size, digest = expected.get("size"), expected.get("sha256")
        if isinstance(size, bool) or not isinstance(size, int) or not isinstance(digest, str):
            raise BundleError(f"the manifest gives no size and sha256 of {_short(name)}: {_ADVICE}")
        maximum = MAX_MODEL if name == MODEL else MAX_TOKENIZER
        with _opened(path, name, maximum) as file:
            if os.fstat(file.fileno()).st_size != size or not _DIGEST.fullmatch(digest):
                raise BundleError(f"{name} is not the file that the manifest names: {_ADVICE}")
            if size == 0:
                raise BundleError(f"{name} is empty: {_ADVICE}")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                view = memoryview(data)
                try:
                    if hashlib.sha256(view).hexdigest() != digest:
                        raise BundleError(
                            f"{name} is not the file that the manifest names: {_ADVICE}"
                        )
                    if name == MODEL:
                        summary = _checked(view)
                    elif name == TOKENIZER:
                        check_tokenizer(bytes(view))
                finally:
                    view.release()
    assert summary is not None
    return summary


def _checked(view: memoryview) -> GraphSummary:
    # Memory views in a traceback would keep the map open, so the error is raised without them.
    try:
        return check_model(view)
    except BundleError as error:
        message = str(error)
    raise BundleError(message)


def _check_shapes(bundle: Bundle, summary: GraphSummary) -> None:
    """The graph must have the inputs that the engine binds, in the manifest's sizes."""
    cache = (1, bundle.kv_heads, bundle.context, bundle.head_dim)
    for i in range(bundle.layers):
        for part in ("key", "value"):
            past, present = f"past.{i}.{part}", f"present.{i}.{part}"
            if summary.inputs.get(past) != cache or summary.outputs.get(present) != cache:
                raise BundleError(f"the model has no {past} of the manifest's sizes: {_ADVICE}")
    logits = summary.outputs.get("logits", ())
    if len(logits) != 3 or logits[-1] != bundle.vocab_size:
        raise BundleError(f"the model's vocabulary is not the manifest's: {_ADVICE}")


def _opened(path: Path, name: Any, maximum: int) -> Any:
    """A regular file directly in the folder, opened for reading; links are not followed."""
    plain = isinstance(name, str) and name not in ("", ".", "..")
    if not plain or re.search(r"[/\\:\x00]", name):
        raise BundleError(
            f"the manifest names {_short(name)}, which leads out of the bundle: {_ADVICE}"
        )
    try:
        return open_plain(path / name, maximum)
    except OSError as error:
        if (path / name).is_symlink():
            raise BundleError(
                f"{name} is a link; a bundle consists of regular files: {_ADVICE}"
            ) from None
        why = error.strerror or type(error).__name__
        raise BundleError(f"{name} of the bundle cannot be read ({why}): {_ADVICE}") from None


def _short(name: Any) -> str:
    return repr(name)[:80]


def _string(manifest: Mapping[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    value = manifest.get(key)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BundleError(f"the manifest's {key} cannot be used: {_ADVICE}")
    return value


def _identifier(manifest: Mapping[str, Any]) -> str:
    id = _string(manifest, "id", _ID)
    check_identifier(id)
    return id


def _count(manifest: Mapping[str, Any], key: str, maximum: int) -> int:
    value = manifest.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= maximum:
        raise BundleError(f"the manifest's {key} must be a number from 1 to {maximum}: {_ADVICE}")
    return value


def _thresholds(value: Any) -> Mapping[str, float]:
    good = isinstance(value, dict) and all(
        not isinstance(number, bool) and isinstance(number, int | float) and 0 <= number <= 1
        for number in value.values()
    )
    if not good:
        raise BundleError(f"the manifest's thresholds must be between 0 and 1: {_ADVICE}")
    return MappingProxyType({str(kind): float(number) for kind, number in value.items()})


def _release(version: str) -> tuple[int, ...]:
    """The first three numbers of a version."""
    numbers = [int(number) for number in re.findall(r"\d{1,6}", version)[:3]]
    return tuple(numbers + [0] * (3 - len(numbers)))
