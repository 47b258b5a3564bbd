"""What becomes of articles that no language model wrote: nobody publishes one in his sleep, unless
he said so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from lxml import html

from contentstudio import app as studio
from contentstudio.config import Config
from contentstudio.demo.web import INDEXNOW, DemoWeb
from contentstudio.review import gather
from overnight.operations import reviews, runs
from overnight.operations.decisions import Approve
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle
from overnight.testing import runs as read_runs

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
PAGE = "/potting-shed/compost.html"


async def night(config: Config, database: Database, clock: Clock) -> None:
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)


async def statuses(database: Database) -> dict[str, str]:
    return {run.step: run.status for run in await read_runs(database, pipeline="article")}


def page_of(config: Config) -> html.HtmlElement:
    (file,) = config.folder(config.site[0]).glob("*/index.html")
    return html.document_fromstring(file.read_bytes())


async def test_by_default_they_need_approval_and_are_not_indexed(
    web: DemoWeb, write_config: Write, database: Database, clock: Clock
) -> None:
    assert Config.model_fields["writing"].default.offline_articles == "review"
    config = write_config([web.url + PAGE], ping=web.url + INDEXNOW, offline="review")
    await night(config, database, clock)
    assert (await statuses(database))["gate"] == "needs_review"
    (row,) = await database.fetch("select job_id from runs where step = 'gate'")
    dossier = await gather(database, config, row["job_id"])
    assert dossier is not None
    assert any("No language model wrote this article" in note for note in dossier.notes)

    app = studio.build(config)
    await reviews.decide(app, database, row["job_id"], Approve(dossier.seal))
    await run_until_idle(app, database, clock=clock)
    assert (await statuses(database))["publish"] == "succeeded"
    assert page_of(config).xpath("//meta[@name='robots']/@content") == ["noindex, follow"]
    assert web.pings == []


@pytest.mark.parametrize(
    ("offline", "robots", "pings"), [("noindex", "noindex", 0), ("publish", "index", 1)]
)
async def test_the_config_may_publish_them_dated_by_the_newest_source(
    offline: str,
    robots: str,
    pings: int,
    web: DemoWeb,
    write_config: Write,
    database: Database,
    clock: Clock,
) -> None:
    config = write_config([web.url + PAGE], ping=web.url + INDEXNOW, offline=offline)
    await night(config, database, clock)
    assert (await statuses(database))["publish"] == "succeeded"
    page = page_of(config)
    assert page.xpath("//meta[@name='robots']/@content")[0].startswith(robots)
    (row,) = await database.fetch(
        "select published_at from snapshots where published_at is not null"
    )
    shown = datetime.fromisoformat(page.xpath("//time/@datetime")[0])
    assert shown == row["published_at"].replace(microsecond=0)
    assert len(web.pings) == pings
