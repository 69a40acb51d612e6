"""Downloads source distributions with pip, without running any package's code.

pip prepares the metadata of a source distribution by running its build backend. A `sitecustomize`
on the path of that process replaces the backend by a stub, which copies name and version from
PKG-INFO: nothing is built, no backend is installed, no downloaded code runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from nextedit_jupyter.training.corpus.recipe import PackageSource

_STUB = """
import os, sys, types
_backend = os.environ.get("_PYPROJECT_HOOKS_BUILD_BACKEND")
if _backend:
    os.environ.pop("_PYPROJECT_HOOKS_BACKEND_PATH", None)
    def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
        from email.parser import HeaderParser
        with open("PKG-INFO", encoding="utf-8", errors="replace") as file:
            headers = HeaderParser().parsestr(file.read())
        name = headers["Name"].replace("-", "_") + "-" + headers["Version"] + ".dist-info"
        os.makedirs(os.path.join(metadata_directory, name))
        path = os.path.join(metadata_directory, name, "METADATA")
        with open(path, "w", encoding="utf-8") as file:
            file.write("Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n"
                       % (headers["Name"], headers["Version"]))
        return name
    _module, _, _object = _backend.partition(":")
    _parts = _module.split(".")
    for _i in range(1, len(_parts) + 1):
        _stub = types.ModuleType(".".join(_parts[:_i]))
        _stub.__path__ = []
        sys.modules[_stub.__name__] = _stub
    for _part in [part for part in _object.split(".") if part]:
        _inner = types.SimpleNamespace()
        setattr(_stub, _part, _inner)
        _stub = _inner
    _stub.prepare_metadata_for_build_wheel = prepare_metadata_for_build_wheel
"""


def find_archive(folder: Path, source: PackageSource) -> Path | None:
    """The downloaded archive of a source, if it exists under its final name."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        stem = path.name.lower().replace("_", "-").replace(".", "-")
        if stem.startswith(f"{source.key}-{source.version.replace('.', '-')}-"):
            return path
    return None


def fetch(
    sources: list[PackageSource], folder: Path, *, parallel: int = 6, timeout_s: float = 300.0
) -> Iterator[tuple[PackageSource, Path | None, str]]:
    """Download what is missing; yields (source, archive or None, reason) as each is done.

    pip writes to a separate folder and the archive is moved when complete, so an interrupted
    download leaves nothing behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as stub, ThreadPoolExecutor(parallel) as pool:
        Path(stub, "sitecustomize.py").write_text(_STUB, encoding="utf-8")
        waiting = {}
        for source in sources:
            have = find_archive(folder, source)
            if have is not None:
                yield source, have, ""
            else:
                waiting[pool.submit(_fetch_one, source, folder, stub, timeout_s)] = source
        for future in as_completed(waiting):
            why = future.result()
            source = waiting[future]
            yield source, find_archive(folder, source), why


def _fetch_one(source: PackageSource, folder: Path, stub: str, timeout_s: float) -> str:
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
        command += ["--no-binary", source.name, "--no-build-isolation", "-d", temporary]
        command += ["--disable-pip-version-check", f"{source.name}=={source.version}"]
        try:
            done = subprocess.run(
                command,
                env=os.environ | {"PYTHONPATH": stub},
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"pip took longer than {timeout_s:.0f} s"
        for path in Path(temporary).iterdir():
            path.replace(folder / path.name)
        return "" if done.returncode == 0 else done.stderr.strip().rpartition("\n")[2][:300]
