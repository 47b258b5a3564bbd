"""What an owner sees of a site: the health of its sources, the last verdict, and its numbers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result

from contentstudio import app as studio
from contentstudio import console, sites
from contentstudio.cli.main import cli
from contentstudio.config import Config
from contentstudio.demo.web import FEEDS, GONE, DemoWeb
from contentstudio.pipelines import night_of
from contentstudio.publish.port import Finding
from contentstudio.store.publications import Publications
from contentstudio.store.sites import Sites
from overnight import App, http
from overnight.console import site
from overnight.console.access import Access
from overnight.errors import ConfigError
from overnight.operations import incidents, runs, switches
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

AT = datetime(2026, 12, 2, 12, tzinfo=UTC)


@pytest.fixture
def config(web: DemoWeb, write_config: Callable[..., Config]) -> Config:
    return write_config([web.url + FEEDS[0], web.url + GONE])


@pytest.fixture
def app(config: Config) -> App:
    return studio.build(config)


async def night(app: App, config: Config, database: Database, clock: Clock) -> None:
    """What a night reads; nothing is written of it."""
    await switches.pause(database, "pipeline:topic", reason="sources only")
    work = night_of(config, await Publications(database).now())
    await runs.start(app, database, "night", work)
    await run_until_idle(app, database, clock=clock, horizon=6 * 3_600)


async def test_a_source_says_when_it_was_read_and_what_failed(
    app: App, config: Config, database: Database, clock: Clock
) -> None:
    read = sites.sources(app, config, database, config.site[0])
    assert [each["state"] for each in await read] == ["not read yet"] * 2
    await night(app, config, database, clock)
    feed, gone = await sites.sources(app, config, database, config.site[0])
    assert (feed["state"], feed["failures"], feed["nights"]) == ("ok", 0, 1)
    assert feed["items"] > 0 and feed["at"] is not None
    assert (gone["state"], gone["failures"], gone["items"]) == ("failed", 1, 0)
    assert "404" in gone["error"] or "410" in gone["error"]


def row(**changes: Any) -> dict[str, Any]:
    values = {"status": "succeeded", "outcome": "done", "error": None, "failures": 0, "at": AT}
    kinds = {"entries": 0, "demands": 0, "is_page": False, "faults": [], "job_id": "j"}
    return {**values, **kinds, **changes}


@pytest.mark.parametrize(
    ("last", "state"),
    [
        (row(), "ok"),
        (row(outcome="no_work"), "nothing new"),
        (row(status="dead"), "failed"),
        (row(status="cancelled"), "refused"),
        (row(status="queued", failures=2), "retry"),
        (row(status="running"), "waiting"),
    ],
)
def test_the_state_of_a_source_is_that_of_its_latest_night(last: Any, state: str) -> None:
    earlier = [row(status="dead"), row(entries=3)]
    assert sites.health([last, *earlier])["state"] == state
    assert sites.health([last, *earlier])["items"] == 3


def test_a_night_that_has_not_begun_says_nothing_of_a_source() -> None:
    waits = row(status="queued", at=None)
    assert sites.health([waits])["state"] == "not read yet"
    assert sites.health([waits, row(is_page=True)])["state"] == "ok"
    assert sites.health([])["failures"] == 0


async def test_a_worker_looks_at_a_site_and_the_verdict_is_kept(
    app: App, config: Config, database: Database, clock: Clock
) -> None:
    said = await sites.check(app, config, database, "garden", by="eva")
    assert "a worker looks at garden" in said
    assert (await sites.read(app, config, database, "garden"))["check"] is None
    await run_until_idle(app, database, clock=clock)
    check = (await sites.read(app, config, database, "garden"))["check"]
    assert check["ok"] is all(each["ok"] for each in check["findings"])
    assert any("sitemap" in each["what"] for each in check["findings"])
    await sites.check(app, config, database, "garden")
    await run_until_idle(app, database, clock=clock)
    assert len(await Sites(database).checks()) == 1
    with pytest.raises(ConfigError):
        await sites.check(app, config, database, "gardn")


async def test_results_and_counts_of_the_last_days_are_added_up(
    app: App, config: Config, database: Database
) -> None:
    today = (await Publications(database).now()).astimezone(UTC).date()
    for days, clicks, position in ((0, 4, 2.0), (27, 6, 4.0), (28, 100, 9.0)):
        await database.fetch(
            "insert into article_results (site, slug, source, day, clicks, impressions, position) "
            "values ('garden', 'compost', 'search_console', %s, %s, 100, %s)",
            [today - timedelta(days=days), clicks, position],
        )
    results = (await sites.read(app, config, database, "garden"))["results"]
    assert (results["clicks"], results["impressions"], results["position"]) == (10, 200, 3.0)


@pytest.fixture
def ask(config: Config, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    file = str(tmp_path / "contentstudio.toml")

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, cli, ["--config", file, *words])

    return run


async def test_a_script_has_a_site_checked_and_reads_how_it_is(ask: Any) -> None:
    assert "a worker looks at garden" in (await ask("site", "check", "garden", "--job")).stdout
    shown = json.loads((await ask("site", "show", "garden", "--json")).stdout)
    assert (shown["site"], len(shown["sources"]), shown["check"]) == ("garden", 2, None)
    plain = (await ask("site", "show", "garden")).stdout
    assert "not read yet" in plain and "published to" in plain
    assert "there is no site “gardn”" in str((await ask("site", "show", "gardn")).exception)


async def test_the_pages_of_sites_show_pause_and_check_them(
    app: App, config: Config, database: Database, clock: Clock
) -> None:
    await night(app, config, database, clock)
    built = site.build(app, database, Access({}), own=console.build(config))
    with http.listen("127.0.0.1", 0) as listener:
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            assert "/sites/garden" in (await client.get("/sites")).text
            page = (await client.get("/sites/garden")).text
            assert "Not checked yet" in page and ">failed<" in page
            csrf = page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
            done = await client.post("/do/check-site", data={"csrf": csrf, "site": "garden"})
            assert "a+worker+looks" in done.headers["location"]
            await run_until_idle(app, database, clock=clock)
            paused = {"csrf": csrf, "scope": "site:garden"}
            await client.post("/do/pause", data=paused)
            page = (await client.get("/sites/garden")).text
            assert "checked" in page and "is paused since" in page
            assert "It does not resume by itself" in page
            assert (await client.get("/sites/gardn")).status_code == 404


async def test_every_active_site_is_checked_each_night(
    config: Config, database: Database, clock: Clock
) -> None:
    config.site.extend(
        config.site[0].model_copy(update={"name": name, "active": name != "asleep"})
        for name in ("asleep", "orchard")
    )
    app = studio.build(config)
    (cron,) = app.pipeline("checks").crons()
    assert (cron.expression, cron.timezone) == ("0 2 * * *", config.research.timezone)
    slot = cron.input(await clock.now())
    for _ in range(2):  # the second one is the same job
        await runs.start(app, database, "checks", slot)
    await run_until_idle(app, database, clock=clock)
    assert list(await Sites(database).checks()) == ["garden", "orchard"]
    jobs = await database.fetch("select job_id from runs where pipeline = 'check'")
    assert len(jobs) == 2


FIT, UNFIT = (Finding(what=f"the sitemap {n}", ok=n == 1, mend="serve it") for n in (1, 0))


@pytest.mark.parametrize(
    ("verdicts", "changes"),
    [
        ([FIT], []),
        ([UNFIT], []),
        ([FIT, UNFIT], [1]),
        ([FIT, UNFIT, UNFIT], [1]),
        ([UNFIT, FIT], []),
        ([UNFIT, FIT, UNFIT], [2]),
        ([FIT, UNFIT, FIT], []),
    ],
)
async def test_a_site_that_was_fit_and_is_not_is_an_incident(
    app: App,
    database: Database,
    clock: Clock,
    verdicts: list[Finding],
    changes: list[int],
) -> None:
    began = await clock.now()
    for number, finding in enumerate(verdicts):
        await clock.set(began + timedelta(days=number))
        await Sites(database).keep("garden", [finding], f"job-{number}")
    for finding in (FIT, UNFIT):  # of a site that is not in the config
        await Sites(database).keep("other", [finding], "job")
    own = [each for each in await incidents.read(database, app) if each.kind == "app"]
    day = timedelta(days=1)
    assert [(each.about, each.since and (each.since - began) // day) for each in own] == [
        ("site:garden", number) for number in changes
    ]
    assert all("the sitemap 0: serve it." in each.text for each in own)


async def test_an_unfit_site_is_told_by_page_api_and_command(
    app: App, config: Config, database: Database, ask: Any
) -> None:
    for finding in (FIT, UNFIT):
        await Sites(database).keep("garden", [finding], "job")
    said = "garden is not fit for publishing any more"
    assert said in " ".join((await ask("status")).stdout.split())
    built = site.build(app, database, Access({}), own=console.build(config))
    with http.listen("127.0.0.1", 0) as listener:
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            page = (await client.get("/")).text
            assert said in page and "/do/check-site" in page and "Check now" in page
            status = (await client.get("/api/status")).json()
            assert said in [each["what"] for each in status["incidents"]]
