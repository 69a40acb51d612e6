"""The IPython terminal: ghost text while typing, fixes after an error, completions from facts.

It uses a session (see `session_protocol.TerminalSession`) and nothing else from the kernel's
package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextedit_jupyter.terminal.session_protocol import TerminalSession
    from nextedit_jupyter.terminal.shell import Terminal

_terminals: dict[int, Terminal] = {}


def load(shell: Any, session: TerminalSession) -> None:
    """Attach to a terminal; does nothing without prompt_toolkit (simple_prompt, kernels)."""
    if getattr(shell, "pt_app", None) is None or id(shell) in _terminals:
        return
    from nextedit_jupyter.terminal.shell import Terminal

    terminal = Terminal(shell, session)
    terminal.start()
    _terminals[id(shell)] = terminal


def unload(shell: Any) -> None:
    """Undo everything that `load` changed."""
    terminal = _terminals.pop(id(shell), None)
    if terminal is not None:
        terminal.stop()


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext nextedit_jupyter.terminal`: the whole extension, but only in terminals.

    For configuration files that kernels read too.
    """
    if getattr(shell, "pt_app", None) is not None:
        shell.extension_manager.load_extension("nextedit_jupyter")


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext nextedit_jupyter.terminal`: only the terminal's part; the magics stay."""
    unload(shell)
