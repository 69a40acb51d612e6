"""The pages on training and evaluation: each command is one that there is, with these options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from nextedit_jupyter.cli import build_parser

DOCS = Path(__file__).parent.parent.parent / "docs"
COMMANDS = [
    line
    for guide in ("training.md", "evaluation.md", "formats.md")
    for line in re.findall(r"^jupyter nextedit (.*)$", (DOCS / guide).read_text("utf-8"), re.M)
]


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_understood(line: str) -> None:
    words = shlex.split(line)
    assert callable(build_parser(words[0]).parse_args(words).run)
