"""The stems of words, whoever else asks for stems at that moment."""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from contentstudio.verify import statements


def words(count: int) -> list[str]:
    dice = random.Random(7)
    syllables = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
    ends = ("ing", "s", "ed", "ly", "ness", "")
    return [
        "".join(dice.choices(syllables, k=dice.randint(2, 6))) + dice.choice(ends)
        for _ in range(count)
    ]


@pytest.mark.parametrize("language", ["en", "de"])
def test_articles_judged_side_by_side_get_the_same_stems(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "_stem", statements._stem.__wrapped__)  # without its cache
    every = words(3_000)
    alone = [statements.stem(word, language) for word in every]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as threads:
            together = [
                threads.submit(lambda: [statements.stem(word, language) for word in every])
                for _ in range(8)
            ]
            assert all(future.result() == alone for future in together)
    finally:
        sys.setswitchinterval(usual)
