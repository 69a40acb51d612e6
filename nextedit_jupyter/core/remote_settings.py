"""The settings of a team's server that answers instead of the local model.

Off unless an administrator names it (`c.NextEdit.engine = "openai"`). The host must also be in a
list, so that nothing is sent to a mistyped or injected address. Standard library only.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from nextedit_jupyter.core.errors import NextEditError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_KEY_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """An OpenAI-compatible server on your network (vLLM, llama.cpp's).

    `url` is its base, such as `https://models.example.org/v1`; `hosts` lists those that may be
    asked, each a name or `name:port`. `prompt` names the format of its model, `model` what the
    server calls it. The key is in the file `key_file` or the variable `key_env`, never here: a
    worker's command line can be read by others. `ca_file` is used to verify its certificate instead
    of the system's. `plain_http` allows http beyond loopback. Seconds: `connect_s` to reach it,
    `answer_s` for an answer. Raises NextEditError that says what to correct.
    """

    url: str
    hosts: tuple[str, ...]
    prompt: str = "fim-qwen"
    model: str = ""
    key_env: str = ""
    key_file: str = ""
    ca_file: str = ""
    plain_http: bool = False
    connect_s: float = 1.0
    answer_s: float = 3.0

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise NextEditError("c.NextEdit.openai_url is not an address") from None
        if parts.scheme not in ("http", "https") or not host:
            raise NextEditError(
                "c.NextEdit.openai_url must be the base address of an OpenAI-compatible server, "
                "such as https://models.example.org/v1"
            )
        if parts.username or parts.password or parts.query or parts.fragment:
            raise NextEditError(
                "c.NextEdit.openai_url must not contain a user, password or query: give a key in "
                "c.NextEdit.openai_key_file or openai_key_env"
            )
        allowed = {name.strip().lower() for name in self.hosts}
        if not {host, f"{host}:{port or (443 if parts.scheme == 'https' else 80)}"} & allowed:
            raise NextEditError(
                f"{host} is not in c.NextEdit.openai_hosts, so nothing is sent to it: add it there"
            )
        if parts.scheme == "http" and host not in LOOPBACK and not self.plain_http:
            raise NextEditError(
                f"http to {host} can be read on the way: use https, or set "
                "c.NextEdit.openai_plain_http"
            )
        if min(self.connect_s, self.answer_s) <= 0:
            raise NextEditError("c.NextEdit.openai_seconds must be above 0")

    @property
    def host(self) -> str:
        """Where text is sent: `models.example.org`, with the port if it is not the default."""
        return urlsplit(self.url).netloc.lower()

    @property
    def endpoint(self) -> str:
        return self.url.rstrip("/") + "/completions"

    @property
    def label(self) -> str:
        """Its label in answers, where a local model has its bundle's label."""
        return f"{self.model or 'model'}@{self.host}"

    def key(self) -> str | None:
        """The API key, None if none was named. Raises NextEditError, without the key in it."""
        if self.key_file:
            try:
                with open(Path(self.key_file).expanduser(), "rb") as file:
                    data = file.read(MAX_KEY_BYTES + 1)
            except OSError as error:
                raise NextEditError(
                    f"c.NextEdit.openai_key_file cannot be read: {error.strerror}"
                ) from None
            found = data.decode("utf-8", "replace").strip()
        elif self.key_env:
            found = os.environ.get(self.key_env, "").strip()
            if not found:
                raise NextEditError(f"the variable {self.key_env} contains no key for {self.host}")
        else:
            return None
        if not found or len(found) > MAX_KEY_BYTES or not (found.isascii() and found.isprintable()):
            raise NextEditError(
                f"the key for {self.host} is empty, too long or not printable ASCII"
            )
        return found

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RemoteSettings:
        """Raises ValueError for what `to_json` does not write, and NextEditError."""
        value = json.loads(text)
        if not isinstance(value, dict) or not value.keys() <= {field.name for field in fields(cls)}:
            raise ValueError("these are not the settings of a server")
        return cls(**{**value, "hosts": tuple(value.get("hosts", ()))})
