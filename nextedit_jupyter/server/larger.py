"""Downloads the larger model when a page asks for it: one at a time, in a separate process.

The server itself neither downloads nor computes: it runs `jupyter nextedit model get --json`, which
reports its progress and ends with the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from typing import Literal

from nextedit_jupyter.bundles.active import user_store
from nextedit_jupyter.bundles.bundle import named_bundle_path
from nextedit_jupyter.bundles.delta import Delta, deltas
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.core.status import LargerWire
from nextedit_jupyter.server.config import NextEdit

COMMAND = (sys.executable, "-P", "-m", "nextedit_jupyter.cli", "model", "get", "--json")
_STEPS = ("fetch", "assemble", "try")


class Larger:
    """Gets the larger model on request. `on_installed` is called once it is in the store.

    For one event loop; `command` is for tests.
    """

    def __init__(
        self,
        config: NextEdit,
        on_installed: Callable[[], None] = lambda: None,
        command: tuple[str, ...] = COMMAND,
    ) -> None:
        self._config = config
        self._on_installed = on_installed
        self._command = command
        self._delta: Delta | None = None
        self._has_looked = False
        self._getting: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._step: Literal["fetch", "assemble", "try"] | None = None
        self._share = 0.0
        self._problem = ""

    async def status(self) -> LargerWire | None:
        """The model on offer and the progress; None if there is none, or downloads are
        forbidden."""
        if not self.is_allowed:
            return None
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(None, self._look)
        if found is None:
            return None
        delta, is_here = found
        state: Literal["available", "getting", "here", "failed"] = "available"
        if self.is_getting:
            state = "getting"
        elif is_here:
            state = "here"
        elif self._problem:
            state = "failed"
        return {
            "label": delta.label,
            "state": state,
            "base": f"{delta.base.name}, {delta.base.requirement}",
            "licence": delta.base.licence,
            "megabytes": round(delta.base.wheel_bytes / 1e6, 1),
            "step": self._step if state == "getting" else None,
            "share": self._share if state == "getting" else float(state == "here"),
            "problem": self._problem if state == "failed" else "",
        }

    @property
    def is_allowed(self) -> bool:
        """Whether the administrator allows downloads, and a downloaded model would be used."""
        if not self._config.enabled or not self._config.updates or self._config.bundle:
            return False
        try:
            return named_bundle_path() is None
        except BundleError:
            return False

    @property
    def is_getting(self) -> bool:
        return self._getting is not None and not self._getting.done()

    def get(self) -> None:
        """Start, unless it is already in progress."""
        if not self.is_getting:
            self._step, self._share, self._problem = None, 0.0, ""
            self._getting = asyncio.ensure_future(self._get())

    def close(self) -> None:
        if self._getting is not None:
            self._getting.cancel()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def _look(self) -> tuple[Delta, bool] | None:
        if not self._has_looked:
            known = deltas()
            self._delta, self._has_looked = (known[0] if known else None), True
        if self._delta is None:
            return None
        choice = None
        with contextlib.suppress(BundleError):
            choice = user_store().choices().get(self._delta.id)
        is_here = choice is not None and choice.is_usable and choice.current == self._delta.version
        return self._delta, is_here

    async def _get(self) -> None:
        installed = False
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            assert process.stdout is not None
            async for line in process.stdout:
                installed = self._take(line) or installed
            code = await process.wait()
        except (OSError, ValueError) as error:
            self._problem = f"the model could not be fetched ({type(error).__name__})"
            return
        if installed and code == 0:
            self._on_installed()
        elif not self._problem:
            self._problem = f"the model could not be fetched (pip ended with code {code})"

    def _take(self, line: bytes) -> bool:
        """Process one line of the command's output; returns whether it says that the model is
        installed."""
        try:
            value = json.loads(line)
        except ValueError:
            return False
        if not isinstance(value, dict):
            return False
        if value.get("step") in _STEPS:
            self._step = value["step"]
            self._share = min(1.0, max(0.0, float(value.get("share", 0.0))))
        elif "problem" in value:
            self._problem = str(value["problem"])[:1000]
        return "installed" in value
