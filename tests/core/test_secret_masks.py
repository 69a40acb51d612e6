"""What names people and accounts is masked for others' machines, and comes back in answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.core.secret_masks import mask

CARD = "4539 5787 6362 1486"
IBAN = "DE89 3704 0044 0532 0130 00"


@pytest.mark.parametrize(
    "private",
    [
        "ann.lee+x@uni-bonn.de",
        "ANN@mail.example.co.uk",
        CARD,
        CARD.replace(" ", ""),
        CARD.replace(" ", "-"),
        "378282246310005",
        IBAN,
        IBAN.replace(" ", ""),
        "GB82WEST12345698765432",
    ],
)
def test_what_names_a_person_or_an_account_is_masked_and_restored(private: str) -> None:
    text = f"send(to='{private}', amount=3)\n# {private}"
    masked = mask(text)
    assert private not in masked.text
    assert masked.text.startswith("send(to='")
    assert masked.restored(masked.text) == text
    stand_in = masked.text.split("'")[1]
    assert masked.restored(f"cc('{stand_in}')") == f"cc('{private}')"


@pytest.mark.parametrize(
    "text",
    [
        "x = 4539578763621487",  # its check digit is wrong
        "t = 1700000000000",
        "a = [1111 , 2222, 3333]",
        "FR7630006000011234567890180",
        "user@example.com",
        "y = x @ w",
        "@property",
    ],
)
def test_other_numbers_and_words_stay(text: str) -> None:
    assert mask(text).text == text


def test_two_people_stay_two_and_one_stays_one() -> None:
    masked = mask("a@b.de, c@d.de, a@b.de, user001@example.com")
    first, second, third, fourth = masked.text.split(", ")
    assert first == third != second
    assert fourth == "user001@example.com" not in (first, second)


@given(st.text("ab1.@ -45XD0", max_size=60), st.sampled_from(["a@b.de", CARD, IBAN, "q@e.org"]))
def test_masking_loses_nothing(text: str, private: str) -> None:
    text = f"{text} {private} {text[::-1]}"
    masked = mask(text)
    assert masked.restored(masked.text) == text
