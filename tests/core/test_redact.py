"""What the redactor refuses, what it lets pass, and that neither takes long."""

from __future__ import annotations

import base64
import json
import random
import re
import string
import subprocess
import sys

import pytest
from secret_cases import PLAIN, SECRETS, VARIANTS
from secret_families import FAMILIES
from secret_families import filled as filled_families
from secret_forms import filled
from secret_kinds import HARMLESS
from secret_kinds import MISSED as MISSED_KINDS
from secret_kinds import SHAPES as KINDS
from secret_places import HARMLESS as OPEN_PLACES
from secret_places import filled as filled_places
from secret_services import filled as filled_services
from secret_services import harmless as harmless_services
from secret_shapes import MISSED
from secret_shapes import SHAPES as MORE

from nextedit_jupyter.core.redact import begins_secret, find_secret, holds_secret
from nextedit_jupyter.core.secret_names import MAX_STEPS
from nextedit_jupyter.core.secret_rules import SHAPES


def in_a_cell(text: str) -> str:
    return text if text.lstrip().startswith("%%") else f"import os\n{text}\nprint('done')"


@pytest.mark.parametrize("text", [*SECRETS.values(), *VARIANTS])
def test_a_secret_is_recognised_alone_and_among_other_lines(text: str) -> None:
    assert holds_secret(text)
    assert holds_secret(in_a_cell(text))


def test_of_the_other_shapes_all_but_the_named_few_are_recognised() -> None:
    """The few are named, so that one more that is missed does not pass unseen."""
    missed = {name for name, text in MORE.items() if not holds_secret(text)}
    assert missed == MISSED
    assert len(MISSED) < len(MORE) / 50


def test_of_the_kinds_by_vendor_library_and_file_all_but_the_named_few_are_recognised() -> None:
    missed = {name for name, text in KINDS.items() if not holds_secret(text)}
    assert missed == MISSED_KINDS
    assert len(MISSED_KINDS) < len(KINDS) / 40


def test_of_three_hundred_forms_with_any_values_all_but_a_few_are_recognised() -> None:
    texts = [text for seed in range(4) for _, text in filled(seed)]
    missed = [text for text in texts if not holds_secret(text)]
    assert len(missed) < len(texts) / 40, missed


@pytest.mark.parametrize("family", FAMILIES)
def test_of_each_family_nineteen_of_twenty_are_recognised_with_any_values(family: str) -> None:
    forms = [
        (form, text)
        for seed in range(3)
        for name, form, text in filled_families(seed)
        if name == family
    ]
    missed = [
        form for form, text in forms if not (holds_secret(text) and holds_secret(in_a_cell(text)))
    ]
    # Of most, all: what is left is a password in pieces, or a key that no name goes with.
    assert len(missed) <= len(forms) * (0.12 if family == "concatenated" else 0.06), set(missed)


def test_of_places_by_command_table_and_header_nineteen_of_twenty_are_recognised() -> None:
    found = [
        (place, holds_secret(text)) for seed in range(8) for place, text in filled_places(seed)
    ]
    missed = [place for place, is_found in found if not is_found]
    assert len(missed) <= len(found) / 20, missed
    assert all(missed.count(place) <= 3 for place in missed), missed


def test_of_services_stores_files_and_languages_all_but_one_in_fifty_are_recognised() -> None:
    found = [
        (form, holds_secret(text) and holds_secret(in_a_cell(text)))
        for seed in range(4)
        for form, text in filled_services(seed)
    ]
    missed = [form for form, is_found in found if not is_found]
    assert len(missed) <= len(found) / 50, missed


def test_what_looks_like_a_services_secret_and_is_none_is_let_pass() -> None:
    texts = [text for seed in range(4) for text in harmless_services(seed)]
    assert [text for text in texts if holds_secret(text) or holds_secret(in_a_cell(text))] == []


@pytest.mark.parametrize("text", OPEN_PLACES)
def test_the_same_places_without_a_secret_are_let_pass(text: str) -> None:
    assert not holds_secret(text)


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_sums_names_and_forms_are_let_pass(text: str) -> None:
    assert not holds_secret(text)
    assert not holds_secret(in_a_cell(text))


@pytest.mark.parametrize("text", PLAIN)
def test_what_holds_no_secret_is_let_pass(text: str) -> None:
    assert not holds_secret(text)
    assert not holds_secret(in_a_cell(text))


@pytest.mark.parametrize("name", ["password", "db_password", "self.passwd", "SMTP_PASS", "secret"])
@pytest.mark.parametrize(
    "value", ["swordfish", "hunter2", "my_cat", "xxxAnna", "an example 7", "öäü€ß"]
)
@pytest.mark.parametrize(
    "form",
    [
        "{n} = {v!r}",
        "{n}: str = {v!r}",
        "{n} = ({v!r})",
        "{n} = (\n    {v!r}\n)",
        "{n} = ''' {v}\n'''",
        "{n} = {a!r} + {b!r}",
        "{n} = ({a!r}\n    {b!r})",
        "f(x, {n}={v!r})",
        "d['{n}'] = {v!r}",
        "d = {{'user': u, '{n}': {v!r}}}",
        "{n} = os.getenv('X') or {v!r}",
        "user, {n} = 'ann', {v!r}",
    ],
)
def test_any_word_given_to_a_password_is_refused_however_it_is_written(
    name: str, value: str, form: str
) -> None:
    text = form.format(n=name, v=value, a=value[:3], b=value[3:])
    assert holds_secret(text), text


@pytest.mark.parametrize("length", [24, 32, 40, 48, 64])
@pytest.mark.parametrize("kind", ["base62", "base64", "base64url", "hex"])
def test_nine_of_ten_keys_without_name_or_shape_are_recognised(length: int, kind: str) -> None:
    rng = random.Random(7)
    seen = 0
    for _ in range(300):
        noise = rng.randbytes(length * 3 // 4)
        key = {
            "base62": "".join(rng.choices(string.ascii_letters + string.digits, k=length)),
            "base64": base64.b64encode(noise).decode(),
            "base64url": base64.urlsafe_b64encode(noise).decode(),
            "hex": rng.randbytes(length // 2).hex(),
        }[kind]
        seen += holds_secret(f"client = Client({key!r})")
    assert seen >= (270 if length > 24 or kind != "hex" else 200)
    assert seen >= 200


def test_what_is_found_says_what_and_where() -> None:
    text = "x = 1\nengine = create_engine('postgres://ann:hunter2@db/x')"
    found = find_secret(text)
    assert found is not None
    assert (found.what, text[found.start : found.end]) == ("password in an address", "hunter2")


def test_a_text_with_too_many_names_to_look_at_is_refused_unread() -> None:
    assert not holds_secret("token = f(x)\n" * (MAX_STEPS // 2))
    assert holds_secret("token = f(x)\n" * (MAX_STEPS + 1))


@pytest.mark.parametrize("mark", ["sk-ant-", "ghp_", "xoxb-", "AKIA", "github_pat_", "hf_"])
def test_a_key_that_is_half_typed_is_told_from_other_words(mark: str) -> None:
    assert begins_secret(f"client = Client('{mark}")
    assert begins_secret(f"client = Client('{mark}a1")
    assert not begins_secret("client = Client('something')\nfrom hub import hf_hub_download")


def test_no_shape_is_missed_because_its_mark_is_not_in_it() -> None:
    """A mark is looked for first, so it must stand in all that its expression matches."""
    for text in (*SECRETS.values(), *VARIANTS):
        for what, mark, pattern in SHAPES:
            for match in re.finditer(pattern, text, re.ASCII):
                assert mark in match[0], what


HOSTILE = [
    "a", "é", "0", "key", "token ", "token=", "sig=", "password = (", "passwd", "'", '"', "\\",
    "\\'", "' + '", "'\n'", "' \\\n '", "://", "://a:", "://a:b@", "https://a:b/", "a@", " ",
    "\n", "\t", "-", "_", "/", "=", "+", "(", "{", "[", ",", ".", "#", "%", "$", "<password>",
    "x, password, ", "aZ9/", "password or ", "password.get(", 'f"{', "curl -u a:", "mysql -p",
    "echo ", "eyJ", "eyJa.", "sk-", "-----BEGIN ", "A", "M1", "auth=(", "auth=('a',",
    "login(a,", "d8e8fca2", "hooks.slack.com/services/",
]  # fmt: skip


@pytest.mark.slow
def test_no_text_takes_more_than_linear_time() -> None:
    """Quadratic time would take hours; the limit is the processor's time, not the clock's."""
    resource = pytest.importorskip("resource", reason="needs a limit on a process's time")
    code = (
        "import sys, json; from nextedit_jupyter.core.redact import holds_secret\n"
        "for piece in json.loads(sys.stdin.read()):\n"
        "    for head, tail in (('', ''), (\"key = 'k1'; x = '\", \"'\"), ('password = ', '')):\n"
        "        holds_secret(head + piece * (50_000 // len(piece)) + tail)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(HOSTILE),
        text=True,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (60, 60)),
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
