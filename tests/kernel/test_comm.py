from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import comm
import pytest
from fake_client import replacing
from shell_fixtures import Shell

from nextedit_jupyter.core.notebook import text_hash
from nextedit_jupyter.kernel.comm import TARGET, Channel


class Browser:
    """The browser's end of comms: keeps what it gets and speaks when told."""

    def __init__(self) -> None:
        self.got: list[Mapping[str, Any]] = []
        self.opened: list[Any] = []
        self.answer: Any = None

    def say(self, data: Any) -> None:
        for one in list(self.opened):
            one.handle_msg({"content": {"data": data}})


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    there = Browser()

    class Comm(comm.base_comm.BaseComm):
        def publish_msg(  # type: ignore[override]  # who calls it gives no more
            self, msg_type: str, data: Any = None, **more: Any
        ) -> None:
            if msg_type == "comm_open":
                there.opened.append(self)
            elif msg_type == "comm_close":
                there.opened.remove(self)
            else:
                there.got.append(data)
                if data["op"] == "notebook" and there.answer is not None:
                    reply = {"op": "notebook", "token": data["token"], "request": there.answer}
                    threading.Thread(target=there.say, args=(reply,)).start()

    monkeypatch.setattr(comm, "create_comm", Comm)
    manager = comm.base_comm.CommManager()
    monkeypatch.setattr(comm, "get_comm_manager", lambda: manager)
    return there


def channel_of(facts: Mapping[str, Any]) -> Channel:
    channel = Channel(lambda: facts)
    channel.open()
    return channel


def test_the_kernel_opens_a_comm_and_answers_with_facts(browser: Browser) -> None:
    channel = channel_of({"runs": [], "names": [], "error": None})
    (opened,) = browser.opened
    assert opened.target_name == TARGET
    assert not channel.connected
    browser.say({"op": "facts", "id": "q1"})
    assert channel.connected
    assert browser.got == [
        {"op": "facts", "facts": {"runs": [], "names": [], "error": None}, "id": "q1"}
    ]


def test_nothing_is_sent_to_a_browser_that_never_spoke(browser: Browser) -> None:
    channel = channel_of({})
    assert not channel.send({"op": "apply"})
    assert channel.ask_notebook(10) is None
    assert browser.got == []


def test_the_browser_may_open_the_comm_itself(browser: Browser) -> None:
    channel = channel_of({"names": []})
    for one in list(browser.opened):
        one.handle_close({})
    browser.opened.clear()
    assert not channel.connected
    manager = comm.get_comm_manager()
    opening = {"content": {"comm_id": "c9", "target_name": TARGET}}
    manager.comm_open(None, "", opening)  # type: ignore[arg-type]  # the stream is not used
    browser.opened.append(manager.comms["c9"])
    browser.say({"op": "facts"})
    assert channel.connected
    assert browser.got == [{"op": "facts", "facts": {"names": []}}]


def test_the_notebook_is_asked_for_and_a_deaf_browser_is_asked_once(browser: Browser) -> None:
    channel = channel_of({})
    browser.say({"op": "facts"})
    browser.answer = {"id": 1}
    assert channel.ask_notebook(5.0) == {"id": 1}
    browser.answer = None
    assert channel.ask_notebook(0.01) is None
    asked = len(browser.got)
    assert channel.ask_notebook(10.0) is None
    assert len(browser.got) == asked


def test_a_new_page_is_asked_again_and_one_that_is_always_late_is_not(browser: Browser) -> None:
    channel = channel_of({})
    browser.say({"op": "facts"})
    assert channel.ask_notebook(0.01) is None
    browser.say({"op": "facts"})
    browser.answer = {"id": 2}
    assert channel.ask_notebook(5.0) == {"id": 2}
    browser.answer = None
    assert channel.ask_notebook(0.01) is None
    browser.say({"op": "notebook", "token": "3", "request": {"id": 3}})
    browser.say({"op": "facts"})
    browser.answer = {"id": 4}
    assert channel.ask_notebook(5.0) is None


@pytest.mark.parametrize("nonsense", [None, 3, [], {"op": 7}, {"op": "notebook", "token": {}}, {}])
def test_nonsense_from_the_browser_is_ignored(browser: Browser, nonsense: Any) -> None:
    channel_of({})
    browser.say(nonsense)
    assert browser.got == []


def test_closing_leaves_neither_comm_nor_target(browser: Browser) -> None:
    channel = channel_of({})
    channel.close()
    assert browser.opened == []
    assert comm.get_comm_manager().comms == {}
    assert comm.get_comm_manager().targets == {}


def test_where_there_are_no_comms_nothing_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Any:
        raise RuntimeError("no comms here")

    monkeypatch.setattr(comm, "get_comm_manager", none)
    channel = channel_of({})
    assert not channel.connected
    channel.close()


SOURCE = "a = '😀'; x = 1"


def browsers_notebook() -> dict[str, Any]:
    cells = [{"id": "c1", "type": "code", "source": SOURCE}]
    cursor = {"cell": "c1", "offset": len(SOURCE) + 1}  # in UTF-16 units
    return {"id": 1, "notebook": {"language": "python", "cells": cells}, "cursor": cursor}


def test_magics_ask_about_the_browsers_notebook_and_let_it_apply(
    user: Shell, browser: Browser
) -> None:
    user.session.channel = channel_of({})
    browser.say({"op": "facts"})
    browser.answer = browsers_notebook()
    user.client.answering = replacing("x", "total")
    user.run("other = 1", cell="z")
    assert "+a = '😀'; total = 1" in user.run("%nextedit suggest")
    assert [cell["id"] for cell in user.client.requests[-1]["notebook"]["cells"]] == ["c1"]
    assert "Applied" in user.run("%nextedit apply")
    sent = browser.got[-1]
    assert sent["op"] == "apply"
    edit = {"cell": "c1", "base": text_hash(SOURCE), "start": 10, "end": 11, "text": "total"}
    assert sent["suggestion"]["edits"] == [edit]


def test_a_browsers_notebook_that_makes_no_sense_is_passed_over(
    user: Shell, browser: Browser
) -> None:
    user.session.channel = channel_of({})
    browser.say({"op": "facts"})
    browser.answer = {"notebook": "nonsense"}
    user.client.answering = replacing("x", "total")
    user.run("x = 1", cell="z")
    assert "+total = 1" in user.run("%nextedit suggest")


def test_the_browser_is_told_of_the_switch(user: Shell, browser: Browser) -> None:
    user.session.channel = channel_of({})
    browser.say({"op": "facts"})
    user.run("%nextedit off")
    user.run("%nextedit on")
    assert browser.got[-2:] == [
        {"op": "enabled", "enabled": False},
        {"op": "enabled", "enabled": True},
    ]
