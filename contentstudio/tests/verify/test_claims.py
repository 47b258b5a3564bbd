"""What a sentence says otherwise than its passage is told by its kind; what is true passes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from contentstudio.text import packs
from contentstudio.verify import claims
from contentstudio.verify.statements import read

PAIRS: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "pairs.toml").read_text("utf-8")
)["pair"]
SAID = [(p["language"], text, p["passage"]) for p in PAIRS for text in p["said"]]
TURNED = [
    (p["language"], kind, text, p["passage"]) for p in PAIRS for kind, text in p["turned"].items()
]


def kinds(text: str, passage: str, language: str) -> list[str]:
    found = claims.findings(read(text, language), [read(passage, language)])
    assert all(finding.passage for finding in found)
    return [finding.kind for finding in found]


@pytest.mark.parametrize(("language", "text", "passage"), SAID)
def test_a_sentence_that_is_true_to_its_passage_passes(
    language: str, text: str, passage: str
) -> None:
    assert kinds(text, passage, language) == []


@pytest.mark.parametrize(("language", "kind", "text", "passage"), TURNED)
def test_a_sentence_that_turns_its_passage_is_told_by_kind(
    language: str, kind: str, text: str, passage: str
) -> None:
    assert kind in kinds(text, passage, language)


def test_the_pairs_are_in_every_language_that_has_a_pack() -> None:
    assert {p["language"] for p in PAIRS} == set(packs.LANGUAGES)


def test_a_passage_that_says_the_same_clears_the_sentence() -> None:
    sentence = read("Garlic lowers the blood pressure.", "en")
    unsure = read("Garlic may lower the blood pressure.", "en")
    sure = read("Garlic lowers the blood pressure.", "en")
    assert claims.findings(sentence, [unsure])
    assert claims.findings(sentence, [unsure, sure]) == []


def test_a_question_and_a_distant_passage_say_nothing() -> None:
    passage = [read("Bees cannot reach the nectar of double roses.", "en")]
    assert claims.findings(read("Can bees reach the nectar of double roses?", "en"), passage) == []
    assert claims.findings(read("Bees sleep in dead stems.", "en"), passage) == []
    assert claims.findings(read("Bees can reach the nectar of double roses.", "en"), []) == []
