"""What commands that change the store share: the trial, switching models, notifying the worker."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nextedit_jupyter.core.errors import BundleError

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.bundle import Bundle
    from nextedit_jupyter.bundles.store import BundleStore


def open_store(*, any_size: bool = False) -> BundleStore:
    from nextedit_jupyter.bundles.active import user_store
    from nextedit_jupyter.bundles.store import BundleStore

    return BundleStore(user_store().root, canary=trial(any_size))


def trial(any_size: bool) -> Callable[[Path], None]:
    def canary(folder: Path) -> None:
        from nextedit_jupyter.suggest.canary import run_canary

        try:
            run_canary(folder, any_size=any_size)
        except BundleError as error:
            if "of memory" in str(error) or " ms for " in str(error):
                raise BundleError(
                    f"{error}. --any-size lets it in all the same; then raise "
                    "c.NextEdit.worker_memory_mb too"
                ) from None
            raise

    return canary


def serve(store: BundleStore, id: str, version: str) -> None:
    """Switch to a bundle for Python or for any language; report it, and notify the worker."""
    from nextedit_jupyter.bundles.active import active_bundle

    bundle = store.open(id, version)
    if bundle.language in ("python", "*"):
        store.serve(id)
        used, _ = active_bundle()
        if used.path == bundle.path:
            print(f"{bundle.label} answers from now on")
        else:
            print(f"note: {used.label} in {used.path} continues to answer, because it {_why(used)}")
    else:
        print(f"{bundle.label} answers in notebooks and cells of {bundle.language}")
    tell_worker()


def _why(used: Bundle) -> str:
    from nextedit_jupyter.bundles.bundle import named_bundle_path

    if named_bundle_path() is not None:
        return "is named in NEXTEDIT_BUNDLE"
    return "is newer and came with the package"


def tell_worker() -> None:
    """Have a running worker load the change; none is started."""
    from nextedit_jupyter.core.errors import WorkerError
    from nextedit_jupyter.worker.client import WorkerClient

    with contextlib.suppress(WorkerError), WorkerClient("model") as client:
        if client.reload(2.0):
            print("the running worker loads it when no request is pending")
