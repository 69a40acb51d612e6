"""The settings of Jupyter and IPython that enable us: where they are, which one applies, how to
change them.

Reads and writes the JSON files that `jupyter labextension`, `jupyter server extension` and
IPython's profiles use; other entries in them are preserved.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.core.files import replace_file

LABEXTENSION = "nextedit-jupyter"
SERVER_EXTENSION = "nextedit_jupyter"
EXTENSION = "nextedit_jupyter"


@dataclass(frozen=True, slots=True)
class InstalledSetting:
    """Whether something is enabled, and the file that says so; None if no file says anything."""

    on: bool
    file: Path | None


def labextension_folder() -> Path | None:
    """The folder in which JupyterLab finds the extension's files."""
    from jupyter_core.paths import jupyter_path

    for folder in jupyter_path("labextensions"):
        path = Path(folder) / LABEXTENSION
        if (path / "package.json").is_file():
            return path
    return None


def labextension_setting() -> InstalledSetting:
    """Enabled unless a page_config.json disables it; the user's file takes precedence."""
    for folder in _jupyter_folders():
        file = folder / "labconfig" / "page_config.json"
        disabled = _read(file).get("disabledExtensions")
        if isinstance(disabled, list):
            disabled = dict.fromkeys(map(str, disabled), True)
        if isinstance(disabled, dict):
            for name in (LABEXTENSION, f"{LABEXTENSION}:plugin"):
                if name in disabled:
                    return InstalledSetting(not disabled[name], file)
    return InstalledSetting(True, None)


def server_setting() -> InstalledSetting:
    """Enabled only if a configuration file says so; the user's file takes precedence."""
    for folder in _jupyter_folders():
        parts = sorted((folder / "jupyter_server_config.d").glob("*.json"), reverse=True)
        for file in (folder / "jupyter_server_config.json", *parts):
            app = _read(file).get("ServerApp")
            extensions = app.get("jpserver_extensions") if isinstance(app, dict) else None
            if isinstance(extensions, dict) and SERVER_EXTENSION in extensions:
                return InstalledSetting(bool(extensions[SERVER_EXTENSION]), file)
    return InstalledSetting(False, None)


def kernel_setting() -> InstalledSetting:
    """Whether new kernels load the extension automatically."""
    for folder in (_profile(), Path(sys.prefix) / "etc" / "ipython"):
        file = folder / "ipython_kernel_config.json"
        app = _read(file).get("InteractiveShellApp")
        extensions = app.get("extensions") if isinstance(app, dict) else None
        if isinstance(extensions, list):
            return InstalledSetting(EXTENSION in extensions, file)
    return InstalledSetting(False, None)


def terminal_setting() -> InstalledSetting:
    """Whether IPython in a terminal loads the extension automatically."""
    file = _profile() / "ipython_config.py"
    with contextlib.suppress(OSError):
        if b">>> nextedit-jupyter" in file.read_bytes():
            return InstalledSetting(True, file)
    return InstalledSetting(False, None)


def own_extension_lists() -> list[Path]:
    """The user's Python configuration files that set a list of extensions, which replaces ours."""
    found = []
    for name in ("ipython_config.py", "ipython_kernel_config.py"):
        file = _profile() / name
        with contextlib.suppress(OSError, UnicodeDecodeError):
            lines = file.read_text(encoding="utf-8").splitlines()
            if any(
                ".extensions" in line and "=" in line and not line.lstrip().startswith("#")
                for line in lines
            ):
                found.append(file)
    return found


def set_lab(on: bool, *, user: bool) -> Path:
    """Enable or disable the browser extension; returns the file. Raises NextEditError."""
    file = _jupyter_folder(user) / "labconfig" / "page_config.json"
    with _changing(file) as value:
        disabled = value.get("disabledExtensions")
        if isinstance(disabled, list):
            disabled = dict.fromkeys(map(str, disabled), True)
        if not isinstance(disabled, dict):
            disabled = {}
        disabled.pop(f"{LABEXTENSION}:plugin", None)
        disabled[LABEXTENSION] = not on
        value["disabledExtensions"] = disabled
    return file


def set_server(on: bool, *, user: bool) -> Path:
    """Enable or disable the server extension; returns the file. Raises NextEditError."""
    file = _jupyter_folder(user) / "jupyter_server_config.json"
    with _changing(file) as value:
        _object(_object(value, "ServerApp"), "jpserver_extensions")[SERVER_EXTENSION] = on
    return file


def set_kernel(on: bool) -> Path:
    """Enable or disable the extension in this environment's new kernels; returns the file.

    Raises NextEditError.
    """
    from nextedit_jupyter.kernel import profile

    with _explained():
        if on:
            return profile.enable_kernel()
        profile.disable_kernel()
        return Path(sys.prefix) / "etc" / "ipython" / "ipython_kernel_config.json"


def set_terminal(on: bool) -> Path:
    """Enable or disable the extension in the user's IPython terminals; returns the file.

    Raises NextEditError.
    """
    from nextedit_jupyter.kernel import profile

    with _explained():
        if on:
            return profile.enable_terminal()
        profile.disable_terminal()
        return _profile() / "ipython_config.py"


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn what `kernel.profile` raises into a NextEditError that says what to do."""
    try:
        yield
    except ValueError as error:
        raise NextEditError(str(error)) from None
    except OSError as error:
        raise NextEditError(
            f"{error.filename or 'the configuration'} cannot be written: {error.strerror}"
        ) from None


def _jupyter_folders() -> list[Path]:
    from jupyter_core.paths import jupyter_config_path

    return [Path(folder) for folder in jupyter_config_path()]


def _jupyter_folder(user: bool) -> Path:
    from jupyter_core.paths import jupyter_config_dir

    return Path(jupyter_config_dir()) if user else Path(sys.prefix) / "etc" / "jupyter"


def _profile() -> Path:
    return Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython") / "profile_default"


def _object(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    if not isinstance(found, dict):
        found = value[key] = {}
    return found


def _read(file: Path) -> dict[str, Any]:
    """The file's JSON object; empty if it is missing or damaged, because Jupyter ignores such files
    too."""
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


@contextlib.contextmanager
def _changing(file: Path) -> Iterator[dict[str, Any]]:
    """The file's JSON object to change in place; it is written back completely or not at all.

    Raises NextEditError if the file cannot be parsed or written.
    """
    try:
        value = json.loads(file.read_bytes()) if file.exists() else {}
    except (OSError, ValueError) as error:
        raise NextEditError(
            f"{file} cannot be read as JSON ({type(error).__name__}): repair or move it, try again"
        ) from None
    if not isinstance(value, dict):
        raise NextEditError(f"{file} is not a JSON object: repair or move it, and try again")
    yield value
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(value, indent=2) + "\n"
        replace_file(file, text.encode("utf-8"), mode=0o644, keep_mode=True)
    except OSError as error:
        raise NextEditError(
            f"{file} cannot be written ({error.strerror}): try again with --user, or as its owner"
        ) from None
