"""What is ready waits for its day and its window, unless a person wants it published now."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from drafts import small_draft
from lxml import html

from contentstudio import articles, ideas
from contentstudio.cli.main import cli
from contentstudio.pipelines.work import Judged
from contentstudio.store.articles import Articles
from contentstudio.store.publications import Publications
from desk import Desk
from overnight.errors import NotFound
from overnight.identity import input_hash
from overnight.operations import queries
from overnight.pipelines.pipeline import dump
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import NewRun

pytestmark = pytest.mark.contract

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
THURSDAY = date(2026, 11, 26)
DAY = 86_400
DRAFT = small_draft(text="A heap is a start.")
CLOSED = "window = { days = ['sun'] }"
APART = "window = { minutes_apart = 60 }"


@pytest.fixture
async def desk(database: Database, write_config: Any, tmp_path: Path) -> Desk:
    write_config(["https://a.example"])
    desk = Desk(database, tmp_path / "contentstudio.toml")
    await desk.clock.set(MONDAY)
    return desk


def windowed(desk: Desk, window: str) -> None:
    desk.file.write_text(f"{desk.file.read_text('utf-8')}{window}\n", "utf-8")


async def put_idea(desk: Desk, due: date | None) -> None:
    await desk.database.fetch(
        "insert into ideas (site, slug, title, due, decision, found_on) values "
        "('garden', 'compost', 'On compost', %s, 'create', '2026-11-20')",
        [due],
    )


async def begin(desk: Desk, step: str = "publish", job: str = "one") -> None:
    """A job that comes to a step; its article is that of the idea."""
    await Articles(desk.database).begin("garden", DRAFT.slug, job, DRAFT.title)
    payload = dump(Judged(draft=DRAFT, verdicts=[]))
    new = NewRun(job, step, "article", "garden", payload, input_hash(payload))
    assert await Ledger(desk.database).enqueue([new]) == 1


async def ready(desk: Desk, step: str = "publish") -> None:
    """An article that came to a step and waits there."""
    await begin(desk, step)
    await desk.work(horizon=60)
    assert await published_on(desk) is None


async def published_on(desk: Desk) -> date | None:
    row = await desk.database.one("select first_at from versions")
    return row["first_at"].date() if row else None


async def publish_now(desk: Desk) -> articles.Started:
    return await articles.ask(
        *(desk.app, desk.config, desk.database, "publish", "garden", "compost"),
        reason="the fair is today",
        by="ana",
    )


@pytest.mark.parametrize(
    ("step", "due", "window", "when"),
    [
        ("confirm", None, "", MONDAY.date()),
        ("publish", date(2026, 11, 20), "", MONDAY.date()),
        ("confirm", MONDAY.date(), "", MONDAY.date()),
        ("publish", THURSDAY, "", THURSDAY),
        ("confirm", THURSDAY, APART, THURSDAY),
        ("publish", THURSDAY, CLOSED, date(2026, 11, 29)),
        ("confirm", date(2026, 11, 30), CLOSED, date(2026, 12, 6)),
    ],
)
async def test_an_article_is_published_on_its_due_day(
    desk: Desk, step: str, due: date | None, window: str, when: date
) -> None:
    windowed(desk, window)
    await put_idea(desk, due)
    await begin(desk, step)
    await desk.work(horizon=14 * DAY)
    assert await published_on(desk) == when


async def test_a_due_day_begins_at_midnight_of_the_schedule(desk: Desk) -> None:
    text = desk.file.read_text("utf-8")
    desk.file.write_text(f"[research]\ntimezone = 'Asia/Tokyo'\n{text}", "utf-8")
    await put_idea(desk, date(2026, 11, 24))
    await begin(desk)
    await desk.work(horizon=DAY)
    (row,) = await desk.database.fetch("select first_at from versions")
    assert (row["first_at"].day, row["first_at"].hour) == (23, 15)


@pytest.mark.parametrize("due", [date(2026, 11, 24), MONDAY.date(), None])
async def test_a_moved_day_wakes_what_waits_for_it(desk: Desk, due: date | None) -> None:
    await put_idea(desk, THURSDAY)
    await ready(desk)
    await ideas.move(desk.app, desk.config, desk.database, "garden", "compost", due)
    await desk.work(horizon=DAY)
    assert await published_on(desk) == (due or MONDAY.date())


async def test_what_readers_had_does_not_wait_for_a_day(desk: Desk) -> None:
    await put_idea(desk, None)
    await begin(desk)
    await desk.work()
    await desk.database.fetch("update ideas set due = '2026-12-24'")
    await begin(desk, job="two")
    await desk.work(horizon=60)
    assert (await desk.ending("two"))["status"] == "succeeded"


@pytest.mark.parametrize(
    ("step", "due", "window", "why"),
    [
        ("confirm", THURSDAY, "", "it is due on Thursday, 2026-11-26"),
        ("publish", None, CLOSED, "window of “garden”"),
    ],
)
async def test_a_person_publishes_now_what_waits(
    desk: Desk, step: str, due: date | None, window: str, why: str
) -> None:
    windowed(desk, window)
    await put_idea(desk, due)
    await ready(desk, step)
    wait = await Publications(desk.database).wait("one")
    assert wait is not None
    assert why in wait["reason"]
    started = await publish_now(desk)
    assert started.job_id == "one"
    await desk.work(horizon=60)
    assert await published_on(desk) == MONDAY.date()
    (action,) = await queries.audit(desk.database, target="one")
    assert (action["verb"], action["by"], action["reason"]) == (
        "publish",
        "ana",
        "the fair is today",
    )


async def test_what_waits_for_a_last_edit_is_published_now(desk: Desk) -> None:
    await begin(desk, "confirm")
    await desk.database.fetch("update runs set due_at = ledger_now() + interval '10 min'")
    await publish_now(desk)
    await desk.work(horizon=60)
    assert await published_on(desk) == MONDAY.date()


@pytest.mark.parametrize("state", ["writing", "review", "verifying"])
async def test_what_is_not_ready_cannot_be_published_now(desk: Desk, state: str) -> None:
    await desk.database.fetch(
        "insert into articles (site, slug, title, state, job_id) values "
        "('garden', 'compost', 'On compost', %s, 'one')",
        [state],
    )
    with pytest.raises(NotFound, match=f"is in the state {state}, and was not published before"):
        await publish_now(desk)


async def test_a_pause_holds_what_is_to_be_published_now(desk: Desk) -> None:
    await put_idea(desk, THURSDAY)
    await ready(desk)
    await desk.database.fetch(
        "insert into switches (scope, enabled, reason) values ('key:garden', false, '')"
    )
    await publish_now(desk)
    await desk.work(horizon=DAY)
    assert await published_on(desk) is None


async def test_the_console_shows_the_wait_and_a_command_ends_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_idea(desk, THURSDAY)
    await ready(desk)
    async with desk.console() as client:
        page = html.fromstring((await client.get("/articles/garden/compost")).text)
        shown = page.text_content()
        assert "It waits to be published: it is due on Thursday, 2026-11-26" in shown
        assert "Publish now" in shown
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", desk.database.url)
    words = ["--config", str(desk.file), "publish", "garden", "compost"]
    told = await asyncio.to_thread(CliRunner().invoke, cli, words)
    assert "publish “compost” of garden now: job one is queued" in told.stdout
    async with desk.console() as client:
        page = html.fromstring((await client.get("/articles/garden/compost")).text)
        assert "It waits to be published" not in page.text_content()
    await desk.work(horizon=60)
    assert await published_on(desk) == MONDAY.date()


async def test_the_button_of_an_article_publishes_it_now(desk: Desk) -> None:
    await put_idea(desk, THURSDAY)
    await ready(desk)
    async with desk.console() as client:
        page = html.fromstring((await client.get("/articles/garden/compost")).text)
        (form,) = page.xpath("//form[@action='/do/publish-article']")
        answer = await client.post(form.get("action"), data=dict(form.fields))
        assert "done=publish" in answer.headers["location"]
    await desk.work(horizon=60)
    assert await published_on(desk) == MONDAY.date()


async def test_publishing_twice_at_once_publishes_once(desk: Desk) -> None:
    await put_idea(desk, THURSDAY)
    await ready(desk)
    started = await asyncio.gather(publish_now(desk), publish_now(desk))
    assert [each.job_id for each in started] == ["one", "one"]
    await desk.work(horizon=60)
    assert await published_on(desk) == MONDAY.date()
    published = await desk.database.fetch(
        "select job_id, status from runs where step = 'publish' or pipeline = 'publish'"
    )
    assert [tuple(row.values()) for row in published] == [("one", "succeeded")]
    writes = await desk.database.fetch("select name, count(*) as n from effects group by name")
    assert writes and all(row["n"] == 1 for row in writes)
