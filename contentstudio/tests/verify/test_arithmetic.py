"""A number that a sentence computes from one of its source is no invention."""

from __future__ import annotations

import pytest

from contentstudio.text import numbers
from contentstudio.text.wording import normal
from contentstudio.verify import arithmetic

SOURCE = (
    "The hall has 60 seats, 23 are taken. It opened in 1990, two decades ago. "
    "The rent is 150 euros a month."
)


def left(text: str) -> list[str]:
    readings = numbers.values(SOURCE, "en")
    unknown = [n for n in numbers.claimed(text, "en") if not n.values & readings]
    there = numbers.quantities(normal(SOURCE), "en")
    return [number.shown for number in arithmetic.unexplained(unknown, text, there, "en")]


@pytest.mark.parametrize(
    "text",
    [
        "23 of the 60 seats are taken, and 37 are free.",
        "The rent is 150 euros a month, or 1,800 euros a year.",
        "23 are taken, 37 fewer than there are.",
        "It opened 20 years ago.",
    ],
)
def test_what_arithmetic_gives_needs_no_source(text: str) -> None:
    assert left(text) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("23 of the 60 seats are taken, and 41 are free.", "41"),
        ("The rent is 150 euros a month, or 1,700 euros a year.", "1,700"),
        ("The hall has 37 seats.", "37"),
    ],
)
def test_what_it_does_not_give_is_left(text: str, number: str) -> None:
    assert left(text) == [number]
