"""Notebooks from source distributions of permissively licensed packages, downloaded by name on
request.

They are not kept in this repository, and none of their code runs: pip prepares a source
distribution's metadata with its build backend, which is replaced by a stub here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nextedit_jupyter.core import Cell, Notebook
from nextedit_jupyter.core.errors import NextEditError

# Small archives with many notebooks; MIT, BSD, Apache or NCSA licensed.
PACKAGES = (
    "seaborn==0.13.2",
    "gpytorch==1.15.2",
    "sbi==0.27.0",
    "xarray==2026.9.0",
    "linearmodels==7.1",
    "arch==8.0.0",
    "tinygp==0.3.1",
    "spreg==1.9.0",
    "hdbscan==0.8.44",
    "tsfresh==0.21.2",
    "pointpats==2.5.5",
    "mapclassify==2.10.0",
    "libpysal==4.14.1",
    "mesa==3.3.1",
    "botorch==0.18.1",
    "river==0.26.1",
    "hist==2.12.1",
    "climlab==0.9.2",
)

# Runs in pip's helper process: replaces the build backend, answering from PKG-INFO.
_STUB = """
import os, sys, types
backend = os.environ.pop("_PYPROJECT_HOOKS_BUILD_BACKEND", "")
if backend:
    os.environ.pop("_PYPROJECT_HOOKS_BACKEND_PATH", None)
    os.environ["_PYPROJECT_HOOKS_BUILD_BACKEND"] = "nextedit_metadata"
    module = types.ModuleType("nextedit_metadata")
    def prepare_metadata_for_build_wheel(folder, config_settings=None):
        from email.parser import HeaderParser
        with open("PKG-INFO", encoding="utf-8", errors="replace") as file:
            head = HeaderParser().parsestr(file.read())
        name = head["Name"].replace("-", "_") + "-" + head["Version"] + ".dist-info"
        os.makedirs(os.path.join(folder, name))
        with open(os.path.join(folder, name, "METADATA"), "w", encoding="utf-8") as file:
            lines = "Metadata-Version: 2.1", "Name: " + head["Name"], "Version: " + head["Version"]
            file.write("\\n".join(lines) + "\\n")
        return name
    module.prepare_metadata_for_build_wheel = prepare_metadata_for_build_wheel
    sys.modules["nextedit_metadata"] = module
"""


def notebooks(cache: Path, packages: tuple[str, ...] = PACKAGES) -> Iterator[tuple[str, Notebook]]:
    """Every Python notebook of the packages as (package/path, notebook), in a fixed order.

    Archives are kept in `cache`. A package that cannot be downloaded is left out; raises
    NextEditError if none can be.
    """
    archives = [(package, archive(package, cache)) for package in packages]
    if not any(path for _, path in archives):
        raise NextEditError(
            "no source distribution could be fetched: check that pip reaches its index"
        )
    for package, path in archives:
        if path is None:
            continue
        yield from notebooks_in(package, path)


def notebooks_in(package: str, path: Path) -> Iterator[tuple[str, Notebook]]:
    """The Python notebooks of one archive as (package/path, notebook)."""
    with tarfile.open(path) as opened:
        members = [m for m in opened.getmembers() if m.name.endswith(".ipynb") and m.isfile()]
        for member in sorted(members, key=lambda m: m.name):
            file = opened.extractfile(member)
            if file is not None and member.size < 5_000_000:
                found = notebook_of(file.read())
                if found is not None:
                    yield f"{package.partition('==')[0]}/{member.name}", found


def archive(package: str, cache: Path) -> Path | None:
    """The source distribution of `name==version`, downloaded if it is not there; None on
    failure."""
    name, _, version = package.partition("==")
    cache.mkdir(parents=True, exist_ok=True)

    def found() -> Path | None:
        stem = f"{name}-{version}".replace("_", "-").lower()
        for path in sorted(cache.glob("*.tar.gz")):
            if path.name.replace("_", "-").lower() == f"{stem}.tar.gz":
                return path
        return None

    if (have := found()) is not None:
        return have
    with tempfile.TemporaryDirectory() as stub, tempfile.TemporaryDirectory(dir=cache) as into:
        Path(stub, "sitecustomize.py").write_text(_STUB, encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", into]
        command += ["--no-binary", name, "--no-build-isolation", package]
        try:
            subprocess.run(
                command,
                env=os.environ | {"PYTHONPATH": stub},
                capture_output=True,
                timeout=300,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        for path in Path(into).iterdir():
            path.replace(cache / path.name)
    return found()


def notebook_of(data: bytes) -> Notebook | None:
    """The Python notebook in these bytes; None if there is none."""
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("cells"), list):
        return None
    language = value.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    if language != "python":
        return None
    cells = []
    for i, item in enumerate(value["cells"]):
        source = item.get("source", "")
        text = "".join(source) if isinstance(source, list) else str(source)
        kind = item.get("cell_type")
        if kind in ("code", "markdown"):
            cells.append(Cell(f"c{i}", kind, text))
    return Notebook("python", tuple(cells))
