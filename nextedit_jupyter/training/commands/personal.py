"""`train personal`: fine-tunes a bundle on one's own code."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextedit_jupyter.training.personal import PersonalPlan

_TEXT = """\
Fine-tune the bundle in use on your own code, on this machine: notebooks and modules of FOLDERs,
their commits where they are git checkouts, and with --history the edits that you chose to keep.
A fifth is held out. The new bundle is written only if it beats the base on it; then the exit code
is 0, otherwise 1. The weights may repeat your code: keep them to yourself."""


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    personal = steps.add_parser(
        "personal", help="fine-tune the bundle on your own code", description=_TEXT
    )
    personal.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    personal.add_argument("--out", type=Path, required=True, help="folder of the new bundle")
    budget = personal.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=float, help="in total (10; 60 for a large base)")
    budget.add_argument("--steps", type=int, help="training steps instead of minutes")
    personal.add_argument("--history", action="store_true", help="with the edits that were kept")
    personal.add_argument("--base", type=Path, help="bundle to start from (the default one)")
    personal.add_argument("--id", default="nextedit-personal")
    personal.add_argument(
        "--version", help="semantic version (by default one that grows with time)"
    )
    personal.add_argument("--rank", type=int, default=8, help="rank of the adapters (8)")
    personal.add_argument(
        "--lr", type=float, help="peak learning rate (0.002; 0.001 for a large base)"
    )
    personal.add_argument("--threads", type=int, default=2)
    personal.add_argument("--seed", type=int, default=0)
    personal.add_argument(
        "--keep", action="store_true", help="write the bundle even if it is not better"
    )
    personal.add_argument(
        "--use", action="store_true", help="install it and let it answer, if it is better"
    )
    personal.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.core.errors import TrainingError
    from nextedit_jupyter.core.history_store import HistoryStore
    from nextedit_jupyter.training.personal import describe, gather, personalise

    if not arguments.folders and not arguments.history:
        raise TrainingError("give folders with your code, or --history, or both")
    history = HistoryStore() if arguments.history else None
    if history is not None and not len(history) and not arguments.folders:
        raise TrainingError(
            "no edits were kept: set c.NextEdit.store_history = True and work for a while first"
        )
    try:
        own = gather(arguments.folders, history=history, seed=arguments.seed)
    finally:
        if history is not None:
            history.close()
    base = arguments.base or _default_bundle()
    plan = _plan(arguments, base)
    outcome = personalise(
        base,
        own,
        arguments.out,
        plan,
        id=arguments.id,
        version=arguments.version,
        keep=arguments.keep,
        progress=lambda line: print(line, flush=True),
    )
    print(describe(outcome))
    if not outcome.promoted:
        kept = f"kept in {arguments.out}" if arguments.keep else "nothing was written"
        print(f"not promoted: {outcome.why}; {kept}")
        return 1
    print(f"promoted: {outcome.why}; the bundle is in {arguments.out}")
    if arguments.use:
        _use(arguments.out)
    else:
        print(f"to use it: jupyter nextedit model install {arguments.out}")
    return 0


def _plan(arguments: argparse.Namespace, base: Path) -> PersonalPlan:
    """The plan from the arguments; a large base takes longer, learns more slowly and is evaluated
    less often."""
    from nextedit_jupyter.training.personal import PersonalPlan, is_large

    large = is_large(base)
    plan = PersonalPlan(
        minutes=None if arguments.steps else arguments.minutes or (60.0 if large else 10.0),
        steps=arguments.steps,
        rank=arguments.rank,
        lr=arguments.lr or (1e-3 if large else 2e-3),
        threads=arguments.threads,
        seed=arguments.seed,
    )
    return replace(plan, batch=2, looks=3, cases=40) if large else plan


def _default_bundle() -> Path:
    """The active Python bundle, but never one that was trained on the user's code."""
    from nextedit_jupyter.bundles.active import all_candidates
    from nextedit_jupyter.bundles.bundle import packaged_bundle_path
    from nextedit_jupyter.training.personal import is_personal

    for candidate in all_candidates():
        described = candidate.described()
        if described is None or described.language != "python":
            continue
        if not is_personal(candidate.path):
            return candidate.path
    return packaged_bundle_path()


def _use(folder: Path) -> None:
    from nextedit_jupyter.bundles.active import user_store
    from nextedit_jupyter.bundles.store import BundleStore
    from nextedit_jupyter.suggest.canary import run_canary

    def canary(staged: Path) -> None:
        run_canary(staged)

    store = BundleStore(user_store().root, canary=canary)
    installed = store.install(folder)
    store.serve(installed.id)
    print(f"{installed.label} answers from now on; `jupyter nextedit model rollback` undoes that")
