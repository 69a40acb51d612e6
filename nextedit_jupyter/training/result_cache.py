"""Results of a long run in a folder, so that an interrupted run continues from there."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from nextedit_jupyter.core.files import written_beside

T = TypeVar("T")


class ResultCache:
    """Results by name, for one `purpose`; without a folder nothing is kept.

    The folder must be the caller's own, because its files are read with pickle.
    """

    def __init__(self, folder: Path | None, purpose: str) -> None:
        self._folder = folder
        self._key = hashlib.sha256(purpose.encode()).hexdigest()[:12]
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def get(self, name: str, make: Callable[[], T]) -> T:
        """The result with that name, computed if it does not exist yet."""
        if self._folder is None:
            return make()
        path = self._folder / f"{self._key}-{name}.pickle"
        if path.is_file():
            found: T = pickle.loads(path.read_bytes())
            return found
        made = make()
        with written_beside(path) as half:
            half.write_bytes(pickle.dumps(made))
        return made
