"""`%nextedit model`: the installed bundles. It only reads files; no model is loaded here."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nextedit_jupyter.core.errors import BundleError, NextEditError, WorkerError

if TYPE_CHECKING:
    from nextedit_jupyter.kernel.worker_calls import KernelClient


def listed(answering: str | None) -> list[str]:
    """A line for each installed bundle, the one in the package, and the active one, marked."""
    from nextedit_jupyter.bundles.active import user_store

    labels = [answering] if answering is not None else []
    labels += [installed.label for installed in user_store().installed()]
    labels = list(dict.fromkeys([*labels, *_folders()]))
    return [f"{label}  (answers)" if label == answering else label for label in labels]


def folder_of(label: str) -> str | None:
    """The folder of a bundle; None if it is not among those that may answer."""
    return _folders().get(label)


def _folders() -> dict[str, str]:
    """The folders of the bundles that may answer, by their labels."""
    from nextedit_jupyter.bundles.active import all_candidates

    told = ((one.described(), str(one.path)) for one in all_candidates())
    return {found.label: path for found, path in told if found is not None}


def installed_words() -> list[str]:
    """Ids and versions, for completion."""
    from nextedit_jupyter.bundles.active import user_store

    return [word for each in user_store().installed() for word in (each.id, each.version)]


def use(words: Sequence[str], client: KernelClient) -> list[str]:
    """Switch to an installed version; returns a message. Raises BundleError."""
    from nextedit_jupyter.bundles.active import active_bundle, user_store

    if len(words) != 2:
        raise NextEditError("give an id and a version: %nextedit model list shows them")
    id, version = words
    store = user_store()
    store.use(id, version)
    bundle = store.open(id, version)
    if bundle.language not in ("python", "*"):
        where = f"in notebooks and cells of {bundle.language}"
        return [f"{bundle.label} answers {where}", *_tell(client)]
    store.serve(id)
    used, _ = active_bundle()
    if used.path != bundle.path:
        return [
            f"{used.label} in {used.path} continues to answer, because it is set by name or newer"
        ]
    return [f"{bundle.label} answers from now on", *_tell(client)]


def rollback(words: Sequence[str], client: KernelClient) -> list[str]:
    """Go back to the previous version; returns a message. Raises BundleError."""
    from nextedit_jupyter.bundles.active import leave, user_store

    store = user_store()
    return [leave(store, words[0] if words else store.serving()), *_tell(client)]


def _tell(client: KernelClient) -> list[str]:
    """Have a running worker load the change; none is started."""
    with contextlib.suppress(WorkerError, BundleError):
        if client.reload(2.0):
            return ["the running worker loads it when no request is pending"]
    return []
