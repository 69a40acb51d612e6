"""A notebook in three languages, answered by two bundles of a real store and a real worker."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_bundle import make_bundle

from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.worker.client import WorkerClient

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle for R and one for JavaScript in the user's store."""
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path / "data"))
    store = BundleStore(tmp_path / "data" / "bundles", canary=lambda folder: None)
    for language in ("r", "javascript"):
        folder = make_bundle(
            tmp_path / language, id=f"tiny-{language}", version="1.0.0", language=language
        )
        store.install(folder)
    return tmp_path


def request(cell: str, **fields: Any) -> dict[str, Any]:
    cells = [
        {"id": "py", "type": "code", "source": "import numpy as np\nx = np."},
        {"id": "js", "type": "code", "source": "%%javascript\nlet a = "},
        {"id": "r", "type": "code", "source": "%%R\ny <- "},
        {"id": "sql", "type": "code", "source": "%%sql\nSELECT "},
    ]
    source = next(c["source"] for c in cells if c["id"] == cell)
    return {
        "id": cell,
        "offsets": "code-point",
        "notebook": {"language": "python", "cells": cells},
        "cursor": {"cell": cell, "offset": len(source)},
        "want": ["inline"],
        "deadline_ms": 2_000,
        **fields,
    }


WANTED = {
    "py": "nextedit-python",
    "js": "tiny-javascript",
    "r": "tiny-r",
}


def test_the_worker_routes_each_cell_to_its_bundle(
    connect: Callable[..., WorkerClient], installed: Path
) -> None:
    worker = connect(suggester=None)
    for cell, bundle in WANTED.items():
        answer = worker.suggest(request(cell), 20)
        assert answer["bundle"].partition("/")[0] == bundle
        assert answer["tokens"]["prompt"] > 0
    nobody = worker.suggest(request("sql"), 20)
    assert nobody["silence"]["inline"] == "no_model"
    assert "sql" in nobody["silence_detail"]["inline"]
    named = worker.suggest(request("py", bundle="tiny-r"), 20)
    assert named["bundle"] == "tiny-r/1.0.0"
    languages = {bundle["id"]: bundle["language"] for bundle in worker.status()["bundles"]}
    assert languages == {
        "nextedit-python": "python",
        "tiny-javascript": "javascript",
        "tiny-r": "r",
    }


def test_predict_routes_alike(installed: Path) -> None:
    lines = "".join(json.dumps(request(cell)) + "\n" for cell in WANTED)
    done = subprocess.run(
        [sys.executable, "-m", "nextedit_jupyter.cli", "predict"],
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {a["id"]: a["bundle"].partition("/")[0] for a in answers} == WANTED
