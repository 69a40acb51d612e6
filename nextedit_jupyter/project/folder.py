"""Enriches requests with a root's modules and pieces of files, kept up to date in the
background."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nextedit_jupyter.analysis.budget import MAX_NODES, OverBudget, budget
from nextedit_jupyter.core import Nearby, Notebook, Place, SuggestRequest
from nextedit_jupyter.core.cache import LruCache
from nextedit_jupyter.core.error_log import log_error
from nextedit_jupyter.project.below_root import Limits, Root, Stamp
from nextedit_jupyter.project.modules import Modules, ModuleSummary
from nextedit_jupyter.project.pieces import Piece, Words, pieces_of, words_of

log = logging.getLogger("nextedit.project")

SCAN_INTERVAL = 15.0  # seconds between two scans of the folder, while requests arrive
MODULES_EVERY = 2.0  # the same for modules that a notebook imports
_MAX_READ = MAX_NODES // 2  # for reading a notebook's imports, per request
MAX_PIECES = 2
MIN_LIKENESS = 0.3
_ABOVE = 2  # cells above the caret's whose words show what the user is working on


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """`files` is the number of files read (modules and neighbours), `pieces` that of their
    pieces."""

    root: str
    files: int
    pieces: int
    is_reading: bool


class Folder:
    """What is known about the files around one root's documents. Thread-safe.

    `run` starts work in the background; in tests it runs at once.
    """

    def __init__(
        self,
        root: Root,
        *,
        run: Callable[[Callable[[], None]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._run = run or _in_background
        self._clock = clock
        self._modules = Modules(root)
        self._imported_names: LruCache[str, tuple[float, tuple[str, ...], ModuleSummary]] = (
            LruCache(16)
        )
        self._module_files: frozenset[str] = frozenset()
        self._pieces: dict[str, tuple[Stamp, tuple[Piece, ...]]] = {}
        self._words: dict[str, Words] = {}  # by the document's folder
        self._scanned_at: dict[str, float] = {}
        self._reading = threading.Lock()

    def status(self) -> FolderStatus:
        read = self._pieces
        pieces = sum(len(found) for _, found in read.values())
        files = len(self._module_files | read.keys())
        return FolderStatus(self._root.path, files, pieces, self._reading.locked())

    def enrich(self, request: SuggestRequest) -> SuggestRequest:
        """The request with information from its folder: names that the kernel does not know, and
        texts.

        Imported modules are read again if they changed; neighbours are as last read.
        """
        place = request.place
        if place is None or request.notebook.language != "python":
            return request
        if not self._root.is_open(place.path):
            return request
        imported = self._imported(request.notebook, place)
        near = list(imported.texts)
        if place.neighbours:
            self._scan_neighbours(place)
            near += self._likest(request, place)
        known = {named.name for named in request.facts.names}
        names = tuple(named for named in imported.names if named.name not in known)
        if not names and not near:
            return request
        facts = replace(request.facts, names=(*request.facts.names, *names))
        return replace(request, facts=facts, nearby=tuple(near))

    def _imported(self, notebook: Notebook, place: Place) -> ModuleSummary:
        now = self._clock()
        folder = place.path.rpartition("/")[0]
        # A line that is being typed is not searched for imports until its cell is left.
        imports = tuple(c.source for c in notebook.code_cells if "import" in c.source)
        held = self._imported_names.get(place.path)
        if held is not None and held[1] == imports and now - held[0] < MODULES_EVERY:
            return held[2]
        try:
            with budget(_MAX_READ):
                imported = self._modules.summarise(notebook, folder)
        except OverBudget:  # what was read is kept, and the next request continues from there
            return held[2] if held is not None else ModuleSummary()
        self._imported_names.put(place.path, (now, imports, imported))
        self._module_files |= frozenset(imported.files)
        return imported

    def _likest(self, request: SuggestRequest, place: Place) -> list[Nearby]:
        words = self._words.get(place.path.rpartition("/")[0])
        if words is None:
            return []
        cells = request.notebook.cells
        at = request.notebook.index(request.caret.cell) or 0
        before = [cell.source for cell in cells[:at] if cell.is_code][-_ABOVE:]
        # Whole lines only, so that the results, and with them the prompt, change per line and not
        # per key.
        source = request.cell.source[: request.caret.offset]
        lines = source[: source.rfind("\n") + 1]
        own = (cell.source for cell in cells if cell.is_code)
        found = words.nearest(
            words_of(lines),
            words_of("\n".join(before)),
            limit=MAX_PIECES + 1,
            min_likeness=MIN_LIKENESS,
            apart_from=own,
        )
        return [near for near in found if near.path != place.path][:MAX_PIECES]

    def _scan_neighbours(self, place: Place) -> None:
        folder = place.path.rpartition("/")[0]
        if self._clock() - self._scanned_at.get(folder, -SCAN_INTERVAL) < SCAN_INTERVAL:
            return
        if self._reading.acquire(blocking=False):
            self._scanned_at[folder] = self._clock()
            self._run(lambda: self._read(folder, place))

    def _read(self, folder: str, place: Place) -> None:
        """Read neighbours that changed: recently opened files, the folder, its subfolders, and the
        folders above."""
        try:
            limits = self._root.limits
            parts = folder.split("/") if folder else []
            above = ["/".join(parts[:n]) for n in range(len(parts) - 1, -1, -1)]
            paths = [p for p in place.recent if p.endswith((".py", ".ipynb"))]
            paths += self._root.walk([folder, *above[:1]])
            kept: list[Piece] = []
            total = 0
            fresh: dict[str, tuple[Stamp, tuple[Piece, ...]]] = {}
            for path in dict.fromkeys(paths):
                stamp = self._root.stamp(path)
                if stamp is None:
                    continue
                total += stamp.size
                if len(fresh) == limits.files or total > limits.total_bytes:
                    break
                known = self._pieces.get(path)
                if known is None or known[0] != stamp:
                    text = self._root.read(path)
                    known = (stamp, pieces_of(path, text) if text is not None else ())
                fresh[path] = known
                kept += known[1]
            self._words = {folder: Words(kept)} | {
                k: v for k, v in list(self._words.items())[:3] if k != folder
            }
            self._pieces = fresh
        except Exception as error:
            log_error(log, "the folder could not be read", error)
        finally:
            self._reading.release()


class Folders:
    """The folders of the most recent roots in requests."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._held: LruCache[tuple[str, tuple[str, ...]], Folder] = LruCache(4)
        self._last: Folder | None = None

    def enrich(self, request: SuggestRequest, root: str | None) -> SuggestRequest:
        """`Folder.enrich` for this root; without a root, the request unchanged."""
        if root is None or request.place is None or not Path(root).is_absolute():
            return request
        key = (root, request.place.excluded)
        folder = self._held.get(key)
        if folder is None:
            folder = Folder(Root(root, request.place.excluded, self._limits))
            self._held.put(key, folder)
        self._last = folder
        return folder.enrich(request)

    def status(self) -> FolderStatus | None:
        """The status of the folder used last; None if there was none."""
        return self._last.status() if self._last is not None else None

    def status_json(self) -> dict[str, object] | None:
        """The same as JSON values."""
        status = self.status()
        return asdict(status) if status is not None else None


def _in_background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="folder", daemon=True).start()
