from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from terminal_fixtures import ENTER, RIGHT, Terminal

from nextedit_jupyter.core.notebook import text_hash

Answering = Callable[[Mapping[str, Any]], list[dict[str, Any]]]


def mending(wrong: str, right: str) -> Answering:
    """A next edit at the failing line, if the error is about `wrong`."""

    def answer(request: Mapping[str, Any]) -> list[dict[str, Any]]:
        error = request["facts"]["error"]
        if request["want"] != ["next_edit"] or error is None:
            return []
        cell = next(c for c in request["notebook"]["cells"] if c["id"] == error["cell"])
        at = cell["source"].rfind(wrong)
        edit = {
            "cell": cell["id"],
            "base": text_hash(cell["source"]),
            "start": at,
            "end": at + len(wrong),
            "text": right,
        }
        head = {"id": "s1", "kind": "next_edit", "lane": "symbols", "confidence": 0.9}
        return [{**head, "label": "", "edits": [edit]}]

    return answer


def test_after_a_name_error_the_corrected_line_waits_in_the_next_prompt(someone: Terminal) -> None:
    someone.client.answering = mending("prin", "print")
    someone.run("prin(1)")

    async def typing() -> None:
        await someone.shows("print(1)")
        await someone.type(RIGHT)
        await someone.until(lambda: someone.buffer.text == "print(1)")
        await someone.type(ENTER)

    assert someone.prompt(typing) == "print(1)"
    request = next(r for r in someone.client.requests if r["want"] == ["next_edit"])
    assert request["facts"]["error"]["name"] == "prin"
    assert request["cursor"]["offset"] == len("prin(1)")


def test_the_fix_may_come_while_the_prompt_waits(someone: Terminal) -> None:
    answer, release = mending("prin", "print"), threading.Event()

    def slow(request: Mapping[str, Any]) -> list[dict[str, Any]]:
        release.wait(60)
        return answer(request)

    someone.client.answering = slow
    someone.run("prin(1)")

    async def typing() -> None:
        assert someone.ghost is None
        release.set()
        await someone.shows("print(1)")
        await someone.type(ENTER)

    someone.prompt(typing)


def test_typing_the_fix_keeps_the_rest_and_typing_another_thing_drops_it(someone: Terminal) -> None:
    someone.client.answering = mending("prin", "print")
    someone.run("prin(1)")

    async def typing() -> None:
        await someone.shows("print(1)")
        await someone.type("pr")
        await someone.shows("int(1)")
        await someone.type("z")
        await someone.shows(None)
        await someone.type(ENTER)

    someone.prompt(typing)


@pytest.mark.parametrize(
    ("ran", "wrong", "right", "offered"),
    [
        ("x = 1\nprin(x)", "prin", "print", "print(x)"),
        ("for i in [1]:\n    prin(i)", "prin", "print", "for i in [1]:"),
        ("def f(a): ...\nf(\n  b=1)", "b", "a", "def f(a): ..."),
    ],
)
def test_a_line_that_stands_for_itself_is_offered_alone_else_the_whole_input(
    someone: Terminal, ran: str, wrong: str, right: str, offered: str
) -> None:
    someone.client.answering = mending(wrong, right)
    someone.run(ran)

    async def typing() -> None:
        await someone.shows(offered)
        await someone.type(ENTER)

    someone.prompt(typing)


def test_a_later_run_that_works_takes_the_fix_away(someone: Terminal) -> None:
    someone.client.answering = mending("prin", "print")
    someone.run("prin(1)")
    someone.run("x = 1")

    async def typing() -> None:
        await someone.type("pr")
        await someone.until(lambda: someone.ghost != "int(1)")
        await someone.type(ENTER)

    someone.prompt(typing)
    assert "print(1)" not in someone.seen


def test_without_a_worker_the_prompt_opens_empty(someone: Terminal) -> None:
    someone.client.answering = None
    someone.run("prin(1)")

    async def typing() -> None:
        await someone.type("x")
        await someone.type(ENTER)

    assert someone.prompt(typing) == "x"


def test_a_fix_that_would_act_on_the_terminal_is_not_offered(someone: Terminal) -> None:
    someone.client.answering = mending("prin", "print\x1b]52;c;eA==\x07")
    someone.run("prin(1)")

    async def typing() -> None:
        await someone.type("x")
        await someone.type(ENTER)

    someone.prompt(typing)
    assert all(text is None or "52;c" not in text for text in someone.seen)
