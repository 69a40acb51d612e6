"""Copies the packaged tour to where the user's front end can open it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async

from nextedit_jupyter.core.errors import NextEditError

NAME = "nextedit-tour.ipynb"


class TourError(NextEditError):
    """The tour cannot be opened."""

    code = "tour"


async def place_tour(contents: Any) -> str:
    """The path of the user's copy of the tour, in the top folder of the server's `contents`; it is
    created if it does not exist. Nothing is overwritten.

    Raises TourError, which says what to do.
    """
    name = NAME
    try:
        if await ensure_async(contents.file_exists(name)):
            return name
        if await ensure_async(contents.dir_exists(name)):
            name = await ensure_async(contents.increment_filename(name, ""))
        model = {"type": "notebook", "format": "json", "content": packaged_tour()}
        await ensure_async(contents.save(model, name))
    except TourError:
        raise
    except Exception as error:  # each contents manager has its own errors
        why = getattr(error, "log_message", None) or str(error) or type(error).__name__
        raise TourError(
            f"the tour cannot be written to the server's folder ({why}); open "
            f"{tour_file() or 'examples/tour.ipynb of the sources'} from elsewhere"
        ) from None
    return name


def packaged_tour() -> dict[str, Any]:
    """The packaged notebook. Raises TourError."""
    file = tour_file()
    if file is None:
        raise TourError("the tour is missing: install nextedit-jupyter again")
    notebook: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return notebook


def tour_file() -> Path | None:
    """The file in the package or in its source tree; None if it is missing."""
    package = Path(__file__).resolve().parent.parent
    for place in (package / "_examples", package.parent / "examples"):
        if (place / "tour.ipynb").is_file():
            return place / "tour.ipynb"
    return None
