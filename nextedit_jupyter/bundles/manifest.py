"""Writing a bundle's manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextedit_jupyter import __version__

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.graph import GraphShape

FILES = ("model.onnx", "tokenizer.json", "CARD.md")
NOTICE = "NOTICE"  # of the models that a bundle is made from, if any


@dataclass(frozen=True, slots=True)
class Identity:
    """A bundle's name, and what it requires of the application.

    `min_app_version` is the version that writes the bundle: an older one may lack its prompt format
    or operators, and was not tested with it.
    """

    id: str
    version: str
    prompt_format: str
    language: str = "python"
    licence: str = "BSD-3-Clause"
    min_app_version: str = __version__


def manifest_of(
    folder: Path,
    identity: Identity,
    shape: GraphShape,
    *,
    parameters: int,
    thresholds: Mapping[str, float],
    quantisation: str = "int8-rowwise",
    latency: Mapping[str, Any] | None = None,
    quality: Mapping[str, Any] | None = None,
    base: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The manifest of the files in `folder`.

    `thresholds` are confidences between 0 and 1 below which nothing is shown, by kind. `base` is
    what the weights were made from: name, package, version, digest and licence.
    """
    return {
        "schema": 1,
        **asdict(identity),
        "quantisation": quantisation,
        "parameters": parameters,
        "context": shape.context,
        "layers": shape.layers,
        "heads": shape.heads,
        "kv_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "vocab_size": shape.vocab_size,
        "card": "CARD.md",
        "thresholds": dict(thresholds),
        "latency": dict(latency or {}),
        "quality": dict(quality or {}),
        **({"base": dict(base)} if base else {}),
        "files": digests(folder),
    }


def digests(folder: Path) -> dict[str, dict[str, str | int]]:
    """SHA-256 and size in bytes of a bundle's files."""
    found: dict[str, dict[str, str | int]] = {}
    for name in (*FILES, *([NOTICE] if (folder / NOTICE).is_file() else [])):
        with (folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found[name] = {"sha256": digest, "size": (folder / name).stat().st_size}
    return found


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write `manifest.json`."""
    text = json.dumps(manifest, indent=2) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")
