"""The installed bundles: one folder a version, and one small file that says which is used.

    <root>/                                 0700
      lock                                  held by whoever changes anything
      current.json                          {id: {"current", "previous", "floor", "refused"}}
      serving.json                          {"id"}: which of them answers, if not the default one
      <id>/<version>/                       a bundle and its receipt.json
      .staging-*/                           what an install has not finished; swept by the next one

A version enters with one rename and is chosen with another (`os.replace`), so that whatever
happens in between, a power cut included, the store holds the old state or the new one and never
half. Loading compares a bundle with the receipt written at its install.

What a bundle is stands in `bundle.py`; whether its publisher is to be trusted, in `trust.py`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nextedit_jupyter.bundles.bundle import DEFAULT_ID, Bundle
from nextedit_jupyter.core.errors import BundleError

RECEIPT = "receipt.json"
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:[-+][0-9A-Za-z.-]+)?")


def version_key(version: str) -> tuple[int, int, int, bool, str]:
    """Orders semantic versions; a pre-release comes before its release. Raises BundleError."""
    match = _VERSION.fullmatch(version)
    if match is None:
        raise BundleError(f"{version!r} is no semantic version such as 1.2.0")
    rest = version[match.end(3) :]
    return int(match[1]), int(match[2]), int(match[3]), not rest.startswith("-"), rest


@dataclass(frozen=True, slots=True)
class Choice:
    """Which version of one bundle is used. `floor` is the oldest that a roll-back may reach.

    `refused` are versions that a roll-back left because they failed; they aren't chosen again by
    themselves. If the current one is among them, none of the store's is used.
    """

    current: str
    previous: str | None = None
    floor: str | None = None
    refused: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        return self.current not in self.refused


@dataclass(frozen=True, slots=True)
class Installed:
    """One installed version, as `list` shows it."""

    id: str
    version: str
    path: Path
    is_current: bool
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.id}/{self.version}"


class BundleStore:
    """The bundles of one user under `root`, which is made with 0700 when first written to.

    `canary` tries a staged bundle before it enters and raises BundleError to refuse it; `on_step`
    is called before each step that touches the disk, with its name, so that tests can stop there.
    """

    def __init__(
        self,
        root: Path,
        *,
        canary: Callable[[Path], None] = lambda path: None,
        on_step: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.root = root
        self._canary = canary
        self._step = on_step

    # Reading: needs no lock, for every change is one rename.

    def choices(self) -> dict[str, Choice]:
        """Which version of each bundle is used; empty where nothing was ever installed."""
        try:
            value = json.loads((self.root / "current.json").read_bytes())
            return {
                str(id): Choice(
                    current=str(entry["current"]),
                    previous=entry.get("previous"),
                    floor=entry.get("floor"),
                    refused=tuple(entry.get("refused", ())),
                )
                for id, entry in value.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise BundleError(
                f"the store's current.json cannot be read ({type(error).__name__}); "
                "`jupyter nextedit model use ID VERSION` writes it anew"
            ) from None

    def serving(self) -> str:
        """The id of the bundle that answers; the default one unless another was chosen."""
        try:
            id = json.loads((self.root / "serving.json").read_bytes())["id"]
            return id if isinstance(id, str) and _IDENTIFIER.fullmatch(id) else DEFAULT_ID
        except (OSError, ValueError, TypeError, KeyError):
            return DEFAULT_ID

    def installed(self) -> list[Installed]:
        """Every installed version, by id, newest first. Broken folders are left out."""
        with contextlib.suppress(BundleError):
            return self._installed(self.choices())
        return self._installed({})

    def _installed(self, choices: Mapping[str, Choice]) -> list[Installed]:
        found = []
        for folder in sorted(self.root.glob("*/*/manifest.json")) if self.root.is_dir() else ():
            id, version = folder.parent.parent.name, folder.parent.name
            if not _IDENTIFIER.fullmatch(id) or not _VERSION.fullmatch(version):
                continue
            try:
                manifest = json.loads(folder.read_bytes())
            except (OSError, ValueError):
                manifest = {}
            choice = choices.get(id)
            found.append(
                Installed(
                    id,
                    version,
                    folder.parent,
                    choice is not None and choice.is_usable and choice.current == version,
                    manifest if isinstance(manifest, dict) else {},
                )
            )
        found.sort(key=lambda item: version_key(item.version), reverse=True)
        found.sort(key=lambda item: item.id)
        return found

    def path(self, id: str, version: str | None = None) -> Path:
        """The folder of a version, by default the one in use. Raises BundleError."""
        _check_id(id)
        if version is None:
            choice = self.choices().get(id)
            if choice is None:
                raise BundleError(f"no version of {id} is installed; see `model list`")
            version = choice.current
        version_key(version)
        folder = self.root / id / version
        if not (folder / RECEIPT).is_file():
            raise BundleError(f"{id} {version} is not installed; see `model list`")
        return folder

    def open(self, id: str, version: str | None = None) -> Bundle:
        """Verify a version against its receipt and open it. Raises BundleError."""
        folder = self.path(id, version)
        self.verify(folder)
        return Bundle.open(folder)

    def verify(self, folder: Path) -> None:
        """Compare every file with the receipt of the install. Raises BundleError."""
        try:
            receipt = json.loads((folder / RECEIPT).read_bytes())["files"]
            names = {p.name for p in folder.iterdir() if p.name != RECEIPT}
            if names != set(receipt):
                raise BundleError(f"{folder.name}: files were added or are missing; install again")
            for name, expected in receipt.items():
                file = folder / name
                if file.is_symlink() or not file.is_file() or _sha256(file) != expected["sha256"]:
                    raise BundleError(f"{name} is not what was installed; install again")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleError(
                f"the bundle in {folder.name} cannot be verified ({type(error).__name__}); "
                "install it again"
            ) from None

    # Changing: under the lock.

    def install(self, source: Path, *, floor: str | None = None, use: bool = True) -> Installed:
        """Copy a bundle's folder in, verify and try it, and use it from now on.

        `floor` is the publisher's oldest safe version; it only ever rises. A version that is
        installed already must be byte for byte the same. Raises BundleError, and leaves the store
        as it was, if anything is wrong.
        """
        with self._locked():
            self._sweep()
            self._step("stage")
            staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=self.root))
            try:
                manifest = self._stage(source, staging)
                id, version = str(manifest["id"]), str(manifest["version"])
                choices = self.choices()
                choice = choices.get(id)
                _check_floor(version, choice, floor)
                self._step("canary")
                self._canary(staging)
                target = self.root / id / version
                if target.exists():
                    self._same(staging, target)
                else:
                    self._step("enter")
                    target.parent.mkdir(mode=0o700, exist_ok=True)
                    os.replace(staging, target)
                    _fsync(target.parent)
                self._step("choose")
                if choice is None:
                    if use:
                        choices[id] = Choice(version, None, floor)
                else:
                    choice = replace(choice, floor=_higher(choice.floor, floor))
                    choices[id] = _choosing(choice, version) if use else choice
                self._write(choices)
                self._step("done")
                return Installed(id, version, target, use, manifest)
            except OSError as error:
                raise BundleError(
                    f"the bundle could not be installed: {error.strerror or error}; "
                    "what was installed goes on"
                ) from None
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def use(self, id: str, version: str) -> None:
        """Use an installed version. Raises BundleError if it isn't there, or below the floor."""
        with self._locked():
            self.verify(self.path(id, version))
            try:
                choices = self.choices()
            except BundleError:  # this is how a damaged current.json is mended
                choices = {}
            choice = choices.get(id)
            _check_floor(version, choice, None)
            choices[id] = Choice(version) if choice is None else _choosing(choice, version)
            self._write(choices)

    def rollback(self, id: str) -> str:
        """Go back to the version used before, or the newest older one; returns it.

        The version left is remembered as refused. Raises BundleError if there is none to go to.
        """
        with self._locked():
            choices = self.choices()
            choice = choices.get(id)
            if choice is None:
                raise BundleError(
                    f"no version of {id} is installed; there is nothing to go back to"
                )
            refused = tuple(dict.fromkeys((*choice.refused, choice.current)))
            older = [
                item.version
                for item in self.installed()
                if item.id == id
                and item.version not in refused
                and version_key(item.version) < version_key(choice.current)
            ]
            if choice.previous and choice.previous not in refused:
                older.insert(0, choice.previous)
            for version in older:
                with contextlib.suppress(BundleError):
                    _check_floor(version, choice, None)
                    self.verify(self.path(id, version))
                    choices[id] = replace(choice, current=version, previous=None, refused=refused)
                    self._write(choices)
                    return version
            raise BundleError(f"{id} {choice.current} has no earlier version that may be used")

    def refuse(self, id: str) -> None:
        """Use no version of a bundle until another is chosen: the current one failed."""
        with self._locked():
            choices = self.choices()
            choice = choices.get(id)
            if choice is not None and choice.is_usable:
                choices[id] = replace(choice, refused=(*choice.refused, choice.current))
                self._write(choices)

    def serve(self, id: str) -> None:
        """Let another bundle answer from now on. Raises BundleError."""
        _check_id(id)
        with self._locked():
            self._replace("serving.json", {"id": id})

    def remove(self, id: str, version: str) -> None:
        """Delete a version that isn't in use, or the last one. Raises BundleError."""
        with self._locked():
            folder = self.path(id, version)
            choices = self.choices()
            choice = choices.get(id)
            if choice is not None and choice.current == version:
                others = [i for i in self.installed() if i.id == id and i.version != version]
                if choice.is_usable and others:
                    raise BundleError(
                        f"{id} {version} is in use; `model use` another version first"
                    )
                # The last one goes, and what its publisher allows stays known.
                refused = tuple(dict.fromkeys((*choice.refused, version)))
                choices[id] = choice = replace(choice, refused=refused)
                self._write(choices)
            if choice is not None and choice.previous == version:
                choices[id] = replace(choice, previous=None)
                self._write(choices)
            doomed = Path(tempfile.mkdtemp(prefix=".staging-", dir=self.root))
            os.replace(folder, doomed / version)
            shutil.rmtree(doomed, ignore_errors=True)

    def _stage(self, source: Path, staging: Path) -> Mapping[str, Any]:
        bundle = Bundle.open(source)
        _check_id(bundle.id)
        version_key(bundle.version)
        files = {}
        for file in sorted(source.iterdir()):
            if file.name == RECEIPT:
                continue
            if file.is_symlink() or not file.is_file():
                raise BundleError(f"{file.name} is no plain file; a bundle has only plain files")
            self._step(f"copy {file.name}")
            with open(file, "rb") as reader, open(staging / file.name, "xb") as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
                writer.flush()
                os.fsync(writer.fileno())
            files[file.name] = {
                "sha256": _sha256(staging / file.name),
                "size": file.stat().st_size,
            }
        self._step("verify")
        staged = Bundle.open(staging)
        if (staged.id, staged.version) != (bundle.id, bundle.version):
            raise BundleError("the bundle changed while it was copied; try again")
        self._step("receipt")
        _write_json(staging / RECEIPT, {"id": staged.id, "version": staged.version, "files": files})
        _fsync(staging)
        return staged.manifest

    def _same(self, staging: Path, target: Path) -> None:
        try:
            self.verify(target)
            same = (staging / RECEIPT).read_bytes() == (target / RECEIPT).read_bytes()
        except BundleError:  # what is there is damaged: the staged one takes its place
            broken = Path(tempfile.mkdtemp(prefix=".staging-", dir=self.root))
            os.replace(target, broken / "damaged")
            os.replace(staging, target)
            _fsync(target.parent)
            return
        if not same:
            raise BundleError(
                f"another bundle {target.parent.name} {target.name} is installed; "
                "a changed bundle needs a new version"
            )

    def _write(self, choices: Mapping[str, Choice]) -> None:
        value = {
            id: {
                "current": choice.current,
                "previous": choice.previous,
                "floor": choice.floor,
                "refused": list(choice.refused),
            }
            for id, choice in sorted(choices.items())
        }
        self._replace("current.json", value)

    def _replace(self, name: str, value: Mapping[str, Any]) -> None:
        temporary = self.root / f".{name}"
        self._step(f"write {name}")
        _write_json(temporary, value)
        self._step(f"replace {name}")
        os.replace(temporary, self.root / name)
        _fsync(self.root)

    def _sweep(self) -> None:
        for leftover in self.root.glob(".staging-*"):
            shutil.rmtree(leftover, ignore_errors=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One change at a time over all processes of the user; the lock dies with its holder."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = open(self.root / "lock", "a+b")  # noqa: SIM115 - closed below
        except OSError as error:
            raise BundleError(
                f"the store cannot be written: {error.strerror or error}; what is installed goes on"
            ) from None
        try:
            _lock(file.fileno())
            yield
        finally:
            file.close()


def _lock(descriptor: int) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _check_id(id: str) -> None:
    if not _IDENTIFIER.fullmatch(id):
        raise BundleError(f"{id!r} is no bundle id: lower-case letters, digits, '.', '_' and '-'")


def _choosing(choice: Choice, version: str) -> Choice:
    refused = tuple(v for v in choice.refused if v != version)
    if choice.current == version:
        return replace(choice, refused=refused)
    return replace(choice, current=version, previous=choice.current, refused=refused)


def _check_floor(version: str, choice: Choice | None, floor: str | None) -> None:
    lowest = _higher(choice.floor if choice else None, floor)
    if lowest is not None and version_key(version) < version_key(lowest):
        raise BundleError(
            f"{version} is below {lowest}, the oldest version that its publisher allows"
        )


def _higher(a: str | None, b: str | None) -> str | None:
    versions = [version for version in (a, b) if version is not None]
    return max(versions, key=version_key) if versions else None


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())


def _fsync(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
