"""A parameterised family of prompt formats, which `train search` explores.

All share names, cells and history with `cells-spm-v1`. They differ in how the window and the answer
are written (`prompt.answers`), how much of either is shown, and in additional information:

    <|bos|> [<|language|> python] names cells
    <|old|> lines <|new|> lines …                        recent edits
    [<|history|> renamed df to frame]                    the newest edit in words
    next_edit:  <|edit|> [1:]lines <|cursor|> lines <|old|>     the answer follows
    inline:     <|suffix|> … <|prefix|> …   or   <|prefix|> … <|suffix|> … <|new|>
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nextedit_jupyter.core import SuggestRequest, TextEdit
from nextedit_jupyter.prompt import control
from nextedit_jupyter.prompt.answers import ANSWER_KINDS, AnswerKind, answer_of
from nextedit_jupyter.prompt.cells_spm_v1 import MAX_EVENTS, CellsSpmV1, Shares
from nextedit_jupyter.prompt.format import EncodingCache, Prompt
from nextedit_jupyter.prompt.lines import changed_lines, common_ends, head_window, line_window
from nextedit_jupyter.prompt.tokenizer import TextTokenizer

# The changes show what is to be changed, so they take precedence over other cells.
_EDIT_SHARES = Shares(names=0.1, history=0.6)
LINE_CHARS = 240  # per line of the window; a longer line is cut, and not edited beyond that
WINDOWS = (6, 12, 24)
HISTORIES = (1, 3, 5)


@dataclass(frozen=True, slots=True)
class Layout:
    """One combination of parameters. `window`: lines above and below the caret; `events`: the
    maximum."""

    answer: AnswerKind = "blocks"
    numbers: bool = False
    language: bool = False
    summary: bool = False
    prefix_first: bool = False
    window: int = 24
    events: int = MAX_EVENTS

    def __post_init__(self) -> None:
        if self.answer not in ANSWER_KINDS:
            raise ValueError(f"answer is one of {', '.join(ANSWER_KINDS)}")
        if self.window < 1 or not 1 <= self.events <= MAX_EVENTS:
            raise ValueError(f"window is at least 1, events 1 to {MAX_EVENTS}")

    @property
    def label(self) -> str:
        """A short name, such as `span+numbers-w12-e3`."""
        flags = "".join(
            f"+{name}"
            for name, value in (
                ("numbers", self.numbers),
                ("language", self.language),
                ("summary", self.summary),
                ("psm", self.prefix_first),
            )
            if value
        )
        return f"{self.answer}{flags}-w{self.window}-e{self.events}"


def _named(**points: Any) -> dict[str, Layout]:
    return {f"edit-{name.replace('_', '-')}-v1": point for name, point in points.items()}


# Each changes one parameter, or two that belong together.
VARIANTS: dict[str, Layout] = _named(
    blocks=Layout(),
    blocks_numbers=Layout(numbers=True),
    blocks_summary=Layout(summary=True),
    blocks_near=Layout(window=6, events=3),
    blocks_psm=Layout(prefix_first=True),
    window=Layout("window", window=6),
    diff=Layout("diff"),
    diff_numbers=Layout("diff", numbers=True),
    rows=Layout("rows", numbers=True),
    rows_near=Layout("rows", numbers=True, window=6, events=3),
    rows_language=Layout("rows", numbers=True, language=True),
    span=Layout("span"),
    span_numbers=Layout("span", numbers=True),
    span_near=Layout("span", numbers=True, window=6, events=3),
    span_summary=Layout("span", numbers=True, summary=True, window=12, events=3),
    span_short=Layout("span", numbers=True, window=12, events=1),
    span_told=Layout("span", summary=True, window=12, events=3),
)


@dataclass(frozen=True, slots=True)
class Variant(CellsSpmV1):
    """A format with its own layout; inline as `cells-spm-v1`, unless the prefix comes first."""

    name: str = "edit-blocks-v1"
    control_tokens: tuple[str, ...] = control.CONTROL_TOKENS
    shares: Shares = field(default_factory=Shares)
    cache: EncodingCache = field(default_factory=EncodingCache, compare=False, repr=False)
    layout: Layout = field(default_factory=Layout)

    @property
    def max_events(self) -> int:
        return self.layout.events

    def inline(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        told = self._language(request, tokenizer)
        prompt = CellsSpmV1.inline(self, request, tokenizer, budget - len(told) - 1)
        ids = (prompt.ids[0], *told, *prompt.ids[1:])
        if not self.layout.prefix_first:
            return replace(prompt, ids=ids)
        suffix, prefix = (tokenizer.control(name) for name in (control.SUFFIX, control.PREFIX))
        at, middle = ids.index(suffix), ids.index(prefix)
        turned = (*ids[:at], *ids[middle:], *ids[at:middle], tokenizer.control(control.NEW))
        return replace(prompt, ids=turned)

    def next_edit(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        start, end = self._window(request)
        window = self._shown(request, tokenizer, int(budget * self.shares.window))
        told = self._language(request, tokenizer)
        tail: list[int] = []
        if self.layout.summary and (said := summary(request)):
            tail += [tokenizer.control(control.HISTORY), *self.cache.encode(tokenizer, said)]
        tail += [tokenizer.control(control.EDIT), *window, tokenizer.control(control.OLD)]
        left = budget - len(tail) - len(told)
        head = self._start(
            request, request.history, tokenizer, left, insertions=True, shares=_EDIT_SHARES
        )
        return Prompt(
            ids=(head[0], *told, *head[1:], *tail),
            stop=self._stop(tokenizer, (control.OLD, control.NEW)),
            heal=b"",
            kind="next_edit",
            draft_source=self.cache.encode(tokenizer, request.cell.source[start:end][:4_000]),
        )

    def answer(
        self, request: SuggestRequest, after: str, tokenizer: TextTokenizer
    ) -> list[int] | None:
        """The model's expected answer if the caret's cell becomes `after`.

        None if this format cannot express it, for example because the change is outside the window.
        """
        now, stop = request.cell.source, tokenizer.control(control.END)
        if after == now:
            return [stop]
        start, end = self._window(request)
        kept = len(now) - end
        if now[:start] != after[:start] or (kept and now[end:] != after[-kept:]):
            return None
        new = after[start : len(after) - kept]
        if len(after) < start + kept or (not new and self.layout.answer == "window"):
            return None
        way = answer_of(self.layout.answer, numbers=self.layout.numbers)
        ids = [*way.write(now[start:end], new, tokenizer), stop]
        found = self.parse_next_edit(request, ids, tokenizer)
        return ids if found is not None and found[1].apply(now) == after else None

    def parse_next_edit(
        self, request: SuggestRequest, completion_ids: Sequence[int], tokenizer: TextTokenizer
    ) -> tuple[str, TextEdit] | None:
        ids, end_mark = list(completion_ids), tokenizer.control(control.END)
        if end_mark not in ids:
            return None
        ids = ids[: ids.index(end_mark)]
        start, end = self._window(request)
        source, caret = request.cell.source, request.caret.offset
        way = answer_of(self.layout.answer, numbers=self.layout.numbers)
        new = way.read(source[start:end], ids, tokenizer, caret - start) if ids else None
        if new is None or ("\ufffd" in new and "\ufffd" not in source):
            return None
        edit = TextEdit.between(source, source[:start] + new + source[end:])
        return (request.cell.id, edit) if edit else None

    def _window(self, request: SuggestRequest) -> tuple[int, int]:
        lines = self.layout.window
        return line_window(
            request.cell.source,
            request.caret.offset,
            above=lines,
            below=lines,
            step=max(1, lines // 3),
        )

    def _shown(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> list[int]:
        """The window with the cursor, without distant lines that don't fit."""
        start, end = self._window(request)
        source, caret = request.cell.source, request.caret.offset
        row, at, pieces = 1, start, []
        here = 0
        for line in source[start:end].split("\n"):
            number = self.cache.encode(tokenizer, f"{row}:") if self.layout.numbers else ()
            last = "" if at + len(line) >= end else "\n"
            if at <= caret <= at + len(line):
                here = row - 1
                inside = caret - at
                ids = [
                    *tokenizer.encode(line[:inside][-LINE_CHARS:]),
                    tokenizer.control(control.CURSOR),
                    *tokenizer.encode(head_window(line[inside:], max_chars=LINE_CHARS) + last),
                ]
            else:
                ids = list(self.cache.encode(tokenizer, line[:LINE_CHARS] + last))
            pieces.append([*number, *ids])
            at += len(line) + 1
            row += 1
        first, past, size = here, here + 1, len(pieces[here])
        while True:  # nearest first, on both sides
            up = first > 0 and size + len(pieces[first - 1]) <= budget
            if up:
                first -= 1
                size += len(pieces[first])
            down = past < len(pieces) and size + len(pieces[past]) <= budget
            if down:
                size += len(pieces[past])
                past += 1
            if not up and not down:
                return [id for piece in pieces[first:past] for id in piece][:budget]

    def _language(self, request: SuggestRequest, tokenizer: TextTokenizer) -> tuple[int, ...]:
        if not self.layout.language:
            return ()
        said = self.cache.encode(tokenizer, request.notebook.language)
        return (tokenizer.control(control.LANGUAGE), *said)


_PIECE = re.compile(r"\w+|'[^'\n]*'|\"[^\"\n]*\"|[^\w\s]")

_DEF = re.compile(r"\s*(?:async\s+)?def\s")


def summary(request: SuggestRequest) -> str:
    """The newest edit in a few words, such as `renamed df to frame`; empty if there is none."""
    if not request.history:
        return ""
    event = request.history[-1]
    old, new = changed_lines(event.before, event.after)
    if not old.strip():
        return "inserted lines"
    if not new.strip():
        return "deleted lines"
    was, now = _PIECE.findall(old), _PIECE.findall(new)
    first, same = common_ends(was, now)
    gone, come = was[first : len(was) - same], now[first : len(now) - same]
    if _DEF.match(old) and _DEF.match(new) and (len(gone) != 1 or first > 2):
        return "modified function signature"
    if len(gone) == len(come) == 1 and len(gone[0]) + len(come[0]) < 80:
        kind = "renamed" if gone[0].isidentifier() and come[0].isidentifier() else "changed"
        return f"{kind} {gone[0]} to {come[0]}"
    if not gone:
        return f"added {' '.join(come)[:40]}"
    if not come:
        return f"removed {' '.join(gone)[:40]}"
    return "changed a line" if "\n" not in old + new else "changed lines"


def variant(name: str) -> Variant:
    """The format with a name from `VARIANTS`. Raises KeyError."""
    return Variant(name=name, layout=VARIANTS[name])
