"""A rename across documents: a module's name in the module and wherever it is imported.

It follows bindings, never words: the definition, imports that lead to it (also through packages
that re-export it), and the names that these imports bind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from nextedit_jupyter.analysis.bindings import MODULE
from nextedit_jupyter.analysis.flow import Place as NamePlace
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.limits import not_read_note
from nextedit_jupyter.analysis.rename.plan import Change, RenamePlan, Target, refuse_name
from nextedit_jupyter.analysis.rename.planner import plan
from nextedit_jupyter.core import (
    Across,
    CellChanges,
    DocumentChanges,
    Elsewhere,
    Replacement,
    Silence,
)
from nextedit_jupyter.core.word_characters import word_start
from nextedit_jupyter.project.below_root import Root
from nextedit_jupyter.project.documents import ProjectDocument, candidates, closed, opened
from nextedit_jupyter.project.outline import outline

Symbol = tuple[str, str]  # a module's path and a name that it defines or re-exports
_ALL = re.compile(r"^__all__[ \t]*\+?=[ \t]*[\[(]", re.M)


def rename_across(across: Across, root: Root) -> Elsewhere | Silence:
    """The changes in all documents when a local module's name is renamed, or why there are none.

    `across.to` asks for a rename of the name at the caret: then the answer includes the caret's own
    document. Without it, the rename was made by hand and is visible in `across.before`.
    """
    known = {one.path: opened(one, root) for one in across.open if root.is_open(one.path)}
    here = known.get(across.path)
    if here is None:
        return Silence("off", "the document is not below the server's root")
    found = _made_by_hand(here, across) if across.to is None else _asked_for(here, across)
    if isinstance(found, Silence):
        return found
    symbol, new = found
    if refusal := refuse_name(new):
        return refusal
    return _Rename(known, root, symbol, new, here, by_hand=across.to is None).run()


def _made_by_hand(here: ProjectDocument, across: Across) -> tuple[Symbol, str] | Silence:
    """The single top-level definition of a module whose name has changed."""
    nothing = Silence("no_change", "no definition was renamed")
    cell = here.notebook.cell(across.cell)
    if not here.is_module or cell is None or across.before is None:
        return nothing
    before, after = outline(across.before), outline(cell.source)
    if before is None or after is None:
        return nothing
    was = [d.name for d in before.definitions if d.source is None]
    now = [d.name for d in after.definitions if d.source is None]
    gone, come = [n for n in was if n not in now], [n for n in now if n not in was]
    if len(gone) != 1 or len(come) != 1 or was.index(gone[0]) != now.index(come[0]):
        return nothing
    return (here.path, gone[0]), come[0]


def _asked_for(here: ProjectDocument, across: Across) -> tuple[Symbol, str] | Silence:
    """The module's name at the caret."""
    assert across.to is not None
    nothing = Silence("no_change", "the name at the caret does not belong to a local module")
    index = here.index.cells.get(across.cell)
    if index is None or index.broken:
        return nothing
    if (i := index.name_at(across.offset)) is not None:
        if index.homes[i] != MODULE:
            return nothing
        name = index.names[i].name
        found = _imported(here, (across.cell, i))
        if found is not None:
            return (found, across.to) if found[1] == name else nothing
        is_own = bool(here.index.definitions(name)) and here.is_module
        return ((here.path, name), across.to) if is_own else nothing
    for attribute in index.attributes:
        if attribute.start <= across.offset <= attribute.end:
            for module in _modules(here):
                if module.holds(across.cell, attribute.root, attribute.object):
                    return (module.path, attribute.name), across.to
    return nothing


def _imported(document: ProjectDocument, place: NamePlace) -> Symbol | None:
    """The module's name that an import binds to the name at a place."""
    index = document.index
    for cell, i in index.references([place]):
        what = index.cells[cell].imports.get(index.cells[cell].names[i].start)
        if what is not None and ":" in what:
            module, _, name = what.partition(":")
            path = document.resolver.find(module)
            if path is not None and document.resolver.find_member(module, name) is None:
                return path, name
    return None


@dataclass(frozen=True, slots=True)
class _Module:
    """A module that a document refers to: by `text`, at these places."""

    path: str
    text: str
    roots: frozenset[tuple[str, int]]

    def holds(self, cell: str, root: int, text: str) -> bool:
        return text == self.text and (cell, root) in self.roots


def _modules(document: ProjectDocument) -> Iterator[_Module]:
    """The local modules that a document's imports bind names to."""
    index = document.index
    for cell, here in index.readable():
        for start, what in here.imports.items():
            i = here.starts.get(start)
            if i is None or here.homes[i] != MODULE:
                continue
            module, colon, name = what.partition(":")
            if colon:
                path = document.resolver.find_member(module, name)
            else:
                path = document.resolver.find(module)
            if path is None:
                continue
            bound = here.names[i]
            text = module if bound.kind == "package" else bound.name
            web = index.references([(cell, i)])
            roots = frozenset((id, index.cells[id].names[j].start) for id, j in web)
            yield _Module(path, text, roots)


class _Rename:
    """One rename across all documents."""

    def __init__(
        self,
        known: dict[str, ProjectDocument],
        root: Root,
        symbol: Symbol,
        new: str,
        here: ProjectDocument,
        *,
        by_hand: bool,
    ) -> None:
        self.known, self.root, self.new, self.here = known, root, new, here
        self.module, self.old = symbol
        self.by_hand = by_hand
        self.symbols = {symbol}
        self.notes: list[str] = []

    def run(self) -> Elsewhere | Silence:
        documents = dict(self.known)
        for document in candidates(self.root, self.here.folder, [self.old], self.known):
            documents[document.path] = document
        if self.module not in documents:
            return Silence("refused", f"`{self.module}` cannot be read")
        self._take_on(documents)
        self._note_withheld()
        changed = []
        for document in documents.values():
            if self.by_hand and document is self.here:
                continue
            changes = self._in(document)
            if isinstance(changes, Silence):
                return changes
            self._note_unread(document, bool(changes))
            if changes:
                changed.append(self._changes(document, changes))
        if not any(one.path != self.here.path for one in changed):
            return Silence("no_change", "no other document uses it")
        order = {self.here.path: 0, self.module: 1}
        changed.sort(key=lambda one: (order.get(one.path, 2), one.path))
        return Elsewhere(self.old, self.new, tuple(changed), tuple(dict.fromkeys(self.notes)))

    def _take_on(self, documents: dict[str, ProjectDocument]) -> None:
        """Add the modules that re-export the name."""
        grown = True
        while grown:
            grown = False
            for document in documents.values():
                if not document.is_module:
                    continue
                for _, _, symbol in self._members(document):
                    own = (document.path, self.old)
                    if symbol in self.symbols and own not in self.symbols:
                        self.symbols.add(own)
                        grown = True
                for _, path in self._stars(document):
                    if (path, self.old) in self.symbols and not document.index.definitions(
                        self.old
                    ):
                        own = (document.path, self.old)
                        grown = grown or own not in self.symbols
                        self.symbols.add(own)

    def _note_withheld(self) -> None:
        """Note open documents that the page did not send, if their file contains the word."""
        for path, document in self.known.items():
            text = self.root.read(path) if document.is_withheld else None
            if text is not None and _has_word(text, self.old) and closed(path, text, self.root):
                self.notes.append(f"{path} is open and was not read: not changed")

    def _note_unread(self, document: ProjectDocument, is_changed: bool) -> None:
        """Note switched-off cells in documents that use the name or may use it."""
        if document.unread and (is_changed or self._may_use(document)):
            note = not_read_note(list(document.unread), "switched_off")
            of = "" if document is self.here else f"{document.path}: "
            self.notes.append(f"{of}{note}")

    def _may_use(self, document: ProjectDocument) -> bool:
        """Whether the document's imports lead to the name or its module."""
        paths = {path for path, _ in self.symbols}
        return any(
            (
                any(module.path in paths for module in _modules(document)),
                any(path in paths for _, path in self._stars(document)),
                any(symbol in self.symbols for *_, symbol in self._members(document)),
            )
        )

    def _in(self, document: ProjectDocument) -> set[Change] | Silence:
        """The changes in one document, or why the module rules out the whole rename."""
        index = document.index
        if any(self.old in index.cell(id).source for id, _ in index.broken()):
            self.notes.append(f"{document.path} does not parse in part: that part is left out")
        for why, text in document.skipped:
            if _has_word(text, self.old):
                self.notes.append(f"{document.path} {why}")
        changes: set[Change] = set()
        if document.path == self.module:
            seeds = list(index.definitions(self.old))
            found = (
                plan(index, Target(self.old, seeds), self.new, on_command=True) if seeds else None
            )
            if isinstance(found, Silence):
                return replace(found, detail=f"{document.path}: {found.detail}")
            if found is None:
                return Silence("refused", f"{document.path} {self._why_undefined(document)}")
            changes |= set(found.changes)
        if (document.path, self.old) in self.symbols:
            changes |= set(self._exported(document))
        changes |= self._by_import(document)
        for module in _modules(document):
            if (module.path, self.old) in self.symbols:
                changes |= set(self._attributes(index, module))
        if not index.definitions(self.old):
            for _, path in self._stars(document):
                if (path, self.old) in self.symbols:
                    changes |= self._by_star(document)
        return changes

    def _why_undefined(self, document: ProjectDocument) -> str:
        """Why the module has no definition that can be changed."""
        if document.is_withheld:
            return "is open and was not read"
        guarded = (why for why, text in document.skipped if _has_word(text, self.old))
        return next(guarded, f"does not define `{self.old}`")

    def _by_import(self, document: ProjectDocument) -> set[Change]:
        index = document.index
        changes: set[Change] = set()
        for place, kind, symbol in self._members(document, aliases=True):
            if symbol not in self.symbols:
                continue
            cell, i = place
            name = index.cells[cell].names[i]
            if kind == "alias":
                original = _aliased(index.cell(cell).source, name.start)
                if original is not None:
                    changes.add(Change(cell, *original, self.new))
                continue
            found = plan(index, Target(self.old, [place]), self.new, on_command=True)
            if isinstance(found, RenamePlan):
                changes |= {
                    replace(change, text=self.new) if self._is_ours(document, change) else change
                    for change in found.changes
                }
            else:
                kept = f"{self.new} as {self.old}"
                changes.add(Change(cell, name.start, name.end, kept))
                self.notes.append(f"{document.path} keeps `{self.old}`: {found.detail}")
        return changes

    def _is_ours(self, document: ProjectDocument, change: Change) -> bool:
        """Whether a change is in an import that leads to the renamed name."""
        what = document.index.cells[change.cell].imports.get(change.start)
        if what is None or ":" not in what:
            return False
        module, _, name = what.partition(":")
        return (document.resolver.find(module), name) in self.symbols

    def _attributes(self, index: NotebookIndex, module: _Module) -> Iterator[Change]:
        for cell, here in index.readable():
            for attribute in here.attributes:
                if attribute.name == self.old and module.holds(
                    cell, attribute.root, attribute.object
                ):
                    yield Change(cell, attribute.start, attribute.end, self.new)

    def _by_star(self, document: ProjectDocument) -> set[Change]:
        index = document.index
        if index.module_places(self.new):
            self.notes.append(f"{document.path} already has a `{self.new}`: left alone")
            return set()
        return {
            Change(cell, index.cells[cell].names[i].start, index.cells[cell].names[i].end, self.new)
            for cell, places in index.module_places(self.old).items()
            for i in places
        }

    def _exported(self, document: ProjectDocument) -> Iterator[Change]:
        """The name in `__all__`."""
        quoted = re.compile(rf"(?<=[\"']){re.escape(self.old)}(?=[\"'])")
        for cell in document.notebook.cells:
            for first, last in _listed(cell.source):
                for found in quoted.finditer(cell.source, first, last):
                    yield Change(cell.id, found.start(), found.end(), self.new)

    def _members(
        self, document: ProjectDocument, *, aliases: bool = False
    ) -> Iterator[tuple[NamePlace, str, Symbol]]:
        """`from module import name`: the place that it binds, its kind, and what it refers to."""
        for cell, here in document.index.readable():
            for start, what in here.imports.items():
                module, colon, name = what.partition(":")
                i = here.starts.get(start)
                if not colon or name != self.old or i is None:
                    continue
                kind = here.names[i].kind
                path = document.resolver.find(module)
                if path is not None and (kind == "member" or (aliases and kind == "alias")):
                    yield (cell, i), kind, (path, name)

    def _stars(self, document: ProjectDocument) -> Iterator[tuple[str, str]]:
        for cell, here in document.index.readable():
            for module in here.stars:
                path = document.resolver.find("".join(module.split()))
                if path is not None:
                    yield cell, path

    def _changes(self, document: ProjectDocument, changes: set[Change]) -> DocumentChanges:
        cells = []
        for cell in document.notebook.cells:
            own = sorted((c for c in changes if c.cell == cell.id), key=lambda c: c.start)
            if own:
                replacements = tuple(Replacement(c.start, c.end, c.text) for c in own)
                number = document.numbers.get(cell.id, 0)
                cells.append(CellChanges(cell.id, number, cell.source, replacements))
        return DocumentChanges(document.path, document.is_open, tuple(cells))


def _aliased(source: str, alias: int) -> tuple[int, int] | None:
    """The span of the name before `as`, given the alias at `alias`."""
    head = source[:alias].rstrip()
    word = head.removesuffix("as").rstrip()
    if len(head) == alias or not head.endswith("as") or len(word) == len(head) - 2:
        return None
    start = word_start(word, len(word))
    return (start, len(word)) if start < len(word) else None


def _listed(source: str) -> Iterator[tuple[int, int]]:
    """The spans within the brackets of values assigned or added to `__all__`."""
    end = 0
    for match in _ALL.finditer(source):
        if match.start() < end:
            continue
        closers = [at for char in "])" if (at := source.find(char, match.end())) >= 0]
        if not closers:
            return
        end = min(closers)
        yield match.end(), end


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None
