"""Ghost text: the worker's suggestion, or one from history.

One line is shown at a time; a longer suggestion appears line by line as the user continues. What is
shown stays while it is being typed, so that nothing flickers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from IPython.terminal.shortcuts.auto_suggest import NavigableAutoSuggestFromHistory
from prompt_toolkit.auto_suggest import AutoSuggest, Suggestion
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document

from nextedit_jupyter.core.notebook import Caret, Cell, text_hash
from nextedit_jupyter.core.pacing import Outcome, Pacing
from nextedit_jupyter.core.suggestion import Lane
from nextedit_jupyter.core.text_edit import Replacement, TextEdit
from nextedit_jupyter.terminal.asking import Asker
from nextedit_jupyter.terminal.session_protocol import TerminalSession

DRAFT = "draft"
_POLL_SECONDS = 0.01
_GIVE_UP_SECONDS = 3.0  # slightly more than the protocol's longest deadline
_PATIENCE_SECONDS = 2 * _GIVE_UP_SECONDS  # a question may be asked twice
_MAX_CHARS = 20_000  # of input; a pasted file needs no ghost text


@dataclass(frozen=True, slots=True)
class Inserted:
    """The worker's insertion at the caret, and its lane."""

    text: str
    lane: Lane


@dataclass(frozen=True, slots=True)
class GhostPlan:
    """The text that the input may become; its rest is shown while the input is its beginning.

    `after` is the text after the caret, which stays.
    """

    text: str
    after: str = ""

    def rest(self, before: str, after: str) -> str | None:
        """The rest of the caret's line; "" if the line is complete, None if the plan no longer
        fits."""
        if after != self.after or not self.text.startswith(before):
            return None
        return self.text[len(before) :].split("\n", 1)[0]


class GhostText(NavigableAutoSuggestFromHistory):
    """The prompt's suggester; `fallback` is the previous one, if any."""

    def __init__(
        self,
        session: TerminalSession,
        asker: Asker[Inserted],
        fallback: AutoSuggest | None,
        pacing: Pacing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._session = session
        self._asker = asker
        self._fallback = fallback
        self.pacing = pacing or Pacing()
        self._clock = clock
        self._plan: GhostPlan | None = None
        self._fix: GhostPlan | None = None
        self._navigating = False
        self._offered = ""  # the worker's text on the screen, with the text before it
        self._lane: Lane = "model"
        self._rejected = ""  # what Escape dismissed in this prompt, with the text before it
        self._typed = 0  # the caret's position when we were last asked

    # What there is without asking ---------------------------------------------------------------

    def get_suggestion(self, buffer: Buffer, document: Document) -> Suggestion | None:
        """Returns at once what is known for this text, or else history. Called by IPython's key
        bindings."""
        rest = None if self._navigating else self._known(document)
        if rest is not None:
            return _suggestion(rest)
        return self._from_history(buffer, document)

    def new_prompt(self, fix: str | None) -> None:
        """Called when a prompt opens; `fix` is a text that may be offered in it."""
        self._plan = None
        self._offered, self._rejected, self._typed = "", "", 0
        self._fix = GhostPlan(fix) if fix else None

    def offer_fix(self, fix: str, buffer: Buffer) -> bool:
        """Show a late fix if the prompt is still empty; returns whether it is shown."""
        self._fix = GhostPlan(fix)
        rest = None if buffer.text else self._known(buffer.document)
        if not rest or buffer.suggestion is not None:
            return False
        buffer.suggestion = _suggestion(rest)
        return True

    def dismiss(self, buffer: Buffer) -> None:
        """Escape: hide what is shown. A suggestion from the worker counts as rejected, and is not
        offered again."""
        buffer.suggestion = None
        before, after = buffer.document.text_before_cursor, buffer.document.text_after_cursor
        if self._fix is not None and self._fix.rest(before, after):
            self._fix = None
        if self._offered.startswith(before) and self._offered and self._plan is not None:
            self._rejected = self._plan.text
            self._take_note("rejected")
            self._plan = None

    def expected(self, before: str) -> str:
        """What is likely to follow on this line, without waiting."""
        rests = (plan.rest(before, plan.after) for plan in (self._plan, self._fix) if plan)
        return next((rest for rest in rests if rest), "")

    def _known(self, document: Document) -> str | None:
        before, after = document.text_before_cursor, document.text_after_cursor
        for plan in (self._plan, self._fix):
            if plan is not None and (rest := plan.rest(before, after)) is not None:
                return rest
        return None

    def _from_history(self, buffer: Buffer, document: Document) -> Suggestion | None:
        if self._fallback is None:
            return None
        if isinstance(self._fallback, NavigableAutoSuggestFromHistory):
            return super().get_suggestion(buffer, document)
        return self._fallback.get_suggestion(buffer, document)

    # Navigation through history by IPython's keys: then history alone is shown ------------------

    def reset_history_position(self, buffer: Buffer) -> None:
        self._navigating = False
        super().reset_history_position(buffer)

    def up(self, query: str, other_than: str, history: Any) -> None:
        self._navigating = True
        super().up(query, other_than, history)

    def down(self, query: str, other_than: str, history: Any) -> None:
        self._navigating = True
        super().down(query, other_than, history)

    # Asking -------------------------------------------------------------------------------------

    async def get_suggestion_async(self, buff: Buffer, document: Document) -> Suggestion | None:
        """What is already known, without waiting, so that nothing flickers; otherwise the worker's
        answer.

        History is shown if the worker is silent, slow or missing.
        """
        rest = self._known(document)
        self._observe(document, fits=rest is not None)
        if rest is not None:
            return _suggestion(rest)
        self._plan = None
        history = self._from_history(buff, document)
        if not self._is_worth_asking(document):
            return self._shown(document, history)
        answer = await self._ask(buff, document, has_history=history is not None)
        if buff.document != document:
            return None  # prompt_toolkit asks again for the present text
        text = document.text_before_cursor + answer.text if answer is not None else ""
        if answer is not None and text != self._rejected:
            self._plan = GhostPlan(text, document.text_after_cursor)
            rest = self._known(document)
            if rest:
                self._offered, self._lane = document.text_before_cursor + rest, answer.lane
                self._session.note("shown", "inline", answer.lane)
                return _suggestion(rest)
        return self._shown(document, history)

    def _shown(self, document: Document, suggestion: Suggestion | None) -> Suggestion | None:
        """Remember history's suggestion too: it stays while it is being typed."""
        if suggestion is not None and suggestion.text:
            text = document.text_before_cursor + suggestion.text
            self._plan = GhostPlan(text, document.text_after_cursor)
        return suggestion

    def _observe(self, document: Document, *, fits: bool) -> None:
        """Report the outcome of the worker's ghost text: accepted, if several characters came at
        once."""
        before = document.text_before_cursor
        grown, self._typed = len(before) - self._typed, len(before)
        if self._offered and not self._offered.startswith(before):
            self._offered = ""
        elif self._offered and fits and grown > 1:
            self._take_note("accepted" if before == self._offered else "partial")
        elif self._offered and fits and before == self._offered:
            self._take_note("typed_through")

    def _take_note(self, outcome: Outcome) -> None:
        self.pacing.observe(outcome)
        self._session.note(outcome, "inline", self._lane)
        self._offered = ""

    def _is_worth_asking(self, document: Document) -> bool:
        line = document.current_line_before_cursor
        return (
            self._session.enabled
            and self.pacing.may_infer()
            and not self.pacing.quiet_ms()
            and document.is_cursor_at_the_end_of_line
            and document.text.strip() != ""
            and len(document.text) <= _MAX_CHARS
            and not line.lstrip().startswith(("%", "!", "?"))
            and not document.text.startswith("%%")
            and not line.rstrip().endswith("?")
        )

    async def _ask(self, buff: Buffer, document: Document, *, has_history: bool) -> Inserted | None:
        pause = self.pacing.pause_ms() / 1e3
        start = self._clock()
        while self._clock() - start < pause:
            await asyncio.sleep(_POLL_SECONDS)
            if buff.document != document:
                return None
        asked = self._clock()
        ticket = self._asker.ask(lambda: self._question(document.text, document.cursor_position))
        patience = self._session.ghost_ms / 1e3 if has_history else _PATIENCE_SECONDS
        while not ticket.done and self._clock() - asked < patience:
            await asyncio.sleep(_POLL_SECONDS)
            if buff.document != document:
                return None
        if ticket.done:
            self.pacing.observe_latency((self._clock() - asked) * 1e3)
        return ticket.value

    def _question(self, text: str, offset: int) -> Inserted | None:
        """Runs on one of the asker's threads: what to insert at the caret, or None."""
        request = self._session.request(
            want=("inline",), caret=Caret(DRAFT, offset), draft=Cell(DRAFT, "code", text)
        )
        if request is None:
            return None
        answer = self._session.ask(request, timeout=_GIVE_UP_SECONDS, client="ghost")
        # The first answer of a worker that had to load its model: what was read by then is cached.
        if answer.get("silence", {}).get("inline") == "deadline":
            answer = self._session.ask(request, timeout=_GIVE_UP_SECONDS, client="ghost")
        for suggestion in answer.get("suggestions", ()):
            if suggestion.get("kind") == "inline":
                inserted = insertion(suggestion, text, offset)
                return Inserted(inserted, suggestion["lane"]) if inserted else None
        return None


def insertion(suggestion: Mapping[str, Any], text: str, offset: int) -> str | None:
    """What an inline suggestion (SuggestionWire, in code points) inserts at the caret.

    None if it changes anything else, was made for another text, or contains characters that a
    terminal would interpret or hide.
    """
    edits = suggestion.get("edits", [])
    base = text_hash(text)
    if not edits or any(edit["cell"] != DRAFT or edit["base"] != base for edit in edits):
        return None
    edit = TextEdit.of(Replacement(e["start"], e["end"], e["text"]) for e in edits)
    after = edit.apply(text)
    tail = text[offset:]
    if not after.startswith(text[:offset]) or not after.endswith(tail):
        return None
    inserted = after[offset : len(after) - len(tail)]
    if len(after) <= len(text) or not is_plain(inserted):
        return None
    return inserted


def is_plain(text: str) -> bool:
    """Whether a terminal prints the text as is: no control, bidirectional or invisible
    characters."""
    return all(char.isprintable() or char in "\n\t" for char in text)


def _suggestion(rest: str) -> Suggestion | None:
    return Suggestion(rest) if rest else None
