"""What a page sends of what changed is read as what it would have sent in full."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from nextedit_jupyter.core.changes import HeldStates
from nextedit_jupyter.core.request import Bounds
from nextedit_jupyter.core.wire import decode_request

LABEXTENSION = Path(__file__).resolve().parents[2] / "labextension"


@pytest.mark.skipif(
    shutil.which("node") is None or not (LABEXTENSION / "node_modules" / "tsx").is_dir(),
    reason="needs the front end's packages: cd labextension && jlpm install",
)
def test_a_session_of_a_page_told_by_its_changes_is_the_one_told_in_full() -> None:
    done = subprocess.run(
        ["node", "--import", "tsx", "test/support/tellChanges.ts"],
        cwd=LABEXTENSION,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 120
    held, bounds = HeldStates(), Bounds()
    for line in lines:
        assert held.decode("page", line["told"], bounds) == decode_request(line["plain"], bounds)
    changed = [line["told"] for line in lines if "base" in line["told"]["notebook"]]
    assert len(changed) > 100
    assert sum("order" in told["notebook"] for told in changed) > 10
    named = [event for told in changed for event in told["history"] if event.keys() == {"hash"}]
    assert named
    assert any(told["facts"].keys() == {"hash"} for told in changed)
