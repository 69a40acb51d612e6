"""`%nextedit` and its sub-commands, with help and completion of arguments.

A usage error prints one line that says what to do; an internal error prints one line and never a
traceback. Output is text in terminals, and HTML with a text fallback in notebooks.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.kernel.quiet import report_once

if TYPE_CHECKING:
    from nextedit_jupyter.core.notebook import Notebook
    from nextedit_jupyter.kernel.pending import Pending
    from nextedit_jupyter.kernel.session import Session

NAME = "nextedit"
_MODEL_COMMANDS = ("info", "list", "rollback", "use")


class UsageError(Exception):
    """The line cannot be parsed or executed; the message says what to do."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See: {self.prog} --help")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise _HelpShown


class _HelpShown(Exception):
    pass


def register(session: Session) -> Callable[[], None]:
    """Add `%nextedit` and the completion of its arguments to the session's shell.

    Returns a function that removes both, if they are still ours.
    """
    magic = Magic(session)
    session.shell.register_magic_function(magic, "line", NAME)
    matcher = _matcher(magic)
    session.add_completer(matcher)

    def unregister() -> None:
        line_magics = session.shell.magics_manager.magics["line"]
        if line_magics.get(NAME) is magic:
            del line_magics[NAME]
        session.drop_completer(matcher)

    return unregister


class Magic:
    """The line magic: a callable that raises nothing but KeyboardInterrupt."""

    __name__ = NAME

    def __init__(self, session: Session) -> None:
        self._session = session
        self._parser: _Parser | None = None
        self._commands: dict[str, _Parser] = {}

    @property
    def __doc__(self) -> str:  # type: ignore[override]  # shown by `%nextedit?`
        return self.parser.format_help()

    def __call__(self, line: str) -> None:
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            print(f"nextedit: {error}: check the quotes")
            return
        try:
            chosen = self.parser.parse_args(words)
            run: Callable[[argparse.Namespace], None] | None = getattr(chosen, "run", None)
            if run is None:
                self.parser.print_help()
            else:
                run(chosen)
        except _HelpShown:
            pass
        except UsageError as error:
            print(f"nextedit: {error}")
        except NextEditError as error:
            print(f"nextedit: {error}")
        except Exception as error:
            report_once(f"%nextedit {words[0] if words else ''}", error)
            print(f"nextedit: this failed ({type(error).__name__}); see `%nextedit status`")

    # Arguments ----------------------------------------------------------------------------------

    @property
    def parser(self) -> _Parser:
        if self._parser is None:
            self._parser = self._build()
        return self._parser

    def _build(self) -> _Parser:
        parser = _Parser(
            prog=f"%{NAME}", description="Next-edit suggestions from a model on this machine."
        )
        commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)

        def command(name: str, help: str, run: Callable[[argparse.Namespace], None]) -> _Parser:
            made: _Parser = commands.add_parser(name, help=help, description=help)
            made.set_defaults(run=run)
            self._commands[name] = made
            return made

        command("on", "record what runs and offer suggestions", lambda _: self._switch(True))
        command("off", "record nothing, ask for nothing", lambda _: self._switch(False))
        command("status", "what is on, what the worker does, what is wrong", self._status)
        one = command("history", "the executed edits that are held in memory", self._history)
        one.add_argument("-n", type=int, default=10, metavar="N", help="the last N edits (10)")
        one.add_argument("--diff", action="store_true", help="show what changed")
        one.add_argument("--purge", action="store_true", help="forget all recorded cells and edits")
        command("suggest", "ask for suggestions and show them as diffs", self._suggest)
        one = command("apply", "apply a suggestion that was shown", self._apply)
        one.add_argument("number", nargs="?", type=int, default=1, metavar="N", help="which (1)")
        one = command("rename", "rename a variable in all cells", self._rename)
        one.add_argument("old", metavar="OLD", help="the current name")
        one.add_argument("new", metavar="NEW", help="the new name")
        one.add_argument("--dry-run", action="store_true", help="only show the diff")
        command("propagate", "offer your last edit at the other places", self._propagate)
        command("stats", "what was shown and accepted in this session, and how fast", self._stats)
        one = command("config", "show or change a setting of this session", self._config)
        one.add_argument("key", nargs="?", metavar="KEY", help="the setting")
        one.add_argument("value", nargs="?", metavar="VALUE", help="its new value")
        one = command("model", "which model answers, and which others are installed", self._model)
        one.add_argument("what", choices=_MODEL_COMMANDS, help="`use` takes an id and a version")
        one.add_argument("words", nargs="*", metavar="ID VERSION", help="as list shows them")
        command("panel", "suggestions, history and switches in a panel", self._panel)
        command("help", "this text", lambda _: parser.print_help())
        return parser

    def complete(self, words: Sequence[str], prefix: str) -> list[str]:
        """Completions of `prefix` after the preceding words."""
        self.parser  # noqa: B018  # builds the commands
        if not words:
            return _starting([*self._commands, "--help"], prefix)
        if words[0] not in self._commands:
            return []
        options = [
            text
            for action in self._commands[words[0]]._actions
            for text in action.option_strings
            if text.startswith("--") and text not in words
        ]
        return _starting([*self._arguments(words), *options], prefix)

    def _arguments(self, words: Sequence[str]) -> Iterable[str]:
        given = [word for word in words[1:] if not word.startswith("-")]
        if words[0] == "rename" and not given:
            return [named.name for named in self._session.cached_facts().names]
        if words[0] == "apply" and not given:
            return [str(number + 1) for number in range(len(self._session.pending))]
        if words[0] == "config" and not given:
            return self._session.settings.names()
        if words[0] == "model" and not given:
            return _MODEL_COMMANDS
        if words[0] == "model" and given[0] in ("use", "rollback"):
            from nextedit_jupyter.kernel.models import installed_words

            return installed_words()
        return []

    # Commands -----------------------------------------------------------------------------------

    def _switch(self, on: bool) -> None:
        self._session.switch(on)
        print(
            "nextedit is on."
            if on
            else "nextedit is off: nothing is recorded or asked. Turn it on with %nextedit on"
        )

    def _status(self, _: argparse.Namespace) -> None:
        session, recorder = self._session, self._session.recorder
        print(f"nextedit  {'on' if session.enabled else 'off'}")
        cells = _count(len(recorder.notebook().cells), "cell")
        runs, edits = _count(len(recorder.runs), "run"), _count(len(recorder.history), "edit")
        print(f"recorded  {cells}, {runs}, {edits}, in memory")
        print(f"on disk   {self._on_disk()}")
        if recorder.events:
            cost = recorder.seconds / recorder.events * 1e3
            print(f"cost      {cost:.2f} ms per cell")
        if session.channel is not None:  # a terminal has none
            connected = session.channel.connected
            state = "connected" if connected else "no labextension has connected so far"
            print(f"browser   {state}")
        worker = self._worker_status(start=False)
        print(f"worker    {worker}")

    def _on_disk(self) -> str:
        if self._session.recorder.keeping is None:
            return "nothing; %nextedit config store_history on keeps executed edits"
        from nextedit_jupyter.core.history_store import store_path

        return f"executed edits, in {store_path()}; %nextedit history --purge deletes them"

    def _worker_status(self, *, start: bool) -> str:
        if not self._session.enabled:
            return "not asked: nextedit is off"
        try:
            status = self._session.client.status(2.0, start=start)
        except NextEditError as error:
            return f"failed: {error}"
        if status.get("pid") is None:
            return "not running; it starts with the first suggestion"
        text = f"pid {status['pid']}, {status.get('bundle') or 'no model'}"
        if status.get("rss_mb"):
            text += f", {status['rss_mb']:.0f} MB"
        if status.get("last_ms") is not None:
            text += f", last answer in {status['last_ms']:.0f} ms"
        if status.get("remote"):
            text += f"\nremote    what you type goes to {status['remote']['host']}, as configured"
        if status.get("idle_cpu_s") is not None:
            text += (
                f"\nidle      for {status['idle_s']:.0f} s, using {status['idle_cpu_s']:.2f} s of "
                "processor time"
            )
        if status.get("power"):
            text += f"\npower     {_POWER.get(status['power'], status['power'])}"
            text += f", {status['pause_ms']:.0f} ms before a request"
            if not status.get("may_infer", True):
                text += ", off until it is charged"
        if status.get("problem"):
            text += f"\nproblem   {status['problem']}"
        return text

    def _history(self, chosen: argparse.Namespace) -> None:
        recorder = self._session.recorder
        if chosen.purge:
            forgotten, kept = self._session.purge()
            print(f"Forgot {_count(forgotten, 'edit')} and all recorded cells.")
            if kept:
                print(f"Deleted {_count(kept, 'edit')} from the disk.")
            return
        if chosen.n < 1:
            raise UsageError("-n takes a number from 1")
        events = recorder.history[-chosen.n :]
        if not events:
            print("No edits so far: one is recorded when a cell runs again with another text.")
            return
        from nextedit_jupyter.kernel.pending import CellChange, diff_text

        counts = {cell.id: cell.execution_count for cell in recorder.notebook().cells}
        for number, event in enumerate(events, 1):
            count = counts.get(event.cell)
            title = event.cell if count is None else f"In [{count}]"
            change = CellChange(event.cell, title, event.before, event.after)
            lines = change.diff()
            added = sum(line.startswith("+") for line in lines)
            gone = sum(line.startswith("-") for line in lines)
            print(f"{number}  {title}  {event.origin}  +{added} -{gone} lines")
            if chosen.diff:
                print(diff_text(change, colour=self._colour))

    def _suggest(self, _: argparse.Namespace) -> None:
        self._show(*self._session.suggest(("next_edit", "rename", "inline")))

    def _propagate(self, _: argparse.Namespace) -> None:
        request, from_browser = self._session.present(("rename", "next_edit"))
        if not request.history:
            raise UsageError("there is no edit to propagate: change a cell, run it, and try again")
        self._show(*self._session.fetch(request, from_browser))

    def _rename(self, chosen: argparse.Namespace) -> None:
        from dataclasses import replace

        request, from_browser = self._session.present(("rename",))
        caret = _find_name(request.notebook, chosen.old)
        if caret is None:
            raise UsageError(f"no cell contains the name {chosen.old!r}")
        request = replace(request, caret=caret, rename_to=chosen.new)
        found, why = self._session.fetch(request, from_browser)
        self._show(found, why, hint=chosen.dry_run)
        if found and not chosen.dry_run:
            self._apply_one(0)

    def _apply(self, chosen: argparse.Namespace) -> None:
        count = len(self._session.pending)
        if not count:
            raise UsageError("there is nothing to apply: ask first with %nextedit suggest")
        if not 1 <= chosen.number <= count:
            raise UsageError(f"choose a number from 1 to {count}")
        self._apply_one(chosen.number - 1)

    def _apply_one(self, index: int) -> None:
        for line in self._session.apply(index):
            print(line)

    def _stats(self, _: argparse.Namespace) -> None:
        counts = self._session.counts
        print(f"requests  {counts.requests} ({counts.silent} silent, {counts.failed} failed)")
        print(f"shown     {counts.shown}")
        print(f"accepted  {counts.accepted}")
        print(f"partial   {counts.partial}")
        print(f"rejected  {counts.rejected}")
        print(f"typed     {counts.typed_through}, letter by letter")
        if counts.median_ms is not None:
            worst = max(counts.latencies_ms)
            print(f"latency   median {counts.median_ms:.0f} ms, slowest {worst:.0f} ms")
        print("Kept in this kernel's memory, for you alone.")
        if (lines := _counted()) is not None:
            print("On this machine over the last 14 days:", *lines, sep="\n")

    def _config(self, chosen: argparse.Namespace) -> None:
        settings = self._session.settings
        if chosen.value is not None:
            try:
                self._session.set(chosen.key, chosen.value)
            except ValueError as error:
                raise UsageError(str(error)) from None
        names = settings.names()
        if chosen.key is not None and chosen.key not in names:
            raise UsageError(f"there is no setting {chosen.key!r}; choose from {', '.join(names)}")
        for name in names:
            if chosen.key in (None, name):
                print(f"{name} = {settings.text(name)}  ({settings.meaning(name)})")

    def _model(self, chosen: argparse.Namespace) -> None:
        from nextedit_jupyter.kernel import models

        client = self._session.client
        if chosen.what in ("use", "rollback"):
            change = models.use if chosen.what == "use" else models.rollback
            for line in change(chosen.words, client):
                print(line)
            return
        status = client.status(self._session.settings.timeout, start=True)
        bundle = status.get("bundle")
        if chosen.what == "list":
            for line in models.listed(bundle):
                print(line)
        if bundle is None:
            print(f"No model is loaded. {status.get('problem') or ''}".rstrip())
            print("Renames and pattern edits work without one.")
        elif chosen.what == "info":
            print(f"bundle    {bundle}")
            if (folder := models.folder_of(bundle)) is not None:
                print(f"path      {folder}")
            print(f"lanes     {', '.join(map(str, status.get('lanes') or []))}")
            print(f"memory    {status.get('rss_mb') or 0:.0f} MB in the worker")

    def _panel(self, _: argparse.Namespace) -> None:
        from nextedit_jupyter.kernel.panel import show

        show(self._session)

    # Showing -------------------------------------------------------------------------

    def _show(self, pending: Sequence[Pending], why: str, *, hint: bool = True) -> None:
        if not pending:
            print(why)
            return
        from nextedit_jupyter.kernel.pending import as_html, as_text

        text = as_text(pending)
        how = "Apply with %nextedit apply" + (" N" if len(pending) > 1 else "")
        if self._session.in_terminal:
            print(as_text(pending, colour=self._colour))
            if hint:
                print(how)
            return
        from IPython.display import display

        footer = f"\n{how}" if hint else ""
        display(
            {"text/plain": text + footer, "text/html": as_html(pending, footer=footer.strip())},
            raw=True,
        )

    @property
    def _colour(self) -> bool:
        if not self._session.in_terminal or not sys.stdout.isatty():
            return False
        return str(getattr(self._session.shell, "colors", "")).lower() != "nocolor"


_POWER = {"mains": "mains", "battery": "on battery", "low": "battery below 20 %"}


def _counted() -> list[str] | None:
    """The counts on disk, one line per kind; None if the user has not enabled them."""
    from nextedit_jupyter.core.folders import data_folder

    folder = data_folder() / "statistics"
    if not (folder / "statistics.sqlite").exists():
        return None
    from nextedit_jupyter.worker.statistics import OUTCOMES, Statistics

    statistics = Statistics(folder)
    summary = statistics.summary()
    statistics.close()
    lines = []
    for kind, counts in sorted(summary["kinds"].items()):
        parts = (f"{counts[name]} {name}" for name in OUTCOMES if counts.get(name))
        lines.append(f"  {kind}: {', '.join(parts)}")
    if summary["latency_ms"]["p50"] is not None:
        latency = summary["latency_ms"]
        lines.append(f"  latency: median {latency['p50']:.0f} ms, p95 {latency['p95']:.0f} ms")
    return lines or ["  nothing yet"]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _starting(words: Iterable[str], prefix: str) -> list[str]:
    return [word for word in words if word.startswith(prefix)]


def _find_name(notebook: Notebook, name: str) -> Any:
    """A caret at the first place in code that reads or binds the name; None if there is none."""
    import re

    from nextedit_jupyter.core.notebook import Caret

    if not name.isidentifier():
        raise UsageError(f"{name!r} is not a valid Python name")
    # Assignments first, because the worker renames what the name at the caret is bound to.
    bound = re.compile(
        rf"(?<![\w.]){name}\b(?=\s*(?:=(?!=)|,.*=|:))|\b(?:def|class|import|as)\s+{name}\b"
    )
    anywhere = re.compile(rf"(?<![\w.]){name}\b")
    for pattern in (bound, anywhere):
        for cell in notebook.code_cells:
            found = pattern.search(cell.source)
            if found is not None:
                return Caret(cell.id, found.end())
    return None


def _matcher(magic: Magic) -> Any:
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher(identifier="nextedit.magic", priority=200)  # type: ignore[untyped-decorator]
    def complete_arguments(context: Any) -> dict[str, Any]:
        before = context.text_until_cursor.lstrip()
        nothing = {"completions": [], "suppress": False}
        head, _, rest = before.partition(" ")
        if head.lstrip("%") != NAME or not before.startswith(f"{head} "):
            return nothing
        words = rest.split()
        prefix = "" if rest == "" or rest.endswith(" ") else words.pop()
        try:
            found = magic.complete(words, prefix)
        except Exception as error:
            report_once("completing %nextedit", error)
            return nothing
        return {
            "completions": [SimpleCompletion(text, type="argument") for text in found],
            "matched_fragment": prefix,
            "suppress": bool(found),
            "ordered": True,
        }

    return complete_arguments
