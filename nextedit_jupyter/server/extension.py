"""Adds the routes to a server, and disconnects from the worker when the server ends."""

from __future__ import annotations

import atexit
import os
import re

from jupyter_server.base.handlers import APIHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join

from nextedit_jupyter.server.config import NextEdit
from nextedit_jupyter.server.gateway import Gateway
from nextedit_jupyter.server.handlers import (
    GetModelHandler,
    OutcomeHandler,
    RestartWorkerHandler,
    StatusHandler,
    SuggestHandler,
    TourHandler,
)
from nextedit_jupyter.worker.client import WorkerSettings

MAX_ROOT = 2_000  # characters: it is sent in each request's header


def root_of(server_app: ServerApp) -> str | None:
    """The folder whose files the server shows; None if its contents are not files in a folder."""
    named = getattr(server_app.contents_manager, "root_dir", None)
    if not isinstance(named, str) or not named:
        return None
    root = os.path.realpath(os.path.expanduser(named))
    return root if os.path.isdir(root) and len(root) <= MAX_ROOT else None


def attach(server_app: ServerApp, settings: WorkerSettings | None = None) -> Gateway:
    """Add the routes; returns the gateway, which is also in the web application's settings under
    "nextedit". `settings` replaces those from `c.NextEdit` in tests."""
    gateway = Gateway(NextEdit(parent=server_app), settings, root=root_of(server_app))
    web_app = server_app.web_app
    web_app.settings["nextedit"] = gateway
    base = re.escape(web_app.settings["base_url"])
    routes: dict[str, type[APIHandler]] = {
        "suggest": SuggestHandler,
        "outcome": OutcomeHandler,
        "status": StatusHandler,
        "model/get": GetModelHandler,
        "worker/restart": RestartWorkerHandler,
        "tour": TourHandler,
    }
    web_app.add_handlers(  # type: ignore[no-untyped-call]
        ".*$",
        [
            (url_path_join(base, "nextedit", path), handler, {"gateway": gateway})
            for path, handler in routes.items()
        ],
    )
    atexit.register(gateway.close)
    server_app.log.info("nextedit is %s", "on" if gateway.config.enabled else "off")
    return gateway
