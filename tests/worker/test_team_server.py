"""A team's server behind a real worker: llama.cpp's own, with a model of random weights."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from real_worker import request_for, wait_until
from team_server import completion, team_server

from nextedit_jupyter.core.remote_settings import RemoteSettings
from nextedit_jupyter.engine.remote_engine import ByteTokenizer, RemoteEngine
from nextedit_jupyter.prompt import Prompt
from nextedit_jupyter.worker.client import WorkerClient

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes"),
]

CONTROL = ["<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]
WIDTH, HIDDEN, LAYERS, HEADS = 64, 128, 2, 4


def write_gguf(path: Path) -> Path:
    """A Llama of random weights whose tokens are bytes and Qwen's control tokens."""
    import gguf

    rng = np.random.default_rng(0)
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    alphabet = {byte: chr(byte) for byte in printable}
    for i, byte in enumerate(b for b in range(256) if b not in alphabet):
        alphabet[byte] = chr(256 + i)
    tokens = [alphabet[byte] for byte in range(256)] + CONTROL
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * len(CONTROL))
    writer.add_token_merges([f"{alphabet[110]} {alphabet[112]}"])
    writer.add_eos_token_id(256)
    writer.add_add_bos_token(False)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, (rng.standard_normal(shape) * 0.3).astype(np.float32))

    add("token_embd.weight", len(tokens), WIDTH)
    add("output.weight", len(tokens), WIDTH)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for i in range(LAYERS):
        at = f"blk.{i}"
        writer.add_tensor(f"{at}.attn_norm.weight", np.ones(WIDTH, np.float32))
        writer.add_tensor(f"{at}.ffn_norm.weight", np.ones(WIDTH, np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{at}.{name}.weight", WIDTH, WIDTH)
        add(f"{at}.ffn_gate.weight", HIDDEN, WIDTH)
        add(f"{at}.ffn_up.weight", HIDDEN, WIDTH)
        add(f"{at}.ffn_down.weight", WIDTH, HIDDEN)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of llama.cpp's server, which asks for a key."""
    pytest.importorskip("llama_cpp.server", reason="needs the extra test-openai")
    folder = tmp_path_factory.mktemp("llama")
    model = write_gguf(folder / "tiny.gguf")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "llama_cpp.server", "--model", str(model), "--port", str(port)),
            *("--host", "127.0.0.1", "--api_key", "sk-llama", "--n_ctx", "4096"),
            *("--logits_all", "true", "--n_threads", "1", "--model_alias", "tiny"),
        ],
        stdout=log,
        stderr=log,
    )
    url = f"http://127.0.0.1:{port}/v1"

    def is_up() -> bool:
        assert server.poll() is None, (folder / "log").read_text()[-2_000:]
        request = urllib.request.Request(
            f"{url}/models", headers={"Authorization": "Bearer sk-llama"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return "tiny" in str(json.load(answer))
        except (urllib.error.URLError, ConnectionError):
            return False

    try:
        wait_until(is_up, 60)
        yield url
    finally:
        server.kill()
        server.wait()
        log.close()


def remote(url: str, **more: Any) -> str:
    return RemoteSettings(url, ("127.0.0.1",), model="tiny", answer_s=30.0, **more).to_json()


def asked(source: str, **fields: Any) -> dict[str, Any]:
    request = request_for(source, want=["inline"], deadline_ms=2_000, **fields)
    return {**request, "cursor": {"cell": "a", "offset": len(source)}}


def test_llama_cpp_answers_through_the_worker(
    connect: Callable[..., WorkerClient], llama: str, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("sk-llama\n")
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
    (tmp_path / "key").write_text("sk-llama\n")
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
