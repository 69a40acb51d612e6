"""Synthetic edits of real cells: what was done, and what is left to do, if anything.

Each maker takes a real document as the final state, invents an earlier state, and leaves the change
between them half done: so targets are real code. Texts are never executed.
"""

from __future__ import annotations

import ast
import difflib
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, SuggestRequest
from nextedit_jupyter.prompt.lines import anchored_lines
from nextedit_jupyter.training.kernel_names import parse_cell

EditKind = Literal[
    "rename", "keyword", "literal", "attribute", "parameter", "copied", "bug", "none"
]

MAX_CELLS = 10  # in a stretch of a document
LONGEST_CELL = 2_500  # characters


@dataclass(frozen=True, slots=True)
class EditCase:
    """A half-done change.

    `cells` is the present state, `cell` the index of the one with the caret, `caret` an offset in
    it. `events` are (before, after) texts of cells, oldest first. `after` is the cell's text after
    the next step, equal to the present text if nothing is to be done.
    """

    kind: EditKind
    cells: tuple[str, ...]
    cell: int
    caret: int
    events: tuple[tuple[str, str], ...]
    after: str

    @property
    def now(self) -> str:
        return self.cells[self.cell]

    @property
    def answer(self) -> tuple[str, str] | None:
        """Old and new lines of the step; None for no edit. An insertion is anchored at a line."""
        if self.after == self.now:
            return None
        return anchored_lines(self.now, self.after)

    def request(self) -> SuggestRequest:
        """The case as a request: all cells have run, and the history refers to them."""
        cells = tuple(
            Cell(f"c{i}", "code", text, execution_count=i + 1) for i, text in enumerate(self.cells)
        )
        history = tuple(
            EditEvent(f"c{self._cell_of(after)}", before, after, at=float(number))
            for number, (before, after) in enumerate(self.events)
        )
        caret = Caret(f"c{self.cell}", self.caret)
        return SuggestRequest(Notebook("python", cells), caret, history=history)

    def _cell_of(self, text: str) -> int:
        return self.cells.index(text) if text in self.cells else self.cell


def draw_stretch(cells: Sequence[str], rng: random.Random) -> list[str]:
    """Consecutive cells of a document, as many as fit into a prompt, without huge ones."""
    start = rng.randrange(max(1, len(cells) - MAX_CELLS // 2))
    return [cell for cell in cells[start : start + MAX_CELLS] if len(cell) < LONGEST_CELL]


def draw_case(cells: Sequence[str], rng: random.Random) -> EditCase | None:
    """A case made from a stretch of a document's cells; None if it offers none."""
    stretch = draw_stretch(cells, rng)
    return make_case(stretch, rng) if stretch else None


def make_case(cells: Sequence[str], rng: random.Random) -> EditCase | None:
    """A case of a random kind; None if the document offers none.

    In about a third of the cases nothing is to be done.
    """
    if rng.random() < 0.12:
        return typing(cells, rng)
    makers: list[Callable[[Sequence[str], random.Random], EditCase | None]] = [
        rename, rename, rename, keyword, keyword, literal, literal, attribute, parameter,
        copied, copied, bug, bug,
    ]  # fmt: skip
    case = rng.choice(makers)(cells, rng)
    if case is None:
        case = rng.choice([rename, literal, bug])(cells, rng)
    if case is not None and rng.random() < 0.25:
        case = finished(case, cells, rng)
    return case


def finished(case: EditCase, cells: Sequence[str], rng: random.Random) -> EditCase:
    """The same history with nothing left to do: the cells are those of the document."""
    if case.kind == "bug":
        whole = list(cells)
        events: tuple[tuple[str, str], ...] = ()
        if rng.random() < 0.5:
            events = (_typed_last_line(whole[case.cell], rng),)
    elif case.kind == "copied":
        whole = list(case.cells)
        whole[case.cell] = cells[case.cell]
        events = case.events
    else:
        whole = list(cells)
        events = case.events
    text = whole[case.cell]
    return EditCase("none", tuple(whole), case.cell, rng.randrange(len(text) + 1), events, text)


def _typed_last_line(text: str, rng: random.Random) -> tuple[str, str]:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    return "\n".join(lines[:at] + lines[at + 1 :]), text


def typing(cells: Sequence[str], rng: random.Random) -> EditCase | None:
    """A cell while it is being typed: continuing it is not a next edit's task."""
    index = rng.randrange(len(cells))
    text = cells[index]
    if len(text) < 8:
        return None
    caret = rng.randrange(4, len(text) + 1)
    line_start = text.rfind("\n", 0, caret) + 1
    line_end = text.find("\n", caret)
    rest = "" if line_end < 0 or rng.random() < 0.7 else text[line_end:]
    if not text[line_start:caret].strip():
        return None
    now = text[:caret] + rest
    since = line_start if rng.random() < 0.7 else rng.randrange(line_start, caret)
    before = text[:since] + rest
    texts = [*cells[: index + 1], *([] if rng.random() < 0.6 else cells[index + 1 :])]
    texts[index] = now
    return EditCase("none", tuple(texts), index, caret, ((before, now),), now)


def _spread(
    kind: EditKind,
    cells: Sequence[str],
    undo: Callable[[str], str],
    rng: random.Random,
) -> EditCase | None:
    """A half-done change: `undo` returns a line's earlier form; the first changed lines are already
    done."""
    places: list[tuple[int, int]] = []
    split = [cell.split("\n") for cell in cells]
    for index, lines in enumerate(split):
        for row, line in enumerate(lines):
            if undo(line) != line:
                places.append((index, row))
    if len(places) < 2:
        return None
    done = rng.randrange(1, min(len(places), 4))
    # Sometimes the first change is not the first in the document.
    order = list(places)
    if rng.random() < 0.2:
        at = rng.randrange(len(order))
        order = order[at:] + order[:at]
    state = [[undo(line) for line in lines] for lines in split]
    events = []
    for index, row in order[:done]:
        before = "\n".join(state[index])
        state[index][row] = split[index][row]
        events.append((before, "\n".join(state[index])))
    index, row = order[done]
    last_cell, last_row = order[done - 1]
    now = "\n".join(state[index])
    after = list(state[index])
    after[row] = split[index][row]
    # Neighbouring lines are changed in one step.
    while row + 1 < len(after) and (index, row + 1) in order[done:] and rng.random() < 0.8:
        row += 1
        after[row] = split[index][row]
    caret_row = last_row if last_cell == index and rng.random() < 0.7 else order[done][1]
    if rng.random() < 0.2:
        caret_row = min(len(after) - 1, max(0, caret_row + rng.randrange(-3, 4)))
    caret = _offset(now, caret_row, rng)
    texts = tuple("\n".join(lines) for lines in state)
    return EditCase(kind, texts, index, caret, tuple(events), "\n".join(after))


def _offset(text: str, row: int, rng: random.Random) -> int:
    lines = text.split("\n")
    row = min(row, len(lines) - 1)
    start = sum(len(line) + 1 for line in lines[:row])
    inside = len(lines[row])
    return start + (inside if rng.random() < 0.5 else rng.randrange(inside + 1))


_STEMS = (
    "data", "df", "x", "y", "values", "result", "model", "frame", "table", "arr", "items",
    "samples", "scores", "train", "test", "features", "labels", "out", "tmp", "res", "val",
    "target", "input", "output", "weights", "params", "config", "counts", "total", "mean",
    "error", "rate", "size", "n", "k", "index", "name", "path", "file", "key", "points", "line",
    "fig", "ax", "plot", "image", "mask", "group", "records",
)  # fmt: skip


def _other_name(name: str, rng: random.Random) -> str:
    """A name that a person might have used before."""
    parts = name.split("_")
    choices = [
        rng.choice(_STEMS),
        f"{name}_{rng.choice(_STEMS)}",
        f"{rng.choice(_STEMS)}_{name}",
        f"{name}{rng.randrange(2, 4)}",
        "_".join(parts[:-1]) or name[: max(1, len(name) // 2)],
        name[:1] if len(name) > 2 else f"{name}{name}",
        name[: max(1, len(name) - 2)],
        "".join(part.capitalize() if i else part for i, part in enumerate(parts)),
        f"my_{name}",
    ]
    return rng.choice(choices)


def rename(cells: Sequence[str], rng: random.Random) -> EditCase | None:
    """A variable or function renamed at its definition, but not everywhere."""
    stored: list[str] = []
    used: dict[str, int] = {}
    for cell in cells:
        tree = parse_cell(cell)
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Name):
                used[node.id] = used.get(node.id, 0) + 1
                if isinstance(node.ctx, ast.Store):
                    stored.append(node.id)
            elif isinstance(node, ast.FunctionDef):
                stored.append(node.name)
    names = sorted({name for name in stored if used.get(name, 0) >= 2 and name != "_"})
    if not names:
        return None
    name = rng.choice(names)
    other = _other_name(name, rng)
    if other == name or not other.isidentifier() or other in used:
        return None
    word = re.compile(rf"(?<![\w.'\"]){re.escape(name)}(?!\w|['\"]|\s*=(?!=))")
    store = re.compile(rf"(?<![\w.'\"(,])(?<!, )(?<!\(){re.escape(name)}(?=\s*=(?!=))")
    return _spread("rename", cells, lambda line: store.sub(other, word.sub(other, line)), rng)


_VALUE = r"(?:[\w.-]+|'[^'\n]*'|\"[^\"\n]*\"|\([^()\n]*\))"
_KEYWORD = re.compile(rf"(\w+)\((?:[^()\n]|\([^()\n]*\))*?(, (\w+)=({_VALUE}))\)")


def keyword(cells: Sequence[str], rng: random.Random) -> EditCase | None:
    """A keyword argument added or renamed in one of several calls of a function."""
    seen: dict[tuple[str, str], int] = {}
    for cell in cells:
        for match in _KEYWORD.finditer(cell):
            seen[match[1], match[3]] = seen.get((match[1], match[3]), 0) + 1
    several = sorted(pair for pair, count in seen.items() if count >= 2)
    if not several:
        return None
    callee, name = rng.choice(several)
    if rng.random() < 0.5:
        gone = re.compile(rf"(\b{re.escape(callee)}\(.*?), {name}={_VALUE}\)")
        return _spread("keyword", cells, lambda line: gone.sub(r"\1)", line), rng)
    other = _other_name(name, rng)
    if not other.isidentifier() or other == name:
        return None
    named = re.compile(rf"(\b{re.escape(callee)}\(.*?\b){name}=")
    return _spread("keyword", cells, lambda line: named.sub(rf"\g<1>{other}=", line), rng)


_LITERAL = re.compile(r"'[^'\n\\]{1,30}'|\"[^\"\n\\]{1,30}\"|(?<![\w.])\d+(?:\.\d+)?(?![\w.])")


def literal(cells: Sequence[str], rng: random.Random) -> EditCase | None:
    """A string (such as a column's name) or a number changed in one of several places."""
    counts: dict[str, int] = {}
    for cell in cells:
        for match in _LITERAL.findall(cell):
            if match not in ("0", "1", "2"):
                counts[match] = counts.get(match, 0) + 1
    several = sorted(value for value, count in counts.items() if 2 <= count <= 12)
    if not several:
        return None
    value = rng.choice(several)
    if value[0] in "'\"":
        inside = _other_name(re.sub(r"\W", "_", value[1:-1]) or "x", rng)
        other = value[0] + rng.choice([inside, value[1:-1].upper(), value[1:-1].lower()]) + value[0]
    else:
        other = str(rng.choice([int(float(value)) + 1, int(float(value)) * 10, 5, 100, 42]))
    if other == value:
        return None
    return _spread("literal", cells, lambda line: line.replace(value, other), rng)


def attribute(cells: Sequence[str], rng: random.Random) -> EditCase | None:
    """A method or attribute replaced by another one, or a module's alias changed."""
    counts: dict[str, int] = {}
    for cell in cells:
        for match in re.findall(r"\b([A-Za-z_]\w*\.[A-Za-z_]\w+)\b", cell):
            counts[match] = counts.get(match, 0) + 1
    several = sorted(value for value, count in counts.items() if count >= 2)
    if not several:
        return None
    chain = rng.choice(several)
    root, _, leaf = chain.partition(".")
    other = f"{root}.{_other_name(leaf, rng)}" if rng.random() < 0.7 else f"{root}_.{leaf}"
    word = re.compile(rf"(?<![\w.]){re.escape(chain)}\b")
    return _spread("attribute", cells, lambda line: word.sub(other, line), rng)


def parameter(cells: Sequence[str], rng: random.Random) -> EditCase | None:
    """A parameter added to a function, and to its calls."""
    for cell in cells:
        for match in re.finditer(r"^def (\w+)\(([^()\n]*), (\w+)(=[^,()\n]+)?\):", cell, re.M):
            name = match[1]
            calls = sum(len(re.findall(rf"(?<!def ){name}\(", c)) for c in cells)
            if calls < 1 or rng.random() < 0.3:
                continue
            return _without_last_argument(name, cells, rng)
    return None


def _without_last_argument(name: str, cells: Sequence[str], rng: random.Random) -> EditCase | None:
    gone = re.compile(rf"(\b{name}\((?:[^()\n]|\([^()\n]*\))*), [^,()\n]+\)")
    return _spread("parameter", cells, lambda line: gone.sub(r"\1)", line), rng)


def copied(cells: Sequence[str], rng: random.Random) -> EditCase | None:
    """A cell copied from an earlier one and adapted line by line."""
    pairs = []
    for index in range(1, len(cells)):
        for earlier in range(max(0, index - 4), index):
            a, b = cells[earlier].split("\n"), cells[index].split("\n")
            if len(a) != len(b) or not 2 <= len(a) <= 30:
                continue
            differ = [row for row in range(len(a)) if a[row] != b[row]]
            if len(differ) >= 2 and all(
                difflib.SequenceMatcher(None, a[row], b[row]).ratio() > 0.5 for row in differ
            ):
                pairs.append((earlier, index, differ))
    if not pairs:
        return None
    earlier, index, differ = rng.choice(pairs)
    state, target = cells[earlier].split("\n"), cells[index].split("\n")
    done = rng.randrange(1, len(differ))
    events = [("", cells[earlier])] if rng.random() < 0.3 else []
    for row in differ[:done]:
        before = "\n".join(state)
        state[row] = target[row]
        events.append((before, "\n".join(state)))
    now = "\n".join(state)
    state[differ[done]] = target[differ[done]]
    texts = list(cells)
    texts[index] = now
    caret = _offset(now, differ[done - 1], rng)
    return EditCase("copied", tuple(texts), index, caret, tuple(events), "\n".join(state))


def bug(cells: Sequence[str], rng: random.Random) -> EditCase | None:
    """A mistake planted in one line, which the next edit fixes."""
    index = rng.randrange(len(cells))
    lines = cells[index].split("\n")
    rows = [row for row, line in enumerate(lines) if len(line.strip()) > 4]
    if not rows:
        return None
    row = rng.choice(rows)
    wrong = _slip(lines[row], rng)
    if wrong == lines[row]:
        return None
    whole = "\n".join(lines)
    broken = "\n".join([*lines[:row], wrong, *lines[row + 1 :]])
    if parse_cell(whole) is None:
        return None
    events: list[tuple[str, str]] = []
    if rng.random() < 0.6:
        events.append(("\n".join(lines[:row] + lines[row + 1 :]), broken))
    texts = list(cells)
    texts[index] = broken
    near = min(len(lines) - 1, max(0, row + rng.choice([0, 0, 0, 1, -1])))
    return EditCase("bug", tuple(texts), index, _offset(broken, near, rng), tuple(events), whole)


def _slip(line: str, rng: random.Random) -> str:
    """The line with one thing wrong."""
    options = [line.rstrip()[:-1] for close in ")]}" if line.rstrip().endswith(close)]
    if line.rstrip().endswith(":"):
        options.append(line.rstrip()[:-1])
    if " == " in line and line.lstrip().startswith(("if", "elif", "while")):
        options.append(line.replace(" == ", " = ", 1))
    words = list(re.finditer(r"(?<!['\"])\b[A-Za-z]{5,}\b", line))
    if words:
        word = rng.choice(words)
        at = word.start() + rng.randrange(1, len(word.group()) - 1)
        options.append(line[:at] + line[at + 1] + line[at] + line[at + 2 :])
        options.append(line[:at] + line[at + 1 :])
    for quote in "'\"":
        if line.count(quote) == 2:
            at = line.rindex(quote)
            options.append(line[:at] + line[at + 1 :])
    return rng.choice(options) if options else line


def with_kind(case: EditCase, kind: EditKind) -> EditCase:
    """The same case under another name."""
    return replace(case, kind=kind)
