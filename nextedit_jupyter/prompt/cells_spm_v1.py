"""The prompt format `cells-spm-v1`: what the kernel knows, other cells, edits, then the caret.

    <|bos|> <|names|> df: DataFrame[a, b]⏎ …
    <|cell|> source  <|cell|> source …            other code cells, nearest last
    <|old|> lines <|new|> lines …                 recent edits, newest last
    inline:     <|suffix|> after the caret <|prefix|> before the caret
    next_edit:  <|edit|> lines before the caret <|cursor|> lines after it <|old|>

Inline, the model continues at the caret until `<|end|>`. For a next edit it writes the lines to
replace, `<|new|>`, their replacement and `<|end|>`, or `<|end|>` at once if there is nothing to do.

The order suits the prefix cache: a keystroke changes only the end of the prompt. So inline prompts
leave out the newest edits of the caret's own cell (they change with each key) and pure insertions
(the text is in its cell), and every window moves in coarse steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nextedit_jupyter.core import (
    Cell,
    EditEvent,
    NamedObject,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.core.facts import FigureFacts
from nextedit_jupyter.core.figure_text import main_axes
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.prompt import control
from nextedit_jupyter.prompt.format import EncodingCache, Prompt
from nextedit_jupyter.prompt.healing import split_for_healing
from nextedit_jupyter.prompt.lines import (
    anchored_lines,
    changed_lines,
    find_lines,
    head_window,
    line_window,
    tail_window,
    with_line_end,
)
from nextedit_jupyter.prompt.nearby import NEARBY_SHARE, nearby_texts
from nextedit_jupyter.prompt.tokenizer import TextTokenizer, encode_open

STEP = 64  # tokens by which a window that is too long moves
MAX_NAMES = 24
MAX_MEMBERS = 16
MAX_EVENTS = 5
WINDOW_ABOVE, WINDOW_BELOW, WINDOW_STEP = 24, 24, 8  # lines
_CHARS = 4  # characters per token when a text is cut before it is encoded


@dataclass(frozen=True, slots=True)
class Shares:
    """How a budget of tokens is divided; what a part does not use goes to the other cells."""

    names: float = 0.16
    history: float = 0.16
    suffix: float = 0.16
    prefix: float = 0.40
    window: float = 0.45
    cell: float = 0.34  # of the other cells' part, the maximum for one cell


@dataclass(frozen=True, slots=True)
class CellsSpmV1:
    """Suffix-prefix-middle after names, cells and edits."""

    name: str = "cells-spm-v1"
    control_tokens: tuple[str, ...] = control.CONTROL_TOKENS
    shares: Shares = field(default_factory=Shares)
    cache: EncodingCache = field(default_factory=EncodingCache, compare=False, repr=False)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return ("inline", "next_edit")

    @property
    def max_events(self) -> int:
        """How many of the newest edits are in the prompt."""
        return MAX_EVENTS

    # The pieces, also used by training to write documents.

    def names(self, names: Sequence[NamedObject], tokenizer: TextTokenizer) -> list[int]:
        """`<|names|>` and one line per name; empty if no name is worth including."""
        lines = [line for line in map(name_line, ordered_names(names)) if line][:MAX_NAMES]
        if not lines:
            return []
        ids = [tokenizer.control(control.NAMES)]
        for line in lines:
            ids += self.cache.encode(tokenizer, line + "\n")
        return ids

    def cell(self, source: str, tokenizer: TextTokenizer) -> list[int]:
        """`<|cell|>` and the source without trailing whitespace."""
        return [
            tokenizer.control(control.CELL),
            *self.cache.encode(tokenizer, source.rstrip()),
        ]

    def event(self, old: str, new: str, tokenizer: TextTokenizer) -> list[int]:
        """`<|old|>` changed lines `<|new|>` changed lines."""
        return [
            tokenizer.control(control.OLD),
            *self.cache.encode(tokenizer, old),
            tokenizer.control(control.NEW),
            *self.cache.encode(tokenizer, new),
        ]

    def inline_tail(self, prefix: str, suffix: str, tokenizer: TextTokenizer) -> list[int]:
        """`<|suffix|>` text `<|prefix|>` text; the middle follows."""
        return [
            tokenizer.control(control.SUFFIX),
            *self.cache.encode(tokenizer, suffix),
            tokenizer.control(control.PREFIX),
            *tokenizer.encode(prefix),
        ]

    def edit_tail(self, before: str, after: str, tokenizer: TextTokenizer) -> list[int]:
        """`<|edit|>` text `<|cursor|>` text `<|old|>`; the lines to replace follow."""
        return [
            tokenizer.control(control.EDIT),
            *tokenizer.encode(before),
            tokenizer.control(control.CURSOR),
            *tokenizer.encode(after),
            tokenizer.control(control.OLD),
        ]

    def edit_answer(self, old: str, new: str, tokenizer: TextTokenizer) -> list[int]:
        """What the model writes after `edit_tail` for a change."""
        return [
            *tokenizer.encode(old),
            tokenizer.control(control.NEW),
            *tokenizer.encode(new),
            tokenizer.control(control.END),
        ]

    # The prompts.

    def inline(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        source, caret = request.cell.source, request.caret.offset
        kept, held = split_for_healing(source[:caret], tokenizer.pieces)
        limit = int(budget * self.shares.prefix)
        prefix = tail_window(kept, max_chars=limit * _CHARS, step=STEP * _CHARS)
        suffix = head_window(
            source[caret:].rstrip(), max_chars=int(budget * self.shares.suffix) * _CHARS
        )
        suffix_ids = self.cache.encode(tokenizer, suffix)[: int(budget * self.shares.suffix)]
        tail = [tokenizer.control(control.SUFFIX), *suffix_ids, tokenizer.control(control.PREFIX)]
        tail += drop_steps(encode_open(tokenizer, prefix), limit)
        events = [event for event in settled(request) if event.before.strip()]
        ids = self._start(request, events, tokenizer, budget - len(tail), insertions=False)
        return Prompt(
            ids=(*ids, *tail),
            stop=self._stop(tokenizer, ()),
            heal=held.encode("utf-8", "replace"),
            kind="inline",
            draft_source=suffix_ids,
        )

    def next_edit(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        source, caret = request.cell.source, request.caret.offset
        start, end = self._window(request)
        limit = int(budget * self.shares.window)
        before = tail_window(source[start:caret], max_chars=limit * _CHARS // 2, step=STEP * _CHARS)
        after = head_window(source[caret:end], max_chars=limit * _CHARS // 2)
        tail = [tokenizer.control(control.EDIT)]
        tail += drop_steps(tokenizer.encode(before), limit // 2)
        tail += [tokenizer.control(control.CURSOR), *tokenizer.encode(after)[: limit // 2]]
        tail.append(tokenizer.control(control.OLD))
        ids = self._start(request, request.history, tokenizer, budget - len(tail), insertions=True)
        return Prompt(
            ids=(*ids, *tail),
            stop=self._stop(tokenizer, (control.OLD, control.NEW)),
            heal=b"",
            kind="next_edit",
            draft_source=self.cache.encode(tokenizer, before + after),
        )

    def parse_next_edit(
        self, request: SuggestRequest, completion_ids: Sequence[int], tokenizer: TextTokenizer
    ) -> tuple[str, TextEdit] | None:
        end, new = tokenizer.control(control.END), tokenizer.control(control.NEW)
        ids = list(completion_ids)
        if end not in ids or ids.count(new) != 1:
            return None
        ids = ids[: ids.index(end)]
        if new not in ids:
            return None
        at = ids.index(new)
        old_text, new_text = tokenizer.decode(ids[:at]), tokenizer.decode(ids[at + 1 :])
        source = request.cell.source
        start, stop = self._window(request)
        if not old_text:
            if source.strip():
                return None
            return request.cell.id, TextEdit.between(source, new_text)
        place = find_lines(source, old_text, start, stop, request.caret.offset)
        if place is None or old_text == new_text:
            return None
        first, last = place
        if not new_text:
            first, last = with_line_end(source, first, last)
        edit = TextEdit.between(source, source[:first] + new_text + source[last:])
        return (request.cell.id, edit) if edit else None

    def answer(
        self, request: SuggestRequest, after: str, tokenizer: TextTokenizer
    ) -> list[int] | None:
        """The model's expected answer if the caret's cell becomes `after`.

        None if parsing it would give another text, for example because the change is outside the
        window.
        """
        now = request.cell.source
        if after == now:
            return [tokenizer.control(control.END)]
        ids = self.edit_answer(*anchored_lines(now, after), tokenizer)
        found = self.parse_next_edit(request, ids, tokenizer)
        return ids if found is not None and found[1].apply(now) == after else None

    # Their parts.

    def _window(self, request: SuggestRequest) -> tuple[int, int]:
        return line_window(
            request.cell.source,
            request.caret.offset,
            above=WINDOW_ABOVE,
            below=WINDOW_BELOW,
            step=WINDOW_STEP,
        )

    def _start(
        self,
        request: SuggestRequest,
        events: Iterable[EditEvent],
        tokenizer: TextTokenizer,
        budget: int,
        *,
        insertions: bool,
        shares: Shares | None = None,
    ) -> list[int]:
        """Names, cells and edits in at most `budget` tokens."""
        if budget < 16:
            return [tokenizer.control(control.BOS)]
        shares = shares or self.shares
        names = self.names((*drawn_names(request.facts.figures), *request.facts.names), tokenizer)
        names = names[: int(budget * shares.names)]
        history = self._history(
            events, tokenizer, int(budget * shares.history), insertions=insertions
        )
        left = budget - 1 - len(names) - len(history)
        left -= left % STEP  # or each key would change what fits, and so the prompt's start
        cells = self._cells(request, tokenizer, left)
        return [tokenizer.control(control.BOS), *names, *cells, *history]

    def _history(
        self,
        events: Iterable[EditEvent],
        tokenizer: TextTokenizer,
        budget: int,
        *,
        insertions: bool,
    ) -> list[int]:
        """The newest events that fit, oldest first."""
        pieces: list[list[int]] = []
        for event in reversed(list(events)):
            old, new = changed_lines(event.before, event.after)
            if not insertions and not old.strip():
                continue
            limit = STEP * _CHARS
            piece = self.event(
                head_window(old, max_chars=limit), head_window(new, max_chars=limit), tokenizer
            )
            if len(piece) > budget:
                break
            budget -= len(piece)
            pieces.append(piece)
            if len(pieces) == self.max_events:
                break
        return [id for piece in reversed(pieces) for id in piece]

    def _cells(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> list[int]:
        """Text from other files, then the other code cells that fit: chosen nearest first, written
        in run order."""
        told = nearby_texts(request, tokenizer, self.cache, int(budget * NEARBY_SHARE))
        near = [self.cell(text, tokenizer) for _, text, _ in told]
        budget -= sum(map(len, near))
        chosen: list[tuple[tuple[int, int], list[int]]] = []
        limit = int(budget * self.shares.cell)
        for order, cell in nearest_cells(request):
            source = head_window(cell.source, max_chars=limit * _CHARS)
            if not source.strip():
                continue
            ids = self.cell(source, tokenizer)[:limit]
            if len(ids) > budget:
                break
            budget -= len(ids)
            chosen.append((order, ids))
        chosen.sort(key=lambda pair: pair[0])
        return [id for ids in (*near, *(ids for _, ids in chosen)) for id in ids]

    def _stop(self, tokenizer: TextTokenizer, allowed: tuple[str, ...]) -> frozenset[int]:
        return frozenset(
            tokenizer.control(token) for token in self.control_tokens if token not in allowed
        )


def settled(request: SuggestRequest) -> tuple[EditEvent, ...]:
    """The history without its newest events in the caret's cell, which change with each key."""
    events = list(request.history)
    while events and events[-1].cell == request.caret.cell:
        events.pop()
    return tuple(events)


def nearest_cells(request: SuggestRequest) -> Iterable[tuple[tuple[int, int], Cell]]:
    """The other code cells, nearest first; a cell below counts as twice as far as one above.

    Each comes with its position in the prompt: cells below that did not run, then those that ran,
    in run order, then cells above that did not run.
    """
    cells = request.notebook.cells
    here = request.notebook.index(request.caret.cell) or 0
    above, below = here - 1, here + 1
    while above >= 0 or below < len(cells):
        if above >= 0 and (below >= len(cells) or here - above <= 2 * (below - here)):
            index, above = above, above - 1
        else:
            index, below = below, below + 1
        cell = cells[index]
        if not cell.is_code:
            continue
        if cell.execution_count is not None:
            yield (1, cell.execution_count), cell
        else:
            yield (0 if index > here else 2, index), cell


def drawn_names(figures: Sequence[FigureFacts]) -> tuple[NamedObject, ...]:
    """The newest figure, written like names that have columns: `ax: Axes[height, weight, f, m]`."""
    if not figures:
        return ()
    axes = main_axes(figures[-1])
    said = (axes.xlabel, *axes.x, axes.ylabel, *axes.y, *axes.by, *(axes.legend or axes.groups))
    told = tuple(dict.fromkeys(text for text in said if text))[:MAX_MEMBERS]
    name = next((name for name in axes.names if name.isidentifier()), "ax")
    return (NamedObject(name, "Axes", subscripts=told),) if told else ()


def ordered_names(names: Sequence[NamedObject]) -> list[NamedObject]:
    """Names in order of usefulness: those with keys or columns, then callables, then the rest."""

    def rank(named: NamedObject) -> int:
        return 0 if named.subscripts else 1 if named.keywords else 2

    worth = [
        named
        for named in names
        if named.type != "module" and not named.name.startswith("_") and named.name.isidentifier()
    ]
    return sorted(worth, key=rank)


def name_line(named: NamedObject) -> str:
    """`df: DataFrame[a, b]`, `f(x, y)` or `x: ndarray`; at most `MAX_MEMBERS` members."""
    kind = named.type.rpartition(".")[2]
    if named.subscripts:
        keys = [key for key in named.subscripts if len(key) <= 40 and "\n" not in key]
        return f"{named.name}: {kind}[{', '.join(keys[:MAX_MEMBERS])}]"
    if named.keywords:
        return f"{named.name}({', '.join(named.keywords[:MAX_MEMBERS])})"
    return f"{named.name}: {kind}" if kind else ""


def drop_steps(ids: list[int], limit: int) -> list[int]:
    """The end of `ids`, at most `limit`; what is dropped is a multiple of `STEP`."""
    if len(ids) <= limit:
        return ids
    return ids[-(-(len(ids) - limit) // STEP) * STEP :]
