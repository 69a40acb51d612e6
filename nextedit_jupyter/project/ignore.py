"""Which paths are ignored: by `.gitignore` files, by the user's globs, and generated folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nextedit_jupyter.project.glob import MAX_GLOB, matches

# Folders that tools create, or that are not the user's own code.
SKIPPED_FOLDERS = frozenset(
    {
        *("__pycache__", "node_modules", "site-packages", "dist-packages", "build", "dist", "venv"),
        *("env", "virtualenv", "__pypackages__"),
    }
)
_MAX_RULES = 500  # per file: a generated list of thousands would slow down each path


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """One line of a `.gitignore`: paths that match `glob` are ignored, or included again.

    If it is not `anchored`, it matches file names at any depth.
    """

    glob: str
    anchored: bool
    folders_only: bool
    wanted: bool

    def matches(self, relative: str) -> bool:
        return matches(self.glob, relative if self.anchored else relative.rpartition("/")[2])


def rules_of(text: str) -> tuple[IgnoreRule, ...]:
    """The rules of a `.gitignore`, for paths relative to its folder."""
    rules = []
    for line in text.splitlines()[: 4 * _MAX_RULES]:
        stripped = line.rstrip()
        line = stripped + " " if stripped.endswith("\\") and line != stripped else stripped
        if not line or line.startswith("#") or len(line) > MAX_GLOB:
            continue
        wanted = line.startswith("!")
        line = line[1:] if wanted else line
        folders_only = line.endswith("/")
        line = line.rstrip("/")
        anchored = "/" in line
        if line.lstrip("/"):
            rules.append(IgnoreRule(line.lstrip("/"), anchored, folders_only, wanted))
        if len(rules) == _MAX_RULES:
            break
    return tuple(rules)


def is_ignored(
    path: str, is_folder: bool, rules: Sequence[tuple[str, tuple[IgnoreRule, ...]]]
) -> bool:
    """Whether a path below the root is ignored by the rules of its folders, outermost first.

    `rules` are (folder, rules) pairs; the last matching rule decides, as in git. The caller must
    not enter ignored folders.
    """
    ignored = False
    for folder, own in rules:
        if folder and not path.startswith(f"{folder}/"):
            continue
        relative = path[len(folder) + 1 :] if folder else path
        for rule in own:
            if (is_folder or not rule.folders_only) and rule.matches(relative):
                ignored = not rule.wanted
    return ignored


def is_excluded(path: str, globs: Iterable[str]) -> bool:
    """Whether the user's excluded paths contain it, with the page's semantics: a glob without `/`
    is matched against the file's name."""
    name = path.rpartition("/")[2]
    return any(matches(glob, path if "/" in glob else name) for glob in globs)


def is_skipped_name(name: str) -> bool:
    """Whether a folder is never entered: hidden folders and those that tools create."""
    return name.startswith(".") or name in SKIPPED_FOLDERS or name.endswith(".egg-info")
