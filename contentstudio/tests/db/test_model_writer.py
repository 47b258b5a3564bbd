"""The real adapter against the real streaming protocol: no fault becomes an article, every call is booked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from contentstudio import app as studio
from contentstudio.config import Budget, Config
from contentstudio.demo.web import DemoWeb
from overnight import budgets, control
from overnight.database import Database
from overnight.llm.fake_server import FakeAnthropic
from overnight.testing import Clock, run_until_idle
from overnight.worker import Worker

Write = Callable[..., Config]
PAGE = "/potting-shed/mulch.html"
KEY = "sk-ant-test-0123456789"

# fault of the server → (kind that is booked, whether a retry may heal it)
FAULTS = {
    "429": ("rate_limit", True),
    "429-spend-cap": ("spend_cap", False),
    "529": ("overloaded", True),
    "500": ("server", True),
    "drop-mid-stream": ("dropped", True),
    "no-message-stop": ("incomplete", True),
    "truncated-json": ("malformed", True),
    "max-tokens": ("truncated", False),
    "refusal": ("refused", False),
    "error-event-overloaded": ("overloaded", True),
    "malformed-event": ("malformed", True),
    "html-200": ("malformed", True),
    "401": ("auth", False),
    "400": ("bad_request", False),
    "404": ("not_found", False),
}


def article(request: dict[str, Any]) -> str:
    """An article that passes the gates: sentences of the source that the prompt holds."""
    prompt = request["messages"][0]["content"]
    text = prompt if isinstance(prompt, str) else prompt[0]["text"]
    source = text.split('id="s1">\n', 1)[1].rsplit("\n</source", 1)[0]
    lines = [s.strip() + "." for s in source.replace("\n", " ").split(". ") if 8 < len(s.split()) < 30]
    paragraph = [{"text": line.removesuffix(".") + ".", "source": "s1", "quoted": True} for line in lines[1:15]]
    sections = [{"heading": "About mulch", "paragraphs": [paragraph]}]
    description = "What mulch does for a garden, told in the words of a gardener who uses it every year."
    return json.dumps({"title": "Mulch for a dry summer", "description": description, "sections": sections})


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAnthropic]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    with FakeAnthropic(body=article) as server:
        yield server


def config_for(claude: FakeAnthropic, web: DemoWeb, write_config: Write) -> Config:
    config = write_config([web.url + PAGE])
    writing = config.writing.model_copy(update={"writer": "auto", "base_url": claude.url, "deadline_seconds": 20.0})
    return config.model_copy(update={"writing": writing})


def published(config: Config) -> int:
    return len(list(config.folder(config.site[0]).glob("*/index.html")))


async def night(config: Config, database: Database, clock: Clock, **options: Any) -> None:
    app = studio.build(config)
    await control.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock, **options)


async def test_an_article_is_written_streamed_priced_and_published(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeAnthropic
) -> None:
    await night(config_for(claude, web, write_config), database, clock)
    steps = await database.fetch(
        "select step, status, cost_usd, output from runs where pipeline = 'article' order by id"
    )
    assert [(r["step"], r["status"]) for r in steps] == [
        *(("generate", "succeeded"), ("gate", "succeeded"), ("publish", "succeeded"), ("ping", "succeeded")),
    ]
    (call,) = await database.fetch("select * from llm_calls")
    assert call["status"] == "stored"
    assert call["cost_usd"] > 0
    assert (call["input_tokens"], call["output_tokens"]) == claude.billed
    assert steps[0]["cost_usd"] == call["cost_usd"]
    assert steps[0]["output"]["writer"] == "anthropic:claude-sonnet-5-5"


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_fault_becomes_an_article_and_each_is_booked_and_classified(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeAnthropic, fault: str
) -> None:
    kind, heals = FAULTS[fault]
    claude.script(*[fault] * 4)
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    (run,) = await database.fetch(
        "select status, error_class, failures, cost_usd, error from runs where step = 'generate'"
    )
    tries = 4 if heals else 1
    assert (run["status"], run["error_class"], run["failures"]) == (
        "dead",
        "transient" if heals else "permanent",
        tries,
    )
    calls = await database.fetch("select status, error_kind, input_tokens, cost_usd, answer from llm_calls")
    assert [(c["status"], c["error_kind"], c["answer"]) for c in calls] == [("failed", kind, None)] * tries
    assert len(claude.calls) == tries
    assert run["cost_usd"] == sum(c["cost_usd"] for c in calls)
    if fault in ("drop-mid-stream", "no-message-stop", "truncated-json", "max-tokens", "refusal"):
        assert all(c["cost_usd"] > 0 for c in calls)
    assert not list(config.folder(config.site[0]).glob("*/index.html"))
    dump = json.dumps(
        await database.fetch("select r.*, a.* from runs r left join attempts a on a.run_id = r.id"), default=str
    )
    assert KEY not in dump


async def test_a_fault_that_passes_heals_and_the_servers_wish_to_wait_is_honoured(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeAnthropic
) -> None:
    claude.script("429", "drop-mid-stream", "ok")
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    (run,) = await database.fetch("select id, status, failures, cost_usd from runs where step = 'generate'")
    assert (run["status"], run["failures"]) == ("succeeded", 2)
    first, *_ = await database.fetch("select retry_at - finished_at as wait from attempts order by attempt")
    assert first["wait"].total_seconds() >= 2
    total = await database.one("select sum(cost_usd) as cost from llm_calls")
    assert total is not None
    assert run["cost_usd"] == total["cost"]
    assert len(list(config.folder(config.site[0]).glob("*/index.html"))) == 1


async def test_a_stored_answer_is_not_paid_for_again(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeAnthropic
) -> None:
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    await database.fetch("delete from runs")
    await database.fetch("delete from topics")
    await night(config, database, clock)
    assert len(claude.calls) == 1
    calls = await database.fetch("select status, cost_usd > 0 as paid from llm_calls order by id")
    assert [(c["status"], c["paid"]) for c in calls] == [("stored", True), ("cached", False)]


async def test_a_call_that_is_cut_off_by_a_stop_is_booked_and_made_again(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeAnthropic
) -> None:
    claude.script("stall")
    config = config_for(claude, web, write_config)
    app = studio.build(config)
    await control.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    worker = Worker(app, database, grace=0.0)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(30):
        while not claude.calls or not await database.fetch("select id from llm_calls"):
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)  # until the first events have come: they tell what the call costs already
        worker.stop()
        await running
    (call,) = await database.fetch("select status, error_kind, input_tokens, cost_usd from llm_calls")
    assert (call["status"], call["error_kind"]) == ("failed", "aborted")
    assert call["input_tokens"] > 0
    assert call["cost_usd"] > 0
    assert [r["status"] for r in await database.fetch("select status from runs where step = 'generate'")] == ["queued"]
    await run_until_idle(app, database, clock=clock)
    assert len(list(config.folder(config.site[0]).glob("*/index.html"))) == 1


async def test_a_model_without_a_price_is_refused_before_the_call(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeAnthropic
) -> None:
    config = config_for(claude, web, write_config)
    writing = config.writing.model_copy(update={"model": "claude-nobody-knows"})
    await night(config.model_copy(update={"writing": writing}), database, clock)
    (run,) = await database.fetch("select status, error from runs where step = 'generate'")
    assert run["status"] == "dead"
    assert "claude-nobody-knows" in run["error"]
    assert claude.calls == []


async def test_a_switch_holds_the_call_itself(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeAnthropic
) -> None:
    from contentstudio.memory import Memory
    from overnight.context import Context
    from overnight.errors import SwitchedOff
    from overnight.ledger import Ledger

    config = config_for(claude, web, write_config)
    app = studio.build(config)
    await control.set_switch(database, "pipeline:article", enabled=False, reason="look first")
    await night(config, database, clock)
    topic = app.pipeline("article").job(
        {"site": "garden", "slug": "mulch-the-blanket-for-your-soil", "date": "2026-11-23"}
    )
    await Ledger(database).enqueue([topic])
    async with app.open(database) as deps:
        from overnight.model import Run

        run = Run(1, topic.job_id, "generate", "article", "garden", 1, 0, topic.input)
        title, snapshots = await Memory(database).topic("garden", "mulch-the-blanket-for-your-soil")
        with pytest.raises(SwitchedOff):
            await deps.writer.write(Context(run, deps, app, Ledger(database)), config.site[0], "s", title, snapshots)
    assert claude.calls == []


async def test_a_night_stops_at_its_budget_and_goes_on_when_a_person_raises_it(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeAnthropic
) -> None:
    await clock.set(datetime(2026, 11, 23, 4, tzinfo=UTC))
    config = config_for(claude, web, write_config)
    (site,) = config.site
    config = config.model_copy(update={"site": [site.model_copy(update={"usd_per_day": 0.01})]})
    await night(config, database, clock, horizon=3_600)
    run = await database.one("select status, outcome, error_class, failures, error from runs where step = 'generate'")
    assert run is not None
    assert (run["status"], run["outcome"], run["error_class"], run["failures"]) == ("queued", "held", "budget", 0)
    assert "more than the whole $0.01 a day of key:garden" in run["error"]
    assert claude.calls == []
    assert published(config) == 0
    await budgets.set_limit(database, "key:garden", Decimal(5), reason="worth it", by="me")
    await run_until_idle(studio.build(config), database, clock=clock, horizon=3_600)
    assert published(config) == 1


async def test_what_finds_the_budget_spent_is_written_the_next_day(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeAnthropic
) -> None:
    await clock.set(datetime(2026, 11, 23, 4, tzinfo=UTC))
    config = config_for(claude, web, write_config)
    config = config.model_copy(update={"budget": Budget(usd_per_day=1)})
    app = studio.build(config)
    await budgets.declare(database, app)
    await database.fetch("update budgets set spent_usd = 0.99")
    await night(config, database, clock, horizon=3_600)
    assert (claude.calls, published(config)) == ([], 0)
    await run_until_idle(app, database, clock=clock)
    assert (len(claude.calls), published(config)) == (1, 1)
    assert (await clock.now()).date().isoformat() == "2026-11-24"
