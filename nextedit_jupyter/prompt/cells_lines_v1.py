"""The prompt format `cells-lines-v1`: inline as `cells-spm-v1`, next edits line by line.

For a next edit the model is asked whether a block of lines should change as well, one block after
the other:

    <|bos|> <|old|> lines <|new|> lines …                changes, oldest first
    <|edit|> lines  <|end|>                               a stretch that stays as it is
    <|edit|> lines  <|new|> lines <|end|>                 one that becomes something else

After a block the model writes `<|end|>`, or `<|new|>` and the block's new lines. The next question
follows the earlier ones and their answers, so that each costs only its own tokens. Names and cells
are left out: the changes that were made show what is to be done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nextedit_jupyter.core import EditEvent, SuggestRequest, TextEdit
from nextedit_jupyter.prompt import control
from nextedit_jupyter.prompt.cells_spm_v1 import CellsSpmV1, Shares
from nextedit_jupyter.prompt.format import EncodingCache, Prompt
from nextedit_jupyter.prompt.lines import with_line_end
from nextedit_jupyter.prompt.similar_lines import MAX_CHANGES, LineChange, Stretch, line_changes
from nextedit_jupyter.prompt.tokenizer import TextTokenizer


@dataclass(frozen=True, slots=True)
class CellsLinesV1(CellsSpmV1):
    """`next_edit` asks about the lines at the caret; `stretch_prompt` about any."""

    name: str = "cells-lines-v1"
    control_tokens: tuple[str, ...] = control.CONTROL_TOKENS
    shares: Shares = field(default_factory=Shares)
    cache: EncodingCache = field(default_factory=EncodingCache, compare=False, repr=False)

    @property
    def max_events(self) -> int:
        return 3

    def changes_prefix(self, changes: Sequence[LineChange], tokenizer: TextTokenizer) -> list[int]:
        """The beginning of the prompt: the newest changes."""
        ids = [tokenizer.control(control.BOS)]
        for change in changes[-MAX_CHANGES:]:
            ids += self.event(change.old, change.new, tokenizer)
        return ids

    def stretch(self, text: str, tokenizer: TextTokenizer) -> list[int]:
        """A stretch of lines; the answer follows."""
        return [tokenizer.control(control.EDIT), *self.cache.encode(tokenizer, text)]

    def stretch_answer(self, new: str | None, tokenizer: TextTokenizer) -> list[int]:
        """The model's expected answer about a stretch: no change if `new` is None."""
        if new is None:
            return [tokenizer.control(control.END)]
        return [
            tokenizer.control(control.NEW),
            *tokenizer.encode(new),
            tokenizer.control(control.END),
        ]

    def stretch_prompt(self, before: Sequence[int], text: str, tokenizer: TextTokenizer) -> Prompt:
        """The prompt that asks what `text` becomes, after the changes, questions and answers in
        `before`.

        Most stretches stay unchanged; the probability of the answer's first token shows whether one
        changes.
        """
        stretch = self.stretch(text, tokenizer)
        return Prompt(
            ids=(*before, *stretch),
            stop=self._stop(tokenizer, (control.NEW,)),
            heal=b"",
            kind="next_edit",
            draft_source=tuple(stretch[1:]),
            begin=tokenizer.control(control.NEW),
        )

    def read(self, ids: Sequence[int], tokenizer: TextTokenizer) -> str | None:
        """What a stretch becomes; None if it is unchanged or the answer is invalid."""
        end, new = tokenizer.control(control.END), tokenizer.control(control.NEW)
        if len(ids) < 2 or ids[0] != new or end not in ids:
            return None
        text = tokenizer.decode(list(ids[1 : list(ids).index(end)]))
        return None if "\ufffd" in text else text

    # For a single place, as in other formats.

    def next_edit(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        changes = recent_changes(request.history)
        prompt = self.stretch_prompt(
            self.changes_prefix(changes, tokenizer),
            lines_at_caret(request, changes).text,
            tokenizer,
        )
        return replace(prompt, begin=None)

    def parse_next_edit(
        self, request: SuggestRequest, completion_ids: Sequence[int], tokenizer: TextTokenizer
    ) -> tuple[str, TextEdit] | None:
        new = self.read(completion_ids, tokenizer)
        stretch = lines_at_caret(request, recent_changes(request.history))
        edit = stretch_edit(request.cell.source, stretch, new)
        return (request.cell.id, edit) if edit else None

    def answer(
        self, request: SuggestRequest, after: str, tokenizer: TextTokenizer
    ) -> list[int] | None:
        """The model's expected answer if the caret's cell becomes `after`.

        None if nothing was changed earlier, or if more than the lines at the caret changes.
        """
        now = request.cell.source
        changes = recent_changes(request.history)
        if not changes:
            return None
        if after == now:
            return self.stretch_answer(None, tokenizer)
        stretch = lines_at_caret(request, changes)
        lines, size = now.split("\n"), len(after.split("\n"))
        last = stretch.first + stretch.count - len(lines)  # from the end, 0 or less
        new = "\n".join(after.split("\n")[stretch.first : size + last])
        ids = self.stretch_answer(new, tokenizer)
        found = self.parse_next_edit(request, ids, tokenizer)
        return ids if found is not None and found[1].apply(now) == after else None


def recent_changes(history: Sequence[EditEvent]) -> list[LineChange]:
    """The newest changes of lines, oldest first; what was typed in several steps is one change."""
    found: list[tuple[str, LineChange]] = []
    for event in history:
        for change in line_changes(event.before, event.after):
            known = next(
                (
                    i
                    for i, (cell, c) in enumerate(found)
                    if cell == event.cell and c.new == change.old
                ),
                None,
            )
            if known is not None:
                earlier = found.pop(known)[1]
                change = LineChange(earlier.old, change.new, earlier.first, change.at)
            if change.old != change.new:
                found.append((event.cell, change))
    return [change for _, change in found[-MAX_CHANGES:]]


def lines_at_caret(request: SuggestRequest, changes: Sequence[LineChange]) -> Stretch:
    """As many lines, from the caret's line on, as the newest of `changes` replaced."""
    count = changes[-1].old.count("\n") + 1 if changes else 1
    source = request.cell.source
    first = source.count("\n", 0, request.caret.offset)
    lines = source.split("\n")[first : first + count]
    return Stretch(request.cell.id, first, len(lines), "\n".join(lines), 1.0)


def stretch_edit(source: str, stretch: Stretch, new: str | None) -> TextEdit | None:
    """The edit that replaces a stretch with `new`; None if the stretch is not there.

    An empty `new` deletes the lines with one line ending.
    """
    if new is None or new == stretch.text:
        return None
    lines = source.split("\n")
    start = sum(len(line) + 1 for line in lines[: stretch.first])
    end = start + len(stretch.text)
    if source[start:end] != stretch.text or not stretch.text.strip():
        return None
    if not new.strip():
        start, end = with_line_end(source, start, end)
        new = ""
    edit = TextEdit.between(source, source[:start] + new + source[end:])
    return edit or None
