"""Chooses the model: by the language at the caret, or the one that the notebook names.

The first bundle for that language answers, in order of preference, or else the first one for any
language (`*`). In Python it is the first one for Python or for any language, because a user who
chooses a general model wants it to answer there. A Python model is never asked about other
languages, where it would only guess. At most two models are loaded; the least recently used one is
unloaded for another.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nextedit_jupyter.analysis.cell_languages import in_language, language_at_caret
from nextedit_jupyter.core import NextEditError, Silence, SuggestRequest, phases
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.suggest.lane import Cancelled
from nextedit_jupyter.suggest.model_lane import ModelAnswer, ModelLane, ModelSettings

log = logging.getLogger(__name__)

MAX_LOADED = 2
ANY = "*"


@dataclass(frozen=True, slots=True)
class Specialist:
    """A bundle that can be asked. `open` loads it and raises NextEditError if it cannot be used."""

    id: str
    language: str
    label: str
    open: Callable[[], ModelLane]


class Router:
    """A suggester's model lane, made of one lane per bundle.

    `specialists` are in order of preference; `loaded` is the lane of the first of them.
    """

    def __init__(
        self, specialists: Sequence[Specialist], loaded: ModelLane, *, limit: int = MAX_LOADED
    ) -> None:
        self._specialists = list(specialists)
        self._loaded: OrderedDict[str, ModelLane] = OrderedDict({specialists[0].label: loaded})
        self._max_loaded = max(1, limit)

    @property
    def loaded(self) -> list[str]:
        """Labels of the bundles in memory, the most recently used one last."""
        return list(self._loaded)

    @property
    def bundles(self) -> list[dict[str, str]]:
        """Id, language and label of every bundle that can be asked, the preferred one first."""
        return [
            {"id": one.id, "language": one.language, "label": one.label}
            for one in self._specialists
        ]

    @property
    def remote(self) -> None:
        """None: all bundles are local."""
        return None

    @property
    def settings(self) -> ModelSettings:
        """The settings of the bundle that was loaded first, for measurements."""
        return next(iter(self._loaded.values())).settings

    @settings.setter
    def settings(self, settings: ModelSettings) -> None:
        next(iter(self._loaded.values())).settings = settings

    def inline(self, request: SuggestRequest, deadline: float, cancelled: Cancelled) -> ModelAnswer:
        found = self._lane(request)
        if isinstance(found, Silence):
            return ModelAnswer(silence={"inline": found})
        lane, label, request = found
        return replace(lane.inline(request, deadline, cancelled), bundle=label)

    def next_edit(
        self, request: SuggestRequest, deadline: float, cancelled: Cancelled
    ) -> ModelAnswer:
        found = self._lane(request)
        if isinstance(found, Silence):
            kind: Kind = "next_edit"
            return ModelAnswer(silence={kind: found})
        lane, label, request = found
        return replace(lane.next_edit(request, deadline, cancelled), bundle=label)

    def prefill(self, request: SuggestRequest, cancelled: Cancelled) -> None:
        found = self._lane(request)
        if not isinstance(found, Silence):
            found[0].prefill(found[2], cancelled)

    def forget(self) -> None:
        for lane in self._loaded.values():
            lane.forget()

    def _lane(self, request: SuggestRequest) -> tuple[ModelLane, str, SuggestRequest] | Silence:
        language = language_at_caret(request)
        while True:
            chosen = self._choose(language, request.bundle)
            if chosen is None:
                named = (
                    f"the bundle {request.bundle}" if request.bundle else f"a model of {language}"
                )
                return Silence(
                    "no_model", f"{named} is not installed: see `jupyter nextedit model list`"
                )
            lane = self._load(chosen)
            if lane is not None:
                phases.name_model(chosen.label)
                if language != request.notebook.language:
                    request = in_language(request, language)
                return lane, chosen.label, request

    def _choose(self, language: str, named: str | None) -> Specialist | None:
        known = self._specialists
        if named:
            return next((one for one in known if one.id == named), None)
        if language == "python":  # the chosen model answers here, if it can
            return next((one for one in known if one.language in (language, ANY)), None)
        return next((one for one in known if one.language == language), None) or next(
            (one for one in known if one.language == ANY), None
        )

    def _load(self, chosen: Specialist) -> ModelLane | None:
        """The lane of a bundle; None if it cannot be used, and then it is not tried again."""
        lane = self._loaded.get(chosen.label)
        if lane is None:
            while len(self._loaded) >= self._max_loaded:
                self._loaded.popitem(last=False)
            try:
                lane = self._loaded[chosen.label] = chosen.open()
            except NextEditError as error:
                log.warning("%s cannot be used: %s", chosen.label, error.code)
            except Exception as error:
                log.warning("%s cannot be loaded: %s", chosen.label, type(error).__name__)
            if lane is None:
                self._specialists.remove(chosen)
                return None
        self._loaded.move_to_end(chosen.label)
        return lane
