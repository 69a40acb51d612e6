"""`python -m nextedit_jupyter.worker`: started by a client, on demand.

Prints `ready` on standard output once clients can connect, or a line that says why it cannot start,
and closes it. Exit status: 0 clean exit, 3 another worker is running, 4 cannot start.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from nextedit_jupyter import __version__
from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.core.folders import data_folder
from nextedit_jupyter.core.remote_settings import RemoteSettings
from nextedit_jupyter.worker.log_file import open_log
from nextedit_jupyter.worker.priority import raise_priority
from nextedit_jupyter.worker.runtime import RuntimeFolder, held
from nextedit_jupyter.worker.settings import WorkerSettings

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.updates import Updates
    from nextedit_jupyter.worker.inference import Build, Suggesting


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.expect_version not in (None, __version__):
        # The package was upgraded under a running process: nobody would look for this worker's
        # socket.
        _say(
            f"nextedit-jupyter was changed to {__version__} while a process of "
            f"{options.expect_version} runs: restart the Jupyter server and its kernels"
        )
        return 4
    settings: WorkerSettings = options.settings
    try:
        folder = RuntimeFolder.find(options.runtime_dir or settings.runtime_dir)
        remote = RemoteSettings.from_json(settings.remote) if settings.remote else None
    except (NextEditError, ValueError) as error:
        _say(str(error))
        return 4
    if options.detach and sys.platform != "win32" and os.fork() > 0:
        os._exit(0)  # the worker is not the client's child, so the client need not reap it
    os.umask(0o077)
    _bound_threads(settings.threads)
    raise_priority()
    log_file = open_log(folder)
    try:
        # One that was asked to leave exits within a second.
        with held(folder.worker_lock, timeout=5.0):
            return _serve(folder, settings, remote, log_file, detached=options.detach)
    except NextEditError as error:
        _say(str(error))
        return 3


def _serve(
    folder: RuntimeFolder,
    settings: WorkerSettings,
    remote: RemoteSettings | None,
    log_file: IO[bytes],
    *,
    detached: bool,
) -> int:
    from nextedit_jupyter.core.history_store import HistoryStore
    from nextedit_jupyter.worker.statistics import Statistics
    from nextedit_jupyter.worker.worker import Worker

    logging.getLogger("nextedit.worker").info("started %s", __version__)
    folder.ensure_key()
    worker = Worker(
        folder,
        _builder(settings, remote),
        settings,
        log_file=log_file,
        roll_back=_roll_back(settings),
        put_back=_put_back(settings),
        updates=_updates(settings),
        statistics=Statistics(data_folder() / "statistics") if settings.statistics else None,
        history=HistoryStore() if settings.store_history else None,
    )
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: worker.leave("signal"))
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def ready() -> None:
        _say("ready")
        if detached:
            # Libraries write to these at will; none of it is to be kept.
            with open(os.devnull, "r+b") as nothing:
                for descriptor in (0, 1, 2):
                    os.dup2(nothing.fileno(), descriptor)

    worker.run(ready)
    # Not by returning: that would tear down the interpreter under threads in native code.
    logging.shutdown()
    os._exit(0)


def _builder(settings: WorkerSettings, remote: RemoteSettings | None) -> Build:
    """A function that builds the suggester; it is imported only when called, after the worker
    listens."""

    def build(off: Collection[str]) -> Suggesting:
        if settings.suggester:
            module, _, name = settings.suggester.partition(":")
            return cast("Suggesting", getattr(importlib.import_module(module), name)(not off))
        from nextedit_jupyter.suggest import Suggester, build_suggester

        if "" in off:
            return Suggester()
        path = Path(settings.bundle) if settings.bundle else None
        return build_suggester(
            path, threads=settings.threads, providers=settings.providers, remote=remote, off=off
        )

    return build


def _roll_back(settings: WorkerSettings) -> Callable[[str], str | None]:
    def roll_back(label: str) -> str | None:
        if settings.bundle or settings.suggester:  # what was named explicitly is never replaced
            return None
        from nextedit_jupyter.bundles.active import roll_back as leave

        return leave(label or None)

    return roll_back


def _put_back(settings: WorkerSettings) -> Callable[[str], None]:
    def put_back(label: str) -> None:
        if label and not (settings.bundle or settings.suggester):
            from nextedit_jupyter.bundles.active import put_back as take

            take(label)

    return put_back


def _updates(settings: WorkerSettings) -> Callable[[], Updates] | None:
    """A function that creates the update check; None, with nothing imported, if updates are off."""
    repository = settings.repository or os.environ.get("NEXTEDIT_REPOSITORY")
    if not settings.updates or not repository or settings.bundle_path:
        return None

    def make() -> Updates:
        from nextedit_jupyter.bundles.source import Source, user_updates
        from nextedit_jupyter.suggest.canary import run_canary

        def canary(folder: Path) -> None:
            run_canary(folder)

        return user_updates(Source.configured(settings.repository, settings.root), canary=canary)

    return make


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(1, line.replace("\n", " ").encode("utf-8", "replace")[:500] + b"\n")


def _bound_threads(threads: int) -> None:
    """Set before anything that reads them is imported. Spinning threads would starve the kernel."""
    for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
        os.environ[f"{name}_NUM_THREADS"] = str(threads)
    os.environ["NEXTEDIT_THREADS"] = str(threads)
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m nextedit_jupyter.worker")
    parser.add_argument("--expect-version", help="of the client; any other is refused")
    parser.add_argument("--runtime-dir", type=Path, help="directory of the socket")
    parser.add_argument(
        "--settings",
        type=WorkerSettings.from_json,
        default=WorkerSettings(),
        help="worker.settings.WorkerSettings as JSON; what is left out is as by default",
    )
    parser.add_argument("--detach", action="store_true", help="outlive the process that starts it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
