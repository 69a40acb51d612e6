"""`benchmark`: nextedit-bench, tasks of notebook editing for any tool on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nextedit_jupyter.core.errors import NextEditError

if TYPE_CHECKING:
    from nextedit_jupyter.core import Notebook
    from nextedit_jupyter.evals.benchmark.isolated import Spec
    from nextedit_jupyter.evals.benchmark.tasks import Sources

_DESCRIPTION = """\
Gives tools on this machine tasks of notebook editing: typing, the next line, next edits, renames,
and edits after which nothing should be offered. The notebooks come from packages' source
distributions (fetched once by version and digest) or from a git checkout that you name. Prints a
table; --output also writes Markdown, JSON and a plot. The same seed gives the same scores."""
_EPILOG = """\
peers      our bundle, jedi, rope, IPython's history, n-grams of the notebook, replacing the word
           everywhere. --server and --infill add running servers: an OpenAI-compatible one (its base
           address, such as http://127.0.0.1:8000/v1) and llama.cpp's (http://127.0.0.1:8080).
from-git   tasks from the notebooks and commits of a checkout; no code in it is run.

A peer that hangs, dies or gives invalid answers is reported, and the others continue. A full run
takes about an hour on two cores, --quick about five minutes."""
MAX_COMMITS = 2_000
MAX_BYTES = 2_000_000


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "benchmark",
        help="compare tools on notebook editing: nextedit-bench",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source", nargs="?", default="packages", choices=("packages", "from-git"), help="(packages)"
    )
    parser.add_argument("checkout", nargs="?", type=Path, help="with from-git: its folder")
    parser.add_argument(
        "--quick", action="store_true", help="a few tasks of each kind: five minutes"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed that chooses the tasks (0)")
    parser.add_argument(
        "--bundle",
        action="append",
        default=[],
        metavar="FOLDER",
        help="one of our models to measure; repeatable (the one in use)",
    )
    parser.add_argument(
        "--peers", metavar="NAMES", help="only these, comma-separated: nextedit,jedi,rope,history,…"
    )
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=MODULE:CLASS",
        help="a peer of your own, beside the others",
    )
    parser.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="URL[#MODEL]",
        help="an OpenAI-compatible completion server",
    )
    parser.add_argument(
        "--infill", action="append", default=[], metavar="URL", help="llama.cpp's server"
    )
    parser.add_argument(
        "--patience", type=float, default=20.0, metavar="S", help="seconds an answer may take (20)"
    )
    parser.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="directory for fetched archives"
    )
    parser.add_argument(
        "--output", "-o", type=Path, metavar="FOLDER", help="write the report there"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.evals.benchmark import run as running
    from nextedit_jupyter.evals.benchmark import table
    from nextedit_jupyter.evals.benchmark.tasks import FULL, QUICK, make

    specs = _specs(arguments)
    tasks = make(_sources(arguments), QUICK if arguments.quick else FULL, arguments.seed)
    report = running.run(
        tasks,
        specs,
        seed=arguments.seed,
        patience_s=arguments.patience,
        progress=lambda text: print(text, file=sys.stderr, flush=True),
    )
    shown = table.markdown(report)
    if arguments.output:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "benchmark.json").write_text(
            json.dumps(report, indent=1) + "\n", encoding="utf-8"
        )
        (arguments.output / "benchmark.md").write_text(shown + "\n", encoding="utf-8")
        table.plot(report, arguments.output / "benchmark.svg")
    print(json.dumps(report) if arguments.json else shown)
    return 0


def _specs(arguments: argparse.Namespace) -> list[Spec]:
    """The peers to measure. Raises NextEditError for an unknown name."""
    from nextedit_jupyter.evals.benchmark.isolated import Spec
    from nextedit_jupyter.evals.benchmark.peers import BY_NAME

    ours = arguments.bundle or [""]
    specs = [
        Spec("nextedit" if n == 0 else f"nextedit {n + 1}", "nextedit", (folder,))
        for n, folder in enumerate(ours)
    ]
    specs += [Spec(name, name) for name in BY_NAME]
    if arguments.peers is not None:
        wanted = [name.strip() for name in arguments.peers.split(",") if name.strip()]
        unknown = [name for name in wanted if name not in ("nextedit", *BY_NAME)]
        if unknown:
            known = ", ".join(("nextedit", *BY_NAME))
            raise NextEditError(f"there is no peer {unknown[0]!r}: choose from {known}")
        specs = [spec for spec in specs if spec.kind in wanted]
    for given in arguments.peer:
        name, _, path = given.partition("=")
        if not name or ":" not in path:
            raise NextEditError(f"{given!r} names no peer: write NAME=MODULE:CLASS")
        specs.append(Spec(name, path))
    for n, address in enumerate(arguments.server):
        url, _, model = address.partition("#")
        specs.append(Spec(f"server {n + 1}" if n else "server", "server", (url, model)))
    for n, url in enumerate(arguments.infill):
        specs.append(Spec(f"infill {n + 1}" if n else "infill", "infill", (url,)))
    if not specs:
        raise NextEditError("there is no peer to ask: name some with --peers")
    return specs


def _sources(arguments: argparse.Namespace) -> Sources:
    from nextedit_jupyter.evals.benchmark import tasks
    from nextedit_jupyter.evals.propagation import default_cache

    if arguments.source == "from-git":
        if arguments.checkout is None:
            raise NextEditError(
                "name a checkout's folder: jupyter nextedit benchmark from-git FOLDER"
            )
        name = arguments.checkout.resolve().name
        found = tasks.of_versions(name, _versions(arguments.checkout))
        if not found.notebooks:
            raise NextEditError(
                f"no commit of {arguments.checkout} changes a Python notebook: name another one"
            )
        return found
    if arguments.checkout is not None:
        raise NextEditError("a folder goes with from-git only")
    return tasks.of_packages(arguments.cache or default_cache())


def _versions(checkout: Path) -> Iterator[tuple[Notebook, Notebook]]:
    """Notebooks before and after each commit that changes them, oldest first."""
    from nextedit_jupyter.evals.sdists import notebook_of
    from nextedit_jupyter.training.commits.git import Repository

    repository = Repository(checkout)
    commits = repository.commits(MAX_COMMITS)
    with repository.blobs() as blobs:
        for _, changes in repository.changes(commits):
            for change in changes:
                if not change.path.endswith(".ipynb"):
                    continue
                texts = [blobs.read(id, limit=MAX_BYTES) for id in (change.before, change.after)]
                books = [notebook_of(text) for text in texts if text is not None]
                if len(books) == 2 and books[0] is not None and books[1] is not None:
                    yield books[0], books[1]
