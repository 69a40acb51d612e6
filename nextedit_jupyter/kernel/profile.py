"""Loading the extension in every shell, written by `jupyter nextedit enable` and removed exactly.

For terminals, a marked block is added to the user's `ipython_config.py`; for kernels, an entry to
the environment's `ipython_kernel_config.json`. Enabling twice has no further effect, nor has
disabling what was not enabled.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from nextedit_jupyter.core.files import replace_file

EXTENSION = "nextedit_jupyter"
_BEGIN = b"# >>> nextedit-jupyter"
_END = b"# <<< nextedit-jupyter <<<"
_JOINED = b" (the file ended without a new line)"
_BLOCK = b"""# Written by `jupyter nextedit enable --terminal`; `disable --terminal` takes it back.
import importlib.util
if importlib.util.find_spec("nextedit_jupyter") is not None:
    get_config().TerminalIPythonApp.extensions.append("nextedit_jupyter")
"""


def enable_terminal(ipython_dir: Path | None = None) -> Path:
    """Load the extension in every IPython terminal of this user's default profile.

    Returns the changed file. Raises OSError if it cannot be written.
    """
    path = _terminal_config(ipython_dir)
    content = path.read_bytes() if path.exists() else b""
    if _BEGIN in content:
        return path
    joined = content != b"" and not content.endswith(b"\n")
    begin = _BEGIN + (_JOINED if joined else b"") + b" >>>\n"
    _write(path, content + (b"\n" if joined else b"") + begin + _BLOCK + _END + b"\n")
    return path


def disable_terminal(ipython_dir: Path | None = None) -> bool:
    """Remove the block, and the file if nothing else is in it; returns whether there was one."""
    path = _terminal_config(ipython_dir)
    content = path.read_bytes() if path.exists() else b""
    start, end = content.find(_BEGIN), content.find(_END)
    if start < 0 or end < start:
        return False
    before, after = content[:start], content[end + len(_END) :].removeprefix(b"\n")
    if content[start:].startswith(_BEGIN + _JOINED):
        before = before.removesuffix(b"\n")
    if before or after:
        _write(path, before + after)
    else:
        path.unlink()
    return True


def enable_kernel(prefix: Path | None = None) -> Path:
    """Load the extension in every kernel of this environment (`prefix`, by default sys.prefix).

    A user's own list of extensions overrides it. Returns the changed file. Raises ValueError if the
    file exists and cannot be parsed, OSError if it cannot be written.
    """
    path = _kernel_config(prefix)
    config = _read_json(path)
    extensions = _extensions(config, path)
    if EXTENSION in extensions:
        return path
    if path.exists():
        _write(_backup(path), path.read_bytes())
    config.setdefault("InteractiveShellApp", {})["extensions"] = [*extensions, EXTENSION]
    _write(path, _dump(config))
    return path


def disable_kernel(prefix: Path | None = None) -> bool:
    """Remove the entry, and the file if nothing else is in it; returns whether there was one."""
    path = _kernel_config(prefix)
    config = _read_json(path)
    extensions = _extensions(config, path)
    if EXTENSION not in extensions:
        return False
    untouched = path.read_bytes() == _dump(config)
    extensions = [name for name in extensions if name != EXTENSION]
    section = config["InteractiveShellApp"]
    if extensions:
        section["extensions"] = extensions
    else:
        del section["extensions"]
    if not section:
        del config["InteractiveShellApp"]
    backup = _backup(path)
    if backup.exists() and untouched:
        _write(path, backup.read_bytes())
    elif config:
        _write(path, _dump(config))
    else:
        path.unlink()
    backup.unlink(missing_ok=True)
    return True


def _terminal_config(ipython_dir: Path | None) -> Path:
    if ipython_dir is None:
        from IPython.paths import get_ipython_dir

        ipython_dir = Path(get_ipython_dir())
    return ipython_dir / "profile_default" / "ipython_config.py"


def _kernel_config(prefix: Path | None) -> Path:
    return Path(prefix or sys.prefix) / "etc" / "ipython" / "ipython_kernel_config.json"


def _backup(path: Path) -> Path:
    return path.with_name(path.name + ".before-nextedit")


def _read_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        config = json.loads(path.read_text("utf-8"))
    except ValueError:
        raise ValueError(f"{path} is not JSON: repair it, then try again") from None
    if not isinstance(config, dict):
        raise ValueError(f"{path} is not a JSON object: repair it, then try again")
    return config


def _extensions(config: dict[str, Any], path: Path) -> list[Any]:
    section = config.get("InteractiveShellApp", {})
    found = section.get("extensions", []) if isinstance(section, dict) else None
    if not isinstance(found, list):
        raise ValueError(f"InteractiveShellApp.extensions in {path} is not a list: repair it")
    return found


def _dump(config: dict[str, Any]) -> bytes:
    return (json.dumps(config, indent=2) + "\n").encode("utf-8")


def _write(path: Path, content: bytes) -> None:
    """Replace a file atomically, following links and keeping its permissions."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content, mode=0o644, keep_mode=True)
