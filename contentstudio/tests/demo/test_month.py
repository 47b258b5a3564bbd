"""The sample month of the documents: complete, the same each time, and as the studio reads it."""

from __future__ import annotations

from datetime import UTC, datetime

import month as sample
import sample_articles

from contentstudio import app as studio
from contentstudio import results
from contentstudio.review import briefs, gather
from overnight.store.database import Database

NOW = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)


def rows_at(now: datetime) -> sample.Rows:
    config = sample.load_config()
    return sample.Month(studio.build(config), config, now).make()


def test_every_claim_of_the_articles_stands_in_its_source() -> None:
    articles = sample_articles.read()
    assert len(articles) == len({article.slug for article in articles}) > 50
    for article in articles:
        brief = sample_articles.brief_of(article, NOW)
        assert brief.research.notes, article.title
        for note in brief.research.notes:
            page = next(each for each in article.snapshots if each.sha256 == note.sha256)
            assert page.text[note.start : note.end] == note.span == note.text


def test_the_same_moment_makes_the_same_month() -> None:
    one, other = rows_at(NOW), rows_at(NOW)
    assert one.tables.keys() == other.tables.keys()
    for table, rows in one.tables.items():
        if table not in ("attempts", "llm_calls"):  # which refer to runs
            assert rows == other.tables[table], table


async def test_what_waits_in_the_month_can_be_read_by_its_reviewer(database: Database) -> None:
    config = sample.load_config()
    await sample.fill(database, config)
    waiting = await database.fetch(
        "select job_id, step, error from runs where status = 'needs_review' order by id"
    )
    assert len(waiting) == len(sample.WAITING)
    for row in waiting:
        if row["step"] == "brief":
            plan = await briefs.gather(database, config, row["job_id"])
            assert plan is not None
            assert plan.waits
            continue
        details = await gather(database, config, row["job_id"])
        assert details is not None
        assert details.page is not None
        if row["error"].startswith("claims"):
            assert "number_mismatch" in {claim.verdict for claim in details.claims}
            assert details.marks


async def test_the_month_has_something_of_everything(database: Database) -> None:
    app = await sample.fill(database)
    overview = await results.overview(sample.load_config(), database, None)
    assert {each["action"] for each in overview["advice"]} == {"refresh", "merge", "title"}
    assert all(row["cost_usd"] > 0 and row["published"] > 0 for row in overview["sites"])
    counts = {
        row["status"]: row["count"]
        for row in await database.fetch("select status, count(*) from runs group by status")
    }
    assert counts["needs_review"] == 5
    assert counts["dead"] == 6
    assert counts["queued"] == 2
    states = {row["state"] for row in await database.fetch("select state from articles")}
    assert {"published", "unpublished", "review", "briefed", "ready", "idea"} <= states
    (revised,) = await database.fetch("select count(*) from article_versions where number = 2")
    assert revised["count"] == len(sample.REVISED)
    pipelines = {row["pipeline"] for row in await database.fetch("select pipeline from runs")}
    assert pipelines <= set(app.pipelines)
