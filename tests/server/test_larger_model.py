"""The larger model over HTTP: offered, got by one request, its progress in the status."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_bundle import make_bundle
from traitlets.config import Config

from nextedit_jupyter.bundles.delta import Base, Delta
from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.server import larger as module
from nextedit_jupyter.server.config import NextEdit
from nextedit_jupyter.server.gateway import Gateway
from nextedit_jupyter.server.larger import Larger

BASE = Base(
    "tiny-base",
    "1.0.0",
    "0" * 64,
    93_000_000,
    "base.gguf",
    1,
    "0" * 64,
    "Tiny base",
    "MIT",
    "By us.",
)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("NEXTEDIT_BUNDLE", raising=False)
    delta = Delta(
        tmp_path, "nextedit-large", "1.0.0", BASE, None, (), None, 1.0, "cells-spm-v1", 2048,
        "python", "BSD-3-Clause", "0.1.0", {},
    )  # fmt: skip
    monkeypatch.setattr(module, "deltas", lambda: [delta])


def saying(*lines: object, code: int = 0, wait: float = 0.0) -> tuple[str, ...]:
    """A command that says lines as `model get --json` does."""
    said = [json.dumps(line) for line in lines]
    program = (
        f"import sys, time\nfor line in {said!r}: print(line, flush=True)\n"
        f"time.sleep({wait})\nsys.exit({code})"
    )
    return sys.executable, "-c", program


async def until(larger: Larger, state: str) -> Any:
    for _ in range(400):
        status = await larger.status()
        if (
            status is not None
            and status["state"] == state
            and (state != "getting" or status["step"])
        ):
            return status
        await asyncio.sleep(0.05)
    raise AssertionError(await larger.status())


async def test_it_is_offered_with_its_base_licence_and_size() -> None:
    status = await Larger(NextEdit()).status()
    assert status is not None
    assert (status["label"], status["state"]) == ("nextedit-large/1.0.0", "available")
    assert (status["base"], status["licence"]) == ("Tiny base, tiny-base==1.0.0", "MIT")
    assert status["megabytes"] == 93.0


async def test_progress_is_told_and_the_end(tmp_path: Path) -> None:
    told: list[str] = []
    step = {"step": "assemble", "share": 0.5}
    command = saying(step, {"installed": "nextedit-large/1.0.0"}, wait=1.5)
    larger = Larger(NextEdit(), lambda: told.append("in"), command)
    larger.get()
    larger.get()  # a second click changes nothing
    status = await until(larger, "getting")
    assert (status["step"], status["share"]) == ("assemble", 0.5)
    made = make_bundle(tmp_path / "made", id="nextedit-large", version="1.0.0")
    BundleStore(tmp_path / "data" / "bundles").install(made)
    await until(larger, "here")
    assert told == ["in"]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (saying({"step": "fetch", "share": 0}, {"problem": "the disk is full"}, code=1), "disk"),
        (saying(code=3), "code 3"),
        (saying("no object", {"step": "unheard-of"}, code=1), "code 1"),
        (("/nowhere/python",), "could not be fetched"),
    ],
)
async def test_what_went_wrong_is_said_and_may_be_tried_again(
    command: tuple[str, ...], says: str
) -> None:
    larger = Larger(NextEdit(), command=command)
    larger.get()
    assert says in (await until(larger, "failed"))["problem"]
    larger.get()
    assert larger.is_getting
    larger.close()


@pytest.mark.parametrize("fields", [{"updates": False}, {"enabled": False}, {"bundle": "/own"}])
async def test_nothing_is_offered_where_nothing_may_be_fetched_or_would_answer(
    fields: dict[str, Any],
) -> None:
    assert await Larger(NextEdit(config=Config({"NextEdit": fields}))).status() is None


async def test_the_route_begins_and_the_status_has_it(
    jp_fetch: Any, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.loads((await jp_fetch("nextedit", "status")).body)
    assert answer["larger"]["state"] == "available"
    gateway.larger._command = saying({"step": "fetch", "share": 0.25}, wait=30)
    response = await jp_fetch("nextedit", "model", "get", method="POST", body="{}")
    assert response.code == 202
    assert json.loads(response.body)["state"] == "getting"
    await until(gateway.larger, "getting")
    answer = json.loads((await jp_fetch("nextedit", "status")).body)
    assert (answer["larger"]["step"], answer["larger"]["share"]) == ("fetch", 0.25)
    gateway.larger.close()


@pytest.mark.parametrize(("fields", "code"), [({"updates": False}, 403), ({}, 404)])
async def test_the_route_refuses_what_is_not_to_be(
    jp_fetch: Any, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, fields: Any, code: int
) -> None:
    monkeypatch.setattr(module, "deltas", lambda: [])
    for name, value in fields.items():
        setattr(gateway.config, name, value)
    with pytest.raises(Exception, match=str(code)):
        await jp_fetch("nextedit", "model", "get", method="POST", body="{}")
    assert not gateway.larger.is_getting


async def test_the_route_is_closed_to_strangers(jp_fetch: Any, gateway: Gateway) -> None:
    with pytest.raises(Exception, match="403"):
        await jp_fetch(
            "nextedit", "model", "get", method="POST", body="{}", headers={"Authorization": "none"}
        )
    assert not gateway.larger.is_getting
