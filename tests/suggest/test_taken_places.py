"""Places that are spoken for: as a search through all of them says, in a fraction of the steps."""

from __future__ import annotations

import random

import pytest

from nextedit_jupyter.suggest.judge.taken import TakenPlaces


@pytest.mark.parametrize("seed", range(30))
def test_a_place_is_taken_where_one_of_all_places_touches_it(seed: int) -> None:
    draw = random.Random(seed)
    taken, every = TakenPlaces(), list[tuple[int, int, int]]()
    for _ in range(60):
        cell, start = draw.randrange(2), draw.randrange(40)
        end = start + draw.choice((0, 0, 1, 2, 5, 12))
        found = any(
            c == cell and ((start < e and s < end) or (start, end) == (s, e)) for c, s, e in every
        )
        assert taken.touches(cell, start, end) == found
        if draw.random() < 0.5:
            taken.add(cell, start, end)
            every.append((cell, start, end))
