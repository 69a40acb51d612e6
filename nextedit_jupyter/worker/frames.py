"""The messages on the worker's socket: a small JSON header, a newline, and a JSON body, passed on
as is.

The header belongs to the transport; the body is a request or an answer of `core.wire`, which server
and client pass on without parsing it.

    client to worker                                       worker to client
    {"op": "hello", "version"}                             {"op": "hello", "version", "pid", "bundle_path"}
    {"op": "suggest", "n", "client", "root"} + RequestWire {"n", "outcome", "offered", "ms"} + AnswerWire
    {"op": "status", "n"}                                  {"n", "outcome"} + status
    {"op": "cancel", "n"} or {"op": "cancel", "client"}    none
    {"op": "outcome", "n", "said", "kind", "lane"}         {"n", "outcome"} + pace
    {"op": "reload", "n", "retry"}                         {"n", "outcome"} + {}
    {"op": "leave", "n", "if_unused"}                      {"n", "leaving"}
                                                           {"op": "bye"} before the worker leaves

`n` counts a connection's messages; `ms` is how long the request was in the worker. `outcome` is suggested, silent, superseded, error (then with
the error's `code`) or status; `offered` lists [kind, lane] of what is suggested, for counters.
"""  # noqa: E501 (a table)

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

ENVELOPE_BYTES = 4_096  # what a header may add to a body's size


def pack(header: Mapping[str, Any], body: bytes = b"") -> bytes:
    """One message: the header as ASCII JSON without newlines, a newline, the body untouched."""
    return json.dumps(header, separators=(",", ":")).encode("ascii") + b"\n" + body


def unpack(message: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and body. Raises ValueError if the header is not a JSON object."""
    head, _, body = message.partition(b"\n")
    try:
        header = json.loads(head)
    except RecursionError:
        raise ValueError("the header is nested too deeply") from None
    if not isinstance(header, dict):
        raise ValueError("a message starts with a JSON object")
    return header, body
