"""Stand-ins for the real suggester: named on the worker's command line by tests."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from nextedit_jupyter.core import Answer, CellEdit, Silence, Suggestion, SuggestRequest, TextEdit
from nextedit_jupyter.core.errors import BundleError


class Fake:
    """Obeys the caret's cell: `sleep 2`, `hang`, `kill`, `raise`, `leak`; otherwise it appends.

    The appended text says which process answered, and how many requests it had answered before.
    """

    bundle: str | None = "fake/1"
    problem: str | None = None
    lanes: tuple[str, ...] = ("model",)
    bundles: tuple[dict[str, str], ...] = ()
    remote = None

    def __init__(self) -> None:
        self.asked = 0
        self.leaked: list[bytes] = []

    def answer(self, request: SuggestRequest, *, cancelled: Callable[[], bool]) -> Answer:
        self.asked += 1
        verb, _, rest = request.cell.source.partition(" ")
        if verb == "sleep":
            until = time.monotonic() + float(rest)
            while time.monotonic() < until:
                if cancelled():
                    return Answer(silence={kind: Silence("stale") for kind in request.want})
                time.sleep(0.005)
        elif verb == "hang":
            import re

            re.match(r"(a+)+$", "a" * 64 + "b")  # holds the GIL for a long time
        elif verb == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif verb == "raise":
            raise RuntimeError(request.cell.source)
        elif verb == "leak":
            self.leaked.append(os.urandom(int(rest) * 2**20))
        source = request.cell.source
        edit = TextEdit.insert(len(source), f"#{os.getpid()}.{self.asked}")
        change = CellEdit.of(request.caret.cell, source, edit)
        suggestion = Suggestion("s1", "inline", "model", "more", 0.9, (change,))
        return Answer(suggestions=(suggestion,), bundle=self.bundle)

    def prefill(self, request: SuggestRequest, *, cancelled: Callable[[], bool]) -> None:
        self.asked += 100


def fake(with_model: bool) -> Fake:
    return Fake()


def slow_to_load(with_model: bool) -> Fake:
    time.sleep(0.5)
    return Fake()


def without_bundle(with_model: bool) -> Fake:
    if with_model:
        raise BundleError("no bundle: run `jupyter nextedit fetch`")
    made = Fake()
    made.bundle, made.lanes = None, ("symbols",)
    return made


def broken(with_model: bool) -> Fake:
    raise RuntimeError("secret_of_the_user")


def dies_with_a_model(with_model: bool) -> Fake:
    if with_model:
        os.kill(os.getpid(), signal.SIGKILL)
    return without_bundle(with_model)
