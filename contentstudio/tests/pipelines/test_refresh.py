"""The weekly look at what was published, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contentstudio import app as studio
from contentstudio.config import Config, Gates
from contentstudio.demo.web import DemoWeb
from contentstudio.model import Clicks, Demand
from contentstudio.store.demands import Demands
from overnight.operations import runs
from overnight.pipelines.app import App
from overnight.store.database import Database, Row
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

MULCH = "/potting-shed/mulch.html"
SLUG = "what-to-know-about-mulch-and-soil"


@pytest.fixture
async def app(
    web: DemoWeb, database: Database, clock: Clock, write_config: Callable[..., Config]
) -> App:
    """A site with one published article on mulch."""
    config = write_config([web.url + MULCH])
    site = config.site[0].model_copy(update={"gates": Gates(max_copied=1, max_similarity=1)})
    app = studio.build(config.model_copy(update={"site": [site]}))
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    return app


async def look(app: App, database: Database, clock: Clock, day: str = "2026-11-30") -> list[Row]:
    await clock.move(7 * 86_400)
    await runs.start(app, database, "refresh", {"date": day, "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    return await database.fetch("select * from choices where found_on = %s", [day])


async def changed_text(database: Database, clock: Clock) -> None:
    """The page on mulch has another text, which no source of tonight shows."""
    await clock.move(60)
    await database.fetch(
        "with s as (insert into snapshots (sha256, url, title, text, language) select "
        "'new', url, title, "
        "replace(text, 'Mulch', 'Fresh mulch'), language from snapshots returning url) "
        "insert into page_snapshots (url, snapshot) select url, 'new' from s"
    )


async def test_an_article_whose_source_has_changed_is_published_again(
    app: App, database: Database, clock: Clock
) -> None:
    await changed_text(database, clock)
    (choice,) = await look(app, database, clock)
    assert (choice["decision"], choice["target"], choice["snapshots"]) == ("update", SLUG, ["new"])
    rows = await database.fetch(
        "select output->>'action' as action from runs where step = 'publish' order by id"
    )
    assert [row["action"] for row in rows] == ["created", "updated"]
    assert await look(app, database, clock, "2026-12-07") == []


async def test_an_article_that_is_as_it_was_is_left_alone(
    app: App, database: Database, clock: Clock
) -> None:
    assert await look(app, database, clock) == []
    assert (await database.one("select outcome from runs where step = 'renew'")) == {
        "outcome": "no_work"
    }


async def test_an_article_whose_clicks_fell_uses_the_news_not_yet_used(
    app: App, database: Database, clock: Clock
) -> None:

    async def told(clicks: int) -> None:
        await Demands(database).replace(
            "garden", "sc", [Demand(query="mulch soil", source="sc", clicks=clicks)]
        )

    await told(100)
    await clock.move(28 * 86_400)
    await told(20)
    assert await Demands(database).clicks("garden") == [
        Clicks(query="mulch soil", before=100, now=20)
    ]
    (first,) = await look(app, database, clock)
    assert first["decision"] == "skip"
    assert "its clicks fell from 100 to 20 in a month, but nothing new was read" in first["reason"]
    await database.fetch(
        "insert into snapshots (sha256, url, title, text, language) "
        "select 'news', 'https://n.example/', title, text, language from snapshots"
    )
    await database.fetch(
        "insert into choices (site, slug, chosen_by, found_on, title, decision, reason, "
        "near, score, factors, url, "
        "snapshots) select 'garden', 'n', 'x', '2026-12-20', 'N', 'skip', 'near', %s, 1, "
        "'{}', '', array['news']",
        [f"https://garden.example/{SLUG}/"],
    )
    (second,) = await look(app, database, clock, "2026-12-28")
    assert (second["decision"], second["target"], second["snapshots"]) == ("update", SLUG, ["news"])
    (third,) = await look(app, database, clock, "2027-01-04")
    assert third["decision"] == "skip"


async def test_clicks_are_kept_by_week_and_site_for_four_months(
    database: Database, clock: Clock
) -> None:
    for clicks in (9, 7):
        await Demands(database).replace(
            "garden", "sc", [Demand(query="mulch", source="sc", clicks=clicks)]
        )
    rows: list[Any] = await database.fetch("select site, clicks from demand_weeks")
    assert rows == [{"site": "garden", "clicks": 7}]
    await clock.move(130 * 86_400)
    await Demands(database).replace("garden", "sc", [Demand(query="straw", source="sc", clicks=1)])
    assert await database.fetch("select query from demand_weeks") == [{"query": "straw"}]
    assert await Demands(database).clicks("garden") == []
