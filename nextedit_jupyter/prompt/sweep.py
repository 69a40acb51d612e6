"""The prompt of Sweep's next-edit models (0.5 B to 7 B, of Qwen2.5-Coder's shape).

    <|file_sep|>cell_1.py⏎ source …                       other cells
    <|file_sep|>cell_2.py.diff⏎original:⏎…⏎updated:⏎…      the newest edits
    <|file_sep|>original/cell_2.py⏎ window before the newest edit of the cell
    <|file_sep|>current/cell_2.py⏎ window with <|cursor|>
    <|file_sep|>updated/cell_2.py⏎ the window's first lines, which stay

after its published description; the model writes the rest of the updated window. Inline it keeps
its base model's fill-in-the-middle (`fim.qwen`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nextedit_jupyter.core import SuggestRequest, TextEdit
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.prompt import fim
from nextedit_jupyter.prompt.context import Stops, cells_before, file_name, hunks
from nextedit_jupyter.prompt.fim import FillInTheMiddle
from nextedit_jupyter.prompt.format import EncodingCache, Prompt
from nextedit_jupyter.prompt.lines import line_window
from nextedit_jupyter.prompt.tokenizer import TextTokenizer

FILE = "<|file_sep|>"
CURSOR = "<|cursor|>"  # plain text to the tokenizer
ABOVE, BELOW = 10, 11  # lines of the window; the latter include the caret's
REWRITTEN_ABOVE = 2  # lines above the caret that the model may rewrite; earlier ones are given
MAX_EDITS = 3
WINDOW_SHARE = 0.7  # of the budget, for window and its two copies


@dataclass(frozen=True, slots=True)
class Sweep:
    """Original, current and updated versions, with the diffs that led there."""

    name: str = "sweep"
    control_tokens: tuple[str, ...] = (FILE, "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
    kinds: tuple[Kind, ...] = ("inline", "next_edit")
    cache: EncodingCache = field(default_factory=EncodingCache, compare=False, repr=False)
    stops: Stops = field(default_factory=Stops, compare=False, repr=False)
    completer: FillInTheMiddle = field(default_factory=fim.qwen, compare=False, repr=False)

    def inline(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        return self.completer.inline(request, tokenizer, budget)

    def next_edit(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        source, caret = request.cell.source, request.caret.offset
        start, end = _window(request)
        name = file_name(request, request.caret.cell)
        current = f"{source[start:caret]}{CURSOR}{source[caret:end]}"
        task = [
            *self._file(f"original/{name}", _original(request, start, end), tokenizer),
            *self._file(f"current/{name}", current, tokenizer),
            *self._head(f"updated/{name}", tokenizer),
            *tokenizer.encode(_given(request)),
        ]
        stop = self.stops.of(tokenizer)
        if len(task) > budget * WINDOW_SHARE or CURSOR in source:
            return Prompt((), stop, b"", "next_edit")  # lines too long to rewrite
        edits: list[int] = []
        for hunk in reversed(hunks(request, limit=MAX_EDITS)):
            text = f"original:\n{hunk.old}\nupdated:\n{hunk.new}"
            piece = self._file(f"{hunk.name}.diff", text, tokenizer)
            if len(piece) + len(edits) > (budget - len(task)) // 2:
                break
            edits = piece + edits
        ids: list[int] = []
        left = budget - len(task) - len(edits)
        for other, text in cells_before(request, tokenizer, self.cache, left * 4 // 5):
            piece = self._file(other, text, tokenizer)
            if len(ids) + len(piece) > left:
                break
            ids += piece
        return Prompt(
            (*ids, *edits, *task),
            stop,
            b"",
            "next_edit",
            self.cache.encode(tokenizer, source[start:end]),
        )

    def parse_next_edit(
        self, request: SuggestRequest, completion_ids: Sequence[int], tokenizer: TextTokenizer
    ) -> tuple[str, TextEdit] | None:
        ids, stop = list(completion_ids), self.stops.of(tokenizer)
        if not ids or ids[-1] not in stop:
            return None
        start, end = _window(request)
        text = _given(request) + tokenizer.decode(ids[:-1]).replace(CURSOR, "")
        source = request.cell.source
        window = source[start:end]
        if not window.endswith("\n"):
            text = text.removesuffix("\n")  # the line end before the next file
        if "\ufffd" in text and "\ufffd" not in window:
            return None
        edit = TextEdit.between(source, source[:start] + text + source[end:])
        return (request.cell.id, edit) if edit else None

    def _head(self, name: str, tokenizer: TextTokenizer) -> list[int]:
        return [tokenizer.control(FILE), *self.cache.encode(tokenizer, f"{name}\n")]

    def _file(self, name: str, text: str, tokenizer: TextTokenizer) -> list[int]:
        return [*self._head(name, tokenizer), *self.cache.encode(tokenizer, f"{text}\n")]


def _window(request: SuggestRequest) -> tuple[int, int]:
    return line_window(request.cell.source, request.caret.offset, above=ABOVE, below=BELOW, step=4)


def _given(request: SuggestRequest) -> str:
    """The window's lines above those that may be rewritten, with their line endings."""
    source = request.cell.source
    start, _ = _window(request)
    above = source[start : request.caret.offset].split("\n")[:-1]
    return "".join(line + "\n" for line in above[: max(0, len(above) - REWRITTEN_ABOVE)])


def _original(request: SuggestRequest, start: int, end: int) -> str:
    """The window before the cell's newest edit, if the edit is completely within it."""
    source = request.cell.source
    window = source[start:end]
    for event in reversed(request.history):
        if event.cell != request.caret.cell:
            continue
        if event.after != source:
            return window
        tail = len(source) - end
        same_start = event.before[:start] == source[:start]
        same_end = not tail or event.before[-tail:] == source[end:]
        if same_start and same_end and len(event.before) >= start + tail:
            return event.before[start : len(event.before) - tail]
        return window
    return window
