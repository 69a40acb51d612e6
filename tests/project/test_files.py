"""Nothing is read outside the root, nothing that was excluded, and never too much."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nextedit_jupyter.project.below_root import Limits, Root


def write(path: Path, text: str = "x = 1\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    write(folder / "a.py")
    write(folder / "sub" / "b.py")
    write(tmp_path / "outside.py", "secret_of_others = 1\n")
    return folder


@pytest.mark.parametrize(
    "path",
    [
        "../outside.py",
        "sub/../../outside.py",
        "/etc/passwd",
        "",
        "sub",
        "a.py\0",
        "sub/./b.py",
        "sub\\..\\a.py",
        "missing.py",
    ],
)
def test_what_is_no_plain_path_below_the_root_is_not_read(root: Path, path: str) -> None:
    assert Root(str(root)).read(path) is None
    assert Root(str(root)).stamp(path) is None


def test_a_link_is_followed_within_the_root_only(root: Path) -> None:
    os.symlink(root.parent / "outside.py", root / "out.py")
    os.symlink(root.parent, root / "up")
    os.symlink(root / "sub" / "b.py", root / "in.py")
    found = Root(str(root))
    assert found.read("out.py") is None
    assert found.read("up/outside.py") is None
    assert found.read("in.py") == "x = 1\n"
    assert "up/outside.py" not in list(found.walk([""]))


def test_a_link_to_what_is_excluded_is_not_read(root: Path) -> None:
    write(root / "secrets" / "key.py")
    os.symlink(root / "secrets" / "key.py", root / "key.py")
    found = Root(str(root), ("**/secrets/**",))
    assert found.read("key.py") is None
    assert found.read("secrets/key.py") is None


def test_what_gitignore_names_hidden_files_and_environments_are_left_out(root: Path) -> None:
    write(root / ".gitignore", "ignored/\n*_private.py\n")
    for path in ("ignored/c.py", "my_private.py", ".hidden/d.py", ".e.py", "sub/ok.py"):
        write(root / path)
    write(root / "myenv" / "pyvenv.cfg", "")
    write(root / "myenv" / "lib.py")
    write(root / "site-packages" / "p.py")
    found = Root(str(root))
    assert sorted(found.walk([""])) == ["a.py", "sub/b.py", "sub/ok.py"]
    assert found.read("ignored/c.py") is None
    assert found.read("my_private.py") is None


def test_a_walk_ends_at_its_bounds(root: Path) -> None:
    for i in range(50):
        write(root / f"n{i}" / "m.py")
    limits = Limits(entries=20)
    assert len(list(Root(str(root), limits=limits).walk([""]))) < 20
    assert list(Root(str(root), limits=Limits(depth=0)).walk([""])) == ["a.py"]


def test_files_that_are_too_large_binary_or_no_text_are_not_read(root: Path) -> None:
    write(root / "large.py", "#" * 2_000)
    (root / "binary.py").write_bytes(b"a\0b")
    (root / "latin.py").write_bytes("é = 1".encode("latin-1"))
    os.mkfifo(root / "pipe.py")
    found = Root(str(root), limits=Limits(file_bytes=1_000))
    for path in ("large.py", "binary.py", "latin.py", "pipe.py"):
        assert found.read(path) is None, path


def test_a_changed_file_has_another_stamp(root: Path) -> None:
    found = Root(str(root))
    before = found.stamp("a.py")
    write(root / "a.py", "x = 22\n")
    assert before is not None
    assert found.stamp("a.py") != before


def test_rules_are_read_again_when_their_file_changed(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "b.py").write_text("x = 1\n", encoding="utf-8")
    root, rules = Root(str(tmp_path)), tmp_path / ".gitignore"
    said = []
    for text in ("a.py\n", "b.py\n\n", None, "a.py\nb.py\n"):
        if text is None:
            rules.unlink()
        else:
            rules.write_text(text, encoding="utf-8")
        said.append((root.is_open("a.py"), root.is_open("b.py")))
    assert said == [(False, True), (True, False), (True, True), (False, False)]
