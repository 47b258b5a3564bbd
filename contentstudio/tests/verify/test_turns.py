"""What a sentence turns round is told by one place of its source; what that says too passes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from contentstudio.gates import claims as gate
from contentstudio.text import packs
from contentstudio.text.sentences import placed
from contentstudio.verify import claims, facts, turns
from contentstudio.verify.statements import read

PAIRS: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "turns.toml").read_text("utf-8")
)["pair"]
SAID = [(p["language"], text, p["passage"]) for p in PAIRS for text in p["said"]]
TURNED = [(p["language"], kind, text, p["passage"]) for p in PAIRS for kind, text in p["turned"]]


def kinds(text: str, source: str, language: str) -> list[str]:
    """The kinds of what is found, as the gate looks for it."""
    claim = read(text, language)
    passages = [read(sentence, language) for sentence, _ in placed(source, language)]
    found = claims.findings(claim, passages)
    found += facts.findings(claim, passages, read(source, language))
    return [finding.kind for finding in found or turns.findings(claim, passages)]


@pytest.mark.parametrize(("language", "text", "source"), SAID)
def test_what_a_place_of_the_source_says_too_passes(language: str, text: str, source: str) -> None:
    assert kinds(text, source, language) == []


@pytest.mark.parametrize(("language", "kind", "text", "source"), TURNED)
def test_what_a_place_of_the_source_says_otherwise_is_named(
    language: str, kind: str, text: str, source: str
) -> None:
    assert kind in kinds(text, source, language)


def test_each_language_with_a_pack_has_a_pair_that_is_turned() -> None:
    assert {language for language, *_ in TURNED} == set(packs.LANGUAGES)
    assert not any(map(gate.unmeasured_in, packs.LANGUAGES))


def test_a_question_turns_nothing_round() -> None:
    passage = read("Some owners of barges worry that the lock will close.", "en")
    assert turns.findings(read("Do all owners of barges worry?", "en"), [passage]) == []


@pytest.mark.parametrize(
    ("language", "text", "source"),
    [
        (
            "en",
            "It is the oldest mill in Europe.",
            "It is a mill. Nobody thought it would ever run.",
        ),
        ("es", "Es el molino más alto de toda la costa.", "El molino mide diez metros."),
    ],
)
def test_a_superlative_of_a_region_that_no_source_has_is_told(
    language: str, text: str, source: str
) -> None:
    assert "superlative" in kinds(text, source, language)


def test_more_of_something_in_a_region_is_no_superlative() -> None:
    source = "Trains carried many people last year."
    assert kinds("Trains carry more people in Europe.", source, "en") == []
