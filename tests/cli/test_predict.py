"""`jupyter nextedit predict`: one answer a line, in order, whatever the lines hold."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nextedit_jupyter.cli.predict import serve
from nextedit_jupyter.core.errors import WireError
from nextedit_jupyter.core.request import Bounds

PREDICT = [sys.executable, "-m", "nextedit_jupyter.cli", "predict", "--no-model"]
RENAME: dict[str, Any] = {
    "id": 1,
    "offsets": "code-point",
    "notebook": {
        "language": "python",
        "cells": [
            {"id": "c0", "type": "code", "source": "x = 1", "execution_count": 1},
            {"id": "c1", "type": "markdown", "source": "About y."},
            {"id": "c2", "type": "code", "source": "print(y + 1)"},
            {"id": "c3", "type": "code", "source": "def f(y):\n    return y"},
            {"id": "c4", "type": "code", "source": "z = [y, 'y']\nf(y=y)"},
        ],
    },
    "cursor": {"cell": "c0", "offset": 5},
    "history": [{"cell": "c0", "before": "y = 1", "after": "x = 1", "origin": "typed", "at": 0.0}],
    "facts": {
        "runs": [],
        "names": [{"name": "df", "type": "pandas.DataFrame", "members": ["a", "b"]}],
        "error": None,
    },
    "want": ["inline", "next_edit", "rename"],
    "deadline_ms": 1000,
}


def predict(*lines: bytes | Mapping[str, Any], options: tuple[str, ...] = ()) -> list[Any]:
    """The answers of a real process to some lines; it must end well."""
    sent = b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )
    result = subprocess.run(
        [*PREDICT, *options], input=sent, capture_output=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def echo(sent: bytes, bounds: Bounds | None = None) -> list[Any]:
    """What `serve` writes where each request is answered with its id."""
    sink = io.BytesIO()
    serve(io.BytesIO(sent), sink, lambda value: {"echo": value.get("id")}, bounds or Bounds())
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def edits_of(answer: Mapping[str, Any], kind: str) -> list[tuple[str, int, int, str]]:
    return [
        (edit["cell"], edit["start"], edit["end"], edit["text"])
        for suggestion in answer["suggestions"]
        if suggestion["kind"] == kind
        for edit in suggestion["edits"]
    ]


def applied(request: Mapping[str, Any], answer: Mapping[str, Any], kind: str) -> dict[str, str]:
    """The cells' texts after the edits of one kind, in code points."""
    texts = {cell["id"]: cell["source"] for cell in request["notebook"]["cells"]}
    for cell, start, end, text in sorted(edits_of(answer, kind), reverse=True):
        texts[cell] = texts[cell][:start] + text + texts[cell][end:]
    return texts


def test_the_rename_of_the_design_is_offered_where_the_name_is_meant_and_nowhere_else() -> None:
    (answer,) = predict(RENAME)
    assert answer["id"] == 1
    assert applied(RENAME, answer, "rename") == {
        "c0": "x = 1",
        "c1": "About y.",
        "c2": "print(x + 1)",
        "c3": "def f(y):\n    return y",
        "c4": "z = [x, 'y']\nf(y=x)",
    }
    assert set(answer["timing_ms"]) == {"total", "queue", "analysis", "prefill", "decode"}


@pytest.mark.parametrize(("offsets", "shift"), [("utf-16", 2), ("code-point", 1)])
def test_offsets_are_counted_as_the_request_says(offsets: str, shift: int) -> None:
    request = json.loads(json.dumps(RENAME))
    request["offsets"] = offsets
    request["notebook"]["cells"][2]["source"] = 's = "🦊"; print(y)'
    (answer,) = predict(request)
    place = 's = ""; print('.index("print(") + len("print(") + shift
    assert ("c2", place, place + 1, "x") in edits_of(answer, "rename")


def test_without_a_model_the_silence_says_so() -> None:
    (answer,) = predict(RENAME)
    assert answer["bundle"] is None
    assert answer["silence"]["inline"] == "no_model"


BAD_LINES: list[tuple[str, bytes, Any, str]] = [
    ("not JSON", b"what?", None, "bad_json"),
    ("empty", b"", None, "bad_json"),
    ("a list", b"[1]", None, "bad_json"),
    ("half an object", b'{"id": 4', None, "bad_json"),
    ("not UTF-8", b'{"id": "\xff"}', None, "bad_json"),
    ("a NUL alone", b"\0", None, "bad_json"),
    ("a 5,000-digit integer", b'{"id": 5, "cursor": ' + b"7" * 5_000 + b"}", None, "bad_json"),
    ("nested 100,000 deep", b"[" * 100_000, None, "bad_json"),
    ("no fields", b'{"id": 6}', 6, "bad_request"),
    ("an id that is none", b'{"id": [7]}', None, "bad_request"),
    ("no notebook", b'{"id": "seven", "cursor": {}}', "seven", "bad_request"),
    (
        "a cursor that is not a number",
        json.dumps(RENAME).replace('"offset": 5', '"offset": NaN').encode(),
        1,
        "bad_request",
    ),
    (
        "a cursor outside of its cell",
        json.dumps(RENAME).replace('"offset": 5', '"offset": 6').encode(),
        1,
        "bad_request",
    ),
    (
        "two cells of one id",
        json.dumps(RENAME).replace('"id": "c1"', '"id": "c0"').encode(),
        1,
        "bad_request",
    ),
    ("a line past the bound", b'{"id": 8, "x": "' + b"x" * 1_000_001 + b'"}', 8, "too_large"),
    ("a long line of no object", b"x" * 3_000_000, None, "too_large"),
]


def test_every_bad_line_is_answered_with_an_error_and_the_next_one_is_served() -> None:
    lines: list[bytes | Mapping[str, Any]] = []
    for _, line, _, _ in BAD_LINES:
        lines += [line, RENAME]
    answers = predict(*lines)
    assert len(answers) == 2 * len(BAD_LINES)
    for (name, _, id, code), bad, good in zip(BAD_LINES, answers[::2], answers[1::2], strict=True):
        assert (bad["id"], bad["error"]["code"]) == (id, code), name
        assert bad["error"]["message"], name
        assert good["suggestions"], f"after {name}"


STRANGE = {
    "NUL": "a = '\0'",
    "lone surrogate": "a = '\ud800'",
    "NFKC twins": "ﬁne = fine",
    "CRLF": "a\r\nb\r\n",
    "combining": "e\u0301 = 1",
    "long line": "x" * 60_000,
    "control token": "<|fim|>",
}


def test_a_strange_cell_is_answered_and_keeps_no_suggestion_from_the_others() -> None:
    requests = []
    for text in STRANGE.values():
        request = json.loads(json.dumps(RENAME))
        request["notebook"]["cells"][3]["source"] = text
        requests.append(request)
    for name, answer in zip(STRANGE, predict(*requests), strict=True):
        assert ("c2", 6, 7, "x") in edits_of(answer, "rename"), name


def test_the_last_line_needs_no_newline_and_carriage_returns_are_no_part_of_a_line() -> None:
    assert echo(b'{"id": 1}\r\n{"id": 2}') == [{"echo": 1}, {"echo": 2}]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_a_line_of_just_the_bound_is_served_and_one_byte_more_is_not(end: bytes) -> None:
    bounds = Bounds(request_bytes=40)
    line = b'{"id": 1, "x": "' + b"x" * 22 + b'"}'
    assert len(line) == 40
    assert echo(line + end, bounds) == [{"echo": 1}]
    (answer,) = echo(line.replace(b"x" * 22, b"x" * 23) + end, bounds)
    assert (answer["id"], answer["error"]["code"]) == (1, "too_large")


def test_an_endless_line_is_read_past_in_pieces() -> None:
    class Watched(io.BytesIO):
        limit = 0

        def readline(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert size > 0
            self.limit = max(self.limit, size)
            return super().readline(size)

    source, sink = Watched(b"x" * 5_000_000 + b'\n{"id": 2}\n'), io.BytesIO()
    serve(source, sink, lambda value: {"echo": value["id"]}, Bounds())
    assert source.limit <= 1_000_002
    assert json.loads(sink.getvalue().splitlines()[1]) == {"echo": 2}


def test_a_failure_while_answering_is_an_error_answer_without_the_request_s_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(value: dict[str, Any]) -> Mapping[str, Any]:
        raise RuntimeError(f"cannot stand {value}")

    sink = io.BytesIO()
    serve(io.BytesIO(b'{"id": 3, "secret": "hunter2"}\n'), sink, answer, Bounds())
    assert json.loads(sink.getvalue())["error"] == {"code": "internal", "message": "RuntimeError"}
    assert "hunter2" not in capsys.readouterr().err


def test_a_refusal_keeps_its_code() -> None:
    def answer(value: dict[str, Any]) -> Mapping[str, Any]:
        raise WireError("too many cells", code="too_large")

    sink = io.BytesIO()
    serve(io.BytesIO(b'{"id": "a"}\n'), sink, answer, Bounds())
    assert json.loads(sink.getvalue()) == {
        "id": "a",
        "error": {"code": "too_large", "message": "too many cells"},
    }


def test_each_answer_is_flushed_before_the_next_line_is_read() -> None:
    process = subprocess.Popen(PREDICT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for id in (1, 2, 3):
            process.stdin.write(json.dumps({**RENAME, "id": id}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == id
        process.stdin.close()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.stdout.close()


def test_a_reader_that_leaves_is_no_error_and_prints_nothing() -> None:
    process = subprocess.Popen(
        PREDICT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.close()
    lines = (json.dumps(RENAME).encode() + b"\n") * 20
    try:
        process.stdin.write(lines)
        process.stdin.close()
    except BrokenPipeError:
        pass
    assert process.wait(30) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_a_thousand_requests_leave_memory_flat() -> None:
    process = subprocess.Popen(PREDICT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None

    def resident_kb() -> int:
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    try:
        sizes = []
        for number in range(1_000):
            # Each request is a new one: nothing can be answered from what was kept.
            line = json.dumps({**RENAME, "id": number}).replace("z = ", f"z{number} = ")
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
            if number in (300, 999):
                sizes.append(resident_kb())
        assert sizes[1] - sizes[0] < 8_000
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_bundle_that_is_none_ends_with_a_message_that_names_it(tmp_path: Path) -> None:
    result = subprocess.run(
        [*PREDICT[:-1], "--bundle", str(tmp_path / "missing")],
        input=b"",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith(b"jupyter nextedit: ")
    assert b"Traceback" not in result.stderr
