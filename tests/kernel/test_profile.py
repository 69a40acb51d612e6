from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nextedit_jupyter.kernel.profile import (
    disable_kernel,
    disable_terminal,
    enable_kernel,
    enable_terminal,
)

KERNEL = Path("etc/ipython/ipython_kernel_config.json")


@pytest.mark.parametrize(
    "content",
    [None, b"", b"c = get_config()\n", b"c = get_config()", b"c = get_config()\r\nx = 1\r\n"],
)
def test_the_terminals_configuration_is_taken_back_to_the_byte(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "profile_default" / "ipython_config.py"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
        path.chmod(0o600)
    assert enable_terminal(tmp_path) == path
    once = path.read_bytes()
    enable_terminal(tmp_path)
    assert path.read_bytes() == once
    assert disable_terminal(tmp_path)
    if content:
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == 0o600
    else:
        assert not path.exists()
    assert not disable_terminal(tmp_path)


def test_what_was_added_after_our_block_stays(tmp_path: Path) -> None:
    path = enable_terminal(tmp_path)
    path.write_bytes(path.read_bytes() + b"mine = 1\n")
    disable_terminal(tmp_path)
    assert path.read_bytes() == b"mine = 1\n"


def test_a_linked_configuration_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.py"
    target.write_text("x = 1\n")
    (tmp_path / "profile_default").mkdir()
    link = tmp_path / "profile_default" / "ipython_config.py"
    link.symlink_to(target)
    enable_terminal(tmp_path)
    assert link.is_symlink()
    assert "nextedit" in target.read_text()


@pytest.mark.parametrize(
    "content",
    [
        None,
        b'{"IPKernelApp":   {"quiet": true}}',
        b'{"InteractiveShellApp":{"extensions":["a"]}}\n',
    ],
)
def test_the_kernels_configuration_is_taken_back_to_the_byte(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / KERNEL
    if content is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    assert enable_kernel(tmp_path) == path
    enable_kernel(tmp_path)
    extensions = json.loads(path.read_text())["InteractiveShellApp"]["extensions"]
    assert extensions.count("nextedit_jupyter") == 1
    assert disable_kernel(tmp_path)
    if content is None:
        assert not path.exists()
    else:
        assert path.read_bytes() == content
    assert [other for other in path.parent.iterdir() if other != path] == []
    assert not disable_kernel(tmp_path)


def test_a_kernel_configuration_changed_in_between_loses_our_entry_alone(tmp_path: Path) -> None:
    path = tmp_path / KERNEL
    path.parent.mkdir(parents=True)
    path.write_text('{"InteractiveShellApp": {"extensions": ["a"]}}')
    enable_kernel(tmp_path)
    config = json.loads(path.read_text())
    config["InteractiveShellApp"]["extensions"].append("b")
    path.write_text(json.dumps(config))
    disable_kernel(tmp_path)
    assert json.loads(path.read_text()) == {"InteractiveShellApp": {"extensions": ["a", "b"]}}


@pytest.mark.parametrize("content", ["not json", "[]", '{"InteractiveShellApp": 3}'])
def test_a_kernel_configuration_that_makes_no_sense_is_not_touched(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / KERNEL
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(ValueError, match="repair it"):
        enable_kernel(tmp_path)
    assert path.read_text() == content


def test_a_terminal_loads_the_extension_beside_the_users_own_list(tmp_path: Path) -> None:
    path = tmp_path / "profile_default" / "ipython_config.py"
    path.parent.mkdir()
    path.write_text("c = get_config()\nc.InteractiveShellApp.extensions = ['autoreload']\n")
    enable_terminal(tmp_path)
    code = "e = get_ipython().extension_manager.loaded; print(sorted(e))"
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "-c", code],
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = done.stdout.strip().splitlines()[-1]
    assert "autoreload" in loaded
    assert "nextedit_jupyter" in loaded
