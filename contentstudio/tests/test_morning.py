"""The morning report: no noise, all that waits with the command to type, and the money to the last
token.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from contentstudio import alerts, daily_report
from contentstudio import app as studio
from contentstudio.cli.main import cli
from contentstudio.config import Config, Writing
from contentstudio.demo.web import FEEDS, GONE, HARD, DemoWeb
from contentstudio.review import gather
from contentstudio.store.nights import LISTS, Nights
from overnight.alerts import Message
from overnight.alerts.delivery import Delivery
from overnight.operations import reviews, runs
from overnight.operations.decisions import Reject
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle
from overnight.testing.fake_llm import FakeModels

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
PAGE = "/potting-shed/mulch.html"
PRICE = {"input": 1.0, "output": 2.0}  # dollars per million tokens
USD = 1_000_000


async def night(
    config: Config, database: Database, clock: Clock, date: str = "2026-11-23", **options: Any
) -> None:
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": date, "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock, **options)


def told(report: dict[str, Any]) -> str:
    return daily_report.text(report, "contentstudio")


async def test_a_full_report_fits_80_columns_except_what_is_copied(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
) -> None:
    await night(write_config([web.url + path for path in (*FEEDS, GONE)]), database, clock)
    shown = told(await Nights(database).since(SINCE))
    for part in (
        "published",
        "needs you:",
        "failed ",
        "healed",
        "skipped",
        "contentstudio review ",
        "replay ",
    ):
        assert part in shown
    long = [line for line in shown.splitlines() if len(line) > 80]
    assert [line for line in long if " " in line.strip() and "contentstudio" not in line] == []


class Ear:
    """A channel that keeps what it is given."""

    name = kind = "ear"

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, message: Message, message_id: str) -> None:
        self.messages.append(message)


async def test_a_source_that_is_gone_waits_for_the_morning_message(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config, ear = write_config([web.url + GONE]), Ear()
    delivery = Delivery("told", replace(alerts.build(config), channels=[ear]), database)
    await clock.set(datetime(2026, 11, 23, 3, tzinfo=UTC))
    await delivery.flush()
    await night(config, database, clock)
    await delivery.flush()
    open_alerts = await database.fetch("select kind, subject from alerts where resolved_at is null")
    assert [(row["kind"], row["subject"]) for row in open_alerts] == [
        ("dead_letter", "source/read")
    ]
    assert ear.messages == []
    await clock.set(datetime(2026, 11, 23, 7, 30, tzinfo=UTC))
    await delivery.flush()
    (message,) = ear.messages
    assert [(item.kind, item.subject, item.state) for item in message.items] == [
        ("dead_letter", "source/read", "new")
    ]
    assert f"source/read of {web.url}{GONE}" in " ".join(message.report.split())


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (0, "just now"),
        (5 * 60, "5 min ago"),
        (2 * 3_600, "2 h ago"),
        (26 * 3_600, "26 h ago"),
        (73 * 3_600, "3 days ago"),
    ],
)
async def test_what_failed_says_how_long_ago(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    seconds: int,
    age: str,
) -> None:
    await night(write_config([web.url + GONE]), database, clock)
    (dead,) = await database.fetch(
        "select ledger_now() - finished_at as past from runs where status = 'dead'"
    )
    await clock.move(seconds - dead["past"].total_seconds())
    report = await Nights(database).since(SINCE)
    shown = told(report)
    assert f"failed {age}: garden:" in shown
    assert (report["all_failed"], shown.startswith("Everything failed")) == (True, True)
    assert "and 1 job failed" in shown
    assert "up --once --retry-failed" in shown


async def test_an_earlier_failure_does_not_make_a_quiet_night_failed(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
) -> None:
    await night(write_config([web.url + GONE]), database, clock)
    await clock.move(3_600)
    (row,) = await database.fetch("select ledger_now() as now")
    report = await Nights(database).since(row["now"])
    assert report["all_failed"] is False
    assert told(report).startswith("Last night")
    assert [each["status"] for each in report["dead"]] == ["dead"]


async def test_a_waiting_retry_is_shown_with_error_and_next_attempt(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
) -> None:
    await night(write_config([web.url + PAGE]), database, clock)
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, input, failures, error, due_at)"
        " select x, 'read', 'source', 'garden', jsonb_build_object('url', "
        "'https://a.example/' || x), n,"
        "        'a.example does not answer', ledger_now() + make_interval(secs => wait)"
        " from (values ('one', 1, 900), ('six', 6, 9000), ('new', 0, 900), ('due', 2, "
        "-1)) as v (x, n, wait)"
    )
    report = await Nights(database).since(SINCE)
    assert [(row["job_id"], row["failures"]) for row in report["retrying"]] == [
        ("one", 1),
        ("six", 6),
    ]
    shown = told(report)
    for part in (
        "failed once, and is retried: garden: source/read of",
        "https://a.example/one",
        "failed 6 times, and is retried",
        "a.example does not answer",
        "retry at: ",
    ):
        assert part in shown


async def test_what_is_as_it_was_is_no_news(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
) -> None:
    await night(write_config([web.url + PAGE]), database, clock)
    await database.fetch(
        "update runs set outcome = 'no_work', error = 'unchanged since 2026-11-22' where "
        "step = 'read'"
    )
    report = await Nights(database).since(SINCE)
    assert report["skipped"] == []
    await database.fetch("update runs set error = 'the feed has no entries' where step = 'read'")
    (row,) = (await Nights(database).since(SINCE))["skipped"]
    assert row["reason"] == "the feed has no entries"


async def test_a_rejection_is_reported_with_its_reason_and_not_waiting(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
) -> None:
    config = write_config([web.url + HARD])
    await night(config, database, clock)
    (waiting,) = (await Nights(database).since(SINCE))["needs_review"]
    dossier = await gather(database, config, waiting["job_id"])
    assert dossier is not None
    reject = Reject(dossier.seal, "nobody understands it")
    await reviews.decide(studio.build(config), database, waiting["job_id"], reject, by="ann")
    report = await Nights(database).since(SINCE)
    assert report["needs_review"] == []
    shown = " ".join(told(report).split())
    assert f"rejected garden: {dossier.draft.title}: nobody understands it (ann)" in shown


async def test_what_the_budget_held_back_is_told_with_what_to_type(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    with FakeModels() as server:
        config = by_model(write_config([web.url + PAGE]), server)
        (site,) = config.site
        config = config.model_copy(update={"site": [site.model_copy(update={"usd_per_day": 0.0})]})
        await night(config, database, clock, horizon=3_600)
    report = await Nights(database).since(SINCE)
    (row,) = report["held_by_budget"]
    assert (row["site"], row["count"]) == ("garden", 1)
    shown = told(report)
    assert "waiting: 1 job of garden, for a budget is spent" in shown
    assert "contentstudio budget set site:garden USD --reason …" in shown
    await database.fetch("update budgets set person_usd = 9 where scope = 'key:garden'")
    await database.fetch("update budgets set spent_usd = 4.99 where scope = 'all'")
    assert "contentstudio budget set all USD --reason …" in told(
        await Nights(database).since(SINCE)
    )


def by_model(config: Config, server: FakeModels) -> Config:
    given = {
        "anthropic": {"base_url": server.url},
        "deadline_seconds": 20.0,
        "model": "claude-sonnet-5-5",
        "prices": {"claude-sonnet-5-5": PRICE},
        "sections_at_once": 1,
    }
    return config.model_copy(update={"writing": Writing.model_validate(given)})


async def test_the_cost_of_a_night_with_faults_is_what_was_billed(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    with FakeModels(faults=["529", "truncated-json", "ok", "500", "max-tokens"]) as server:
        await night(by_model(write_config([web.url + PAGE]), server), database, clock)
        calls, (put, got) = len(server.calls), server.billed
    report = await Nights(database).since(SINCE)
    assert calls >= 5
    assert got > 0
    assert report["llm_calls"] == calls
    assert report["retries"] >= 2
    assert report["cost_usd"] == pytest.approx(
        (put * PRICE["input"] + got * PRICE["output"]) / USD, abs=1e-9
    )


async def test_a_script_gets_counts_and_the_rows_behind_them(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import asyncio

    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    config = write_config([web.url + HARD])
    await night(config, database, clock)
    call = [
        "--config",
        str(config.beside(config.publishing.dir).parent / "contentstudio.toml"),
        "morning",
        "--json",
    ]
    done = await asyncio.to_thread(CliRunner().invoke, cli, [*call, "--hours", "8784"])
    data = json.loads(done.stdout)
    assert (data["needs_review"], data["published"], data["rejected"]) == (1, 0, 0)
    assert set(data["details"]) == set(LISTS)
