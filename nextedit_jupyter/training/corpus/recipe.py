"""The recipe of a corpus: which packages, in which version, under which licence, and why."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.corpus.document import Split
from nextedit_jupyter.training.corpus.licence import is_permissive


@dataclass(frozen=True, slots=True)
class PackageSource:
    """One package: `name==version`, taken whole into one split."""

    name: str
    version: str
    licence: str
    why: str
    split: Split = "train"

    @property
    def key(self) -> str:
        """The normalised name (PEP 503)."""
        return re.sub(r"[-_.]+", "-", self.name).lower()


@dataclass(frozen=True, slots=True)
class Recipe:
    """Packages, and how often each kind of document is repeated in training."""

    name: str
    sources: tuple[PackageSource, ...]
    repeats: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keys = [source.key for source in self.sources]
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        if doubled:
            raise TrainingError(f"the recipe names a package twice: {', '.join(doubled)}")
        for source in self.sources:
            if not is_permissive(source.licence):
                raise TrainingError(
                    f"{source.name} is under {source.licence!r}, which is not permissive: "
                    "take it out of the recipe"
                )


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; raises TrainingError, which says what is wrong with it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        sources = tuple(PackageSource(**item) for item in raw.get("package", []))
        recipe = Recipe(str(raw["name"]), sources, dict(raw.get("repeats", {})))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"the recipe {path} cannot be read: {error}") from error
    except (KeyError, TypeError) as error:
        raise TrainingError(f"the recipe {path} lacks or misspells a field: {error}") from error
    for source in sources:
        if source.split not in get_args(Split):
            raise TrainingError(f"{source.name}: split must be train, validation or test")
    return recipe
