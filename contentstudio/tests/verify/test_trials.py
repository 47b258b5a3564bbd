"""Whole articles: one that says the opposite of its source, sentence by sentence, and one that
invents without a source. The gate names each bad sentence, and none of the same articles told true.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from contentstudio.config import Site
from contentstudio.gates import claims
from contentstudio.gates.input import Case
from contentstudio.model import Draft, Reference, Section, Sentence, Snapshot
from contentstudio.text import packs

FOLDER = Path(__file__).parent


def read(name: str, key: str) -> list[dict[str, Any]]:
    found = tomllib.loads((FOLDER / name).read_text("utf-8"))[key]
    assert isinstance(found, list)
    return found


def case(sentences: list[Sentence], source: str, language: str) -> Case:
    snapshot = Snapshot(
        url="https://a.example/p", title="", text=source, sha256="a", language=language
    )
    draft = Draft(
        site="trial",
        slug="trial",
        title="?",
        description="?",
        sections=[Section(heading="?", paragraphs=[sentences])],
        references=[Reference.of("s1", snapshot)],
        writer="model",
        language=language,
    )
    site = Site(
        name="trial",
        url="https://trial.example",
        language=language,
        sources=["https://a.example/"],
    )
    return Case(draft, {"s1": snapshot}, site)


def named(made: Case) -> set[str]:
    verdict = claims.check(made)
    assert verdict.passed is not bool(verdict.faults)
    return {fault.place for fault in verdict.faults}


@pytest.mark.parametrize("language", packs.LANGUAGES)
def test_each_opposite_of_its_source_is_named(language: str) -> None:
    pairs = [pair for pair in read("pairs.toml", "pair") if pair["language"] == language]
    source = "\n\n".join(pair["passage"] for pair in pairs)
    texts = [text for pair in pairs for text in pair["turned"].values()]
    wrong = named(case([Sentence(text=text, source="s1") for text in texts], source, language))
    assert wrong == {f"sentence {number}" for number in range(1, len(texts) + 1)}


@pytest.mark.parametrize("language", packs.LANGUAGES)
def test_nothing_is_named_where_the_same_is_told_true(language: str) -> None:
    pairs = [pair for pair in read("pairs.toml", "pair") if pair["language"] == language]
    source = "\n\n".join(pair["passage"] for pair in pairs)
    texts = [text for pair in pairs for text in pair["said"]]
    made = case([Sentence(text=text, source="s1") for text in texts], source, language)
    assert [fault.text for fault in claims.check(made).faults] == []


@pytest.mark.parametrize("language", packs.LANGUAGES)
def test_each_invention_without_a_source_is_named_and_no_more(language: str) -> None:
    [told] = [each for each in read("unsourced.toml", "language") if each["code"] == language]
    texts = [*told["silent"], *told["stating"]]
    wrong = named(case([Sentence(text=text) for text in texts], told["source"], language))
    first = len(told["silent"]) + 1
    assert wrong == {f"sentence {number}" for number in range(first, len(texts) + 1)}


def test_a_fault_shows_its_sentence_and_the_passage() -> None:
    source = "Bees cannot reach the nectar of double roses. Ivy flowers in October."
    text = "Bees can reach the nectar of double roses."
    verdict = claims.check(case([Sentence(text=text, source="s1")], source, "en"))
    [fault] = verdict.faults
    assert (fault.place, fault.text) == ("sentence 1", text)
    assert fault.passage == "Bees cannot reach the nectar of double roses."
    assert "s1 denies what the sentence states" in fault.reason
    assert verdict.reason == fault.reason


def test_a_language_without_a_pack_is_said_not_to_be_measured() -> None:
    verdict = claims.check(case([Sentence(text="Puszcza jest duża.", source="s1")], "Las.", "pl"))
    assert (verdict.passed, verdict.checked) == (True, False)
    assert claims.unmeasured_in("pl") in verdict.reason


def test_a_source_in_another_language_is_not_compared() -> None:
    made = case([Sentence(text="Bees are not solitary.", source="s1")], "Bees are solitary.", "en")
    foreign = made.pool["s1"].model_copy(update={"language": "de"})
    assert claims.check(made).faults
    assert claims.check(Case(made.draft, {"s1": foreign}, made.site)).faults == ()
