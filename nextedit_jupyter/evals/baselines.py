"""Baselines typed over the same cells: jedi, the repetition of a line, an n-gram.

Like the product, they see only the cells above and the text before the caret.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.core.errors import NextEditError


def earlier_line(request: SuggestRequest) -> str:
    """The rest of the newest earlier line that starts like this one, which IPython shows in
    grey."""
    before = request.cell.source[: request.caret.offset]
    above, _, line = before.rpartition("\n")
    typed = line.lstrip()
    if not typed.strip():
        return ""
    sources = [cell.source for cell in request.notebook.code_cells if cell.id != request.cell.id]
    for source in (above, *reversed(sources)):
        for other in reversed(source.split("\n")):
            stripped = other.lstrip()
            if stripped.startswith(typed) and len(stripped.rstrip()) > len(typed):
                return stripped[len(typed) :].rstrip()
    return ""


class Jedi:
    """jedi's first completion, with the cells above as one file."""

    def __init__(self) -> None:
        try:
            import jedi
        except ImportError:
            raise NextEditError(
                "jedi is not installed: pip install 'nextedit-jupyter[eval]', or say --no-jedi"
            ) from None
        self._jedi = jedi

    def __call__(self, request: SuggestRequest) -> str:
        before = request.cell.source[: request.caret.offset]
        # Like the editor's popup, it answers mid-word and after a dot.
        if not re.search(r"(?:[^\W\d]\w*|\.)\Z", before):
            return ""
        sources = [c.source for c in request.notebook.code_cells if c.id != request.cell.id]
        code = "\n".join([*sources, before])
        line, column = code.count("\n") + 1, len(code) - code.rfind("\n") - 1
        try:
            found = self._jedi.Script(code).complete(line, column)
        except Exception:  # jedi may raise anything; that counts as silence
            return ""
        return (found[0].complete or "") if found else ""


_TOKEN = re.compile(r"[^\W\d]\w*|\d+|\n[ \t]*|[ \t]+|[^\w\s]")
_ORDERS = 5
_MAX_TOKENS = 12
_HOPELESS = 0.05  # a less probable text is shown at no threshold
_NOTHING: Counter[str] = Counter()


class TokenNgram:
    """Lexical n-grams of up to five tokens, backing off, over a background and the notebook.

    A continuation's probability interpolates the orders (Witten and Bell, 1991); the notebook
    counts `copying` times, so that its lines are copied. It continues while the product is above
    the threshold, at most to the end of the line.
    """

    def __init__(
        self,
        background: Iterable[str] = (),
        *,
        threshold: float = 0.6,
        copying: int = 20,
        max_tokens: int = 400_000,
    ) -> None:
        self.threshold = threshold
        self._copying = copying
        self._background: list[dict[tuple[str, ...], Counter[str]]] = _tables()
        left = max_tokens
        for source in background:
            tokens = _TOKEN.findall(source)
            _count(self._background, tokens)
            left -= len(tokens)
            if left < 0:
                break
        self._key: tuple[str, ...] = ()
        self._local = _tables()
        self._starting: dict[str, Counter[str]] = {}  # of the background, by prefix
        self._said: dict[tuple[int, str], list[tuple[str, float]]] = {}

    def __call__(self, request: SuggestRequest) -> str:
        before = request.cell.source[: request.caret.offset]
        key = tuple(c.source for c in request.notebook.code_cells if c.id != request.cell.id)
        place = hash(key), before
        if place not in self._said:  # independent of the threshold
            self._said[place] = list(self._chain(key, before))
        said = ""
        for text, probability in self._said[place]:
            if probability < self.threshold:
                break
            said = text
        return said.rstrip()

    def _chain(self, key: tuple[str, ...], before: str) -> Iterator[tuple[str, float]]:
        """Increasingly long texts up to the line's end, each with its probability."""
        if key != self._key:
            self._key, self._local = key, _tables()
            for source in key:
                _count(self._local, _TOKEN.findall(source))
        match = re.search(r"(?:[^\W\d]\w*|\d+)\Z", before)
        held = match[0] if match else ""
        tokens = _TOKEN.findall(before[: len(before) - len(held)])
        said, total = "", 0.0
        for _ in range(_MAX_TOKENS):
            best = self._next(tokens, held)
            if best is None or best[0].startswith("\n"):
                return
            token, p = best
            total += math.log(p)
            said += token[len(held) :]
            if math.exp(total) < _HOPELESS:
                return
            yield said, math.exp(total)
            tokens, held = [*tokens, token], ""

    def _next(self, tokens: list[str], held: str) -> tuple[str, float] | None:
        """The most probable token that starts with `held`, and its probability among those."""
        found: dict[str, float] = {}
        rest = 1.0
        for order in range(_ORDERS - 1, -1, -1):
            context = tuple(tokens[len(tokens) - order :]) if order else ()
            if len(context) < order or (not order and not held):
                continue
            counts: dict[str, float] = defaultdict(float)
            background = self._background[order].get(context, _NOTHING)
            if not order:
                background = self._beginning(held)
            for counter, weight in (
                (self._local[order].get(context, _NOTHING), self._copying),
                (background, 1),
            ):
                for token, n in counter.items():
                    if token.startswith(held):
                        counts[token] += n * weight
            mass = sum(counts.values())
            if not mass:
                continue
            trust = mass / (mass + (len(counts) if order else 0))
            for token, count in counts.items():
                found[token] = found.get(token, 0.0) + rest * trust * count / mass
            rest *= 1 - trust
            if rest < 0.02:
                break
        if not found:
            return None
        token = max(found, key=lambda t: (found[t], t))
        return token, min(1.0, found[token])

    def _beginning(self, held: str) -> Counter[str]:
        known = self._starting.get(held)
        if known is None:
            everything = self._background[0].get((), _NOTHING)
            known = Counter({t: n for t, n in everything.items() if t.startswith(held)})
            self._starting[held] = known
        return known


def _tables() -> list[dict[tuple[str, ...], Counter[str]]]:
    return [defaultdict(Counter) for _ in range(_ORDERS)]


def _count(tables: list[dict[tuple[str, ...], Counter[str]]], tokens: list[str]) -> None:
    for at, token in enumerate(tokens):
        for order in range(min(_ORDERS - 1, at) + 1):
            tables[order][tuple(tokens[at - order : at])][token] += 1
