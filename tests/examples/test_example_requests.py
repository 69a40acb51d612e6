"""The example requests of the protocol are answered as the guide says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REQUESTS = Path(__file__).parents[2] / "examples" / "requests.jsonl"


def test_every_example_request_is_answered_and_the_provable_ones_with_their_edits() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "nextedit_jupyter.cli", "predict", "--no-model"],
        input=REQUESTS.read_bytes(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    answers = {answer["id"]: answer for answer in map(json.loads, result.stdout.splitlines())}
    assert list(answers) == [json.loads(line)["id"] for line in REQUESTS.open()]
    assert not [id for id, answer in answers.items() if "error" in answer]
    for id, expected in (
        ("rename", {("c1", 6, 7, "x"), ("c3", 8, 9, "x"), ("c3", 14, 15, "x")}),
        ("next edit", {("c2", 17, 19, "linewidth")}),
        (
            "a name of your own",
            {("c0", 0, 1, "x"), ("c1", 6, 7, "x"), ("c3", 8, 9, "x"), ("c3", 14, 15, "x")},
        ),
    ):
        edits = answers[id]["suggestions"][0]["edits"]
        assert {(e["cell"], e["start"], e["end"], e["text"]) for e in edits} == expected, id
