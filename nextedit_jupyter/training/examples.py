"""Renders documents as training sequences, with the serving prompt format."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nextedit_jupyter.prompt import control
from nextedit_jupyter.prompt.cells_spm_v1 import (
    STEP,
    WINDOW_ABOVE,
    WINDOW_BELOW,
    WINDOW_STEP,
    CellsSpmV1,
)
from nextedit_jupyter.prompt.format import EditFormat
from nextedit_jupyter.prompt.lines import changed_lines, common_ends, head_window, line_window
from nextedit_jupyter.prompt.tokenizer import TextTokenizer
from nextedit_jupyter.training.commits.real_edit import RealEdit
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.edits import EditCase, draw_stretch, make_case
from nextedit_jupyter.training.kernel_names import columns_used, guess_names
from nextedit_jupyter.training.packing import NO_LOSS


@dataclass(frozen=True, slots=True)
class Mix:
    """How documents are rendered: shares between 0 and 1."""

    middle: float = 0.4  # of cells, written as suffix, prefix, middle
    empty_suffix: float = 0.5  # of those, without text after the middle
    closers: float = 0.25  # of those with a suffix, ending before closing brackets
    names: float = 0.5  # of pieces with names bound by earlier cells
    skip: float = 0.5  # of long documents, begun in the middle with names but without cells
    edit_inline: float = 0.25  # of half-done edits, shown as a caret instead of a next edit
    room: tuple[float, ...] = (0.25, 0.5, 1.0)  # of the length; one of them is an edit's maximum


_PIECE = re.compile(
    r"(?P<triple>'''|\"\"\")|(?P<quote>['\"])|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<end>\n)|#[^\n]*|\\."
)


def logical_ends(text: str) -> list[int]:
    """Offsets at which a logical line of Python ends: line ends outside brackets and strings.

    Good enough for code with magics and for invalid code; the last offset is len(text).
    """
    ends, depth, at = [], 0, 0
    while match := _PIECE.search(text, at):
        at = match.end()
        if match["triple"]:
            close = text.find(match["triple"], at)
            at = len(text) if close < 0 else close + 3
        elif match["quote"]:
            closing = re.compile(r"(?:\\.|[^\\\n])*?(?:" + match["quote"] + r"|(?=\n)|$)").match(
                text, at
            )
            at = closing.end() if closing else at
        elif match["open"]:
            depth += 1
        elif match["close"]:
            depth = max(0, depth - 1)
        elif match["end"] and depth == 0:
            start = match.start()
            ends += [start] if start and text[start - 1] != "\n" else []
    if not ends or ends[-1] != len(text):
        ends.append(len(text))
    return ends


def middle_cell(
    text: str, tokenizer: TextTokenizer, rng: random.Random, mix: Mix, fmt: CellsSpmV1
) -> list[int]:
    """One cell as suffix, prefix and middle; where the middle ends, the model writes `<|end|>`.

    Prefix and middle are tokenized as one text: the caret is wherever a prompt ends.
    """
    ends = logical_ends(text)
    end = rng.choice(ends)
    suffix = ""
    if rng.random() < mix.empty_suffix:
        if rng.random() < 0.6:
            end = len(text)
    else:
        if rng.random() < mix.closers:
            line_start = text.rfind("\n", 0, end) + 1
            head = text[line_start:end].rstrip(")]}'\":")
            end = line_start + len(head) if head.strip() else end
        suffix = text[end:]
    return [*fmt.inline_tail(text[:end], suffix, tokenizer), tokenizer.control(control.END)]


def plain_document(
    document: Document, tokenizer: TextTokenizer, rng: random.Random, mix: Mix, *, length: int
) -> list[list[int]]:
    """A document's cells in order, some as suffix-prefix-middle, in pieces of at most `length`."""
    fmt, bos = CellsSpmV1(), tokenizer.control(control.BOS)

    def write(cell: str) -> list[int]:
        return _cell(cell, tokenizer, rng, mix, fmt)

    return _pieces(document.cells, write, lambda index: [bos], length=length, min_ids=23)


def session_document(
    document: Document,
    tokenizer: TextTokenizer,
    rng: random.Random,
    mix: Mix,
    *,
    length: int,
    spare_columns: Sequence[str] = (),
    fmt: CellsSpmV1 | None = None,
) -> list[list[int]]:
    """Like `plain_document`, with the names that earlier cells bind, as a kernel reports them.

    A piece begins only with names from earlier cells, so that no name is leaked.
    """
    layout = fmt or CellsSpmV1()
    cells = list(document.cells)
    columns = columns_used(cells)
    first = 0
    if len(cells) >= 6 and rng.random() < mix.skip:
        first = rng.randrange(1, len(cells) // 2)

    def begin(index: int) -> list[int]:
        start = [tokenizer.control(control.BOS)]
        if index > 0 and rng.random() < mix.names:
            known = guess_names(
                cells[:index], columns=columns, spare_columns=spare_columns, rng=rng
            )
            names = layout.names(known, tokenizer)[: length // 6]
            start += [id | NO_LOSS for id in names]
        return start

    def write(cell: str) -> list[int]:
        return _cell(cell, tokenizer, rng, mix, layout)

    return _pieces(cells, write, begin, length=length, min_ids=16, first=first)


def _cell(
    text: str, tokenizer: TextTokenizer, rng: random.Random, mix: Mix, fmt: CellsSpmV1
) -> list[int]:
    if rng.random() < mix.middle:
        return middle_cell(text, tokenizer, rng, mix, fmt)
    return fmt.cell(text, tokenizer)


def _pieces(
    cells: Sequence[str],
    write: Callable[[str], list[int]],
    begin: Callable[[int], list[int]],
    *,
    length: int,
    min_ids: int,
    first: int = 0,
) -> list[list[int]]:
    """Cells from `first` on, in pieces of at most `length` ids that end between cells.

    A piece begins with `begin(index)` of its first cell, and is kept if it has more than `min_ids`
    ids after that. A cell longer than a piece is split.
    """
    pieces: list[list[int]] = []
    ids = begin(first)
    fresh = len(ids)
    for index in range(first, len(cells)):
        more = write(cells[index])
        if len(ids) + len(more) > length:
            if len(ids) > fresh + min_ids:
                pieces.append(ids)
            ids = begin(index)
            fresh = len(ids)
        ids += more[: length - len(ids)]
    if len(ids) > fresh + min_ids:
        pieces.append(ids)
    return pieces


def edit_document(
    document: Document,
    tokenizer: TextTokenizer,
    rng: random.Random,
    mix: Mix,
    *,
    length: int,
    spare_columns: Sequence[str] = (),
    fmt: CellsSpmV1 | None = None,
) -> list[int] | None:
    """One half-done edit (or a finished one) of a stretch of a document, or None.

    Loss is taken on the answer and on the cells, but not on repetitions of them.
    """
    fmt = fmt or CellsSpmV1()
    cells = draw_stretch(document.cells, rng)
    case = make_case(cells, rng) if cells else None
    if case is None:
        return None
    ids = [tokenizer.control(control.BOS)]
    if rng.random() < mix.names:
        known = guess_names(
            case.cells, columns=columns_used(cells), spare_columns=spare_columns, rng=rng
        )
        ids += [id | NO_LOSS for id in fmt.names(known, tokenizer)[: length // 6]]
    tail = _edit_tail(case, tokenizer, fmt)
    if rng.random() < mix.edit_inline and case.answer is not None:
        tail = _inline_tail(case, tokenizer, fmt)
    room = int(length * rng.choice(mix.room)) - len(ids) - len(tail)
    room = min(room, length - len(ids) - len(tail))
    context = []
    others = [index for index in range(len(case.cells)) if index != case.cell]
    others.sort(key=lambda index: abs(index - case.cell))
    for index in others:
        more = fmt.cell(case.cells[index], tokenizer)
        if len(more) > room:
            break
        room -= len(more)
        context.append((index, more))
    for _, more in sorted(context):
        ids += more
    ids += tail
    return ids if len(ids) <= length else None


def real_edit(
    edit: RealEdit, tokenizer: TextTokenizer, *, length: int, fmt: EditFormat | None = None
) -> list[int] | None:
    """A real edit as the prompt that serving would render for its request, and the answer.

    None if the answer does not lead to the text after: because it is outside of the window, or the
    sequence would be too long. Loss is taken on the answer and on the other cells.
    """
    fmt = fmt or CellsSpmV1()
    answer = fmt.answer(edit.request, edit.after, tokenizer)
    if answer is None or len(answer) > length // 2:
        return None
    prompt = fmt.next_edit(edit.request, tokenizer, length - len(answer))
    ids = list(prompt.ids)
    in_cell = False
    for at, id in enumerate(ids):
        if not tokenizer.token_bytes(id):  # a control token begins another part
            in_cell = id == tokenizer.control(control.CELL)
        if not in_cell:
            ids[at] = id | NO_LOSS
    ids += answer
    return ids if len(ids) <= length else None


def _events(case: EditCase, tokenizer: TextTokenizer, fmt: CellsSpmV1, *, all: bool) -> list[int]:
    """The events as history; in later events, repetitions of the first one's pattern have loss."""
    ids: list[int] = []
    for number, (before, after) in enumerate(case.events[-5:]):
        old, new = changed_lines(before, after)
        if not all and not old.strip():
            continue
        limit = STEP * 4
        piece = fmt.event(
            head_window(old, max_chars=limit), head_window(new, max_chars=limit), tokenizer
        )
        if number:
            mark = tokenizer.control(control.NEW)
            at = piece.index(mark)
            ids += [id | NO_LOSS for id in piece[: at + 1]] + piece[at + 1 :]
        else:
            ids += [id | NO_LOSS for id in piece]
    return ids


def _edit_tail(case: EditCase, tokenizer: TextTokenizer, fmt: CellsSpmV1) -> list[int]:
    text = case.now
    start, end = line_window(
        text, case.caret, above=WINDOW_ABOVE, below=WINDOW_BELOW, step=WINDOW_STEP
    )
    window = fmt.edit_tail(text[start : case.caret], text[case.caret : end], tokenizer)
    ids = _events(case, tokenizer, fmt, all=True)
    ids += [id | NO_LOSS for id in window]
    answer = case.answer
    if answer is None:
        return [*ids, tokenizer.control(control.END)]
    return ids + fmt.edit_answer(*answer, tokenizer)


def _inline_tail(case: EditCase, tokenizer: TextTokenizer, fmt: CellsSpmV1) -> list[int]:
    """The same step while typing: the caret is where the texts begin to differ."""
    now, after = case.now, case.after
    same, _ = common_ends(now, after)
    end, old_end = after.find("\n", same), now.find("\n", same)
    prefix = after if end < 0 else after[:end]
    suffix = "" if old_end < 0 else now[old_end:]
    tail = fmt.inline_tail(prefix, suffix, tokenizer)
    written = tail.index(tokenizer.control(control.PREFIX))
    ids = _events(case, tokenizer, fmt, all=False)
    ids += [id | NO_LOSS for id in tail[:written]]
    return [*ids, *tail[written:], tokenizer.control(control.END)]
