"""`python -m nextedit_jupyter.worker`: started by a client, on demand.

Prints `ready` on its standard output once clients may come, or a line that says why it cannot
start, and closes it. Exit status: 0 left in good order, 3 another worker runs, 4 cannot start.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from nextedit_jupyter import __version__
from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.core.folders import data_folder
from nextedit_jupyter.core.pacing import Pacing, PacingSettings
from nextedit_jupyter.core.remote import RemoteSettings
from nextedit_jupyter.worker.runtime import RuntimeFolder, held

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.updates import Updates
    from nextedit_jupyter.worker.process import Suggesting

LOG_BYTES = 256 * 1024


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.expect_version not in (None, __version__):
        # An upgrade under a running process: this worker would listen where nobody looks for it.
        _say(
            f"nextedit-jupyter was changed to {__version__} while a process of "
            f"{options.expect_version} runs: restart the Jupyter server and its kernels"
        )
        return 4
    try:
        folder = RuntimeFolder.find(options.runtime_dir)
    except NextEditError as error:
        _say(str(error))
        return 4
    if options.detach and sys.platform != "win32" and os.fork() > 0:
        os._exit(0)  # the worker is no child of the client: nothing for it to wait for
    os.umask(0o077)
    _bound_threads(options.threads)
    log_file = _open_log(folder)
    try:
        # One that was asked to leave goes within a second.
        with held(folder.worker_lock, timeout=5.0):
            return _serve(folder, options, log_file)
    except NextEditError as error:
        _say(str(error))
        return 3


def _serve(folder: RuntimeFolder, options: argparse.Namespace, log_file: IO[bytes]) -> int:
    from nextedit_jupyter.core.history_store import HistoryStore
    from nextedit_jupyter.core.request import Bounds
    from nextedit_jupyter.worker.power import PowerSource
    from nextedit_jupyter.worker.process import Worker, WorkerOptions
    from nextedit_jupyter.worker.statistics import Statistics

    logging.getLogger("nextedit.worker").info("started %s", __version__)
    folder.ensure_key()
    worker = Worker(
        folder,
        _builder(options),
        WorkerOptions(
            bundle_path=options.bundle,
            remote=options.remote.to_json() if options.remote else None,
            memory_mb=options.memory_mb,
            idle_seconds=options.idle_seconds,
            hang_seconds=options.hang_seconds,
            quiet_seconds=options.quiet_seconds,
            bounds=Bounds(request_bytes=options.request_bytes),
        ),
        log_file=log_file,
        roll_back=_roll_back(options),
        updates=_updates(options),
        pacing=Pacing(power=PowerSource(), settings=options.pacing),
        statistics=Statistics(data_folder() / "statistics") if options.statistics else None,
        history=HistoryStore() if options.store_history else None,
    )
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: worker.leave("signal"))
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def ready() -> None:
        _say("ready")
        if options.detach:
            # Libraries write to these as they please; nothing of it is to be kept.
            with open(os.devnull, "r+b") as nothing:
                for descriptor in (0, 1, 2):
                    os.dup2(nothing.fileno(), descriptor)

    worker.run(ready)
    # Not by returning: threads that sit in native code would be torn down under their feet.
    logging.shutdown()
    os._exit(0)


def _builder(options: argparse.Namespace) -> Callable[[bool], Suggesting]:
    """What makes the suggester; imports it only when called, after the worker listens."""

    def build(with_model: bool) -> Suggesting:
        if options.suggester:
            module, _, name = options.suggester.partition(":")
            return cast("Suggesting", getattr(importlib.import_module(module), name)(with_model))
        from nextedit_jupyter.suggest import Suggester, build_suggester

        if not with_model:
            return Suggester()
        path = Path(options.bundle) if options.bundle else None
        return build_suggester(
            path,
            threads=options.threads,
            providers=[name for name in options.providers.split(",") if name],
            remote=options.remote,
        )

    return build


def _roll_back(options: argparse.Namespace) -> Callable[[int], str | None]:
    def roll_back(deaths: int) -> str | None:
        if options.bundle or options.suggester:  # what was asked for by name is never left
            return None
        from nextedit_jupyter.bundles.active import roll_back as leave

        return leave()

    return roll_back


def _updates(options: argparse.Namespace) -> Callable[[], Updates] | None:
    """What looks for newer bundles; None, and nothing of it imported, where that isn't wanted."""
    named = options.bundle or os.environ.get("NEXTEDIT_BUNDLE")
    repository = options.repository or os.environ.get("NEXTEDIT_REPOSITORY")
    if not options.updates or not repository or named:
        return None

    def make() -> Updates:
        from nextedit_jupyter.bundles.source import Source, user_updates
        from nextedit_jupyter.suggest.canary import run_canary

        def canary(folder: Path) -> None:
            run_canary(folder)

        source = Source.configured(options.repository, options.root)
        return user_updates(source, canary=canary)

    return make


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(1, line.replace("\n", " ").encode("utf-8", "replace")[:500] + b"\n")


def _bound_threads(threads: int) -> None:
    """Before anything that reads these is imported. Spinning threads would starve the kernel."""
    for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
        os.environ[f"{name}_NUM_THREADS"] = str(threads)
    os.environ["NEXTEDIT_THREADS"] = str(threads)
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


class _BoundedLog(logging.Handler):
    """Appends lines to an open file, which starts again when it has grown too large.

    Of an error that is logged with its traceback, only the message of the log: the error's own
    may quote the user's code.
    """

    def __init__(self, file: IO[bytes], limit: int = LOG_BYTES) -> None:
        super().__init__()
        self._file, self._limit = file, limit
        self.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        record.exc_info = record.exc_text = record.stack_info = None
        with contextlib.suppress(OSError, ValueError):
            descriptor = self._file.fileno()
            if os.fstat(descriptor).st_size > self._limit:
                os.ftruncate(descriptor, 0)
            os.write(descriptor, self.format(record).encode("utf-8", "replace") + b"\n")


def _open_log(folder: RuntimeFolder) -> IO[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    file = os.fdopen(os.open(folder.log, flags, 0o600), "ab", buffering=0)
    handler = _BoundedLog(file)
    for name, level in (("nextedit.worker", logging.INFO), ("nextedit_jupyter", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.propagate = False
        logger.addHandler(handler)
    return file


def _remote(text: str) -> RemoteSettings:
    try:
        return RemoteSettings.from_json(text)
    except NextEditError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m nextedit_jupyter.worker")
    parser.add_argument("--expect-version", help="the client's; another one is refused")
    parser.add_argument("--runtime-dir", type=Path, help="where the socket lies")
    parser.add_argument("--bundle", help="folder of the model bundle; the default one if absent")
    parser.add_argument(
        "--remote", type=_remote, help="the team's server to ask before the bundle, as JSON"
    )
    parser.add_argument("--providers", default="", help="what may run the model, best first")
    parser.add_argument("--threads", type=int, default=2, help="threads for inference")
    parser.add_argument("--memory-mb", type=int, default=1_024, help="leave above this size")
    parser.add_argument("--idle-seconds", type=float, default=600.0, help="leave after this wait")
    parser.add_argument("--hang-seconds", type=float, default=15.0, help="end a request by force")
    parser.add_argument("--request-bytes", type=int, default=1_000_000, help="bound of a request")
    parser.add_argument(
        "--pacing",
        type=PacingSettings.from_json,
        default=PacingSettings(),
        help="milliseconds between inferences",
    )
    parser.add_argument("--statistics", action="store_true", help="count what becomes of answers")
    parser.add_argument("--store-history", action="store_true", help="keep edits on disk")
    parser.add_argument("--repository", help="where newer bundles come from")
    parser.add_argument("--root", help="file with the root of trust of the repository")
    parser.add_argument(
        "--no-updates", dest="updates", action="store_false", help="look for no newer bundles"
    )
    parser.add_argument(
        "--quiet-seconds", type=float, default=5.0, help="how long without requests for upkeep"
    )
    parser.add_argument("--detach", action="store_true", help="go on without the starter")
    parser.add_argument("--suggester", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
