"""The model lane: inline completions and next edits from the bundle's model.

The engine generates, this lane decides how much of it is worth showing. It has no state but caches:
the same request gets the same suggestion, or the rest of one that was partly typed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from nextedit_jupyter.analysis.cell_languages import language_at_caret
from nextedit_jupyter.core import (
    CellEdit,
    Silence,
    Suggestion,
    SuggestRequest,
    TextEdit,
    TokenCounts,
)
from nextedit_jupyter.core.cache import LruCache
from nextedit_jupyter.core.suggestion import Kind, SilenceReason
from nextedit_jupyter.engine import Completion, Constraint, Engine, constraint_for
from nextedit_jupyter.engine.constraint import Kind as ConstraintKind
from nextedit_jupyter.engine.remote_engine import RemoteEngine
from nextedit_jupyter.prompt import Prompt, PromptFormat, TextTokenizer
from nextedit_jupyter.prompt.cells_lines_v1 import CellsLinesV1
from nextedit_jupyter.suggest.acceptance import AcceptanceFilter, Situation, features
from nextedit_jupyter.suggest.caret import CaretContext, caret_context
from nextedit_jupyter.suggest.fitting import fitted
from nextedit_jupyter.suggest.lane import Cancelled, suggestion_id
from nextedit_jupyter.suggest.line_edits import scan_lines
from nextedit_jupyter.suggest.recall import KeptReply, PendingEdit, Recall
from nextedit_jupyter.suggest.trim import (
    Cut,
    CutPolicy,
    cuts,
    says_what_follows,
    token_steps,
    without_loop,
    without_rejoined,
)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The lane's parameters; a bundle's manifest overrides the thresholds with measured ones.

    `threshold` is the probability (product over the shown tokens) from which an inline suggestion
    is shown, `next_edit_threshold` that of a whole rewritten window. `line_start` applies if the
    line is blank, `lines` if more than one line is shown; both apply to the product or to the
    bundle's filter, whichever is used; None means no difference.
    """

    threshold: float = 0.6
    next_edit_threshold: float = 0.7
    line_start: float | None = None
    lines: float | None = None
    budget: int = 1024  # prompt tokens: about 80 ms cold on two cores for the default bundle
    max_new: int = 32  # a line of about a hundred characters
    max_new_lines: int = 64  # several lines, where they may be shown
    max_new_edit: int = 192
    min_probability: float = 0.1  # below this a completion is not continued
    min_chars: int = 2  # characters: accepting one is a key press itself
    whole_lines: bool = False
    multi_line: bool = True
    in_strings: bool = True
    in_comments: bool = True
    constrained: frozenset[ConstraintKind] = frozenset()  # none has been shown to help so far

    @classmethod
    def from_thresholds(cls, thresholds: Mapping[str, float]) -> ModelSettings:
        default = cls()
        return cls(
            threshold=thresholds.get("inline", default.threshold),
            next_edit_threshold=thresholds.get("next_edit", default.next_edit_threshold),
            line_start=thresholds.get("line_start"),
            lines=thresholds.get("lines"),
        )

    @property
    def lowest(self) -> float:
        """The lowest probability from which any text is shown."""
        return min(t for t in (self.threshold, self.line_start, self.lines) if t is not None)

    def needed(self, usual: float, *, starts_line: bool, lines: int) -> float:
        """The threshold for a text of `lines` lines, if `usual` is that for other texts."""
        if lines > 1 and self.lines is not None:
            return self.lines
        if starts_line and self.line_start is not None:
            return self.line_start
        return usual


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """The lane's answer for one kind, and its cost."""

    suggestions: tuple[Suggestion, ...] = ()
    silence: Mapping[Kind, Silence] = field(default_factory=dict)
    prefill_ms: float = 0.0
    decode_ms: float = 0.0
    tokens: TokenCounts = field(default_factory=TokenCounts)
    bundle: str | None = None  # the one that was asked, if there are several


class ModelLane:
    """An engine with its prompt format, asked for one kind at a time."""

    def __init__(
        self,
        engine: Engine | RemoteEngine,
        format: PromptFormat,
        tokenizer: TextTokenizer,
        settings: ModelSettings | None = None,
        acceptance: AcceptanceFilter | None = None,
    ) -> None:
        self._engine = engine
        self._format = format
        self._tokenizer = tokenizer
        self.settings = settings or ModelSettings()
        self.acceptance = acceptance
        # A newline ends a single-line completion, like the end of the text.
        self._newlines = frozenset(
            id for id in range(tokenizer.vocab_size) if tokenizer.token_bytes(id)[:1] == b"\n"
        )
        self._recall = Recall()
        self._pending: LruCache[str, PendingEdit] = LruCache(50)  # as many as Copilot keeps

    @property
    def bundles(self) -> list[dict[str, str]]:
        """Empty: a `Router` knows the bundles."""
        return []

    @property
    def remote(self) -> None:
        """None: `TeamServer` knows the server."""
        return None

    @property
    def tokenizer(self) -> TextTokenizer:
        return self._tokenizer

    @property
    def shown_from(self) -> float:
        """The confidence from which inline text is shown: the filter's, if there is one."""
        return self.settings.threshold if self.acceptance is None else self.acceptance.threshold

    def show_from(self, threshold: float) -> None:
        """Change the confidence from which inline text is shown, for measurements."""
        if self.acceptance is None:
            self.settings = replace(self.settings, threshold=threshold)
        else:
            self.acceptance = replace(self.acceptance, threshold=threshold)

    def inline(self, request: SuggestRequest, deadline: float, cancelled: Cancelled) -> ModelAnswer:
        """Ghost text at the caret, or why there is none. `deadline` is a `time.monotonic()`."""
        source, offset = request.cell.source, request.caret.offset
        before, after = source[:offset], source[offset:]
        context = caret_context(before)
        if not request.cell.is_code:
            return _silent("inline", "off", "only code cells are completed")
        if (context.place == "comment" and not self.settings.in_comments) or (
            context.place == "string" and not self.settings.in_strings
        ):
            return _silent("inline", "off", f"nothing is completed in a {context.place}")
        rest = after.split("\n", 1)[0]
        several = self.settings.multi_line and context.place == "indent" and not rest.strip()
        cost = ModelAnswer()
        reply, text, cut = self._recall.find(request), "", None
        if reply is not None and not self._wants_more(reply):
            text, cut = self._cut(request, context, reply, several)
        # If an earlier answer was not confident enough, the model is asked again with more context:
        # on typed notebooks that saves 0.06 more of the characters at less noise, for 1.7 times as
        # many calls.
        if reply is None or (cut is None and (reply.typed or self._wants_more(reply))):
            reply, cost = self._ask(request, several, deadline, cancelled)
            if reply is None:
                return cost
            self._recall.keep(request, reply)
            text, cut = self._cut(request, context, reply, several)
        if cut is None:
            silence = Silence("low_confidence" if text.strip() else "no_change")
            return replace(cost, silence={"inline": silence})
        python = language_at_caret(request) == "python"
        shown = fitted(before, text[: cut.end].rstrip(), after, python=python)
        if shown is None:
            silence = Silence("breaks_syntax", "it does not fit the text after the caret")
            return replace(cost, silence={"inline": silence})
        if len(shown.text.strip()) < self.settings.min_chars:
            return replace(cost, silence={"inline": Silence("low_confidence")})
        if says_what_follows(shown.text, after):
            silence = Silence("no_change", "it is already there")
            return replace(cost, silence={"inline": silence})
        edit = TextEdit.replace(offset, offset + shown.replaced, shown.text)
        edits = (CellEdit.of(request.caret.cell, source, edit),)
        suggestion = Suggestion(
            suggestion_id("inline", "model", edits),
            "inline",
            "model",
            "complete",
            min(cut.confidence, 1.0),
            edits,
        )
        return replace(cost, suggestions=(suggestion,))

    def next_edit(
        self, request: SuggestRequest, deadline: float, cancelled: Cancelled
    ) -> ModelAnswer:
        """A replacement near the caret that continues the edits in the history, or why there is
        none."""
        if not request.history:
            return _silent("next_edit", "no_change", "nothing has been edited yet")
        if not request.cell.is_code:
            return _silent("next_edit", "off", "only code cells are edited")
        if "next_edit" not in self._format.kinds:
            return _silent("next_edit", "no_model", "this model completes and does not edit")
        if isinstance(self._format, CellsLinesV1):
            return self._line_edit(request, self._format, deadline, cancelled)
        pending = self._pending.get(request.caret.cell)
        if pending is not None:
            left = pending.typed_through(request)
            if left is not None:
                return ModelAnswer(
                    (self._edit(request, request.caret.cell, left, pending.confidence),)
                )
        prompt = self._format.next_edit(request, self._tokenizer, self.settings.budget)
        threshold = self.settings.next_edit_threshold
        completion = self._complete(
            prompt, self.settings.max_new_edit, deadline, cancelled, threshold, prompt.draft_source
        )
        cost = _cost(completion)
        if completion.finish == "unlikely":
            return replace(cost, silence={"next_edit": Silence("low_confidence")})
        if completion.finish in ("cancelled", "deadline", "invalid"):
            return _stopped("next_edit", completion.finish, cost)
        if completion.finish == "length":  # a truncated window would delete the rest
            return replace(cost, silence={"next_edit": Silence("no_change", "cut off")})
        parsed = self._format.parse_next_edit(request, completion.ids, self._tokenizer)
        if parsed is None or not parsed[1]:
            return replace(cost, silence={"next_edit": Silence("no_change")})
        cell, edit = parsed
        confidence = _probability(completion)
        if confidence < threshold:
            return replace(cost, silence={"next_edit": Silence("low_confidence")})
        found = request.notebook.cell(cell)
        if found is None or not edit.fits(found.source):
            return replace(cost, silence={"next_edit": Silence("no_change")})
        if cell == request.caret.cell:
            self._pending.put(cell, PendingEdit.of(request, edit, confidence))
        return replace(cost, suggestions=(self._edit(request, cell, edit, confidence),))

    def _line_edit(
        self, request: SuggestRequest, format: CellsLinesV1, deadline: float, cancelled: Cancelled
    ) -> ModelAnswer:
        """The line most similar to those just changed that the model would change too."""
        threshold = self.settings.next_edit_threshold

        def complete(prompt: Prompt, max_tokens: int, min_probability: float) -> Completion:
            max_tokens = min(max_tokens, self.settings.max_new_edit)
            return self._complete(prompt, max_tokens, deadline, cancelled, min_probability)

        scan = scan_lines(request, format, self._tokenizer, complete, threshold)
        cost = _total_cost(scan.completions)
        if scan.found is not None:
            found = scan.found
            return replace(
                cost, suggestions=(self._edit(request, found.cell, found.edit, found.confidence),)
            )
        last = scan.completions[-1].finish if scan.completions else "stop"
        if last in ("cancelled", "deadline", "invalid"):
            return _stopped("next_edit", last, cost)
        silence = Silence("low_confidence" if scan.unsure else "no_change")
        return replace(cost, silence={"next_edit": silence})

    def prefill(self, request: SuggestRequest, cancelled: Cancelled) -> None:
        """Read this caret's prompt ahead, so that the next keystroke is fast."""
        if request.cell.is_code:
            prompt = self._format.inline(request, self._tokenizer, self.settings.budget)
            self._engine.prefill(prompt, cancelled=cancelled)

    def forget(self) -> None:
        """Drop cached answers: for tests and measurements."""
        self._recall.clear()
        self._pending.clear()

    def _ask(
        self, request: SuggestRequest, several: bool, deadline: float, cancelled: Cancelled
    ) -> tuple[KeptReply | None, ModelAnswer]:
        """The model's reply at the caret, and its cost; None if it was stopped."""
        prompt = self._format.inline(request, self._tokenizer, self.settings.budget)
        if not several:
            prompt = replace(prompt, stop=prompt.stop | self._newlines)
        max_tokens = self.settings.max_new_lines if several else self.settings.max_new
        constraint = constraint_for(request, self.settings.constrained)
        completion = self._complete(
            prompt,
            max_tokens,
            deadline,
            cancelled,
            self.settings.min_probability,
            constraint=constraint,
        )
        cost = _cost(completion)
        if completion.finish in ("cancelled", "deadline", "invalid"):
            return None, _stopped("inline", completion.finish, cost)
        before = request.cell.source[: request.caret.offset]
        return self._reply(before, prompt.heal, completion), cost

    def _cut(
        self, request: SuggestRequest, context: CaretContext, reply: KeptReply, several: bool
    ) -> tuple[str, Cut | None]:
        """A reply's text, and its longest prefix that is confident enough.

        Judged by the filter if there is one, otherwise by the product of the probabilities.
        """
        after = request.cell.source[request.caret.offset :]
        text = without_rejoined(without_loop(reply.text), after)
        finished = reply.finished and text == reply.text
        lowest = self.settings.min_probability
        if self.acceptance is None:
            lowest = min(lowest, self.settings.lowest)
        policy = CutPolicy(lowest, self.settings.whole_lines, several)
        best: Cut | None = None
        situation: Situation | None = None
        for cut, count in cuts(text, reply.steps, policy, finished=finished):
            sure = cut.confidence
            if self.acceptance is not None:
                situation = situation or Situation.of(request, context)
                values = features(situation, text, reply.steps, cut, count)
                sure = self.acceptance.probability(values)
            if sure >= self.settings.needed(
                self.shown_from,
                starts_line=context.place == "indent",
                lines=text.count("\n", 0, cut.end) + 1,
            ):
                best = Cut(cut.end, sure)
        return text, best

    def _wants_more(self, reply: KeptReply) -> bool:
        """Whether a truncated reply is confident up to its end."""
        total = math.exp(sum(step.logprob for step in reply.steps))
        return not reply.finished and total >= self.settings.lowest

    def _complete(
        self,
        prompt: Prompt,
        max_new: int,
        deadline: float,
        cancelled: Cancelled,
        min_probability: float,
        rejoin: tuple[int, ...] = (),
        constraint: Constraint | None = None,
    ) -> Completion:
        """Generate while the total probability is at least `min_probability`."""
        return self._engine.complete(
            prompt,
            max_new=max_new,
            deadline=deadline,
            cancelled=cancelled,
            constraint=constraint,
            rejoin=rejoin,
            floor=math.log(min_probability) if min_probability > 0 else -math.inf,
        )

    def _reply(self, before: str, healed: bytes, completion: Completion) -> KeptReply:
        steps = token_steps(
            completion.ids,
            completion.logprobs,
            self._tokenizer.token_bytes,
            healed,
            completion.text,
        )
        return KeptReply(before, completion.text, tuple(steps), completion.finish == "stop")

    def _edit(
        self, request: SuggestRequest, cell: str, edit: TextEdit, confidence: float
    ) -> Suggestion:
        found = request.notebook.cell(cell)
        assert found is not None
        edits = (CellEdit.of(cell, found.source, edit),)
        id = suggestion_id("next_edit", "model", edits)
        return Suggestion(id, "next_edit", "model", "next edit", confidence, edits)


def _probability(completion: Completion) -> float:
    return min(math.exp(sum(completion.logprobs)), 1.0)


def _cost(completion: Completion) -> ModelAnswer:
    return ModelAnswer(
        prefill_ms=completion.prefill_ms,
        decode_ms=completion.decode_ms,
        tokens=completion.tokens,
    )


def _total_cost(completions: Sequence[Completion]) -> ModelAnswer:
    return ModelAnswer(
        prefill_ms=sum(completion.prefill_ms for completion in completions),
        decode_ms=sum(completion.decode_ms for completion in completions),
        tokens=sum((completion.tokens for completion in completions), TokenCounts()),
    )


def _silent(kind: Kind, reason: SilenceReason, detail: str = "") -> ModelAnswer:
    return ModelAnswer(silence={kind: Silence(reason, detail)})


def _stopped(kind: Kind, finish: str, cost: ModelAnswer) -> ModelAnswer:
    if finish == "invalid":  # NaN logits, or bytes that are not text
        return replace(cost, silence={kind: Silence("no_change", "the model gave no text")})
    reason: SilenceReason = "throttled" if finish == "cancelled" else "deadline"
    return replace(cost, silence={kind: Silence(reason)})
