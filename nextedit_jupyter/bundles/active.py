"""Which bundle answers: the one that was named, the store's, or the one in the package.

The store is in the user's Jupyter data folder (`core.folders`). Its bundle is used unless it is
damaged, or older than the packaged one, which comes with an upgrade of the application.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nextedit_jupyter.bundles.bundle import (
    DEFAULT_ID,
    MANIFEST,
    MAX_MANIFEST,
    Bundle,
    named_bundle_path,
    packaged_bundle_path,
)
from nextedit_jupyter.bundles.choices import version_key
from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.core.errors import BundleError, NextEditError
from nextedit_jupyter.core.files import read_bytes
from nextedit_jupyter.core.folders import data_folder
from nextedit_jupyter.core.languages import common_language


@dataclass(frozen=True, slots=True)
class Described:
    """A bundle's id, language and label, as its manifest gives them."""

    id: str
    language: str
    label: str


@dataclass(frozen=True, slots=True)
class CandidateBundle:
    """A folder whose bundle may answer. `source` says why it is a candidate."""

    path: Path
    source: Literal["named", "store", "package"]
    store: BundleStore | None = None

    def open(self) -> Bundle:
        """Verify it; a bundle from the store also against its receipt. Raises BundleError."""
        if self.store is not None:
            self.store.verify(self.path)
        return Bundle.open(self.path)

    def described(self) -> Described | None:
        """Its manifest's description, unchecked; None if that cannot be read."""
        try:
            value = json.loads(read_bytes(self.path / MANIFEST, MAX_MANIFEST))
            id, version, language = (str(value[key]) for key in ("id", "version", "language"))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return Described(id, common_language(language), f"{id}/{version}")

    def explain(self, error: NextEditError) -> str:
        """What is wrong with it, and what to do."""
        if self.source != "store":
            return str(error)
        id, version = self.path.parent.name, self.path.name
        return (
            f"the installed bundle {id} {version} cannot be used ({error}): run "
            f"`jupyter nextedit model install`, or `jupyter nextedit model remove {id} {version}`"
        )


def user_store(folder: Path | None = None) -> BundleStore:
    """The user's store, which need not exist; in `folder` instead of the data folder if given."""
    return BundleStore((folder or data_folder()) / "bundles")


def candidates(
    named: Path | None = None,
    *,
    store: BundleStore | None = None,
    packaged: Path | None = None,
) -> list[CandidateBundle]:
    """The bundles that may answer, best first.

    A bundle that was named, here or in NEXTEDIT_BUNDLE, is the only candidate: whoever names one
    wants an error if it cannot be used. Raises BundleError if there is none.
    """
    named = named or named_bundle_path()
    if named is not None:
        return [CandidateBundle(named, "named")]
    store = store or user_store()
    found: list[CandidateBundle] = []
    missing: BundleError | None = None
    try:
        packaged = packaged or packaged_bundle_path()
    except BundleError as error:
        missing = error
    serving = store.serving()
    floor: str | None = None
    with contextlib.suppress(BundleError):  # a damaged store: use the packaged bundle
        for id in dict.fromkeys((serving, DEFAULT_ID)):
            choice = store.choices().get(id)
            if choice is None:
                continue
            if id == DEFAULT_ID:
                floor = choice.floor
            if not choice.is_usable:
                continue
            if id == DEFAULT_ID and packaged is not None and _is_older(choice.current, packaged):
                continue
            found.append(CandidateBundle(store.root / id / choice.current, "store", store))
    if packaged is not None and not (floor is not None and _is_below(packaged, floor)):
        found.append(CandidateBundle(packaged, "package"))
    if not found:
        raise missing or BundleError(
            f"the packaged model is older than {floor}, the oldest that its publisher allows: run "
            "`jupyter nextedit model update`, or update nextedit-jupyter"
        )
    return found


def all_candidates(
    named: Path | None = None, *, store: BundleStore | None = None
) -> list[CandidateBundle]:
    """`candidates`, then the other installed bundles, by id; a named one is the only one.

    Never raises: what cannot be read is left out.
    """
    found: list[CandidateBundle] = []
    with contextlib.suppress(BundleError):
        found = candidates(named, store=store)
    if named is not None or named_bundle_path() is not None:
        return found
    store = store or user_store()
    known = {candidate.path for candidate in found}
    with contextlib.suppress(BundleError):
        for id, choice in sorted(store.choices().items()):
            path = store.root / id / choice.current
            if choice.is_usable and path not in known:
                found.append(CandidateBundle(path, "store", store))
    return found


def active_bundle(named: Path | None = None) -> tuple[Bundle, str | None]:
    """The active bundle, verified, and what is wrong with the candidates before it.

    Raises BundleError if none can be used.
    """
    problems: list[str] = []
    for candidate in candidates(named):
        try:
            return candidate.open(), " ".join(problems) or None
        except BundleError as error:
            problems.append(candidate.explain(error))
    raise BundleError(" ".join(problems))


def roll_back(label: str | None = None, *, store: BundleStore | None = None) -> str | None:
    """Replace a failing bundle by an earlier one; returns which one, or None if there is none.

    The failing one is given by its label, by default the active one. It is replaced by the store's
    previous version, or by the packaged bundle. A bundle that the user named is never replaced.
    """
    store = store or user_store()
    with contextlib.suppress(BundleError):
        if named_bundle_path() is not None:
            return None
        if label is None:
            first = candidates(store=store)[0]
            return leave(store, first.path.parent.name) if first.store is not None else None
        id, _, version = label.partition("/")
        choice = store.choices().get(id)
        if choice is not None and choice.is_usable and choice.current == version:
            return leave(store, id)
    return None


def put_back(label: str, *, store: BundleStore | None = None) -> bool:
    """Use a version again that `roll_back` replaced; False if something else was chosen since."""
    store = store or user_store()
    id, _, version = label.partition("/")
    with contextlib.suppress(BundleError):
        choice = store.choices().get(id)
        # A rollback forgets the previous version; a choice made by hand has one.
        left = choice is not None and version in choice.refused and choice.previous is None
        if left:
            store.use(id, version)
            return True
    return False


def leave(store: BundleStore, id: str) -> str:
    """Go back from the current version of a bundle; returns the replacement. Raises BundleError.

    After the earlier versions in the store come the default bundle and the one in the package.
    """
    choice = store.choices().get(id)
    if choice is None or not choice.is_usable:
        raise BundleError(f"no installed version of {id} is in use; there is nothing to roll back")
    left = f"{id} {choice.current} was rolled back to"
    try:
        return f"{left} {id} {store.rollback(id)}"
    except BundleError:
        rest = [c for c in candidates(store=store) if c.path != store.root / id / choice.current]
        if not rest:
            raise
    store.refuse(id)
    if rest[0].store is not None:
        return f"{left} {rest[0].path.parent.name} {rest[0].path.name}"
    return f"{left} {DEFAULT_ID} {_version(rest[0].path) or ''} of the package"


def packaged_version() -> str | None:
    """The version of the packaged bundle; None if there is none."""
    with contextlib.suppress(BundleError):
        return _version(packaged_bundle_path())
    return None


def _version(folder: Path) -> str | None:
    try:
        version = json.loads(read_bytes(folder / MANIFEST, MAX_MANIFEST))["version"]
        version_key(version)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, BundleError):
        return None
    return str(version)


def _is_older(version: str, packaged: Path) -> bool:
    other = _version(packaged)
    try:
        return other is not None and version_key(version) < version_key(other)
    except BundleError:
        return True


def _is_below(packaged: Path, floor: str) -> bool:
    version = _version(packaged)
    return version is not None and version_key(version) < version_key(floor)
