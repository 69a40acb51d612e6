"""Reading and listing files below a root and nowhere else, within bounds."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nextedit_jupyter.core.cache import LruCache
from nextedit_jupyter.project.ignore import (
    IgnoreRule,
    is_excluded,
    is_ignored,
    is_skipped_name,
    rules_of,
)

READ = (".py", ".ipynb")


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one scan of a folder; after `seconds` it is cut short."""

    files: int = 300
    entries: int = 5_000
    file_bytes: int = 1_000_000  # a notebook with its outputs
    total_bytes: int = 40_000_000
    depth: int = 6
    seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class Stamp:
    """Identifies a version of a file, to detect changes."""

    modified_ns: int
    size: int


# Rules of `.gitignore` files, cached because each request checks whether its document may be read.
_RULES: LruCache[str, tuple[Stamp, tuple[IgnoreRule, ...]]] = LruCache(256)


@dataclass(frozen=True, slots=True)
class Root:
    """A user's folder that may be read, as named by the server.

    `excluded` are globs of paths below it that may not be read. Symbolic links are followed only if
    they end below the root; nothing is ever written.
    """

    path: str
    excluded: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    def stamp(self, relative: str) -> Stamp | None:
        """The stamp of a readable file; None if there is none. Cheap: reads no content."""
        real = self._real(relative)
        if real is None:
            return None
        try:
            found = os.stat(real)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(found.st_mode) or found.st_size > self.limits.file_bytes:
            return None
        return Stamp(found.st_mtime_ns, found.st_size)

    def read(self, relative: str) -> str | None:
        """A file's text; None if it must not or cannot be read."""
        real = self._real(relative)
        if real is None:
            return None
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            with os.fdopen(os.open(real, flags), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return None
                data = file.read(self.limits.file_bytes + 1)
        except (OSError, ValueError):
            return None
        if len(data) > self.limits.file_bytes or b"\0" in data:
            return None
        try:
            return data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            return None

    def is_open(self, relative: str) -> bool:
        """Whether a path may be read: below the root, not hidden, not excluded, not ignored."""
        parts = relative.split("/")
        if any(part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts):
            return False
        if any(is_skipped_name(part) for part in parts[:-1]) or parts[-1].startswith("."):
            return False
        if any(is_excluded("/".join(parts[:n]), self.excluded) for n in range(1, len(parts) + 1)):
            return False
        rules: list[tuple[str, tuple[IgnoreRule, ...]]] = []
        for n in range(len(parts)):
            folder = "/".join(parts[:n])
            rules.append((folder, self._rules(folder)))
            if is_ignored("/".join(parts[: n + 1]), n + 1 < len(parts), rules):
                return False
        return True

    def walk(self, folders: Sequence[str]) -> Iterator[str]:
        """Paths of Python files and notebooks in these folders and below, nearest first.

        Links are not followed. Stops at the bounds.
        """
        end = time.monotonic() + self.limits.seconds
        seen: set[str] = set()
        entries = self.limits.entries
        for start in folders:
            waiting = [(start, 0)]
            while waiting:
                folder, depth = waiting.pop(0)
                if folder in seen or (folder and not self.is_open(f"{folder}/x.py")):
                    continue
                seen.add(folder)
                found, below = self._listed(folder, self._all_rules(folder))
                entries -= len(found) + len(below)
                if entries < 0 or time.monotonic() > end:
                    return
                yield from found
                if depth < self.limits.depth:
                    waiting += [(name, depth + 1) for name in below]

    def _listed(
        self, folder: str, rules: Sequence[tuple[str, tuple[IgnoreRule, ...]]]
    ) -> tuple[list[str], list[str]]:
        """A folder's readable files and its subfolders to enter, both sorted."""
        files, folders = [], []
        try:
            with os.scandir(os.path.join(self.path, *folder.split("/"))) as entries:
                for count, entry in enumerate(entries):
                    if count > self.limits.entries:
                        break
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_symlink() or is_excluded(path, self.excluded):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if not is_skipped_name(entry.name) and not self._is_environment(path):
                            folders.append(path)
                    elif entry.name.endswith(READ) and not entry.name.startswith("."):
                        files.append(path)
        except (OSError, ValueError):
            return [], []
        return (
            sorted(path for path in files if not is_ignored(path, False, rules)),
            sorted(path for path in folders if not is_ignored(path, True, rules)),
        )

    def _is_environment(self, folder: str) -> bool:
        return os.path.exists(os.path.join(self.path, *folder.split("/"), "pyvenv.cfg"))

    def _all_rules(self, folder: str) -> list[tuple[str, tuple[IgnoreRule, ...]]]:
        parts = folder.split("/") if folder else []
        above = ["/".join(parts[:n]) for n in range(len(parts) + 1)]
        return [(name, self._rules(name)) for name in above]

    def _rules(self, folder: str) -> tuple[IgnoreRule, ...]:
        path = os.path.join(self.path, *folder.split("/"), ".gitignore")
        try:
            found = os.stat(path)
            stamp = Stamp(found.st_mtime_ns, found.st_size)
            known = _RULES.get(path)
            if known is None or known[0] != stamp:
                with open(path, encoding="utf-8", errors="replace") as file:
                    known = (stamp, rules_of(file.read(100_000)))
                _RULES.put(path, known)
        except OSError:
            return ()
        return known[1]

    def _real(self, relative: str) -> str | None:
        """The resolved location of a readable path; None if it is not below the root."""
        if not self.is_open(relative):
            return None
        root = os.path.realpath(self.path)
        real = os.path.realpath(os.path.join(root, *relative.split("/")))
        inside = os.path.join(root, "")
        if not real.startswith(inside):
            return None
        # A link's target must be as readable as the link.
        there = real[len(inside) :].replace(os.sep, "/")
        return real if there == relative or self.is_open(there) else None
