"""The IPython extension: what ran, what is known, the comm to the browser, `%nextedit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextedit_jupyter.kernel.session import Session

_sessions: dict[int, Session] = {}


def load(shell: Any) -> Session:
    """Begin a session on `shell` (an InteractiveShell); the one it has, if it has one."""
    from nextedit_jupyter.kernel.session import Session

    if id(shell) not in _sessions:
        session = Session(shell)
        session.start()
        _sessions[id(shell)] = session
    return _sessions[id(shell)]


def unload(shell: Any) -> None:
    """End the session on `shell` and take back all it changed there."""
    session = _sessions.pop(id(shell), None)
    if session is not None:
        session.stop()


def session_of(shell: Any) -> Session | None:
    """The session on `shell`, if the extension is loaded there."""
    return _sessions.get(id(shell))
