"""The model lane with a team's server: the server is asked first, the local bundle if it fails.

Gates and thresholds are the same as for other models. The lanes without a model never send
anything.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from nextedit_jupyter.core import Silence, SuggestRequest
from nextedit_jupyter.core.redact import begins_secret
from nextedit_jupyter.core.remote_settings import RemoteSettings
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.engine.remote_engine import (
    BYTES_PER_TOKEN,
    ByteTokenizer,
    RemoteEngine,
    RemoteError,
)
from nextedit_jupyter.prompt import get_format
from nextedit_jupyter.suggest.lane import Cancelled
from nextedit_jupyter.suggest.model_lane import ModelAnswer, ModelLane, ModelSettings
from nextedit_jupyter.suggest.routing import Router

log = logging.getLogger(__name__)


class TeamServer:
    """A team's server with the local models as the fallback; `local` is None if there are none.

    Raises NextEditError if the settings name an unknown format, or a key or certificates that
    cannot be read.
    """

    def __init__(
        self,
        settings: RemoteSettings,
        local: Router | None = None,
        *,
        engine: RemoteEngine | None = None,
    ) -> None:
        format = get_format(settings.prompt)
        tokenizer = ByteTokenizer(format.control_tokens)
        self._where = settings
        self._engine = engine or RemoteEngine(settings, tokenizer)
        default = ModelSettings()
        self._remote = ModelLane(
            self._engine,
            format,
            tokenizer,
            replace(default, budget=default.budget * BYTES_PER_TOKEN),
        )
        self._local = local

    @property
    def remote(self) -> dict[str, str | None]:
        """The host that text is sent to, its model, and what is wrong with it (None: nothing)."""
        return {
            "host": self._where.host,
            "model": self._where.model or None,
            "problem": self._engine.problem,
        }

    @property
    def label(self) -> str:
        return self._where.label

    @property
    def bundles(self) -> list[dict[str, str]]:
        return self._local.bundles if self._local is not None else []

    @property
    def settings(self) -> ModelSettings:
        return self._remote.settings

    @settings.setter
    def settings(self, settings: ModelSettings) -> None:
        self._remote.settings = settings

    def inline(self, request: SuggestRequest, deadline: float, cancelled: Cancelled) -> ModelAnswer:
        local = self._local
        return self._ask(
            "inline",
            request,
            lambda: self._remote.inline(request, deadline, cancelled),
            None if local is None else lambda: local.inline(request, deadline, cancelled),
        )

    def next_edit(
        self, request: SuggestRequest, deadline: float, cancelled: Cancelled
    ) -> ModelAnswer:
        local = self._local
        return self._ask(
            "next_edit",
            request,
            lambda: self._remote.next_edit(request, deadline, cancelled),
            None if local is None else lambda: local.next_edit(request, deadline, cancelled),
        )

    def prefill(self, request: SuggestRequest, cancelled: Cancelled) -> None:
        """Nothing is sent ahead; the local model reads ahead if it will answer."""
        if self._local is not None and (self._engine.problem or request.bundle):
            self._local.prefill(request, cancelled)

    def forget(self) -> None:
        self._remote.forget()
        if self._local is not None:
            self._local.forget()

    def _ask(
        self,
        kind: Kind,
        request: SuggestRequest,
        remote: Callable[[], ModelAnswer],
        local: Callable[[], ModelAnswer] | None,
    ) -> ModelAnswer:
        if local is not None and request.bundle:  # the notebook names a local model
            return local()
        cell = request.notebook.cell(request.caret.cell)
        if cell is not None and begins_secret(cell.source):  # a key may be half typed
            if local is not None:
                return local()
            return ModelAnswer(silence={kind: Silence("refused", "the cell may contain a secret")})
        try:
            return replace(remote(), bundle=self._where.label)
        except RemoteError as error:
            log.warning("%s was not used: %s", self._where.host, error)
            if local is not None:
                return local()
            return ModelAnswer(silence={kind: Silence("no_model", str(self._engine.problem))})
