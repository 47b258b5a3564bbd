"""A sentence without a source states nothing, or is told; in every language that has a pack."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from contentstudio.model import Snapshot
from contentstudio.text import packs
from contentstudio.verify import unsourced
from contentstudio.verify.pool import Pool
from contentstudio.verify.statements import read

LANGUAGES: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "unsourced.toml").read_text("utf-8")
)["language"]
STATING = [(each["code"], text) for each in LANGUAGES for text in each["stating"]]
SILENT = [(each["code"], text) for each in LANGUAGES for text in each["silent"]]


def pool(language: str) -> Pool:
    [text] = [each["source"] for each in LANGUAGES if each["code"] == language]
    snapshot = Snapshot(
        url="https://a.example/", title="Compost", text=text, sha256="0", language=language
    )
    return Pool.of({"s1": snapshot}, language)


def faults(text: str, language: str) -> list[str]:
    sentence, sources = read(text, language), pool(language)
    reason = unsourced.statement_of(sentence, sources)
    return [*([reason] if reason else []), *sources.unknown_names(sentence)]


def test_every_language_that_has_a_pack_is_tried() -> None:
    assert {each["code"] for each in LANGUAGES} == set(packs.LANGUAGES)


@pytest.mark.parametrize(("language", "text"), STATING)
def test_an_invention_is_told_without_a_digit_in_it(language: str, text: str) -> None:
    assert faults(text, language)


@pytest.mark.parametrize(("language", "text"), SILENT)
def test_what_states_nothing_needs_no_source(language: str, text: str) -> None:
    assert faults(text, language) == []
