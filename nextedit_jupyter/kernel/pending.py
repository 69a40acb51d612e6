"""Pending suggestions, what each would change in its cells, and their text and HTML forms."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from nextedit_jupyter.core.notebook import Notebook, text_hash
from nextedit_jupyter.core.text_edit import Replacement, TextEdit
from nextedit_jupyter.core.wire import Utf16

_ANSI = {"+": "\x1b[32m", "-": "\x1b[31m"}
_PRE = "margin:0;line-height:1.4;font-size:var(--jp-code-font-size,inherit)"  # as other output
# As the theme of JupyterLab (with our extension) or VS Code has it, or else for a light one.
_CSS = {
    "+": "var(--nextedit-new-color,var(--vscode-gitDecoration-addedResourceForeground,#1a7f37))",
    "-": "var(--nextedit-old-color,var(--vscode-gitDecoration-deletedResourceForeground,#cf222e))",
}


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell's text before and after; `title` is how the cell is shown: `In [3]`."""

    cell: str
    title: str
    before: str
    after: str

    def diff(self) -> list[str]:
        """The lines of a unified diff with one line of context, without file names."""
        lines = unified_diff(self.before.split("\n"), self.after.split("\n"), n=1, lineterm="")
        return [line for line in lines if not line.startswith(("--- ", "+++ ", "@@"))]


@dataclass(frozen=True, slots=True)
class Pending:
    """A suggestion from the worker with the texts that it was made for.

    `wire` is the suggestion as received, in code points. `from_browser`: the texts are the
    browser's, so the browser can apply it. `is_rest`: a part of it was already accepted.
    """

    label: str
    kind: str
    lane: str
    confidence: float
    changes: tuple[CellChange, ...]
    notes: tuple[str, ...]
    wire: Mapping[str, Any]
    from_browser: bool = False
    is_rest: bool = False

    @property
    def headline(self) -> str:
        return self.label or self.kind


def read_suggestion(
    wire: Mapping[str, Any], notebook: Notebook, *, from_browser: bool = False
) -> Pending | None:
    """A suggestion (SuggestionWire, in code points) with its texts; None if any text has
    changed."""
    edits: dict[str, list[Replacement]] = {}
    for edit in wire.get("edits", ()):
        cell = notebook.cell(edit["cell"])
        if cell is None or text_hash(cell.source) != edit["base"]:
            return None
        edits.setdefault(cell.id, []).append(Replacement(edit["start"], edit["end"], edit["text"]))
    changes = []
    for index, cell in enumerate(notebook.cells):
        if cell.id in edits:
            title = f"In [{cell.execution_count}]" if cell.execution_count else f"cell {index + 1}"
            after = TextEdit.of(edits[cell.id]).apply(cell.source)
            if after != cell.source:
                changes.append(CellChange(cell.id, title, cell.source, after))
    if not changes:
        return None
    return Pending(
        label=str(wire.get("label", "")),
        kind=str(wire.get("kind", "")),
        lane=str(wire.get("lane", "")),
        confidence=float(wire.get("confidence", 0.0)),
        changes=tuple(changes),
        notes=tuple(map(str, wire.get("notes", ()))),
        wire=wire,
        from_browser=from_browser,
    )


def in_utf16(pending: Pending) -> dict[str, Any]:
    """The suggestion as a browser expects it: offsets in UTF-16 units."""
    units = {change.cell: Utf16(change.before) for change in pending.changes}
    return {
        **pending.wire,
        "edits": [
            {
                **edit,
                "start": units[edit["cell"]].to_units(edit["start"]),
                "end": units[edit["cell"]].to_units(edit["end"]),
            }
            for edit in pending.wire["edits"]
            if edit["cell"] in units
        ],
    }


def as_text(pending: Sequence[Pending], *, colour: bool = False) -> str:
    """Numbered diffs, for terminals and logs; control characters are made visible."""
    lines: list[str] = []
    for number, one in enumerate(pending, 1):
        lines.append(f"{number}  {_visible(one.headline)}")
        for change in one.changes:
            lines += [f"   {change.title}", diff_text(change, colour=colour)]
        lines += [f"   note: {_visible(note)}" for note in one.notes]
    return "\n".join(lines)


def diff_text(change: CellChange, *, colour: bool = False) -> str:
    """One cell's diff, indented."""
    lines = []
    for line in change.diff():
        text = _visible(line)
        if colour and text[:1] in _ANSI:
            text = f"{_ANSI[text[:1]]}{text}\x1b[0m"
        lines.append(f"   {text}")
    return "\n".join(lines)


def as_html(pending: Sequence[Pending], *, footer: str = "", first: int = 1) -> str:
    """The same as HTML; everything that comes from code is escaped."""
    parts: list[str] = []
    for number, one in enumerate(pending, first):
        parts.append(f"<b>{number}</b>&nbsp; {_escaped(one.headline)}\n")
        for change in one.changes:
            parts.append(f"   <i>{_escaped(change.title)}</i>\n")
            for line in change.diff():
                colour = _CSS.get(line[:1], "inherit")
                parts.append(f'   <span style="color:{colour}">{_escaped(line)}</span>\n')
        parts += [f"   note: {_escaped(note)}\n" for note in one.notes]
    body = "".join(parts) + _escaped(footer)
    return f'<pre class="nextedit" style="{_PRE}">{body}</pre>'


def _escaped(text: str) -> str:
    return html.escape(_visible(text))


def _visible(text: str) -> str:
    """Bidirectional, invisible and control characters as escapes: a diff must not lie."""
    return "".join(
        char if char.isprintable() or char == "\t" else f"\\u{ord(char):04x}" for char in text
    )
