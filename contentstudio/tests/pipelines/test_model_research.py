"""Research with a model: what it is asked, that nothing it says is believed unchecked, and that no
answer is paid for twice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from model_answers import article
from searching import MemorySearch, searching

from contentstudio import app as studio
from contentstudio.brief import Research
from contentstudio.config import Config, Writing
from contentstudio.demo.web import DemoWeb
from contentstudio.model import Snapshot
from contentstudio.review.briefs import costs
from contentstudio.search.port import Hit
from contentstudio.store.briefs import Briefs
from contentstudio.store.snapshots import Snapshots
from contentstudio.text.sentences import sentences
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle
from overnight.testing.fake_llm import FakeModels, prompt_of, schema_of

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
PAGE = "/potting-shed/mulch.html"
KEPT = tuple(
    Snapshot(url=f"https://{name}.example/", title=name, text=text, language="en", sha256=sha)
    for name, text in {
        "soil": "Mulch on the soil saves 30 % of the water in a dry summer.",
        "worms": "In 2019 mulch beds in Graz had twice as many worms as bare soil.",
    }.items()
    for sha in [hashlib.sha256(text.encode()).hexdigest()]
)
HITS = [Hit(url=page.url, sha256=page.sha256) for page in KEPT]
QUESTIONS = ["Does mulch save water?", "Which animals live under mulch?"]
CALLS = 1 + 3 + 6  # questions; notes of three pages; brief, three sections, last reading, judge


def sealed(request: dict[str, Any], name: str) -> str:
    """What stands in a prompt between the tags of that name."""
    return prompt_of(request).split(f'id="{name}">\n', 1)[1].split("\n</source-", 1)[0]


def answer(request: dict[str, Any]) -> str:
    """Questions, facts in the words of their page, and what an article is made of."""
    schema = schema_of(request)
    assert schema is not None
    if "open" in schema["properties"]:
        asked = [{"perspective": "a beginner", "question": question} for question in QUESTIONS]
        return json.dumps({"answered": "A little.", "open": "The rest.", "questions": asked})
    if "facts" in schema["properties"]:
        lines = sentences(sealed(request, "page"))
        return json.dumps({"facts": [{"text": line, "span": line} for line in lines[:9]]})
    return article(request)


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModels]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    with FakeModels(body=answer) as server:
        yield server


def config_for(
    claude: FakeModels, web: DemoWeb, write_config: Write, *, extra: str = "", **writing: Any
) -> Config:
    config = write_config([web.url + PAGE], extra=extra)
    values = {
        "writer": "auto",
        "anthropic": {"base_url": claude.url},
        "deadline_seconds": 20.0,
        "sections_at_once": 1,
        "rewrites": 0,
    }
    return config.model_copy(update={"writing": Writing.model_validate(values | writing)})


async def night(config: Config, database: Database, clock: Clock) -> MemorySearch:
    for page in KEPT:
        await Snapshots(database).keep(page)
    search = MemorySearch(*HITS)
    app = searching(studio.build(config), search)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    return search


async def researched(database: Database) -> Research:
    (row,) = await database.fetch(
        "select output from runs where step = 'research' and pipeline = 'article' "
        "and status = 'succeeded'"
    )
    return Research.model_validate(row["output"])


async def test_questions_are_searched_and_each_page_noted_in_one_call(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    search = await night(config_for(claude, web, write_config), database, clock)
    research = await researched(database)
    assert research.questions[1:] == tuple(QUESTIONS)
    assert [query for _, query, _ in search.asked] == list(research.questions)
    assert len(claude.calls) == CALLS
    assert {host for note in research.notes for host in note.hosts} == {
        *("127.0.0.1", "soil.example", "worms.example")
    }
    texts = await Snapshots(database).read(page.sha256 for page in research.pages)
    for note in research.notes:
        assert texts[note.sha256].text[note.start : note.end] == note.span
    pages = [prompt_of(c.request) for c in claude.calls if "note the facts" in c.request["system"]]
    assert len(pages) == 3
    assert all("mark-" in call.request["system"] for call in claude.calls)


async def test_research_costs_no_more_than_its_limits_let_expect(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    (run,) = await database.fetch("select job_id from runs where step = 'generate'")
    plan = await Briefs(database).read(run["job_id"])
    first = next(iter(await costs(database, config, run["job_id"], plan)))
    assert (first.step, first.calls) == ("research", 1 + config.research.pages)
    assert first.estimated_usd is not None
    assert 0 < first.booked_usd <= first.estimated_usd


async def test_what_a_model_makes_up_is_no_note(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    def body(request: dict[str, Any]) -> str:
        told = answer(request)
        if "facts" not in json.loads(told):
            return told
        line = sentences(sealed(request, "page"))[0]
        facts = [
            {"text": "Mulch heals.", "span": "Doctors say that mulch heals within days."},
            {"text": "Mulch saves 99 % of the water.", "span": line},
            {"text": "It opens tomorrow in Graz.", "span": line},
            {"text": "A line of the page.", "span": line},
        ]
        return json.dumps({"facts": facts})

    claude.body = body
    await night(
        config_for(claude, web, write_config, extra="[research]\nmin_notes = 1\n"), database, clock
    )
    research = await researched(database)
    texts = [re.sub(r" on \d+ \w+ \d{4}", " then", note.text) for note in research.notes]
    assert texts == ["It opens then in Graz.", "A line of the page."]


async def test_too_little_support_ends_before_any_call_for_the_text(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    extra = "[research]\nmin_hosts = 4\n"
    await night(config_for(claude, web, write_config, extra=extra), database, clock)
    (row,) = await database.fetch(
        "select step, status, error from runs where pipeline = 'article' order by id desc limit 1"
    )
    assert (row["step"], row["status"]) == ("research", "cancelled")
    assert "rest on 3 hosts" in row["error"]
    assert len(claude.calls) == 4
    assert not any("angle" in json.dumps(schema_of(call.request)) for call in claude.calls)


@pytest.mark.parametrize("call", range(CALLS))
async def test_killed_at_any_call_and_run_again_nothing_is_paid_twice(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: FakeModels,
    call: int,
) -> None:
    claude.script(*["ok"] * call, "drop-mid-stream")
    config = config_for(claude, web, write_config)
    await night(config, database, clock)
    rows = await database.fetch("select status, request_hash from llm_calls order by id")
    stored = [row["request_hash"] for row in rows if row["status"] == "stored"]
    assert len(stored) == len(set(stored)) == CALLS
    assert len(claude.calls) == CALLS + 1
    prompts = [call.request["messages"] for call in claude.calls]
    assert sum(prompts.count(prompt) > 1 for prompt in prompts) == 2  # the one that was cut off
    assert list(config.folder(config.site[0]).glob("*/index.html"))


async def test_another_model_may_do_the_research(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, claude: FakeModels
) -> None:
    small = {"model": "claude-haiku-4-5"}
    config = config_for(claude, web, write_config, questions=small, notes=small)
    await night(config, database, clock)
    assert [call.request["model"] for call in claude.calls] == [
        *["claude-haiku-4-5"] * 4,
        *["claude-sonnet-5-5"] * 6,
    ]
