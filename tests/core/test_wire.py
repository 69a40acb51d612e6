from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.core import (
    Answer,
    Bounds,
    CellEdit,
    NextEditError,
    Replacement,
    Silence,
    Suggestion,
    TextEdit,
    text_hash,
)
from nextedit_jupyter.core.errors import WireError
from nextedit_jupyter.core.wire import (
    Utf16,
    decode_line,
    decode_request,
    dump_line,
    encode_answer,
    encode_error,
    encode_request,
    parse_line,
    request_id,
)


def request(**changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": 1,
        "offsets": "code-point",
        "notebook": {
            "language": "python",
            "cells": [{"id": "c0", "type": "code", "source": "x = 1", "execution_count": 1}],
        },
        "cursor": {"cell": "c0", "offset": 5},
        "history": [
            {"cell": "c0", "before": "y = 1", "after": "x = 1", "origin": "typed", "at": 0.0}
        ],
        "facts": {
            "runs": [],
            "names": [{"name": "df", "type": "pandas.DataFrame", "members": ["a", "b"]}],
            "error": None,
        },
        "want": ["inline", "next_edit", "rename"],
        "deadline_ms": 1000,
    }
    return value | changes


def test_a_request_survives_the_way_there_and_back() -> None:
    read = decode_request(request())
    assert decode_request(json.loads(dump_line(encode_request(read)))) == read
    assert read.facts.names[0].members == ("a", "b")
    assert read.history[0].before == "y = 1"


def test_optional_fields_may_be_absent() -> None:
    value = request()
    for key in ("facts", "history", "want", "deadline_ms", "offsets", "id"):
        del value[key]
    read = decode_request(value)
    assert read.want == ("inline", "next_edit", "rename")
    assert read.id is None
    assert read.deadline_ms == 1000


@given(st.text(alphabet="a😀é\u0301\r\n\ud800", max_size=20))
def test_utf16_offsets_are_those_of_a_browser(text: str) -> None:
    units = Utf16(text)
    for i in range(len(text) + 1):
        expected = len(text[:i].encode("utf-16-le", "surrogatepass")) // 2
        assert units.to_units(i) == expected
        assert units.to_code_points(expected) == i


def test_a_browsers_caret_after_an_emoji_is_read_and_its_edits_written_in_its_units() -> None:
    value = request(
        offsets="utf-16",
        notebook={"language": "python", "cells": [{"id": "c0", "source": "s = '😀'; y"}]},
        cursor={"cell": "c0", "offset": 11},
    )
    read = decode_request(value)
    assert read.caret.offset == 10
    source = read.cell.source
    change = CellEdit.of("c0", source, TextEdit((Replacement(9, 10, "x"),)))
    answer = Answer((Suggestion("s1", "rename", "symbols", "l", 1.0, (change,)),), id=1)
    wire = encode_answer(answer, read, "utf-16")
    assert wire["suggestions"][0]["edits"] == [
        {"cell": "c0", "base": text_hash(source), "start": 10, "end": 11, "text": "x"}
    ]
    assert encode_answer(answer, read, "code-point")["suggestions"][0]["edits"][0]["start"] == 9


def test_silence_is_written_with_its_reason() -> None:
    read = decode_request(request())
    wire = encode_answer(
        Answer(silence={"inline": Silence("no_model", "run `jupyter nextedit doctor`")}), read
    )
    assert wire["silence"] == {"inline": "no_model"}
    assert wire["silence_detail"] == {"inline": "run `jupyter nextedit doctor`"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b"[]", "bad_json"),
        (b"null", "bad_json"),
        (b'{"id": ' + b"9" * 5000 + b"}", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'{"a": ' * 100_000, "bad_json"),
        (b"\xff\xfe", "bad_json"),
        (b" " * 1_000_001, "too_large"),
        (b"{}", "bad_request"),
        (b'{"notebook": 3}', "bad_request"),
    ],
)
def test_a_line_that_cannot_be_read_is_an_error_with_a_code(line: bytes, code: str) -> None:
    with pytest.raises(WireError) as caught:
        decode_line(line)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "changes",
    [
        {"cursor": {"cell": "nowhere", "offset": 0}},
        {"cursor": {"cell": "c0", "offset": 6}},
        {"cursor": {"cell": "c0", "offset": -1}},
        {"cursor": {"cell": "c0", "offset": True}},
        {"cursor": {"cell": "c0", "offset": 1.5}},
        {"cursor": {"cell": 3, "offset": 1}},
        {"notebook": {"language": "python", "cells": [{"id": "c0"}]}},
        {"notebook": {"language": "python", "cells": [{"id": "c0", "source": "", "type": "x"}]}},
        {"notebook": {"language": "python", "cells": 2 * [{"id": "c0", "source": "x = 1"}]}},
        {"history": [{"cell": "c0", "before": "", "after": "", "origin": "dreamt"}]},
        {"history": {"cell": "c0"}},
        {"want": ["everything"]},
        {"want": "inline"},
        {"deadline_ms": 0},
        {"deadline_ms": "soon"},
        {"offsets": "bytes"},
        {"facts": {"names": [{"type": "int"}]}},
        {"facts": {"error": "oops"}},
        {"rename_to": 5},
        {"drawn": 5},
    ],
)
def test_a_request_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(WireError) as caught:
        decode_request(request(**changes))
    assert caught.value.code == "bad_request"


def test_a_caret_in_a_cell_past_the_bound_is_too_large_and_other_large_cells_are_left_out() -> None:
    big = {"id": "big", "type": "code", "source": "x" * 70_000}
    small = {"id": "c0", "type": "code", "source": "x = 1"}
    cells = {"language": "python", "cells": [big, small]}
    read = decode_request(request(notebook=cells))
    assert [cell.id for cell in read.notebook.cells] == ["c0"]
    with pytest.raises(WireError) as caught:
        decode_request(request(notebook=cells, cursor={"cell": "big", "offset": 0}))
    assert caught.value.code == "too_large"


def test_cells_near_the_caret_are_kept_first() -> None:
    cells = [{"id": f"c{i}", "type": "code", "source": "x" * 100} for i in range(9)]
    read = decode_request(
        request(
            notebook={"language": "python", "cells": cells}, cursor={"cell": "c4", "offset": 0}
        ),
        Bounds(notebook_bytes=350),
    )
    assert [cell.id for cell in read.notebook.cells] == ["c3", "c4", "c5"]


def test_lone_surrogates_and_nul_pass_unharmed() -> None:
    source = "s = '\ud83d'\x00"
    value = request(
        notebook={"language": "python", "cells": [{"id": "c0", "source": source}]},
        cursor={"cell": "c0", "offset": 0},
    )
    read = decode_request(parse_line(json.dumps(value)))
    assert read.cell.source == source
    assert len(text_hash(source)) == 16
    assert decode_request(json.loads(dump_line(encode_request(read)))).cell.source == source


@pytest.mark.parametrize(("id", "expected"), [(7, 7), ("a", "a"), (None, None), ([1], None)])
def test_errors_are_answered_under_the_requests_id(id: object, expected: object) -> None:
    assert request_id({"id": id}) == expected
    wire = encode_error(request_id({"id": id}), NextEditError("no", code="x"))
    assert wire == {"id": expected, "error": {"code": "x", "message": "no"}}


@given(
    st.recursive(
        # onnxruntime, in a test before this one, may have had this thread take denormals as zero.
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_subnormal=False)
        | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    ),
    st.sampled_from(["notebook", "cursor", "history", "facts", "want", "deadline_ms", "id"]),
)
def test_nonsense_in_any_field_is_an_error_and_never_a_crash(value: Any, field: str) -> None:
    try:
        decode_request(request(**{field: value}))
    except WireError as error:
        assert str(error)  # noqa: PT017 - either outcome is right, a crash is not


def test_changed_cells_go_there_and_stale_ones_come_back() -> None:
    value = {
        "id": 1,
        "notebook": {"language": "python", "cells": [{"id": "a", "type": "code", "source": ""}]},
        "cursor": {"cell": "a", "offset": 0},
        "changed": ["a"],
    }
    request = decode_request(value)
    assert request.changed == ("a",)
    assert encode_request(request)["changed"] == ["a"]
    assert encode_answer(Answer(stale=("a",)), request)["stale"] == ["a"]
    assert "stale" not in encode_answer(Answer(), request)
    with pytest.raises(WireError):
        decode_request(value | {"changed": "a"})


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-1" + "0" * 400, "1e999", "NaN", "-Infinity"])
@pytest.mark.parametrize("field", ["deadline_ms", "at", "offset"])
def test_a_number_beyond_a_double_is_a_bad_request(number: str, field: str) -> None:
    texts = {"deadline_ms": "1000", "at": "0", "offset": "0", field: number}
    line = (
        '{"id": 1, "notebook": {"language": "python", "cells": [{"id": "a", "source": ""}]},'
        f'"cursor": {{"cell": "a", "offset": {texts["offset"]}}},'
        '"history": [{"cell": "a", "before": "", "after": "", "origin": "typed",'
        f'"at": {texts["at"]}}}], "deadline_ms": {texts["deadline_ms"]}}}'
    )
    with pytest.raises(WireError) as caught:
        decode_line(line)
    assert caught.value.code == "bad_request"


@pytest.mark.parametrize(
    "name", ["Python", "PYTHON", " python ", "ipython", "Python3", "python3.12", ""]
)
def test_a_language_is_one_language_whatever_its_case(name: str) -> None:
    line = (
        f'{{"id": 1, "notebook": {{"language": "{name}", "cells": [{{"id": "a", "source": ""}}]}},'
        '"cursor": {"cell": "a", "offset": 0}}'
    )
    assert decode_line(line).notebook.language == "python"


def test_which_ghost_text_was_seen_is_said_or_not_said() -> None:
    assert decode_request(request()).drawn is None
    for drawn in ("", "s0123456789ab"):
        read = decode_request(request(drawn=drawn))
        assert read.drawn == drawn
        assert decode_request(json.loads(dump_line(encode_request(read)))) == read
