"""`demo`: a notebook's suggestions shown in the terminal, with timings, without a browser."""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nextedit_jupyter.cli.paint import COLOURS, Paint, tolerate_any_encoding, visible

if TYPE_CHECKING:
    from nextedit_jupyter.core import Answer, Cell, Kind, Notebook, Suggestion, SuggestRequest

_DESCRIPTION = """\
Replays editing a notebook and shows what would be offered, and how fast:

  typing     a cell is typed key by key, with only the cells above it known; ghost text that agrees
             with the cell's text is accepted, as with Tab
  renaming   a name is changed where it is defined; the offered places are shown as a diff
  next edit  a keyword argument is changed once; the offered places are shown as a diff

Nothing is written: the notebook stays as it is."""
_EPILOG = """\
examples:
  jupyter nextedit demo
  jupyter nextedit demo analysis.ipynb --cell 12 --rename df=orders"""

# Short and long names of the same matplotlib arguments: both are valid.
_SPELLINGS = {
    "lw": "linewidth",
    "c": "color",
    "ls": "linestyle",
    "ms": "markersize",
    "fc": "facecolor",
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "demo",
        help="show a notebook's suggestions in the terminal, with timings",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "notebook", nargs="?", type=Path, metavar="NOTEBOOK", help="an .ipynb (default: the tour)"
    )
    parser.add_argument(
        "--cell", metavar="CELL", help="the cell to type: its number, from 1, or its id"
    )
    parser.add_argument(
        "--rename", metavar="OLD=NEW", help="the name to rename (default: the one used most)"
    )
    parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="the model to use")
    parser.add_argument("--no-model", action="store_true", help="renames and patterns only")
    parser.add_argument(
        "--keys", type=int, default=400, metavar="N", help="maximum number of keys (400)"
    )
    parser.add_argument("--color", choices=COLOURS, default="auto", help="colours (auto)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter import __version__
    from nextedit_jupyter.cli.predict import open_suggester
    from nextedit_jupyter.evals.notebooks import example_path, read_notebook

    tolerate_any_encoding()
    paint = Paint(sys.stdout, arguments.color)
    path = arguments.notebook or example_path()
    notebook = read_notebook(path)
    rename = _rename_pair(arguments.rename)
    suggester = open_suggester(arguments.bundle, no_model=arguments.no_model)
    stage = _Stage(notebook, suggester.answer, paint)

    print(paint("bold", f"nextedit-jupyter {__version__}"), end="")
    print(f" · {stage.bundle() or 'no model'} · {os.cpu_count()} cores · ", end="")
    print(visible(f"{path.name}, {len(notebook.cells)} cells"))
    if stage.has_model():
        cell = _cell_to_type(notebook, arguments.cell)
        if cell is not None:
            stage.type(cell, arguments.keys)
    elif arguments.cell:
        print("\nnothing is typed: ghost text needs a model, see `jupyter nextedit model info`")
    if (chosen := rename or _name_to_rename(notebook)) is not None:
        stage.rename(*chosen)
    if (change := _keyword_to_change(notebook)) is not None:
        stage.change(*change)
    return 0


@dataclass(slots=True)
class _Stage:
    """Requests suggestions as an editor would, and prints them."""

    notebook: Notebook
    answer: Callable[[SuggestRequest], Answer]
    paint: Paint

    def bundle(self) -> str | None:
        return self._ask(self._idle())[0].bundle

    def has_model(self) -> bool:
        answer, _ = self._ask(self._idle())
        silence = answer.silence.get("inline")
        return silence is None or silence.reason != "no_model"

    def type(self, cell: Cell, keys: int) -> None:
        """Type a cell that has nothing below it; print each ghost text once."""
        from nextedit_jupyter.core import Caret, EditEvent, Notebook, SuggestRequest

        place = self.notebook.index(cell.id) or 0
        above = self.notebook.cells[:place]
        self._title(f"Typing {_name(place, cell)}")
        text, typed, shown, accepted, last = "", 0, 0, 0, ""
        times: list[float] = []
        while len(text) < len(cell.source) and typed < keys:
            # An editor inserts the indentation; nobody types it.
            key = _next_key(cell.source, len(text))
            text += key
            typed += 1
            request = SuggestRequest(
                notebook=Notebook(self.notebook.language, (*above, replace(cell, source=text))),
                caret=Caret(cell.id, len(text)),
                history=(EditEvent(cell.id, "", text, "typed", typed * 0.2),),
                want=("inline",),
            )
            answer, milliseconds = self._ask(request)
            times.append(milliseconds)
            ghost = _ghost(answer, request)
            if not ghost or text + ghost == last:
                continue
            last = text + ghost
            shown += 1
            fits = cell.source.startswith(last)
            self._ghost_line(text, ghost, milliseconds, accepted=fits)
            if fits:
                accepted += 1
                text = last
        print(
            f"  {typed} keys gave {len(text)} of {len(cell.source)} characters; "
            f"{shown} texts shown, {accepted} accepted; {_quantiles(times)}"
        )

    def rename(self, old: str, new: str) -> None:
        """Rename `old` at its first assignment or definition."""
        found = _definition(self.notebook, old)
        self._title(f"Renaming {visible(old)} to {visible(new)}")
        if found is None:
            print(f"  no cell that parses defines {visible(old)}")
            return
        cell, offset = found
        self._edit(cell, offset, offset + len(old), new, ("rename",))

    def change(self, cell: Cell, start: int, end: int, text: str) -> None:
        old = cell.source[start:end]
        self._title(f"Changing {visible(old)} to {visible(text)} once")
        self._edit(cell, start, end, text, ("next_edit", "rename"))

    def _edit(self, cell: Cell, start: int, end: int, text: str, want: tuple[Kind, ...]) -> None:
        from nextedit_jupyter.core import Caret, EditEvent, Notebook, SuggestRequest

        after = cell.source[:start] + text + cell.source[end:]
        edited = Notebook(
            self.notebook.language,
            tuple(replace(c, source=after) if c.id == cell.id else c for c in self.notebook.cells),
        )
        request = SuggestRequest(
            notebook=edited,
            caret=Caret(cell.id, start + len(text)),
            history=(EditEvent(cell.id, cell.source, after, "typed", 0.0),),
            want=want,
        )
        print(f"  in {_name(self.notebook.index(cell.id) or 0, cell)}, typed by hand:")
        self._diff(cell.source, after)
        answer, milliseconds = self._ask(request)
        if not answer.suggestions:
            why = ", ".join(
                f"{kind}: {s.reason}" + (f" ({visible(s.detail)})" if s.detail else "")
                for kind, s in answer.silence.items()
            )
            print(f"  nothing is offered ({why or 'no reason given'}), {milliseconds:.1f} ms")
            return
        # The next place alone may be offered as well as all places: show all.
        self._suggestion(max(answer.suggestions, key=lambda s: len(s.edits)), edited, milliseconds)

    def _suggestion(self, suggestion: Suggestion, notebook: Notebook, milliseconds: float) -> None:
        print(
            "  offered: "
            + self.paint("bold", visible(suggestion.label))
            + f" · {suggestion.lane} · {suggestion.confidence:.2f} · {milliseconds:.1f} ms"
        )
        for note in suggestion.notes:
            print("  " + self.paint("yellow", visible(note)))
        if suggestion.optional:
            places = sorted(
                (notebook.index(change.cell) or 0) + 1 for change in suggestion.optional
            )
            cells = ", ".join(map(str, places))
            print("  " + self.paint("dim", f"mentioned, for you to decide: cell {cells}"))
        for id, text in (suggestion.apply(notebook) or {}).items():
            cell = notebook.cell(id)
            if cell is not None:
                print("  " + _name(notebook.index(id) or 0, cell))
                self._diff(cell.source, text)

    def _diff(self, before: str, after: str) -> None:
        for line in difflib.ndiff(before.splitlines(), after.splitlines()):
            if line[0] in "+-":
                style = "green" if line[0] == "+" else "red"
                print("    " + self.paint(style, f"{line[0]} {visible(line[2:])}"))

    def _ghost_line(self, text: str, ghost: str, milliseconds: float, *, accepted: bool) -> None:
        line = text.rpartition("\n")[2]
        first, *rest = ghost.split("\n")
        mark = self.paint("green", "Tab") if accepted else self.paint("dim", "typed on")
        shown = self.paint("ghost", visible(first)) if self.paint.on else f"‹{visible(first)}›"
        more = f" (+{len(rest)} lines)" if rest else ""
        width = len(visible(line)) + len(visible(first)) + (0 if self.paint.on else 2) + len(more)
        gap = " " * max(2, 76 - width)
        print(f"    {visible(line)}{shown}{more}{gap}{milliseconds:5.1f} ms  {mark}")

    def _ask(self, request: SuggestRequest) -> tuple[Answer, float]:
        started = time.perf_counter()
        answer = self.answer(request)
        return answer, (time.perf_counter() - started) * 1000

    def _idle(self) -> SuggestRequest:
        from nextedit_jupyter.core import Caret, Cell, Notebook, SuggestRequest

        cell = Cell("idle", "code", "x = 1\n")
        return SuggestRequest(Notebook("python", (cell,)), Caret("idle", 6), want=("inline",))

    def _title(self, text: str) -> None:
        print("\n" + self.paint("bold", text))


def _ghost(answer: Answer, request: SuggestRequest) -> str:
    """The text that the best inline suggestion adds after the caret; "" if there is none."""
    for suggestion in answer.suggestions:
        if suggestion.kind == "inline":
            text = (suggestion.apply(request.notebook) or {}).get(request.caret.cell, "")
            if text.startswith(request.cell.source):
                return text[len(request.cell.source) :]
    return ""


def _next_key(source: str, at: int) -> str:
    end = at + 1
    if source[at] == "\n":
        while end < len(source) and source[end] in " \t":
            end += 1
    return source[at:end]


def _quantiles(times: Sequence[float]) -> str:
    if not times:
        return "no keys"
    ordered = sorted(times)
    p50, p95 = (ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.5, 0.95))
    return f"{p50:.1f} ms a key (p95 {p95:.1f})"


def _name(place: int, cell: Cell) -> str:
    return f"cell {place + 1} ({visible(cell.id)})"


def _rename_pair(text: str | None) -> tuple[str, str] | None:
    from nextedit_jupyter.core.errors import NextEditError

    if text is None:
        return None
    old, equals, new = text.partition("=")
    if not (equals and old.isidentifier() and new.isidentifier()):
        raise NextEditError(f"--rename takes two names, as in df=orders, not {text!r}")
    return old, new


def _cell_to_type(notebook: Notebook, named: str | None) -> Cell | None:
    """The named cell, or one near the end that has something to type."""
    from nextedit_jupyter.core.errors import NextEditError

    if named is not None:
        cell = notebook.cell(named)
        if cell is None and named.isdecimal() and 1 <= int(named) <= len(notebook.cells):
            cell = notebook.cells[int(named) - 1]
        if cell is None or not cell.is_code:
            raise NextEditError(
                f"--cell {named}: no such code cell; the notebook has {len(notebook.cells)} cells"
            )
        return cell
    code = [cell for cell in notebook.code_cells if _tree(cell) is not None and cell.source.strip()]
    later = code[len(code) // 2 :]
    return max(later, key=lambda cell: min(len(cell.source), 300), default=None)


def _tree(cell: Cell) -> ast.Module | None:
    try:
        return ast.parse(cell.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _trees(notebook: Notebook) -> Iterator[tuple[Cell, ast.Module]]:
    for cell in notebook.code_cells:
        if (tree := _tree(cell)) is not None:
            yield cell, tree


def _name_to_rename(notebook: Notebook) -> tuple[str, str] | None:
    """Of the names that a cell assigns, the one that most cells use."""
    assigned: dict[str, None] = {}
    cells: Counter[str] = Counter()
    for _, tree in _trees(notebook):
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        assigned.update((n.id, None) for n in names if isinstance(n.ctx, ast.Store))
        cells.update({n.id for n in names})
    best = max(
        (n for n in assigned if cells[n] > 1 and len(n) > 1), key=lambda n: cells[n], default=""
    )
    return (best, f"{best}_all") if best else None


def _definition(notebook: Notebook, name: str) -> tuple[Cell, int] | None:
    """The cell and offset of the first place that binds `name`."""
    for cell, tree in _trees(notebook):
        found = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
                found.append(_offset(cell.source, node.lineno, node.col_offset))
            elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                start = _offset(cell.source, node.lineno, node.col_offset)
                found.append(cell.source.index(name, start + 3))
        if found:
            return cell, min(found)
    return None


def _keyword_to_change(notebook: Notebook) -> tuple[Cell, int, int, str] | None:
    """The first keyword argument that calls in several cells spell by its short name."""
    places: dict[tuple[str, str], list[tuple[Cell, int]]] = {}
    for cell, tree in _trees(notebook):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            callee = ast.unparse(node.func).rpartition(".")[2]
            for keyword in node.keywords:
                if keyword.arg in _SPELLINGS:
                    at = _offset(cell.source, keyword.lineno, keyword.col_offset)
                    places.setdefault((callee, keyword.arg), []).append((cell, at))
    for (_, argument), found in places.items():
        if len({cell.id for cell, _ in found}) > 1:
            cell, at = found[0]
            return cell, at, at + len(argument), _SPELLINGS[argument]
    return None


def _offset(source: str, line: int, column: int) -> int:
    """An `ast` position (line from 1, column in UTF-8 bytes) as an offset in code points."""
    lines = source.split("\n")
    before = sum(len(text) + 1 for text in lines[: line - 1])
    return before + len(lines[line - 1].encode()[:column].decode())
