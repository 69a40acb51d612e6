"""The Jupyter server extension: login, authorisation, bounds, metrics, and the connection to the
worker.

It passes requests on without reading them; suggestions are made in the worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def load(server_app: ServerApp) -> None:
    """Add the routes under `nextedit/` to a server, configured by `c.NextEdit`."""
    from nextedit_jupyter.server.extension import attach

    attach(server_app)
