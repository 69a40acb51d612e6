"""What an administrator or user may set: `c.NextEdit.<trait>` in `jupyter_server_config.py`, or
`--NextEdit.<trait>=...` on the command line."""

from __future__ import annotations

from pathlib import Path

from traitlets import Bool, Float, Int, Unicode
from traitlets.config import Configurable

from nextedit_jupyter.core.pacing import PacingSettings
from nextedit_jupyter.worker.client import WorkerSettings


class NextEdit(Configurable):
    """Next-edit prediction on this machine."""

    enabled = Bool(True, help="Answer requests. Without it no worker is started.").tag(config=True)
    bundle = Unicode(
        "", help="Folder of the model bundle; the bundled one if empty (or NEXTEDIT_BUNDLE)."
    ).tag(config=True)
    threads = Int(2, min=1, help="Threads that inference may use.").tag(config=True)
    worker_memory_mb = Int(
        1_024, min=128, help="The worker leaves, and is started anew, above this resident size."
    ).tag(config=True)
    idle_seconds = Float(
        600.0, min=1.0, help="The worker leaves after so long without a request."
    ).tag(config=True)
    request_bytes = Int(
        1_000_000, min=1_000, help="The largest request that is read, in bytes; 413 above."
    ).tag(config=True)
    answer_seconds = Float(
        5.0, min=0.1, help="How long to wait for the worker's answer to one request."
    ).tag(config=True)
    max_in_flight = Int(
        64, min=1, help="Requests under way at a time, of all clients; 429 above."
    ).tag(config=True)
    max_in_flight_per_client = Int(
        8,
        min=1,
        help="Requests under way at a time of one client, of which the newest is answered; "
        "429 above.",
    ).tag(config=True)
    prewarm = Bool(
        True,
        help="Start the worker when a page first asks for the status, not with the first request.",
    ).tag(config=True)
    runtime_dir = Unicode(
        "", help="Folder of the worker's socket, which must be closed to all other users."
    ).tag(config=True)
    mains_ms = Float(
        50.0, min=0.0, help="Milliseconds between inferences on mains power, at the least."
    ).tag(config=True)
    battery_ms = Float(
        300.0, min=0.0, help="Milliseconds between inferences on battery, at the least."
    ).tag(config=True)
    low_battery_ms = Float(
        1_000.0,
        min=0.0,
        help="Milliseconds between inferences below 20 % of battery, at the least; nothing is "
        "read ahead then.",
    ).tag(config=True)
    off_on_low_battery = Bool(False, help="Ask for nothing unasked below 20 % of battery.").tag(
        config=True
    )
    statistics = Bool(
        False,
        help="Count, on this machine and for the user alone, what becomes of suggestions.",
    ).tag(config=True)
    store_history = Bool(
        False,
        help="Keep the user's edits on this machine, for training on them (`train personal`): at "
        "most 14 days or 20 MB, without texts that hold a secret.",
    ).tag(config=True)
    updates = Bool(
        True,
        help="Look for newer bundles in `repository` once a week. Nothing is ever fetched while "
        "this is False, or no repository is set.",
    ).tag(config=True)
    repository = Unicode(
        "",
        help="Where newer bundles come from: an https address, or a folder. Nothing is asked while "
        "it is empty (and NEXTEDIT_REPOSITORY is not set).",
    ).tag(config=True)
    root = Unicode(
        "",
        help="File with the root metadata (root.json) that vouches for `repository`; the package's "
        "if empty (or NEXTEDIT_ROOT).",
    ).tag(config=True)

    def worker_settings(self) -> WorkerSettings:
        return WorkerSettings(
            runtime_dir=Path(self.runtime_dir).expanduser() if self.runtime_dir else None,
            bundle=self.bundle or None,
            threads=self.threads,
            memory_mb=self.worker_memory_mb,
            idle_seconds=self.idle_seconds,
            request_bytes=self.request_bytes,
            pacing=PacingSettings(
                mains_ms=self.mains_ms,
                battery_ms=self.battery_ms,
                low_ms=self.low_battery_ms,
                off_on_low=self.off_on_low_battery,
            ),
            statistics=self.statistics,
            store_history=self.store_history,
            repository=self.repository or None,
            root=self.root or None,
            updates=self.updates,
        )
