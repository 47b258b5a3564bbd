"""What is ready waits for the window of its site, keeps its distance; an edit meanwhile is judged
as any draft is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contentstudio import app as studio
from contentstudio.cli.main import cli
from contentstudio.config import Config, Window
from contentstudio.demo.web import FEEDS, DemoWeb
from contentstudio.pipelines import pace
from contentstudio.store.publications import Publications
from contentstudio.store.sql import queries
from overnight import App
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
MONDAY = datetime(2026, 11, 23, 4, tzinfo=UTC)
BLOCKED = (
    "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = "
    "current_database()"
)
MULCH = "/potting-shed/mulch.html"


def windowed(config: Config, **window: Any) -> Config:
    site = config.site[0].model_copy(update={"window": Window.model_validate(window)})
    changed = config.model_copy(update={"site": [site]})
    changed._file = config._file
    return changed


async def begin(app: App, database: Database) -> None:
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})


async def published(database: Database) -> list[datetime]:
    rows = await database.fetch(
        "select finished_at from runs where step = 'publish' and status = 'succeeded' "
        "order by finished_at"
    )
    return [row["finished_at"] for row in rows]


async def test_an_article_waits_until_the_window_opens(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = windowed(write_config([web.url + MULCH]), days=["tue"], hours=("08:00", "09:00"))
    await clock.set(MONDAY)
    app = studio.build(config)
    await begin(app, database)
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    assert await published(database) == []
    await run_until_idle(app, database, clock=clock, horizon=2 * 86_400)
    (when,) = await published(database)
    assert (when.weekday(), when.hour) == (1, 8)
    (run,) = await database.fetch("select failures from runs where step = 'publish'")
    assert run["failures"] == 0


async def test_articles_keep_their_distance(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = windowed(write_config([web.url + FEEDS[0]]), minutes_apart=30)
    await clock.set(MONDAY)
    app = studio.build(config)
    await begin(app, database)
    await run_until_idle(app, database, clock=clock, horizon=4 * 3_600)
    moments = await published(database)
    assert len(moments) == 4
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    assert min(gaps) >= 30 * 60 - 5  # the turn is taken before the work


async def test_of_two_that_ask_for_the_turn_at_once_one_has_it(
    database: Database, clock: Clock, write_config: Write
) -> None:
    """The second one waits for the first one's commit, and what it sees of the turn before is an
    old turn.
    """
    config = windowed(write_config(["http://127.0.0.1:9/"]), minutes_apart=30)
    assert await pace.held(config, Publications(database), "garden", "a", "earlier") is None
    await clock.move(30 * 60 + 1)
    async with await database.connect() as other:
        async with other.transaction():
            params = {"site": "garden", "job_id": "first", "apart": 30 * 60}
            row = await (await other.execute(queries["pace_take"], params)).fetchone()
            assert row is not None and row["wait"] == 0
            asking = asyncio.create_task(
                pace.held(config, Publications(database), "garden", "b", "second")
            )
            while not await database.fetch(BLOCKED):
                await asyncio.sleep(0)
        assert await asking is not None
    (turn,) = await database.fetch("select job_id from paces")
    assert turn["job_id"] == "first"


@pytest.mark.parametrize("pipeline", ["rollback", "publish"])
async def test_what_a_person_asks_for_by_name_does_not_wait(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, pipeline: str
) -> None:
    config = write_config([web.url + MULCH])
    await clock.set(MONDAY)
    await begin(studio.build(config), database)
    await run_until_idle(studio.build(config), database, clock=clock)
    (version,) = await database.fetch("select slug from versions")
    await database.fetch(
        "insert into versions (site, slug, sha256, draft, job_id, at, first_at) "
        "select site, slug, 'earlier', jsonb_set(draft, '{title}', '\"Mulch, earlier\"'), job_id, "
        "at - interval '1 day', at - interval '1 day' from versions"
    )
    app = studio.build(windowed(config, days=["sun"]))
    asked = {"site": "garden", "slug": version["slug"], "asked": "2026-11-23T09:00:00Z"}
    await runs.start(app, database, pipeline, asked)
    await run_until_idle(app, database, clock=clock, horizon=60)
    (run,) = await database.fetch(
        "select status from runs where pipeline = %s and step = 'publish'", [pipeline]
    )
    assert run["status"] == "succeeded"


async def waiting(database: Database) -> dict[str, Any]:
    (row,) = await database.fetch(
        "select r.job_id, r.step, g.output from runs r join runs g on g.job_id = "
        "r.job_id and g.step = 'gate' "
        "where r.pipeline = 'article' and r.status = 'queued'"
    )
    return row


@pytest.fixture
async def ready(database: Database, clock: Clock, web: DemoWeb, write_config: Write) -> App:
    """An article that passed the gates, and waits for a last edit."""
    app = studio.build(write_config([web.url + MULCH], extra="[research]\nsettle_seconds = 0\n"))
    await begin(app, database)
    await run_until_idle(app, database, clock=clock, horizon=60)
    return app


async def test_an_edit_restarts_the_wait_but_not_beyond_its_maximum(
    database: Database, clock: Clock, ready: App
) -> None:
    began = await clock.now()
    row = await waiting(database)
    assert row["step"] == "confirm"
    for number in range(1, 20):
        await clock.move(80)
        row["output"]["draft"]["tags"] = [f"version {number}"]
        await runs.edit(ready, database, row["job_id"], row["output"])
        await run_until_idle(ready, database, clock=clock, horizon=5)
        if await published(database):
            break
    (when,) = await published(database)
    assert 800 < (when - began).total_seconds() < 1_000  # `debounce_at_most_seconds` is 900
    (version,) = await database.fetch("select draft->'tags' as tags from versions")
    assert version["tags"] == [
        "version 12"
    ]  # 11 edits every 80 s, and one more before 900 s are over


async def test_an_edit_within_the_wait_goes_through_the_gates_again(
    database: Database, clock: Clock, ready: App
) -> None:
    row = await waiting(database)
    row["output"]["draft"]["sections"][0]["paragraphs"].append(
        [{"text": "As an AI language model, I cannot."}]
    )
    await runs.edit(ready, database, row["job_id"], row["output"])
    await run_until_idle(ready, database, clock=clock)
    assert await published(database) == []
    (run,) = await database.fetch(
        "select step, status, error from runs where status = 'needs_review'"
    )
    assert run["step"] == "confirm"
    assert "leak" in run["error"]


async def test_a_file_edits_an_article_that_waits_for_its_window(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Twice, so that the second edit is one of what the first one made; and the gates see the words
    at once.
    """
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    write_config([web.url + MULCH], extra="[research]\nsettle_seconds = 0\n")
    file, words = tmp_path / "contentstudio.toml", tmp_path / "words.md"
    text = file.read_text("utf-8")
    file.write_text(f"{text}window = {{ days = ['tue'], hours = ['08:00', '09:00'] }}\n", "utf-8")
    await clock.set(MONDAY)
    app = studio.create(file)
    await begin(app, database)
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    row = await waiting(database)
    assert row["step"] == "confirm"

    def ask(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["--config", str(file), *arguments])

    for old, new in (("# ", "# Well, "), ("# Well, ", "# Well, well, ")):
        told = await asyncio.to_thread(ask, "review", row["job_id"], "--markdown", str(words))
        assert f"edit {row['job_id']} --input @FILE.md" in told.stdout
        words.write_text(words.read_text("utf-8").replace(old, new, 1), "utf-8")
        told = await asyncio.to_thread(ask, "edit", row["job_id"], "--input", f"@{words}")
        assert told.exit_code == 0, told.output
        await run_until_idle(app, database, clock=clock, horizon=3_600)
        assert await published(database) == []
    (judged,) = await database.fetch("select count(distinct attempt) as times from verdicts")
    assert judged["times"] >= 2
    await run_until_idle(app, database, clock=clock, horizon=2 * 86_400)
    (when,) = await published(database)
    assert (when.weekday(), when.hour) == (1, 8)
    (version,) = await database.fetch("select draft->>'title' as title from versions")
    assert version["title"].startswith("Well, well, ")
    told = await asyncio.to_thread(ask, "edit", row["job_id"], "--input", f"@{words}")
    assert "waits for review or a last edit" in str(told.exception)


async def test_an_edit_before_the_window_goes_through_the_gates_again(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = windowed(
        write_config([web.url + MULCH], extra="[research]\nsettle_seconds = 0\n"), days=["tue"]
    )
    await clock.set(MONDAY)
    app = studio.build(config)
    await begin(app, database)
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    row = await waiting(database)
    row["output"]["draft"]["sections"][0]["paragraphs"].append(
        [{"text": "As an AI language model, I cannot."}]
    )
    await runs.edit(app, database, row["job_id"], row["output"])
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    (run,) = await database.fetch("select step, error from runs where status = 'needs_review'")
    assert run["step"] == "confirm"
    assert "leak" in run["error"]
