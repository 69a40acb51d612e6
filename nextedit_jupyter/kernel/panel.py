"""`%nextedit panel`: suggestions with accept and reject buttons, history, an on/off switch,
latencies.

With ipywidgets it is live; without it, or in a terminal, it is a page of text.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.core.figure_text import figure_lines
from nextedit_jupyter.kernel.pending import CellChange, Pending, as_html, as_text
from nextedit_jupyter.kernel.quiet import suppress_errors

if TYPE_CHECKING:
    from nextedit_jupyter.kernel.session import Session

_PLOT_WIDTH, _PLOT_HEIGHT = 320, 60


def show(session: Session) -> None:
    """Display the panel in the way the front end can."""
    if session.in_terminal:
        print(text_form(session))
        return
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        print(text_form(session))
        print("For buttons: pip install ipywidgets")
        return
    from IPython.display import display

    display(Panel(session).box)


def text_form(session: Session) -> str:
    """The panel as plain text."""
    counts = session.counts
    lines = [f"nextedit  {'on' if session.enabled else 'off'}"]
    if session.problem:
        lines.append(f"problem   {session.problem}")
    taken = counts.accepted + counts.partial
    lines.append(f"accepted  {taken} of {counts.shown} shown, {counts.rejected} rejected")
    if counts.median_ms is not None:
        lines.append(f"latency   median {counts.median_ms:.0f} ms over {len(counts.latencies_ms)}")
    lines += ["", "Suggestions"]
    lines.append(as_text(session.pending) if session.pending else "   none: %nextedit suggest")
    drawn = figure_told(session)
    if drawn:
        lines += ["", "Last figure", *(f"   {line}" for line in drawn)]
    lines += ["", "History"]
    lines += [f"   {line}" for line in history_lines(session)] or ["   empty"]
    return "\n".join(lines)


def figure_told(session: Session) -> list[str]:
    """What the newest figure shows, one line for each of its axes; [] if none is known."""
    lines = figure_lines(session.cached_facts().figures)
    return [line.removeprefix("# figure: ") for line in lines]


def history_lines(session: Session) -> list[str]:
    """One line for each executed edit, oldest first: which cell, and what changed."""
    counts = {cell.id: cell.execution_count for cell in session.recorder.notebook().cells}
    lines = []
    for event in session.recorder.history:
        count = counts.get(event.cell)
        title = event.cell if count is None else f"In [{count}]"
        diff = CellChange(event.cell, title, event.before, event.after).diff()
        changed = [line.strip() for line in diff if line[:1] in "+-"]
        lines.append(f"{title}  {'  '.join(changed)[:100]}")
    return lines


def latency_plot(latencies_ms: Sequence[float]) -> str:
    """The last latencies as bars in an SVG, labelled with the slowest; "" if there are none."""
    if not latencies_ms:
        return ""
    shown = list(latencies_ms)[-80:]
    highest = max(*shown, 1.0)
    step = _PLOT_WIDTH / max(len(shown), 20)
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{_PLOT_HEIGHT * (1 - ms / highest):.1f}" '
        f'width="{step * 0.8:.1f}" height="{_PLOT_HEIGHT * ms / highest:.1f}"/>'
        for i, ms in enumerate(shown)
    )
    return (
        f'<svg width="{_PLOT_WIDTH}" height="{_PLOT_HEIGHT + 16}" role="img" '
        f'aria-label="latencies of the last {_requests(len(shown))}">'
        f'<g fill="currentColor" opacity="0.6">{bars}</g>'
        f'<text x="0" y="{_PLOT_HEIGHT + 12}" font-size="11" fill="currentColor">'
        f"last {_requests(len(shown))}, slowest {highest:.0f} ms</text></svg>"
    )


def _requests(count: int) -> str:
    return "request" if count == 1 else f"{count} requests"


class Panel:
    """The live panel; `box` is the widget to display. Redraws when the session changes."""

    def __init__(self, session: Session) -> None:
        import ipywidgets as widgets

        self._widgets = widgets
        self._session = session
        self._switch = widgets.ToggleButton(
            value=session.enabled, description="on", tooltip="record and suggest"
        )
        self._switch.observe(suppress_errors("the panel's switch")(self._switched), names="value")
        ask = widgets.Button(description="suggest", tooltip="ask for suggestions")
        ask.on_click(suppress_errors("the panel's button")(lambda _: self._ask()))
        purge = widgets.Button(description="purge history", tooltip="forget all recorded cells")
        purge.on_click(suppress_errors("the panel's button")(lambda _: self._purge()))
        self._message = widgets.HTML()
        self._suggestions = widgets.VBox()
        self._figure = widgets.HTML()
        self._history = widgets.HTML()
        self._latency = widgets.HTML()
        self.box: Any = widgets.VBox(
            [
                widgets.HBox([self._switch, ask, purge]),
                self._message,
                self._suggestions,
                self._figure,
                self._history,
                self._latency,
            ]
        )
        self._drawing = False
        session.on_change(self.draw)
        self.draw()

    def draw(self) -> None:
        """Update every widget from the session."""
        self._drawing = True
        try:
            self._switch.value = self._session.enabled
            self._switch.description = "on" if self._session.enabled else "off"
        finally:
            self._drawing = False
        self._suggestions.children = [
            self._row(index) for index in range(len(self._session.pending))
        ]
        drawn = html.escape("\n".join(figure_told(self._session)))
        self._figure.value = f"<b>Last figure</b><pre>{drawn}</pre>" if drawn else ""
        lines = "\n".join(history_lines(self._session)) or "empty"
        self._history.value = f"<b>History</b><pre>{html.escape(lines)}</pre>"
        self._latency.value = latency_plot(self._session.counts.latencies_ms)

    def _row(self, index: int) -> Any:
        widgets, one = self._widgets, self._session.pending[index]
        accept = widgets.Button(description="accept", button_style="success")
        reject = widgets.Button(description="reject")
        accept.on_click(suppress_errors("accepting")(lambda _: self._accept(one)))
        reject.on_click(suppress_errors("rejecting")(lambda _: self._reject(one)))
        diff = widgets.HTML(as_html([one], first=index + 1))
        return widgets.VBox([diff, widgets.HBox([accept, reject])])

    def _say(self, text: str) -> None:
        self._message.value = html.escape(text)

    def _switched(self, change: Any) -> None:
        if not self._drawing:
            self._session.switch(bool(change["new"]))

    def _ask(self) -> None:
        try:
            pending, why = self._session.suggest(("next_edit", "rename", "inline"))
            self._say("" if pending else why)
        except NextEditError as error:
            self._say(str(error))

    def _purge(self) -> None:
        self._session.purge()
        self._say("forgotten")
        self._session.changed()

    def _accept(self, one: Pending) -> None:
        index = self._index(one)
        if index is None:
            return
        if self._session.browser_can_apply(one):
            self._say(" ".join(self._session.apply(index)))
        else:  # a front end accepts a next input only from a running cell
            self._say(f"Run this in a cell: %nextedit apply {index + 1}")

    def _reject(self, one: Pending) -> None:
        index = self._index(one)
        if index is not None:
            self._session.reject(index)

    def _index(self, one: Pending) -> int | None:
        """The suggestion's present index; None if it is no longer pending."""
        return next((i for i, other in enumerate(self._session.pending) if other is one), None)
