"""What the morning report counts as published is what came to stand on a site, each
article once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from contentstudio import app as studio
from contentstudio.config import Config, Gates
from contentstudio.demo.web import DemoWeb
from contentstudio.store.nights import Nights
from overnight import App
from overnight.operations import reviews, runs
from overnight.operations.decisions import Approve
from overnight.store.database import Database, Row
from overnight.testing import Clock, run_until_idle

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
MULCH = "/potting-shed/mulch.html"
SLUG = "what-to-know-about-mulch-and-soil"


@pytest.fixture
def config(web: DemoWeb, write_config: Callable[..., Config]) -> Config:
    config = write_config([web.url + MULCH])
    site = config.site[0].model_copy(update={"gates": Gates(max_copied=1, max_similarity=1)})
    return config.model_copy(update={"site": [site]})


@pytest.fixture
async def app(config: Config, database: Database, clock: Clock) -> App:
    """A site with one article, published this night."""
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    return app


async def write_again(app: App, database: Database, clock: Clock, day: str) -> Row:
    """The article once more, from what is known that day; how its last step ended."""
    await runs.start(app, database, "article", {"site": "garden", "slug": SLUG, "date": day})
    await run_until_idle(app, database, clock=clock)
    (row,) = await database.fetch(
        "select job_id, step, status, output from runs order by id desc limit 1"
    )
    return row


async def other_source(database: Database) -> None:
    """The page on mulch reads otherwise by now, and the topic takes that in."""
    await database.fetch(
        "insert into snapshots (sha256, url, title, text, language, read_at) select "
        "'new', url, title, "
        "replace(text, 'Mulch', 'Fresh mulch'), language, read_at + interval '1 hour' "
        "from snapshots"
    )
    await database.fetch("update topics set snapshot = 'new'")
    await database.fetch("update choices set snapshots = '{new}'")


async def kinds(database: Database, since: datetime = SINCE) -> dict[str, int]:
    report = await Nights(database).since(since)
    return {kind: len(report[kind]) for kind in ("published", "updated") if report[kind]}


async def stand(database: Database) -> int:
    (row,) = await database.fetch(
        "select count(*)::int as n from publications where existing is not null"
    )
    return int(row["n"])


async def test_what_was_found_as_it_was_is_not_published_again(
    app: App, database: Database, clock: Clock
) -> None:
    assert await kinds(database) == {"published": 1}
    await write_again(app, database, clock, "2026-11-24")
    actions = await database.fetch(
        "select output->>'action' as action from runs where step = 'publish' order by id"
    )
    assert [row["action"] for row in actions] == ["created", "unchanged"]
    assert await kinds(database) == {"published": 1}
    assert await stand(database) == 1


async def test_an_article_left_to_a_person_does_not_count_as_published(
    app: App, config: Config, database: Database, clock: Clock
) -> None:
    file = config.folder(config.site[0]) / SLUG / "index.html"
    file.write_text(
        file.read_text("utf-8").replace("</article>", "<p>By hand.</p></article>"), "utf-8"
    )
    await other_source(database)
    waiting = await write_again(app, database, clock, "2026-11-24")
    assert (waiting["step"], waiting["status"]) == ("publish", "needs_review")
    (row,) = await database.fetch(
        "select seal(output, input) as seal from runs where status = 'needs_review'"
    )
    await reviews.decide(app, database, waiting["job_id"], Approve(row["seal"]))
    await run_until_idle(app, database, clock=clock)
    (left,) = await database.fetch(
        "select finished_at from runs where step = 'publish' and status = 'succeeded' "
        "and output->>'action' = 'left'"
    )
    assert await kinds(database) == {"published": 1}
    assert await kinds(database, left["finished_at"] - timedelta(microseconds=1)) == {}


async def test_an_article_created_and_updated_in_one_night_counts_once(
    app: App, database: Database, clock: Clock
) -> None:
    (before,) = await database.fetch("select ledger_now() as now")
    await other_source(database)
    await write_again(app, database, clock, "2026-11-24")
    assert await kinds(database) == {"published": 1}
    assert await kinds(database, before["now"]) == {"updated": 1}
    (row,) = (await Nights(database).since(before["now"]))["updated"]
    assert (row["slug"], row["state"], bool(row["title"])) == (SLUG, "published", True)


async def test_a_rollback_counts_as_an_update_an_unpublish_not_at_all(
    app: App, database: Database, clock: Clock
) -> None:
    await other_source(database)
    await write_again(app, database, clock, "2026-11-24")
    (before,) = await database.fetch("select ledger_now() as now")
    named = {"site": "garden", "slug": SLUG, "asked": "2026-11-25T06:00:00Z"}
    await runs.start(app, database, "rollback", named)
    await run_until_idle(app, database, clock=clock)
    assert await kinds(database, before["now"]) == {"updated": 1}
    await runs.start(app, database, "unpublish", named)
    await run_until_idle(app, database, clock=clock)
    assert (await kinds(database), await stand(database)) == ({}, 0)
