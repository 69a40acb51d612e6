"""The protocol, one JSON object per line: a `SuggestRequest` is read, an `Answer` is written.

A browser counts UTF-16 units and says so (`"offsets": "utf-16"`, the default); everything beyond
this package counts code points. Every problem is a `WireError` with a code:

    bad_json      the line is not JSON, or not an object
    bad_request   a field is missing, has the wrong type, or contradicts another
    too_large     a bound of `core.request.Bounds` is exceeded
    unknown_state what a request of version 2 changes is not held here (`core.changes`)
"""

from nextedit_jupyter.core.wire.answers_json import dump_line, encode_answer, encode_error
from nextedit_jupyter.core.wire.cells_json import decode_cells
from nextedit_jupyter.core.wire.facts_json import decode_facts, encode_facts
from nextedit_jupyter.core.wire.messages import AnswerWire, ElsewhereWire, Offsets
from nextedit_jupyter.core.wire.requests_json import (
    assemble_request,
    decode_event,
    decode_line,
    decode_request,
    encode_request,
    parse_line,
    request_id,
)
from nextedit_jupyter.core.wire.utf16 import Utf16

__all__ = [
    "AnswerWire",
    "ElsewhereWire",
    "Offsets",
    "Utf16",
    "assemble_request",
    "decode_cells",
    "decode_event",
    "decode_facts",
    "decode_line",
    "decode_request",
    "dump_line",
    "encode_answer",
    "encode_error",
    "encode_facts",
    "encode_request",
    "parse_line",
    "request_id",
]
