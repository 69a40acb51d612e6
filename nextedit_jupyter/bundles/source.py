"""The configured repository and root of trust.

Both come from the configuration (`c.NextEdit.repository`, `c.NextEdit.root`) or the environment
(NEXTEDIT_REPOSITORY, NEXTEDIT_ROOT). Without a repository no request is ever made.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nextedit_jupyter.bundles.active import packaged_version, user_store
from nextedit_jupyter.bundles.bundle import DEFAULT_ID
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.core.files import read_bytes
from nextedit_jupyter.core.folders import data_folder

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.trust import TrustedRepository
    from nextedit_jupyter.bundles.updates import UpdatePolicy, Updates

MAX_ROOT_BYTES = 500_000


@dataclass(frozen=True, slots=True)
class Source:
    """A repository's address (https, or a folder), and its trusted root metadata.

    `root` is a file; None for the one in the package.
    """

    address: str
    root: Path | None = None

    @classmethod
    def configured(
        cls,
        repository: str | None = None,
        root: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Source | None:
        """The source from the arguments or the environment; None if no repository is set."""
        environ = os.environ if environ is None else environ
        address = repository or environ.get("NEXTEDIT_REPOSITORY")
        if not address:
            return None
        named = root or environ.get("NEXTEDIT_ROOT")
        if "://" not in address:
            address = os.path.abspath(os.path.expanduser(address))
        return cls(address, Path(named).expanduser() if named else None)

    def root_bytes(self) -> bytes:
        """The root metadata to trust. Raises BundleError."""
        path = self.root or _packaged_root()
        if path is None:
            raise BundleError(
                f"there is no root of trust for {self.address}: set NEXTEDIT_ROOT or "
                "c.NextEdit.root to the root.json that its publisher gave you"
            )
        try:
            return read_bytes(path, MAX_ROOT_BYTES, follow=True)
        except OSError as error:
            raise BundleError(
                f"the root of trust {path} cannot be read ({error.strerror}): correct "
                "NEXTEDIT_ROOT or c.NextEdit.root"
            ) from None

    def open(self, folder: Path | None = None) -> TrustedRepository:
        """The repository as seen by this user; its state is in the data folder.

        The state belongs to a root, not to an address, so that a mirror cannot take a user back to
        an older state than another mirror's. Raises BundleError.
        """
        from nextedit_jupyter.bundles.trust import TrustedRepository

        root = self.root_bytes()
        state = (folder or data_folder()) / "trust" / hashlib.sha256(root).hexdigest()[:16]
        return TrustedRepository(self.address, root, state)


def user_updates(
    source: Source | None,
    *,
    canary: Callable[[Path], None],
    policy: UpdatePolicy | None = None,
    folder: Path | None = None,
) -> Updates:
    """The updates of the default bundle in the user's store."""
    from nextedit_jupyter.bundles.store import BundleStore
    from nextedit_jupyter.bundles.updates import Updates

    folder = folder or data_folder()
    return Updates(
        BundleStore(user_store(folder).root, canary=canary),
        DEFAULT_ID,
        (lambda: source.open(folder)) if source is not None else None,
        folder / "updates",
        policy=policy,
        packaged=packaged_version(),
    )


def _packaged_root() -> Path | None:
    path = Path(__file__).resolve().parent.parent / "_bundles" / "root.json"
    return path if path.is_file() else None
