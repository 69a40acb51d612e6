"""The acceptance filter: a logistic model of how likely a completion is accepted.

The product of a text's probabilities ignores the context: mid-word or in a string the same product
is worth less, and a line that already occurs in the notebook is worth more. The weights are learned
from simulated typing (`training.filter_learning`) and are stored in a bundle's manifest; without
them only the product is used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.core.cache import by_text
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.core.word_characters import is_word_character
from nextedit_jupyter.suggest.caret import CaretContext, caret_context
from nextedit_jupyter.suggest.trim import Cut, GeneratedToken

FEATURES = (
    "logit",  # of the product of the probabilities
    "least",  # the log-probability of the least likely token
    "first",  # of the first token that adds something new
    "last",
    "characters",  # log2 of 1 + the text's length
    "tokens",
    "line_end",  # the text ends its line
    "mid_word",
    "after_dot",
    "after_blank",
    "string",
    "comment",
    "brackets",
    "line_start",
    "word_typed",  # log2 of 1 + characters of the word at the caret
    "line_typed",
    "cell_start",  # only whitespace before the caret
    "import_line",
    "starts_word",  # the text begins with a letter
    "starts_quote",
    "has_number",
    "unknown_words",  # words of the text that neither notebook nor kernel know
    "first_unknown",
    "stood_before",  # the line so far and the text already occur in the notebook
    "line_alike",  # the line so far begins an earlier line
    "cells",  # log2 of 1 + code cells
    "edited",  # the history has an event of this cell
    "logit_mid_word",
    "logit_string",
    "logit_line_start",
    "logit_stood_before",
)
_WORD = re.compile(r"[^\W\d]\w*")
_NO_WORD = re.compile(r"\W")
_FAR = 15.0  # log-probabilities below -15 and logits beyond 15 are clipped


@dataclass(frozen=True, slots=True)
class Situation:
    """The context of a request's caret; computed once per request."""

    before: str
    line: str
    word: str
    context: CaretContext
    above: str
    others: str  # the other code cells as one text, and all their words
    words: frozenset[str]
    names: frozenset[str]
    cells: int
    edited: bool
    alike: bool

    @classmethod
    def of(cls, request: SuggestRequest, context: CaretContext | None = None) -> Situation:
        before = request.cell.source[: request.caret.offset]
        line = before[before.rfind("\n") + 1 :].lstrip()
        here = request.caret.cell
        code = [cell for cell in request.notebook.cells if cell.type == "code"]
        words, others = _read(tuple(cell.source for cell in code if cell.id != here))
        above = before[: len(before) - len(line)]
        # One or two characters occur everywhere.
        alike = len(line) > 2 and (line in above or line in others)
        return cls(
            before=before,
            line=line,
            word=_word_at_end(line),
            context=context or caret_context(before),
            above=above,
            others=others,
            words=words,
            names=_fact_words(request),
            cells=len(code),
            edited=any(event.cell == here for event in request.history),
            alike=alike,
        )

    def knows(self, word: str) -> bool:
        """Whether a word occurs in the notebook or the kernel."""
        return word in self.names or word in self.words or word in _words(self.above)

    def stood(self, text: str) -> bool:
        """Whether the line so far and the text already occur in the notebook."""
        whole = self.line + text
        if len(self.line) > 2 and not self.alike:
            return False
        return len(whole) > 2 and (whole in self.above or whole in self.others)


def features(
    situation: Situation, text: str, steps: Sequence[GeneratedToken], cut: Cut, count: int
) -> list[float]:
    """The values of `FEATURES` for the first `count` steps, which show `text[:cut.end]`."""
    shown = text[: cut.end]
    logs = [max(step.logprob, -_FAR) for step in steps[:count]]
    new = [max(step.logprob, -_FAR) for step in steps[:count] if step.end > 0]
    logit = _logit(cut.confidence)
    place = situation.context.place
    mid_word = bool(situation.word) and is_word_character(shown[:1])
    words = _WORD.findall(situation.word + shown if mid_word else shown)
    unknown = [word for word in words if not situation.knows(word)]
    stood = situation.stood(shown)
    ends = cut.end == len(text) or text[cut.end : cut.end + 1] == "\n"
    line_start = not situation.line
    return [
        logit,
        min(logs, default=0.0),
        new[0] if new else 0.0,
        logs[-1] if logs else 0.0,
        math.log2(1 + len(shown)),
        math.log2(1 + count),
        float(ends),
        float(mid_word),
        float(situation.before[-1:] == "."),
        float(situation.before[-1:] == " "),
        float(place == "string"),
        float(place == "comment"),
        float(min(len(situation.context.brackets), 3)),
        float(line_start),
        math.log2(1 + len(situation.word)),
        math.log2(1 + len(situation.line)),
        float(not situation.before.strip()),
        float(situation.line.startswith(("import ", "from "))),
        float(shown.lstrip()[:1].isalpha()),
        float(shown.lstrip()[:1] in ("'", '"')),
        float(any(char.isdigit() for char in shown)),
        float(min(len(unknown), 3)),
        float(bool(words) and words[0] in unknown),
        float(stood),
        float(situation.alike),
        math.log2(1 + situation.cells),
        float(situation.edited),
        logit * mid_word,
        logit * (place == "string"),
        logit * line_start,
        logit * stood,
    ]


@dataclass(frozen=True, slots=True)
class AcceptanceFilter:
    """Weights in the order of `FEATURES`, and the probability from which a text is shown."""

    weights: tuple[float, ...]
    bias: float
    threshold: float

    def __post_init__(self) -> None:
        if len(self.weights) != len(FEATURES):
            raise ValueError(f"{len(FEATURES)} weights are needed, not {len(self.weights)}")

    def probability(self, values: Sequence[float]) -> float:
        """The probability that what remains to be typed starts with the text."""
        total = self.bias + sum(w * v for w, v in zip(self.weights, values, strict=True))
        return 1.0 / (1.0 + math.exp(-max(-_FAR, min(_FAR, total))))

    def to_manifest(self) -> dict[str, Any]:
        weights = {name: round(w, 6) for name, w in zip(FEATURES, self.weights, strict=True)}
        return {
            "threshold": round(self.threshold, 4),
            "bias": round(self.bias, 6),
            "weights": weights,
        }

    @classmethod
    def from_manifest(cls, value: Any) -> AcceptanceFilter | None:
        """The filter in a manifest's `acceptance`; None if there is none.

        A filter with other features than this version's is ignored: it was learned for another
        version, and the plain threshold is used. Raises BundleError if it is malformed.
        """
        if value is None:
            return None
        weights = value.get("weights") if isinstance(value, Mapping) else None
        numbers = [value.get("bias"), value.get("threshold")] if weights is not None else [None]
        if not isinstance(weights, Mapping) or not all(
            not isinstance(number, bool)
            and isinstance(number, int | float)
            and math.isfinite(number)
            for number in [*numbers, *weights.values()]
        ):
            raise BundleError("the manifest's acceptance filter is damaged: install it again")
        if not 0 <= value["threshold"] <= 1:
            raise BundleError(
                "the acceptance filter's threshold must be between 0 and 1: install it again"
            )
        if set(weights) != set(FEATURES):
            return None
        ordered = tuple(float(weights[name]) for name in FEATURES)
        return cls(ordered, float(value["bias"]), float(value["threshold"]))


def _word_at_end(line: str) -> str:
    r"""The word at the end of a line; `\w*\Z` would take 17 s for a line of 60 kB."""
    match = _NO_WORD.search(line[::-1])
    return line[len(line) - match.start() :] if match else line


def _logit(probability: float) -> float:
    p = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


@by_text(1_000_000)
def _words(source: str) -> frozenset[str]:
    return frozenset(_WORD.findall(source))


@lru_cache(maxsize=4)
def _read(sources: tuple[str, ...]) -> tuple[frozenset[str], str]:
    """All words of some cells, and the cells as one text; cached, because they stay the same while
    another cell is typed."""
    return frozenset().union(*map(_words, sources)), "\0".join(sources)


def _fact_words(request: SuggestRequest) -> frozenset[str]:
    said: set[str] = set()
    for named in request.facts.names:
        said.add(named.name)
        said.update(named.members, named.subscripts, named.keywords)
    return frozenset(said)
