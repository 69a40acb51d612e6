"""Where our files that outlive a process are: installed bundles and, if enabled, statistics."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def data_folder(environ: Mapping[str, str] | None = None) -> Path:
    """NEXTEDIT_DATA_DIR, or `nextedit` in the user's Jupyter data folder; it need not exist.

    The Jupyter data folder is found as jupyter_core finds it: JUPYTER_DATA_DIR, or the platform's.
    """
    environ = os.environ if environ is None else environ
    named = environ.get("NEXTEDIT_DATA_DIR")
    if named:
        return Path(named).expanduser()
    jupyter = environ.get("JUPYTER_DATA_DIR")
    if jupyter:
        return Path(jupyter).expanduser() / "nextedit"
    home = Path.home()
    if sys.platform == "darwin":
        base = home / "Library" / "Jupyter"
    elif sys.platform == "win32":
        roaming = environ.get("APPDATA")
        base = Path(roaming) / "jupyter" if roaming else home / ".jupyter" / "data"
    else:
        share = environ.get("XDG_DATA_HOME")
        base = (Path(share) if share else home / ".local" / "share") / "jupyter"
    return base / "nextedit"
