"""The one place that asks the lanes, gates and orders their suggestions, and explains silence."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nextedit_jupyter.analysis.budget import OverBudget, budget
from nextedit_jupyter.analysis.cell_languages import language_at_caret
from nextedit_jupyter.analysis.flat_tree import TreeCache
from nextedit_jupyter.analysis.limits import closed_cells, left_alone_notes
from nextedit_jupyter.analysis.stale import stale_cells
from nextedit_jupyter.core import (
    Answer,
    EditEvent,
    Notebook,
    Silence,
    Suggestion,
    SuggestRequest,
    Timing,
    TokenCounts,
)
from nextedit_jupyter.core.history import without_taken_back
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.core.tags import OFF_TAG
from nextedit_jupyter.suggest import gates
from nextedit_jupyter.suggest.backend import ModelBackend
from nextedit_jupyter.suggest.continuing import nothing_to_continue
from nextedit_jupyter.suggest.drawn import what_is_drawn, with_drawn
from nextedit_jupyter.suggest.existing import reconciled, what_exists
from nextedit_jupyter.suggest.fixes import FixesLane
from nextedit_jupyter.suggest.gates import Gate
from nextedit_jupyter.suggest.judge.judge_lane import JudgeLane, Weighed
from nextedit_jupyter.suggest.lane import Cancelled, DeterministicLane
from nextedit_jupyter.suggest.memory import Memory
from nextedit_jupyter.suggest.model_lane import ModelAnswer
from nextedit_jupyter.suggest.patterns import PatternsLane
from nextedit_jupyter.suggest.secrets import Secrets
from nextedit_jupyter.suggest.symbols import SymbolsLane

log = logging.getLogger(__name__)

_TOO_MUCH = Silence("deadline", "the notebook is too large to read at once")

# The gates by kind and lane. The symbols lane proves what it offers, so its names are never
# unknown; the patterns lane repeats what the user typed elsewhere.
_ALWAYS: tuple[Gate, ...] = (
    gates.is_stale,
    gates.changes_nothing,
    gates.touches_switched_off,
    gates.has_bad_characters,
    gates.reverts_user,
)
_INLINE: tuple[Gate, ...] = (
    gates.inside_leading_blanks,
    gates.repeats_neighbours,
)
_MODEL_EDIT: tuple[Gate, ...] = (
    gates.changes_original,
    gates.deletes_only_blanks,
    gates.inserts_above_caret,
    gates.rewrites_too_much,
)


@dataclass(frozen=True, slots=True)
class SuggesterSettings:
    """`unknown_names`: whether the model may use unknown names. `limits`: suggestions per kind."""

    unknown_names: bool = False
    patterns_threshold: float = 0.7
    limits: Mapping[Kind, int] | None = None

    def cap(self, kind: Kind) -> int:
        return (self.limits or {"inline": 1, "next_edit": 3, "rename": 3}).get(kind, 1)


class Suggester:
    """Asks all lanes for suggestions.

    `model` is None without a bundle; then `problem` says what to do about it. Tests pass their own
    lanes. Not thread-safe.
    """

    def __init__(
        self,
        model: ModelBackend | None = None,
        bundle: str | None = None,
        *,
        problem: str | None = None,
        symbols: DeterministicLane | None = None,
        patterns: DeterministicLane | None = None,
        fixes: DeterministicLane | None = None,
        judge: JudgeLane | None = None,
        settings: SuggesterSettings | None = None,
    ) -> None:
        self.model = model
        self.bundle = bundle
        self.problem = problem
        self.settings = settings or SuggesterSettings()
        self._symbols = symbols if symbols is not None else SymbolsLane()
        trees = TreeCache()  # shared, because both read the same cells
        self._patterns = patterns if patterns is not None else PatternsLane(trees)
        self._judge = judge if judge is not None else JudgeLane(trees=trees)
        self._secrets = Secrets()
        self._fixes = fixes if fixes is not None else FixesLane()
        self._memory = Memory()

    @property
    def lanes(self) -> list[str]:
        return ["symbols", "patterns"] + (["model"] if self.model else [])

    @property
    def bundles(self) -> list[dict[str, str]]:
        """Id, language and label of every model that can be asked."""
        return self.model.bundles if self.model is not None else []

    @property
    def remote(self) -> dict[str, str | None] | None:
        """The team's server that the user's text is sent to; None if it stays on this machine."""
        return self.model.remote if self.model is not None else None

    def answer(self, request: SuggestRequest, *, cancelled: Cancelled = lambda: False) -> Answer:
        """Suggestions for each wanted kind, best first, or the reason why there is none.

        Never raises: a lane that fails is logged, without any of the user's text, and the others
        continue. Work stops at the request's deadline, counted from this call.
        """
        started = time.perf_counter()
        deadline = time.monotonic() + request.deadline_ms / 1000
        request = self._secrets.without_past(request)
        run = _RequestRun(self, request, deadline, cancelled)
        with budget() as read:
            try:
                self._memory.observe(request)
                run.ask()
                if not cancelled():  # what comes too late is not shown
                    for suggestion in run.chosen():
                        self._memory.show(request, suggestion)
            except OverBudget:
                pass
            except Exception as error:
                _log_failure("suggester", error)
            stale = _stale(request)
        if read.is_over:
            run.explain_unread()
        suggestions = run.chosen()
        silence: dict[str, Silence] = {
            kind: run.silence.get(kind, Silence("no_change"))
            for kind in request.want
            if not any(s.kind == kind for s in suggestions)
        }
        total = (time.perf_counter() - started) * 1000
        return Answer(
            suggestions=suggestions,
            silence=silence,
            bundle=run.bundle or self.bundle,
            timing=Timing(
                total=total,
                analysis=run.analysis_ms,
                prefill=run.prefill_ms,
                decode=run.decode_ms,
            ),
            tokens=run.tokens,
            id=request.id,
            stale=stale,
        )

    def forget(self) -> None:
        """Forget what was shown before: for tests and measurements."""
        self._memory.forget()

    def prefill(self, request: SuggestRequest, *, cancelled: Cancelled = lambda: False) -> None:
        """Read ahead what the next keystroke at this caret will need. Never raises."""
        visible = without_switched_off(self._secrets.without_past(request))
        visible = visible and self._secrets.without_cells(visible)
        if self.model is None or visible is None:
            return
        try:
            self.model.prefill(_without_taken_back(visible), cancelled)
            if language_at_caret(request) == "python" and not cancelled():
                gates.names_elsewhere(request)
        except Exception as error:
            _log_failure("prefill", error)


class _RequestRun:
    """One request's run through the lanes."""

    def __init__(
        self, suggester: Suggester, request: SuggestRequest, deadline: float, cancelled: Cancelled
    ) -> None:
        self._suggester = suggester
        self._request = request
        self._deadline = deadline
        self._client_cancelled = cancelled
        self._found: list[Suggestion] = []
        self._weighed: Weighed | None = None
        self.silence: dict[Kind, Silence] = {}
        self.analysis_ms = self.prefill_ms = self.decode_ms = 0.0
        self.tokens = TokenCounts()
        self.bundle: str | None = None

    def ask(self) -> None:
        request, suggester = self._request, self._suggester
        visible = without_switched_off(request)
        if visible is None:
            self._explain_all(Silence("off", f"the cell has the tag {OFF_TAG}"))
            return
        if request.notebook.language == "python":
            edits_wanted = {"rename", "next_edit"} & set(request.want)
            if edits_wanted and request.rename_to is not None:
                self._accept(self._asked(suggester._symbols, "symbols"), "symbols")
            elif edits_wanted:
                self._judged()
                self._accept(self._asked(suggester._fixes, "fixes"), "fixes")
        elif "rename" in request.want:
            self.silence["rename"] = Silence("off", "renames are offered in Python notebooks")
        models = [kind for kind in ("inline", "next_edit") if kind in request.want]
        clear = suggester._secrets.without_cells(visible) if models and suggester.model else visible
        if clear is None:
            for kind in models:
                self.silence[kind] = Silence("refused", "the cell contains a secret")
            return
        visible = clear
        if "inline" in request.want:
            self._model("inline", visible)
            if language_at_caret(request) == "python":
                self._existing(visible)
        # If a lane proves its edit, there is nothing for the model to guess.
        if "next_edit" in request.want and all(s.kind == "inline" for s in self._found):
            why = self._nothing_to_continue(visible) if suggester.model is not None else None
            if why is None:
                self._model("next_edit", visible)
            elif self.silence.get("next_edit", why).reason == "no_change":
                self.silence["next_edit"] = why

    def _nothing_to_continue(self, visible: SuggestRequest) -> Silence | None:
        """Why no model is asked for next edits; a half-typed name is not to be continued either."""
        known = self.silence.get("rename")
        return known if known and known.half_typed else nothing_to_continue(visible)

    def explain_unread(self) -> None:
        """Give kinds without a better reason the reason that the request's budget was exceeded."""
        for kind in self._request.want:
            known = self.silence.get(kind)
            if known is None or known.reason == "no_change":
                self.silence[kind] = _TOO_MUCH

    def chosen(self) -> tuple[Suggestion, ...]:
        """The suggestions by kind in the request's order, limited per kind, in each lane's
        order."""
        result: list[Suggestion] = []
        for kind in dict.fromkeys(self._request.want):
            of_kind = [s for s in self._found if s.kind == kind]
            result += of_kind[: self._suggester.settings.cap(kind)]
        return tuple(result)

    def _judged(self) -> None:
        """Collect what the symbols and patterns lanes find, weighed by the judge, and what it
        adds."""
        suggester = self._suggester
        symbols = self._asked(suggester._symbols, "symbols")
        patterns = self._asked(suggester._patterns, "patterns")
        weighed = Weighed(symbols, patterns, Silence("no_change"))
        if not self._over():
            started = time.perf_counter()
            try:
                weighed = suggester._judge.weigh(self._request, symbols, patterns, self._over)
            except OverBudget:  # offers that were not weighed are not shown
                weighed = Weighed([], [], [])
            except Exception as error:  # keep the other lanes' offers
                _log_failure("judge", error)
            self.analysis_ms += (time.perf_counter() - started) * 1000
        self._weighed = weighed
        self._accept(weighed.symbols, "symbols")
        self._accept(weighed.patterns, "patterns")
        self._accept(weighed.own, "judge")

    def _asked(self, lane: DeterministicLane, name: str) -> Sequence[Suggestion] | Silence:
        """A lane's answer; nothing if it fails or there is no time."""
        if self._over():
            return []
        started = time.perf_counter()
        try:
            said = lane.suggest(self._request, self._over)
        except OverBudget:
            said = []
        except Exception as error:
            _log_failure(name, error)
            said = []
        self.analysis_ms += (time.perf_counter() - started) * 1000
        return said

    def _accept(self, said: Sequence[Suggestion] | Silence, name: str) -> None:
        if isinstance(said, Silence):
            # The first lane's reason is kept, unless a later one says more than "nothing to do".
            for kind in ("rename", "next_edit"):
                known = self.silence.get(kind)
                if known is None or (known.reason == "no_change" and said.reason != "no_change"):
                    self.silence[kind] = said
            return
        earlier = tuple(self._found)
        checks = _ALWAYS
        if name == "patterns":
            checks += (gates.below(self._suggester.settings.patterns_threshold),)
        elif name != "judge":  # both check themselves whether each cell still parses
            checks += (gates.breaks_syntax,)
        for suggestion in said:
            if suggestion.kind not in self._request.want:
                continue
            if any(overlaps(suggestion, other) for other in earlier):
                continue  # an earlier lane explained the same place better
            self._take(without_closed_cells(suggestion, self._request.notebook), checks)

    def _model(self, kind: Kind, visible: SuggestRequest) -> None:
        model, request = self._suggester.model, self._request
        if model is None:
            self.silence[kind] = Silence("no_model", self._suggester.problem or "")
            return
        if self._over():
            return
        visible = _without_taken_back(visible)
        try:
            ask = model.inline if kind == "inline" else model.next_edit
            answer = ask(visible, self._deadline, self._client_cancelled)
        except OverBudget:
            self.silence[kind] = _TOO_MUCH
            return
        except Exception as error:
            _log_failure("model", error)
            answer = ModelAnswer()
        self.prefill_ms += answer.prefill_ms
        self.decode_ms += answer.decode_ms
        self.tokens += answer.tokens
        self.silence.update(answer.silence)
        self.bundle = answer.bundle or self.bundle
        checks = (*_ALWAYS, *(_INLINE if kind == "inline" else _MODEL_EDIT))
        language = language_at_caret(request)
        if language != "python":
            checks += (gates.breaks_syntax_of(language),)
        else:
            checks += (gates.breaks_syntax,)
            if not self._suggester.settings.unknown_names:
                checks += (gates.uses_unknown_name,)
        if self._weighed is not None and kind == "next_edit":
            checks += (self._weighed.finds_unlikely,)
        for suggestion in answer.suggestions:
            self._take(suggestion, checks)

    def _existing(self, visible: SuggestRequest) -> None:
        """Let what exists at the caret take precedence over the model's text."""
        if self._over():
            return
        try:
            said = next((s for s in self._found if s.kind == "inline"), None)
            better = said
            if (drawn := what_is_drawn(visible)) is not None:
                better = with_drawn(visible, drawn, said)
            elif (existing := what_exists(visible)) is not None:
                better = reconciled(visible, existing, said)
        except OverBudget:
            return
        except Exception as error:
            _log_failure("existing names", error)
            return
        if better is said:
            return
        self._found = [s for s in self._found if s.kind != "inline"]
        if better is None:
            self.silence["inline"] = Silence("unknown_name", "that does not exist there")
        else:
            self._take(better, _ALWAYS)

    def _take(self, suggestion: Suggestion, checks: Sequence[Gate]) -> None:
        for gate in checks:
            try:
                refused = gate(self._request, suggestion)
            except OverBudget:
                refused = _TOO_MUCH
            except Exception as error:
                _log_failure(getattr(gate, "__name__", "gate"), error)
                refused = Silence("refused", "the suggestion could not be checked")
            if refused is not None:
                self.silence[suggestion.kind] = refused
                return
        refused = self._suggester._memory.refuses(self._request, suggestion)
        if refused is not None:
            self.silence[suggestion.kind] = refused
            return
        self._found.append(suggestion)

    def _over(self) -> bool:
        """Whether it is cancelled or past the deadline; if so, sets that as the reason of all
        unanswered kinds."""
        if self._client_cancelled():
            self._explain_all(Silence("throttled", "a newer request arrived"))
            return True
        if time.monotonic() >= self._deadline:
            self._explain_all(Silence("deadline"))
            return True
        return False

    def _explain_all(self, silence: Silence) -> None:
        for kind in self._request.want:
            self.silence[kind] = silence


def _stale(request: SuggestRequest) -> tuple[str, ...] | None:
    """The cells to run again, if the request says which ones changed; only those if the budget does
    not suffice for more. Never raises.
    """
    if not request.changed:
        return None
    known = tuple(id for id in request.changed if request.notebook.cell(id) is not None)
    try:
        if request.notebook.language == "python":
            return stale_cells(request.notebook, request.facts, known, request.ran_before)
    except OverBudget:
        pass
    except Exception as error:
        _log_failure("run state", error)
    return known


def without_switched_off(request: SuggestRequest) -> SuggestRequest | None:
    """The request without the cells that are switched off by their tag, and without their history.

    None if the caret is in one of them.
    """
    off = {cell.id for cell in request.notebook.cells if cell.is_off}
    if not off:
        return request
    if request.caret.cell in off:
        return None
    cells = tuple(cell for cell in request.notebook.cells if cell.id not in off)
    history: tuple[EditEvent, ...] = tuple(e for e in request.history if e.cell not in off)
    return replace(request, notebook=Notebook(request.notebook.language, cells), history=history)


def _without_taken_back(request: SuggestRequest) -> SuggestRequest:
    """What a model sees: what was undone is no edit to go on with."""
    return replace(request, history=without_taken_back(request.history))


def without_closed_cells(suggestion: Suggestion, notebook: Notebook) -> Suggestion:
    """The suggestion without its edits in switched-off or locked cells, which its notes name."""
    closed = closed_cells(notebook)
    edits = tuple(c for c in suggestion.edits if c.cell not in closed)
    optional = tuple(c for c in suggestion.optional if c.cell not in closed)
    excluded = dict.fromkeys(c.cell for c in suggestion.edits if c.cell in closed)
    unnamed = [id for id in excluded if id not in suggestion.left_alone]
    return replace(
        suggestion,
        edits=edits,
        optional=optional,
        notes=(*suggestion.notes, *left_alone_notes(notebook, unnamed)),
        left_alone=(*suggestion.left_alone, *unnamed),
    )


def overlaps(one: Suggestion, other: Suggestion) -> bool:
    """Whether both change the same place of any cell."""
    places: dict[str, list[tuple[int, int]]] = {}
    for c in other.edits:
        places.setdefault(c.cell, []).extend((r.start, r.end) for r in c.edit)
    return any(
        max(start, r.start) < min(end, r.end) or (start, end) == (r.start, r.end)
        for change in one.edits
        for r in change.edit
        for start, end in places.get(change.cell, ())
    )


def _log_failure(where: str, error: Exception) -> None:
    """Log the type of an error and its location in our code: messages may contain the user's
    text."""
    trace, last = error.__traceback__, ""
    while trace is not None:
        last = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    log.warning("the %s failed: %s at %s", where, type(error).__name__, last)
