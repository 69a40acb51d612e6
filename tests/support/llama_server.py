"""llama.cpp's own server, in a process of its own, for the tests that compare with it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

KEY = "sk-llama"
NAME = "tiny"
START_S = 60.0


@dataclass(frozen=True)
class LlamaCpp:
    """A running server; `url` is its root. Requests carry KEY, whether it requires a key or not."""

    url: str

    def logprobs(self, ids: list[int]) -> list[float]:
        """Natural logarithms of the probabilities of each token of the vocabulary after `ids`."""
        size = self._ask("/v1/models")["data"][0]["meta"]["n_vocab"]
        # Which token is drawn does not matter, but the server reports none that is part of a
        # character.
        drawn = self.tokens("m")[0]
        answer = self._ask(
            "/v1/completions",
            prompt=ids, max_tokens=1, logprobs=size, temperature=0, logit_bias={str(drawn): 100},
        )  # fmt: skip
        (first,) = answer["choices"][0]["logprobs"]["content"]
        found = {one["id"]: one["logprob"] for one in first["top_logprobs"]}
        return [found[token] for token in range(size)]

    def tokens(self, text: str) -> list[int]:
        ids: list[int] = self._ask("/tokenize", content=text, add_special=False)["tokens"]
        return ids

    def _ask(self, path: str, **fields: Any) -> Any:
        request = urllib.request.Request(
            self.url + path,
            json.dumps(fields).encode() if fields else None,
            {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=START_S) as answer:
            return json.load(answer)


@contextmanager
def llama_cpp(model: Path, key: str = KEY) -> Iterator[LlamaCpp]:
    """A server for the GGUF file `model` that requires `key`, or no key if that is empty.

    Skips the test where llama.cpp is not installed.
    """
    pytest.importorskip("xllamacpp")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = model.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, __file__, str(model), str(port), key], stdout=out, stderr=out
        )
    server = LlamaCpp(f"http://127.0.0.1:{port}")
    until = time.monotonic() + START_S
    try:
        while not _is_up(server):
            assert process.poll() is None, log.read_text(errors="replace")[-2_000:]
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.1)
        yield server
    finally:
        process.kill()
        process.wait()


def _is_up(server: LlamaCpp) -> bool:
    try:
        return bool(server.tokens("m"))
    except OSError:
        return False


def _serve(model: str, port: str, key: str) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {NAME}
    params.hostnames = ["127.0.0.1"]
    params.port = int(port)
    params.api_keys = [key] if key else []
    params.n_ctx = 4096
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
