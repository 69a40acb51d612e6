from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from terminal_fixtures import ALT_ENTER, CTRL_RIGHT, ENTER, ESCAPE, RIGHT, Terminal, going_on

from nextedit_jupyter import terminal
from nextedit_jupyter.core.notebook import text_hash
from nextedit_jupyter.core.pacing import Pacing, PacingSettings, Power
from nextedit_jupyter.terminal.ghost import DRAFT, GhostPlan, insertion


def test_what_comes_next_appears_behind_the_caret_and_right_takes_it(someone: Terminal) -> None:
    someone.client.answering = going_on({"np.lin": "space(0, 1)"})

    async def typing() -> None:
        await someone.type("x = np.lin")
        await someone.shows("space(0, 1)")
        await someone.type(RIGHT)
        await someone.until(lambda: someone.buffer.text == "x = np.linspace(0, 1)")
        await someone.shows(None)
        await someone.type(ENTER)

    assert someone.prompt(typing) == "x = np.linspace(0, 1)"
    assert (someone.session.counts.shown, someone.session.counts.accepted) == (1, 1)


def test_the_request_holds_what_ran_and_the_draft(someone: Terminal) -> None:
    someone.run("import math")
    someone.client.answering = going_on({"math.s": "qrt(2)"})

    async def typing() -> None:
        await someone.type("math.s")
        await someone.shows("qrt(2)")
        await someone.type(ENTER)

    someone.prompt(typing)
    request = someone.client.requests[-1]
    assert [cell["source"] for cell in request["notebook"]["cells"]] == ["import math", "math.s"]
    assert request["cursor"] == {"cell": DRAFT, "offset": 6}
    assert request["want"] == ["inline"]
    assert "math" in {name["name"] for name in request["facts"]["names"]}


def test_a_first_answer_that_ran_out_of_time_is_asked_for_once_more(someone: Terminal) -> None:
    ready = going_on({"np.lin": "space(0, 1)"})
    cold = ["the model is being loaded"]
    someone.client.silence = {"inline": "deadline"}
    someone.client.answering = lambda request: [] if cold and cold.pop() else ready(request)

    async def typing() -> None:
        await someone.type("x = np.lin")
        await someone.shows("space(0, 1)")
        cold.extend(["again", "and again", "and again"])
        asked = len(someone.client.requests)
        await someone.type("e")
        await someone.until(lambda: len(someone.client.requests) == asked + 2)
        await someone.shows(None)
        assert len(someone.client.requests) == asked + 2
        await someone.type(ENTER)

    someone.prompt(typing)


def test_ctrl_right_takes_a_word_and_the_rest_stays_without_asking_again(someone: Terminal) -> None:
    someone.client.answering = going_on({"total": " = first + second"})

    async def typing() -> None:
        await someone.type("total")
        await someone.shows(" = first + second")
        asked = len(someone.client.requests)
        await someone.type(CTRL_RIGHT)
        await someone.until(lambda: someone.buffer.text != "total")
        assert "total = first + second".startswith(someone.buffer.text)
        await someone.shows("total = first + second"[len(someone.buffer.text) :])
        assert len(someone.client.requests) == asked
        await someone.type(ENTER)

    someone.prompt(typing)


def test_typing_along_neither_flickers_nor_asks(someone: Terminal) -> None:
    someone.client.answering = going_on({"pr": "int(total)"})

    async def typing() -> None:
        await someone.type("pr")
        await someone.shows("int(total)")
        asked = len(someone.client.requests)
        someone.seen.clear()
        for key in "int":
            await someone.type(key)
            await someone.until(lambda: len(someone.seen) > 0)
        await someone.shows("(total)")
        assert someone.session.counts.accepted == 0
        assert None not in someone.seen
        assert len(someone.client.requests) == asked
        await someone.type(ENTER)

    someone.prompt(typing)


def test_a_suggestion_of_history_does_not_flicker_either(someone: Terminal) -> None:
    someone.run("values = [1, 2, 3]")

    async def typing() -> None:
        await someone.type("val")
        await someone.shows("ues = [1, 2, 3]")
        someone.seen.clear()
        for key in "ues":
            await someone.type(key)
            await someone.until(lambda: len(someone.seen) > 0)
        assert None not in someone.seen
        await someone.shows(" = [1, 2, 3]")
        await someone.type(ENTER)

    someone.prompt(typing)


def test_typing_something_else_asks_anew(someone: Terminal) -> None:
    someone.client.answering = going_on({"pr": "int(x)", "pro": "duct(x)"})

    async def typing() -> None:
        await someone.type("pr")
        await someone.shows("int(x)")
        await someone.type("o")
        await someone.shows("duct(x)")
        await someone.type(ENTER)

    someone.prompt(typing)


def test_a_suggestion_of_several_lines_is_shown_line_by_line(someone: Terminal) -> None:
    someone.client.answering = going_on({"for x in": " xs:\n    print(x)"})

    async def typing() -> None:
        await someone.type("for x in")
        await someone.shows(" xs:")
        await someone.type(RIGHT)
        await someone.until(lambda: someone.buffer.text == "for x in xs:")
        await someone.type(ENTER)
        await someone.until(lambda: someone.buffer.text == "for x in xs:\n    ")
        await someone.shows("print(x)")
        await someone.type(RIGHT)
        await someone.until(lambda: someone.buffer.text.endswith("print(x)"))
        await someone.type(ALT_ENTER)
        await someone.type(ENTER)
        someone.shell.pt_app.app.exit(result=someone.buffer.text)

    assert someone.prompt(typing).startswith("for x in xs:\n    print(x)")


def test_history_is_shown_where_the_worker_is_silent(someone: Terminal) -> None:
    someone.run("print('from history')")

    async def typing() -> None:
        await someone.type("pri")
        await someone.shows("nt('from history')")
        await someone.type(ENTER)

    someone.prompt(typing)
    assert someone.client.requests


def test_history_is_shown_where_there_is_no_worker(someone: Terminal) -> None:
    someone.run("print('from history')")
    someone.client.answering = None

    async def typing() -> None:
        await someone.type("pri")
        await someone.shows("nt('from history')")
        await someone.type(ENTER)

    someone.prompt(typing)


def test_a_worker_that_hangs_holds_up_no_key_and_history_is_shown(someone: Terminal) -> None:
    """The fake worker returns only after the prompt has: a prompt that waited would never end."""
    someone.run("print('from history')")
    over = threading.Event()
    waiting: list[int] = []

    def hang(request: Mapping[str, Any]) -> list[dict[str, Any]]:
        waiting.append(1)
        over.wait(60)
        return []

    someone.client.answering = hang

    async def typing() -> None:
        for key in "pri":
            await someone.type(key)
        await someone.until(lambda: bool(waiting))
        await someone.shows("nt('from history')")
        for key in "xyz":
            await someone.type(key)
        await someone.type(ENTER)

    try:
        assert someone.prompt(typing) == "prixyz"
        assert not over.is_set()
    finally:
        over.set()


def test_an_answer_for_what_stood_there_before_is_not_shown(someone: Terminal) -> None:
    release = threading.Event()
    answers = going_on({"pr": "STALE", "prx": "fresh"})

    def slow(request: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = answers(request)
        if request["cursor"]["offset"] == 2:
            release.wait(60)
        return found

    someone.client.answering = slow

    async def typing() -> None:
        await someone.type("pr")
        await someone.until(lambda: len(someone.client.requests) == 1)
        await someone.type("x")
        await someone.shows("fresh")
        release.set()
        await someone.type(ESCAPE)
        await someone.shows(None)
        await someone.type(ENTER)

    try:
        someone.prompt(typing)
    finally:
        release.set()
    assert "STALE" not in [text for text in someone.seen if text]


@pytest.mark.parametrize("line", ["%time x", "!ls", "obj?", "?obj"])
def test_commands_of_the_shell_are_not_sent(someone: Terminal, line: str) -> None:
    async def typing() -> None:
        await someone.type(line)
        await someone.until(lambda: someone.buffer.suggestion is None)
        await someone.type(ENTER)

    someone.prompt(typing)
    assert someone.client.requests == []


def test_while_off_nothing_is_asked_and_history_works(someone: Terminal) -> None:
    someone.run("print('from history')")
    someone.session.switch(False)

    async def typing() -> None:
        await someone.type("pri")
        await someone.shows("nt('from history')")
        await someone.type(ENTER)

    someone.prompt(typing)
    assert someone.client.requests == []


def test_going_through_history_shows_history(someone: Terminal) -> None:
    someone.run("print('older')")
    someone.run("print('newer')")
    someone.client.answering = going_on({"pri": "nt(model)"})

    async def typing() -> None:
        await someone.type("pri")
        await someone.shows("nt(model)")
        await someone.type("\x1b[1;5A")  # Ctrl-Up
        await someone.until(lambda: someone.ghost in ("nt('newer')", "nt('older')"))
        await someone.type(ENTER)

    someone.prompt(typing)


def wire(text: str, **changes: Any) -> dict[str, Any]:
    edit = {"cell": DRAFT, "base": text_hash("a = "), "start": 4, "end": 4, "text": text}
    return {"kind": "inline", "edits": [{**edit, **changes}]}


@pytest.mark.parametrize(
    "suggestion",
    [
        pytest.param(wire("1\x1b]52;c;x\x07"), id="an escape sequence"),
        pytest.param(wire("1\u202e"), id="a bidirectional override"),
        pytest.param(wire("1\u200b"), id="an invisible character"),
        pytest.param(wire("1", base="0" * 16), id="made for another text"),
        pytest.param(wire("1", cell="c1"), id="made for another cell"),
        pytest.param(wire("b", start=0, end=1), id="changes what stands before the caret"),
        pytest.param(wire(""), id="nothing"),
        pytest.param({"kind": "inline", "edits": []}, id="no edits"),
    ],
)
def test_what_is_no_plain_insertion_is_not_shown(suggestion: dict[str, Any]) -> None:
    assert insertion(suggestion, "a = ", 4) is None


def test_an_insertion_may_rewrite_what_it_keeps(someone: Terminal) -> None:
    assert insertion(wire("1"), "a = ", 4) == "1"
    assert insertion(wire("a = 12", start=0, end=4), "a = ", 4) == "12"


def test_a_plan_fits_as_long_as_the_draft_is_its_beginning() -> None:
    plan = GhostPlan("if x:\n    y = 1", after=")")
    assert plan.rest("if", ")") == " x:"
    assert plan.rest("if x:", ")") == ""
    assert plan.rest("if x:\n  ", ")") == "  y = 1"
    assert plan.rest("if y", ")") is None
    assert plan.rest("if", "") is None


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def paced(someone: Terminal, clock: Clock, power: Power | None = None, **settings: Any) -> Pacing:
    """The prompt's pace by a clock that stands still."""
    pace = Pacing(clock=clock, power=lambda: power or Power(), settings=PacingSettings(**settings))
    terminal._terminals[id(someone.shell)].ghost.pacing = pace
    return pace


def test_escape_rejects_and_the_same_is_not_offered_again_in_this_prompt(
    someone: Terminal,
) -> None:
    clock = Clock()
    pace = paced(someone, clock)
    before = pace.pause_ms()
    someone.client.answering = going_on({"pr": "int(x)", "pri": "nt(x)", "prin": "t(y)"})

    async def typing() -> None:
        await someone.type("pr")
        await someone.shows("int(x)")
        await someone.type(ESCAPE)
        await someone.shows(None)
        asked = len(someone.client.requests)
        await someone.until(lambda: someone.session.counts.rejected == 1)
        assert pace.pause_ms() > before
        await someone.type("i")  # within five seconds nothing is asked
        clock.now += 6
        await someone.type("\x7f")
        await someone.until(lambda: someone.buffer.text == "pr")
        assert len(someone.client.requests) == asked
        await someone.type("i")  # the worker says the same again
        await someone.until(lambda: len(someone.client.requests) == asked + 1)
        await someone.type("n")  # and now another thing
        await someone.shows("t(y)")
        await someone.type(ENTER)

    someone.prompt(typing)
    shown = [text for text in someone.seen if text]
    assert "nt(x)" not in shown
    assert someone.session.counts.shown == 2
    assert (someone.session.counts.accepted, someone.session.counts.rejected) == (0, 1)


def test_escape_alone_waits_for_no_other_key_and_with_one_it_is_alt(someone: Terminal) -> None:
    someone.client.answering = going_on({"np": " + one + two"})
    someone.shell.pt_app.app.timeoutlen = None  # what may follow Escape is waited for for ever

    async def typing() -> None:
        await someone.type("np")
        await someone.shows(" + one + two")
        await someone.type("\x1bf")  # Alt-F takes a word
        await someone.until(lambda: someone.buffer.text != "np")
        await someone.until(lambda: someone.ghost is not None)
        await someone.type(ESCAPE)
        await someone.shows(None)
        await someone.type("0")
        await someone.type(ENTER)

    someone.prompt(typing)


def test_escape_takes_only_the_screens_text_where_history_spoke(someone: Terminal) -> None:
    someone.run("print('from history')")

    async def typing() -> None:
        await someone.type("pri")
        await someone.shows("nt('from history')")
        await someone.type(ESCAPE)
        await someone.shows(None)
        await someone.type("n")
        await someone.shows("t('from history')")
        await someone.type(ENTER)

    someone.prompt(typing)
    assert someone.session.counts.rejected == 0


def test_what_is_typed_letter_by_letter_counts_as_typed_through_and_the_worker_hears_of_it(
    someone: Terminal,
) -> None:
    someone.client.answering = going_on({"pr": "int"})

    async def typing() -> None:
        await someone.type("pr")
        await someone.shows("int")
        for key in "int":
            await someone.type(key)
            await someone.until(lambda: len(someone.seen) > 0)
        await someone.until(lambda: someone.session.counts.typed_through == 1)
        await someone.until(lambda: len(someone.client.reported) == 2)
        await someone.type(ENTER)

    someone.prompt(typing)
    assert someone.client.reported == [
        ("shown", "inline", "model"),
        ("typed_through", "inline", "model"),
    ]
    assert someone.session.counts.accepted == 0


def test_on_a_low_battery_nothing_is_asked_if_the_user_says_so(someone: Terminal) -> None:
    someone.run("print('from history')")
    paced(someone, Clock(), Power(plugged=False, percent=10.0), off_on_low=True)

    async def typing() -> None:
        await someone.type("pri")
        await someone.shows("nt('from history')")
        await someone.type(ENTER)

    someone.prompt(typing)
    assert someone.client.requests == []


def test_the_waiting_times_are_the_users(someone: Terminal) -> None:
    ghost = terminal._terminals[id(someone.shell)].ghost
    assert ghost.pacing.settings.battery_ms == 300
    someone.run("%nextedit config battery_ms 900")
    someone.run("%nextedit config off_on_low_battery on")
    assert (ghost.pacing.settings.battery_ms, ghost.pacing.settings.off_on_low) == (900, True)
