"""An IPython terminal whose keys come from a pipe, with the extension and a fake worker."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fake_client import FakeClient
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from prompt_toolkit.application import create_app_session
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from shell_fixtures import NO_HISTORY, close

from nextedit_jupyter import kernel, terminal
from nextedit_jupyter.core.notebook import text_hash
from nextedit_jupyter.kernel import make_session

RIGHT, CTRL_RIGHT, ESCAPE, ENTER, ALT_ENTER = "\x1b[C", "\x1b[1;5C", "\x1b", "\r", "\x1b\r"


def going_on(endings: Mapping[str, str]) -> Callable[[Mapping[str, Any]], list[dict[str, Any]]]:
    """Inline suggestions: what follows a draft that ends with a key of `endings`."""

    def answer(request: Mapping[str, Any]) -> list[dict[str, Any]]:
        if "inline" not in request["want"]:
            return []
        draft = next(
            c for c in request["notebook"]["cells"] if c["id"] == request["cursor"]["cell"]
        )
        offset = request["cursor"]["offset"]
        before = draft["source"][:offset]
        for ending, text in endings.items():
            if before.endswith(ending):
                edit = {
                    "cell": draft["id"],
                    "base": text_hash(draft["source"]),
                    "start": offset,
                    "end": offset,
                    "text": text,
                }
                head = {"id": "s1", "kind": "inline", "lane": "model", "confidence": 0.9}
                return [{**head, "label": "", "edits": [edit]}]
        return []

    return answer


class Terminal:
    """A user at the prompt."""

    def __init__(self, shell: Any, keys: PipeInput) -> None:
        self.shell = shell
        self.keys = keys
        self.client = FakeClient(lambda request: [])
        self.session = make_session(shell, lambda name: self.client)
        self.seen: list[str | None] = []  # the ghost text at each redraw

    @property
    def buffer(self) -> Any:
        return self.shell.pt_app.default_buffer

    @property
    def ghost(self) -> str | None:
        suggestion = self.buffer.suggestion
        return suggestion.text if suggestion is not None else None

    def run(self, text: str) -> None:
        """Run a cell as if it had been typed."""
        self.shell.run_cell(text, store_history=True)
        self.buffer.history.append_string(text)

    def until_looked(self) -> None:
        """Wait for the threads that collect facts after a run."""
        for thread in threading.enumerate():
            if thread.name == "nextedit-facts":
                thread.join(10)

    def prompt(self, typing: Callable[[], Awaitable[None]]) -> str:
        """Open a prompt, do what `typing` does, and return what was entered."""

        async def both() -> str:
            app = self.shell.pt_app.app
            draw = lambda _: self.seen.append(self.ghost)  # noqa: E731
            app.after_render += draw
            options = self.shell._extra_prompt_options()
            prompt = asyncio.ensure_future(self.shell.pt_app.prompt_async(**options))
            try:
                await self.until(lambda: app.is_running)
                await typing()
                return await asyncio.wait_for(prompt, 60)
            finally:
                app.after_render -= draw
                if not prompt.done():
                    app.exit(result="")
                    await prompt

        return asyncio.run(both())

    async def until(self, condition: Callable[[], bool], what: str = "") -> None:
        """Run the prompt's event loop until the condition holds."""
        end = time.monotonic() + 30
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"never came true: {what}; the ghost text is {self.ghost!r}")
            await asyncio.sleep(0.005)

    async def type(self, text: str) -> None:
        """Send keys and wait until the printable ones appear in the prompt."""
        before = self.buffer.text
        self.keys.send_text(text)
        if text.isprintable():
            await self.until(lambda: self.buffer.text == before + text, f"typing {text!r}")

    async def shows(self, ghost: str | None) -> None:
        await self.until(lambda: self.ghost == ghost, f"ghost text {ghost!r}")


@pytest.fixture
def someone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A user at a terminal prompt with the extension."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    TerminalInteractiveShell.clear_instance()
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        shell: Any = TerminalInteractiveShell.instance(
            simple_prompt=False, colors="nocolor", config=NO_HISTORY
        )
        shell.pt_app.default_buffer.history = InMemoryHistory()
        made = Terminal(shell, keys)
        made.session.start()
        kernel._sessions[id(shell)] = made.session
        terminal.load(shell, made.session)
        yield made
        terminal.unload(shell)
        made.session.stop()
        kernel._sessions.pop(id(shell), None)
        close(shell)
    TerminalInteractiveShell.clear_instance()
