"""What the server's other routes exchange with a page: the status, and the outcomes of offers.

`core.wire` has requests and answers. TypeScript is generated from both.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from nextedit_jupyter.core.suggestion import Kind, Lane

ReportedOutcome = Literal[
    "shown", "accepted", "partial", "rejected", "typed_through", "kept_30s", "kept_5m"
]
WorkerState = Literal["running", "starting", "stopped", "failed"]


class StatusWire(TypedDict):
    """The answer to `GET nextedit/status`; `last_ms` is the worker's last latency."""

    enabled: bool
    worker: WorkerState
    bundle: str | None
    problem: str | None
    last_ms: float | None
    version: str
    pace: PaceWire | None
    update: UpdateWire | None
    bundles: list[BundleWire]
    remote: RemoteWire | None
    larger: LargerWire | None
    folder: FolderWire | None


class FolderWire(TypedDict):
    """How much of the folder around the documents was read; None if nothing is read."""

    files: int
    pieces: int
    is_reading: bool


class BundleWire(TypedDict):
    """A model that can be asked; `label` is its name in answers."""

    id: str
    language: str
    label: str


class RemoteWire(TypedDict):
    """The team's server that text is sent to; `problem` while it does not answer properly."""

    host: str
    model: str | None
    problem: str | None


class UpdateWire(TypedDict):
    """The progress of a model update. `state`: never (checked), current, available (not downloaded
    yet), ready (to be loaded when idle), switched, failed; `changes` is the publisher's text."""

    state: Literal["never", "current", "available", "ready", "switched", "failed"]
    version: str | None
    changes: str
    problem: str


class PaceWire(TypedDict):
    """How long a page should wait after a keystroke and after a rejection, in milliseconds.

    A delay that the user configured is multiplied by `factor`.
    """

    pause_ms: float
    quiet_ms: float
    factor: float
    may_infer: bool
    power: Literal["mains", "battery", "low"]


class LargerWire(TypedDict):
    """A larger model that can be downloaded. `state`: available (by a click), getting, here,
    failed.

    `base` and `licence` say what it is made of, `megabytes` how much is downloaded; `step` and
    `share` (0 to 1) are the progress.
    """

    label: str
    state: Literal["available", "getting", "here", "failed"]
    base: str
    licence: str
    megabytes: float
    step: Literal["fetch", "assemble", "try"] | None
    share: float
    problem: str


class OutcomeWire(TypedDict):
    """The body of `POST nextedit/outcome`: the outcome of a suggestion."""

    outcome: ReportedOutcome
    kind: Kind
    lane: Lane
