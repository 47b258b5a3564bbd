"""The real adapter against the real streaming protocol: no fault becomes an article, every call is
booked.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from itertools import cycle, takewhile
from typing import Any

import pytest
from model_answers import (
    TITLE,
    article,
    asked,
    brief,
    notes_of,
    own_notes,
    paragraph,
    quotes,
    sealed,
    section_number,
)

from contentstudio import app as studio
from contentstudio import console
from contentstudio.config import Budget, Config, Writing
from contentstudio.demo.web import DemoWeb
from contentstudio.llm.models import Models, connect
from contentstudio.model import Draft
from contentstudio.pipelines import briefing
from contentstudio.pipelines.work import Topic
from contentstudio.review.briefs import costs
from contentstudio.store.briefs import Briefs
from contentstudio.store.evidence import EvidenceLedger
from contentstudio.store.snapshots import Snapshots
from contentstudio.writing.article import BRIEF_WORDS, ModelWriter
from overnight.engine.worker import Worker
from overnight.errors import LedgerUnavailable
from overnight.llm import Usage, budgets, cost_usd
from overnight.operations import budgets as limits
from overnight.operations import dead_letters, runs, switches
from overnight.operations.filters import Filter
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle
from overnight.testing.fake_llm import FakeModels, prompt_of

pytestmark = [  # of `make test-large`
    pytest.mark.large,
    pytest.mark.usefixtures("offline_research"),
]

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


CALLS = 6  # a brief, three sections, one that reads the whole article, and the judge


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModels]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    with FakeModels(body=article) as server:
        yield server


def config_for(claude: FakeModels, web: DemoWeb, write_config: Write, **writing: Any) -> Config:
    config = write_config([web.url + PAGE])
    given = {
        "writer": "auto",
        "anthropic": {"base_url": claude.url},
        "deadline_seconds": 20.0,
        "sections_at_once": 1,
    }
    return config.model_copy(update={"writing": Writing.model_validate({**given, **writing})})


def published(config: Config) -> int:
    return len(list(config.folder(config.site[0]).glob("*/index.html")))


async def night(config: Config, database: Database, clock: Clock, **options: Any) -> None:
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock, **options)


async def test_an_article_is_written_streamed_priced_and_published(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    await night(config_for(claude, web, write_config), database, clock)
    steps = await database.fetch(
        "select step, status, cost_usd, output from runs where pipeline = 'article' order by id"
    )
    assert [(r["step"], r["status"]) for r in steps] == [
        *(("research", "succeeded"), ("brief", "succeeded")),
        *(("generate", "succeeded"), ("optimize", "succeeded"), ("gate", "succeeded")),
        *(("confirm", "succeeded"), ("publish", "succeeded"), ("ping", "succeeded")),
    ]
    calls = await database.fetch("select * from llm_calls")
    assert [call["status"] for call in calls] == ["stored"] * CALLS
    assert all(call["cost_usd"] > 0 for call in calls)
    assert (
        sum(c["input_tokens"] for c in calls),
        sum(c["output_tokens"] for c in calls),
    ) == claude.billed
    assert sum(step["cost_usd"] for step in steps) == sum(call["cost_usd"] for call in calls)
    assert all(step["cost_usd"] > 0 for step in steps[1:3])
    assert steps[2]["output"]["writer"] == "anthropic:claude-sonnet-5-5"


async def test_the_estimate_stands_beside_what_was_booked(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    claude.body = half_as_long_as_allowed
    config = config_for(claude, web, write_config, rewrites=0)
    await night(config, database, clock)
    (run,) = await database.fetch("select job_id from runs where step = 'generate'")
    plan = await Briefs(database).read(run["job_id"])
    _, planned, written, judged = found = await costs(database, config, run["job_id"], plan)
    assert [(each.step, each.calls) for each in (planned, written, judged)] == [
        ("brief", 1),
        ("generate", CALLS - 2),
        ("gate", 1),
    ]
    for each in (planned, written, judged):
        assert each.estimated_usd is not None
        assert 1 / 3 < each.estimated_usd / each.booked_usd < 3
    shown = console.build(config).job
    assert shown is not None
    told = await shown(database, run["job_id"])
    assert told == {"job_id": run["job_id"], "costs": found, "has_text": True}


async def test_an_estimate_stays_whatever_prices_are_later(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    config = config_for(claude, web, write_config, rewrites=0)
    await night(config, database, clock)
    (run,) = await database.fetch("select job_id from runs where step = 'generate'")
    plan = await Briefs(database).read(run["job_id"])
    dear = {"claude-sonnet-5-5": {"input": 900, "output": 900}}
    later = config_for(claude, web, write_config, rewrites=0, prices=dear)
    before, after = [await costs(database, each, run["job_id"], plan) for each in (config, later)]
    assert before == after
    assert plan is not None
    of_old = plan.model_copy(update={"estimates": ()})  # as briefs were stored before
    _, planned, *_ = await costs(database, later, run["job_id"], of_old)
    assert planned.estimated_usd is not None
    assert planned.estimated_usd > 10 * (before[1].estimated_usd or 0)
    assert not any("estimates" in prompt_of(call.request) for call in claude.calls)


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_fault_becomes_an_article_and_each_is_booked_by_kind(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: FakeModels,
    fault: str,
) -> None:
    kind, heals = FAULTS[fault]
    claude.script(*[fault] * 4)
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    (run,) = await database.fetch(
        "select status, error_class, failures, cost_usd, error from runs where step = 'brief'"
    )
    failures = 4 if heals else 1
    tries = (
        2 if fault == "max-tokens" else failures
    )  # once more with all the tokens that the config allows
    for_a_person = fault == "truncated-json"
    assert (run["status"], run["error_class"], run["failures"]) == (
        "needs_review" if for_a_person else "dead",
        "unfit" if for_a_person else "transient" if heals else "permanent",
        failures,
    )
    assert not for_a_person or run["error"].startswith(
        "no answer fits the form that was asked for (4 times asked"
    )
    calls = await database.fetch(
        "select status, error_kind, input_tokens, cost_usd, answer from llm_calls"
    )
    assert [(c["status"], c["error_kind"], c["answer"]) for c in calls] == [
        ("failed", kind, None)
    ] * tries
    assert len(claude.calls) == tries
    assert run["cost_usd"] == sum(c["cost_usd"] for c in calls)
    if fault in ("drop-mid-stream", "no-message-stop", "truncated-json", "max-tokens", "refusal"):
        assert all(c["cost_usd"] > 0 for c in calls)
    assert not list(config.folder(config.site[0]).glob("*/index.html"))
    dump = json.dumps(
        await database.fetch("select r.*, a.* from runs r left join attempts a on a.run_id = r.id"),
        default=str,
    )
    assert KEY not in dump


async def test_a_temporary_fault_heals_and_retry_after_is_honoured(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    claude.script("429", "drop-mid-stream")
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    (run,) = await database.fetch(
        "select id, status, failures, cost_usd from runs where step = 'brief'"
    )
    assert (run["status"], run["failures"]) == ("succeeded", 2)
    first, *_ = await database.fetch(
        "select retry_at - finished_at as wait from attempts order by attempt"
    )
    assert first["wait"].total_seconds() >= 2
    total = await database.one(
        "select sum(cost_usd) as cost from llm_calls where run_id = %s", [run["id"]]
    )
    assert total is not None
    assert run["cost_usd"] == total["cost"]
    assert len(list(config.folder(config.site[0]).glob("*/index.html"))) == 1


async def test_a_stored_answer_is_not_paid_for_again(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    (topic,) = await database.fetch("select site, slug, found_on::text as date from ideas")
    await database.fetch("delete from runs")
    app = studio.build(config)
    await runs.emit(app, database, "topic.validated", topic)
    await run_until_idle(app, database, clock=clock)
    assert len(claude.calls) == CALLS
    calls = await database.fetch("select status, cost_usd > 0 as paid from llm_calls order by id")
    assert [(c["status"], c["paid"]) for c in calls] == [("stored", True)] * CALLS + [
        ("cached", False)
    ] * (CALLS - 1), "what was judged is known by its words"


async def test_all_calls_for_the_sections_of_an_article_begin_alike(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    """The site, the brief and all notes; what differs comes after, so that the prefix is cached."""
    question = "What does mulch do for the soil?"
    claude.body = lambda request: (
        brief(list(notes_of(request)), faq=[question])
        if asked(request) == "brief"
        else article(request)
    )
    await night(config_for(claude, web, write_config), database, clock)
    calls = [call for call in claude.calls if asked(call.request) in ("section", "answers")]
    assert len(calls) == 4
    assert len({call.request["system"] for call in calls}) == 1
    texts = [prompt_of(call.request) for call in calls]
    shared = sum(1 for _ in takewhile(lambda each: len(set(each)) == 1, zip(*texts, strict=False)))
    assert shared >= 0.9 * min(map(len, texts))
    assert texts[0][:shared].rstrip().endswith("Part:")
    assert f'"{question}"' in texts[0][:shared]
    assert set(notes_of(calls[0].request)) == set(notes_of(calls[3].request))


@pytest.mark.parametrize("call", range(1, CALLS + 1))
async def test_a_worker_that_dies_in_a_call_pays_for_no_other_again(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: FakeModels,
    call: int,
) -> None:
    claude.script(*["ok"] * (call - 1), "drop-mid-stream")
    await night(config_for(claude, web, write_config), database, clock)
    assert len(claude.calls) == CALLS + 1
    booked = await database.fetch("select status, cost_usd > 0 as paid from llm_calls")
    assert sum(row["status"] == "stored" for row in booked) == CALLS
    assert [row["status"] for row in booked if row["paid"]].count("failed") == 1
    assert published(config_for(claude, web, write_config)) == 1


@pytest.mark.parametrize("answers", range(1, CALLS + 1))
async def test_a_worker_that_dies_after_an_answer_pays_nothing_again(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: FakeModels,
    monkeypatch: pytest.MonkeyPatch,
    answers: int,
) -> None:
    ask, given = Models.ask, list[Any]()

    async def dying(*args: Any, **options: Any) -> Any:
        given.append(await ask(*args, **options))
        if len(given) == answers:
            raise LedgerUnavailable("killed")
        return given[-1]

    monkeypatch.setattr(Models, "ask", dying)
    await night(config_for(claude, web, write_config), database, clock)
    assert len(claude.calls) == CALLS
    assert published(config_for(claude, web, write_config)) == 1


@pytest.mark.parametrize("fault", ["drop-mid-stream", "529"])
async def test_what_fails_in_the_middle_goes_on_with_what_is_missing(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: FakeModels,
    fault: str,
) -> None:
    claude.script("ok", "ok", fault)
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    calls = await database.fetch(
        "select attempt, status from llm_calls where step <> 'gate' order by id"
    )
    first, second = ([c["status"] for c in calls if c["attempt"] == attempt] for attempt in (1, 2))
    assert first == ["stored", "stored", "failed"], "after a failure no other section is begun"
    assert second == ["cached", "stored", "stored", "stored"]
    assert len(claude.calls) == CALLS + 1
    assert published(config) == 1


async def test_sections_are_written_side_by_side_up_to_a_bound(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    together = threading.Barrier(2)

    def body(request: dict[str, Any]) -> str:
        if asked(request) == "section" and section_number(request) > 1:
            together.wait(20)  # breaks, and so fails the call, unless two are under way at once
        return article(request)

    claude.body = body
    config = config_for(claude, web, write_config, sections_at_once=2)
    await night(config, database, clock)
    assert (len(claude.calls), published(config)) == (CALLS, 1)


async def test_a_citation_outside_of_the_pool_is_asked_for_once_more(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    def body(request: dict[str, Any]) -> str:
        said = article(request)
        if asked(request) != "section" or section_number(request) != 2:
            return said
        told = "An answer to this was refused" in prompt_of(request)
        return said if told else said.replace('"n2"', '"n77"', 1)

    claude.body = body
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    assert len(claude.calls) == CALLS + 1
    repair = next(
        prompt_of(c.request) for c in claude.calls if "was refused" in prompt_of(c.request)
    )
    assert re.search("“n77” is named, and only n2, n5.* are given", repair)
    assert published(config) == 1


async def test_a_model_that_keeps_citing_outside_the_pool_is_dead(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    claude.body = lambda request: article(request).replace('"n2"', '"n77"')
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    (run,) = await database.fetch(
        "select status, error_class, error from runs where step = 'brief'"
    )
    assert (run["status"], run["error_class"], len(claude.calls)) == ("dead", "permanent", 2)
    assert "“n77” is named" in run["error"]


async def test_each_prompt_of_a_job_has_its_canary_and_the_draft_none(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    run = await database.one(
        "select job_id, output::text as draft from runs where step = 'generate'"
    )
    assert run is not None
    async with AsyncExitStack() as stack:
        mark = ModelWriter(connect(config.writing, database, stack), config.writing).canary(
            run["job_id"]
        )
    assert all(mark in call.request["system"] for call in claude.calls)
    assert {
        call.request["system"].split("the prompt ")[1].split(".")[0] for call in claude.calls
    } == {
        *("brief-1", "section-2", "polish-1", "judge-1"),
    }
    assert mark not in run["draft"]


async def test_an_article_that_gives_its_mark_away_waits_for_a_person(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    def body(request: dict[str, Any]) -> str:
        mark = request["system"].split("the mark ")[1].split(",")[0]
        return article(request).replace("Mulch, part 2", f"Mulch, {mark}")

    claude.body = body
    config = config_for(claude, web, write_config, rewrites=0)
    await night(config, database, clock)
    (run,) = await database.fetch("select status, error from runs where step = 'gate'")
    assert run["status"] == "needs_review"
    assert "the writer gave its instructions away" in run["error"]


async def test_each_claim_is_kept_beside_its_source_once(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    (run,) = await database.fetch("select job_id, output from runs where step = 'generate'")
    draft = Draft.model_validate(run["output"])
    rows = await EvidenceLedger(database).of_job(run["job_id"])
    assert [row["text"] for row in rows] == [s.text for s in draft.sentences()]
    assert {row["verdict"] for row in rows} == {"supported"}
    (snapshot,) = (await Snapshots(database).read([rows[0]["snapshot"]])).values()
    assert all(snapshot.text[r["span_start"] : r["span_end"]] == r["passage"] for r in rows)
    await EvidenceLedger(database).keep(
        run["job_id"], draft, [snapshot.model_copy(update={"text": "Nothing. At all."})]
    )
    assert await EvidenceLedger(database).of_site("garden") == rows, (
        "what was found is not found anew"
    )


async def test_the_models_of_a_step_and_of_another_provider_are_asked(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    config = config_for(
        claude,
        web,
        write_config,
        section={"provider": "openai", "model": "near"},
        openai={"base_url": claude.url + "/v1"},
        prices={"near": {"input": 0, "output": 0}},
    )
    await night(config, database, clock)
    assert [(call.path, call.request["model"]) for call in claude.calls] == [
        ("/v1/messages", "claude-sonnet-5-5"),
        *[("/v1/chat/completions", "near")] * 3,
        *[("/v1/messages", "claude-sonnet-5-5")] * 2,
    ]
    (run,) = await database.fetch("select output from runs where step = 'generate'")
    assert run["output"]["writer"] == "openai:near, anthropic:claude-sonnet-5-5"
    assert published(config) == 1


async def test_the_fallback_writes_a_refused_text_in_the_same_attempt(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    claude.script("refusal")
    config = config_for(claude, web, write_config, fallback={"model": "claude-haiku-4-5"})
    await night(config, database, clock)
    calls = await database.fetch(
        "select model, status, error_kind, cost_usd > 0 as paid, attempt from llm_calls order by id"
    )
    assert [
        (c["model"], c["status"], c["error_kind"], c["paid"], c["attempt"]) for c in calls[:2]
    ] == [
        ("claude-sonnet-5-5", "failed", "refused", True, 1),
        ("claude-haiku-4-5", "stored", None, True, 1),
    ]
    assert published(config) == 1


async def test_an_article_is_rewritten_with_the_reasons_as_data(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    def body(request: dict[str, Any]) -> str:
        if asked(request) == "brief":
            return article(request).replace(TITLE, "TODO")
        return article(request)

    claude.body = body
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    rewrite = claude.calls[-2].request
    assert len(claude.calls) == CALLS + 2
    texts = sealed(rewrite)
    assert "TODO" in (texts["reasons"] if asked(rewrite) == "rewrite" else texts["faults"])
    (run,) = await database.fetch("select status, output from runs where step = 'gate'")
    assert (run["status"], run["output"]["draft"]["title"]) == (
        "succeeded",
        TITLE,
    )
    assert published(config) == 1


async def test_a_call_cut_off_by_a_stop_is_booked_and_made_again(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    claude.script("stall")
    config = config_for(claude, web, write_config)
    at_once = config.research.model_copy(update={"settle_seconds": 0})
    config = config.model_copy(update={"research": at_once})
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    worker = Worker(app, database, grace=0.0)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(30):
        while not claude.calls or not await database.fetch("select id from llm_calls"):
            await asyncio.sleep(0.02)
        await asyncio.sleep(
            0.3
        )  # until the first events have come: they tell what the call costs already
        worker.stop()
        await running
    (call,) = await database.fetch(
        "select status, error_kind, input_tokens, cost_usd from llm_calls"
    )
    assert (call["status"], call["error_kind"]) == ("failed", "aborted")
    assert call["input_tokens"] > 0
    assert call["cost_usd"] > 0
    assert [
        r["status"] for r in await database.fetch("select status from runs where step = 'brief'")
    ] == ["queued"]
    await run_until_idle(app, database, clock=clock)
    assert len(list(config.folder(config.site[0]).glob("*/index.html"))) == 1


async def test_a_model_without_a_price_is_refused_before_the_call(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    config = config_for(claude, web, write_config)
    writing = config.writing.model_copy(update={"model": "claude-nobody-knows"})
    await night(config.model_copy(update={"writing": writing}), database, clock)
    (run,) = await database.fetch("select status, error from runs where step = 'brief'")
    assert run["status"] == "dead"
    assert "claude-nobody-knows" in run["error"]
    assert claude.calls == []


async def test_a_switch_holds_the_call_itself(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    from overnight.engine.context import Context
    from overnight.errors import SwitchedOff
    from overnight.store.ledger import Ledger

    config = config_for(claude, web, write_config)
    app = studio.build(config)
    await switches.pause(database, "pipeline:article", reason="look first")
    await night(config, database, clock)
    (topic,) = await database.fetch("select site, slug, found_on::text as date from ideas")
    job = app.pipeline("article").job(topic)
    await Ledger(database).enqueue([job])
    async with app.resources(database) as deps:
        from overnight.store.records import Run

        run = Run(1, job.job_id, "research", "article", "garden", 1, 0, job.input)
        ctx = Context(run, deps, app, Ledger(database))
        found = await briefing.research_of_topic(ctx, Topic.model_validate(topic))
        with pytest.raises(SwitchedOff):
            await deps.writer.brief(ctx, config.site[0], found)
    assert claude.calls == []


async def test_a_night_stops_at_its_budget_until_a_person_raises_it(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    await clock.set(datetime(2026, 11, 23, 4, tzinfo=UTC))
    config = config_for(claude, web, write_config)
    (site,) = config.site
    config = config.model_copy(update={"site": [site.model_copy(update={"usd_per_day": 0.01})]})
    await night(config, database, clock, horizon=3_600)
    run = await database.one(
        "select status, outcome, error_class, failures, error from runs where step = 'brief'"
    )
    assert run is not None
    assert (run["status"], run["outcome"], run["error_class"], run["failures"]) == (
        "queued",
        "held",
        "budget",
        0,
    )
    assert "more than the whole $0.01 a day of site:garden" in run["error"]
    assert claude.calls == []
    assert published(config) == 0
    await limits.set_limit(database, "key:garden", Decimal(5), reason="worth it", by="me")
    await run_until_idle(studio.build(config), database, clock=clock, horizon=3_600)
    assert published(config) == 1


async def test_what_finds_the_budget_spent_is_written_the_next_day(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
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
    assert (len(claude.calls), published(config)) == (CALLS, 1)
    assert (await clock.now()).date().isoformat() == "2026-11-24"


async def test_an_answer_with_an_unstorable_character_is_asked_again(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    def spoilt_once(request: dict[str, Any]) -> str:
        told = article(request)
        return told.replace('"text": "', '"text": "\\u0000', 1) if len(claude.calls) == 2 else told

    claude.body = spoilt_once
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    assert published(config) == 1
    failed = await database.fetch("select error_kind, error from llm_calls where status = 'failed'")
    assert [(row["error_kind"], "NUL" in row["error"]) for row in failed] == [("malformed", True)]


async def test_unfit_answers_wait_for_a_person_who_may_replay_them(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    claude.script(*["truncated-json"] * 4)
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    (run,) = await database.fetch("select job_id, status from runs where step = 'brief'")
    assert run["status"] == "needs_review"
    assert await database.fetch("select kind from alerts where kind = 'dead_letter'") == []
    app = studio.build(config)
    await dead_letters.replay(None, database, Filter(job=run["job_id"]))
    await run_until_idle(app, database, clock=clock)
    assert published(config) == 1


async def test_an_answer_is_asked_for_with_as_many_tokens_as_it_needs(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    asked = [call.request["max_tokens"] for call in claude.calls]
    assert len(asked) == CALLS
    assert max(asked) <= config.writing.max_tokens
    assert asked[0] < config.writing.max_tokens / 2, "the brief is short"


def half_as_long_as_allowed(request: dict[str, Any]) -> str:
    """Sections in the middle of the length that the prompt gives; they pass no gate,
    and need not.
    """
    if asked(request) == "polish":
        lines = re.findall(r"^(\d+) \[(n\d+), quoted\] (.*)$", prompt_of(request), re.M)
        changes = [{"sentence": int(n), "text": text, "notes": [name]} for n, name, text in lines]
        return json.dumps({"changes": changes[: len(lines) // 5], "additions": []})
    if asked(request) == "brief":
        return brief(list(notes_of(request)), intent="To water a bed less. " * (BRIEF_WORDS // 10))
    if asked(request) != "section":
        return article(request)
    (most,) = re.findall(r"Length: \d+ to (\d+) words", prompt_of(request))
    lines, sentences, count = cycle(quotes(own_notes(request))), [], 0
    while count < int(most) / 2:
        sentences.append(next(lines))
        count += len(sentences[-1]["text"].split())
    return json.dumps({"blocks": [paragraph(sentences)]})


async def test_an_articles_calls_reserve_a_few_times_what_they_cost(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    """Not 30 times, as when each call asked for the config's whole `max_tokens`: others would wait
    for nothing.
    """
    claude.body = half_as_long_as_allowed
    await database.fetch("create table seen (reserved numeric, cost numeric)")
    await database.fetch(
        "create function note() returns trigger language plpgsql as $$ begin "
        "insert into seen values (old.reserved_usd, new.cost_usd); return new; end $$"
    )
    await database.fetch(
        "create trigger note after update on llm_calls for each row when "
        "(new.finished_at is not null) "
        "execute function note()"
    )
    await night(config_for(claude, web, write_config, rewrites=0), database, clock)
    (row,) = await database.fetch(
        "select count(*) as calls, sum(reserved) / sum(cost) as times from seen"
    )
    assert row["calls"] == CALLS
    assert 1 <= row["times"] < 8


async def test_an_article_is_written_by_batches_at_half_the_price(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    claude.batches.polls = 0
    await night(config_for(claude, web, write_config, batch=True), database, clock)
    assert await statuses(database) == ["succeeded"] * 8
    batches = [len(batch.requests) for batch in claude.batches.all.values()]
    assert batches == [1, CALLS - 3, 1, 1], "all sections in one batch"
    assert all("batch" in call.headers for call in claude.calls)
    calls = await database.fetch("select status, cost_usd, model from llm_calls")
    assert [call["status"] for call in calls] == ["stored"] * CALLS
    usual = [
        cost_usd(
            "anthropic",
            call.request["model"],
            Usage(input_tokens=call.input_tokens, output_tokens=call.output_tokens),
        )
        for call in claude.calls
    ]
    assert float(sum(call["cost_usd"] for call in calls)) == pytest.approx(
        float(sum(usual)) / 2, rel=0.001
    )


async def statuses(database: Database) -> list[str]:
    rows = await database.fetch("select status from runs where pipeline = 'article' order by id")
    return [row["status"] for row in rows]
