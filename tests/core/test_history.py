from __future__ import annotations

from typing import cast

import pytest

from nextedit_jupyter.core import EditEvent, EditHistory
from nextedit_jupyter.core.history import Origin, is_made_again, without_taken_back
from nextedit_jupyter.core.redact import holds_secret


def typed(cell: str, before: str, after: str, at: float) -> EditEvent:
    return EditEvent(cell, before, after, "typed", at)


def test_keystrokes_of_one_burst_are_one_event() -> None:
    history = EditHistory()
    text = ""
    for i, key in enumerate("x = 1"):
        history.append(typed("c", text, text + key, at=i * 0.2))
        text += key
    assert [(e.before, e.after) for e in history] == [("", "x = 1")]


def test_a_pause_another_cell_and_a_distant_line_each_begin_a_new_event() -> None:
    history = EditHistory()
    history.append(typed("c", "", "a", at=0))
    history.append(typed("c", "a", "ab", at=1.5))
    history.append(typed("d", "", "a", at=1.6))
    far = "\n" * 20
    history.append(typed("d", "a" + far, "aa" + far, at=1.7))
    history.append(typed("d", "aa" + far, "aa" + far + "z", at=1.8))
    assert len(history) == 5


def test_what_is_reverted_is_dropped() -> None:
    history = EditHistory()
    history.append(typed("c", "a", "ab", at=0))
    history.append(typed("c", "ab", "a", at=0.5))
    assert len(history) == 0
    history.append(typed("c", "a", "ab", at=0))
    history.append(EditEvent("c", "ab", "a", "undone", at=9))
    assert len(history) == 0


@pytest.mark.parametrize("origin", ["undone", "typed"])
def test_what_was_accepted_and_taken_back_stays_as_both(origin: Origin) -> None:
    history = EditHistory()
    history.append(EditEvent("c", "lw", "linewidth", "accepted", at=0))
    history.append(EditEvent("d", "lw", "linewidth", "accepted", at=0))
    history.append(EditEvent("c", "linewidth", "lw", origin, at=9))
    assert [(e.cell, e.origin) for e in history] == [
        ("c", "accepted"),
        ("d", "accepted"),
        ("c", "undone"),
    ]
    history.append(EditEvent("c", "lw", "linewidth", "undone", at=19))  # redone
    assert [(e.cell, e.origin) for e in history] == [("c", "accepted"), ("d", "accepted")]


def test_what_an_accepted_offer_takes_back_is_not_refused() -> None:
    history = EditHistory()
    history.append(EditEvent("c", "lw", "linewidth", "accepted", at=0))
    history.append(EditEvent("c", "linewidth", "lw", "accepted", at=9))
    assert [e.origin for e in history] == ["accepted", "accepted"]


def test_what_is_typed_back_key_by_key_is_taken_back() -> None:
    history = EditHistory()
    history.append(EditEvent("c", "lw", "lwidth", "accepted", at=0))
    for n, text in enumerate(["lwidt", "lwid", "lwi", "lw"]):
        history.append(typed("c", "lwidth"[: 6 - n], text, at=5 + n / 10))
    assert [e.origin for e in history] == ["accepted", "undone"]
    history.append(typed("c", "lw", "lws", at=5.5))
    assert [e.origin for e in history] == ["accepted", "undone", "typed"]


def test_without_what_was_taken_back_the_rest_still_follows_on() -> None:
    history = EditHistory()
    history.append(typed("a", "x", "y", at=0))
    for cell, origin, at in (("b", "accepted", 1), ("c", "accepted", 2), ("b", "undone", 9)):
        texts = ("y", "x") if origin == "undone" else ("x", "y")
        history.append(EditEvent(cell, *texts, cast(Origin, origin), at))
    history.append(typed("b", "x", "z", at=20))
    kept = without_taken_back(history.events)
    assert [(e.cell, e.before, e.after) for e in kept] == [
        ("a", "x", "y"),
        ("c", "x", "y"),
        ("b", "x", "z"),
    ]


def test_what_was_undone_and_is_made_again_is_an_edit_again() -> None:
    history = EditHistory()
    history.append(typed("c", "a", "ab", at=0))
    history.append(typed("d", "", "x", at=2))
    history.append(EditEvent("c", "ab", "a", "undone", at=9))
    history.append(typed("c", "a", "ab", at=20))
    assert [e.origin for e in history] == ["typed", "typed", "undone", "typed"]
    assert is_made_again(history.events, 0)
    assert is_made_again(history.events, 2)
    assert not is_made_again(history.events[1:3], 0)
    assert not is_made_again(history.events[:3], 0)


def test_the_ring_keeps_the_newest() -> None:
    history = EditHistory(max_events=3)
    for i in range(9):
        history.append(typed(f"c{i}", "", "a", at=i))
    assert [e.cell for e in history] == ["c6", "c7", "c8"]


def test_a_pasted_key_is_never_held_and_takes_the_cells_past_along() -> None:
    history = EditHistory()
    history.append(typed("c", "", "key = ", at=0))
    history.append(typed("other", "", "x = 1", at=1))
    secret = 'key = "sk-ant-Zk81hQpLw02nVbRt77aaYeTu"'
    history.append(EditEvent("c", "key = ", secret, "pasted", at=5))
    history.append(EditEvent("c", secret, "key = ", "typed", at=6))
    assert [e.cell for e in history] == ["other"]


@pytest.mark.parametrize(
    "text",
    [
        'api_key = "d8e8fca2dc0f896fd7cb4cb0031ba249"',
        "os.environ['AWS_SECRET_ACCESS_KEY'] = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzz'",
        '{"password": "hunter2hunter2"}',
        "%env OPENAI_API_KEY=abc123def456ghi789",
        "!export DB_PASSWORD=Tr0ub4dor3xyz",
        "engine = create_engine('postgresql://me:s3cr3tpw@db/prod')",
        "headers = {'Authorization': 'Bearer abcdef0123456789ABCDEF'}",
        "AKIAIOSFODNN7ABCDEFG",
        "-----BEGIN RSA PRIVATE KEY-----",
        "connect(user='me', password='correcthorse9')",
        "login(token='hf_abcdefghijklmnopqrstuvwx')",
    ],
)
def test_secrets_are_recognised(text: str) -> None:
    assert holds_secret(f"import os\n{text}\nprint('done')")


@pytest.mark.parametrize(
    "text",
    [
        "token = tokenizer.encode(text)",
        "password = getpass.getpass()",
        "api_key = os.environ['API_KEY']",
        "key = 'species'",
        "df.sort_values(key='petal_length_cm')",
        "tokens = ['the', 'quick']",
        "commit = 'd8e8fca2dc0f896fd7cb4cb0031ba249'",
        "url = 'https://example.org/data.csv'",
        "api_key = '<your key here>'",
        "plt.title('Tokens seen in training')",
        "secret = None",
    ],
)
def test_ordinary_code_is_no_secret(text: str) -> None:
    assert not holds_secret(text)
