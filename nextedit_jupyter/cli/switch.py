"""`enable`, `disable`, `status` and `purge`: turns the product on or off, shows its state, deletes
its files."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.core.files import is_own_folder
from nextedit_jupyter.core.folders import data_folder

if TYPE_CHECKING:
    from nextedit_jupyter.worker.runtime import RuntimeFolder

_Commands = argparse._SubParsersAction  # argparse has no public name for this class

_ENABLE = """\
Without options, enables the parts in JupyterLab, Notebook and the Jupyter server, which the
installation has already done, in this environment, or with --user for you in all environments. With
--kernel, each new kernel of this environment runs `%load_ext nextedit_jupyter` by itself; with
--terminal, IPython in your terminals does. Running servers and kernels need a restart."""
_DISABLE = """\
The reverse of `enable`: without options, for the parts in JupyterLab, Notebook and the server; with
--kernel or --terminal, only for those. To pause suggestions for a while, use the menu of the item
in JupyterLab's status bar instead, which needs no restart."""
_STATUS = """\
Shows what is enabled and what the worker is doing. Starts nothing. `doctor` checks in depth."""
_PURGE = """\
Stops the worker and deletes what it and its clients keep on disk: socket, key and log, and, if you
enabled them, the counts and the edits kept for training. Nothing else that you type is on disk:
edits and answers are held in memory until their process ends. Models and settings stay; `pip
uninstall nextedit-jupyter` removes the rest."""


def add_parser(commands: _Commands[argparse.ArgumentParser]) -> None:
    for name, does, text in (
        ("enable", "enable it in editor and server, in kernels, or in the terminal", _ENABLE),
        ("disable", "disable it again", _DISABLE),
    ):
        parser = _command(commands, name, does, text)
        parser.add_argument("--kernel", action="store_true", help="in each new kernel")
        parser.add_argument("--terminal", action="store_true", help="in IPython in a terminal")
        parser.add_argument(
            "--user", action="store_true", help="editor and server: for you, in all environments"
        )
        parser.set_defaults(run=run_toggle, on=name == "enable")
    parser = _command(
        commands, "status", "show what is enabled and what the worker is doing", _STATUS
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run_status)
    parser = _command(commands, "purge", "stop the worker and delete what is kept on disk", _PURGE)
    parser.add_argument("--yes", "-y", action="store_true", help="don't ask")
    parser.set_defaults(run=run_purge)


def _command(
    commands: _Commands[argparse.ArgumentParser], name: str, does: str, text: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=does, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def run_toggle(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.cli import installation

    on, user = arguments.on, arguments.user
    word = "enabled" if on else "disabled"
    if arguments.kernel:
        print(f"kernels: {word} in {installation.set_kernel(on)}")
        for file in installation.own_extension_lists() if on else []:
            print(f"note: {file} sets a list of extensions, which replaces this one: add to it")
    if arguments.terminal:
        print(f"terminal: {word} in {installation.set_terminal(on)}")
    if arguments.kernel or arguments.terminal:
        return 0
    print(f"JupyterLab and Notebook: {word} in {installation.set_lab(on, user=user)}")
    print(f"server: {word} in {installation.set_server(on, user=user)}")
    for setting in (installation.labextension_setting(), installation.server_setting()):
        if setting.on != on:
            raise NextEditError(
                f"{setting.file} says otherwise and takes precedence: change it there"
            )
    print(f"a running Jupyter server {'loads' if on else 'drops'} it when it restarts")
    return 0


def status() -> dict[str, Any]:
    """What is enabled, by part, and the worker's status; starts nothing. Raises WorkerError."""
    from nextedit_jupyter import __version__
    from nextedit_jupyter.cli import installation
    from nextedit_jupyter.worker.client import WorkerClient

    with WorkerClient("status") as client:
        worker = client.status(start=False)
    return {
        "version": __version__,
        "lab": installation.labextension_folder() is not None
        and installation.labextension_setting().on,
        "server": installation.server_setting().on,
        "kernel": installation.kernel_setting().on,
        "terminal": installation.terminal_setting().on,
        "worker": worker,
    }


def run_status(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.bundles.delta import delta_to_get

    found = status()
    if arguments.json:
        print(json.dumps(found))
        return 0
    print(f"nextedit-jupyter {found['version']}")
    for part, says in (
        ("lab", "JupyterLab and Notebook"),
        ("server", "Jupyter server"),
        ("kernel", "kernels, by themselves"),
        ("terminal", "IPython in a terminal"),
    ):
        print(f"{says:<24} {'on' if found[part] else 'off'}")
    if (larger := delta_to_get()) is not None:
        megabytes = f"{larger.base.wheel_bytes / 1e6:.0f} MB"
        print(f"{'larger model':<24} {larger.label}: jupyter nextedit model get ({megabytes})")
    worker = found["worker"]
    if worker.get("pid") is None:
        print(f"{'worker':<24} not running; it starts with the first request")
        return 0
    print(f"{'worker':<24} {worker['state']}, pid {worker['pid']}, {worker.get('rss_mb')} MB")
    print(f"{'model':<24} {worker.get('bundle') or worker.get('problem') or 'none'}")
    last = worker.get("last_ms")
    print(
        f"{'requests':<24} {worker.get('served')}"
        + (f", the last in {last:.1f} ms" if last is not None else "")
    )
    if (remote := worker.get("remote")) is not None:
        problem = f", {remote['problem']}" if remote.get("problem") else ""
        print(f"{'text goes to':<24} {remote['host']}, as this server is configured{problem}")
    if (folder := worker.get("folder")) is not None:
        print(f"{'folder':<24} {folder['files']} files read, below {folder['root']}")
    idle, spent = worker.get("idle_s"), worker.get("idle_cpu_s")
    if idle is not None and spent is not None:
        print(f"{'idle':<24} for {idle:.0f} s, using {spent:.2f} s of processor time")
    return 0


def run_purge(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.core.errors import WorkerError
    from nextedit_jupyter.worker.client import WorkerClient
    from nextedit_jupyter.worker.runtime import RuntimeFolder

    folder = RuntimeFolder.find()
    if not arguments.yes:
        kept = _kept(folder)
        if not kept:
            print(f"nothing is kept in {folder.path}")
            return 0
        print("to be deleted, after the worker has stopped:", *kept, sep="\n  ")
        if not sys.stdin.isatty():
            raise NextEditError("nothing was deleted: confirm with --yes")
        if input("delete? [y/N] ").strip().lower() not in ("y", "yes"):
            print("nothing was deleted")
            return 1
    with contextlib.suppress(WorkerError), WorkerClient("purge") as client:
        client.stop_worker()
    deleted = _kept(folder)
    for path in deleted:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise NextEditError(f"{path} is still there: {error.strerror}") from None
    for parent in {folder.path, *(path.parent for path in deleted)}:
        with contextlib.suppress(OSError):  # other files are in it: keep it
            parent.rmdir()
    print(f"deleted {len(deleted)} files; nothing is kept")
    return 0


def _kept(folder: RuntimeFolder) -> list[Path]:
    """All files that workers and clients of any version left, and no others.

    They include counts of outcomes and stored edits, if the user enabled these.
    """
    found = [path for pattern in ("worker-*", "worker.log*") for path in folder.path.glob(pattern)]
    # The socket is elsewhere if the folder's path is too long for one.
    found += [folder.key, *([Path(folder.address)] if folder.family == "AF_UNIX" else [])]
    for name in ("statistics", "history"):
        if is_own_folder(data_folder() / name):  # a link would lead to other people's files
            found += (data_folder() / name).glob(f"{name}.sqlite*")
    return sorted({path for path in found if path.exists()})
