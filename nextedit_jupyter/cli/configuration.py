"""`c.NextEdit` as the Jupyter server reads it, for commands that run without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextedit_jupyter.core.errors import NextEditError

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.source import Source
    from nextedit_jupyter.server.config import NextEdit

_FILES = ("jupyter_config", "jupyter_server_config")


def configured() -> NextEdit:
    """The settings in the Jupyter configuration folders; the user's take precedence.

    Raises NextEditError, which names a file that cannot be read.
    """
    from jupyter_core.paths import jupyter_config_path
    from traitlets.config import Config
    from traitlets.config.loader import (
        ConfigFileNotFound,
        JSONFileConfigLoader,
        PyFileConfigLoader,
    )

    from nextedit_jupyter.server.config import NextEdit

    found = Config()
    for folder in reversed(jupyter_config_path()):
        for name in _FILES:
            for ending, loader in ((".json", JSONFileConfigLoader), (".py", PyFileConfigLoader)):
                try:
                    found.merge(loader(name + ending, path=folder).load_config())
                except ConfigFileNotFound:
                    continue
                except Exception as error:
                    raise NextEditError(
                        f"{folder}/{name}{ending} cannot be read ({type(error).__name__}: {error})"
                    ) from None
    try:
        return NextEdit(config=Config(NextEdit=found.NextEdit))
    except Exception as error:
        raise NextEditError(f"c.NextEdit in the Jupyter configuration: {error}") from None


def source(repository: str | None = None, root: str | None = None) -> Source:
    """The repository from the arguments, or else from the settings. Raises NextEditError if there
    is none."""
    from nextedit_jupyter.bundles.source import Source

    settings = configured()
    found = Source.configured(
        repository or settings.repository or None, root or settings.root or None
    )
    if found is None:
        raise NextEditError(
            "no repository is configured, so nothing is asked: give --from ADDRESS --root "
            "root.json, or set NEXTEDIT_REPOSITORY and NEXTEDIT_ROOT, or c.NextEdit.repository "
            "and c.NextEdit.root"
        )
    return found
