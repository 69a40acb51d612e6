"""Reads a checkout's history without running anything that the checkout contains.

A repository's configuration may name programs: hooks, filters, text converters, a file system
monitor, a remote's own transport. None of them runs here: only plumbing commands that read objects
are used, their output is raw, the environment is clean, and every protocol is forbidden, so that
even a partial clone fetches nothing. Nothing is checked out or written.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.corpus.licence import licence_of_text

_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LICENCE = re.compile(r"(licen[cs]e|copying|unlicense)([.-].*)?", re.I)
_OPTIONS = (
    "--no-optional-locks",
    "--no-replace-objects",
    "--literal-pathspecs",
    "--no-pager",
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    f"core.attributesFile={os.devnull}",
    "-c",
    "core.alternateRefsCommand=",
    "-c",
    "protocol.allow=never",
    "-c",
    "diff.external=",
)


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that a commit modified: its path and the object ids before and after."""

    path: str
    before: str
    after: str


class Repository:
    """A local checkout, or a bare repository. Raises TrainingError for anything else."""

    def __init__(self, path: Path, *, timeout_s: float = 120.0) -> None:
        self.path = path
        self._timeout_s = timeout_s
        if not path.is_dir():
            raise TrainingError(f"{path} is not a folder: give the folder of a git checkout")
        self.root = self._head()

    @property
    def name(self) -> str:
        resolved = self.path.resolve()
        name = resolved.parent.name if resolved.name == ".git" else resolved.name
        return re.sub(r"[^\w.-]+", "-", name.removesuffix(".git")) or "repository"

    def commits(self, limit: int) -> list[str]:
        """The newest `limit` non-merge commits on HEAD, oldest first."""
        text = self._git(
            "rev-list", "--no-merges", "--topo-order", "--reverse", f"--max-count={limit}", "HEAD"
        )
        return [line for line in text.decode("ascii", "replace").split() if _HASH.fullmatch(line)]

    def changes(self, commits: Sequence[str]) -> Iterator[tuple[str, list[FileChange]]]:
        """The regular files that each commit modified; added, deleted and moved ones are left
        out."""
        command = ["diff-tree", "--stdin", "-r", "-z", "--raw", "--no-abbrev", "--no-renames"]
        command += ["--no-textconv", "--no-ext-diff", "--ignore-submodules=all", "--diff-filter=M"]
        out = self._git(*command, stdin="".join(f"{commit}\n" for commit in commits))
        fields = iter(out.split(b"\0"))
        commit, found = "", list[FileChange]()
        for field in fields:
            if field.startswith(b":"):
                modes = field.decode("ascii", "replace").split()
                path = next(fields, b"")
                plain = all(mode.lstrip(":").startswith("100") for mode in modes[:2])
                if len(modes) == 5 and plain:
                    found.append(FileChange(os.fsdecode(path), modes[2], modes[3]))
            elif _HASH.fullmatch(field.decode("ascii", "replace")):
                if commit:
                    yield commit, found
                commit, found = field.decode("ascii"), []
        if commit:
            yield commit, found

    def blobs(self) -> Blobs:
        """Access to the contents of objects; a process that must be closed."""
        return Blobs(self._command("cat-file", "--batch"), self._environment())

    def licence(self) -> str:
        """The licence in the file at the root, as an SPDX identifier; `unknown` if not recognised.

        A second licence file with another licence is included: `MIT AND GPL-3.0`.
        """
        names = self._git("ls-tree", "-z", "HEAD").split(b"\0")
        found: list[str] = []
        with self.blobs() as blobs:
            for entry in sorted(names):
                head, _, name = entry.partition(b"\t")
                fields = head.decode("ascii", "replace").split()
                plain = len(fields) == 3 and fields[1] == "blob" and fields[0].startswith("100")
                if not plain or not _LICENCE.fullmatch(os.fsdecode(name)):
                    continue
                data = blobs.read(fields[2], limit=200_000) or b""
                licence = licence_of_text(data.decode("utf-8", "replace"))
                if licence not in found:
                    found.append(licence)
        known = [licence for licence in found if licence != "unknown"]
        return " AND ".join(known) or "unknown"

    def _head(self) -> str:
        try:
            text = self._git("rev-list", "--max-parents=0", "--max-count=1", "HEAD")
        except TrainingError as error:
            if "unknown revision" in str(error) or "ambiguous argument" in str(error):
                raise TrainingError(f"{self.path} has no commits yet") from None
            raise
        return text.decode("ascii", "replace").strip()

    def _command(self, *arguments: str) -> list[str]:
        return ["git", "-C", str(self.path), *_OPTIONS, *arguments]

    def _environment(self) -> dict[str, str]:
        kept = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LD_LIBRARY_PATH")
        return {key: os.environ[key] for key in kept if key in os.environ} | {
            "LC_ALL": "C",
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            # Not the repository of a parent folder, which was not named.
            "GIT_CEILING_DIRECTORIES": str(self.path.resolve().parent),
        }

    def _git(self, *arguments: str, stdin: str = "") -> bytes:
        try:
            done = subprocess.run(
                self._command(*arguments),
                input=stdin.encode(),
                env=self._environment(),
                capture_output=True,
                timeout=self._timeout_s,
                check=False,
            )
        except FileNotFoundError:
            raise TrainingError("git is not installed: install it to mine commits") from None
        except subprocess.TimeoutExpired:
            raise TrainingError(
                f"git took longer than {self._timeout_s:.0f} s in {self.path}: take fewer commits"
            ) from None
        if done.returncode:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
            if "dubious ownership" in lines[0]:
                raise TrainingError(
                    f"{self.path} belongs to another user: clone it, then give that"
                )
            if "not a git repository" in lines[0]:
                raise TrainingError(f"{self.path} is not a git checkout: give the folder of one")
            raise TrainingError(f"git cannot read {self.path}: {lines[0][:200]}")
        return done.stdout


class Blobs:
    """`git cat-file --batch`: one process that outputs raw objects."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Blobs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(timeout=10)

    def read(self, id: str, *, limit: int) -> bytes | None:
        """An object's bytes; None if it is missing or larger than `limit`."""
        writer, reader = self._process.stdin, self._process.stdout
        assert writer is not None
        assert reader is not None
        try:
            writer.write(id.encode("ascii") + b"\n")
            writer.flush()
        except OSError:
            return None
        header = reader.readline().split()
        if len(header) != 3:
            return None
        size = int(header[2])
        data = _take(reader, size, keep=size <= limit)
        reader.read(1)
        return data if size <= limit and len(data) == size else None


def _take(reader: IO[bytes], size: int, *, keep: bool) -> bytes:
    """Read `size` bytes, a megabyte at a time; without `keep` they are discarded."""
    parts, left = [], size
    while left > 0:
        part = reader.read(min(left, 1 << 20))
        if not part:
            break
        left -= len(part)
        if keep:
            parts.append(part)
    return b"".join(parts)
