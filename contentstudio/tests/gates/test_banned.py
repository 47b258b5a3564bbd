"""The words to avoid of a site's profile are banned, like the phrases of its gates."""

from __future__ import annotations

from typing import Any

import pytest
from drafts import small_draft

from contentstudio.config import Gates, Profile, Site
from contentstudio.gates import banned
from contentstudio.gates.input import Case


def case(text: str, **changes: Any) -> Case:
    values = {"name": "garden", "url": "https://garden.example", "sources": ["https://a.example"]}
    return Case(small_draft(text=text), {}, Site.model_validate(values | changes))


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("This trick is a GAME changer.", "game changer"),
        ("A life\u2011hack for heaps.", "life-hack"),  # with a hyphen that does not break
        ("Das ist ein Geheimtipp.", "Geheimtipp"),
    ],
)
def test_a_word_to_avoid_is_found_and_named(text: str, phrase: str) -> None:
    avoiding = Profile(avoid=["synergy", phrase])
    verdict = banned.check(case(text, profile=avoiding))
    assert not verdict.passed and f"“{phrase}”" in verdict.reason
    assert banned.check(case(text)).passed


def test_part_of_a_word_is_not_the_word() -> None:
    verdict = banned.check(case("Hacksaws cut wood.", profile=Profile(avoid=["hack"])))
    assert verdict.passed and "1 banned phrase" in verdict.reason


def test_the_phrases_of_the_gates_stay_banned() -> None:
    both = {"profile": Profile(avoid=["hack"]), "gates": Gates(banned=["synergy"])}
    assert not banned.check(case("What a synergy.", **both)).passed
    assert "2 banned phrases" in banned.check(case("What a heap.", **both)).reason
