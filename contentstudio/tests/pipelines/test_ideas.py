"""From the pages of a night to ideas: a story once, measured against what the site has and what it
shall not have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contentstudio import app as studio
from contentstudio.config import Config, Gates
from contentstudio.memory.embeddings import Lexical, Scale, Vector
from contentstudio.model import Draft, Section, Sentence
from contentstudio.store.documents import Documents
from contentstudio.store.ideas import Ideas
from contentstudio.store.sql import queries
from overnight.operations import runs, switches
from overnight.store.database import Database, Row
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

Night = Callable[..., Any]

BRIDGE = [
    "Hartwell opened its first covered bicycle bridge on Tuesday, and some 400 cyclists "
    "came to see it.",
    "The bridge crosses the Lindau river and is 210 metres long, with a roof of larch wood.",
    "It cost 14 million euros and took three years to build, one year more than was planned.",
    "Mayor Ines Kolb cut the ribbon and rode across first, followed by a brass band on "
    "cargo bicycles.",
    "The roof carries solar panels that feed the lamps at night and the ticket machines "
    "on both banks.",
    "The city expects 5,000 riders a day, up from the 1,800 who used the old ferry until now.",
    "Engineers chose larch because it lasts without paint, which saves the city a repair "
    "every eight years.",
    "The old ferry stops at the end of the month, after 61 years of service on the Lindau river.",
]
AGAIN = [
    "After three years of building, cyclists in Hartwell can ride across the Lindau "
    "river under a roof.",
    "Mayor Ines Kolb opened the bridge this week, which is 210 metres long and was built "
    "of larch wood.",
    "The price was 14 million euros, and one year of delay was part of it, the town hall says.",
    "Solar panels on the roof power the lamps of the bridge at night, so that riders see the way.",
    "Until now a ferry took some 1,800 people a day to the other bank of the river.",
    "The ferry will retire at the end of the month after 61 years, and its crew moves to "
    "the harbour.",
    "The city counts on 5,000 riders a day, and cyclists hope for better paths on the north bank.",
]
MOON = [
    "The moon goes around the earth in about 27 days, and always shows us the same side "
    "of its face.",
    "A full moon rises at sunset and sets at sunrise, because it stands opposite the sun "
    "in the sky.",
    "At new moon the dark side looks at us, and stars are easier to see in the darkness "
    "of the night.",
    "The first quarter stands high in the evening, and its shadows make craters easy to "
    "see in binoculars.",
    "Each phase lasts for about a week, and the light grows from the right in the "
    "northern half of the world.",
    "An eclipse of the moon comes only at full moon, when the earth stands between the "
    "sun and the moon.",
]

PATHS = [
    "A gravel path drains well, and a layer of sand below it keeps weeds from growing "
    "through the stones.",
    "Dig out a hand's width of soil, and press the ground with a roller before anything "
    "is filled in.",
    "Edges of brick hold the gravel, because without them it moves into the lawn within "
    "a single winter.",
    "A path for a wheelbarrow is as wide as two feet, and a slope of two in a hundred "
    "leads the rain away.",
    "Rake the path in spring, pull out what grows in it, and fill up the hollows with "
    "fresh gravel.",
    "Paths of bark are softer and cheaper, but they rot, and have to be filled up again "
    "every other year.",
    "Stepping stones need a bed of sand, and the distance between two of them is that of "
    "a short step.",
]


def page(title: str, sentences: list[str], day: str = "2026-11-20") -> bytes:
    paragraphs = "".join(
        f"<p>{' '.join(sentences[n : n + 2])}</p>" for n in range(0, len(sentences), 2)
    )
    head = f"<title>{title}</title><meta property='article:published_time' content='{day}'>"
    return (
        f"<html lang='en'><head>{head}</head><body><article>{paragraphs}</article></body></html>"
    ).encode()


@pytest.fixture
def night(
    small_web: Any, database: Database, clock: Clock, write_config: Callable[..., Config]
) -> Night:
    """Runs a night over some paths of the small web; what was decided in it, by slug."""

    async def run(*paths: str, day: int = 23, extra: str = "") -> dict[str, Row]:
        config = write_config([small_web.url + path for path in paths], extra=extra)
        (site,) = config.site
        lenient = site.model_copy(
            update={"gates": Gates(min_words=20, min_flesch=0, max_copied=1, max_similarity=1)}
        )
        config = config.model_copy(update={"site": [lenient]})
        app = studio.build(config)
        date = f"2026-11-{day}"
        await runs.start(app, database, "night", {"date": date, "sites": ["garden"]})
        await run_until_idle(app, database, clock=clock)
        rows = await database.fetch("select * from choices where found_on = %s", [date])
        return {row["slug"]: row for row in rows}

    return run


@pytest.fixture
async def research_only(database: Database) -> None:
    """What comes of ideas is for other tests."""
    await switches.pause(database, "pipeline:article", reason="research only")


async def test_one_story_from_two_sources_is_one_topic_that_cites_both(
    small_web: Any, database: Database, night: Night
) -> None:
    small_web.answers |= {
        "/a": page("A covered bridge for cyclists", BRIDGE),
        "/b": page("Hartwell rides under a roof", AGAIN),
        "/c": page("Phases of the moon", MOON),
    }
    found = await night("/a", "/b", "/c")
    assert {slug: (row["decision"], len(row["snapshots"])) for slug, row in found.items()} == {
        "what-to-know-about-bridge-and-roof": ("create", 2),
        "what-to-know-about-moon-and-phases": ("create", 1),
    }
    (row,) = await database.fetch(
        "select output->'references' as pool from runs where step = 'generate' and key = 'garden' "
        "and output->>'slug' like '%%-bridge-and-roof'",
        {"x": 1},
    )
    assert {reference["url"][-2:] for reference in row["pool"]} <= {"/a", "/b"}


async def test_stories_with_titles_of_one_slug_get_slugs_of_their_own(
    small_web: Any, database: Database, night: Night
) -> None:
    titles = ["Das ist schon der Kurs", "Das ist schön der Kurs", "公式"]
    moon = [
        *MOON,
        "Moonlight is the light of the sun, which the grey dust of the moon throws back "
        "to us at night.",
    ]
    texts = [BRIDGE, moon, PATHS]
    pages = list(zip("abc", titles, texts, strict=True))
    small_web.answers |= {f"/{name}": page(title, text) for name, title, text in pages}
    first = await night("/a")
    assert len(first) == 1
    second = await night("/a", "/b", "/c", day=24)
    assert {row["decision"] for row in second.values()} == {"create"}
    small_web.answers |= {
        f"/{name}": page(title, [*text, "More of it."]) for name, title, text in pages
    }
    third = await night("/a", "/b", "/c", day=25)
    assert set(third) == {*first, *second} and len(third) == 3
    assert {row["decision"] for row in third.values()} <= {"update", "skip"}
    ideas = {
        row["slug"]: row["title"] for row in await database.fetch("select slug, title from ideas")
    }
    assert set(ideas) == set(third)
    assert not {*ideas.values()} & {*titles}


async def test_an_owners_post_keeps_its_slug_from_another_story(database: Database) -> None:
    url = "https://garden.example/a-bridge/"
    await Documents(database, Lexical()).keep_own_post(
        "garden", url, "The bridge of my nose", " ".join(MOON)
    )
    memory = Ideas(database)
    assert await memory.slug_for("garden", "The bridge of my nose", {}) == "the-bridge-of-my-nose"
    assert (await memory.slug_for("garden", "A bridge", {})).startswith("a-bridge-")
    assert await memory.slug_for("other", "A bridge", {}) == "a-bridge"
    assert (await memory.slug_for("other", "A bridge", {"a-bridge": "Ä bridge"})).startswith(
        "a-bridge-"
    )


async def test_pages_that_come_one_after_another_are_judged_together(
    small_web: Any, database: Database, night: Night, research_only: None
) -> None:
    small_web.answers |= {
        "/a": page("A bridge", BRIDGE),
        "/b": page("A roof", AGAIN),
        "/c": page("A moon", MOON),
    }
    await night("/a", "/b", "/c")
    assert (await database.one("select count(*) as n from runs where step = 'choose'")) == {"n": 1}


async def test_a_returning_story_is_skipped_and_names_its_article(
    small_web: Any, database: Database, night: Night
) -> None:
    small_web.answers |= {
        "/a": page("A covered bridge for cyclists", BRIDGE),
        "/b": page("A roof", AGAIN),
    }
    await night("/a")
    (choice,) = (await night("/b", day=24)).values()
    assert (choice["decision"], choice["target"]) == ("skip", None)
    assert (
        choice["near"] == "https://garden.example/what-to-know-about-a-covered-bridge-and-cyclists/"
    )
    assert choice["near"] in choice["reason"]
    assert (await database.one("select count(*) as n from runs where step = 'generate'")) == {
        "n": 1
    }


async def test_a_story_near_to_one_that_is_on_its_way_is_skipped(
    small_web: Any, database: Database, night: Night, research_only: None
) -> None:
    small_web.answers |= {
        "/a": page("A covered bridge for cyclists", BRIDGE),
        "/b": page("A roof", AGAIN),
    }
    await night("/a")
    (choice,) = (await night("/b", day=24)).values()
    assert "which is about to be written" in choice["reason"]


async def test_a_changed_source_updates_its_article_under_its_slug(
    small_web: Any, database: Database, night: Night
) -> None:
    small_web.answers["/a"] = page("A covered bridge for cyclists", BRIDGE)
    await night("/a")
    news = (
        "The first count shows 6,200 riders on the opening day, many more than the city had "
        "hoped for."
    )
    small_web.answers["/a"] = page("The covered bridge was counted", [*BRIDGE, news])
    (choice,) = (await night("/a", day=24)).values()
    assert (choice["decision"], choice["target"]) == (
        "update",
        "what-to-know-about-a-covered-bridge-and-cyclists",
    )
    assert "has changed" in choice["reason"]
    rows = await database.fetch(
        "select output->>'action' as action from runs where step = 'publish' order by id"
    )
    assert [row["action"] for row in rows] == ["created", "updated"]
    (pool,) = await database.fetch(
        "select output->'references' as pool from runs where step = 'generate' order by "
        "id desc limit 1"
    )
    latest = await database.one(
        "select sha256 from snapshots where text like '%%6,200%%'", {"x": 1}
    )
    assert latest is not None
    assert [reference["sha256"] for reference in pool["pool"]] == [latest["sha256"]]


async def test_a_rejection_keeps_similar_stories_away_with_its_reason(
    small_web: Any, database: Database, night: Night
) -> None:
    small_web.answers |= {
        "/a": page("A covered bridge for cyclists", BRIDGE),
        "/b": page("A roof", AGAIN),
    }
    await night("/a", extra="[publishing]\ndebounce_seconds = 0\n")
    (row,) = await database.fetch(
        "update documents set kind = 'queued', url = null returning job_id"
    )
    assert await Documents(database).reject(row["job_id"], "we are no local paper")
    (choice,) = (await night("/b", day=24)).values()
    assert choice["decision"] == "skip"
    assert "was rejected: we are no local paper" in choice["reason"]


async def test_what_readers_have_or_nobody_knows_cannot_be_rejected(
    small_web: Any, database: Database, night: Night
) -> None:
    small_web.answers["/a"] = page("A covered bridge for cyclists", BRIDGE)
    await night("/a")
    (row,) = await database.fetch("select job_id from documents")
    assert not await Documents(database).reject(row["job_id"], "too late")
    assert not await Documents(database).reject("unheard-of", "no")


async def test_an_article_cancelled_in_any_way_counts_as_rejected(
    small_web: Any, database: Database, night: Night
) -> None:
    small_web.answers |= {
        "/a": page("A covered bridge for cyclists", BRIDGE),
        "/b": page("A roof", AGAIN),
    }
    await switches.pause(database, "step:article/publish", reason="wait")
    await night("/a")
    (row,) = await database.fetch("select job_id from runs where step = 'publish'")
    await runs.cancel(database, row["job_id"], reason="not ours")
    (choice,) = (await night("/b", day=24)).values()
    assert "was rejected: not ours" in choice["reason"]


async def test_what_could_not_be_written_may_come_again(
    small_web: Any, database: Database, night: Night
) -> None:
    thin = [sentence.rstrip(".") + "," for sentence in BRIDGE]
    small_web.answers |= {
        "/a": page("A covered bridge for cyclists", thin),
        "/b": page("A roof", BRIDGE),
    }
    first = await night("/a", extra="[research]\nmin_score = 0\n")
    assert first["what-to-know-about-a-covered-bridge-and-cyclists"]["decision"] == "create"
    assert (await database.one("select status from runs where step = 'research'")) == {
        "status": "cancelled"
    }
    (choice,) = (await night("/b", day=24)).values()
    assert choice["decision"] == "create"


async def test_an_interrupted_stored_choice_still_starts_its_articles(
    small_web: Any, database: Database, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_web.answers["/a"] = page("A covered bridge for cyclists", BRIDGE)
    whole = studio.Ideas.targets
    cut: list[str] = []

    async def targets(self: Any, site: str, chosen_by: str) -> Any:
        if not cut:
            cut.append(chosen_by)
            raise ConnectionError("cut off")
        return await whole(self, site, chosen_by)

    monkeypatch.setattr(studio.Ideas, "targets", targets)
    await night("/a")
    assert cut
    assert (await database.one("select status from runs where step = 'publish'")) == {
        "status": "succeeded"
    }


async def test_an_old_page_gives_no_story_however_much_it_says(
    small_web: Any, night: Night, research_only: None
) -> None:
    small_web.answers |= {
        "/diary": page("Diary of a bridge", BRIDGE, day="2024-03-12"),
        "/new": page("Phases of the moon", MOON),
    }
    found = await night("/diary", "/new", extra="[research]\nmin_score = 0")
    reasons = {row["decision"]: row["reason"] for row in found.values()}
    assert reasons.keys() == {"create", "skip"}
    assert reasons["skip"].startswith("it is not fresh: its newest page is ")


async def test_a_new_embedding_provider_embeds_every_text_again(
    small_web: Any, database: Database, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_web.answers |= {
        "/a": page("A covered bridge for cyclists", BRIDGE),
        "/b": page("A roof", AGAIN),
    }
    await night("/a")
    monkeypatch.setattr(studio, "Lexical", Twice)
    (choice,) = (await night("/b", day=24)).values()
    assert choice["decision"] == "skip"
    rows = await database.fetch(
        "select provider, dimension, count(*) as n from embeddings group by 1, 2 order "
        "by provider, dimension"
    )
    assert [(row["provider"], row["dimension"]) for row in rows] == [
        ("lexical-2", 1024),
        ("twice", 2048),
    ]
    assert (
        await database.one("select count(*) as n from embeddings where provider = 'twice'")
    ) == {"n": 2}


class Twice(Lexical):
    """Another provider, of another dimension."""

    name = "twice"
    DIMENSION = 2048
    scale = Scale(same=0.42, related=0.14)


async def test_vectors_of_an_older_name_are_replaced_not_compared(
    database: Database,
) -> None:
    memory, ctx = Documents(database, Lexical()), Any
    await memory.keep_own_post("garden", "https://garden.example/moon/", "Moon", " ".join(MOON))
    await memory.keep_own_post("garden", "https://garden.example/b/", "Bridge", " ".join(BRIDGE))
    rows = await database.fetch("select sha256 from documents order by slug")
    for provider, dimension in (("lexical-1", 512), ("lexical-2", 1024)):
        # The same vector for both: whoever compares it finds them to be one text.
        params = {"provider": provider, "vector": [1.0, *[0.0] * (dimension - 1)]}
        await database.fetch(queries["embedding_keep"], {"sha256": rows[0]["sha256"], **params})
    await memory.embed(ctx, "garden")
    near = await memory.near("garden", "x", rows[0]["sha256"])
    assert [(one.title, round(one.likeness, 1)) for one in near] == [("Bridge", 1.0), ("Moon", 0.0)]
    rows = await database.fetch(
        "select provider, count(*) as n from embeddings group by 1 order by 1"
    )
    assert [(row["provider"], row["n"]) for row in rows] == [("lexical-1", 1), ("lexical-2", 2)]


async def test_a_text_is_made_into_a_vector_once(
    small_web: Any, database: Database, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Counted(Lexical):
        def vector(self, text: str) -> Vector:
            asked.append(text)
            return super().vector(text)

    monkeypatch.setattr(studio, "Lexical", Counted)
    small_web.answers["/a"] = page("A covered bridge for cyclists", BRIDGE)
    await night("/a")
    await night("/a", day=24)
    assert len(asked) == len(set(asked))


def draft(slug: str, title: str, *texts: str) -> Draft:
    section = Section(heading="A heading", paragraphs=[[Sentence(text=text) for text in texts]])
    told = {
        "site": "garden",
        "slug": slug,
        "title": title,
        "description": "",
        "references": [],
        "writer": "w",
    }
    return Draft(**told, sections=[section])


async def test_links_lead_to_related_public_pages_but_not_to_the_draft(database: Database) -> None:
    memory, ctx = Documents(database, Lexical()), Any
    moon = "The phases of the moon repeat after 29 days."
    await memory.keep_draft(
        draft("moon", "Phases of the moon", *MOON), "published", "1", "https://garden.example/moon/"
    )
    await memory.keep_draft(draft("full-moon", "The full moon", *MOON), "queued", "2")
    await memory.keep_draft(
        draft("bridge", "A bridge", *BRIDGE), "published", "3", "https://garden.example/bridge/"
    )
    await memory.keep_own_post(
        "garden", "https://garden.example/blog/eclipse/", "An eclipse of the moon", " ".join(MOON)
    )
    new = draft(
        "moon-again",
        "The moon and its phases",
        *MOON[:4],
        moon,
        "What an eclipse of the moon is, we told before; no lunar bridge leads there.",
    )
    await memory.embed(ctx, "garden")
    found = {link.url: link.anchor for link in await memory.links_for(ctx, "garden", new)}
    assert found == {
        "https://garden.example/moon/": "phases of the moon",
        "https://garden.example/blog/eclipse/": "eclipse of the moon",
    }
    assert all(anchor in new.prose() for anchor in found.values())
    same = draft("moon", "Phases of the moon", *MOON, moon)
    assert "https://garden.example/moon/" not in [
        link.url for link in await memory.links_for(ctx, "garden", same)
    ]


async def test_rivals_are_posts_of_the_site_that_aim_at_the_same_query(database: Database) -> None:
    memory = Documents(database, Lexical())
    await memory.keep_draft(
        draft("moon", "Phases of the moon", *MOON), "published", "1", "https://garden.example/moon/"
    )
    await memory.keep_own_post(
        "garden", "https://garden.example/blog/moon/", "Moon phases and tides", " ".join(MOON)
    )
    await memory.keep_draft(draft("tides", "What the tides are", *MOON), "queued", "2")
    found = await memory.competing("garden", "When the moon changes", "moon phases tides")
    assert [(rival.url, rival.similarity) for rival in found] == [
        ("https://garden.example/blog/moon/", 1.0),
        ("https://garden.example/moon/", 0.667),
    ]
    assert await memory.competing("garden", "Phases of the moon", slug="moon") == [
        found[0].__class__("Moon phases and tides", "https://garden.example/blog/moon/", 1.0)
    ]
    assert await memory.competing("garden", "Compost") == []
    assert await memory.competing("sky", "Phases of the moon") == []


async def test_rivals_are_found_in_any_form_of_the_words_of_a_query(
    database: Database,
) -> None:
    memory = Documents(database, Lexical())
    for slug, title in (("a", "Die Phasen des Mondes"), ("b", "Wie man es bei der Arbeit macht")):
        await memory.keep_own_post("garden", f"https://garden.example/{slug}/", title, "Text.")
    query = "Was ist die Phase vom Mond?"
    (rival,) = await memory.competing("garden", query, language="de")
    assert (rival.title, rival.similarity) == ("Die Phasen des Mondes", 1.0)
    assert await memory.competing("garden", query) == [], "in English no form of it is known"


async def test_an_article_of_ours_is_never_taken_for_the_owners_own(database: Database) -> None:
    memory = Documents(database, Lexical())
    await memory.keep_draft(
        draft("moon", "Moon", *MOON), "published", "1", "https://garden.example/2026/moon/"
    )
    await memory.keep_own_post("garden", "https://garden.example/2026/moon/", "Moon", "…")
    await memory.keep_own_post("garden", "https://garden.example/old/", "Old", "…")
    await memory.keep_own_post("garden", "https://garden.example/old/", "Old, edited", "…")
    rows = await database.fetch("select slug, kind, title from documents order by slug")
    assert [(row["slug"], row["kind"], row["title"]) for row in rows] == [
        ("moon", "published", "Moon"),
        ("old", "own", "Old, edited"),
    ]


async def test_a_draft_leaves_the_published_article_in_the_memory(database: Database) -> None:
    memory = Documents(database, Lexical())
    await memory.keep_draft(
        draft("moon", "Moon", *MOON), "published", "1", "https://garden.example/moon/"
    )
    await memory.keep_draft(draft("moon", "Moon, again", *MOON), "queued", "2")
    assert (await database.one("select kind, title, url from documents")) == {
        **{"kind": "published", "title": "Moon", "url": "https://garden.example/moon/"},
    }
    await memory.keep_draft(
        draft("moon", "Moon, again", *MOON), "published", "2", "https://garden.example/moon/"
    )
    assert (await database.one("select kind, title from documents")) == {
        "kind": "published",
        "title": "Moon, again",
    }
