"""Local, private, instant next-edit prediction for Jupyter notebooks.

This module contains only the entry points of Jupyter and IPython, and importing it loads nothing
else, so that it costs a kernel nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.4.0"


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "nextedit-jupyter"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "nextedit_jupyter"}]


def _load_jupyter_server_extension(server_app: Any) -> None:
    from nextedit_jupyter.server import load

    load(server_app)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Entry point of `%load_ext nextedit_jupyter`."""
    import gc

    from nextedit_jupyter.kernel import load

    # Creating classes would trigger a garbage collection of everything in the kernel, which takes
    # as long as the load itself; it can happen later.
    collecting = gc.isenabled()
    gc.disable()
    try:
        session = load(shell)
        if getattr(shell, "pt_app", None) is not None:
            from nextedit_jupyter.terminal import load as load_terminal

            load_terminal(shell, session)
    finally:
        if collecting:
            gc.enable()


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Entry point of `%unload_ext nextedit_jupyter`."""
    from nextedit_jupyter.kernel import unload

    if getattr(shell, "pt_app", None) is not None:
        from nextedit_jupyter.terminal import unload as unload_terminal

        unload_terminal(shell)
    unload(shell)
