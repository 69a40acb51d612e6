"""A Jupyter server with the extension and a real worker process behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from real_worker import connect, folder, settings

from nextedit_jupyter.server.extension import attach
from nextedit_jupyter.server.gateway import Gateway
from nextedit_jupyter.worker.client import WorkerClient, WorkerSettings

__all__ = ["connect", "folder", "settings"]


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"allow_unauthenticated_access": False}}


@pytest.fixture
def gateway(
    jp_serverapp: Any,
    settings: Callable[..., WorkerSettings],
    connect: Callable[..., WorkerClient],
    request: pytest.FixtureRequest,
) -> Iterator[Gateway]:
    connect()  # ends the worker after the test
    fields = getattr(request, "param", {})
    found = attach(jp_serverapp, settings(**fields))
    yield found
    found.close()
