from __future__ import annotations

import threading
from typing import Any

import pytest
from shell_fixtures import Shell

from nextedit_jupyter.core.notebook import text_hash
from nextedit_jupyter.kernel.recorder import Recorder, RecorderLimits


class Info:
    """What IPython says of a cell that is about to run."""

    def __init__(self, text: str, cell: str | None = "a", **more: Any) -> None:
        self.raw_cell = text
        self.cell_id = cell
        self.store_history = more.get("store_history", True)
        self.silent = more.get("silent", False)
        self.cell_meta = more.get("cell_meta")


class Result:
    def __init__(self, info: Info, count: int, error: BaseException | None = None) -> None:
        self.info = info
        self.execution_count = count
        self.error_in_exec = error
        self.error_before_exec = None

    @property
    def result(self) -> Any:
        raise AssertionError("the value of a cell is the user's")


def run(recorder: Recorder, text: str, cell: str | None = "a", count: int = 1, **more: Any) -> None:
    info = Info(text, cell, **more)
    recorder.pre_run_cell(info)
    recorder.post_run_cell(Result(info, count))


def test_running_a_cell_again_with_another_text_is_an_executed_edit() -> None:
    recorder = Recorder(clock=lambda: 7.0)
    run(recorder, "x = 1", "a", 1)
    run(recorder, "print(x)", "b", 2)
    assert not recorder.history
    run(recorder, "y = 1", "a", 3)
    (event,) = recorder.history
    assert (event.cell, event.before, event.after) == ("a", "x = 1", "y = 1")
    assert (event.origin, event.at) == ("executed", 7.0)
    assert [cell.source for cell in recorder.notebook().cells] == ["y = 1", "print(x)"]


def test_runs_keep_order_hash_and_number() -> None:
    recorder = Recorder()
    run(recorder, "x = 1", "a", 1)
    run(recorder, "x = 1", "a", 2)
    assert [(r.cell, r.hash, r.count) for r in recorder.runs] == [
        ("a", text_hash("x = 1"), 1),
        ("a", text_hash("x = 1"), 2),
    ]
    assert recorder.notebook().cells[0].execution_count == 2


def test_the_cell_that_loads_the_extension_is_recorded_from_its_end() -> None:
    recorder = Recorder()
    recorder.post_run_cell(Result(Info("%load_ext nextedit_jupyter\nx = 1"), 1))
    assert [cell.source for cell in recorder.notebook().cells] == [
        "%load_ext nextedit_jupyter\nx = 1"
    ]


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("x = 1", {"silent": True}),
        ("x = 1", {"store_history": False}),
        ("  \n", {}),
        ("%nextedit suggest", {}),
        ("nextedit status", {}),
        ("%load_ext nextedit_jupyter", {}),
        ("x" * 64_001, {}),
    ],
)
def test_what_no_person_wrote_for_the_notebook_is_not_recorded(
    text: str, more: dict[str, Any]
) -> None:
    recorder = Recorder()
    run(recorder, text, **more)
    assert recorder.runs == ()
    assert recorder.notebook().cells == ()


def test_a_secret_is_never_held_and_takes_its_cells_past_with_it() -> None:
    key = "sk-" + "a1B2c3D4e5F6g7H8i9J0k1L2"
    recorder = Recorder()
    run(recorder, "client = 1")
    run(recorder, "client = 2")
    run(recorder, f'client = Client("{key}")')
    assert recorder.history == ()
    assert recorder.notebook().cells == ()
    run(recorder, "client = Client(KEY)")
    assert recorder.history == ()
    assert key not in repr(vars(recorder))


def test_a_cell_tagged_off_is_not_recorded_and_what_was_held_of_it_goes() -> None:
    recorder = Recorder()
    run(recorder, "x = 1")
    run(recorder, "x = 2")
    run(recorder, "x = 3", cell_meta={"tags": ["nextedit-off"]})
    assert [*recorder.history, *recorder.notebook().cells] == []
    assert len(recorder.runs) == 2
    run(recorder, "x = 4", cell_meta={"tags": "nextedit-off"})
    assert len(recorder.notebook().cells) == 1


def test_without_a_cell_id_each_run_is_a_cell_of_its_own() -> None:
    recorder = Recorder()
    run(recorder, "x = 1", None)
    run(recorder, "x = 2", None)
    assert len({cell.id for cell in recorder.notebook().cells}) == 2


def test_the_oldest_cells_go_when_there_are_too_many() -> None:
    recorder = Recorder(limits=RecorderLimits(cells=2, total_bytes=20))
    for i in range(4):
        run(recorder, f"x{i} = 1", f"c{i}")
    assert [cell.id for cell in recorder.notebook().cells] == ["c2", "c3"]
    run(recorder, "y" * 19, "long")
    assert [cell.id for cell in recorder.notebook().cells] == ["long"]


def test_reading_while_cells_run_sees_whole_states() -> None:
    recorder = Recorder()
    wrong: list[str] = []

    def read() -> None:
        for _ in range(300):
            cells = recorder.notebook().cells
            if any(cell.source[-1] != cell.id[-1] for cell in cells):
                wrong.append("torn")

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(300):
        run(recorder, f"x = {i % 10}", f"c{i % 10}")
    reader.join()
    assert wrong == []


def test_purging_forgets_all() -> None:
    recorder = Recorder()
    run(recorder, "x = 1")
    run(recorder, "x = 2")
    assert recorder.purge() == 1
    assert [*recorder.history, *recorder.runs, *recorder.notebook().cells] == []


def test_while_switched_off_nothing_is_recorded() -> None:
    recorder = Recorder()
    recorder.enabled = False
    run(recorder, "x = 1")
    assert recorder.runs == ()


# In a real shell ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "exception", "name"),
    [
        ("x = 1\nprin(x)", 2, "NameError", "prin"),
        ("\n\nx = 1\nprin(x)", 4, "NameError", "prin"),
        ("{'a': 1}['b']", 1, "KeyError", "b"),
        ("import math\nmath.sine", 2, "AttributeError", "sine"),
        ("def f(a): ...\nf(b=1)", 2, "TypeError", "b"),
        ("import nothing_of_that_name", 1, "ModuleNotFoundError", "nothing_of_that_name"),
        ("from math import sine", 1, "ImportError", "sine"),
        ("x = 1\nfor", 2, "SyntaxError", ""),
        ("def f():\n    raise RuntimeError('no')\n\nf()", 2, "RuntimeError", ""),
    ],
)
def test_the_last_traceback_says_where_and_about_what(
    user: Shell, text: str, line: int, exception: str, name: str
) -> None:
    user.run("ok = 1", cell="first")
    user.run(text, cell="failed")
    error = user.session.recorder.error
    assert error is not None
    assert (error.cell, error.line, error.exception, error.name) == (
        "failed",
        line,
        exception,
        name,
    )


def test_an_error_in_an_earlier_cells_function_is_placed_there(user: Shell) -> None:
    user.run("def f(frame):\n    return frame.nothing", cell="def")
    user.run("x = 2\nf(1)", cell="call")
    error = user.session.recorder.error
    assert error is not None
    assert (error.cell, error.line, error.name) == ("def", 2, "nothing")


def test_the_next_run_that_works_clears_the_error(user: Shell) -> None:
    user.run("oops", cell="a")
    user.run("x = 1", cell="b")
    assert user.session.recorder.error is None


def test_an_exception_of_the_users_own_making_is_named_and_not_touched(user: Shell) -> None:
    user.run(
        "class Meta(type):\n"
        "    def __getattribute__(cls, name):\n"
        "        if name in ('__name__', '__mro__', '__dict__', 'args', 'name'):\n"
        "            seen.append(name)\n"
        "        return type.__getattribute__(cls, name)\n"
        "class Odd(NameError, metaclass=Meta):\n"
        "    name = property(lambda self: seen.append('name'))\n"
        "    args = property(lambda self: seen.append('args'))\n"
        "    __traceback__ = property(lambda self: seen.append('traceback'))\n"
        "seen = []\n",
        cell="a",
    )
    recorder = user.session.recorder
    odd = user.shell.user_ns["Odd"]("secret")
    user.shell.user_ns["seen"].clear()
    info = Info("raise odd", "b")
    recorder.pre_run_cell(info)
    recorder.post_run_cell(Result(info, 9, odd))
    assert user.shell.user_ns["seen"] == []
    assert recorder.error is not None
    assert (recorder.error.exception, recorder.error.name, recorder.error.message) == (
        "Odd",
        "",
        "",
    )


def test_a_key_that_is_a_secret_is_not_in_the_error(user: Shell) -> None:
    key = "sk-" + "a1B2c3D4e5F6g7H8i9J0k1L2"
    user.shell.user_ns["key"] = key
    user.run("{}[key]", cell="a")
    assert user.session.recorder.error is not None
    assert key not in repr(user.session.recorder.error)


def test_a_failure_of_the_recorder_never_reaches_the_cell(
    user: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(user.session.recorder, "_begin", fail)
    assert user.run("print('fine')") == "fine\n"
