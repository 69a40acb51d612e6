"""Checks for newer bundles: once a week, in the background, and only if configured.

Without a configured repository, or with updates off by policy, no request is ever made. A release
is downloaded on mains power and over an unmetered connection, or on request; it is verified by
`trust`, tried by the store's canary, installed next to the version in use, and announced. `switch`
is a separate step, which the worker takes when it is idle.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from nextedit_jupyter.bundles.choices import is_version, version_key
from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.bundles.trust import Release, TrustedRepository
from nextedit_jupyter.core.errors import BundleError, StoreError
from nextedit_jupyter.core.files import is_own_folder, read_bytes, replace_file

INTERVAL_S = 7 * 86_400.0
# A failed check is repeated sooner than a good one, and never in a loop.
RETRY_S = 6 * 3_600.0
MAX_STATUS_BYTES = 1_000_000

State = Literal["never", "current", "available", "ready", "switched", "failed"]


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """What the administrator and the user allow. `metered` is None if unknown."""

    enabled: bool = True
    interval_s: float = INTERVAL_S
    on_battery: bool = False
    on_metered: bool = False


@dataclass(frozen=True, slots=True)
class UpdateStatus:
    """The progress of an update, shown by the status item.

    `ready` means installed and waiting for the switch. `refused` is a failure that another download
    would not fix: the version itself must not be used. `checked_at` is in seconds since the epoch.
    """

    state: State = "never"
    version: str | None = None
    changes: str = ""
    problem: str = ""
    checked_at: float = 0.0
    refused: bool = False

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> UpdateStatus:
        """Parse what was written. Raises ValueError or TypeError for anything else."""
        status = cls(**value)
        texts = (status.changes, status.problem, status.version or "")
        if status.state not in get_args(State) or not all(isinstance(t, str) for t in texts):
            raise ValueError("this is not the status of an update")
        return replace(status, checked_at=float(status.checked_at), refused=status.refused is True)


class Updates:
    """The updates of one bundle. `clock` returns seconds since the epoch; if it jumps back more
    than an interval, the next check is only earlier. `packaged` is the version in the application:
    nothing older is downloaded."""

    def __init__(
        self,
        store: BundleStore,
        id: str,
        repository: Callable[[], TrustedRepository] | None,
        folder: Path,
        *,
        policy: UpdatePolicy | None = None,
        clock: Callable[[], float] = time.time,
        packaged: str | None = None,
    ) -> None:
        self._packaged = packaged
        self._store = store
        self._id = id
        self._repository = repository
        self._folder = folder
        self._policy = policy or UpdatePolicy()
        self._clock = clock

    def status(self) -> UpdateStatus:
        """The status from the file of the last check; `never` if there is none."""
        try:
            data = read_bytes(self._folder / f"{self._id}.json", MAX_STATUS_BYTES)
            return UpdateStatus.read(json.loads(data))
        except (OSError, ValueError, TypeError, RecursionError):
            return UpdateStatus()

    @property
    def label(self) -> str | None:
        """The label of the known version; None if there is none."""
        version = self.status().version
        return f"{self._id}/{version}" if version else None

    @property
    def is_serving(self) -> bool:
        """Whether this bundle is the active one."""
        return self._store.serving() == self._id

    def is_due(self) -> bool:
        """Whether it is time for a check."""
        if self._repository is None or not self._policy.enabled:
            return False
        status = self.status()
        soon = status.state == "available" or (status.state == "failed" and not status.refused)
        interval = RETRY_S if soon else self._policy.interval_s
        age = self._clock() - status.checked_at
        return status.state == "never" or age >= interval or age < 0

    def run(
        self, *, on_mains: bool = True, metered: bool | None = None, asked: bool = False
    ) -> UpdateStatus:
        """Check and, if allowed, download and install. Never raises: a problem is in the status.

        `asked`: it is the user's own command, so power and network are ignored, but not policy.
        """
        if self._repository is None or not self._policy.enabled:
            return self.status()
        try:
            status = self._run(self._repository(), on_mains, metered, asked)
        except BundleError as error:
            status = replace(self.status(), state="failed", problem=str(error), refused=False)
        except OSError as error:
            problem = f"the update could not be kept: {error.strerror or error}"
            status = replace(self.status(), state="failed", problem=problem, refused=False)
        status = replace(status, checked_at=self._clock())
        self._write(status)
        return status

    def look(self) -> UpdateStatus:
        """Check whether there is a newer version; downloads and writes nothing. Never raises."""
        if self._repository is None or not self._policy.enabled:
            return self.status()
        try:
            release = self._repository().release(self._id)
            if not self._is_wanted(release, asked=True):
                return UpdateStatus("current")
            return UpdateStatus("available", release.version, release.changes)
        except BundleError as error:
            return UpdateStatus("failed", problem=str(error))

    def switch(self) -> UpdateStatus:
        """Select the version that is ready; it is used from the next load on. Never raises."""
        status = self.status()
        if status.state != "ready" or status.version is None:
            return status
        try:
            self._store.use(self._id, status.version)
            status = replace(status, state="switched", problem="")
        except BundleError as error:
            status = replace(status, state="failed", problem=str(error))
        self._write(status)
        return status

    def give_up(self, problem: str) -> UpdateStatus:
        """Roll back the version that was switched to but could not be loaded. Never raises."""
        status = replace(self.status(), state="failed", problem=problem, refused=True)
        try:
            self._store.rollback(self._id)
        except BundleError:
            with contextlib.suppress(BundleError):
                self._store.refuse(self._id)
        self._write(status)
        return status

    def _run(
        self, repository: TrustedRepository, on_mains: bool, metered: bool | None, asked: bool
    ) -> UpdateStatus:
        release = repository.release(self._id)
        known = UpdateStatus("available", release.version, release.changes)
        if not self._is_wanted(release, asked):
            return UpdateStatus("current")
        before, downloads = self.status(), self._folder / "downloads"
        if before.refused and before.version == release.version and not asked:
            return before
        if any(i.version == release.version and i.id == self._id for i in self._store.installed()):
            self._sweep(downloads)
            return replace(known, state="ready")
        allowed = asked or (
            (on_mains or self._policy.on_battery)
            and (metered is not True or self._policy.on_metered)
        )
        if not allowed:
            return known
        folder = downloads / f"{self._id}-{release.version}"
        self._sweep(downloads, but=folder)
        repository.download(self._id, release.version, folder)
        try:
            self._store.install(folder, floor=release.min_safe_version, use=False)
        except StoreError:  # not the bundle's fault: keep the download for the next attempt
            raise
        except BundleError as error:
            # Refused by the canary or damaged: remembered in the status, tried again on request.
            self._sweep(downloads)
            return replace(known, state="failed", problem=str(error), refused=True)
        self._sweep(downloads)
        return replace(known, state="ready")

    def _sweep(self, downloads: Path, but: Path | None = None) -> None:
        """Delete downloads of this bundle, including those of killed processes."""
        if not is_own_folder(downloads):
            return
        for folder in downloads.glob(f"{self._id}-*"):
            if folder != but and is_version(folder.name[len(self._id) + 1 :]):
                shutil.rmtree(folder, ignore_errors=True)

    def _is_wanted(self, release: Release, asked: bool) -> bool:
        if self._packaged is not None and version_key(release.version) <= version_key(
            self._packaged
        ):
            return False
        choice = self._store.choices().get(self._id)
        if choice is None:
            return True
        if release.version in choice.refused and not asked:
            return False
        return version_key(release.version) > version_key(choice.current)

    def _write(self, status: UpdateStatus) -> None:
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self._folder / f"{self._id}.json", json.dumps(asdict(status)).encode())
