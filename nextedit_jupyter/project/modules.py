"""What local modules offer to importing documents: names for the lanes, texts for prompts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from nextedit_jupyter.core import NamedObject, Nearby, Notebook
from nextedit_jupyter.core.cache import LruCache
from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.project.below_root import Root, Stamp
from nextedit_jupyter.project.imports import Import, Resolver, added_folders, notebook_imports
from nextedit_jupyter.project.outline import Definition, Outline, outline, stub
from nextedit_jupyter.project.parts import without_off

MAX_MODULES = 24  # per notebook
MAX_MEMBERS = 199  # facts with 200 or more count as truncated
MAX_STUBS = 4_000  # characters of a module's stubs
_FOLLOWED = 4  # levels of imports from module to module
_LOCAL_MODULE = "local module"  # which may have other members too


@dataclass(frozen=True, slots=True)
class ModuleSummary:
    """Names that the notebook's imports bind, and the modules' stubs; `files` are those read."""

    names: tuple[NamedObject, ...] = ()
    texts: tuple[Nearby, ...] = ()
    files: tuple[str, ...] = ()


class Modules:
    """The outlines of one root's modules, read again when a file changes."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._held: LruCache[str, tuple[Stamp, Outline | None]] = LruCache(256)

    def outline(self, path: str) -> Outline | None:
        """A module's outline; while it does not parse, that of its last valid text; None if it must
        not be read. A text with a secret is never read."""
        stamp = self._root.stamp(path)
        if stamp is None:
            self._held.drop(path)
            return None
        known = self._held.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        text = self._root.read(path)
        found = None
        if text is not None and not holds_secret(text):
            found = outline(without_off(text)) or (known[1] if known is not None else None)
        self._held.put(path, (stamp, found))
        return found

    def summarise(self, notebook: Notebook, folder: str) -> ModuleSummary:
        """What the notebook's imports of local modules provide; `folder` is the notebook's."""
        resolver = Resolver(self._root, folder, added_folders(notebook, folder))
        reader = _ImportReader(self, self._root, resolver)
        for one in notebook_imports(notebook):
            reader.take(one)
            if len(reader.used) >= MAX_MODULES:
                break
        words = frozenset(
            word for cell in notebook.code_cells for word in _WORD.findall(cell.source)
        )
        return ModuleSummary(
            tuple(reader.names.values()), tuple(reader.texts(words)), tuple(reader.read)
        )


_WORD = re.compile(r"[^\W\d]\w*")


class _ImportReader:
    """Follows one notebook's imports."""

    def __init__(self, modules: Modules, root: Root, resolver: Resolver) -> None:
        self._modules = modules
        self._root = root
        self._resolver = resolver
        self.names: dict[str, NamedObject] = {}
        self.read: dict[str, Outline] = {}
        # The definitions to show of each file: those that were named, or all.
        self.used: dict[str, dict[str, Definition]] = {}

    def take(self, one: Import) -> None:
        if one.name == "":
            self._module(one.module, one.bound, whole=one.bound)
        elif one.name == "*":
            self._star(one.module)
        else:
            self._member(one.module, one.name, one.bound)

    def texts(self, words: frozenset[str]) -> Iterator[Nearby]:
        """The stubs of each module as one text, starting with what the notebook uses."""
        for path, definitions in self.used.items():
            worth = [d for d in definitions.values() if d.kind in ("function", "class")]
            worth.sort(key=lambda d: d.name not in words)
            lines, left = [], MAX_STUBS
            for definition in worth:
                text = stub(definition)
                left -= len(text) + 1
                if left < 0:
                    break
                lines.append(text)
            if lines:
                yield Nearby(path, "\n".join(lines), "module")

    def _module(self, module: str, bound: str, whole: str) -> None:
        """`import a.b` binds `a`; `import a.b as c` binds the module itself."""
        is_first = "." in module and bound == module.partition(".")[0]
        target = bound if is_first else module
        outline_ = self._read(target)
        if is_first:
            inner = self._read(module)
            if inner is not None:
                self._bind_module(module, inner[0], inner[1])
        if outline_ is not None:
            extra = (module.split(".")[1],) if is_first else ()
            self._bind_module(bound, outline_[0], outline_[1], extra)
        elif is_first and module in self.names:
            name = module.split(".")[1]
            self.names[bound] = NamedObject(bound, _LOCAL_MODULE, (name,), module=bound)

    def _bind_module(
        self, bound: str, path: str, found: Outline, extra: Iterable[str] = ()
    ) -> None:
        definitions = {d.name: d for d in self._all(path, found, 0)}
        members = tuple(dict.fromkeys([*definitions, *extra]))
        is_all = self._is_closed(path, found, 0) and len(members) <= MAX_MEMBERS
        kind = "module" if is_all and members else _LOCAL_MODULE
        self.names[bound] = NamedObject(bound, kind, members[:MAX_MEMBERS], module=bound)
        for definition in list(definitions.values())[:MAX_MEMBERS]:
            if definition.keywords:
                dotted = f"{bound}.{definition.name}"
                self.names[dotted] = _named(definition, dotted, path)
        self._tell(path, definitions.values())

    def _member(self, module: str, name: str, bound: str) -> None:
        found = self._read(module)
        definition = None
        if found is not None:
            path, definition = self._definition(*found, name, 0)
            if definition is not None and definition.kind in ("function", "class"):
                self.names[bound] = _named(definition, bound, path)
                self._tell(path, [definition])
                return
        below = self._resolver.find_member(module, name)
        if below is not None and definition is None:
            outline_ = self._outline(below)
            if outline_ is not None:
                self._bind_module(bound, below, outline_)

    def _star(self, module: str) -> None:
        found = self._read(module)
        if found is None:
            return
        path, outline_ = found
        definitions = list(self._all(path, outline_, 0))[:MAX_MEMBERS]
        for definition in definitions:
            if definition.kind in ("function", "class"):
                self.names[definition.name] = _named(definition, definition.name, path)
        self._tell(path, definitions)

    def _all(self, path: str, found: Outline, depth: int) -> Iterator[Definition]:
        """The public names of a module with their original definitions, if these are local."""
        for definition in found.public:
            source = definition.source
            if source is None:
                yield definition
            elif path.endswith("__init__.py") or (
                found.exported is not None and definition.name in found.exported
            ):
                there = self._from(path, source[0], depth)
                real = None
                if there is not None and source[1]:
                    real = self._definition(*there, source[1], depth + 1)[1]
                yield replace(real, name=definition.name) if real is not None else definition
            elif source[0].startswith("."):
                yield definition  # imports from siblings are rarely meant for others
        for star in found.stars:
            there = self._from(path, star, depth)
            if there is not None:
                yield from self._all(*there, depth + 1)

    def _definition(
        self, path: str, found: Outline, name: str, depth: int
    ) -> tuple[str, Definition | None]:
        """The original definition of a module's name, followed through imports."""
        definition = found.named(name)
        if definition is not None and definition.source is None:
            return path, definition
        sources = [definition.source] if definition is not None and definition.source else []
        sources += [(star, name) for star in found.stars] if definition is None else []
        for module, original in sources:
            there = self._from(path, module, depth)
            if there is not None and original:
                where, real = self._definition(*there, original, depth + 1)
                if real is not None:
                    return where, real
        return path, definition

    def _is_closed(self, path: str, found: Outline, depth: int) -> bool:
        """Whether all names of a module are known. Submodules may be added to a package."""
        if not found.is_closed or path.endswith("__init__.py"):
            return False
        return all(
            there is not None and self._is_closed(*there, depth + 1)
            for there in (self._from(path, star, depth) for star in found.stars)
        )

    def _from(self, path: str, module: str, depth: int) -> tuple[str, Outline] | None:
        """The module that another one imports."""
        if depth >= _FOLLOWED:
            return None
        folder = path.rpartition("/")[0]
        where = Resolver(self._root, folder).find(module) if module.startswith(".") else None
        where = where or (None if module.startswith(".") else self._resolver.find(module))
        outline_ = self._outline(where) if where is not None else None
        return (where, outline_) if where is not None and outline_ is not None else None

    def _read(self, module: str) -> tuple[str, Outline] | None:
        where = self._resolver.find(module)
        outline_ = self._outline(where) if where is not None else None
        return (where, outline_) if where is not None and outline_ is not None else None

    def _outline(self, path: str) -> Outline | None:
        if path not in self.read and len(self.read) >= MAX_MODULES:
            return None
        found = self._modules.outline(path)
        if found is not None:
            self.read[path] = found
        return found

    def _tell(self, path: str, definitions: Iterable[Definition]) -> None:
        told = self.used.setdefault(path, {})
        for definition in definitions:
            told.setdefault(definition.name, definition)


def _named(definition: Definition, name: str, path: str) -> NamedObject:
    kind = "type" if definition.kind == "class" else "function"
    members = definition.members if definition.kind == "class" else ()
    return NamedObject(name, kind, members, keywords=definition.keywords, module=path)
