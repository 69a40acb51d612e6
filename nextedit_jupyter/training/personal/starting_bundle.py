"""The bundle from which a personal one starts: its manifest and prompt format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt.format import EditFormat
from nextedit_jupyter.training.mixture import training_format


def format_of(folder: Path) -> EditFormat:
    """A bundle's prompt format; raises TrainingError if it cannot be used for training."""
    return training_format(base_manifest(folder)["prompt_format"])


def base_manifest(folder: Path) -> dict[str, Any]:
    """A bundle's manifest; raises TrainingError if the folder is not a bundle."""
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
        manifest["prompt_format"], manifest["version"], manifest["id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"the base {folder} is no bundle ({type(error).__name__})") from None
    return manifest


PRIVATE = "private: weights trained on the user's own code"  # the licence of a personal bundle


def is_personal(folder: Path) -> bool:
    """Whether a bundle was fine-tuned on its user's code; raises TrainingError if the folder is not
    a bundle."""
    return bool(base_manifest(folder).get("licence") == PRIVATE)
