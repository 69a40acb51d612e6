"""A real IPython in a real terminal, looked at through tmux, with a fake worker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.ui, pytest.mark.alone]

DOC = Path(__file__).parents[2] / "docs" / "terminal.md"
SUPPORT = Path(__file__).parents[1] / "support"
STARTUP = """
import sys
sys.path.insert(0, {support!r})
from fake_client import FakeClient
from terminal_fixtures import going_on
from nextedit_jupyter.kernel import worker_calls

def answering(request):
    error = request["facts"]["error"]
    if "next_edit" in request["want"] and error and error["name"] == "prin":
        from nextedit_jupyter.core.notebook import text_hash
        cell = next(c for c in request["notebook"]["cells"] if c["id"] == error["cell"])
        at = cell["source"].find("prin")
        edit = {{"cell": cell["id"], "base": text_hash(cell["source"]), "start": at, "end": at + 4,
                 "text": "print"}}
        return [{{"id": "f", "kind": "next_edit", "lane": "symbols", "confidence": 0.9,
                  "label": "prin to print", "edits": [edit]}}]
    return going_on({{"np.lin": "space(0, 1)", "for x in": " range(3):\\n    print(x)"}})(request)

worker_calls.connect = lambda name: FakeClient(answering)
"""


class Tmux:
    """One window of a tmux of our own."""

    def __init__(self, folder: Path, startup: str = STARTUP) -> None:
        self._startup = startup
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self._folder = folder

    def start(self) -> None:
        startup = self._folder / "ipython" / "profile_default" / "startup"
        startup.mkdir(parents=True)
        (startup / "fake.py").write_text(self._startup.format(support=str(SUPPORT)))
        command = f"{sys.executable} -m IPython --no-banner --no-confirm-exit"
        env = {
            **os.environ,
            "IPYTHONDIR": str(self._folder / "ipython"),
            "XDG_RUNTIME_DIR": str(self._folder),
            "TERM": "xterm-256color",
        }
        size = ["-x", "100", "-y", "40"]
        subprocess.run(
            [*self._tmux, "new-session", "-d", *size, "-c", str(self._folder), command],
            env=env,
            check=True,
            timeout=20,
        )
        self.shows(r"In \[1\]:")

    def keys(self, *keys: str) -> None:
        subprocess.run([*self._tmux, "send-keys", *keys], check=True, timeout=20)

    def take(self) -> None:
        """Accept the ghost text, then Enter: IPython loses an Enter on the heels of Right."""
        self.keys("Right")
        end = time.monotonic() + 20
        while "‹" in self.screen() and time.monotonic() < end:
            time.sleep(0.05)
        self.keys("Enter")

    def screen(self) -> str:
        """What is on the screen; ghost text stands between ‹ and ›."""
        done = subprocess.run(
            [*self._tmux, "capture-pane", "-p", "-e"],
            check=True,
            timeout=20,
            capture_output=True,
            text=True,
        )
        return "\n".join(marked(line) for line in done.stdout.splitlines())

    def shows(self, pattern: str) -> str:
        """Wait until the screen matches; returns the screen."""
        end = time.monotonic() + 20
        while not re.search(pattern, screen := self.screen(), re.M):
            if time.monotonic() > end:
                raise AssertionError(f"{pattern!r} never appeared in:\n{screen}")
            time.sleep(0.05)
        return screen

    def stop(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, timeout=20)


def marked(line: str) -> str:
    """A line of the screen with its ghost text in ‹›: IPython draws that in colour 241 of 256."""
    parts, ghost = [], False
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if not part.startswith("\x1b["):
            parts.append(f"‹{part}›" if ghost and part else part)
        elif "38;5;241" in part:
            ghost = True
        elif re.search(r"[\[;](?:0?|3[0-9]|9[0-7])(?:m|;)", part):  # another colour, or none
            ghost = False
    return "".join(parts).replace("›‹", "")


@pytest.fixture
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.fail("this test needs tmux: apt-get install tmux")
    window = Tmux(tmp_path_factory.mktemp("t"))
    window.start()
    yield window
    window.stop()


def test_ghost_text_partial_and_full_acceptance_fix_and_columns(tmux: Tmux) -> None:
    tmux.keys("%load_ext nextedit_jupyter", "Enter")
    tmux.shows(r"In \[2\]:")

    tmux.keys("np.lin")
    tmux.shows(r"np\.lin‹space\(0, 1\)›")
    tmux.keys("C-Right")
    tmux.shows(r"np\.linspace‹\(0, 1\)›|np\.linspace\(‹0, 1\)›")
    tmux.keys("Right")
    tmux.shows(r"np\.linspace\(0, 1\)$")
    tmux.keys("C-u", "for x in")
    tmux.shows(r"for x in‹ range\(3\):›")
    tmux.take()
    tmux.shows(r"‹print\(x\)›")
    tmux.take()
    tmux.keys("Enter")
    tmux.shows(r"^2$")

    tmux.keys("prin(1)", "Enter")
    tmux.shows(r"NameError: name 'prin' is not defined")
    tmux.shows(r"^In \[\d+\]: ‹print\(1\)›")
    tmux.take()
    tmux.shows(r"^1$")

    tmux.keys("rows = {'alpha': 1, 'omega': 2}", "Enter")
    tmux.shows(r"In \[6\]:")
    tmux.keys('rows["', "Tab")
    tmux.shows(r"alpha")
    tmux.shows(r"omega")


def test_every_documented_line_runs(tmux: Tmux) -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOC.read_text("utf-8"), re.S)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    assert lines[0] == "%load_ext nextedit_jupyter"
    for number, line in enumerate(lines, 1):
        tmux.keys(line, "Escape", "Enter")
        screen = tmux.shows(rf"In \[{number + 1}\]:")
        assert "invalid" not in screen
        assert not re.search(r"^nextedit: ", screen, re.M)
        assert "UsageError" not in screen


# With our own lanes and no model in the worker's place.
LANES = """
import sys
sys.path.insert(0, {support!r})
from fake_client import FakeClient
from nextedit_jupyter.core.wire import decode_request, encode_answer
from nextedit_jupyter.kernel import session
from nextedit_jupyter.suggest.suggester import Suggester

suggester = Suggester()

def answering(wire):
    request = decode_request(wire)
    return encode_answer(suggester.answer(request), request, "code-point")["suggestions"]

session._connect = lambda name: FakeClient(answering)
"""
DRAW = "ax = plt.figure().add_subplot(); dots = ax.scatter(df['height'], df['weight'], label='all')"


@pytest.fixture
def drawing(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Tmux]:
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("MPLBACKEND", "agg")
    window = Tmux(tmp_path_factory.mktemp("t"), LANES)
    window.start()
    yield window
    window.stop()


def test_ghost_text_and_completions_name_the_columns_and_the_limits(drawing: Tmux) -> None:
    drawing.keys("%load_ext nextedit_jupyter", "Enter")
    drawing.shows(r"In \[2\]:")
    drawing.keys("import pandas as pd, matplotlib.pyplot as plt", "Enter")
    drawing.shows(r"In \[3\]:")
    drawing.keys("df = pd.DataFrame(dict(height=[1, 2], weight=[5, 9]))", "Enter")
    drawing.shows(r"In \[4\]:")
    drawing.keys(DRAW, "Enter")
    drawing.shows(r"In \[5\]:")
    drawing.keys("ax.set_xlabel(")
    drawing.shows(r"ax\.set_xlabel\(‹[\"']height[\"']\)?›")
    drawing.keys("C-u", "ax.set_xlim(")
    drawing.shows(r"ax\.set_xlim\(‹0\.95, 2\.05\)?›")
    drawing.keys("C-u", "plt.ylabel(", "Tab")
    drawing.shows(r"plt\.ylabel\([\"']weight[\"']")
