"""The installed bundles: one folder per version, and one small file that says which is used.

    <root>/                                 0700
      lock                                  held during changes
      current.json                          {id: {"current", "previous", "floor", "refused"}}
      serving.json                          {"id"}: which one is active, if not the default
      <id>/<version>/                       a bundle and its receipt.json
      .staging-*/                           an unfinished install; deleted by the next one

A version is added with one rename and selected with another (`os.replace`), so that whatever
happens in between, even a power cut, the store is in the old state or the new one. Loading compares
a bundle with the receipt written when it was installed.

`bundle.py` defines bundles, and `trust.py` checks their publisher.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nextedit_jupyter.bundles.bundle import (
    DEFAULT_ID,
    MANIFEST,
    MAX_MANIFEST,
    MAX_MODEL,
    Bundle,
)
from nextedit_jupyter.bundles.choices import MAX_BYTES as MAX_CHOICES
from nextedit_jupyter.bundles.choices import (
    Choice,
    check_identifier,
    is_identifier,
    is_version,
    read_choices,
    version_key,
    write_choices,
)
from nextedit_jupyter.core.errors import BundleError, StoreError
from nextedit_jupyter.core.files import (
    locked,
    open_plain,
    read_bytes,
    replace_file,
    sync_folder,
    writable_by_others,
)

RECEIPT = "receipt.json"
# An install tries its bundle while holding the lock; downloads happen before.
LOCK_SECONDS = 300.0
_MAX_RECEIPT = 1_000_000


@dataclass(frozen=True, slots=True)
class Installed:
    """An installed version, as shown by `list`."""

    id: str
    version: str
    path: Path
    is_current: bool
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.id}/{self.version}"


class BundleStore:
    """The bundles of one user in `root`, which is created with mode 0700 when first written to.

    `canary` tries a staged bundle before it is added and raises BundleError to refuse it; `on_step`
    is called with the name of each step before it touches the disk, so that tests can stop there.
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

    # Reading needs no lock, because every change is one rename.

    def choices(self) -> dict[str, Choice]:
        """Which version of each bundle is used; empty if nothing was ever installed."""
        try:
            return read_choices(read_bytes(self.root / "current.json", MAX_CHOICES))
        except FileNotFoundError:
            return {}
        except (OSError, BundleError) as error:
            raise BundleError(
                f"the store's current.json cannot be read ({_reason(error)}); "
                "`jupyter nextedit model use ID VERSION` writes it again"
            ) from None

    def serving(self) -> str:
        """The id of the active bundle; the default one unless another was chosen."""
        try:
            id = json.loads(read_bytes(self.root / "serving.json", MAX_CHOICES))["id"]
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return DEFAULT_ID
        return id if isinstance(id, str) and is_identifier(id) else DEFAULT_ID

    def installed(self) -> list[Installed]:
        """Every installed version, by id, newest first. Broken folders are left out."""
        with contextlib.suppress(BundleError):
            return self._installed(self.choices())
        return self._installed({})

    def _installed(self, choices: Mapping[str, Choice]) -> list[Installed]:
        found = []
        for folder in self._version_folders():
            id, version = folder.parent.name, folder.name
            try:
                manifest = json.loads(read_bytes(folder / "manifest.json", MAX_MANIFEST))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, ValueError, RecursionError):
                manifest = {}
            choice = choices.get(id)
            found.append(
                Installed(
                    id,
                    version,
                    folder,
                    choice is not None and choice.is_usable and choice.current == version,
                    manifest if isinstance(manifest, dict) else {},
                )
            )
        found.sort(key=lambda item: version_key(item.version), reverse=True)
        found.sort(key=lambda item: item.id)
        return found

    def _version_folders(self) -> list[Path]:
        """The folders whose names are versions; other processes may add and remove some
        meanwhile."""
        ids = [folder for folder in _entries(self.root) if is_identifier(folder.name)]
        folders = [folder for id in ids for folder in _entries(id)]
        return [folder for folder in folders if is_version(folder.name)]

    def path(self, id: str, version: str | None = None) -> Path:
        """The folder of a version, by default the one in use. Raises BundleError."""
        check_identifier(id)
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
        """Compare every file with the receipt of the install. Raises BundleError.

        The receipt can be trusted only if nobody else can write to the store; otherwise the store
        is refused.
        """
        self._check_own()
        try:
            receipt = json.loads(read_bytes(folder / RECEIPT, _MAX_RECEIPT))["files"]
            names = {p.name for p in folder.iterdir() if p.name != RECEIPT}
            if names != set(receipt):
                raise BundleError(f"{folder.name}: files were added or are missing; install again")
            for name, expected in receipt.items():
                if _sha256(folder / name) != expected["sha256"]:
                    raise BundleError(f"{name} is not what was installed; install again")
        except (
            *(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError),
        ) as error:
            raise BundleError(
                f"the bundle in {folder.name} cannot be verified ({type(error).__name__}); "
                "install it again"
            ) from None

    # Changes hold the lock.

    def install(self, source: Path, *, floor: str | None = None, use: bool = True) -> Installed:
        """Copy a bundle's folder in, verify and try it, and use it from now on.

        `floor` is the publisher's oldest safe version; it only ever increases. A version that is
        already installed must be byte for byte the same. If anything is wrong, it raises
        BundleError and the store is unchanged.
        """
        with self._locked():
            self._sweep()
            self._step("stage")
            staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=self.root))
            try:
                manifest = self._stage(source, staging)
                id, version = str(manifest["id"]), str(manifest["version"])
                choices = self._choices_or_none()
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
                    sync_folder(target.parent)
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
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def use(self, id: str, version: str) -> None:
        """Use an installed version. Raises BundleError if it isn't there, or below the floor."""
        with self._locked():
            self.verify(self.path(id, version))
            choices = self._choices_or_none()
            choice = choices.get(id)
            _check_floor(version, choice, None)
            choices[id] = Choice(version) if choice is None else _choosing(choice, version)
            self._write(choices)

    def rollback(self, id: str) -> str:
        """Go back to the version used before, or the newest older one; returns it.

        The present version is remembered as refused. Raises BundleError if there is none to go back
        to.
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
        """Make another bundle the active one. Raises BundleError."""
        check_identifier(id)
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
                # The last version is deleted, but its publisher's floor stays known.
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
        check_identifier(bundle.id)
        version_key(bundle.version)
        files = {}
        # Files that the manifest does not name were not checked: they are not copied.
        for name in sorted({MANIFEST, *bundle.manifest["files"]}):
            self._step(f"copy {name}")
            with (
                open_plain(source / name, MAX_MODEL) as reader,
                open(staging / name, "xb") as writer,
            ):
                shutil.copyfileobj(reader, writer, 1 << 20)
                writer.flush()
                os.fsync(writer.fileno())
                size = writer.tell()
            files[name] = {"sha256": _sha256(staging / name), "size": size}
        self._step("verify")
        staged = Bundle.open(staging)
        if (staged.id, staged.version) != (bundle.id, bundle.version):
            raise BundleError("the bundle changed while it was copied; try again")
        self._step("receipt")
        receipt = {"id": staged.id, "version": staged.version, "files": files}
        replace_file(staging / RECEIPT, _json(receipt), durable=True)
        return staged.manifest

    def _same(self, staging: Path, target: Path) -> None:
        try:
            self.verify(target)
            same = (staging / RECEIPT).read_bytes() == (target / RECEIPT).read_bytes()
        except BundleError:  # the existing one is damaged: replace it by the staged one
            broken = Path(tempfile.mkdtemp(prefix=".staging-", dir=self.root))
            os.replace(target, broken / "damaged")
            os.replace(staging, target)
            sync_folder(target.parent)
            return
        if not same:
            raise BundleError(
                f"another bundle {target.parent.name} {target.name} is installed; "
                "a changed bundle needs a new version"
            )

    def _write(self, choices: Mapping[str, Choice]) -> None:
        self._replace("current.json", write_choices(choices))

    def _choices_or_none(self) -> dict[str, Choice]:
        """The choices, or none if they are damaged: writing them again repairs the file."""
        try:
            return self.choices()
        except BundleError:
            return {}

    def _replace(self, name: str, value: Mapping[str, Any]) -> None:
        self._step(f"write {name}")
        replace_file(self.root / name, _json(value), durable=True)
        self._step(f"replaced {name}")

    def _check_own(self) -> None:
        """Refuse a store that others could have written to. Raises BundleError."""
        if (why := writable_by_others(self.root)) is not None:
            raise StoreError(f"the store is not used, because {why}")

    def _sweep(self) -> None:
        for leftover in self.root.glob(".staging-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        for pattern in (".current.json.*", ".serving.json.*"):  # left by killed writers
            for file in self.root.glob(pattern):
                file.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One change at a time across all of the user's processes; the lock is released when its
        holder ends.

        OSErrors meanwhile become StoreErrors.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_own()
            with locked(self.root / "lock", LOCK_SECONDS):
                yield
        except TimeoutError:
            raise StoreError(
                "the store is being changed by another process: try again when it is done"
            ) from None
        except OSError as error:
            raise StoreError(
                f"the store cannot be written: {error.strerror or error}; what is installed keeps "
                "working"
            ) from None


def _entries(folder: Path) -> list[Path]:
    """A folder's entries, by name; none if it is gone or is not a folder."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


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
    with open_plain(path, MAX_MODEL) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode("ascii")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
