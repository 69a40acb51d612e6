"""The same request gets the same answer in every process, in whatever order its sets come."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

from golden_cases import PATTERNS, RENAMES, PatternCase, read_rename

from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.core.wire import encode_request

PREDICT = [sys.executable, "-m", "nextedit_jupyter.cli", "predict", "--no-model"]
SEEDS = ("1", "2", "3")


def test_answers_do_not_depend_on_the_hash_seed() -> None:
    renames = [read_rename(path.read_text(encoding="utf-8")) for path in RENAMES]
    asked = [*map(_asking_for_all, renames), *(PatternCase(path).request for path in PATTERNS)]
    lines = "".join(
        json.dumps({**encode_request(request), "id": n}) + "\n" for n, request in enumerate(asked)
    )
    first, *others = (_answers(lines, seed) for seed in SEEDS)
    assert sum(bool(answer["suggestions"]) for answer in first) > 100
    for answers in others:
        for mine, theirs in zip(first, answers, strict=True):
            assert mine == theirs


def _asking_for_all(request: SuggestRequest) -> SuggestRequest:
    if request.rename_to is not None:
        return request
    return replace(request, want=("inline", "next_edit", "rename"), deadline_ms=10_000)


def _answers(lines: str, seed: str) -> list[dict[str, Any]]:
    """What a process of its own says, less how long it took."""
    result = subprocess.run(
        PREDICT,
        input=lines.encode("utf-8", "surrogatepass"),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": seed},
        check=True,
        timeout=120,
    )
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    return [{key: answer[key] for key in answer if key != "timing_ms"} for answer in answers]
