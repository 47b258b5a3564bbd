"""The table of ideas: filled from what there was, and beside workers of the release before."""

from __future__ import annotations

import asyncio
import random
from datetime import date, timedelta

import pytest

from contentstudio.config.sections import Weights
from contentstudio.research import ideas as research
from contentstudio.research.ideas import Choice
from contentstudio.store.ideas import Ideas, Worth
from contentstudio.store.sql import queries
from overnight.store.database import Database, Row
from overnight.store.migrations import migrate

DAY = date(2026, 11, 23)
WORTH = Worth(DAY, research.URGENT_DAYS, Weights().model_dump())
TOPIC = (
    "insert into topics (site, slug, title, url, snapshot, score, factors, found_on) values "
    "('garden', %s, 'On compost', 'https://a.example/', 'one', 0.7, '{\"demand\": 0.5}', "
    "'2026-11-23')"
)


async def read(database: Database) -> None:
    """Two pages that were read."""
    for name in ("one", "two"):
        await database.fetch(
            "insert into snapshots (sha256, url, title, text) values (%s, %s, %s, 'A text.')",
            [name, f"https://{name}.example/", "Heaps" if name == "one" else ""],
        )


def choice(slug: str, decision: str = "skip", *, score: float = 0.4, title: str = "T") -> Choice:
    return Choice.model_validate(
        {
            **{"slug": slug, "title": title, "decision": decision, "reason": f"it is {score}"},
            **{"target": slug if decision == "create" else None, "near": None},
            **{"likeness": None, "score": score, "factors": {}, "url": "https://one.example/"},
            "snapshots": ["one"],
        }
    )


async def paged(ideas: Ideas, site: str | None, order: str) -> list[Row]:
    """All open ideas, two a page."""
    rows, after = list[Row](), None
    for _ in range(20):  # pages at most
        page = await ideas.page(site, "open", order, after, 2, WORTH)
        if not page:
            return rows
        rows += page
        after = (page[-1]["rank"], page[-1]["site"], page[-1]["slug"])
    raise AssertionError("the pages do not end")


async def test_the_migration_fills_the_table_from_topics_and_choices(database: Database) -> None:
    await database.fetch("drop table ideas")
    await database.fetch(
        "delete from migrations where package = 'contentstudio' and name = 'ideas'"
    )
    await read(database)
    for slug in ("compost", "mulch"):
        await database.fetch(TOPIC, [slug])
    await database.fetch(
        "insert into choices (site, slug, chosen_by, found_on, title, decision, reason, target, "
        "score, factors, url, snapshots) values ('garden', 'compost', 'job', '2026-11-23', "
        "'On compost', 'create', 'two hosts tell it', 'compost', 0.7, '{}', '', '{one,two}')"
    )
    assert await migrate(database, queries) == ["contentstudio/0013_ideas"]
    rows = {row["slug"]: row for row in await database.fetch("select * from ideas")}
    assert {slug: (row["decision"], row["reason"], row["job"]) for slug, row in rows.items()} == {
        "compost": ("create", "two hosts tell it", "job"),
        "mulch": ("create", "", None),
    }
    idea = await Ideas(database).read("garden", "compost", DAY)
    assert [(signal.text, signal.url) for signal in idea.signals] == [
        ("Heaps", "https://one.example/"),
        ("https://two.example/", "https://two.example/"),
    ]
    assert (idea.title, idea.origin, set(idea.snapshots)) == ("On compost", "story", {"one", "two"})


async def test_what_a_worker_of_the_release_before_finds_is_an_idea(database: Database) -> None:
    await read(database)
    await database.fetch(TOPIC, ["compost"])
    idea = await Ideas(database).read("garden", "compost", DAY)
    assert (idea.title, idea.snapshots) == ("On compost", ("one",))
    assert await Ideas(database).slug_for("garden", "On compost", {}) == "compost"


async def test_a_later_night_decides_again_only_on_skipped_ideas(database: Database) -> None:
    await read(database)
    ideas = Ideas(database)
    await ideas.keep("garden", DAY, "first", [choice("compost"), choice("mulch", "create")])
    again = [choice("compost", "create", score=0.9), choice("mulch", score=0.1)]
    await ideas.keep("garden", DAY, "second", again)
    await ideas.keep("garden", DAY, "second", again)
    rows = await database.fetch("select slug, decision, score, job from ideas order by slug")
    assert [tuple(row.values()) for row in rows] == [
        ("compost", "create", 0.9, "second"),
        ("mulch", "create", 0.4, "first"),
    ]
    assert await ideas.targets("garden", "second") == [("compost", DAY)]
    for slug in ("compost", "mulch"):
        await ideas.drop("garden", slug, "no", "eva")
    await ideas.keep("garden", DAY, "third", [choice("compost", "create"), choice("mulch")])
    decisions = await database.fetch("select distinct decision, decided_by from ideas")
    assert decisions == [{"decision": "drop", "decided_by": "eva"}]


async def test_updates_of_articles_are_listed_beside_the_ideas(database: Database) -> None:
    await read(database)
    ideas = Ideas(database)
    update = choice("compost").model_copy(update={"decision": "update", "target": "heaps"})
    await ideas.keep("garden", DAY, "job", [update, choice("mulch")])
    rows = {row["slug"]: row for row in await ideas.recent("garden", 7)}
    assert {slug: (row["decision"], row["is_idea"]) for slug, row in rows.items()} == {
        "compost": ("update", False),
        "mulch": ("skip", True),
    }
    assert await ideas.recent("other", 7) == []


async def test_pages_of_ideas_have_each_once_in_every_order(
    database: Database,
) -> None:
    ideas = Ideas(database)
    many = [choice(f"idea-{n}", score=n % 3 / 10) for n in range(7)]
    await ideas.keep("garden", DAY, "job", many)
    await ideas.keep("shed", DAY, "job", many[:2])
    for order in ("hand", "score", "due", "new"):
        rows = await paged(ideas, None, order)
        assert len(rows) == len({(row["site"], row["slug"]) for row in rows}) == 9
        assert [row["rank"] for row in rows] == sorted(row["rank"] for row in rows)
    best = await ideas.page("shed", "open", "score", None, 9, WORTH)
    assert [row["score"] for row in best] == [0.1, 0]
    await ideas.drop("shed", "idea-0", "no", "eva")
    shown = {
        show: [row["slug"] for row in await ideas.page("shed", show, "new", None, 9, WORTH)]
        for show in ("open", "undecided", "planned", "published", "unwanted")
    }
    assert shown == {
        "open": ["idea-1"],
        "undecided": ["idea-1"],
        "planned": [],
        "published": [],
        "unwanted": ["idea-0"],
    }


FIVE = ["a", "b", "c", "d", "e"]  # the best score first


async def five(database: Database) -> Ideas:
    ideas = Ideas(database)
    scored = [choice(slug, score=0.9 - n / 10) for n, slug in enumerate(FIVE)]
    await ideas.keep("garden", DAY, "job", scored)
    return ideas


async def put(ideas: Ideas, slug: str, to: str, beside: str = "") -> int | None:
    return await ideas.order("garden", slug, to, beside, WORTH, reason="", by="eva")


async def in_order(ideas: Ideas) -> str:
    rows = await ideas.page("garden", "open", "hand", None, 99, WORTH)
    return "".join(row["slug"] for row in rows)


@pytest.mark.parametrize(
    ("slug", "to", "beside", "order"),
    [
        ("c", "first", "", "cabde"),
        ("c", "up", "", "acbde"),
        ("a", "up", "", "abcde"),
        ("c", "down", "", "abdce"),
        ("e", "down", "", "abcde"),
        ("d", "before", "b", "adbce"),
        ("a", "before", "d", "bcade"),
        ("d", "after", "a", "adbce"),
        ("a", "after", "e", "bcdea"),
        ("c", "none", "", "abcde"),
    ],
)
async def test_an_idea_has_the_place_that_a_person_gives_it(
    database: Database, slug: str, to: str, beside: str, order: str
) -> None:
    ideas = await five(database)
    place = await put(ideas, slug, to, beside)
    assert await in_order(ideas) == order
    assert place == (0 if to == "none" else order.index(slug) + 1)


async def test_many_moves_leave_the_order_that_was_seen(database: Database) -> None:
    """Beside a list that is moved about in the same way."""
    ideas, chance = await five(database), random.Random(22)
    pinned: list[str] = []
    for _ in range(60):
        slug = chance.choice(FIVE)
        to = chance.choice(["first", "up", "down", "before", "after", "none"])
        beside = chance.choice([each for each in FIVE if each != slug])
        seen = pinned + [each for each in FIVE if each not in pinned]
        others = [each for each in seen if each != slug]
        at = {
            "first": 0,
            "up": max(seen.index(slug) - 1, 0),
            "down": min(seen.index(slug) + 1, len(others)),
            "before": others.index(beside),
            "after": others.index(beside) + 1,
        }
        if to == "none":
            pinned = [each for each in pinned if each != slug]
        else:
            seen = [*others[: at[to]], slug, *others[at[to] :]]
            pinned = [each for n, each in enumerate(seen) if n <= at[to] or each in pinned]
        await put(ideas, slug, to, beside if to in ("before", "after") else "")
        expected = pinned + [each for each in FIVE if each not in pinned]
        assert await in_order(ideas) == "".join(expected)


async def test_two_moves_at_once_leave_each_its_own_place(database: Database) -> None:
    ideas = await five(database)
    await asyncio.gather(*(put(ideas, slug, "first") for slug in ("c", "d", "e")))
    assert set((await in_order(ideas))[:3]) == {"c", "d", "e"}
    rows = await database.fetch("select position from ideas where position is not null")
    assert sorted(row["position"] for row in rows) == [1, 2, 3]


async def test_what_is_not_to_be_written_has_no_place(database: Database) -> None:
    ideas = await five(database)
    await ideas.drop("garden", "b", "no", "eva")
    assert await put(ideas, "b", "first") is None
    assert await put(ideas, "c", "before", "b") is None
    assert await put(ideas, "nothing", "up") is None
    assert await in_order(ideas) == "acde"
    assert await database.fetch("select from actions where verb = 'order'") == []


async def test_a_new_idea_follows_those_that_have_a_place(database: Database) -> None:
    ideas = await five(database)
    await put(ideas, "e", "first")
    await ideas.keep("garden", DAY, "next", [choice("z", score=0.99)])
    assert await in_order(ideas) == "ezabcd"


async def test_articles_begin_in_the_order_of_their_ideas(database: Database) -> None:
    await read(database)
    ideas = await five(database)
    await put(ideas, "d", "first")
    await ideas.keep("garden", DAY, "night", [choice(slug, "create", score=0.4) for slug in FIVE])
    targets = await ideas.targets("garden", "night")
    assert [slug for slug, _ in targets] == ["d", "a", "b", "c", "e"]
    await database.fetch("update ideas set decided_by = 'eva', score = 0.5 where slug <> 'e'")
    await database.fetch("update ideas set due = '2026-11-24', decided_by = 'eva' where slug = 'e'")
    await database.fetch(
        "insert into articles (site, slug, title, state) "
        "select site, slug, title, 'idea' from ideas"
    )
    assert await ideas.waiting("garden", DAY + timedelta(days=3)) == ["d", "e", "a", "b", "c"]


async def test_a_near_due_day_raises_a_score_over_all_pages(database: Database) -> None:
    """And the ledger counts it as `research.score` does."""
    ideas, weights = await five(database), Weights()
    for slug, demand, days in (("e", 1.0, 0), ("d", 0.9, 40), ("b", 0.1, -3), ("c", 0.2, 400)):
        await database.fetch(
            "update ideas set due = %s, factors = jsonb_build_object('demand', %s::float8, "
            "'fit', 0.5, 'urgency', 0.3) where slug = %s",
            [DAY + timedelta(days=days), demand, slug],
        )
    rows = await paged(ideas, "garden", "score")
    ranks = {}
    for row in rows:
        factors = dict(row["factors"])
        if row["due"]:
            factors["urgency"] = research.urgency(row["due"], DAY)
        ranks[row["slug"]] = research.score(factors, weights) if row["due"] else row["score"]
        assert -row["rank"] == pytest.approx(ranks[row["slug"]])
    assert [row["slug"] for row in rows] == sorted(ranks, key=lambda slug: -ranks[slug])
    assert next(iter(ranks)) != "a"
