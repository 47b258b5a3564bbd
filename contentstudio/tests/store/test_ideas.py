"""The table of ideas: filled from what there was, and beside workers of the release before."""

from __future__ import annotations

from datetime import date

from contentstudio.research.ideas import Choice
from contentstudio.store.ideas import Ideas
from contentstudio.store.sql import queries
from overnight.store.database import Database
from overnight.store.migrations import migrate

DAY = date(2026, 11, 23)
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
    for order in ("score", "due", "new"):
        rows, after = [], None
        while page := await ideas.page(None, "open", order, after, 2):
            rows += page
            after = (page[-1]["rank"], page[-1]["site"], page[-1]["slug"])
        assert len(rows) == len({(row["site"], row["slug"]) for row in rows}) == 9
        assert [row["rank"] for row in rows] == sorted(row["rank"] for row in rows)
    assert [row["score"] for row in await ideas.page("shed", "open", "score", None, 9)] == [0.1, 0]
    await ideas.drop("shed", "idea-0", "no", "eva")
    shown = {
        show: [row["slug"] for row in await ideas.page("shed", show, "new", None, 9)]
        for show in ("open", "undecided", "planned", "published", "unwanted")
    }
    assert shown == {
        "open": ["idea-1"],
        "undecided": ["idea-1"],
        "planned": [],
        "published": [],
        "unwanted": ["idea-0"],
    }
