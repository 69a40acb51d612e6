"""Suggesters whose model kills the worker: named in the worker's settings by tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from fake_suggesters import Fake

from nextedit_jupyter.core import Answer, SuggestRequest, phases
from nextedit_jupyter.core.phases import Phase


class WithModel(Fake):
    """Asks a model unless the cell begins with `plain`; `die` kills the worker inside the model."""

    bundle: str | None = "fake/1"

    def answer(self, request: SuggestRequest, *, cancelled: Callable[[], bool]) -> Answer:
        if not request.cell.source.startswith(("plain", "kill")):
            phases.name_model(self.bundle or "")
            with phases.during(Phase.MODEL):
                if request.cell.source == "die":
                    os.kill(os.getpid(), signal.SIGKILL)
        return super().answer(request, cancelled=cancelled)


def with_model(with_model: bool) -> Fake:
    made = WithModel()
    if not with_model:
        made.bundle, made.lanes = None, ("symbols",)
    return made


def mended(with_model: bool) -> Fake:
    """Dies while loading as long as the file that the environment names exists."""
    if with_model and Path(os.environ["FAKE_MODEL_DIES"]).exists():
        os.kill(os.getpid(), signal.SIGKILL)
    made = WithModel()
    made.bundle = "fake/1" if with_model else None
    return made
