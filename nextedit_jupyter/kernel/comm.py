"""The comm between kernel and browser: facts out, the notebook in, suggestions to apply out.

Kernel and browser both may open it under the target "nextedit": the kernel on load, the browser
when it finds none. Messages come in on the main thread or, where the front end uses subshells, on
another one.

    browser -> kernel   {"op": "facts"}
    kernel -> browser   {"op": "facts", "facts": FactsWire}
    kernel -> browser   {"op": "notebook", "token": t}
    browser -> kernel   {"op": "notebook", "token": t, "request": RequestWire}
    kernel -> browser   {"op": "apply", "suggestion": SuggestionWire}    offsets in UTF-16 units
    kernel -> browser   {"op": "enabled", "enabled": bool}               after `%nextedit on|off`
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from nextedit_jupyter.kernel.quiet import suppress_errors

TARGET = "nextedit"


class Channel:
    """All open comms of one kernel. `facts` returns the answer to the browser's question."""

    def __init__(self, facts: Callable[[], Mapping[str, Any]]) -> None:
        self._facts = facts
        self._lock = threading.Lock()
        self._comms: list[Any] = []
        self._manager: Any = None
        self._has_received = False
        self._answers: dict[str, Mapping[str, Any] | None] = {}
        self._answered = threading.Condition(self._lock)
        self._asked = 0
        self._unresponsive = False
        self._answered_late = False

    @property
    def connected(self) -> bool:
        """Whether a browser has sent a message: an open comm proves nothing, since it may be
        ignored."""
        with self._lock:
            return self._has_received and bool(self._comms)

    @suppress_errors("opening the comm")
    def open(self) -> None:
        """Register the target and open a comm; does not raise where there are no comms."""
        import comm

        self._manager = comm.get_comm_manager()
        self._manager.register_target(TARGET, self._on_open)
        self._take(comm.create_comm(target_name=TARGET))

    def close(self) -> None:
        """Close all comms and unregister the target."""
        with self._lock:
            comms, self._comms = self._comms, []
            manager, self._manager = self._manager, None
        for one in comms:
            self._close(one)
        if manager is not None and manager.targets.get(TARGET) == self._on_open:
            manager.unregister_target(TARGET, self._on_open)

    def send(self, message: Mapping[str, Any]) -> bool:
        """Send to the connected browser; returns whether there is one."""
        if not self.connected:
            return False
        with self._lock:
            comms = list(self._comms)
        for one in comms:
            self._send(one, message)
        return True

    def ask_notebook(self, timeout: float) -> Mapping[str, Any] | None:
        """The browser's request (RequestWire), or None if none comes within `timeout` seconds.

        Returns None at once if no browser has sent a message, or if one did not answer: either its
        page is gone (then a new page's first message ends this), or its comms wait for the running
        cell (then an answer would never be in time).
        """
        if self._unresponsive or not self.connected:
            return None
        with self._answered:
            self._asked += 1
            token = str(self._asked)
            self._answers[token] = None
        self.send({"op": "notebook", "token": token})
        with self._answered:
            self._answered.wait_for(lambda: self._answers[token] is not None, timeout)
            answer = self._answers.pop(token)
            self._unresponsive = answer is None
            return answer

    def _on_open(self, comm: Any, message: Any) -> None:
        self._take(comm)

    def _take(self, comm: Any) -> None:
        # ipykernel 7.4 routes a reply to the shell that sent last. A cell that asks for the
        # notebook blocks that shell until it is answered, so the browser's own subshell must
        # receive it.
        if hasattr(comm, "_reply_subshell_for"):
            comm._reply_subshell_for = _as_sent
        comm.on_msg(lambda message: self._on_message(comm, message))
        comm.on_close(lambda message: self._forget(comm))
        with self._lock:
            self._comms.append(comm)

    def _forget(self, comm: Any) -> None:
        with self._lock:
            self._comms = [one for one in self._comms if one is not comm]

    @suppress_errors("answering the browser")
    def _on_message(self, comm: Any, message: Any) -> None:
        data = message["content"]["data"]
        if not isinstance(data, dict):
            return
        with self._lock:
            self._has_received = True
            self._unresponsive = self._unresponsive and (
                self._answered_late or data.get("op") != "facts"
            )
        if data.get("op") == "facts":
            reply = {"op": "facts", "facts": self._facts()}
            if "id" in data:
                reply["id"] = data["id"]
            comm.send(reply)
        elif data.get("op") == "notebook":
            token, request = data.get("token"), data.get("request")
            with self._answered:
                if token in self._answers and isinstance(request, dict):
                    self._answers[token] = request
                    self._answered.notify_all()
                else:
                    self._answered_late = True

    @suppress_errors("writing to the browser")
    def _send(self, comm: Any, message: Mapping[str, Any]) -> None:
        comm.send(dict(message))

    @suppress_errors("closing the comm")
    def _close(self, comm: Any) -> None:
        comm.close()


def _as_sent(data: object, subshell: str | None) -> str | None:
    """The subshell that a message from the browser was sent to."""
    return subshell
