"""Use an installed nextedit-jupyter from end to end, without a browser or a source tree.

    python -I .ci/smoke.py VERSION

Checks what the tour promises, with the shipped model and the lanes: the wheel's own example
notebook is completed, renamed and propagated; a kernel loads the extension; a server serves the
front end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KERNEL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "nextedit_jupyter")
shell.run_cell("price = 3", store_history=True)
shell.run_cell("print(price)", store_history=True)
shell.run_line_magic("nextedit", "rename price cost --dry-run")
"""
STOP = """
from nextedit_jupyter.worker.client import WorkerClient
with WorkerClient("smoke") as client:
    client.stop_worker()
"""
CELLS = {"a": "cost = 3", "b": "print(price)"}


def main(version: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = {
            **os.environ,
            "NEXTEDIT_DATA_DIR": f"{folder}/data",
            "NEXTEDIT_RUNTIME_DIR": f"{folder}/run",
            "JUPYTER_CONFIG_DIR": f"{folder}/config",
            "JUPYTER_DATA_DIR": f"{folder}/jupyter",
            "IPYTHONDIR": f"{folder}/ipython",
        }
        assert ask(home, "--version").strip() == version
        assert "rename" in ask(home, "demo", "--keys", "40", "--color", "never")
        answer = json.loads(ask(home, "predict", given=json.dumps(request()) + "\n"))
        assert [found["kind"] for found in answer["suggestions"]] == ["rename"], answer
        said = subprocess.run(
            [sys.executable, "-I", "-c", KERNEL],
            capture_output=True, text=True, env=home, check=True, cwd=folder,
        ).stdout  # fmt: skip
        assert "cost" in said, said
        serve(home, folder, version)
        subprocess.run([sys.executable, "-I", "-c", STOP], env=home, check=True)
    print(f"nextedit-jupyter {version} works in an environment of its own.")


def request() -> dict[str, Any]:
    """A variable was renamed where it is bound; its use is in another cell."""
    return {
        "id": 1,
        "offsets": "code-point",
        "notebook": {
            "language": "python",
            "cells": [{"id": id, "type": "code", "source": text} for id, text in CELLS.items()],
        },
        "cursor": {"cell": "a", "offset": 4},
        "history": [{"cell": "a", "before": "price = 3", "after": CELLS["a"], "origin": "typed"}],
        "want": ["rename"],
    }


def ask(environ: Mapping[str, str], *words: str, given: str = "") -> str:
    """What `jupyter nextedit` prints; ends this process if it fails."""
    command = [sys.executable, "-I", "-m", "nextedit_jupyter.cli", *words]
    done = subprocess.run(command, input=given, capture_output=True, text=True, env=environ)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def serve(environ: Mapping[str, str], folder: str, version: str) -> None:
    """A JupyterLab without a browser: our server extension answers, and the front end is ours."""
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.port=0",
        "--IdentityProvider.token=smoke", f"--ServerApp.root_dir={folder}", "--allow-root",
    ]  # fmt: skip
    with open(Path(folder, "server.log"), "w") as log:
        server = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=folder)
    try:
        address = wait_for_address(Path(folder, "server.log"), server)
        status = read(f"{address}nextedit/status?token=smoke")
        assert json.loads(status)["version"] == version, status
        extension = f"{address}lab/extensions/nextedit-jupyter/package.json?token=smoke"
        assert json.loads(read(extension))["version"] == version
    finally:
        server.terminate()
        server.wait(30)


def wait_for_address(log: Path, server: subprocess.Popen[bytes], seconds: float = 60.0) -> str:
    """The address that the server's log names."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        for word in log.read_text(errors="replace").split():
            if word.startswith("http://127.0.0.1:") and "/lab" in word:
                return word.partition("lab")[0]
        time.sleep(0.2)
    sys.exit(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")


def read(address: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=30) as reply:
        body: bytes = reply.read()
        return body


if __name__ == "__main__":
    main(sys.argv[1])
