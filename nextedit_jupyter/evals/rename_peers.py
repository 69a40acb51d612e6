"""Other tools on the same renames: jedi, rope, and replacing the word everywhere.

They get one script of all code cells with magics masked, which is more than they can do themselves,
and the changed place with its new name.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from nextedit_jupyter.analysis.magics import mask
from nextedit_jupyter.core import Notebook

Place = tuple[str, int, int]
Peer = Callable[[Notebook, Place, str], set[Place]]


def word_replacement(notebook: Notebook, first: Place, new: str) -> set[Place]:
    """The same word in every code cell."""
    cell, start, end = first
    source = next(c.source for c in notebook.cells if c.id == cell)
    old = source[start:end]
    word = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)")
    return {
        (c.id, m.start(), m.end())
        for c in notebook.cells
        if c.is_code
        for m in word.finditer(c.source)
    }


def jedi(notebook: Notebook, first: Place, new: str) -> set[Place]:
    """jedi's rename. Raises what jedi raises."""
    import jedi as library

    script, starts = _script(notebook)
    offset = starts[first[0]] + first[1]
    line, column = script.count("\n", 0, offset) + 1, offset - script.rfind("\n", 0, offset) - 1
    with tempfile.TemporaryDirectory() as folder:
        project = library.Project(folder, sys_path=[], load_unsafe_extensions=False)
        path = Path(folder, "notebook.py")
        path.write_text(script, encoding="utf-8")
        renamed = library.Script(script, path=path, project=project).rename(
            line, column, new_name=new
        )
        changed = renamed.get_changed_files()
        after = next((f.get_new_code() for p, f in changed.items() if p == path), script)
    return _changed(script, after, starts)


def rope(notebook: Notebook, first: Place, new: str) -> set[Place]:
    """rope's rename. Raises what rope raises."""
    from rope.base.project import Project
    from rope.refactor.rename import Rename

    script, starts = _script(notebook)
    with tempfile.TemporaryDirectory() as folder:
        project = Project(folder, ropefolder=None)
        try:
            Path(folder, "notebook.py").write_text(script, encoding="utf-8")
            resource = project.get_resource("notebook.py")
            rename = Rename(project, resource, starts[first[0]] + first[1])
            changes = rename.get_changes(new).changes
            after = next((c.new_contents for c in changes if c.resource == resource), script)
        finally:
            project.close()
    return _changed(script, after, starts)


PEERS: dict[str, Peer] = {"jedi": jedi, "rope": rope, "word": word_replacement}


def _script(notebook: Notebook) -> tuple[str, dict[str, int]]:
    parts: list[str] = []
    starts: dict[str, int] = {}
    at = 0
    for cell in notebook.cells:
        if cell.is_code:
            starts[cell.id] = at
            text = mask(cell.source).text.replace("\r", " ") + "\n"
            parts.append(text)
            at += len(text)
    return "".join(parts), starts


def _changed(before: str, after: str, starts: dict[str, int]) -> set[Place]:
    """The words that differ; a rename changes words, so there are as many as before."""
    old, new = list(re.finditer(r"\w+", before)), list(re.finditer(r"\w+", after))
    if len(old) != len(new):
        return set()
    found = set()
    cells = sorted(starts.items(), key=lambda item: item[1])
    for was, now in zip(old, new, strict=True):
        if was[0] != now[0]:
            cell, start = next((id, at) for id, at in reversed(cells) if at <= was.start())
            found.add((cell, was.start() - start, was.end() - start))
    return found
