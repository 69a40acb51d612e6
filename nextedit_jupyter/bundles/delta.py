"""A delta: what training added to a base whose weights come from a package.

    models/<id>/
      delta.json           this description
      kept.npy             uint16, the base's tokens that are kept, in ascending order
      delta.safetensors    float16, what is added to the base's weights
      CARD.md              the card of the bundle that is made of both, if there is one

The base is identified by package, version and digests, so that exactly the file that was tuned is
downloaded. Reading a description loads neither numpy nor onnx; `assembling` makes the bundle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from nextedit_jupyter.core.errors import BundleError

DELTA = "delta.json"
SCHEMA = 1
MAX_DELTA_BYTES = 1_000_000
MAX_WHEEL_BYTES = 2_000_000_000
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Fields of a delta that are copied to its bundle's manifest.
_MEASURED = ("acceptance", "latency", "quality", "golden_tokens", "drafts")


@dataclass(frozen=True, slots=True)
class Base:
    """A file with weights in a package: `member` of that version's wheel, both by digest.

    `wheel_bytes` is the size of the wheel, `member_bytes` that of the file; `notice` is the text
    that its licence requires to be passed on.
    """

    package: str
    version: str
    wheel_sha256: str
    wheel_bytes: int
    member: str
    member_bytes: int
    member_sha256: str
    name: str
    licence: str
    notice: str

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"

    @property
    def source(self) -> str:
        """Where it comes from, for people."""
        return (
            f"{self.name} ({self.licence}), from the package {self.package} {self.version}, "
            f"sha256 {self.member_sha256}"
        )

    def to_json(self) -> dict[str, Any]:
        """A bundle manifest's description of its base."""
        return {
            "name": self.name,
            "package": self.package,
            "version": self.version,
            "wheel_sha256": self.wheel_sha256,
            "member": self.member,
            "member_sha256": self.member_sha256,
            "licence": self.licence,
        }


@dataclass(frozen=True, slots=True)
class Delta:
    """A checked description. `kept` and `weights` are files in `folder`, None if the delta keeps
    all tokens or changes no weights; `options` are passed to `build_graph`."""

    folder: Path
    id: str
    version: str
    base: Base
    kept: Path | None
    control_tokens: tuple[str, ...]
    weights: Path | None
    scale: float
    prompt_format: str
    context: int
    language: str
    licence: str
    min_app_version: str
    thresholds: Mapping[str, float]
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.id}/{self.version}"

    @classmethod
    def open(cls, folder: Path) -> Delta:
        """Read a delta's folder. Raises BundleError."""
        value = _Reader(_read(folder / DELTA), folder, folder.name)
        if value.get("schema") != SCHEMA:
            raise value.bad("schema")
        base = value.part("base")
        vocabulary = value.part("vocabulary") if value.get("vocabulary") is not None else None
        thresholds = value.get("thresholds", {})
        graph = value.get("graph", {})
        if not isinstance(thresholds, dict) or not isinstance(graph, dict):
            raise value.bad("thresholds and graph")
        return cls(
            folder=folder,
            id=value.text("id", _NAME),
            version=value.text("version", _NAME),
            base=Base(
                package=base.text("package", _NAME),
                version=base.text("version", _NAME),
                wheel_sha256=base.text("wheel_sha256", _DIGEST),
                wheel_bytes=base.count("wheel_bytes", MAX_WHEEL_BYTES),
                member=base.member(),
                # A wheel is compressed little or not at all; without a given size the bound is
                # generous.
                member_bytes=base.count("member_bytes", MAX_WHEEL_BYTES, MAX_WHEEL_BYTES),
                member_sha256=base.text("member_sha256", _DIGEST),
                name=base.text("name"),
                licence=base.text("licence"),
                notice=base.text("notice"),
            ),
            kept=vocabulary.file("kept") if vocabulary is not None else None,
            control_tokens=vocabulary.texts("control_tokens") if vocabulary is not None else (),
            weights=value.file("weights"),
            scale=float(value.get("scale", 1.0)),
            prompt_format=value.text("format", _NAME),
            context=value.count("context", 131_072, 2048),
            language=str(value.get("language", "python")),
            licence=str(value.get("licence", "BSD-3-Clause")),
            min_app_version=str(value.get("min_app_version", "0.1.0")),
            thresholds={str(kind): float(threshold) for kind, threshold in thresholds.items()},
            options={str(name): tuple(map(str, inputs)) for name, inputs in graph.items()},
            measured={key: value.get(key) for key in _MEASURED if value.get(key) is not None},
        )


def deltas() -> list[Delta]:
    """The deltas in the package or its source tree; unreadable ones are left out."""
    package = Path(__file__).resolve().parent.parent
    found: dict[str, Delta] = {}
    for place in (package / "_bundles", package.parent / "models"):
        for file in sorted(place.glob(f"*/{DELTA}")):
            try:
                delta = Delta.open(file.parent)
            except BundleError:
                continue
            found.setdefault(delta.id, delta)
    return list(found.values())


def delta_named(id: str | None = None) -> Delta:
    """The delta with that id, or the first. Raises BundleError if there is none."""
    known = deltas()
    for delta in known:
        if id is None or id in (delta.id, delta.label):
            return delta
    if not known:
        raise BundleError(
            "this version of nextedit-jupyter comes with no larger model: the one in it keeps "
            "answering"
        )
    names = ", ".join(delta.id for delta in known)
    raise BundleError(f"there is no model {id} to get (there is {names})")


def delta_to_get() -> Delta | None:
    """The delta whose bundle is not active yet; None if it is, or if there is no delta."""
    from nextedit_jupyter.bundles.active import active_bundle

    try:
        delta = delta_named()
        return None if active_bundle()[0].label == delta.label else delta
    except BundleError:
        return None


def _read(path: Path) -> Any:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_DELTA_BYTES + 1)
        if len(data) > MAX_DELTA_BYTES:
            raise ValueError("too large")
        return json.loads(data)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{path} cannot be read ({type(error).__name__}): {_ADVICE}") from None


_ADVICE = "install nextedit-jupyter again"


class _Reader:
    """Typed access to an object's fields; raises BundleError for an invalid one."""

    def __init__(self, value: Any, folder: Path, where: str) -> None:
        self._folder = folder
        self._where = where
        if not isinstance(value, dict):
            raise self.bad("content")
        self._value = value

    def bad(self, key: str) -> BundleError:
        return BundleError(f"the {key} of the delta {self._where} cannot be used: {_ADVICE}")

    def get(self, key: str, default: Any = None) -> Any:
        return self._value.get(key, default)

    def part(self, key: str) -> _Reader:
        return _Reader(self.get(key), self._folder, f"{self._where}, {key}")

    def text(self, key: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self.get(key)
        if not isinstance(value, str) or (pattern is not None and not pattern.fullmatch(value)):
            raise self.bad(key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self.bad(key)
        if len(set(value)) != len(value):
            raise self.bad(key)
        return tuple(value)

    def count(self, key: str, maximum: int, default: int | None = None) -> int:
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= maximum:
            raise self.bad(key)
        return value

    def file(self, key: str) -> Path | None:
        """An existing file next to the description; its name cannot lead elsewhere."""
        name = self.get(key)
        if name is None:
            return None
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise self.bad(key)
        if not (self._folder / name).is_file():  # check before a base is downloaded for it
            raise self.bad(key)
        return self._folder / name

    def member(self) -> str:
        name = self.text("member")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise self.bad("member")
        return name
