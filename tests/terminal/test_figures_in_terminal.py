"""What a figure shows, in a real IPython in a real terminal, with our lanes and no model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
import test_tmux  # type: ignore[import-not-found, unused-ignore]
from test_tmux import Tmux

pytestmark = pytest.mark.ui

STARTUP = """
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
def terminal(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.fail("this test needs tmux: apt-get install tmux")
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(test_tmux, "STARTUP", STARTUP)
    monkeypatch.setenv("MPLBACKEND", "agg")
    window = Tmux(tmp_path_factory.mktemp("t"))
    window.start()
    yield window
    window.stop()


def test_ghost_text_and_completions_name_the_columns_and_the_limits(terminal: Tmux) -> None:
    terminal.keys("%load_ext nextedit_jupyter", "Enter")
    terminal.shows(r"In \[2\]:")
    terminal.keys("import pandas as pd, matplotlib.pyplot as plt", "Enter")
    terminal.shows(r"In \[3\]:")
    terminal.keys("df = pd.DataFrame(dict(height=[1, 2], weight=[5, 9]))", "Enter")
    terminal.shows(r"In \[4\]:")
    terminal.keys(DRAW, "Enter")
    terminal.shows(r"In \[5\]:")
    terminal.keys("ax.set_xlabel(")
    terminal.shows(r"ax\.set_xlabel\(‹[\"']height[\"']\)?›")
    terminal.keys("C-u", "ax.set_xlim(")
    terminal.shows(r"ax\.set_xlim\(‹0\.95, 2\.05\)?›")
    terminal.keys("C-u", "plt.ylabel(", "Tab")
    terminal.shows(r"plt\.ylabel\([\"']weight[\"']")
