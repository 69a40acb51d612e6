"""The routes of the server extension, in a real Jupyter server with a real worker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
from real_worker import ROOT, is_running, pid_of, request_for, wait_until
from tornado.httpclient import HTTPClientError
from tornado.simple_httpclient import HTTPStreamClosedError

import nextedit_jupyter
from nextedit_jupyter.server.config import NextEdit
from nextedit_jupyter.server.gateway import Admission, Gateway
from nextedit_jupyter.worker.client import WorkerClient

Fetch = Callable[..., Any]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks into /proc")


async def post(fetch: Fetch, request: Any, page: str = "page", **options: Any) -> Any:
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    headers = {"X-NextEdit-Client": page, **options.pop("headers", {})}
    return await fetch(
        "nextedit",
        "suggest",
        method="POST",
        body=body,
        headers=headers,
        raise_error=False,
        **options,
    )


async def status(fetch: Fetch) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await fetch("nextedit", "status")).body)
    return found


async def test_a_request_is_answered_as_the_worker_answers_it(
    gateway: Gateway, jp_fetch: Fetch
) -> None:
    response = await post(jp_fetch, request_for("x", id="abc"))
    assert response.code == 200
    answer = json.loads(response.body)
    assert answer["id"] == "abc"
    assert answer["suggestions"][0]["lane"] == "model"
    assert response.headers["Content-Type"] == "application/json"


async def test_the_status_says_what_runs(gateway: Gateway, jp_fetch: Fetch) -> None:
    assert (await status(jp_fetch))["worker"] in ("starting", "running")
    await post(jp_fetch, request_for("x"))
    found = await status(jp_fetch)
    assert found["worker"] == "running"
    assert found["enabled"] is True
    assert found["bundle"] == "fake/1"
    assert found["problem"] is None
    assert found["last_ms"] > 0


@pytest.mark.parametrize(
    "gateway", [{"suggester": "fake_suggesters:without_bundle"}], indirect=True
)
async def test_the_status_says_what_to_do_about_a_missing_bundle(
    gateway: Gateway, jp_fetch: Fetch
) -> None:
    assert json.loads((await post(jp_fetch, request_for("x"))).body)["suggestions"]
    found = await status(jp_fetch)
    assert (found["worker"], found["bundle"]) == ("running", None)
    assert "jupyter nextedit fetch" in found["problem"]


@pytest.mark.parametrize("gateway", [{"idle_seconds": 1.0}], indirect=True)
async def test_asking_for_the_status_does_not_keep_the_worker_from_leaving(
    gateway: Gateway, jp_fetch: Fetch
) -> None:
    await post(jp_fetch, request_for("x"))
    until = time.monotonic() + 10
    while (await status(jp_fetch))["worker"] != "stopped":
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    assert gateway.client.starts == 1
    assert (await status(jp_fetch))["bundle"] == "fake/1"  # the last that was known


# -- who may come in -------------------------------------------------------------------------------

ROUTES = [
    ("suggest", "POST", b"{}"),
    ("status", "GET", None),
    ("worker/restart", "POST", b"{}"),
    ("tour", "POST", b"{}"),
]


@pytest.mark.parametrize(("route", "method", "body"), ROUTES)
async def test_without_a_token_a_route_answers_403(
    gateway: Gateway, http_server_client: Any, jp_base_url: str, route: str, method: str, body: Any
) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await http_server_client.fetch(
            f"{jp_base_url}nextedit/{route}", method=method, body=body, follow_redirects=False
        )
    assert refused.value.code == 403


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize(("route", "method", "body"), ROUTES)
async def test_with_a_wrong_token_a_route_answers_403_whatever_the_servers_default(
    gateway: Gateway,
    jp_serverapp: Any,
    http_server_client: Any,
    jp_base_url: str,
    route: str,
    method: str,
    body: Any,
    allowed: bool,
) -> None:
    jp_serverapp.web_app.settings["allow_unauthenticated_access"] = allowed
    with pytest.raises(HTTPClientError) as refused:
        await http_server_client.fetch(
            f"{jp_base_url}nextedit/{route}",
            method=method,
            body=body,
            headers={"Authorization": "token wrong"},
            follow_redirects=False,
        )
    assert refused.value.code == 403


@pytest.mark.parametrize(("route", "method", "body"), ROUTES)
async def test_a_wrong_host_gets_403(
    gateway: Gateway, jp_fetch: Fetch, route: str, method: str, body: Any
) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch(
            "nextedit", route, method=method, body=body, headers={"Host": "evil.example"}
        )
    assert refused.value.code == 403


async def log_in(client: Any, base: str, authorization: dict[str, str]) -> dict[str, str]:
    """The headers of a logged-in browser, its XSRF header included."""
    token = authorization["Authorization"].split()[1]
    jar = {}
    for page in ("login", f"login?token={token}"):
        response = await client.fetch(f"{base}{page}", follow_redirects=False, raise_error=False)
        for line in response.headers.get_list("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            jar[name] = value
    return {
        "Cookie": "; ".join(f"{name}={value}" for name, value in jar.items()),
        "X-XSRFToken": jar.get("_xsrf", ""),
    }


async def browse(
    client: Any, base: str, route: str, method: str, body: Any, headers: dict[str, str]
) -> int:
    response = await client.fetch(
        f"{base}nextedit/{route}",
        method=method,
        body=body,
        headers=headers,
        raise_error=False,
        follow_redirects=False,
    )
    code: int = response.code
    return code


async def test_a_browser_that_is_logged_in_needs_the_xsrf_header(
    gateway: Gateway, http_server_client: Any, jp_base_url: str, jp_auth_header: dict[str, str]
) -> None:
    cookies = await log_in(http_server_client, jp_base_url, jp_auth_header)
    body = json.dumps(request_for("x"))
    arguments = (http_server_client, jp_base_url, "suggest", "POST", body)
    assert await browse(*arguments, cookies) == 200
    assert await browse(*arguments, {"Cookie": cookies["Cookie"]}) == 403
    assert await browse(*arguments, {**cookies, "X-XSRFToken": "wrong"}) == 403


@pytest.mark.parametrize(("route", "method", "body"), ROUTES)
async def test_a_foreign_origin_gets_403(
    gateway: Gateway,
    http_server_client: Any,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
    route: str,
    method: str,
    body: Any,
) -> None:
    cookies = await log_in(http_server_client, jp_base_url, jp_auth_header)
    arguments = (http_server_client, jp_base_url, route, method, body or None)
    headers = {**cookies, "Origin": "https://evil.example"}
    assert await browse(*arguments, headers) == 403
    assert await browse(*arguments, cookies) in (200, 400)


@pytest.mark.parametrize(("route", "method", "body"), ROUTES)
async def test_who_may_not_execute_gets_403(
    gateway: Gateway,
    jp_serverapp: Any,
    jp_fetch: Fetch,
    monkeypatch: pytest.MonkeyPatch,
    route: str,
    method: str,
    body: Any,
) -> None:
    asked: list[tuple[str, str]] = []

    def is_authorized(handler: Any, user: Any, action: str, resource: str) -> bool:
        asked.append((action, resource))
        return False

    monkeypatch.setattr(jp_serverapp.authorizer, "is_authorized", is_authorized)
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("nextedit", route, method=method, body=body)
    assert refused.value.code == 403
    assert asked == [("write", "contents") if route == "tour" else ("execute", "nextedit")]
    assert gateway.client.starts == 0


# -- bounds ----------------------------------------------------------------------------------------


async def test_a_body_past_the_bound_gets_413_and_reaches_no_worker(
    gateway: Gateway, jp_fetch: Fetch
) -> None:
    response = await post(jp_fetch, b" " * 1_000_001)
    assert response.code == 413
    assert json.loads(response.body)["error"]["code"] == "too_large"
    assert gateway.client.starts == 0


async def test_a_chunked_body_past_the_bound_gets_413(gateway: Gateway, jp_fetch: Fetch) -> None:
    async def produce(write: Callable[[bytes], Any]) -> None:
        for _ in range(40):
            await write(b" " * 50_000)

    response = await jp_fetch(
        "nextedit", "suggest", method="POST", body_producer=produce, raise_error=False
    )
    assert response.code == 413
    assert gateway.client.starts == 0


async def test_a_chunked_body_within_the_bound_is_answered(
    gateway: Gateway, jp_fetch: Fetch
) -> None:
    body = json.dumps(request_for("x")).encode()

    async def produce(write: Callable[[bytes], Any]) -> None:
        await write(body[:20])
        await write(body[20:])

    response = await jp_fetch("nextedit", "suggest", method="POST", body_producer=produce)
    assert json.loads(response.body)["suggestions"]


async def test_a_body_without_end_is_cut_off(gateway: Gateway, jp_fetch: Fetch) -> None:
    written = 0

    async def produce(write: Callable[[bytes], Any]) -> None:
        nonlocal written
        while written < 200_000_000:
            await write(b" " * 1_000_000)
            written += 1_000_000

    with contextlib.suppress(HTTPStreamClosedError):  # if it was too busy writing to read the 413
        response = await jp_fetch(
            "nextedit", "suggest", method="POST", body_producer=produce, raise_error=False
        )
        assert response.code == 413
    assert written < 100_000_000
    assert gateway.admission.total == 0


@pytest.mark.parametrize(
    ("body", "code", "http"),
    [
        (b"", "bad_json", 400),
        (b"{", "bad_json", 400),
        (b"[]", "bad_json", 400),
        (b'{"id": 1}', "bad_request", 400),
        (json.dumps(request_for("x" * 70_000)).encode(), "too_large", 413),
        (json.dumps(request_for("raise hunter2")).encode(), "internal", 500),
    ],
)
async def test_what_cannot_be_served_is_answered_with_a_code(
    gateway: Gateway, jp_fetch: Fetch, body: bytes, code: str, http: int
) -> None:
    response = await post(jp_fetch, body)
    assert (response.code, json.loads(response.body)["error"]["code"]) == (http, code)
    assert (await post(jp_fetch, request_for("x"))).code == 200


async def test_a_flood_is_answered_superseded_or_refused_and_leaves_nothing_behind(
    gateway: Gateway, jp_fetch: Fetch, jp_http_port: int, jp_base_url: str, jp_auth_header: Any
) -> None:
    await post(jp_fetch, request_for("x"))
    body = json.dumps(request_for("sleep 0.05", deadline_ms=2_000)).encode()
    most_under_way = 0

    async def ask(i: int) -> int:
        nonlocal most_under_way
        reader, writer = await asyncio.open_connection("localhost", jp_http_port)
        head = (
            f"POST {jp_base_url}nextedit/suggest HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {jp_auth_header['Authorization']}\r\nConnection: close\r\n"
            f"X-NextEdit-Client: page{i % 20}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        most_under_way = max(most_under_way, gateway.admission.total)
        if i % 10 == 0:  # vanishes
            writer.close()
            return 0
        line = await reader.readline()
        await reader.read()
        writer.close()
        return int(line.split()[1])

    codes = Counter(await asyncio.gather(*map(ask, range(1_000))))
    assert codes.keys() <= {0, 200, 429}
    assert codes[200] > 0
    assert most_under_way <= 64
    until = time.monotonic() + 10
    while gateway.admission.total:
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
    assert (await post(jp_fetch, request_for("x"))).code == 200
    assert (await asyncio.to_thread(gateway.client.status))["rss_mb"] < 60


async def test_more_requests_under_way_than_allowed_get_429(
    gateway: Gateway, jp_fetch: Fetch
) -> None:
    gateway.admission = Admission(3, 2)
    slow = [
        asyncio.ensure_future(post(jp_fetch, request_for("sleep 0.5"), page))
        for page in ("a", "b", "c")
    ]
    while gateway.admission.total < 3:
        await asyncio.sleep(0.01)
    response = await post(jp_fetch, request_for("x"), "d")
    assert response.code == 429
    assert json.loads(response.body)["error"]["code"] == "throttled"
    assert [(await s).code for s in slow] == [200, 200, 200]


def test_admission_counts_each_client_and_all() -> None:
    admission = Admission(3, 2)
    assert [admission.enter(c) for c in "aaabb"] == [True, True, False, True, False]
    admission.leave("a")
    assert admission.enter("b")
    for c in "abb":
        admission.leave(c)
    assert admission.total == 0


async def test_pages_do_not_supersede_each_other_and_one_page_does(
    gateway: Gateway, jp_fetch: Fetch
) -> None:
    await post(jp_fetch, request_for("x"))
    older = asyncio.ensure_future(post(jp_fetch, request_for("sleep 0.4"), "a"))
    await asyncio.sleep(0.1)
    other = asyncio.ensure_future(post(jp_fetch, request_for("x"), "b"))
    await asyncio.sleep(0.1)
    newer = asyncio.ensure_future(post(jp_fetch, request_for("x"), "a"))
    answers = [json.loads((await task).body) for task in (older, other, newer)]
    assert [bool(answer["suggestions"]) for answer in answers] == [False, True, True]
    assert set(answers[0]["silence"].values()) == {"stale"}


async def test_a_page_that_vanishes_cancels_its_request_in_the_worker(
    gateway: Gateway, jp_fetch: Fetch, jp_http_port: int, jp_base_url: str, jp_auth_header: Any
) -> None:
    await post(jp_fetch, request_for("x"))
    body = json.dumps(request_for("sleep 20")).encode()
    head = (
        f"POST {jp_base_url}nextedit/suggest HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: {jp_auth_header['Authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("localhost", jp_http_port)
    writer.write(head.encode() + body)
    await writer.drain()

    async def worker_is(state: str) -> None:
        until = time.monotonic() + 5
        while await asyncio.to_thread(lambda: gateway.client.status()["state"]) != state:
            assert time.monotonic() < until
            await asyncio.sleep(0.02)

    await worker_is("busy")
    writer.close()
    await worker_is("ready")
    assert gateway.admission.total == 0


async def test_a_page_that_vanishes_in_the_middle_of_its_body_gives_its_place_back(
    gateway: Gateway, jp_fetch: Fetch, jp_http_port: int, jp_base_url: str, jp_auth_header: Any
) -> None:
    head = (
        f"POST {jp_base_url}nextedit/suggest HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: {jp_auth_header['Authorization']}\r\nContent-Length: 1000\r\n\r\n{{"
    )
    _, writer = await asyncio.open_connection("localhost", jp_http_port)
    writer.write(head.encode())
    for expected in (1, 0):
        until = time.monotonic() + 5
        while gateway.admission.total != expected:
            assert time.monotonic() < until, expected
            await asyncio.sleep(0.01)
        writer.close()


async def test_a_page_that_dawdles_with_its_body_is_cut_off(
    gateway: Gateway,
    jp_fetch: Fetch,
    jp_http_port: int,
    jp_base_url: str,
    jp_auth_header: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nextedit_jupyter.server.handlers.BODY_SECONDS", 0.1)
    head = (
        f"POST {jp_base_url}nextedit/suggest HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: {jp_auth_header['Authorization']}\r\nContent-Length: 1000\r\n\r\n{{"
    )
    reader, writer = await asyncio.open_connection("localhost", jp_http_port)
    writer.write(head.encode())
    assert await asyncio.wait_for(reader.read(), 5) == b""
    assert gateway.admission.total == 0
    writer.close()


# -- faults ----------------------------------------------------------------------------------------


async def test_a_killed_worker_costs_one_answer_and_the_next_comes(
    gateway: Gateway, jp_fetch: Fetch
) -> None:
    pid = pid_of(json.loads((await post(jp_fetch, request_for("x"))).body))
    under_way = asyncio.ensure_future(post(jp_fetch, request_for("sleep 20", id=9)))
    await asyncio.sleep(0.2)
    os.kill(pid, signal.SIGKILL)
    lost = await under_way
    assert lost.code == 503
    assert json.loads(lost.body)["id"] == 9
    assert json.loads(lost.body)["error"]["code"] == "worker"
    answer = json.loads((await post(jp_fetch, request_for("x"))).body)
    assert pid_of(answer) != pid


async def test_a_folder_of_another_user_fails_with_what_to_do(
    gateway: Gateway, jp_fetch: Fetch, folder: Path
) -> None:
    folder.chmod(0o755)
    response = await post(jp_fetch, request_for("x"))
    assert response.code == 503
    assert "chmod 700" in json.loads(response.body)["error"]["message"]
    found = await status(jp_fetch)
    assert found["worker"] == "failed"
    assert "chmod 700" in found["problem"]


async def test_nothing_of_the_users_code_is_logged_or_counted(
    gateway: Gateway, jp_fetch: Fetch, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for source in ("hunter2 = 1", "raise hunter2", "kill hunter2"):
        await post(jp_fetch, request_for(source))
    await post(jp_fetch, b'{"hunter2')
    await post(jp_fetch, b"hunter2" * 200_000)
    await post(jp_fetch, request_for("x"), "hunter2 is no page's name")
    logged = caplog.text + (folder / "worker.log").read_text()
    exposed = prometheus_client.generate_latest().decode()
    assert "hunter2" not in logged + exposed


async def test_the_metrics_count_how_requests_ended(gateway: Gateway, jp_fetch: Fetch) -> None:
    def count(name: str, **labels: str) -> float:
        return prometheus_client.REGISTRY.get_sample_value(name, labels) or 0.0

    names = {
        "suggested": ("nextedit_requests_total", {"outcome": "suggested"}),
        "error": ("nextedit_requests_total", {"outcome": "error"}),
        "refused": ("nextedit_requests_total", {"outcome": "refused"}),
        "model": ("nextedit_suggestions_total", {"kind": "inline", "lane": "model"}),
        "timed": ("nextedit_request_seconds_count", {}),
    }
    before = {key: count(name, **labels) for key, (name, labels) in names.items()}
    await post(jp_fetch, request_for("x"))
    await post(jp_fetch, b"{")
    await post(jp_fetch, b" " * 1_000_001)
    after = {key: count(name, **labels) - before[key] for key, (name, labels) in names.items()}
    assert after == {"suggested": 1, "error": 1, "refused": 1, "model": 1, "timed": 2}
    exposed = (await jp_fetch("metrics")).body.decode()
    assert re.search(r'nextedit_request_seconds_bucket\{le="0.04"\}', exposed)


async def test_switched_off_nothing_is_started(gateway: Gateway, jp_fetch: Fetch) -> None:
    gateway.config.enabled = False
    answer = json.loads((await post(jp_fetch, request_for("x", id=4, want=["inline"]))).body)
    assert (answer["id"], answer["silence"]) == (4, {"inline": "off"})
    found = await status(jp_fetch)
    assert (found["enabled"], found["worker"]) == (False, "stopped")
    assert gateway.client.starts == 0


async def test_the_extension_loads_by_its_entry_point_twice_and_takes_its_configuration(
    jp_configurable_serverapp: Any, folder: Path
) -> None:
    app = jp_configurable_serverapp(
        config={
            "ServerApp": {"jpserver_extensions": {"nextedit_jupyter": True}},
            "NextEdit": {"threads": 3, "runtime_dir": str(folder), "enabled": False},
        }
    )
    for _ in range(2):
        gateway = app.web_app.settings["nextedit"]
        assert gateway.client.settings.threads == 3
        assert gateway.client.settings.runtime_dir == folder
        gateway.close()
        nextedit_jupyter._load_jupyter_server_extension(app)
    gateway.close()


def test_settings_reach_the_worker() -> None:
    config = NextEdit(bundle="~/b", worker_memory_mb=500, idle_seconds=5, request_bytes=2_000)
    settings = config.worker_settings()
    assert settings.bundle_path == os.path.expanduser("~/b")
    assert (settings.memory_mb, settings.idle_seconds, settings.request_bytes) == (500, 5.0, 2_000)


def test_the_extension_does_not_load_what_belongs_to_the_worker() -> None:
    code = (
        "import sys, nextedit_jupyter.server.extension; "
        "print([m for m in ('onnxruntime', 'numpy', 'tokenizers', 'torch', 'tree_sitter') "
        "if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


async def test_at_the_servers_end_the_worker_stays_for_others(
    gateway: Gateway, jp_fetch: Fetch, connect: Callable[..., WorkerClient]
) -> None:
    pid = pid_of(json.loads((await post(jp_fetch, request_for("x"))).body))
    other = connect("a kernel")
    other.status()
    gateway.close()
    assert pid_of(other.suggest(request_for("x"))) == pid


async def test_at_the_servers_end_a_worker_that_no_one_uses_leaves(
    gateway: Gateway, jp_fetch: Fetch
) -> None:
    pid = pid_of(json.loads((await post(jp_fetch, request_for("x"))).body))
    gateway.close()
    wait_until(lambda: not is_running(pid))


async def test_an_outcome_changes_the_pace_that_pages_are_told(
    gateway: Gateway, jp_fetch: Fetch
) -> None:
    await post(jp_fetch, request_for("x"))
    before = (await status(jp_fetch))["pace"]
    assert before["quiet_ms"] == 0
    said = {"outcome": "rejected", "kind": "inline", "lane": "model"}
    response = await jp_fetch("nextedit", "outcome", method="POST", body=json.dumps(said))
    after = json.loads(response.body)
    assert 0 < after["quiet_ms"] <= 5_000
    assert after["factor"] == 1.5
    assert (await status(jp_fetch))["pace"]["quiet_ms"] > 0


@pytest.mark.parametrize(
    "said",
    [
        {"outcome": "rejected", "kind": "inline", "lane": "df.head()"},
        {"outcome": "liked", "kind": "inline", "lane": "model"},
        {"outcome": ["shown"], "kind": "inline", "lane": "model"},
        {},
        {"outcome": "x" * 2_000},
    ],
)
async def test_an_outcome_carries_no_words_but_ours(
    gateway: Gateway, jp_fetch: Fetch, said: dict[str, Any]
) -> None:
    response = await jp_fetch(
        "nextedit", "outcome", method="POST", body=json.dumps(said), raise_error=False
    )
    assert response.code in (400, 413)


async def test_an_outcome_needs_a_login(gateway: Gateway, jp_fetch: Fetch) -> None:
    response = await jp_fetch(
        "nextedit",
        "outcome",
        method="POST",
        body="{}",
        headers={"Authorization": "token wrong"},
        raise_error=False,
    )
    assert response.code == 403
