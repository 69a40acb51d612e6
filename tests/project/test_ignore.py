"""What is left alone: as git and the page read it, whatever the patterns are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.project.glob import matches
from nextedit_jupyter.project.ignore import is_excluded, is_ignored, rules_of

IGNORE = """\
# comment
*.log
!keep.log
build/
/top.py
docs/*.py
a/**/z.py
data[0-9].py
[!x]only.py
sp\\ ace.py
**/deep.py
logs/**
"""
PATHS = [
    *("x.log", "keep.log", "a/x.log", "a/keep.log", "top.py", "a/top.py", "docs/a.py"),
    *("docs/b/a.py", "a/z.py", "a/b/z.py", "a/b/c/z.py", "data1.py", "datax.py", "yonly.py"),
    *("xonly.py", "sp ace.py", "deep.py", "q/deep.py", "logs/a.py", "logs/b/c.py", "plain.py"),
]


def test_a_gitignore_is_read_as_git_reads_it(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(IGNORE)
    for path in PATHS:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    told = subprocess.run(
        ["git", "-C", str(tmp_path), "check-ignore", "--no-index", "--stdin"],
        input="\n".join(PATHS),
        capture_output=True,
        text=True,
        check=False,
    )
    by_git = set(told.stdout.splitlines())
    rules = [("", rules_of(IGNORE))]

    def ours(path: str) -> bool:
        parts = path.split("/")
        return any(
            is_ignored("/".join(parts[:n]), n < len(parts), rules) for n in range(1, len(parts) + 1)
        )

    assert {path for path in PATHS if ours(path)} == by_git


def test_rules_of_an_inner_folder_count_below_it_alone() -> None:
    rules = [("", rules_of("*.py")), ("a", rules_of("!b.py"))]
    assert is_ignored("b.py", False, rules)
    assert not is_ignored("a/b.py", False, rules)
    assert is_ignored("a/c.py", False, rules)


@pytest.mark.parametrize(
    ("path", "excluded"),
    [
        (".env.py", True),
        ("a/.env", True),
        ("secrets/key.py", True),
        ("a/secrets/b/key.py", True),
        ("secrets.py", False),
        ("a/my.env.ipynb", True),
        ("environment.py", False),
    ],
)
def test_the_pages_excluded_paths_mean_the_same_here(path: str, excluded: bool) -> None:
    assert is_excluded(path, [".env*", "*.env.ipynb", "**/secrets/**"]) is excluded


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_a_glob_within_a_name_matches_what_an_expression_would(glob: str, name: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(char, char) for char in glob)
    if "**" not in glob:
        assert matches(glob, name) is (re.fullmatch(expression, name) is not None)


def test_no_pattern_takes_long() -> None:
    assert not matches("*a" * 120 + "b", "a" * 255)
    assert not matches("**/a/" * 50 + "b", "a/" * 100 + "c")
