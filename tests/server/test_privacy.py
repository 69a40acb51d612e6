"""A key that was pasted and deleted: in no file, log, metric or record; which files there are."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from holding import holding
from real_worker import ROOT, request_for, wait_until

from nextedit_jupyter import __version__
from nextedit_jupyter.core.history_store import HistoryStore, store_path
from nextedit_jupyter.server.gateway import Gateway

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks into /proc")

KEY = "sk-" + "proj-" + "Zk81hQpLw02nVbRt77aaYeTu"
PASTED = f'client = Client("{KEY}")\nprint(cli'
CLEAN = 'client = Client("")\nprint(cli'


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path / "ours"))
    return tmp_path / "ours"


def edit(before: str, after: str, at: float) -> dict[str, Any]:
    return {"cell": "a", "before": before, "after": after, "origin": "pasted", "at": at}


def session() -> Iterator[dict[str, Any]]:
    """What a page that knows nothing of secrets sends while a key is pasted and deleted."""
    history: list[dict[str, Any]] = []
    text = ""
    for number, after in enumerate(
        ["x = 1", "x = 1\ny = 2", PASTED, CLEAN, CLEAN + "ent", "x = 1\n", "x = 1\nprint(x)"]
    ):
        history.append(edit(text, after, 10.0 * number))
        text = after
        yield request_for(
            text, id=number, cursor={"cell": "a", "offset": len(text)}, history=history[-10:]
        )
    # Edits are written once their cell was left.
    cells = [
        {"id": "a", "type": "code", "source": text},
        {"id": "b", "type": "code", "source": "z = 3"},
    ]
    history.append({"cell": "b", "before": "", "after": "z = 3", "origin": "typed", "at": 90.0})
    yield request_for(
        text,
        id=99,
        notebook={"language": "python", "cells": cells},
        cursor={"cell": "b", "offset": 5},
        history=history[-10:],
    )


@pytest.mark.parametrize(
    "gateway",
    [{"suggester": None, "statistics": True, "store_history": True}],
    indirect=True,
)
async def test_a_pasted_key_is_found_nowhere_and_every_file_stands_on_the_privacy_page(
    gateway: Gateway,
    jp_fetch: Callable[..., Any],
    folder: Path,
    data: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = []
    for request in session():
        body = json.dumps(request).encode()
        answers.append((await jp_fetch("nextedit", "suggest", method="POST", body=body)).body)
    words = {"outcome": "shown", "kind": "inline", "lane": "model"}
    await jp_fetch("nextedit", "outcome", method="POST", body=json.dumps(words).encode())
    said = [
        *answers,
        (await jp_fetch("nextedit", "status")).body,
        (await jp_fetch("metrics")).body,
        caplog.text.encode(),
    ]
    assert all("error" not in json.loads(answer) for answer in answers)
    assert not [text for text in said if KEY.encode() in text]
    assert b"nextedit" in said[-2]  # our metrics are among them

    wait_until(lambda: len(HistoryStore(store_path(data))) >= 1)
    kept = [(one.event.before, one.event.after) for one in HistoryStore(store_path(data)).edits()]
    assert not [texts for texts in kept if KEY in "".join(texts)]

    files = [
        path for root in (folder, data, tmp_path) for path in root.rglob("*") if path.is_file()
    ]
    assert {"worker.log", "statistics.sqlite", "history.sqlite"} <= {path.name for path in files}
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert holding(KEY, vars(gateway), vars(gateway.client)) == []

    page = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    ours = [path for root in (folder, data) for path in root.rglob("*") if not path.is_dir()]
    names = {path.name.replace(f"worker-{__version__}", "worker-<version>") for path in ours}
    assert [name for name in sorted(names) if not _is_named(name, page)] == []


def _is_named(name: str, page: str) -> bool:
    """Whether the page names the file: whole, or as the ending after one that it names."""
    stem, ending = re.fullmatch(r"(.*?)((?:-wal|-shm)?)", name).groups()  # type: ignore[union-attr]
    if ending:
        return f"`{ending}`" in page and stem in page
    first, dot, last = name.rpartition(".")
    whole = f"`{name}`" in page or f"/{name}`" in page
    return whole or (f"`{first}{dot}" in page and f"`{dot}{last}`" in page)
