"""Stories and queries, factors, and what is decided on an idea."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.config import Research, Weights
from contentstudio.memory.embeddings import Lexical
from contentstudio.model import Demand
from contentstudio.research import ideas
from contentstudio.research.ideas import Near, Page, Story
from contentstudio.text.slugs import is_slug, slug_of
from contentstudio.text.titles import clean_title

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SCALE = {"same": Lexical.scale.same, "related": Lexical.scale.related}

BRIDGE = """Hartwell opened its first covered bicycle bridge on Tuesday. The bridge crosses the
Lindau river and is 210 metres long. It cost 14 million euros and took three years to build. Mayor
Ines Kolb cut the ribbon in front of some 400 cyclists. The roof carries solar panels that feed the
lamps at night. The city expects 5,000 riders a day, up from 1,800 who used the old ferry.
Engineers chose larch wood for the roof. The ferry stops after 61 years of service."""
AGAIN = """After three years of building, cyclists in Hartwell can ride across the Lindau river
under a roof. Mayor Ines Kolb opened the bridge this week; it is 210 metres long and was built of
larch wood for 14 million euros. Solar panels on the roof power its lamps. Until now a ferry took
some 1,800 people a day; it retires after 61 years. The town hall counts on 5,000 riders a day."""
COUNTED = """The city of Hartwell has put counters beside twelve cycle paths. They found that
22,000 riders pass on a usual Tuesday, most of them before nine. The busiest path follows the
Lindau river to the station. Mayor Ines Kolb said that the numbers will decide where the next paths
are built. Cyclists' groups asked the city to count lorries too."""


def page(
    title: str, text: str, url: str = "https://a.example/1", days_old: float | None = 1
) -> Page:
    published = None if days_old is None else NOW - timedelta(days=days_old)
    vector = Lexical().vector(f"{title}\n\n{text}")
    return Page(url, f"sha of {url}", "", title, len(text.split()), published, vector, text)


def story(days_old: float | None = 1, words: int = 400) -> Story:
    pages = (page("Compost that works | Potting Shed", "word " * words, days_old=days_old),)
    return Story(pages, "What to know about compost", "what-to-know-about-compost")


def near(kind: Any = "published", **changes: Any) -> Near:
    told = Near(
        "compost",
        kind,
        "Compost",
        "https://g.example/compost/",
        None,
        NOW - timedelta(days=10),
        0.6,
    )
    return replace(told, **changes)


def factors(
    story: Story, *documents: Near, demands: list[Demand] | None = None
) -> dict[str, float]:
    return ideas.factors(story, documents, demands or [], NOW, **SCALE)


def decide(story: Story, *documents: Near, **research: Any) -> ideas.Choice:
    return ideas.decide(story, documents, factors(story, *documents), Research(**research), NOW)


@pytest.mark.parametrize(
    ("title", "clean"),
    [
        ("Compost that works | Potting Shed", "Compost that works"),
        ("iOS 13 - what is new - The Blog", "iOS 13 - what is new"),
        ("A | long name behind the bar", "A | long name behind the bar"),
        ("Plain", "Plain"),
    ],
)
def test_a_title_loses_the_name_of_its_site(title: str, clean: str) -> None:
    assert clean_title(title) == clean


@given(st.text(min_size=1))
def test_every_title_has_a_slug_of_its_own_letters(title: str) -> None:
    slug = slug_of(title)
    assert slug
    assert len(slug) <= 80
    assert is_slug(slug)


def test_a_title_without_letters_has_a_slug_all_the_same() -> None:
    assert slug_of("!!!").startswith("topic-")
    assert slug_of("!!!") != slug_of("???")


def test_the_same_news_of_two_hosts_is_one_cluster_of_its_own() -> None:
    pages = [
        page("City opens first covered bike bridge", BRIDGE),
        page("Hartwell's covered bridge for cyclists is open", AGAIN, "https://b.example/2"),
        page("Hartwell counts its cyclists", COUNTED, "https://c.example/3"),
    ]
    for order in permutations(pages):
        found = ideas.stories(order, Lexical.scale.same)
        assert [[one.host for one in story.pages] for story in found] == [
            ["a.example", "b.example"],
            ["c.example"],
        ]


def test_pages_with_one_title_are_one_story_whatever_they_say() -> None:
    (one,) = ideas.stories(
        [page("News | A", BRIDGE), page("News | B", COUNTED, "https://b.example/2")], 0.9
    )
    assert [each.url for each in one.pages] == ["https://a.example/1", "https://b.example/2"]


def test_titles_that_differ_in_a_telling_sign_are_other_stories() -> None:
    pages = [page("C++ basics", BRIDGE), page("C# basics", COUNTED, "https://b.example/2")]
    assert len(ideas.stories(pages, 0.9)) == 2


def test_a_page_joins_the_story_that_it_is_most_like() -> None:
    longest = page("Bridge", f"{BRIDGE} {BRIDGE}")
    pages = [longest, page("Counters", f"{COUNTED} {COUNTED}"), page("Paths", COUNTED)]
    bridge, counters = ideas.stories(pages, 0.3)
    assert [one.title for one in bridge.pages] == ["Bridge"]
    assert [one.title for one in counters.pages] == ["Counters", "Paths"]


@given(
    st.integers(0, 5_000),
    st.one_of(st.none(), st.floats(-10, 10_000)),
    st.floats(-1, 1),
    st.floats(0.1, 1_000),
    st.sampled_from(["published", "own", "rejected"]),
)
def test_every_factor_and_the_score_lie_between_0_and_1(
    words: int, days_old: float | None, likeness: float, weight: float, kind: Any
) -> None:
    demands = [
        Demand(query="compost", source="s", weight=weight),
        Demand(query="mulch", source="s", impressions=9),
    ]
    found = factors(story(days_old, words), near(kind, likeness=likeness), demands=demands)
    assert set(found) == set(Weights().model_dump()) - {"urgency"}
    assert all(0 <= value <= 1 for value in [*found.values(), ideas.score(found, Weights())])


def test_longer_and_fresher_is_better() -> None:
    assert factors(story(words=100))["substance"] < factors(story(words=300))["substance"]
    assert (
        factors(story(300))["freshness"]
        < factors(story(60))["freshness"]
        < factors(story(1))["freshness"]
    )


def test_a_story_is_as_fresh_as_its_newest_page_or_neutral() -> None:
    both = Story((*story(600).pages, *story(1).pages))
    assert factors(both)["freshness"] == factors(story(1))["freshness"] > 0.99
    assert factors(story(None))["freshness"] == ideas.UNKNOWN


def test_another_host_supports_a_story_more_than_another_page() -> None:
    one, same, other = (
        page("A", "a", url) for url in ("https://a.ex/1", "https://www.a.ex/2", "https://b.ex/1")
    )
    assert factors(Story((one,)))["support"] == 0.5
    assert factors(Story((one, same)))["support"] == pytest.approx(0.55)
    assert factors(Story((one, other)))["support"] == 0.75


def test_what_people_look_for_counts_by_what_they_look_for_most() -> None:
    asked = [
        Demand(query="how compost works", source="s", impressions=999),
        Demand(query="worms", source="s", impressions=999),
    ]
    assert factors(story(), demands=asked)["demand"] == pytest.approx(1)
    assert factors(story(), demands=asked[1:])["demand"] == 0
    assert factors(story())["demand"] == ideas.UNKNOWN
    rare = [Demand(query="compost", source="s"), *asked[1:]]
    assert 0 < factors(story(), demands=rare)["demand"] < 0.2


def test_a_cluster_fits_similar_sites_and_competes_with_copies() -> None:
    strange, related, rival = (
        factors(story(), near(likeness=likeness))
        for likeness in (0.0, Lexical.scale.related, Lexical.scale.same)
    )
    assert (strange["fit"], related["fit"], rival["fit"]) == (0, 1, 1)
    assert (strange["competition"], related["competition"], rival["competition"]) == (1, 1, 0)
    assert factors(story(), near("rejected"))["fit"] == ideas.UNKNOWN


def test_a_post_for_the_same_query_competes_whatever_its_text() -> None:
    for rivalry, competition in ((0.5, 1), (0.75, 0.5), (1, 0)):
        found = ideas.factors(story(), [near(likeness=0)], [], NOW, **SCALE, rivalry=rivalry)
        assert found["competition"] == competition


def test_the_score_is_the_mean_by_the_weights_of_the_config() -> None:
    found = {**dict.fromkeys(Weights().model_dump(), 0.0), "demand": 1.0}
    assert ideas.score(found, Weights()) == pytest.approx(0.15 / 1.3)
    del found["urgency"]
    assert ideas.score(found, Weights()) == pytest.approx(0.15)
    only = Weights(substance=0, freshness=0, support=0, fit=0, competition=0)
    assert ideas.score(found, only) == 1


def test_a_story_that_is_near_to_nothing_is_written() -> None:
    choice = decide(story())
    assert (choice.decision, choice.target, choice.slug) == (
        "create",
        "what-to-know-about-compost",
        "what-to-know-about-compost",
    )
    assert choice.near is None


def test_a_low_score_is_skipped_with_the_figures() -> None:
    choice = decide(story(words=1), min_score=0.9)
    assert (choice.decision, choice.target) == ("skip", None)
    assert choice.reason == f"its score is {choice.score:.2f}; at least 0.90 is wanted"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (near("chosen", url=None), "near “Compost” (compost), which is about to be written"),
        (near("queued", url=None), "near “Compost” (compost), which is on its way"),
        (near("rejected", url=None, reason="off topic"), "which was rejected: off topic"),
        (near("own"), "near “Compost” (https://g.example/compost/), which is the owner's own"),
        (near("published"), "near “Compost” (https://g.example/compost/)"),
    ],
)
def test_a_story_near_a_document_is_skipped_with_the_reason(document: Near, why: str) -> None:
    choice = decide(story(), document, min_score=0)
    assert (choice.decision, choice.target) == ("skip", None)
    assert why in choice.reason
    assert choice.near == (document.url or document.slug)
    assert choice.likeness == 0.6


def test_news_rewrites_an_old_article_and_not_a_young_one() -> None:
    for days, decision, target in ((89, "skip", None), (90, "update", "compost")):
        choice = decide(story(), near(updated_at=NOW - timedelta(days=days)), min_score=0)
        assert (choice.decision, choice.target) == (decision, target)


def test_a_changed_source_rewrites_its_article_at_any_age() -> None:
    ours = story().pages[0]
    same, changed = {(ours.url, ours.sha256)}, {(ours.url, "what it was")}
    assert decide(story(), near(sources=frozenset(changed)), min_score=0).decision == "update"
    old = near(sources=frozenset(same), updated_at=NOW - timedelta(days=900))
    assert decide(story(), old, min_score=0).decision == "skip"


def test_a_story_that_scores_too_low_rewrites_no_article() -> None:
    old = near(updated_at=NOW - timedelta(days=900))
    assert decide(story(), old, min_score=1).decision == "skip"


def test_a_document_under_the_storys_slug_stops_it_in_any_case() -> None:
    mine = near("queued", slug=story().slug, title="Mine", likeness=0.0)
    assert "“Mine”" in decide(story(), near("own"), mine).reason


def test_a_page_dated_in_the_future_is_fresh_only_within_a_day() -> None:
    assert factors(story(days_old=-400))["freshness"] == ideas.UNKNOWN
    assert factors(story(days_old=-0.6))["freshness"] == 1.0


def test_what_is_old_is_not_fresh_whatever_else_speaks_for_it() -> None:
    old = decide(story(days_old=366, words=2_000), min_score=0)
    assert (old.decision, old.reason) == (
        "skip",
        "it is not fresh: its newest page is 366 days old",
    )
    assert old.factors["freshness"] == 0
    assert decide(story(days_old=364), min_score=0).decision == "create"
    assert decide(story(days_old=None), min_score=0).decision == "create"
    asked = replace(story(days_old=900), origin="query")
    assert decide(asked, min_score=0).decision == "create", "what readers ask may be old"


DEMANDS = [
    Demand(query="how hot is a compost heap", source="s", weight=9),
    Demand(query="compost", source="s", weight=5),
    Demand(query="why do bees dance", source="s"),
]


def test_a_query_names_the_stories_that_answer_it_as_one_idea() -> None:
    hot = "The heap gets hot. " * 4
    pages = [
        page("A compost heap that works", hot, "https://a.example/1"),
        page("Compost and how to turn it", hot * 2, "https://b.example/2"),
        page("Moles", "Moles dig. " * 9, "https://c.example/3"),
    ]
    named, other, alone = ideas.asked([Story((one,)) for one in pages], DEMANDS, "en")
    assert (named.title, named.origin) == ("How hot is a compost heap", "query")
    assert [one.url for one in named.pages] == ["https://b.example/2", "https://a.example/1"]
    assert [one.query for one in named.queries] == ["how hot is a compost heap", "compost"]
    assert [(one.kind, one.weight) for one in named.signals] == [
        ("query", 9),
        ("query", 5),
        ("story", 1),
        ("story", 1),
    ]
    assert (other.title, other.pages, other.queries) == ("", (pages[2],), ())
    assert (alone.title, alone.pages, alone.origin) == ("Why do bees dance", (), "query")


def test_a_query_that_no_page_answers_waits_for_a_person() -> None:
    (alone,) = ideas.asked([], DEMANDS[2:], "en")
    choice = ideas.decide(alone, [], factors(alone, demands=DEMANDS), Research(min_score=0), NOW)
    assert (choice.decision, choice.snapshots, choice.url) == ("skip", [], "")
    assert "approve it" in choice.reason
    assert set(choice.factors) == {"support", "demand", "fit", "competition"}


def test_a_due_date_that_comes_nearer_is_more_urgent() -> None:
    due = NOW.date() + timedelta(days=30)
    days = (40, 30, 10, 0, -3)
    found = [ideas.urgency(due, due - timedelta(days=n)) for n in days]
    assert found == sorted(found)
    assert (found[-2], found[-1]) == (1, 1)
    assert ideas.urgency(due, due - timedelta(days=61)) == 0


def test_an_idea_on_a_pillar_of_the_site_fits_better() -> None:
    fitting, other, unknown = (
        ideas.of_wish("How long do tomato seeds keep", [], pillars=pillars)["fit"]
        for pillars in (["Seeds", "Soil"], ["Moon phases"], [])
    )
    assert (fitting, other, unknown) == (1, 0, ideas.UNKNOWN)
    half = ideas.fit([], 1.0, ["Tomato sauce"], frozenset({"tomato"}))
    assert half == 0.5


def test_the_factors_that_are_shown_give_the_score() -> None:
    choice = decide(story(days_old=17, words=333), near(likeness=0.2))
    assert ideas.score(choice.factors, Weights()) == pytest.approx(choice.score, abs=5e-5)


def test_queries_that_differ_in_their_punctuation_are_one_idea() -> None:
    queries = ["why do bees dance", "why do bees dance?", "why do bees dance!"]
    demands = [Demand(query=query, source="s") for query in queries]
    (alone,) = ideas.asked([], demands, "en")
    assert alone.title == "Why do bees dance"


GERMAN = "Der Kompost wird warm. Im Haufen leben Würmer, und Komposthaufen brauchen Luft. " * 4


def test_a_query_is_answered_by_any_form_of_its_words() -> None:
    pages = [page("Warme Haufen mit Würmern", GERMAN), page("Maulwürfe", "Sie graben. " * 9)]
    asked = Demand(query="welcher wurm im warmen haufen", source="s", weight=9)
    named, other = ideas.asked([Story((one,)) for one in pages], [asked], "de")
    assert (named.queries, other.queries) == ((asked,), ())
    assert ideas.demand_for(named.queries, [asked]) == 1


def test_a_wish_fits_a_pillar_by_any_form_of_its_words() -> None:
    def fit(title: str, pillar: str) -> float:
        return ideas.of_wish(title, [], 0.0, [pillar], language="de")["fit"]

    assert fit("Warum Häuser aus Holz altern", "Holzhaus oder Haus") == 0.5
    assert fit("Was man über die Katze wissen sollte", "Wissen über die Stadt") == 0
