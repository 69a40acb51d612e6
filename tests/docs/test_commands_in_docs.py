"""Every command in the guides runs, in the order in which it stands there."""

from __future__ import annotations

import functools
import http.server
import re
import shlex
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from larger_model import pretend_to_bring
from tiny_bundle import make_bundle
from tiny_checkpoint import make_checkpoint
from tiny_experts import gguf_tensors, save, tensors_of, write_gguf
from tiny_gguf import make_gguf
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from nextedit_jupyter.bundles.publish import Publisher
from nextedit_jupyter.cli import build_parser, main
from nextedit_jupyter.server.config import NextEdit
from nextedit_jupyter.suggest import canary

DOCS = Path(__file__).parent.parent.parent / "docs"
GUIDES = ("models.md", "administrators.md")
ID = "nextedit-python"
ADDRESS = "https://models.example.org"


def blocks(guide: str, language: str) -> list[str]:
    text = (DOCS / guide).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the guides name, in which their commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NEXTEDIT_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("NEXTEDIT_BUNDLE", "NEXTEDIT_REPOSITORY", "NEXTEDIT_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(canary, "run_canary", lambda folder, **how: canary.try_bundle(folder))
    pretend_to_bring(monkeypatch)
    return tmp_path


@pytest.fixture
def served(here: Path) -> Iterator[str]:
    """The address of a server for `./repository`."""
    (here / "repository").mkdir()
    handler = functools.partial(_Quiet, directory=str(here / "repository"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def run_all(guide: str, address: str, monkeypatch: pytest.MonkeyPatch) -> int:
    count = 0
    for block in blocks(guide, "sh"):
        for line in block.splitlines():
            words = shlex.split(line.replace(ADDRESS, address))
            if words[0] == "export":
                name, _, value = words[1].partition("=")
                monkeypatch.setenv(name, value)
                continue
            assert words[:2] == ["jupyter", "nextedit"], line
            code = main(words[2:])
            # The doctor finds what this environment lacks, and that is its answer.
            assert code == 0 or words[2] == "doctor", line
            count += 1
    return count


@pytest.mark.slow
def test_the_guide_on_models(
    here: Path, served: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher = Publisher(here / "repository", here / "keys", passphrase=b"x")
    shutil.copy(publisher.init(), here / "root.json")
    publisher.add(make_bundle(here / "1.0.0", id=ID, version="1.0.0"))
    make_bundle(here / "my-bundle", id=ID, version="1.1.0", seed=1)
    make_bundle(here / "r-bundle", id="tiny-r", version="1.0.0", language="r")
    make_checkpoint(here / "Qwen2.5-Coder-0.5B")
    make_checkpoint(here / "sweep-next-edit-0.5B", seed=1)
    make_gguf(here / "SmolLM2-135M-Instruct.Q8_0.gguf")
    pytest.importorskip("transformers")
    save(here / "granite-3.1-1b-a400m-base", "granitemoe")
    save(here / "olmoe", "olmoe")
    tensors = gguf_tensors("olmoe", tensors_of(here / "olmoe"))
    write_gguf(here / "olmoe-tiny.Q8_0.gguf", "olmoe", tensors)
    # `update` asks the repository that an administrator configured.
    monkeypatch.setenv("NEXTEDIT_REPOSITORY", served)
    monkeypatch.setenv("NEXTEDIT_ROOT", str(here / "root.json"))
    assert run_all("models.md", served, monkeypatch) >= 12
    assert "sweep-next-edit-0.5b/0.1.0 answers" in capsys.readouterr().out


def test_the_guide_for_administrators(
    here: Path, served: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_bundle(here / "bundle-1.0.0", id=ID, version="1.0.0")
    make_bundle(here / "bundle-1.1.0", id=ID, version="1.1.0", seed=1)
    assert run_all("administrators.md", served, monkeypatch) >= 9
    assert capsys.readouterr().out.count(f"{ID}/1.1.0 is installed: signed") == 2


def test_the_settings_in_the_guides_exist(tmp_path: Path) -> None:
    for guide in GUIDES:
        for i, block in enumerate(blocks(guide, "python")):
            (tmp_path / f"{guide}{i}.py").write_text(block)
            found = PyFileConfigLoader(f"{guide}{i}.py", path=str(tmp_path)).load_config()
            assert set(found) == {"NextEdit"}
            assert set(found.NextEdit) <= set(NextEdit.class_trait_names(config=True))
            NextEdit(config=Config(found))
    text = "".join((DOCS / guide).read_text(encoding="utf-8") for guide in GUIDES)
    named = set(re.findall(r"`c\.NextEdit\.(\w+)", text))
    assert named <= set(NextEdit.class_trait_names(config=True))


@pytest.mark.parametrize("guide", GUIDES)
def test_the_formats_and_options_that_a_guide_names_exist(guide: str) -> None:
    from nextedit_jupyter.prompt import format_names

    text = (DOCS / guide).read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z]+-[\w.-]+)` \| ", text, re.MULTILINE)) <= set(format_names())
    known = {
        option
        for name in ("model", "publish")
        for action in _actions(build_parser(name), name)
        for option in action._option_string_actions
    }
    assert set(re.findall(r"`(--[a-z-]+)", text)) <= known


def _actions(parser: Any, name: str) -> Any:
    command = parser._subparsers._group_actions[0].choices[name]
    return command._subparsers._group_actions[0].choices.values()
