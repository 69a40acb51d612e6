"""The client of a TUF repository of bundles, on a web server, a mirror, or in a folder.

python-tuf's `ngclient` checks signatures, thresholds, versions, expiry, lengths and hashes; it is
used when something is downloaded, never when a model is loaded. So expired metadata prevents
installs, but what is installed keeps working. Trust begins with a `root.json` that comes with the
application or from the administrator.

A repository, created by `publish.py`, contains for each bundle

    targets/<id>/latest.json              a `Release`
    targets/<id>/<version>/<file>         the files of a bundle; no archives

Specialists are signed by delegated roles that may sign paths below their own id only.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import urllib3
from tuf.api.exceptions import (
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
)
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from nextedit_jupyter.bundles.bundle import MAX_MODEL
from nextedit_jupyter.bundles.choices import check_identifier, version_key
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.core.files import open_plain

FILES = ("manifest.json", "tokenizer.json", "model.onnx", "CARD.md")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Release:
    """A publisher's statement about a bundle: the newest version, the oldest safe one, what
    changed."""

    id: str
    version: str
    min_safe_version: str | None = None
    changes: str = ""

    @classmethod
    def read(cls, id: str, data: bytes) -> Release:
        """Parse the bytes of `latest.json`. Raises BundleError."""
        try:
            value = json.loads(data)
            floor = value.get("min_safe_version")
            release = cls(
                str(value["id"]),
                str(value["version"]),
                None if floor is None else str(floor),
                str(value.get("changes", "")),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BundleError(f"the repository's {id}/latest.json cannot be read") from None
        if release.id != id:
            raise BundleError(f"the repository's {id}/latest.json is about {release.id}")
        version_key(release.version)
        if release.min_safe_version is not None:
            version_key(release.min_safe_version)
        return release


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Time limits in seconds: for connecting, between reads, for an answer to begin, and for a
    visit.

    A visit is everything that is downloaded for one release. While a file is read, at least
    `window_bytes` must arrive in each `window_s`: a server that is too slow is given up.
    """

    connect_s: float = 10.0
    read_s: float = 20.0
    begin_s: float = 60.0
    total_s: float = 1_800.0
    window_s: float = 30.0
    window_bytes: int = 60_000


class Fetcher(FetcherInterface):  # type: ignore[misc,unused-ignore]
    """Reads https addresses, loopback http, and folders; resumes interrupted downloads.

    `partial` is a folder for partial downloads of large files. The environment's proxy variables
    are respected. A redirect must not lead from https to http. Raises only DownloadError.
    """

    def __init__(
        self,
        partial: Path,
        *,
        limits: FetchLimits | None = None,
        ca_certs: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._partial = partial
        self._limits = limits or FetchLimits()
        self._ca_certs = ca_certs
        self._clock = clock
        self._cancelled = cancelled
        self._deadline = clock() + self._limits.total_s

    def begin_visit(self) -> None:
        """Start another release: its total time begins again."""
        self._deadline = self._clock() + self._limits.total_s

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self._read(url, 0)[1]

    @contextlib.contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        """Download to a file that survives an interruption, so that the next attempt continues from
        there.

        The yielded file has at most `max_length` bytes; the caller checks its hash. A partial
        download that turns out wrong is deleted with the file, so that it is never resumed twice.
        """
        self._partial.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._partial / re.sub(r"[^A-Za-z0-9._-]", "_", url)[-120:]
        if path.is_symlink() or not path.is_file():
            path.unlink(missing_ok=True)
        have = path.stat().st_size if path.is_file() else 0
        if have > max_length:
            path.unlink()
            have = 0
        try:
            if have < max_length:
                resumed, chunks = self._read(url, have)
                with open(path, "ab" if resumed else "wb") as file:
                    size = have if resumed else 0
                    for chunk in chunks:
                        size += len(chunk)
                        if size > max_length:
                            raise DownloadLengthMismatchError(f"{url} is longer than announced")
                        file.write(chunk)
        except DownloadLengthMismatchError:
            path.unlink(missing_ok=True)
            raise
        except DownloadError:
            raise
        except OSError as error:
            raise DownloadError(f"{url}: {error.strerror or error}") from error
        try:
            with open(path, "rb") as file:
                yield file
        finally:
            path.unlink(missing_ok=True)

    def _read(self, url: str, offset: int) -> tuple[bool, Iterator[bytes]]:
        """Whether the offset was honoured, and the bytes from there on."""
        parts = urlsplit(url)
        if parts.scheme == "file":
            return True, self._from_folder(Path(unquote(parts.path)), offset)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise DownloadError(f"{parts.scheme} is not allowed, only https or a folder")
        return self._from_server(url, offset)

    def _from_folder(self, path: Path, offset: int) -> Iterator[bytes]:
        try:
            file = open_plain(path, MAX_MODEL, follow=True)
        except FileNotFoundError:
            raise DownloadHTTPError(f"{path.name} is not there", 404) from None
        except OSError as error:
            raise DownloadError(f"{path.name}: {error.strerror}") from error

        def chunks() -> Iterator[bytes]:
            with file:
                file.seek(offset)
                while chunk := file.read(_CHUNK):
                    yield chunk

        return chunks()

    def _from_server(self, url: str, offset: int) -> tuple[bool, Iterator[bytes]]:
        options: dict[str, Any] = {
            "timeout": urllib3.Timeout(self._limits.connect_s, self._limits.read_s),
            "retries": urllib3.Retry(
                total=2, redirect=3, backoff_factor=0.2, raise_on_status=False
            ),
        }
        if self._ca_certs:
            options["ca_certs"] = self._ca_certs
        proxy = _proxy_for(url)
        pool: Any = (
            urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
        )
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        response = self._await_headers(
            url, lambda: pool.request("GET", url, headers=headers, preload_content=False)
        )
        final = response.geturl() or url
        if url.startswith("https:") and final.startswith("http:"):
            raise DownloadError("the server redirects from https to http")
        if response.status == 416 and offset:  # the part is longer than the file
            return self._from_server(url, 0)
        if response.status not in (200, 206):
            response.release_conn()
            raise DownloadHTTPError(f"{url}: HTTP status {response.status}", response.status)

        def chunks() -> Iterator[bytes]:
            window, come = self._clock(), 0
            try:
                while chunk := response.read1(_CHUNK):
                    now, come = self._clock(), come + len(chunk)
                    if now > self._deadline:
                        raise self._too_late(url)
                    if now - window > self._limits.window_s:
                        if come < self._limits.window_bytes:
                            raise DownloadError(
                                f"{url} is too slow: {come} bytes in {now - window:.0f} s"
                            )
                        window, come = now, 0
                    if self._cancelled():
                        raise DownloadError("cancelled")
                    yield chunk
            except urllib3.exceptions.HTTPError as error:
                raise DownloadError(f"{url} was interrupted ({type(error).__name__})") from error
            finally:
                response.release_conn()

        return response.status == 206, chunks()

    def _await_headers(self, url: str, request: Callable[[], Any]) -> Any:
        """The response, once its headers have arrived.

        The connection bounds the time between two bytes, but nothing bounds the time until the
        headers end. So another thread waits for them; if a server stalls it, its result is
        discarded.
        """
        found: Queue[Any] = Queue()
        left = min(self._limits.begin_s, self._deadline - self._clock())
        if left <= 0:
            raise self._too_late(url)

        def run() -> None:
            try:
                found.put(request())
            except BaseException as error:
                found.put(error)

        threading.Thread(target=run, name="nextedit-fetch", daemon=True).start()
        try:
            response = found.get(timeout=left)
        except Empty:
            raise DownloadError(f"{url} gave no answer in {left:.0f} s") from None
        if isinstance(response, urllib3.exceptions.HTTPError):
            name = type(response).__name__
            raise DownloadError(f"{url} cannot be reached ({name})") from response
        if isinstance(response, BaseException):
            raise response
        return response

    def _too_late(self, url: str) -> DownloadError:
        return DownloadError(
            f"the whole download, up to {url}, took longer than {self._limits.total_s:g} s"
        )


class TrustedRepository:
    """One repository as seen from one machine.

    `address` is an https address or a folder; `root` the bytes of the trusted root metadata;
    `state` a folder for the metadata seen last (rollback protection) and for interrupted downloads.
    Every method raises BundleError, which says what to do.
    """

    def __init__(
        self, address: str, root: bytes, state: Path, *, fetcher: Fetcher | None = None
    ) -> None:
        self.address = _as_url(address)
        self._root = root
        self._state = state
        self._fetcher = fetcher or Fetcher(state / "partial")
        self._updater: Updater | None = None

    def release(self, id: str) -> Release:
        """The newest release of a bundle, according to verified metadata."""
        check_identifier(id)
        self._fetcher.begin_visit()
        with _explained():
            updater = self._refreshed()
            info = updater.get_targetinfo(f"{id}/latest.json")
            if info is None:
                raise BundleError(f"the repository has no bundle {id}")
            if info.length > 100_000:
                raise BundleError(f"the repository's {id}/latest.json is too large")
            with tempfile.TemporaryDirectory() as folder:
                path = updater.download_target(info, os.path.join(folder, "latest.json"))
                return Release.read(id, Path(path).read_bytes())

    def download(self, id: str, version: str, folder: Path) -> Path:
        """Download all files of a version to `folder`, verified one by one; returns `folder`.

        The next call resumes interrupted downloads.
        """
        check_identifier(id)
        version_key(version)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fetcher.begin_visit()
        with _explained():
            updater = self._refreshed()
            for name in FILES:
                info = updater.get_targetinfo(f"{id}/{version}/{name}")
                if info is None:
                    if name == "CARD.md":
                        continue
                    raise BundleError(f"the repository has no {name} of {id} {version}")
                path = str(folder / name)
                if updater.find_cached_target(info, path) is None:
                    updater.download_target(info, path)
        return folder

    def _refreshed(self) -> Updater:
        if self._updater is None:
            metadata = self._state / "metadata"
            metadata.mkdir(mode=0o700, parents=True, exist_ok=True)
            updater = Updater(
                metadata_dir=str(metadata),
                metadata_base_url=f"{self.address}metadata/",
                target_base_url=f"{self.address}targets/",
                fetcher=self._fetcher,
                config=UpdaterConfig(app_user_agent="nextedit-jupyter"),
                bootstrap=self._root,
            )
            updater.refresh()
            self._updater = updater
        return self._updater


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn errors of the connection and the repository into BundleErrors that say what to do."""
    try:
        yield
    except ExpiredMetadataError as error:
        raise BundleError(
            f"the repository's metadata has expired ({error}): nothing new is installed, what is "
            "installed keeps working; tell its publisher"
        ) from None
    except RepositoryError as error:
        raise BundleError(
            f"the repository could not be verified ({type(error).__name__}: {error}): "
            "nothing is installed"
        ) from None
    except DownloadError as error:
        raise BundleError(f"the download failed: {error}; try again later") from None
    except OSError as error:
        raise BundleError(f"the download could not be kept: {error.strerror or error}") from None


def _as_url(address: str) -> str:
    if "://" in address:
        return address.rstrip("/") + "/"
    return Path(address).absolute().as_uri().rstrip("/") + "/"


def _proxy_for(url: str) -> str | None:
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    if parts.hostname in _LOOPBACK or (parts.hostname and proxy_bypass(parts.hostname)):
        return None
    return getproxies().get(parts.scheme)
