"""The settings of a worker, passed to its process as JSON."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextedit_jupyter.core.pacing import PacingSettings


@dataclass(frozen=True, slots=True, eq=False)  # each generated method costs import time
class WorkerSettings:
    """The settings of a worker, used if this client starts it.

    `runtime_dir` and `bundle` are None for the default ones; a client that names a bundle (or has
    NEXTEDIT_BUNDLE set) replaces a worker that runs with another. `threads` is for inference,
    `memory_mb` the resident size above which a worker exits, `idle_seconds` how long it waits for a
    request before it exits, `hang_seconds` how long one request may take before the process is
    killed. `request_bytes` bounds a request. `start_seconds` bounds the wait for a new worker,
    `backoff_seconds` is the first wait after one that died at its start. `suggester` is a
    `module:factory` that replaces the real one in tests. `pacing` is the time between inferences.
    `statistics` keeps counts of suggestions' outcomes, `store_history` the edits themselves, for
    training. `repository` is where newer bundles come from (NEXTEDIT_REPOSITORY if None), `root`
    its root of trust, `updates` whether to check it at all; `quiet_seconds` is how long there must
    have been no request before another bundle is loaded. `providers` are onnxruntime's execution
    providers besides the CPU. `remote` is a team's server (`core.remote_settings.RemoteSettings` as
    JSON); a client that names one replaces a worker that uses none or another. `retry_seconds` is
    the first pause after which a bundle that was switched off is retried.
    """

    runtime_dir: Path | None = None
    bundle: str | None = None
    threads: int = 2
    memory_mb: int = 1_024
    idle_seconds: float = 600.0
    hang_seconds: float = 15.0
    request_bytes: int = 1_000_000
    start_seconds: float = 20.0
    backoff_seconds: float = 0.5
    suggester: str | None = None
    pacing: PacingSettings | None = None
    statistics: bool = False
    store_history: bool = False
    repository: str | None = None
    root: str | None = None
    updates: bool = True
    quiet_seconds: float = 5.0
    providers: tuple[str, ...] = ()
    remote: str | None = None
    retry_seconds: float = 900.0

    def __post_init__(self) -> None:
        if min(self.threads, self.memory_mb, self.request_bytes) < 1:
            raise ValueError("threads, memory_mb and request_bytes must be at least 1")
        if min(self.idle_seconds, self.hang_seconds, self.start_seconds) <= 0:
            raise ValueError("idle_seconds, hang_seconds and start_seconds must be above 0")

    @property
    def bundle_path(self) -> str | None:
        """The bundle's absolute path, if one was named."""
        named = self.bundle or os.environ.get("NEXTEDIT_BUNDLE")
        return os.path.abspath(os.path.expanduser(named)) if named else None

    def to_json(self) -> str:
        """For the process to be started; paths are absolute, because it runs in another folder."""
        value: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        value["runtime_dir"] = str(self.runtime_dir) if self.runtime_dir else None
        value["bundle"] = self.bundle_path
        value["root"] = os.path.abspath(os.path.expanduser(self.root)) if self.root else None
        if self.pacing is not None:
            value["pacing"] = json.loads(self.pacing.to_json())
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> WorkerSettings:
        """Read what `to_json` wrote; missing fields have their defaults. Raises ValueError."""
        value = json.loads(text)
        if not isinstance(value, dict) or not value.keys() <= {field.name for field in fields(cls)}:
            raise ValueError("these are not the settings of a worker")
        if value.get("runtime_dir") is not None:
            value["runtime_dir"] = Path(value["runtime_dir"])
        if value.get("pacing") is not None:
            from nextedit_jupyter.core.pacing import PacingSettings

            value["pacing"] = PacingSettings.from_json(json.dumps(value["pacing"]))
        value["providers"] = tuple(value.get("providers", ()))
        try:
            return cls(**value)
        except TypeError as error:
            raise ValueError(str(error)) from None
