from __future__ import annotations

import builtins
from typing import Any

import pytest
from fake_client import replacing
from shell_fixtures import Shell

from nextedit_jupyter.kernel.panel import Panel, latency_plot, text_form


@pytest.fixture
def asked(user: Shell) -> Shell:
    """Someone with a suggestion pending and an edit in the history."""
    user.run("x = 1", cell="a")
    user.run("x = 2", cell="a")
    user.client.answering = replacing("x", "<b>")
    user.run("%nextedit suggest")
    return user


def every(widget: Any) -> list[Any]:
    return [widget, *(found for child in getattr(widget, "children", ()) for found in every(child))]


def button(panel: Panel, label: str) -> Any:
    return next(w for w in every(panel.box) if getattr(w, "description", None) == label)


def markup(panel: Panel) -> str:
    return "\n".join(w.value for w in every(panel.box) if isinstance(getattr(w, "value", 0), str))


def test_the_panel_shows_suggestions_history_and_latency(asked: Shell) -> None:
    pytest.importorskip("ipywidgets")
    shown = markup(Panel(asked.session))
    assert "&lt;b&gt; = 2" in shown
    assert "<b> = 2" not in shown
    assert "-x = 1" in shown
    assert "<svg" in shown


def test_rejecting_drops_the_suggestion_and_counts(asked: Shell) -> None:
    pytest.importorskip("ipywidgets")
    panel = Panel(asked.session)
    button(panel, "reject").click()
    assert asked.session.pending == []
    assert asked.session.counts.rejected == 1
    assert not any(getattr(w, "description", "") == "reject" for w in every(panel.box))


def test_accepting_without_a_browser_says_which_command_to_run(asked: Shell) -> None:
    pytest.importorskip("ipywidgets")
    panel = Panel(asked.session)
    button(panel, "accept").click()
    assert "%nextedit apply 1" in markup(panel)
    assert len(asked.session.pending) == 1


def test_accepting_with_a_browser_sends_the_suggestion(
    asked: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ipywidgets")
    sent: list[Any] = []

    class Browser:
        connected = True

        def send(self, message: Any) -> None:
            sent.append(message)

        def close(self) -> None: ...

        def ask_notebook(self, timeout: float) -> Any:
            cells = [{"id": "a", "source": "x = 2"}]
            return {
                "notebook": {"language": "python", "cells": cells},
                "cursor": {"cell": "a", "offset": 0},
            }

    monkeypatch.setattr(asked.session, "channel", Browser())
    panel = Panel(asked.session)
    button(panel, "suggest").click()
    button(panel, "accept").click()
    assert [message["op"] for message in sent] == ["apply"]
    assert asked.session.pending == []


def test_the_switch_and_the_purge_button_do_what_they_say(asked: Shell) -> None:
    pytest.importorskip("ipywidgets")
    panel = Panel(asked.session)
    panel.box.children[0].children[0].value = False
    assert not asked.session.enabled
    asked.session.switch(True)
    assert panel.box.children[0].children[0].value is True
    button(panel, "purge history").click()
    assert asked.session.recorder.history == ()
    assert "-x = 1" not in markup(panel)


def test_a_dead_worker_is_said_in_the_panel(asked: Shell) -> None:
    pytest.importorskip("ipywidgets")
    asked.client.answering = None
    panel = Panel(asked.session)
    button(panel, "suggest").click()
    assert "cannot be started" in markup(panel)


def test_without_widgets_the_panel_is_text(asked: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def no_widgets(name: str, *more: Any, **kwargs: Any) -> Any:
        if name == "ipywidgets":
            raise ImportError(name)
        return real(name, *more, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_widgets)
    monkeypatch.setattr(type(asked.session), "in_terminal", property(lambda self: False))
    out = asked.run("%nextedit panel")
    assert "pip install ipywidgets" in out
    assert "+<b> = 2" in out


def test_the_text_form_says_all_of_it(asked: Shell) -> None:
    text = text_form(asked.session)
    for part in ("nextedit  on", "accepted  0 of 1 shown", "latency", "-x = 1", "+<b> = 2"):
        assert part in text


def test_the_latency_plot_is_empty_without_latencies_and_bounded() -> None:
    assert latency_plot([]) == ""
    assert latency_plot([1.0] * 500).count("<rect") == 80


def test_what_the_last_figure_shows_is_told_in_both_forms(user: Shell) -> None:
    pytest.importorskip("ipywidgets")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    user.run("import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.set_xlabel('<h>')")
    assert "ax: xlabel='<h>'" in text_form(user.session)
    shown = markup(Panel(user.session))
    assert "&lt;h&gt;" in shown
    assert "<h>" not in shown
