"""After an error: the corrected line, ready as the next prompt's ghost text."""

from __future__ import annotations

from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.core.facts import KernelError
from nextedit_jupyter.core.notebook import Caret, text_hash
from nextedit_jupyter.core.text_edit import Replacement, TextEdit
from nextedit_jupyter.terminal.ghost import is_plain
from nextedit_jupyter.terminal.session_protocol import TerminalSession

_DEADLINE_MS = 1_000.0


def find_fix(session: TerminalSession, error: KernelError) -> str | None:
    """Ask for a next edit at the failing line; the text to run instead, or None. Blocks."""
    cell = session.notebook().cell(error.cell)
    if cell is None:
        return None
    lines = cell.source.split("\n")
    if not 1 <= error.line <= len(lines):
        return None
    end_of_line = sum(len(line) + 1 for line in lines[: error.line]) - 1
    request = session.request(
        want=("next_edit",), caret=Caret(cell.id, end_of_line), deadline_ms=_DEADLINE_MS
    )
    if request is None:
        return None
    try:
        answer = session.ask(request, timeout=_DEADLINE_MS / 1e3 + 1.0, client="fix")
    except WorkerError:
        return None
    base = text_hash(cell.source)
    for suggestion in answer.get("suggestions", ()):
        edits = [edit for edit in suggestion.get("edits", ()) if edit["cell"] == cell.id]
        if not edits or any(edit["base"] != base for edit in edits):
            continue
        edit = TextEdit.of(Replacement(e["start"], e["end"], e["text"]) for e in edits)
        fixed = edit.apply(cell.source)
        if fixed != cell.source and is_plain(fixed):
            return _to_run(cell.source, fixed, error.line)
    return None


def _to_run(before: str, after: str, line: int) -> str:
    """The corrected line if it can run on its own, otherwise the whole corrected input."""
    was, now = before.split("\n"), after.split("\n")
    changed = [i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b]
    if len(was) == len(now) and changed == [line - 1]:
        fixed = now[line - 1]
        if not fixed[:1].isspace() and _is_whole(fixed):
            return fixed
    return after.strip("\n")


def _is_whole(line: str) -> bool:
    try:
        compile(line, "<fix>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True
