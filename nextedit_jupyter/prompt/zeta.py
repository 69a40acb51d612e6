"""The prompt of Zed's Zeta 2.1 models (of Seed-Coder's shape), which number blocks of lines.

    <[fim-suffix]>⏎ code after the window
    <[fim-prefix]><filename>cell_1.py⏎ source …             other cells
    <filename>edit_history⏎--- a/…⏎+++ b/…⏎@@ … @@⏎-old⏎+new  the newest edits
    <filename>cell_2.py⏎ code before the window
    <|marker_1|>lines<|marker_2|>lines<|user_cursor|>…<|marker_3|>⏎<[fim-middle]>

after its published code; the model writes two markers and the new text between them, or the same
marker twice if there is nothing to do. Inline it keeps its base model's fill-in-the-middle.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from nextedit_jupyter.core import SuggestRequest, TextEdit
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.prompt import fim
from nextedit_jupyter.prompt.context import CHARS, Hunk, Stops, cells_before, file_name, hunks
from nextedit_jupyter.prompt.fim import FillInTheMiddle
from nextedit_jupyter.prompt.format import EncodingCache, Prompt
from nextedit_jupyter.prompt.lines import head_window, line_window, tail_window
from nextedit_jupyter.prompt.tokenizer import TextTokenizer

SUFFIX, PREFIX, MIDDLE = "<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>"
FILE, CURSOR = "<filename>", "<|user_cursor|>"  # plain text to the tokenizer, as are the markers
ABOVE, BELOW = 20, 20  # lines that may be rewritten
SHORTEST, LONGEST = 6, 16  # lines of a block
MAX_EDITS = 6
_MARKER = re.compile(r"<\|marker_(\d{1,3})\|>")


@dataclass(frozen=True, slots=True)
class Zeta:
    """Numbered blocks around the caret, with the diffs that led there."""

    name: str = "zeta-2.1"
    control_tokens: tuple[str, ...] = (SUFFIX, PREFIX, MIDDLE)
    kinds: tuple[Kind, ...] = ("inline", "next_edit")
    cache: EncodingCache = field(default_factory=EncodingCache, compare=False, repr=False)
    stops: Stops = field(default_factory=Stops, compare=False, repr=False)
    completer: FillInTheMiddle = field(default_factory=fim.seed, compare=False, repr=False)

    def inline(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        return self.completer.inline(request, tokenizer, budget)

    def next_edit(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        source, caret = request.cell.source, request.caret.offset
        start, end = _window(request)
        stop = self.stops.of(tokenizer)
        marked = _marked(source[start:end], caret - start)
        task = self.cache.encode(tokenizer, f"{marked}\n")
        if len(task) > budget // 2 or _MARKER.search(source) or CURSOR in source:
            return Prompt((), stop, b"", "next_edit")  # too long, or with markers of its own
        side = budget // 10
        after = tokenizer.encode(
            "\n" + head_window(source[end:].removeprefix("\n"), max_chars=side * CHARS)
        )[:side]
        name = file_name(request, request.caret.cell)
        above = tail_window(source[:start], max_chars=side * CHARS, step=64 * CHARS)
        here = [*self.cache.encode(tokenizer, f"{FILE}{name}\n"), *tokenizer.encode(above)[-side:]]
        left = budget - len(task) - len(after) - len(here) - 3
        edits = self._edits(request, tokenizer, left // 2)
        others: list[int] = []
        for other, text in cells_before(
            request, tokenizer, self.cache, (left - len(edits)) * 4 // 5
        ):
            piece = self.cache.encode(tokenizer, f"{FILE}{other}\n{text}\n\n")
            if len(others) + len(piece) > left - len(edits):
                break
            others += piece
        ids = [
            tokenizer.control(SUFFIX),
            *after,
            tokenizer.control(PREFIX),
            *others,
            *edits,
            *here,
            *task,
            tokenizer.control(MIDDLE),
        ]
        return Prompt(
            tuple(ids), stop, b"", "next_edit", self.cache.encode(tokenizer, source[start:end])
        )

    def parse_next_edit(
        self, request: SuggestRequest, completion_ids: Sequence[int], tokenizer: TextTokenizer
    ) -> tuple[str, TextEdit] | None:
        ids = list(completion_ids)
        if not ids or ids[-1] not in self.stops.of(tokenizer):
            return None
        said = tokenizer.decode(ids[:-1])
        marks = list(_MARKER.finditer(said))
        start, end = _window(request)
        source = request.cell.source
        window = source[start:end]
        places = _places(window)
        if len(marks) < 2 or said[: marks[0].start()].strip() or "\ufffd" in said:
            return None
        first, last = int(marks[0][1]) - 1, int(marks[-1][1]) - 1
        if not 0 <= first < last < len(places):
            return None
        text = _MARKER.sub("", said[marks[0].end() : marks[-1].start()]).replace(CURSOR, "")
        old = window[places[first] : places[last]]
        if old.endswith("\n") and text and not text.endswith("\n"):
            text += "\n"
        elif text.endswith("\n") and not old.endswith("\n"):
            text = text[:-1]
        new = window[: places[first]] + text + window[places[last] :]
        edit = TextEdit.between(source, source[:start] + new + source[end:])
        return (request.cell.id, edit) if edit else None

    def _edits(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> list[int]:
        head = self.cache.encode(tokenizer, f"{FILE}edit_history\n")
        ids: list[int] = []
        for hunk in reversed(hunks(request, limit=MAX_EDITS, around=3)):
            piece = self.cache.encode(tokenizer, _unified(hunk))
            if len(head) + len(ids) + len(piece) > budget:
                break
            ids = [*piece, *ids]
        return [*head, *ids, *self.cache.encode(tokenizer, "\n")] if ids else []


def _window(request: SuggestRequest) -> tuple[int, int]:
    return line_window(request.cell.source, request.caret.offset, above=ABOVE, below=BELOW, step=8)


def _places(window: str) -> list[int]:
    """The offsets of markers: line starts, the first is 0 and the last the end.

    A block ends before a line that follows a blank one, once it is long enough, or at `LONGEST`.
    """
    lines = window.split("\n")
    places, at, begun = [0], 0, 0
    for row, line in enumerate(lines):
        long = row - begun
        after_blank = row > 0 and not lines[row - 1].strip() and bool(line.strip())
        wanted = after_blank and long >= SHORTEST and len(lines) - row >= SHORTEST
        if wanted or long >= LONGEST:
            places.append(at)
            begun = row
        at += len(line) + 1
    if len(window) > places[-1] or len(places) == 1:
        places.append(len(window))
    return places


def _marked(window: str, caret: int) -> str:
    """The window with its markers, and the cursor in it."""
    parts = []
    places = _places(window)
    held = max(i for i in range(len(places) - 1) if places[i] <= caret)
    for i, (first, last) in enumerate(pairwise(places)):
        text = window[first:last]
        if i == held:
            text = text[: caret - first] + CURSOR + text[caret - first :]
        parts.append(f"<|marker_{i + 1}|>{text}")
    parts.append(f"<|marker_{len(places)}|>")
    return "".join(parts)


def _unified(hunk: Hunk) -> str:
    """A hunk as a unified diff, with its file's names."""
    old = hunk.old.split("\n") if hunk.old else []
    new = hunk.new.split("\n") if hunk.new else []
    first = hunk.row - len(hunk.above) + 1
    around = len(hunk.above) + len(hunk.below)
    lines = [
        f"--- a/{hunk.name}",
        f"+++ b/{hunk.name}",
        f"@@ -{first},{len(old) + around} +{first},{len(new) + around} @@",
        *(f" {line}" for line in hunk.above),
        *(f"-{line}" for line in old),
        *(f"+{line}" for line in new),
        *(f" {line}" for line in hunk.below),
    ]
    return "\n".join(lines) + "\n"
