"""The worker reads the folder that the server names, and no other."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nextedit_jupyter.worker.client import WorkerClient

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes")

MODULE = "# 🐍\ndef load(path):\n    return path\n"


@pytest.fixture
def worker(connect: Callable[..., WorkerClient], tmp_path: Path) -> WorkerClient:
    return connect(suggester=None, bundle=str(tmp_path / "missing"))


def ask(worker: WorkerClient, root: Path | None, *cells: str, **more: Any) -> dict[str, Any]:
    made = [{"id": f"c{i}", "type": "code", "source": text} for i, text in enumerate(cells)]
    request = {
        "id": 1,
        "notebook": {"language": "python", "cells": made},
        "cursor": {"cell": made[-1]["id"], "offset": len(cells[-1])},
        "want": ["inline"],
        "deadline_ms": 2_000,
        "place": {"path": "a.ipynb", "excluded": ["**/secrets/**"]},
        **more,
    }
    body = json.dumps(request).encode()
    reply = worker.submit(body, root=None if root is None else str(root)).future.result(60)
    answer: dict[str, Any] = json.loads(reply.body)
    return answer


def test_ghost_text_knows_a_local_module_below_the_root_that_is_named(
    worker: WorkerClient, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "helpers.py").write_text("def load_table(path): ...\n")
    cells = ("import helpers", "t = helpers.load_t")
    assert ask(worker, None, *cells)["suggestions"] == []
    assert worker.status()["folder"] is None
    (found,) = ask(worker, root, *cells)["suggestions"]
    assert found["edits"][0]["text"] == "able"
    assert worker.status()["folder"]["files"] == 1


def test_a_rename_reaches_other_documents_in_the_pages_units(
    worker: WorkerClient, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "helpers.py").write_text(MODULE)
    cell = "from helpers import load; '🐍'; load(1)"
    across = {
        "path": "a.ipynb",
        "cell": "c0",
        "offset": len(cell) + 1 - 4,  # the snake is two units
        "to": "read",
        "open": [{"path": "a.ipynb", "cells": [{"id": "c0", "type": "code", "source": cell}]}],
    }
    answer = ask(worker, root, cell, want=["rename"], rename_to="read", across=across)
    found = answer["elsewhere"]
    assert [document["path"] for document in found["documents"]] == ["a.ipynb", "helpers.py"]
    places = [
        (edit["start"], edit["end"])
        for document in found["documents"]
        for one in document["cells"]
        for edit in one["edits"]
    ]
    assert places == [(20, 24), (32, 36), (9, 13)]
    assert "elsewhere" not in ask(worker, None, cell, want=["rename"], across=across)


@pytest.mark.parametrize(
    "across",
    [
        {},
        [],
        {"path": 1, "cell": "c0", "offset": 0, "open": []},
        {"path": "a.ipynb", "cell": "c0", "offset": "0", "open": []},
        {"path": "a.ipynb", "cell": "c0", "offset": 0, "open": [{"path": "a.ipynb"}]},
        {"path": "a.ipynb", "cell": "c0", "offset": 0, "open": [], "to": 3},
        {"path": "b", "cell": "c", "offset": 10**9, "open": [{"path": "b", "cells": []}] * 2},
    ],
)
def test_a_hostile_across_is_an_error_and_the_next_request_is_served(
    worker: WorkerClient, tmp_path: Path, across: Any
) -> None:
    answer = ask(worker, tmp_path, "x", want=["rename"], across=across)
    assert answer["error"]["code"] == "bad_request"
    assert "error" not in ask(worker, tmp_path, "x")
