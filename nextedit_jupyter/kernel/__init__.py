"""The IPython extension: the record of runs, facts, the comm to the browser, `%nextedit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextedit_jupyter.kernel.session import Session
    from nextedit_jupyter.kernel.worker_calls import KernelClient

_sessions: dict[int, Session] = {}


def load(shell: Any) -> Session:
    """Start a session on `shell` (an InteractiveShell), or return the one it has."""
    if id(shell) not in _sessions:
        session = make_session(shell)
        session.start()
        _sessions[id(shell)] = session
    return _sessions[id(shell)]


def make_session(shell: Any, make_client: Callable[[str], KernelClient] | None = None) -> Session:
    """A session with `%nextedit`, not started yet; `make_client` is that of `Session`."""
    from nextedit_jupyter.kernel import magic_commands
    from nextedit_jupyter.kernel.session import Session

    return Session(shell, make_client, parts=[magic_commands.register])


def unload(shell: Any) -> None:
    """End the session on `shell` and undo everything it changed there."""
    session = _sessions.pop(id(shell), None)
    if session is not None:
        session.stop()


def session_of(shell: Any) -> Session | None:
    """The session on `shell`, if the extension is loaded there."""
    return _sessions.get(id(shell))
