"""What a model makes of the signals of a night, and what code makes of its answer."""

from __future__ import annotations

import pytest

from contentstudio.config import Site
from contentstudio.model import Demand
from contentstudio.research import clusters
from contentstudio.research.clusters import Answer, Named
from contentstudio.research.ideas import Page, Story

SITE = Site(name="garden", url="https://garden.example", sources=["https://a.example"])
TITLES = ("A compost heap that works", "Turning compost", "Moles in the lawn")


def story(number: int) -> Story:
    url = f"https://{number}.example/"
    text = f"{TITLES[number - 1]} is told here. " * number
    return Story((Page(url, str(number), "", TITLES[number - 1], 9 * number, None, [], text),))


STORIES = [story(number) for number in (1, 2, 3)]
DEMANDS = [
    Demand(query="how hot is a compost heap", source="s", weight=9),
    Demand(query="what eats moles", source="s"),
]
SHOWN = {f"p{n}": one for n, one in enumerate(STORIES, 1)}
ASKED = {f"q{n}": one for n, one in enumerate(DEMANDS, 1)}


def joined(*named: tuple[str, list[str]]) -> dict[str, tuple[list[str], list[str]]]:
    """Title, or that of its page → (pages, queries) of what comes of an answer."""
    answer = Answer(ideas=[Named(title=title, signals=signals) for title, signals in named])
    found = clusters.joined(answer, SHOWN, ASKED, SITE, STORIES, DEMANDS)
    return {
        one.title or one.pages[0].title: (
            [page.sha256 for page in one.pages],
            [query.query for query in one.queries],
        )
        for one in found
    }


def test_an_answer_puts_signals_together_and_names_them() -> None:
    found = joined(("How to make compost in summer", ["p1", "q1", "p2"]))
    assert found["How to make compost in summer"] == (["2", "1"], ["how hot is a compost heap"])
    assert found["What eats moles"] == ([], ["what eats moles"]), "the rest is named without it"
    assert sum("3" in pages for pages, _ in found.values()) == 1


@pytest.mark.parametrize(
    "title",
    [
        "A compost heap that works",
        "compost heap that",
        "Moles in the lawn: what to know",
        "Hm",
        "x" * 81,
        "   ",
    ],
)
def test_a_title_that_is_a_sources_or_of_no_use_is_not_taken(title: str) -> None:
    found = joined((title, ["p1", "q2"]))
    assert "what eats moles" not in [
        q for pages, queries in found.values() if pages for q in queries
    ]
    assert sum("1" in pages for pages, _ in found.values()) == 1


def test_signals_that_are_not_there_or_have_an_idea_make_none() -> None:
    assert "How to make compost" not in joined(("How to make compost", ["p1", "p9"]))
    found = joined(("How to make compost", ["p1"]), ("How to turn a heap", ["p1", "p2"]))
    assert found["How to make compost"] == (["1"], [])
    assert "How to turn a heap" not in found
    assert sum(len(pages) for pages, _ in found.values()) == 3, "no page is lost"


def test_equal_signals_give_equal_prompts_with_sealed_texts() -> None:
    prompt = clusters.question(SITE, SHOWN, ASKED)
    assert prompt == clusters.question(SITE, SHOWN, ASKED)
    head = prompt.partition("<source-")[0]
    assert "compost" not in head
    assert 'id="q2">\nwhat eats moles' in prompt
