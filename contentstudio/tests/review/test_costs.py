"""A whole night as its owner looks at it: briefs, articles, prompts, and what each step cost beside
its estimate, in the console and by commands.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from contentstudio import app as studio
from contentstudio import config as settings
from contentstudio import console
from contentstudio.cli.main import cli
from contentstudio.config import Config
from contentstudio.demo import stand_in
from contentstudio.demo.web import FEEDS, DemoWeb
from contentstudio.review import costs
from contentstudio.store.nights import Nights
from overnight import http
from overnight.console import site
from overnight.console.access import Access
from overnight.operations import queries, runs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle
from overnight.testing.fake_llm import FakeModels

pytestmark = pytest.mark.large  # of `make test-large`

MODEL_STEPS = ["research", "brief", "generate"]


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModels]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    with FakeModels(body=stand_in.answer) as server:
        yield server


@pytest.fixture
async def config(
    database: Database, clock: Clock, web: DemoWeb, tmp_path: Path, claude: FakeModels
) -> Config:
    """After a night that a stand-in for a model wrote."""
    file = tmp_path / "contentstudio.toml"
    file.write_text(
        "[fetch]\nallow_loopback = true\n[writing]\nwriter = 'anthropic'\n"
        f"anthropic = {{ base_url = '{claude.url}' }}\n"
        f"[[site]]\nname = 'garden'\nurl = 'https://garden.example'\n"
        f"sources = ['{web.url}{FEEDS[0]}']\n",
        "utf-8",
    )
    config = settings.load(file)
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    return config


@pytest.fixture
async def client(config: Config, database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    built = site.build(studio.build(config), database, Access({}), own=console.build(config))
    with http.listen("127.0.0.1", 0) as listener:
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            yield client


async def articles_of(
    database: Database, hours: int = 48, limit: int = 100
) -> list[costs.ArticleCost]:
    from datetime import timedelta

    from overnight.observability import charts

    since = await charts.ago(database, timedelta(hours=hours))
    return await costs.of_night(database, since, limit)


async def test_each_step_of_a_night_has_its_estimate_beside_the_bill(
    config: Config, database: Database
) -> None:
    articles = await articles_of(database)
    written = [article for article in articles if article.has_text]
    assert len(written) > 2
    for article in written:
        assert [cost.step for cost in article.costs][:3] == MODEL_STEPS
        assert all(cost.estimated_usd for cost in article.costs[:3])
        assert all(cost.booked_usd for cost in article.costs[:3])
    totals = costs.by_step(articles)
    (bill,) = await database.fetch(
        "select sum(cost_usd) as usd from llm_calls where pipeline = 'article'"
    )
    assert float(sum(cost.booked_usd for cost in totals)) == pytest.approx(float(bill["usd"]))
    estimated = [article.estimated_usd for article in articles if article.estimated_usd]
    assert sum(cost.estimated_usd or 0 for cost in totals) == sum(estimated)


async def test_a_short_list_has_whole_jobs_those_begun_last(
    config: Config, database: Database
) -> None:
    whole = await articles_of(database)
    begun = await database.fetch(
        "select job_id from runs where pipeline = 'article' group by job_id "
        "order by max(started_at) desc, job_id"
    )
    assert len(whole) > 2
    assert [article.job_id for article in whole] == [row["job_id"] for row in begun]
    for limit in (1, 2, len(whole)):
        assert await articles_of(database, limit=limit) == whole[:limit]


async def test_the_console_shows_briefs_articles_prompts_and_costs(
    client: httpx2.AsyncClient, database: Database
) -> None:
    night = (await client.get("/night?hours=48")).text
    articles = [article for article in await articles_of(database) if article.has_text]
    assert "Cost by step" in night
    for article in articles:
        for kind in ("jobs", "briefs", "articles"):
            path = f"/{kind}/{article.job_id}"
            assert f'href="{path}"' in night
            answer = await client.get(path, follow_redirects=True)
            assert answer.status_code == 200
            assert article.title in answer.text
        assert (await client.get(f"/review/{article.job_id}/preview")).status_code == 200
    (asked, *_) = await queries.calls(database, articles[0].job_id)
    listed = (await client.get(f"/calls?job={articles[0].job_id}")).text
    assert f'href="/calls/{asked["id"]}"' in listed
    whole = (await client.get(f"/calls/{asked['id']}")).text
    assert "It bears the mark •••" in whole
    assert "mark-" not in whole


async def test_what_there_is_not_is_one_sentence(
    client: httpx2.AsyncClient, database: Database
) -> None:
    (row,) = await database.fetch("select job_id from runs where pipeline = 'night'")
    for kind, says in {"briefs": "has no brief", "articles": "has no article yet"}.items():
        answer = await client.get(f"/{kind}/{row['job_id']}")
        assert answer.status_code == 404
        assert says in answer.text
    for hours in ("0", "-1", "x", "9" * 30, "1.5"):
        assert (await client.get(f"/night?hours={hours}")).status_code == 200


async def test_the_commands_show_the_same(
    config: Config, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)

    async def told(*arguments: str) -> str:
        line = ["--config", str(config.file), *arguments]
        result = await asyncio.to_thread(CliRunner().invoke, cli, line)
        assert result.exit_code == 0, result.output
        return result.stdout

    articles = [article for article in await articles_of(database) if article.has_text]
    night = json.loads(await told("cost", "--hours", "8000", "--json"))
    assert {row["job_id"] for row in night["articles"]} >= {each.job_id for each in articles}
    assert [cost["step"] for cost in night["costs"]][:3] == MODEL_STEPS
    assert "generate" in await told("cost", "--hours", "8000")
    job = articles[0].job_id
    assert json.loads(await told("cost", job, "--json"))["costs"]
    assert json.loads(await told("brief", job, "--json"))["brief"]["brief"]["estimates"]
    assert json.loads(await told("review", job, "--json"))["dossier"]["draft"]["sections"]
    calls = json.loads(await told("calls", job, "--json"))["calls"]
    prompts = [json.loads(await told("prompt", str(row["id"]), "--json")) for row in calls]
    assert {row["step"] for row in prompts} >= set(MODEL_STEPS)
    assert all(row["texts"]["system"] and row["texts"]["prompt"] for row in prompts)


async def test_no_mark_of_a_prompt_is_in_the_database(
    config: Config, database: Database, claude: FakeModels
) -> None:
    assert all("mark-" in call.request["system"] for call in claude.calls)
    assert await database.fetch("select run_id from llm_texts where text like '%%mark-%%'") == []


async def test_a_night_without_articles_is_told_of(database: Database, clock: Clock) -> None:
    assert await Nights(database).articles(await clock.now(), 10) == []
    assert costs.by_step([]) == ()
