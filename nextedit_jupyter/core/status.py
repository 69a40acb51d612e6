"""What the server's other routes exchange with a page: its status, and what became of offers.

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
    """What `GET nextedit/status` answers; `last_ms` is the worker's last latency."""

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
    """How much of the folder around the documents was read; None while nothing is."""

    files: int
    pieces: int
    is_reading: bool


class BundleWire(TypedDict):
    """A model that may be asked; `label` is what answers call it."""

    id: str
    language: str
    label: str


class RemoteWire(TypedDict):
    """The team's server that text goes to; `problem` while it does not answer as it should."""

    host: str
    model: str | None
    problem: str | None


class UpdateWire(TypedDict):
    """How far an update of the model is. `state`: never (looked), current, available (not fetched
    yet), ready (waiting for the switch), switched, failed; `changes` is its publisher's text."""

    state: Literal["never", "current", "available", "ready", "switched", "failed"]
    version: str | None
    changes: str
    problem: str


class PaceWire(TypedDict):
    """How long a page is to wait: after a keystroke, and after a rejection; in milliseconds.

    `factor` is what a delay of the user's own is multiplied by.
    """

    pause_ms: float
    quiet_ms: float
    factor: float
    may_infer: bool
    power: Literal["mains", "battery", "low"]


class LargerWire(TypedDict):
    """A larger model that can be had. `state`: available (by a click), getting, here, failed.

    `base` and `licence` say what it is made of, `megabytes` what is fetched for it; `step` and
    `share` (0 to 1) how far that is.
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
    """What `POST nextedit/outcome` takes: what became of a suggestion."""

    outcome: ReportedOutcome
    kind: Kind
    lane: Lane
