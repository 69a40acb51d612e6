"""Attaches ghost text, fixes and completions to a terminal's prompt, and removes them again."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

from IPython.terminal.shortcuts.auto_suggest import NavigableAutoSuggestFromHistory
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, emacs_insert_mode, has_focus, has_suggestion

from nextedit_jupyter.core.pacing import Pacing, Power
from nextedit_jupyter.terminal.asking import Asker
from nextedit_jupyter.terminal.fix import find_fix
from nextedit_jupyter.terminal.ghost import GhostText, Inserted
from nextedit_jupyter.terminal.matcher import make_matcher
from nextedit_jupyter.terminal.session_protocol import TerminalSession

_IDENTIFIER = re.compile(r"[^\W\d]\w*|(?<=[\"'])[^\"'\n]{1,60}(?=[\"'])")
_RECENT_CELLS = 20
# How long the bytes of one key may take to arrive: this distinguishes Escape from an arrow key,
# which begins with the same byte. prompt_toolkit's half second is noticeable; a tenth is enough on
# any line.
ESCAPE_SECONDS = 0.1


class Terminal:
    """Ghost text, fixes and completions in one TerminalInteractiveShell."""

    def __init__(self, shell: Any, session: TerminalSession) -> None:
        self._shell = shell
        self._session = session
        self._asker: Asker[Inserted] = Asker()
        self._before = shell.auto_suggest
        self._power = Power()
        self._read_power: Callable[[], Power] | None = None
        self.ghost = GhostText(
            session,
            self._asker,
            self._before,
            Pacing(power=lambda: self._power, settings=session.pacing),
        )
        self._matcher = make_matcher(
            session.last_facts, lambda: self._recent, lambda before: self.ghost.expected(before)
        )
        self._recent: Sequence[str] = ()
        self._fix: str | None = None
        self._runs = 0
        self._lock = threading.Lock()
        self._escape_wait: float | None = None

    def start(self) -> None:
        shell, ghost = self._shell, self.ghost
        if isinstance(self._before, NavigableAutoSuggestFromHistory):
            self._before.disconnect()
            ghost._init_llm_provider = self._before._init_llm_provider
            ghost._llm_prefixer = self._before._llm_prefixer
        ghost.connect(shell.pt_app)
        shell.auto_suggest = shell.pt_app.auto_suggest = ghost
        shell.pt_app.app.on_reset += self._new_prompt
        # IPython's own Escape only hides the text; the binding added last is tried first.
        shown = has_suggestion & has_focus(DEFAULT_BUFFER) & emacs_insert_mode
        alone = Condition(self._comes_alone)
        shell.pt_app.key_bindings.add("escape", filter=shown, eager=alone)(self._dismiss)
        self._escape_wait = shell.pt_app.app.ttimeoutlen
        shell.pt_app.app.ttimeoutlen = min(self._escape_wait, ESCAPE_SECONDS)
        shell.events.register("post_run_cell", self._after_run)
        self._session.add_completer(self._matcher)
        self._refresh()

    def stop(self) -> None:
        shell = self._shell
        self._asker.close()
        self._session.drop_completer(self._matcher)
        if self._after_run in shell.events.callbacks["post_run_cell"]:
            shell.events.unregister("post_run_cell", self._after_run)
        shell.pt_app.app.on_reset -= self._new_prompt
        with contextlib.suppress(ValueError):  # the bindings were replaced
            shell.pt_app.key_bindings.remove(self._dismiss)
        if self._escape_wait is not None:
            shell.pt_app.app.ttimeoutlen = self._escape_wait
        self.ghost.disconnect()
        if shell.auto_suggest is self.ghost:
            shell.auto_suggest = shell.pt_app.auto_suggest = self._before
            if isinstance(self._before, NavigableAutoSuggestFromHistory):
                self._before.connect(shell.pt_app)

    def _comes_alone(self) -> bool:
        """Whether only Escape was pressed: Alt-F arrives as Escape and F together.

        Otherwise prompt_toolkit waits a second for what may follow.
        """
        return not self._shell.pt_app.app.key_processor.input_queue

    def _dismiss(self, event: Any) -> None:
        self.ghost.dismiss(event.current_buffer)

    def _after_run(self, result: Any) -> None:
        """After a cell ran: collect facts for completions and, after an error, look for a fix."""
        try:
            self._refresh()
        except Exception:  # never raise into the user's prompt
            self._fix = None

    def _refresh(self) -> None:
        self.ghost.pacing.settings = self._session.pacing  # `%nextedit config` may have run
        with self._lock:
            self._runs += 1
            self._fix = None
        if self._session.enabled:
            threading.Thread(
                target=self._look, args=(self._runs,), name="nextedit-facts", daemon=True
            ).start()

    def _look(self, run: int) -> None:
        """Runs on a thread of its own: facts first, then a fix."""
        try:
            self._warm_up()
            error = self._session.last_error
            texts = [cell.source for cell in self._session.notebook().cells[-_RECENT_CELLS:]]
            names = (name for text in reversed(texts) for name in _IDENTIFIER.findall(text))
            self._recent = tuple(dict.fromkeys(names))
            self._session.cached_facts()
            if error is None:
                return
            fix = find_fix(self._session, error)
            with self._lock:
                if fix is None or run != self._runs:
                    return
                self._fix = fix
            loop = self._shell.pt_app.app.loop
            if loop is not None and self._shell.pt_app.app.is_running:
                loop.call_soon_threadsafe(self._offer, fix, run)
        except Exception:  # the shell is closing, or the worker went away
            return

    def _warm_up(self) -> None:
        """Do what would otherwise slow down the first key: imports, and reading the battery."""
        self._session.warm_up()
        if self._read_power is None:
            from nextedit_jupyter.worker.power import PowerSource

            self._read_power = PowerSource()
        self._power = self._read_power()

    def _new_prompt(self, _: Any) -> None:
        """Called when a prompt opens: a fix that is ready becomes its ghost text."""
        with self._lock:
            fix = self._fix
        self.ghost.new_prompt(fix)
        if fix is not None:
            self.ghost.offer_fix(fix, self._shell.pt_app.default_buffer)

    def _offer(self, fix: str, run: int) -> None:
        """Runs on the prompt's loop: a fix arrived while it waits for input."""
        if run == self._runs and self.ghost.offer_fix(fix, self._shell.pt_app.default_buffer):
            self._shell.pt_app.app.invalidate()
