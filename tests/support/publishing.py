"""A publisher of tiny bundles and a web server on loopback."""

from __future__ import annotations

import functools
import http.server
import threading
from pathlib import Path
from typing import Any

from tiny_bundle import make_bundle

from nextedit_jupyter.bundles.publish import Publisher

ID = "nextedit-python"


class Publishing:
    """A publisher and a web server on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.publisher = Publisher(folder / "repository", folder / "keys", passphrase=b"x")
        self.root = self.publisher.init(root_keys=1, threshold=1)
        handler = functools.partial(_Quiet, directory=str(folder / "repository"))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def publish(self, version: str, changes: str = "", *, spoil: bool = False) -> None:
        made = make_bundle(
            self.folder / version, id=ID, version=version, seed=int(version[2]), spoil=spoil
        )
        self.publisher.add(made, changes=changes)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...
