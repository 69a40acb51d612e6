"""What formats of imported models share: the other cells and the kernel's names as plain code."""

from __future__ import annotations

from dataclasses import dataclass, field

from nextedit_jupyter.core import EditEvent, SuggestRequest
from nextedit_jupyter.core.figure_text import figure_lines
from nextedit_jupyter.prompt.cells_spm_v1 import name_line, nearest_cells, ordered_names
from nextedit_jupyter.prompt.format import EncodingCache
from nextedit_jupyter.prompt.lines import changed_lines, head_window
from nextedit_jupyter.prompt.nearby import NEARBY_SHARE, nearby_texts
from nextedit_jupyter.prompt.tokenizer import TextTokenizer

CHARS = 4  # characters per token when a text is cut before it is encoded
MAX_NAMES = 8
MAX_FIGURE_LINES = 3
# How a line comment begins; if unknown, names are left out.
_COMMENTS = {"python": "#", "r": "#", "julia": "#", "bash": "#", "javascript": "//", "sql": "--"}
_ENDINGS = {"python": "py", "r": "R", "julia": "jl", "bash": "sh", "javascript": "js", "sql": "sql"}


@dataclass(slots=True)
class Stops:
    """The ids of special tokens, by tokenizer: a text ends at any of them."""

    _known: dict[int, tuple[TextTokenizer, frozenset[int]]] = field(default_factory=dict)

    def of(self, tokenizer: TextTokenizer) -> frozenset[int]:
        known = self._known.get(id(tokenizer))
        if known is None or known[0] is not tokenizer:
            silent = (i for i in range(tokenizer.vocab_size) if not tokenizer.token_bytes(i))
            known = (tokenizer, frozenset(silent))
            self._known = {id(tokenizer): known}  # one format serves one bundle
        return known[1]


def file_name(request: SuggestRequest, cell: str) -> str:
    """A name for a cell where a model expects files: `cell_3.py`."""
    index = request.notebook.index(cell)
    ending = _ENDINGS.get(request.notebook.language, "txt")
    return f"cell_{(index or 0) + 1}.{ending}"


def comment_mark(request: SuggestRequest) -> str | None:
    """How a line comment begins in the notebook's language; None where it isn't known."""
    return _COMMENTS.get(request.notebook.language)


def file_context(
    request: SuggestRequest,
    tokenizer: TextTokenizer,
    cache: EncodingCache,
    budget: int,
    *,
    leading: str,
) -> list[int]:
    """Names and other cells as the beginning of a file, in at most `budget` tokens.

    `leading` is put before the first text: some tokenizers expect a space there.
    """
    if budget < 16:
        return []
    parts = [names_comment(request) + figure_comment(request)]
    names = len(cache.encode(tokenizer, parts[0]))
    if names > budget // 4:
        parts, names = [], 0
    cells = cells_before(request, tokenizer, cache, budget - names - 2)
    parts += [f"{source}\n\n" for _, source in cells]
    ids: list[int] = []
    for i, part in enumerate(part for part in parts if part):
        ids += cache.encode(tokenizer, leading + part if i == 0 else part)
    return ids[:budget]


def names_comment(request: SuggestRequest) -> str:
    """The names whose columns or keys the kernel knows, one comment line each; empty if none."""
    mark = comment_mark(request)
    if mark is None:
        return ""
    told = [named for named in ordered_names(request.facts.names) if named.subscripts][:MAX_NAMES]
    return "".join(f"{mark} {line}\n" for line in map(name_line, told) if line)


def figure_comment(request: SuggestRequest) -> str:
    """What the newest figure shows, one comment line for each of its axes; empty if none."""
    mark = comment_mark(request)
    if mark is None or not request.facts.figures:
        return ""
    lines = figure_lines(request.facts.figures, MAX_FIGURE_LINES, mark)
    return "".join(f"{line}\n" for line in lines)


def cells_before(
    request: SuggestRequest,
    tokenizer: TextTokenizer,
    cache: EncodingCache,
    budget: int,
    *,
    share: float = 0.34,
) -> list[tuple[str, str]]:
    """The other code cells that fit in `budget` tokens, as (file name, source).

    Chosen nearest first, written in run order; each takes at most `share` of the budget. Text from
    other files comes first.
    """
    near = nearby_texts(request, tokenizer, cache, int(budget * NEARBY_SHARE))
    budget -= sum(cost for _, _, cost in near)
    chosen: list[tuple[tuple[int, int], str, str]] = []
    limit = int(budget * share)
    for order, cell in nearest_cells(request):
        source = head_window(cell.source.strip("\n"), max_chars=limit * CHARS).rstrip()
        if not source:
            continue
        cost = len(cache.encode(tokenizer, source)) + 4
        if cost > budget:
            break
        budget -= cost
        chosen.append((order, file_name(request, cell.id), source))
    chosen.sort(key=lambda entry: entry[0])
    return [
        *((name, text) for name, text, _ in near),
        *((name, source) for _, name, source in chosen),
    ]


@dataclass(frozen=True, slots=True)
class Hunk:
    """One edit as whole lines; `row` is the first changed line's number, from 0."""

    name: str
    row: int
    old: str
    new: str
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()


def hunks(
    request: SuggestRequest, *, limit: int, max_chars: int = 800, around: int = 0
) -> list[Hunk]:
    """The newest edits, oldest first, each with `around` lines of context; long ones left out."""
    found: list[Hunk] = []
    for event in reversed(request.history):
        if len(found) == limit:
            break
        old, new = changed_lines(event.before, event.after)
        if len(old) + len(new) > max_chars or request.notebook.cell(event.cell) is None:
            continue
        row = first_changed_row(event)
        lines = event.after.split("\n")
        count = new.count("\n") + 1 if new or _has_line(event, new) else 0
        found.append(
            Hunk(
                file_name(request, event.cell),
                row,
                old,
                new,
                tuple(lines[max(0, row - around) : row]) if around else (),
                tuple(lines[row + count : row + count + around]) if around else (),
            )
        )
    return found[::-1]


def first_changed_row(event: EditEvent) -> int:
    """The number, from 0, of the first line in which an event's texts differ."""
    row = 0
    for before, after in zip(event.before.split("\n"), event.after.split("\n"), strict=False):
        if before != after:
            break
        row += 1
    return row


def _has_line(event: EditEvent, new: str) -> bool:
    """Whether an empty `new` is an empty line, not the absence of one."""
    return not new and event.after.count("\n") >= event.before.count("\n")
