"""The calendar: what stands on each day, and ideas that are moved to another one."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result
from drafts import small_draft
from hypothesis import given
from hypothesis import strategies as st

from contentstudio import app as studio
from contentstudio import calendar, console, ideas
from contentstudio.calendar import YEARS, month_of, span_of, week_of
from contentstudio.cli.main import cli
from contentstudio.config import Config
from contentstudio.model import Existing
from contentstudio.store.articles import Articles
from contentstudio.store.publications import Publications
from overnight import App, http
from overnight.console import site
from overnight.console.access import Access
from overnight.errors import NotFound, UserError
from overnight.store.database import Database
from overnight.testing import Clock

DAY = 86_400
DAYS = st.dates(date(YEARS.start, 1, 1), date(YEARS.stop - 1, 12, 31))
TODAY = date(2026, 12, 2)  # a Wednesday


@pytest.fixture
def config(write_config: Callable[..., Config], clock: Clock) -> Config:
    return write_config(["https://a.example/"])


@pytest.fixture
def app(config: Config) -> App:
    return studio.build(config)


@pytest.fixture
async def clock(database: Database) -> Clock:
    """It is noon of `TODAY`."""
    clock = Clock(database)
    await clock.set(datetime.combine(TODAY, time(12), UTC))
    return clock


async def publish(database: Database, slug: str, text: str = "A heap is a start.") -> None:
    """What a job leaves that published a version."""
    draft = small_draft(slug, text)
    url = f"https://garden.example/{slug}/"
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    there = Existing(url=url, sha256=sha256)
    await Publications(database).keep("garden", draft, sha256, there, "job")
    articles = Articles(database)
    await articles.move(draft, "job", "ready")
    await articles.publish(draft, "job", url)


async def entries(
    config: Config, database: Database, site: str | None = None, **span: str
) -> dict[date, list[tuple[str, str]]]:
    """Kind and slug of what stands on each day on which something does."""
    shown = await calendar.read(config, database, site, **span)
    return {
        each["day"]: [(one["kind"], one["slug"]) for one in each["entries"]]
        for each in shown["days"]
        if each["entries"]
    }


@given(DAYS)
def test_a_month_and_a_week_have_their_day_in_whole_weeks(day: date) -> None:
    for span in (month_of(day), week_of(day)):
        assert span.first <= day <= span.last
        assert day in span.days
        assert len(span.days) % 7 == 0
        assert (span.days[0].weekday(), span.days[-1].weekday()) == (0, 6)
        assert {b - a for a, b in zip(span.days, span.days[1:], strict=False)} == {
            timedelta(days=1)
        }


@given(DAYS)
def test_the_name_of_a_span_leads_to_it_and_to_its_neighbours(day: date) -> None:
    month, week = month_of(day), week_of(day)
    assert span_of(month.name, "", TODAY) == month
    if week.first.year in YEARS:
        assert span_of("", week.name, TODAY) == week
    assert month_of(month.first - timedelta(days=1)).name == month.before
    assert week_of(week.last + timedelta(days=1)).name == week.after


def test_without_a_name_it_is_the_month_of_today() -> None:
    assert span_of("", "", TODAY).name == "2026-12"
    assert span_of("", "", TODAY).title == "December 2026"
    assert week_of(TODAY).title == "30 November to 6 December 2026"


@pytest.mark.parametrize(
    ("month", "week"),
    [
        *(("2026-13", ""), ("0000-01", ""), ("9999-12", ""), ("December", ""), ("2026-12-24", "")),
        *(("", "2026-W54"), ("", "2026-W00"), ("", "W49"), ("", "2026-12"), ("-1", "")),
    ],
)
def test_what_is_no_month_or_week_is_one_sentence(month: str, week: str) -> None:
    with pytest.raises(UserError, match="write it as 2026-"):
        span_of(month, week, TODAY)


async def test_versions_and_plans_stand_on_their_days(
    app: App, config: Config, database: Database, clock: Clock
) -> None:
    await publish(database, "compost")
    await ideas.add(app, config, database, "garden", "Why do bees dance", due=TODAY)
    await clock.move(DAY)
    await publish(database, "compost", "A heap is hot.")
    await publish(database, "mulch")
    days = {"week": week_of(TODAY).name}
    assert await entries(config, database, **days) == {
        TODAY: [("published", "compost"), ("planned", "why-do-bees-dance")],
        TODAY + timedelta(days=1): [("updated", "compost"), ("published", "mulch")],
    }
    assert await entries(config, database, "garden", **days) != {}


async def test_a_day_shows_a_few_and_says_how_many_more_there_are(
    config: Config, database: Database
) -> None:
    for number in range(6):
        await publish(database, f"heap-{number}")
    (day,) = await calendar.days_of(config, database, None, [TODAY], 4)
    assert (len(day["entries"]), day["more"]) == (4, 2)


async def test_what_has_no_day_or_an_old_one_is_listed_beside(
    app: App, config: Config, database: Database, clock: Clock
) -> None:
    for question, due in (("Why do bees dance", None), ("How old is mulch", TODAY)):
        await ideas.add(app, config, database, "garden", question, due=due)
    await publish(database, "compost")
    assert await unplanned(config, database) == ["why-do-bees-dance"]
    await clock.move(DAY)
    assert await unplanned(config, database) == ["how-old-is-mulch", "why-do-bees-dance"]


async def unplanned(config: Config, database: Database) -> list[str]:
    return [row["slug"] for row in (await calendar.read(config, database, None))["unplanned"]]


async def test_an_idea_is_moved_and_who_moved_it_is_kept(
    app: App, config: Config, database: Database
) -> None:
    far, farther = TODAY + timedelta(days=30), TODAY + timedelta(days=40)
    await ideas.add(app, config, database, "garden", "Why do bees dance", due=far)
    slug = "why-do-bees-dance"

    async def move(due: date | None) -> str:
        return await ideas.move(app, config, database, "garden", slug, due, by="eva", reason="")

    assert f"is due on {farther:%A}, {farther}; its article begins on" in await move(farther)
    shown = await ideas.shown(config, database, "garden", slug)
    assert shown["due"] == str(farther)
    assert "has no day" in await move(None)
    assert (await ideas.shown(config, database, "garden", slug))["due"] is None
    rows = await database.fetch("select verb, target, was, by from actions where verb = 'move'")
    assert rows[0] == {
        "verb": "move",
        "target": f"garden/{slug}",
        "was": {"due": str(far), "to": str(farther)},
        "by": "eva",
    }


async def test_an_idea_moved_to_a_near_day_begins_its_article_once(
    app: App, config: Config, database: Database
) -> None:
    slug = "why-do-bees-dance"
    await ideas.add(
        app, config, database, "garden", "Why do bees dance", due=TODAY + timedelta(days=30)
    )
    assert "begins now" in await ideas.move(app, config, database, "garden", slug, TODAY)
    again = await ideas.move(app, config, database, "garden", slug, TODAY + timedelta(days=1))
    assert "begins" not in again
    jobs = await database.fetch("select job_id from runs where pipeline = 'article'")
    assert len(jobs) == 1
    assert (await ideas.shown(config, database, "garden", slug))["job_id"] == jobs[0]["job_id"]


async def test_what_is_published_dropped_unknown_or_past_is_not_moved(
    app: App, config: Config, database: Database
) -> None:
    await ideas.add(app, config, database, "garden", "Why do bees dance", due=None)
    await ideas.add(
        app, config, database, "garden", "How old is mulch", due=TODAY + timedelta(days=30)
    )
    await publish(database, "why-do-bees-dance")
    await ideas.drop(config, database, "garden", "how-old-is-mulch", reason="no")

    async def move(slug: str, due: date) -> str:
        return await ideas.move(app, config, database, "garden", slug, due)

    with pytest.raises(UserError, match="is published and has no day"):
        await move("why-do-bees-dance", TODAY)
    with pytest.raises(UserError, match="approve it first"):
        await move("how-old-is-mulch", TODAY)
    with pytest.raises(NotFound):
        await move("no-such-idea", TODAY)
    with pytest.raises(UserError, match="is past"):
        await move("why-do-bees-dance", TODAY - timedelta(days=1))
    assert await database.fetch("select from actions where verb = 'move'") == []


@pytest.fixture
def ask(config: Config, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    file = str(tmp_path / "contentstudio.toml")

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, cli, ["--config", file, *words])

    return run


async def test_a_script_moves_an_idea_and_reads_its_week(ask: Any) -> None:
    await ask("idea", "add", "garden", "Why do bees dance", "--due", "2099-12-24")
    moved = await ask("idea", "move", "garden", "why-do-bees-dance", "2099-12-25")
    assert "is due on Friday, 2099-12-25" in moved.stdout
    assert "Why do bees dance" in (await ask("calendar", "--month", "2099-12")).stdout
    days = json.loads((await ask("calendar", "--week", "2099-W52", "--json")).stdout)["days"]
    assert {each["day"]: len(each["entries"]) for each in days}["2099-12-25"] == 1
    none = await ask("idea", "move", "garden", "why-do-bees-dance", "none")
    assert "has no day" in none.stdout
    wrong = await ask("idea", "move", "garden", "why-do-bees-dance", "friday")
    assert wrong.exit_code != 0 and "is no day" in str(wrong.exception)
    assert "write it as 2026-12" in str((await ask("calendar", "--month", "x")).exception)


async def test_the_page_shows_what_is_due_and_moves_it(
    app: App, config: Config, database: Database
) -> None:
    await ideas.add(
        app, config, database, "garden", "Why do <b>bees</b> dance", due=date(2099, 12, 24)
    )
    built = site.build(app, database, Access({}), own=console.build(config))
    with http.listen("127.0.0.1", 0) as listener:
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            page = (await client.get("/calendar?month=2099-12&site=garden")).text
            assert "Why do &lt;b&gt;bees&lt;/b&gt; dance" in page
            assert (await client.get("/calendar?week=2099-W52")).status_code == 200
            assert (await client.get("/calendar?month=x")).status_code == 400
            csrf = page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
            form = {"csrf": csrf, "site": "garden", "slug": "why-do-b-bees-b-dance"}
            done = await client.post("/do/move-idea", data={**form, "due": "2099-12-25"})
            assert "2099-12-25" in done.headers["location"]
            wrong = await client.post("/do/move-idea", data={**form, "due": "2099-02-30"})
            assert "refused" in wrong.headers["location"]
    (row,) = await database.fetch("select due from ideas")
    assert row["due"] == date(2099, 12, 25)
