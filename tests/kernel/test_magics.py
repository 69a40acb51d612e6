from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from fake_client import replacing
from IPython.core.completer import provisionalcompleter
from shell_fixtures import Shell

from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.core.history import EditEvent
from nextedit_jupyter.core.history_store import HistoryStore
from nextedit_jupyter.core.notebook import Cell
from nextedit_jupyter.kernel import session_of
from nextedit_jupyter.kernel.comm import Channel
from nextedit_jupyter.kernel.pending import as_html, read_suggestion

DOC = Path(__file__).parents[2] / "docs" / "magics.md"
RENAME = [("x = 1", "a"), ("print(x)", "b"), ("x + 1", "c")]


class Ran:
    """IPython's word of a cell that ran."""

    def __init__(self, cell: str, text: str) -> None:
        self.cell_id, self.raw_cell = cell, text


def fill(user: Shell) -> None:
    for text, cell in RENAME:
        user.run(text, cell=cell)


def suggesting(user: Shell) -> None:
    fill(user)
    user.client.answering = replacing("x", "total")


def completions(user: Shell, text: str) -> list[str]:
    with provisionalcompleter():
        return [found.text for found in user.shell.Completer.completions(text, len(text))]


def test_suggest_shows_numbered_diffs_of_every_cell(user: Shell) -> None:
    suggesting(user)
    out = user.run("%nextedit suggest")
    assert "1  x to total\n" in out
    assert out.count("In [") == 3
    assert "-print(x)" in out
    assert "+print(total)" in out
    assert "%nextedit apply" in out


def test_the_request_carries_cells_history_and_facts(user: Shell) -> None:
    user.run("x = 1", cell="a")
    user.run("xx = 1", cell="a")
    user.run("%nextedit suggest")
    (request,) = user.client.requests
    json.dumps(request)
    assert request["offsets"] == "code-point"
    assert request["notebook"]["cells"][0]["source"] == "xx = 1"
    assert request["cursor"] == {"cell": "a", "offset": 2}
    assert request["history"][0]["origin"] == "executed"
    assert [run["cell"] for run in request["facts"]["runs"]] == ["a", "a"]
    assert {"xx", "x"} <= {name["name"] for name in request["facts"]["names"]}


def test_whatever_ran_the_request_stays_within_its_bound(user: Shell) -> None:
    for i in range(12):
        for version in range(2):
            user.session.recorder._begin(Ran(f"c{i}", f"v = {version}\n" + "é\n" * 31_000), i)
    user.run("x = 1", cell="last")
    user.run("%nextedit suggest")
    (request,) = user.client.requests
    assert len(json.dumps(request)) < 1_000_000
    assert request["notebook"]["cells"][-1]["source"] == "x = 1"
    draft = user.session.request(want=("inline",), draft=Cell("draft", "code", "y = "))
    assert draft is not None
    assert [cell.id for cell in draft.notebook.cells] == ["last", "draft"]


def test_apply_makes_the_changed_cells_the_next_inputs_one_by_one(
    user: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    suggesting(user)
    inputs: list[str] = []
    monkeypatch.setattr(
        user.shell, "set_next_input", lambda text, replace=False: inputs.append(text)
    )
    user.run("%nextedit suggest")
    assert "2 more cells" in user.run("%nextedit apply")
    user.run("%nextedit apply 1")
    user.run("%nextedit apply")
    assert inputs == ["total = 1", "print(total)", "total + 1"]
    assert "nothing to apply" in user.run("%nextedit apply")


def test_rename_asks_for_the_name_and_applies_unless_told_not_to(user: Shell) -> None:
    suggesting(user)
    out = user.run("%nextedit rename x total --dry-run")
    request = user.client.requests[-1]
    assert request["rename_to"] == "total"
    assert request["cursor"] == {"cell": "a", "offset": 1}
    assert "+total = 1" in out
    assert "next input" not in out
    assert "next input" in user.run("%nextedit rename x total")


def test_propagate_needs_an_edit(user: Shell) -> None:
    suggesting(user)
    assert "no edit to propagate" in user.run("%nextedit propagate")
    user.run("x = 5", cell="a")
    assert "+print(total)" in user.run("%nextedit propagate")
    assert user.client.requests[-1]["want"] == ["rename", "next_edit"]


def test_off_records_and_asks_nothing_until_on(user: Shell) -> None:
    suggesting(user)
    user.run("%nextedit off")
    user.run("secret_plan = 1", cell="d")
    assert "turn it on" in user.run("%nextedit suggest")
    assert user.client.requests == []
    assert "secret_plan" not in repr(user.session.notebook())
    assert user.session.facts().names == ()
    user.run("%nextedit on")
    assert "+total = 1" in user.run("%nextedit suggest")


def test_history_lists_shows_and_purges(user: Shell) -> None:
    assert "No edits so far" in user.run("%nextedit history")
    user.run("x = 1", cell="a")
    user.run("x = 2", cell="a")
    user.run("x = 3", cell="a")
    assert user.run("%nextedit history -n 1").count("executed") == 1
    assert "-x = 2\n   +x = 3" in user.run("%nextedit history --diff")
    assert "Forgot 2 edits" in user.run("%nextedit history --purge")
    assert "No edits so far" in user.run("%nextedit history")


def test_a_purge_deletes_the_kept_edits_too(
    user: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path))
    assert "disk" not in user.run("%nextedit history --purge")
    store = HistoryStore(settle_s=0.0)
    store.take("python", [EditEvent("a", "x = 1", "x = 2")])
    assert "Deleted 1 edit from the disk" in user.run("%nextedit history --purge")
    assert len(store) == 0


def test_silence_has_its_reason(user: Shell) -> None:
    fill(user)
    user.client.silence = {"next_edit": "low_confidence", "rename": "no_change"}
    out = user.run("%nextedit suggest")
    assert "No suggestion. next edit: nothing is likely enough. rename: nothing to change." in out
    user.client.silence = {"rename": "low_confidence"}
    assert "No suggestion: nothing is likely enough." in user.run("%nextedit suggest")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "choose from 'on', 'off'"),
        ("rename x", "%nextedit rename --help"),
        ("rename nope new", "no cell contains the name 'nope'"),
        ("rename 1x new", "is not a valid Python name"),
        ("apply", "ask first with %nextedit suggest"),
        ("apply x", "invalid int value"),
        ("history -n 0", "a number from 1"),
        ("config nope", "choose from timeout"),
        ("config ghost_ms soon", "must be a number"),
        ("config ghost_ms -1", "must be above 0"),
        ("model", "required"),
        ("model use one", "give an id and a version"),
        ("model use nextedit-python 9.9.9", "nextedit-python 9.9.9"),
        ("model rollback", "nothing to roll back"),
        ("'", "check the quotes"),
    ],
)
def test_a_mistake_prints_one_line_that_says_what_to_do(user: Shell, line: str, says: str) -> None:
    fill(user)
    out = user.run(f"%nextedit {line}")
    assert says in out
    assert out.count("\n") == 1
    assert "Traceback" not in out


def test_the_answering_bundle_is_listed_and_described(user: Shell) -> None:
    assert "fake/1  (answers)" in user.run("%nextedit model list")
    assert "lanes     model" in user.run("%nextedit model info")


def test_before_anything_ran_it_says_so(user: Shell) -> None:
    assert "no cell ran" in user.run("%nextedit suggest")


def test_a_dead_worker_prints_one_line(user: Shell) -> None:
    fill(user)
    user.client.answering = None
    out = user.run("%nextedit suggest")
    assert out == "nextedit: the worker cannot be started: try again\n"


def test_a_fault_of_ours_prints_one_line_and_no_traceback(user: Shell) -> None:
    fill(user)

    def broken(request: object) -> list[dict[str, object]]:
        raise ZeroDivisionError("x = 1")

    user.client.answering = broken
    out = user.run("%nextedit suggest")
    assert out.count("\n") == 1
    assert "ZeroDivisionError" in out
    assert "x = 1" not in out


def test_a_stale_answer_is_not_shown(user: Shell) -> None:
    fill(user)
    answer = replacing("x", "total")
    user.client.answering = lambda request: [
        {**one, "edits": [{**edit, "base": "0" * 16} for edit in one["edits"]]}
        for one in answer(request)
    ]
    assert "No suggestion" in user.run("%nextedit suggest")


def test_what_would_hide_or_reorder_text_is_shown_as_escapes(user: Shell) -> None:
    fill(user)
    user.client.answering = replacing("x", "\u202etotal\x1b[2J")
    out = user.run("%nextedit suggest")
    assert "\\u202etotal\\u001b[2J" in out
    assert "\u202e" not in out
    assert "\x1b" not in out


def test_notebooks_get_html_in_which_code_is_escaped(user: Shell) -> None:
    user.run("x = '<script>'", cell="a")
    notebook = user.session.notebook()
    wire = replacing("x", "<img>")(
        {"notebook": {"cells": [{"id": "a", "source": "x = '<script>'"}]}}
    )
    one = read_suggestion(wire[0], notebook)
    assert one is not None
    shown = as_html([one])
    assert "&lt;img&gt; = &#x27;&lt;script&gt;&#x27;" in shown
    assert "<script>" not in shown
    assert "<img>" not in shown


def test_arguments_are_completed(user: Shell) -> None:
    suggesting(user)
    user.run("%nextedit suggest")
    assert completions(user, "%nextedit re") == ["rename"]
    assert completions(user, "nextedit h") == ["history", "help"]
    assert completions(user, "%nextedit history --d") == ["--diff"]
    assert completions(user, "%nextedit rename x") == ["x"]
    assert completions(user, "%nextedit apply ") == ["1", "--help"]
    assert completions(user, "%nextedit config gh") == ["ghost_ms"]
    assert completions(user, "%nextedit model ") == [
        "info",
        "list",
        "rollback",
        "use",
        "--help",
    ]
    assert "suggest" not in completions(user, "%nextedits s")


def test_every_command_has_help(user: Shell) -> None:
    overview = user.run("%nextedit")
    commands = re.findall(r"^    (\w+)", overview, re.M)
    assert len(commands) == 13
    for name in commands:
        assert user.run(f"%nextedit {name} --help").startswith(f"usage: %nextedit {name}")
    assert overview == user.run("%nextedit --help") == user.run("%nextedit help")


def test_unloading_leaves_the_shell_as_it_was(plain_shell: Any) -> None:
    def state() -> Any:
        return (
            {event: list(found) for event, found in plain_shell.events.callbacks.items()},
            set(plain_shell.magics_manager.magics["line"]),
            list(plain_shell.Completer.custom_matchers),
            set(plain_shell.user_ns),
        )

    before = state()
    plain_shell.run_cell("%load_ext nextedit_jupyter")
    assert session_of(plain_shell) is not None
    assert state() != before
    plain_shell.run_cell("%unload_ext nextedit_jupyter")
    assert session_of(plain_shell) is None
    assert state() == before


def documented() -> list[str]:
    """The commands in the fenced blocks of docs/magics.md."""
    blocks = re.findall(r"```python\n(.*?)```", DOC.read_text("utf-8"), re.S)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_every_documented_command_runs(user: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user.shell, "set_next_input", lambda text, replace=False: None)
    suggesting(user)
    user.run("x = 5", cell="a")
    lines = documented()
    assert len(lines) > 12
    for line in lines:
        if line.startswith("%nextedit apply") and not user.session.pending:
            user.run("%nextedit suggest")
        out = user.run(line)
        assert "Traceback" not in out, line
        assert "invalid" not in out, line
        assert not out.startswith("nextedit: "), (line, out)
    words = {word for line in lines for word in shlex.split(line, comments=True)[1:2]}
    overview = user.run("%nextedit")
    assert words >= set(re.findall(r"^    (\w+)", overview, re.M))


def test_settings_are_shown_and_changed(user: Shell) -> None:
    assert "ghost_ms = 250" in user.run("%nextedit config")
    assert "ghost_ms = 100" in user.run("%nextedit config ghost_ms 100")
    assert user.run("%nextedit config ghost_ms").startswith("ghost_ms = 100 ")
    assert user.session.settings.ghost_ms == 100


def test_status_starts_no_worker(user: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[bool] = []

    def status(timeout: float = 5.0, *, start: bool = True) -> dict[str, Any]:
        started.append(start)
        return {"pid": None}

    monkeypatch.setattr(user.client, "status", status)
    assert "it starts with the first suggestion" in user.run("%nextedit status")
    assert started == [False]


def test_status_speaks_of_a_browser_where_there_may_be_one(
    user: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user.client, "status", lambda *_, **__: {"pid": None})
    assert "browser" not in user.run("%nextedit status")
    user.session.channel = Channel(dict)
    try:
        assert "browser   no labextension has connected so far" in user.run("%nextedit status")
    finally:
        user.session.channel = None


def test_status_says_what_is_wrong(user: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(timeout: float = 5.0, *, start: bool = True) -> dict[str, Any]:
        raise WorkerError("the worker died while starting. The reason is in /x/log")

    monkeypatch.setattr(user.client, "status", fail)
    assert "failed: the worker died while starting" in user.run("%nextedit status")


def test_stats_count_what_was_shown_and_taken(user: Shell) -> None:
    suggesting(user)
    user.run("%nextedit suggest")
    for _ in RENAME:
        user.run("%nextedit apply")
    out = user.run("%nextedit stats")
    assert re.search(r"requests +1 ", out)
    assert re.search(r"shown +1\n", out)
    assert re.search(r"accepted +1\n", out)
