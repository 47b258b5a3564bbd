"""A night reads what readers did with articles, from servers that speak the APIs of its sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from drafts import small_draft
from figure_servers import MatomoServer, SearchConsole, json_answer

from contentstudio import app as studio
from contentstudio import results
from contentstudio.analytics.matomo import Matomo
from contentstudio.analytics.pages import Row
from contentstudio.config import Config, load
from contentstudio.pipelines import jobs_of
from contentstudio.store.articles import Articles
from contentstudio.store.results import Results
from overnight.operations import runs
from overnight.store.database import Database
from overnight.store.database import Row as LedgerRow
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.contract

NIGHT = date(2026, 11, 23)
LAST = NIGHT - timedelta(days=3)  # that Search Console is sure of


@pytest.fixture
def google() -> Iterator[SearchConsole]:
    with SearchConsole() as google:
        yield google


@pytest.fixture
def config(google: SearchConsole, write_config: Callable[..., Config], tmp_path: Path) -> Config:
    google.key_file(tmp_path)
    config = write_config(
        ["https://a.example/"],
        extra=f'[google]\nkey_file = "key.json"\nendpoint = "{google.url}"\n',
    )
    file = config.file
    file.write_text(
        file.read_text("utf-8") + f'search_console = {{ name = "{google.name}" }}\n', "utf-8"
    )
    return load(file)


@pytest.fixture
async def articles(database: Database) -> Articles:
    """Two published articles, `mulch` and `straw`."""
    articles = Articles(database)
    for slug in ("mulch", "straw"):
        await articles.begin("garden", slug, f"job-{slug}", slug.title())
        await articles.publish(small_draft(slug), f"job-{slug}", f"https://garden.example/{slug}/")
    return articles


async def ask(
    config: Config, database: Database, clock: Clock, night: date = NIGHT
) -> dict[str, LedgerRow]:
    """The runs of a night's jobs of figures, by step."""
    app = studio.build(config)
    query = {"site": "garden", "source": "search_console", "date": str(night)}
    job, _ = await runs.start(app, database, "results", query)
    await run_until_idle(app, database, clock=clock)
    rows = await database.fetch(
        "select step, status, outcome, failures, error, output from runs where job_id = %s", [job]
    )
    return {row["step"]: row for row in rows}


def shown(clicks: float, impressions: float, position: float) -> dict[str, float]:
    return {"clicks": clicks, "impressions": impressions, "position": position}


async def kept(database: Database) -> list[tuple[Any, ...]]:
    rows = await database.fetch(
        "select slug, day, clicks, impressions, position from article_results order by slug, day"
    )
    return [tuple(row.values()) for row in rows]


async def test_figures_are_stored_by_article_and_day(
    google: SearchConsole, config: Config, database: Database, clock: Clock, articles: Articles
) -> None:
    google.pages = [
        ("https://garden.example/mulch/", LAST, shown(3, 100, 2.0)),
        ("https://www.garden.example/mulch", LAST, shown(1, 100, 4.0)),
        ("https://garden.example/straw/", LAST - timedelta(days=1), shown(0, 7, 12.5)),
        ("https://garden.example/", LAST, shown(50, 500, 1.0)),
    ]
    done = await ask(config, database, clock)
    assert await kept(database) == [
        ("mulch", LAST, 4, 200, 3.0),
        ("straw", LAST - timedelta(days=1), 0, 7, 12.5),
    ]
    assert done["search"]["output"]["rows"] == 2
    report = done["report"]["output"]
    assert (report["day"], [row["slug"] for row in report["best"]]) == (
        str(LAST),
        ["mulch", "straw"],
    )


async def test_the_next_night_asks_for_new_days_and_the_last_again(
    google: SearchConsole, config: Config, database: Database, clock: Clock, articles: Articles
) -> None:
    google.pages = [("https://garden.example/mulch/", LAST, shown(3, 100, 2.0))]
    await ask(config, database, clock)
    google.pages = [("https://garden.example/mulch/", LAST, shown(5, 120, 2.5))]
    await ask(config, database, clock, NIGHT + timedelta(days=1))
    first, second = (
        request for request in google.requests if request["dimensions"] == ["date", "page"]
    )
    assert first["startDate"] == str(LAST - timedelta(days=55))
    assert second["startDate"] == str(LAST - timedelta(days=1))
    assert second["endDate"] == str(LAST + timedelta(days=1))
    assert await kept(database) == [("mulch", LAST, 5, 120, 2.5)]


async def test_nights_that_were_missed_are_asked_for(
    google: SearchConsole, config: Config, database: Database, clock: Clock, articles: Articles
) -> None:
    google.pages = [("https://garden.example/mulch/", LAST, shown(3, 100, 2.0))]
    await ask(config, database, clock)
    await ask(config, database, clock, NIGHT + timedelta(days=10))
    asked = [each["startDate"] for each in google.requests if "date" in each["dimensions"]]
    assert asked[1] == str(LAST + timedelta(days=1))


async def test_articles_on_one_query_are_named_in_the_overview(
    google: SearchConsole, config: Config, database: Database, clock: Clock, articles: Articles
) -> None:
    await clock.set(datetime.combine(NIGHT, time(5), UTC))
    google.pages = [("https://garden.example/mulch/", LAST, shown(3, 100, 2.0))]
    google.queries = [
        ("cover soil", "https://garden.example/mulch/", 60),
        ("cover soil", "https://garden.example/straw/", 40),
    ]
    await ask(config, database, clock)
    overview = await results.overview(config, database, None)
    (advice,) = overview["advice"]
    assert (advice["action"], advice["slug"], advice["other"]) == ("merge", "mulch", "straw")
    assert overview["totals"]["clicks"] == 3


async def test_a_property_without_articles_makes_no_report(
    google: SearchConsole, config: Config, database: Database, clock: Clock
) -> None:
    done = await ask(config, database, clock)
    assert done["report"]["outcome"] == "no_work"
    assert (await results.overview(config, database, None))["until"] is None


async def test_an_account_without_access_fails_with_what_to_do(
    google: SearchConsole, config: Config, database: Database, clock: Clock
) -> None:
    google.faults = [json_answer({"error": {"message": "no"}}, 403)]
    search = (await ask(config, database, clock))["search"]
    assert search["status"] == "dead"
    assert "add that address to the property's users" in search["error"]


@pytest.mark.parametrize(
    "fault",
    [
        (429, {"Retry-After": "60"}, b""),
        (503, {}, b"<html>"),
        json_answer({"rows": [{"keys": ["no day", "https://x.example/"], **shown(1, 1, 1)}]}),
        json_answer({"rows": [{"keys": ["2026-11-20"], **shown(1, 1, 1)}]}),
    ],
)
async def test_a_passing_fault_is_retried_and_loses_nothing(
    google: SearchConsole,
    config: Config,
    database: Database,
    clock: Clock,
    articles: Articles,
    fault: Any,
) -> None:
    google.pages = [("https://garden.example/mulch/", LAST, shown(3, 100, 2.0))]
    google.faults = [fault]
    done = await ask(config, database, clock)
    assert (done["search"]["failures"], done["report"]["status"]) == (1, "succeeded")
    assert await kept(database) == [("mulch", LAST, 3, 100, 2.0)]


async def test_only_sites_with_a_property_are_asked_for(
    config: Config, write_config: Callable[..., Config]
) -> None:
    def pipelines_of(config: Config) -> list[str]:
        return [name for name, _ in jobs_of(config.site[0], NIGHT)]

    assert "results" in pipelines_of(config)
    assert "results" not in pipelines_of(write_config(["https://a.example/"]))


async def test_visits_are_read_where_there_is_a_key(
    write_config: Callable[..., Config],
    database: Database,
    clock: Clock,
    articles: Articles,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = write_config(["https://a.example/"])
    file = config.file
    file.write_text(
        file.read_text("utf-8") + "analytics = { kind = 'matomo', url = 'https://m.example', "
        "site_id = 3 }\n",
        "utf-8",
    )
    config = load(file)
    query = {"site": "garden", "source": "matomo", "date": str(NIGHT)}
    app = studio.build(config)
    job, _ = await runs.start(app, database, "visits", query)
    await run_until_idle(app, database, clock=clock)
    (row,) = await database.fetch("select outcome, error from runs where job_id = %s", [job])
    assert (row["outcome"], "MATOMO_TOKEN" in row["error"]) == ("no_work", True)

    with MatomoServer() as server:
        server.pages = [("https://garden.example/mulch/", NIGHT - timedelta(days=1), {"visits": 7})]
        monkeypatch.setenv("MATOMO_TOKEN", "matomo-token")
        monkeypatch.setattr(
            "contentstudio.analytics.connect.Matomo",
            lambda url, site_id, key: Matomo(f"{server.url}/stats", site_id, key),
        )
        query["date"] = str(NIGHT + timedelta(days=1))
        await runs.start(app, database, "visits", query)
        await run_until_idle(app, database, clock=clock)
    rows = await database.fetch("select slug, source, day, visits from article_results")
    assert [tuple(row.values()) for row in rows] == [
        ("mulch", "matomo", NIGHT - timedelta(days=1), 7)
    ]


async def test_figures_are_kept_for_sixteen_months(database: Database) -> None:
    results = Results(database)
    (clock,) = await database.fetch("select ledger_now()::date as today")
    days = [clock["today"] - timedelta(days=back) for back in (481, 480, 3)]
    for day in (*days, days[-1]):
        row = Row(slug="mulch", day=day, clicks=1, impressions=9, position=2.0, visits=0)
        await results.keep("garden", "search_console", [row])
    assert [row[1] for row in await kept(database)] == days[1:]
