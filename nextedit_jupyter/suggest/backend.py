"""What the suggester needs from a model: one bundle, several, or a team's server."""

from __future__ import annotations

from typing import Protocol

from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.suggest.lane import Cancelled
from nextedit_jupyter.suggest.model_lane import ModelAnswer, ModelSettings


class ModelBackend(Protocol):
    """A model. Called for one kind at a time, by one thread at a time."""

    @property
    def bundles(self) -> list[dict[str, str]]:
        """Id, language and label of every bundle that can be asked, the preferred one first."""

    @property
    def remote(self) -> dict[str, str | None] | None:
        """The host that the user's text is sent to, its model, and what is wrong with it.

        None if the text stays on this machine.
        """

    @property
    def settings(self) -> ModelSettings: ...

    @settings.setter
    def settings(self, settings: ModelSettings) -> None: ...

    def inline(
        self, request: SuggestRequest, deadline: float, cancelled: Cancelled
    ) -> ModelAnswer: ...

    def next_edit(
        self, request: SuggestRequest, deadline: float, cancelled: Cancelled
    ) -> ModelAnswer: ...

    def prefill(self, request: SuggestRequest, cancelled: Cancelled) -> None:
        """Read ahead what the next request will share with this one."""

    def forget(self) -> None:
        """Drop the caches, so that the next request is answered from scratch."""
