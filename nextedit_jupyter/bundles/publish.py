"""The publisher's side: creates and maintains a TUF repository that any static web server can
serve.

    <repository>/metadata/   N.root.json, timestamp.json, N.snapshot.json, N.targets.json, ...
    <repository>/targets/    <id>/<hash>.latest.json, <id>/<version>/<hash>.<file>
    <keys>/                  <role>-<n>.pem, encrypted with a passphrase; belongs offline

`sign` renews what expires soonest (snapshot and timestamp) and needs only their keys; `rotate`
replaces a role's keys; for root, old and new keys both sign, as TUF requires. Files are written in
the reverse of the order in which clients read them, so that a client in between sees the old state.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.exceptions import StorageError
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization import DeserializationError

from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.bundles.choices import version_key
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.core.files import replace_file

ROLES = ("root", "targets", "snapshot", "timestamp")
# How long each signature is valid. The short ones limit a freeze attack; the long ones need offline
# keys, which nobody wants to get out of a safe every week.
LIFETIME = {
    "root": timedelta(days=365),
    "targets": timedelta(days=180),
    "snapshot": timedelta(days=30),
    "timestamp": timedelta(days=14),
}


class Publisher:
    """A repository and the keys to sign it with. Times are UTC; `now` is for tests.

    Raises BundleError if keys or files are missing or do not match.
    """

    def __init__(
        self, repository: Path, keys: Path, *, passphrase: bytes | None, now: datetime | None = None
    ) -> None:
        self.repository = repository
        self.keys = keys
        self._passphrase = passphrase
        self._now = (now or datetime.now(UTC)).replace(microsecond=0)

    @property
    def _metadata(self) -> Path:
        return self.repository / "metadata"

    def init(self, *, root_keys: int = 2, threshold: int = 2) -> Path:
        """Create keys and an empty repository; returns the root metadata that clients must trust.

        Raises BundleError if the repository exists, or if the threshold exceeds the number of keys.
        """
        if not 1 <= threshold <= root_keys:
            raise BundleError(f"{root_keys} root keys cannot reach a threshold of {threshold}")
        if (self._metadata / "root.json").exists():
            raise BundleError(f"there is a repository in {self.repository.name} already")
        root = Root(expires=self._expiry("root"), consistent_snapshot=True)
        signers = []
        for role in ROLES:
            for n in range(root_keys if role == "root" else 1):
                signer = self._make_key(role, n + 1)
                root.add_key(signer.public_key, role)
                if role == "root":
                    signers.append(signer)
        root.roles["root"].threshold = threshold
        self._metadata.mkdir(parents=True)
        (self.repository / "targets").mkdir(exist_ok=True)
        self._write_signed(Metadata(root), "root", signers)
        self._publish({"targets": Metadata(Targets(expires=self._expiry("targets")))})
        return self._metadata / "1.root.json"

    def add(
        self,
        bundle: Path,
        *,
        role: str | None = None,
        min_safe_version: str | None = None,
        changes: str = "",
    ) -> str:
        """Publish a bundle's folder; returns its label.

        With `role`, a delegated role of that name signs it (made on first use, with a key of its
        own): it may sign paths below `<id>/` only.
        """
        opened = Bundle.open(bundle)
        id, version = opened.id, opened.version
        version_key(version)
        if min_safe_version is not None and version_key(min_safe_version) > version_key(version):
            raise BundleError("the oldest safe version cannot be above the one published")
        changed: dict[str, Metadata[Targets]] = {}
        signing = self._targets("targets")
        name = "targets"
        if role is not None:
            if self._delegate(signing.signed, role, id):
                changed["targets"] = signing
            # An entry without the role would be found first.
            if signing.signed.targets.pop(f"{id}/latest.json", None) is not None:
                changed["targets"] = signing
            name = role
            signing = self._targets(role)
        paths = signing.signed.targets
        if f"{id}/{version}/manifest.json" in paths:
            raise BundleError(f"{opened.label} is published already; a change needs a new version")
        for file in sorted(bundle.iterdir()):
            if file.name in ("model.onnx", "tokenizer.json", "manifest.json", "CARD.md"):
                self._add_target(signing.signed, f"{id}/{version}/{file.name}", file.read_bytes())
        latest = {
            "id": id,
            "version": version,
            "min_safe_version": min_safe_version,
            "changes": changes,
        }
        self._add_target(
            signing.signed, f"{id}/latest.json", json.dumps(latest, sort_keys=True).encode()
        )
        changed[name] = signing
        self._publish(changed)
        return opened.label

    def sign(self) -> None:
        """Renew snapshot and timestamp before they expire."""
        self._publish({})

    def rotate(self, role: str) -> None:
        """Replace all keys of a role with new ones. For root, old and new keys both sign."""
        if role not in ROLES:
            raise BundleError(f"{role} is not one of {', '.join(ROLES)}")
        root = self._root()
        before = self._signers("root")
        old = list(root.signed.roles[role].keyids)
        first = self._next_number(role)
        new = [self._make_key(role, first + i) for i in range(len(old))]
        for key in old:
            root.signed.revoke_key(key, role)
        for signer in new:
            root.signed.add_key(signer.public_key, role)
        root.signed.version += 1
        root.signed.expires = self._expiry("root")
        signers = [*before, *new] if role == "root" else before
        self._write_signed(root, "root", signers)
        # The new keys must sign the role's metadata at once, or clients will find it unsigned.
        self._publish({"targets": self._targets("targets")} if role == "targets" else {})

    def root_bytes(self, version: int | None = None) -> bytes:
        """The root metadata for the application to trust; by default the newest."""
        name = "root.json" if version is None else f"{version}.root.json"
        return (self._metadata / name).read_bytes()

    def _publish(self, changed: dict[str, Metadata[Targets]]) -> None:
        """Write changed targets, then the snapshot that names them, then the timestamp."""
        snapshot: Metadata[Snapshot] = self._newest("snapshot") or Metadata(Snapshot())
        timestamp: Metadata[Timestamp] = self._newest("timestamp") or Metadata(Timestamp())
        is_first = not (self._metadata / "timestamp.json").exists()
        for name, metadata in changed.items():
            if (self._metadata / f"{metadata.signed.version}.{name}.json").exists():
                metadata.signed.version += 1
            metadata.signed.expires = self._expiry("targets")
            self._write_signed(metadata, name, self._signers(name))
            snapshot.signed.meta[f"{name}.json"] = MetaFile(metadata.signed.version)
        if not is_first:
            snapshot.signed.version += 1
            timestamp.signed.version += 1
        snapshot.signed.expires = self._expiry("snapshot")
        timestamp.signed.expires = self._expiry("timestamp")
        self._write_signed(snapshot, "snapshot", self._signers("snapshot"))
        timestamp.signed.snapshot_meta = MetaFile(snapshot.signed.version)
        self._write_signed(timestamp, "timestamp", self._signers("timestamp"))

    def _delegate(self, targets: Targets, role: str, id: str) -> bool:
        """Ensure that `role` may sign below `<id>/`; returns whether `targets` was changed."""
        if role in ROLES:
            raise BundleError(f"{role} is a role of the repository itself; choose another name")
        if targets.delegations is None:
            targets.delegations = Delegations({}, {})
        roles = targets.delegations.roles
        assert roles is not None  # we never create succinct delegations
        paths = [f"{id}/*", f"{id}/*/*"]
        if role in roles:
            known = roles[role].paths or []
            if paths[0] in known:
                return False
            roles[role].paths = [*known, *paths]
            return True
        roles[role] = DelegatedRole(role, [], 1, True, paths)
        targets.add_key(self._make_key(role, 1).public_key, role)
        return True

    def _targets(self, role: str) -> Metadata[Targets]:
        return self._newest(role) or Metadata(Targets())

    def _newest(self, role: str) -> Any:
        """The newest metadata of a role; None if there is none. Raises BundleError."""
        if role == "timestamp":
            path = self._metadata / "timestamp.json"
            if not path.exists():
                return None
        else:
            numbers = [
                int(path.name.partition(".")[0])
                for path in self._metadata.glob(f"*.{role}.json")
                if path.name.partition(".")[0].isdigit()
            ]
            if not numbers:
                return None
            path = self._metadata / f"{max(numbers)}.{role}.json"
        try:
            return Metadata.from_file(str(path))
        except (DeserializationError, StorageError) as error:
            raise BundleError(f"{path.name} cannot be read ({type(error).__name__})") from None

    def _root(self) -> Metadata[Root]:
        root: Metadata[Root] | None = self._newest("root")
        if root is None:
            raise BundleError(
                f"there is no repository in {self.repository.name}; `publish init` makes one"
            )
        return root

    def _add_target(self, targets: Targets, path: str, data: bytes) -> None:
        info = TargetFile.from_data(path, data)
        targets.targets[path] = info
        folder, _, name = path.rpartition("/")
        _write(self.repository / "targets" / folder / f"{info.hashes['sha256']}.{name}", data)

    def _write_signed(
        self, metadata: Metadata[Any], name: str, signers: Iterable[CryptoSigner]
    ) -> None:
        metadata.signatures.clear()
        for signer in signers:
            metadata.sign(signer, append=True)
        data = metadata.to_bytes()
        if name != "timestamp":
            _write(self._metadata / f"{metadata.signed.version}.{name}.json", data)
        if name in ("root", "timestamp"):
            _write(self._metadata / f"{name}.json", data)

    def _signers(self, role: str) -> list[CryptoSigner]:
        """The keys that a role's metadata lists, from the folder of keys. Raises BundleError."""
        if role in ROLES:
            root = self._root().signed
            keys = [root.keys[id] for id in root.roles[role].keyids]
            threshold = root.roles[role].threshold
        else:
            delegations = self._targets("targets").signed.delegations
            if delegations is None or role not in (delegations.roles or {}):
                # Just delegated and not written yet: its one key is in the folder.
                return [self._load_key(self.keys / f"{role}-1.pem")]
            assert delegations.roles is not None
            keys = [delegations.keys[id] for id in delegations.roles[role].keyids]
            threshold = delegations.roles[role].threshold
        signers = []
        wanted = {key.keyid for key in keys}
        for path in sorted(self.keys.glob(f"{role}-*.pem")):
            signer = self._load_key(path)
            if signer.public_key.keyid in wanted:
                signers.append(signer)
        if len(signers) < threshold:
            raise BundleError(
                f"{threshold} keys of {role} are needed to sign, {len(signers)} are in the folder "
                "of keys"
            )
        return signers

    def _make_key(self, role: str, number: int) -> CryptoSigner:
        self.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.keys / f"{role}-{number}.pem"
        if path.exists():
            raise BundleError(f"the key {path.name} exists already; keys are never overwritten")
        private = Ed25519PrivateKey.generate()
        data = private.private_bytes(
            Encoding.PEM,
            PrivateFormat.PKCS8,
            BestAvailableEncryption(self._passphrase) if self._passphrase else NoEncryption(),
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
        return CryptoSigner(private, SSlibKey.from_crypto(private.public_key()))

    def _load_key(self, path: Path) -> CryptoSigner:
        try:
            private = load_pem_private_key(path.read_bytes(), self._passphrase)
        except (OSError, ValueError, TypeError):
            raise BundleError(f"the key {path.name} cannot be read: a wrong passphrase?") from None
        assert isinstance(private, Ed25519PrivateKey)
        return CryptoSigner(private, SSlibKey.from_crypto(private.public_key()))

    def _next_number(self, role: str) -> int:
        numbers = [int(path.stem.rpartition("-")[2]) for path in self.keys.glob(f"{role}-*.pem")]
        return max(numbers, default=0) + 1

    def _expiry(self, role: str) -> datetime:
        return self._now + LIFETIME[role]


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, data, mode=0o644)
