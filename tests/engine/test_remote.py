"""A team's server: what is sent, what is believed of its answers, and every way it can fail."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from team_server import Answering, Server, completion, make_certificate, raw, team_server, trickling

from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.core.remote_settings import RemoteSettings
from nextedit_jupyter.engine.engine import Completion
from nextedit_jupyter.engine.remote_engine import Breaker, ByteTokenizer, RemoteEngine, RemoteError
from nextedit_jupyter.prompt import Prompt

CONTROL = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")


@pytest.fixture
def server() -> Iterator[Server]:
    with team_server(completion("linspace(0, 1)")) as found:
        yield found


def settings_for(server: Server, **more: Any) -> RemoteSettings:
    return RemoteSettings(server.url, ("127.0.0.1",), **more)


def prompt(text: str = "x = np.", heal: str = "np.", single_line: bool = True) -> Prompt:
    tokenizer = ByteTokenizer(CONTROL)
    kept = text.removesuffix(heal)
    ids = [tokenizer.control(CONTROL[0]), *tokenizer.encode(kept), tokenizer.control(CONTROL[1])]
    ids += [*tokenizer.encode("\nprint(x)"), tokenizer.control(CONTROL[2])]
    stop = {tokenizer.control(name) for name in CONTROL} | ({10} if single_line else set())
    return Prompt(tuple(ids), frozenset(stop), heal.encode(), "inline")


def ask(
    engine: RemoteEngine,
    asked: Prompt | None = None,
    *,
    seconds: float = 30.0,
    cancelled: Callable[[], bool] = lambda: False,
) -> Completion:
    return engine.complete(
        asked or prompt(), max_new=32, deadline=time.monotonic() + seconds, cancelled=cancelled
    )


def engine_for(server: Server, **more: Any) -> RemoteEngine:
    return RemoteEngine(settings_for(server, **more), ByteTokenizer(CONTROL))


def test_the_prompt_is_sent_as_text_and_the_answer_is_what_follows(server: Server) -> None:
    found = ask(engine_for(server, model="coder"))
    sent = server.asked[0]
    assert sent["path"] == "/v1/completions"
    assert sent["prompt"] == "<|fim_prefix|>x = <|fim_suffix|>\nprint(x)<|fim_middle|>np."
    assert (sent["model"], sent["temperature"], sent["max_tokens"]) == ("coder", 0, 32)
    assert set(sent["stop"]) == {"\n", *CONTROL}
    assert (found.text, found.finish) == ("linspace(0, 1)", "stop")
    assert bytes(id for id in found.ids if id < 256) == b"np.linspace(0, 1)"


def test_a_control_token_in_a_cell_is_sent_as_plain_text(server: Server) -> None:
    ask(engine_for(server), prompt("s = '<|fim_suffix|>secret'", heal=""))
    assert server.asked[0]["prompt"].count("<|fim_suffix|>") == 1
    assert "< |fim_suffix|>secret" in server.asked[0]["prompt"]


@pytest.mark.parametrize(
    "logprobs",
    [
        {"tokens": ["lin", "space", "!"], "token_logprobs": [-0.5, -0.25, -9.0]},
        {"content": [{"token": "lin", "logprob": -0.5}, {"token": "space", "logprob": -0.25}]},
    ],
)
def test_probabilities_stand_where_their_tokens_begin(server: Server, logprobs: Any) -> None:
    server.answer = completion("linspace", logprobs=logprobs)
    found = ask(engine_for(server))
    assert found.logprobs[3] == -0.5
    assert found.logprobs[6] == -0.25
    assert sum(found.logprobs) == -0.75


@pytest.mark.parametrize(
    "logprobs", [None, {}, 7, {"tokens": ["lin"], "token_logprobs": [float("nan")]}]
)
def test_without_probabilities_a_fixed_one_stands_in(server: Server, logprobs: Any) -> None:
    server.answer = completion("linspace", logprobs=logprobs)
    assert sum(ask(engine_for(server)).logprobs) == pytest.approx(math.log(0.75))


def _json(value: Any) -> Answering:
    return raw(200, json.dumps(value).encode())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (raw(500, b"down"), "500"),
        (raw(401, b"who?"), "refuses the key"),
        (raw(200, b"<html>"), "not a completion"),
        (raw(200, b"\xff\xfe{"), "not a completion"),
        (raw(200, b"[" * 100_000), "not a completion"),
        (_json([]), "not a completion"),
        (_json({"choices": []}), "not a completion"),
        (_json({"choices": [{"text": 7}]}), "not a completion"),
        (_json({"choices": [{"text": None}]}), "not a completion"),
        (
            _json({"choices": [{"text": "x"}], "usage": {"prompt_tokens": "many"}}),
            "not a completion",
        ),
        (raw(200, b" " * 300_000), "no end"),
        (lambda handler: handler.connection.close(), "cannot be reached"),
    ],
)
def test_what_is_no_answer_is_an_error_that_says_so(
    server: Server, answer: Answering, said: str
) -> None:
    server.answer = answer
    engine = engine_for(server)
    with pytest.raises(RemoteError, match=said):
        ask(engine)
    assert engine.problem is not None
    assert "127.0.0.1" in engine.problem
    server.answer = completion("fine")
    assert ask(engine).text == "fine"
    assert engine.problem is None


def test_a_redirect_is_not_followed(server: Server) -> None:
    with team_server(completion("stolen")) as other:
        server.answer = raw(307, b"", Location=f"{other.url}/completions")
        with pytest.raises(RemoteError, match="another address"):
            ask(engine_for(server))
        assert other.asked == []


def test_a_slow_body_is_given_up_in_time(server: Server) -> None:
    server.answer = trickling
    with pytest.raises(RemoteError, match="no answer within"):
        ask(engine_for(server, answer_s=0.2))
    assert ask(engine_for(server), seconds=0.1).finish == "deadline"


def test_a_server_is_not_blamed_for_being_late_where_it_had_hardly_any_time(server: Server) -> None:
    server.answer = trickling
    engine = engine_for(server)
    for _ in range(4):
        assert ask(engine, seconds=0.1).finish == "deadline"
    assert engine.problem is None
    server.answer = completion("in time")
    assert ask(engine).text == "in time"


def test_a_server_that_is_always_late_is_left_alone(server: Server) -> None:
    server.answer = trickling
    engine = engine_for(server)
    for _ in range(3):
        assert ask(engine, seconds=0.6).finish == "deadline"
    with pytest.raises(RemoteError, match="too late"):
        ask(engine)


def test_a_cancelled_request_is_given_up(server: Server) -> None:
    server.answer = trickling
    engine = engine_for(server)
    assert ask(engine, cancelled=lambda: bool(server.asked)).finish == "cancelled"
    assert engine.problem is None  # the server did nothing wrong


def test_a_server_that_keeps_failing_is_left_alone_for_a_while(server: Server) -> None:
    now = 0.0
    engine = RemoteEngine(
        settings_for(server), ByteTokenizer(CONTROL), breaker=Breaker(lambda: now)
    )
    server.answer = raw(500, b"")
    for _ in range(5):
        with pytest.raises(RemoteError):
            ask(engine)
    assert len(server.asked) == 3
    now = 31.0
    with pytest.raises(RemoteError):
        ask(engine)
    now = 62.0  # half a minute later still: the pause has doubled
    with pytest.raises(RemoteError):
        ask(engine)
    assert len(server.asked) == 4
    now, server.answer = 92.0, completion("back")
    assert ask(engine).text == "back"
    assert not Breaker(lambda: now).is_open


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "own.pem")
    with team_server(completion("safe"), certificate) as server:
        with pytest.raises(RemoteError, match="certificate"):
            ask(engine_for(server))
        assert server.asked == []
        assert ask(engine_for(server, ca_file=str(certificate))).text == "safe"


def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "other.pem", "127.0.0.9")
    with (
        team_server(completion("x"), certificate) as server,
        pytest.raises(RemoteError, match="certificate"),
    ):
        ask(engine_for(server, ca_file=str(certificate)))


def test_a_file_of_certificates_that_cannot_be_read_is_told(server: Server) -> None:
    with pytest.raises(NextEditError, match="openai_ca_file"):
        engine_for(server, ca_file="/nowhere.pem")


def test_the_key_goes_to_the_server_and_nowhere_else(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "key").write_text("sk-from-a-file\n")
    monkeypatch.setenv("TEAM_KEY", "sk-from-the-environment")
    for more in ({"key_file": str(tmp_path / "key")}, {"key_env": "TEAM_KEY"}):
        settings = settings_for(server, **more)
        engine = RemoteEngine(settings, ByteTokenizer(CONTROL))
        server.answer = raw(500, b"")
        with pytest.raises(RemoteError) as caught:
            ask(engine)
        told = f"{caught.value} {engine.problem} {settings.to_json()} {settings} {caplog.text}"
        assert "sk-from" not in told
    sent = [headers["Authorization"] for headers in server.headers]
    assert sent == ["Bearer sk-from-a-file", "Bearer sk-from-the-environment"]


@pytest.mark.parametrize("key", ["", "two\nlines", "nöt ascii", "x" * 5_000])
def test_what_cannot_be_a_key_is_refused(server: Server, tmp_path: Path, key: str) -> None:
    (tmp_path / "key").write_text(key, encoding="utf-8")
    with pytest.raises(NextEditError):
        engine_for(server, key_file=str(tmp_path / "key"))
    with pytest.raises(NextEditError, match="NO_SUCH_KEY"):
        engine_for(server, key_env="NO_SUCH_KEY")


@pytest.mark.parametrize(
    ("url", "hosts", "said"),
    [
        ("https://models.example.org/v1", (), "openai_hosts"),
        ("https://evil.example.org/v1", ("models.example.org",), "openai_hosts"),
        ("https://models.example.org.evil.org/v1", ("models.example.org",), "openai_hosts"),
        ("https://models.example.org@evil.org/v1", ("models.example.org",), "not contain a user"),
        ("https://u:p@models.example.org/v1", ("models.example.org",), "not contain a user"),
        ("https://models.example.org:8443/v1", ("models.example.org:443",), "openai_hosts"),
        ("http://models.example.org/v1", ("models.example.org",), "use https"),
        ("file:///etc/passwd", ("",), "base address of an OpenAI"),
        ("https://[::1/v1", ("::1",), "not an address"),
        ("https://models.example.org:x/v1", ("models.example.org",), "not an address"),
        ("", (), "base address of an OpenAI"),
    ],
)
def test_an_address_that_may_not_be_asked_is_refused(
    url: str, hosts: tuple[str, ...], said: str
) -> None:
    with pytest.raises(NextEditError, match=said):
        RemoteSettings(url, hosts)


def test_settings_survive_their_way_to_the_worker() -> None:
    settings = RemoteSettings("https://Models.example.org:8443/v1", ("models.example.org:8443",))
    assert RemoteSettings.from_json(settings.to_json()) == settings
    assert settings.host == "models.example.org:8443"
    with pytest.raises(ValueError, match="not the settings"):
        RemoteSettings.from_json('{"url": "x", "key": "y"}')


def test_addresses_of_people_and_numbers_of_accounts_go_out_masked_and_come_back(
    server: Server,
) -> None:
    server.answer = completion("('user001@example.com')")
    mail, card = "ann.lee@uni-bonn.de", "4539 5787 6362 1486"
    found = ask(engine_for(server), prompt(f"to = '{mail}'; pay = '{card}'; send", heal=""))
    sent = server.asked[0]["prompt"]
    assert mail not in sent
    assert card not in sent
    assert "to = 'user001@example.com'; pay = '0000 0000 0000 0001'; send" in sent
    assert found.text == f"('{mail}')"
    assert bytes(id for id in found.ids if id < 256).decode() == f"('{mail}')"
