"""The server's settings: `c.NextEdit.<trait>` in `jupyter_server_config.py`, or
`--NextEdit.<trait>=...` on the command line."""

from __future__ import annotations

from pathlib import Path

from traitlets import Bool, Enum, Float, Int, List, Unicode
from traitlets.config import Configurable

from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.core.pacing import PacingSettings
from nextedit_jupyter.core.remote_settings import RemoteSettings
from nextedit_jupyter.worker.client import WorkerSettings


class NextEdit(Configurable):
    """Next-edit prediction on this machine."""

    enabled = Bool(True, help="Answer requests. Without it no worker is started.").tag(config=True)
    bundle = Unicode(
        "", help="Folder of the model bundle; the bundled one if empty (or NEXTEDIT_BUNDLE)."
    ).tag(config=True)
    threads = Int(2, min=1, help="Threads that inference may use.").tag(config=True)
    worker_memory_mb = Int(
        1_024, min=128, help="Restart the worker above this memory use, in MB."
    ).tag(config=True)
    idle_seconds = Float(
        600.0, min=1.0, help="The worker exits after this many seconds without a request."
    ).tag(config=True)
    request_bytes = Int(
        1_000_000, min=1_000, help="The largest request that is read, in bytes; 413 above."
    ).tag(config=True)
    answer_seconds = Float(
        5.0, min=0.1, help="Seconds to wait for the worker's answer to one request."
    ).tag(config=True)
    max_in_flight = Int(
        64, min=1, help="Maximum concurrent requests of all clients; 429 above."
    ).tag(config=True)
    max_in_flight_per_client = Int(
        8,
        min=1,
        help="Maximum concurrent requests of one client, of which the newest is answered; "
        "429 above.",
    ).tag(config=True)
    folder = Bool(
        True,
        help="Read the modules that a notebook imports, and files around it, below the server's "
        "root folder. Excluded paths and what .gitignore names are left out.",
    ).tag(config=True)
    prewarm = Bool(
        True,
        help="Start the worker when a page first asks for the status, not at the first request.",
    ).tag(config=True)
    runtime_dir = Unicode(
        "", help="Folder of the worker's socket, which must be closed to all other users."
    ).tag(config=True)
    mains_ms = Float(
        50.0, min=0.0, help="Minimum milliseconds between inferences on mains power."
    ).tag(config=True)
    battery_ms = Float(
        300.0, min=0.0, help="Minimum milliseconds between inferences on battery."
    ).tag(config=True)
    low_battery_ms = Float(
        1_000.0,
        min=0.0,
        help="Minimum milliseconds between inferences below 20 % of battery; nothing is "
        "read ahead then.",
    ).tag(config=True)
    off_on_low_battery = Bool(False, help="No automatic suggestions below 20 % of battery.").tag(
        config=True
    )
    statistics = Bool(
        False,
        help="Count, on this machine and for the user alone, what happens to suggestions.",
    ).tag(config=True)
    store_history = Bool(
        False,
        help="Keep the user's edits on this machine, for training on them (`train personal`): "
        "maximum 14 days or 20 MB, without texts that contain a secret.",
    ).tag(config=True)
    updates = Bool(
        True,
        help="Look for newer bundles in `repository`, if one is set, once a week. While this is "
        "False, nothing is ever fetched, not even the larger model when a user asks for it.",
    ).tag(config=True)
    repository = Unicode(
        "",
        help="Where newer bundles come from: an https address, or a folder. Nothing is asked while "
        "it is empty (and NEXTEDIT_REPOSITORY is not set).",
    ).tag(config=True)
    root = Unicode(
        "",
        help="File with the root of trust (root.json) for `repository`; the package's "
        "if empty (or NEXTEDIT_ROOT).",
    ).tag(config=True)

    engine = Enum(
        ["local", "openai"],
        "local",
        help='"openai" sends prompts to the server at `openai_url`: the user\'s text then leaves '
        "this machine, and the status says so and to where.",
    ).tag(config=True)
    openai_url = Unicode(
        "",
        help="Base address of an OpenAI-compatible server on your network (vLLM, llama.cpp's), "
        "such as https://models.example.org/v1. Redirects are not followed.",
    ).tag(config=True)
    openai_hosts = List(
        Unicode(), help="The hosts that may be asked; that of `openai_url` must be one of them."
    ).tag(config=True)
    openai_model = Unicode("", help="What that server calls its model.").tag(config=True)
    openai_prompt = Unicode(
        "fim-qwen", help="Prompt format of that model, as for `model import --prompt`."
    ).tag(config=True)
    openai_key_file = Unicode("", help="File with the API key.").tag(config=True)
    openai_key_env = Unicode("", help="Environment variable with the API key.").tag(config=True)
    openai_ca_file = Unicode(
        "", help="File with the certificates to trust; the system's if empty."
    ).tag(config=True)
    openai_plain_http = Bool(False, help="Allow http to hosts other than loopback.").tag(
        config=True
    )
    openai_seconds = Float(
        3.0, min=0.1, help="Seconds to wait for an answer before the local model is asked."
    ).tag(config=True)
    providers = List(
        Enum(["coreml", "cuda", "directml", "cpu"]),
        help="What may run the model, best first, where onnxruntime has it; CPU is always the "
        "fallback.",
    ).tag(config=True)

    def remote_settings(self) -> RemoteSettings | None:
        """The team's server; None if the local model answers. Raises NextEditError."""
        if self.engine != "openai":
            return None
        return RemoteSettings(
            url=self.openai_url,
            hosts=tuple(self.openai_hosts),
            prompt=self.openai_prompt,
            model=self.openai_model,
            key_env=self.openai_key_env,
            key_file=self.openai_key_file,
            ca_file=self.openai_ca_file,
            plain_http=self.openai_plain_http,
            answer_s=self.openai_seconds,
        )

    @property
    def problem(self) -> str | None:
        """What is wrong with these settings; if anything, the local model answers and nothing is
        sent."""
        try:
            self.remote_settings()
        except NextEditError as error:
            return f"the team's server is not asked: {error}"
        return None

    def worker_settings(self) -> WorkerSettings:
        remote = None if self.problem else self.remote_settings()
        return WorkerSettings(
            providers=tuple(self.providers),
            remote=remote.to_json() if remote is not None else None,
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
