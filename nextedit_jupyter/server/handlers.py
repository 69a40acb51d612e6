"""The HTTP routes. Each requires a logged-in user who may execute code, and passes the server's
XSRF check."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.http1connection import HTTP1Connection

from nextedit_jupyter.core.errors import BundleError, NextEditError, WireError, WorkerError
from nextedit_jupyter.core.request import Bounds
from nextedit_jupyter.core.suggestion import KINDS
from nextedit_jupyter.core.wire import encode_error, parse_line, request_id
from nextedit_jupyter.server.gateway import Gateway
from nextedit_jupyter.server.metrics import metrics
from nextedit_jupyter.server.tour import TourError, place_tour
from nextedit_jupyter.worker.silent_answers import silent_answer
from nextedit_jupyter.worker.statistics import LANES
from nextedit_jupyter.worker.statistics import OUTCOMES as STATISTICS_OUTCOMES

if TYPE_CHECKING:
    from nextedit_jupyter.worker.client import Reply

CLIENT_HEADER = "X-NextEdit-Client"
_CLIENT = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
# A body that is too large is read to its end and discarded, so that its sender receives the 413;
# one without an end is cut off.
MAX_DRAINED_BYTES = 16_000_000
# How long a page may take to send a request: a slow one occupies another's slot.
BODY_SECONDS = 10.0
_OUTCOME_BOUNDS = Bounds(request_bytes=1_000)
_STATUS_OF_CODE = {
    "bad_json": 400,
    "bad_request": 400,
    "unknown_state": 409,
    "too_large": 413,
    "worker": 503,
}


class _Handler(APIHandler):
    auth_resource = "nextedit"
    _track_activity = False  # a page left open must not keep an idle server from being culled

    def initialize(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def prepare(self) -> None:  # type: ignore[override]
        """Checks host, login, XSRF and origin before the body is read; all fail with 403."""
        try:
            await super().prepare()
        except web.HTTPError as error:
            if error.status_code == 404:  # Jupyter's answer to a foreign origin
                raise web.HTTPError(403, "a foreign origin") from None
            raise
        if not self.current_user:
            raise web.HTTPError(403)


class StatusHandler(_Handler):
    """`GET nextedit/status`: a `core.status.StatusWire`."""

    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        self.finish(json.dumps(await self.gateway.status()))


class GetModelHandler(_Handler):
    """`POST nextedit/model/get`: start downloading the larger model; answers 202 with a
    `core.status.LargerWire`. From then on the status has the progress.

    403 if the administrator forbids downloads, 404 if there is no larger model. The body is not
    read: a page has no say in which model it is, and from where.
    """

    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        larger = self.gateway.larger
        found = await larger.status()
        if found is None:
            allowed = larger.is_allowed
            why = "there is no larger model" if allowed else "no model is fetched on this server"
            self.set_status(404 if allowed else 403)
            self.finish(json.dumps(encode_error(None, BundleError(why))))
            return
        if found["state"] != "here":
            larger.get()
        self.set_status(202)
        self.finish(json.dumps(await larger.status()))


class RestartWorkerHandler(_Handler):
    """`POST nextedit/worker/restart`: stop the worker, hung or not, and start another; answers a
    `core.status.StatusWire`, or 503 if none starts. The body is not read."""

    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        try:
            await self.gateway.restart()
        except WorkerError as error:
            self.set_status(503)
            self.finish(json.dumps(encode_error(None, error)))
            return
        self.finish(json.dumps(await self.gateway.status()))


class TourHandler(_Handler):
    """`POST nextedit/tour`: create the user's copy of the tour if there is none; answers `{"path":
    ...}`, relative to the server's folder. Requires the right to write files there."""

    @web.authenticated
    @authorized("write", resource="contents")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        try:
            path = await place_tour(self.contents_manager)
        except TourError as error:
            self.set_status(409)
            self.finish(json.dumps(encode_error(None, error)))
            return
        self.finish(json.dumps({"path": path}))


class OutcomeHandler(_Handler):
    """`POST nextedit/outcome`: what the user did with a suggestion, as `{"outcome", "kind",
    "lane"}` with the words of `core.pacing`; answers a `core.status.PaceWire`, or null without a
    worker.

    It contains no text, and unknown words are refused with 400.
    """

    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        try:
            value = parse_line(self.request.body, _OUTCOME_BOUNDS)
            outcome, kind, lane = (value.get(key) for key in ("outcome", "kind", "lane"))
            if outcome not in STATISTICS_OUTCOMES or kind not in KINDS or lane not in LANES:
                raise WireError("an outcome must be one of the protocol's words")
        except WireError as error:
            self.set_status(_STATUS_OF_CODE.get(error.code, 400))
            self.finish(json.dumps(encode_error(None, error)))
            return
        pace = None
        if self.gateway.config.enabled:
            pace = await self.gateway.report(outcome, kind, lane)
        self.finish(json.dumps(pace))


@web.stream_request_body
class SuggestHandler(_Handler):
    """`POST nextedit/suggest`: a `core.wire.RequestWire`, or a ChangedRequestWire with what
    changed; answers an AnswerWire.

    Errors are ErrorAnswerWires: 400 for a request that cannot be read, 409 for one that changes a
    state that the worker does not hold (send everything), 413 over a bound, 429 with too many in
    progress, 503 if the worker cannot answer. The header X-NextEdit-Client identifies a page: its
    newer request supersedes its older one, and it has states of its own.
    """

    def initialize(self, gateway: Gateway) -> None:
        super().initialize(gateway)
        self._chunks: list[bytes] = []
        self._received = 0
        self._refusal: tuple[int, NextEditError] | None = None
        self._client = ""
        self._is_in = False
        self._asking: asyncio.Task[Reply] | None = None

    async def prepare(self) -> None:  # type: ignore[override]
        await super().prepare()
        if self._finished:
            return
        page = self.request.headers.get(CLIENT_HEADER, "")
        # Not the user's name: with a token and no cookie, each request has a new one.
        self._client = page if _CLIENT.fullmatch(page) else "default"
        if isinstance(self.request.connection, HTTP1Connection):
            self.request.connection.set_body_timeout(BODY_SECONDS)
        length = self.request.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > self._max_bytes:
            self._refuse_size()
        elif self.gateway.admission.enter(self._client):
            self._is_in = True
            metrics().in_flight.set(self.gateway.admission.total)
        else:
            error = WireError("too many requests are in progress; wait for one", code="throttled")
            self._refusal = (429, error)

    @property
    def _max_bytes(self) -> int:
        return self.gateway.config.request_bytes

    def _refuse_size(self) -> None:
        self._chunks.clear()
        if self._refusal is None:
            message = f"a request has at most {self._max_bytes} bytes; send fewer cells"
            self._refusal = (413, WireError(message, code="too_large"))

    def data_received(self, chunk: bytes) -> None:
        self._received += len(chunk)
        if self._received > self._max_bytes:
            self._refuse_size()
        if self._refusal is None:
            self._chunks.append(chunk)
        elif self._received > MAX_DRAINED_BYTES and not self._finished:
            self._send_refusal()

    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        if self._refusal is not None:
            self._send_refusal()
            return
        began = time.perf_counter()
        body = b"".join(self._chunks)
        self._chunks.clear()
        if not self.gateway.config.enabled:
            self._send_off(body)
            return
        self._asking = asyncio.ensure_future(self.gateway.suggest(body, self._client))
        try:
            reply = await self._asking
        except WorkerError as error:
            metrics().requests.labels("error").inc()
            self._send(503, encode_error(_id_of(body), error))
            return
        except asyncio.CancelledError:
            metrics().requests.labels("vanished").inc()
            return
        finally:
            metrics().worker_starts.set(self.gateway.client.starts)
        metrics().requests.labels(reply.outcome).inc()
        metrics().seconds.observe(time.perf_counter() - began)
        for kind, lane in reply.header.get("offered", ()):
            metrics().suggestions.labels(kind, lane).inc()
        code = reply.header.get("code")
        self.set_header("Server-Timing", self._times(reply))
        self.set_status(_STATUS_OF_CODE.get(code, 500) if code else 200)
        self.finish(reply.body)

    def _times(self, reply: Reply) -> str:
        """The `Server-Timing` header: milliseconds in the worker and in total."""
        total = f"server;dur={self.request.request_time() * 1000:.2f}"
        spent = reply.header.get("ms")
        return total if spent is None else f"worker;dur={float(spent):.2f}, {total}"

    def on_connection_close(self) -> None:
        """The page is gone or has aborted: cancel the request."""
        self._leave()
        if self._asking is not None:
            self._asking.cancel()
        super().on_connection_close()

    def on_finish(self) -> None:
        self._leave()
        super().on_finish()

    def _leave(self) -> None:
        if self._is_in:
            self._is_in = False
            self.gateway.admission.leave(self._client)
            metrics().in_flight.set(self.gateway.admission.total)

    def _send_refusal(self) -> None:
        assert self._refusal is not None
        status, error = self._refusal
        metrics().requests.labels("refused").inc()
        if status == 429:
            self.set_header("Retry-After", "1")
        self._send(status, encode_error(None, error))

    def _send_off(self, body: bytes) -> None:
        metrics().requests.labels("off").inc()
        try:
            self._send(200, silent_answer(parse_line(body), "off"))
        except WireError as error:
            self._send(400, encode_error(None, error))

    def _send(self, status: int, value: Mapping[str, Any]) -> None:
        self.set_status(status)
        self.finish(json.dumps(value))


def _id_of(body: bytes) -> int | str | None:
    """The request's id, for an error that the server answers itself."""
    try:
        return request_id(parse_line(body))
    except WireError:
        return None
