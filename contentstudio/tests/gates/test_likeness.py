"""At the thresholds that are set by default, an edited copy of an article is caught, and another
article is not.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from contentstudio.config import Gates
from contentstudio.gates import duplicates
from contentstudio.gates.input import Case

NAMES = ["assistants", "boots", "bread", "chess", "clouds", "lighthouse", "owls", "swimming", "tea"]


def edited(sentences: list[str], words: list[str], seed: int) -> str:
    """Two thirds of the sentences in another order, every seventh word replaced."""
    rng = random.Random(seed)
    kept = rng.sample(sentences, 2 * len(sentences) // 3)
    return " ".join(
        rng.choice(words) if rng.random() < 0.15 else word for line in kept for word in line.split()
    )


@pytest.fixture
def bodies(good_case: Callable[[str], Case]) -> dict[str, list[str]]:
    return {name: [s.text for s in good_case(name).draft.sentences()] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_an_edited_copy_is_caught_and_another_article_is_not(
    name: str, bodies: dict[str, list[str]]
) -> None:
    words = [word for lines in bodies.values() for line in lines for word in line.split()]
    copy = duplicates.runs(edited(bodies[name], words, seed=1))
    gates = Gates()
    for other, lines in bodies.items():
        alike, copied = duplicates.shares(copy, duplicates.runs(" ".join(lines)))
        assert (alike > gates.max_similarity or copied > gates.max_copied) == (other == name)
