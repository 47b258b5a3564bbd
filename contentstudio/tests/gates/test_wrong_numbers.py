"""Each wrong number of an article is a fault of its own, with its place and its passage."""

from __future__ import annotations

import gate_suite
import pytest

from contentstudio.gates import sources
from contentstudio.gates.input import Case
from contentstudio.model import Fault, Section, Sentence

SOURCE = "The farm sells 40 litres of milk a day. Since May 2021 it has 12 cows."


def case(*sentences: Sentence) -> Case:
    content = {
        "title": "A farm",
        "description": "",
        "text": "",
        "source": {"s1": {"url": "https://farm.example/", "title": "Farm", "text": SOURCE}},
    }
    return gate_suite.full_case(
        gate_suite.draft_of(content, "farm").model_copy(
            update={"sections": [Section(heading="Milk", paragraphs=[list(sentences)])]}
        ),
        gate_suite.pool_of(content),
        gate_suite.site_of(content),
    )


def faults(*texts: str) -> list[Fault]:
    return list(sources.check(case(*(Sentence(text=t, source="s1") for t in texts))).faults)


def test_all_wrong_numbers_are_named_with_their_passages() -> None:
    found = faults("It sells 50 litres of milk.", "It has 12 cows.", "Since May 2020 it has cows.")
    assert [fault.place for fault in found] == ["sentence 1", "sentence 3"]
    assert found[0].passage == "The farm sells 40 litres of milk a day."
    assert found[1].passage == "Since May 2021 it has 12 cows."


@pytest.mark.parametrize(
    "text",
    [
        "It sells 400 litres of milk.",
        "It has fifteen cows.",
        "It sells 40 gallons of milk a day.",
        "It sells 40 litres of water a day.",
        "It sells 40 litres of milk a week.",
        "Since March 2021 it has cows.",
        "It has 12 tractors.",
    ],
)
def test_a_wrong_number_has_its_place(text: str) -> None:
    assert {fault.place for fault in faults("It has 12 cows.", text)} == {"sentence 2"}


def test_right_numbers_have_no_fault() -> None:
    assert faults("It sells 40 litres of milk, or 280 litres a week.", "It has twelve cows.") == []


def test_an_unknown_source_has_its_place() -> None:
    found = sources.check(gate_suite.bad_case("invented-source")).faults
    assert found
    assert all(fault.place.startswith("sentence ") for fault in found)
