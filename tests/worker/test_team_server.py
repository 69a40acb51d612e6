"""A team's server behind a real worker: llama.cpp's own, with a model of random weights."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from byte_gguf import CONTROL, write_gguf
from llama_server import KEY, llama_cpp
from real_worker import request_for
from team_server import completion, team_server

from nextedit_jupyter.core.remote_settings import RemoteSettings
from nextedit_jupyter.engine.remote_engine import ByteTokenizer, RemoteEngine
from nextedit_jupyter.prompt import Prompt
from nextedit_jupyter.worker.client import WorkerClient

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes"),
]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of llama.cpp's server, which asks for a key."""
    model = write_gguf(tmp_path_factory.mktemp("llama") / "tiny.gguf")
    with llama_cpp(model) as server:
        yield f"{server.url}/v1"


def remote(url: str, **more: Any) -> str:
    return RemoteSettings(url, ("127.0.0.1",), model="tiny", answer_s=30.0, **more).to_json()


def asked(source: str, **fields: Any) -> dict[str, Any]:
    request = request_for(source, want=["inline"], deadline_ms=2_000, **fields)
    return {**request, "cursor": {"cell": "a", "offset": len(source)}}


def test_llama_cpp_answers_through_the_worker(
    connect: Callable[..., WorkerClient], llama: str, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    worker = connect(suggester=None, remote=remote(llama, key_file=str(tmp_path / "key")))
    host = urlsplit(llama).netloc
    # On a busy machine the first answer may come after the two seconds that a request has at most.
    for _ in range(3):
        answer = worker.suggest(asked("import numpy as np\nx = np."), 60)
        if answer["bundle"] == f"tiny@{host}":
            break
    assert answer["bundle"] == f"tiny@{host}"
    assert worker.status()["remote"]["problem"] is None
    assert answer["tokens"]["prompt"] > 20
    # Random weights are sure of nothing, and their probabilities say so.
    assert answer["silence"]["inline"] in ("low_confidence", "no_change", "refused")
    again = worker.suggest(asked("import numpy as np\nx = np."), 60)
    assert again["silence"] == answer["silence"]


def test_llama_cpp_gives_text_and_probabilities(llama: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    tokenizer = ByteTokenizer(CONTROL[1:])
    settings = RemoteSettings.from_json(remote(llama, key_file=str(tmp_path / "key")))
    engine = RemoteEngine(settings, tokenizer)
    ids = [tokenizer.control(CONTROL[1]), *tokenizer.encode("x = "), tokenizer.control(CONTROL[2])]
    prompt = Prompt((*ids, tokenizer.control(CONTROL[3])), frozenset({257}), b"", "inline")
    found = [
        engine.complete(prompt, max_new=12, deadline=time.monotonic() + 30, cancelled=lambda: False)
        for _ in range(2)
    ]
    assert found[0].ids == found[1].ids
    assert found[0].tokens.prompt == 3 + len("x = ")  # control tokens were read as such
    assert found[0].tokens.generated > 0
    assert sum(found[0].logprobs) < -1.0


def test_a_wrong_key_leaves_the_local_bundle(
    connect: Callable[..., WorkerClient], llama: str, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("sk-wrong\n")
    worker = connect(suggester=None, remote=remote(llama, key_file=str(tmp_path / "key")))
    answer = worker.suggest(asked("import numpy as np\nx = np."), 60)
    assert answer["bundle"].startswith("nextedit-python/")
    assert "refuses the key" in worker.status()["remote"]["problem"]
    assert "sk-wrong" not in json.dumps(worker.status())


def test_a_client_that_names_a_server_replaces_a_worker_without(
    connect: Callable[..., WorkerClient],
) -> None:
    with team_server(completion("space(0, 1)")) as server:
        kernel = connect("kernel", suggester=None)
        assert kernel.status()["remote"] is None
        page = connect("page", suggester=None, remote=remote(server.url))
        answer = page.suggest(asked("import numpy as np\nx = np.lin"), 60)
        assert answer["bundle"].startswith("tiny@")
        status = page.status()
        assert status["remote"]["host"] == server.url.split("/")[2]
        # Who names none has no wish, and uses what runs.
        assert kernel.status()["pid"] == status["pid"]
