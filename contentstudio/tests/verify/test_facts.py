"""A person's name, and how far something is the first, are compared with the whole source."""

from __future__ import annotations

import pytest

from contentstudio.verify import facts
from contentstudio.verify.statements import read

SOURCES = {
    "en": "Jakob Rehm keeps the clock. It is the oldest clock in the town.",
    "es": "Clara Ruiz cuida el reloj. Es el más antiguo de la villa.",
    "nl": "Jan Vermeer past op de klok. Het is de oudste klok van de stad.",
}


def found(text: str, language: str) -> list[str]:
    parts = [read(part, language) for part in SOURCES[language].split(". ")]
    return [
        f.kind
        for f in facts.findings(read(text, language), parts, read(SOURCES[language], language))
    ]


@pytest.mark.parametrize(
    ("language", "text", "kinds"),
    [
        ("en", "Jonas Rehm keeps the clock.", ["name"]),
        ("en", "Jakob Rehm keeps the clock.", []),
        ("en", "Every Monday Rehm keeps the clock.", []),
        ("es", "Ana Ruiz cuida el reloj.", ["name"]),
        ("es", "Clara Ruiz cuida el reloj.", []),
        ("nl", "Piet Vermeer past op de klok.", ["name"]),
        ("en", "It is the oldest clock in the world.", ["superlative"]),
        ("en", "It is the oldest clock in the town.", []),
    ],
)
def test_names_and_superlatives_are_those_of_the_source(
    language: str, text: str, kinds: list[str]
) -> None:
    assert found(text, language) == kinds
