"""Sends questions to the worker from background threads, newest first.

A key must never wait: the prompt's loop submits a question and polls for the answer. A late answer
is unused, never wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Ticket(Generic[T]):
    """A question in progress; `value` is None until it is `done`, and if there is no answer."""

    __slots__ = ("done", "question", "value")

    def __init__(self, question: Callable[[], T | None]) -> None:
        self.question = question
        self.value: T | None = None
        self.done = False

    def run(self) -> None:
        try:
            self.value = self.question()
        except Exception:  # no worker, no answer: a suggestion from history is shown
            self.value = None
        self.done = True


class Asker(Generic[T]):
    """Runs questions on `threads` daemon threads; a newer question replaces a waiting one.

    With two threads, a newer question reaches the worker, which then drops the older one.
    """

    def __init__(self, threads: int = 2) -> None:
        self._waiting: Ticket[T] | None = None
        self._change = threading.Condition()
        self._closed = False
        self._threads = threads
        self._started = 0
        self._idle = 0

    def ask(self, question: Callable[[], T | None]) -> Ticket[T]:
        """Submit a question; returns at once."""
        ticket = Ticket(question)
        with self._change:
            if self._waiting is not None:
                self._waiting.done = True  # nobody waits for it any more
            self._waiting = ticket
            if not self._idle and self._started < self._threads and not self._closed:
                self._started += 1
                threading.Thread(target=self._work, name="nextedit-ghost", daemon=True).start()
            self._change.notify()
        return ticket

    def close(self) -> None:
        """Let the threads end after their current questions."""
        with self._change:
            self._closed = True
            self._waiting = None
            self._change.notify_all()

    def _work(self) -> None:
        while True:
            with self._change:
                while self._waiting is None and not self._closed:
                    self._idle += 1
                    self._change.wait()
                    self._idle -= 1
                if self._closed:
                    return
                ticket, self._waiting = self._waiting, None
            assert ticket is not None
            ticket.run()
