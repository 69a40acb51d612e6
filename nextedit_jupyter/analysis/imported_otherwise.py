"""Uses of what an edited import no longer binds, but brings in another way.

`from numpy import zeros` became `import numpy as np`: `zeros(3)` is `np.zeros(3)` now; and
`import pathlib` became `from pathlib import Path`: `pathlib.Path` is `Path`. Both are the same
object, so that once one use was rewritten as well, those in all cells can be, unless something else
binds a name. An import alone may have made way for another one, and means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nextedit_jupyter.analysis.bindings import MODULE, Attribute, CellIndex, Name
from nextedit_jupyter.analysis.index import NotebookIndex, cell_index, index_notebook
from nextedit_jupyter.analysis.rename import Change, Window, broken_notes, places, windows
from nextedit_jupyter.analysis.rename.plan import cell_edits, listed_cells
from nextedit_jupyter.core import CellEdit, Notebook, Silence, SuggestRequest

NO_IMPORT = "no import was written in another way"
_MAX_SAID = 3


@dataclass(frozen=True, slots=True)
class ImportedPlan:
    """The uses that are written in another way, in the texts of `notebook`.

    `said` are pairs of what a use was and what it becomes. `left_alone` are cells that have uses
    but must not be changed.
    """

    said: tuple[tuple[str, str], ...]
    notebook: Notebook
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()
    confidence: float = 0.95
    left_alone: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        pairs = [f"{old} as {new}" for old, new in self.said[:_MAX_SAID]]
        more = len(self.said) - len(pairs)
        what = ", ".join(pairs) + (f" and {more} more" if more else "")
        cells = len({change.cell for change in self.changes})
        return f"write {what}: {places(len(self.changes), cells)}"

    def edits(self) -> tuple[CellEdit, ...]:
        return cell_edits(self.notebook, self.changes)


@dataclass(frozen=True, slots=True)
class _Import:
    """A name that an import binds: to a module, or to a member of one. `end` is its place."""

    name: str
    module: str
    member: str
    end: int
    is_package: bool

    @property
    def path(self) -> str:
        """What the name stands for."""
        return f"{self.module}.{self.member}" if self.member else self.module

    @property
    def written(self) -> str:
        """How the module is written: `os.path` is bound as `os`."""
        return self.module if self.is_package else self.name


def detect_imported_otherwise(request: SuggestRequest) -> ImportedPlan | Silence:
    """The uses that the last edits of an import require to change; or why there are none."""
    nothing = Silence("no_change", NO_IMPORT)
    if not request.history or request.history[-1].origin in ("undone", "remote"):
        return nothing
    if not any("import" in event.before for event in request.history):
        return nothing  # most edits: nothing is read for these
    for window in windows(request):
        if (found := _detect(request, window)) is not None:
            return found
    return nothing


def _detect(request: SuggestRequest, window: Window) -> ImportedPlan | Silence | None:
    edited = [
        (cell_index(was.source), cell_index(now.source))
        for id in window.alignments
        if (was := window.before.cell(id)) is not None
        and (now := request.notebook.cell(id)) is not None
    ]
    imports = [(_imports(was), _imports(now)) for was, now in edited]
    changed = [n for n, (was, now) in enumerate(imports) if _paths(was) != _paths(now)]
    if len(changed) != 1 or edited[changed[0]][1].broken:
        return None
    before, after = imports[changed[0]]
    lost = [i for name, i in before.items() if name not in after or after[name].path != i.path]
    gained = [i for name, i in after.items() if name not in before or before[name].path != i.path]
    lost.sort(key=lambda one: one.end)
    new = [g for g in gained if any(_is_related(old, g) for old in lost)]
    # A use that was written in the new way as well: another import alone may be another thing.
    if not any(_is_used_anew(g.name, was, now) for was, now in edited for g in new):
        return None
    index = index_notebook(request.notebook, request.facts)
    found = _Uses(index)
    if not all(found.read(old, new) for old in lost) or not found.changes:
        return None
    notes = [note for old in lost for note in broken_notes(index, old.name)]
    for name, cells in found.left.items():
        where = listed_cells(sorted(cells))
        notes.append(
            f"`{name}` is not imported any more, and {where} still read{'s' * (len(cells) == 1)} it"
        )
    changes = tuple(sorted(found.changes))
    return ImportedPlan(tuple(found.said), request.notebook, changes, tuple(dict.fromkeys(notes)))


def _paths(imports: dict[str, _Import]) -> dict[str, str]:
    return {name: one.path for name, one in imports.items()}


def _is_used_anew(name: str, was: CellIndex, now: CellIndex) -> bool:
    """Whether a cell reads the new name more often, or what has its own name in another way:
    `datetime` that was `datetime.datetime`.
    """
    return _reads(now, name) > _reads(was, name) or _of_own_name(now, name) != _of_own_name(
        was, name
    )


def _reads(here: CellIndex, name: str) -> int:
    return sum(here.names[i].op == "read" for i in here.streams.get((MODULE, name), ()))


def _of_own_name(here: CellIndex, name: str) -> int:
    return sum(a.name == a.object == name for a in here.attributes)


def _imports(here: CellIndex) -> dict[str, _Import]:
    """What the imports of a cell bind in the notebook's namespace, by name."""
    found: dict[str, _Import] = {}
    for start, path in here.imports.items():
        i = here.starts[start]
        name = here.names[i]
        if here.homes[i] == MODULE:
            module, _, member = path.partition(":")
            is_package = name.kind == "package"
            found[name.name] = _Import(name.name, module, member, name.end, is_package)
    return found


class _Uses:
    """The uses to change, as they are found: `said` is what becomes what, `left` are the cells with
    uses of a name that no new import brings."""

    def __init__(self, index: NotebookIndex) -> None:
        self._index = index
        self.changes: list[Change] = []
        self.said: dict[tuple[str, str], None] = {}
        self.left: dict[str, set[int]] = {}
        self._attributes: dict[str, dict[int, list[Attribute]]] = {}  # read, by cell and root

    def read(self, old: _Import, gained: Iterable[_Import]) -> bool:
        """Find the uses of what `old` imported. False if something else may have been meant."""
        new = [g for g in gained if _is_related(old, g)]
        if not new:
            return True
        if self._index.stars or not all(self._is_free(g) for g in new):
            return False
        is_same_name = any(g.name == old.name for g in new)
        if not is_same_name and self._index.definitions(old.name):
            return True  # another cell binds the name
        for id, here in self._index.readable():
            for i in here.streams.get((MODULE, old.name), ()):
                name = here.names[i]
                if name.op != "read":
                    if is_same_name and name.start in here.imports:
                        continue
                    return False
                change = self._use(id, here, name, old, new, is_same_name)
                if change is None:
                    if not is_same_name:
                        self.left.setdefault(old.name, set()).add(self._index.number(id))
                elif not _is_hidden(here, name, change):
                    self.changes.append(change)
                else:
                    return False
        return True

    def _is_free(self, new: _Import) -> bool:
        """Whether nothing but the same import binds the new name in the notebook."""
        return all(
            (start := here.names[i].start) in here.imports
            and here.imports[start].replace(":", ".") == new.path
            for id, i in self._index.definitions(new.name)
            for here in (self._index.cells[id],)
        )

    def _use(
        self, id: str, here: CellIndex, name: Name, old: _Import, new: list[_Import], is_same: bool
    ) -> Change | None:
        """The change of one use; None if no new import brings what it means."""
        source = here.masked.source
        if source[name.start - 1 : name.start] == "$":
            return None  # what a shell line substitutes is a name
        if old.member and source[name.end : name.end + 1] != "." * is_same:
            for g in new:
                if _holds(g, old):
                    text = f"{g.written}{old.module[len(g.path) :]}.{old.member}"
                    self.said[old.name, text] = None
                    return Change(id, name.start, name.end, text)
        return self._attribute(id, here, name, old, new)

    def _attribute(
        self, id: str, here: CellIndex, name: Name, old: _Import, new: list[_Import]
    ) -> Change | None:
        if id not in self._attributes:
            by_root = self._attributes[id] = {}
            for attribute in here.attributes:
                if attribute.op == "read":
                    by_root.setdefault(attribute.root, []).append(attribute)
        for attribute in self._attributes[id].get(name.start, ()):
            path = attribute.object
            if not old.is_package:
                path = old.path + path[len(old.name) :]
            for g in new:
                if g.member and (g.module, g.member) == (path, attribute.name):
                    self.said[f"{attribute.object}.{attribute.name}", g.name] = None
                    return Change(id, name.start, attribute.end, g.name)
        return None


def _is_related(old: _Import, new: _Import) -> bool:
    """Whether a new import may bring what the old one brought, in another way."""
    root = old.path.partition(".")[0] if old.is_package else old.path
    return _holds(new, old) or (bool(new.member) and f"{new.module}.".startswith(f"{root}."))


def _holds(new: _Import, old: _Import) -> bool:
    """Whether what a new import binds is the old one's module, or a package around it."""
    return bool(old.member) and f"{old.module}.".startswith(f"{new.path}.")


def _is_hidden(here: CellIndex, name: Name, change: Change) -> bool:
    """Whether the new name means something else where it would be written."""
    root = change.text.partition(".")[0]
    return any(
        scope != MODULE and (scope, root) in here.streams for scope in here.enclosing(name.scope)
    )
