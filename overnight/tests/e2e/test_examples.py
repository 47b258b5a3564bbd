"""The examples, by the commands of their docstrings and with a clock that is moved; each meets a
failure, too.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from overnight.operations import dead_letters, queries, reviews, runs
from overnight.operations.decisions import Approve, Reject
from overnight.operations.filters import Filter
from overnight.store.database import Database
from overnight.store.records import Ending
from overnight.testing import Clock, fresh_database, run_until_idle
from overnight.testing.fake_llm import FakeModels

ROOT = Path(__file__).parents[3]
EXAMPLES = ["approval", "data_sync", "fan_out", "nightly_report", "research_team"]
LINES = 80
PATIENCE = 30.0  # seconds for another process


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the examples, which is where this process works, too."""
    copy = Path(shutil.copytree(ROOT / "examples", tmp_path / "examples"))
    monkeypatch.chdir(copy)
    monkeypatch.syspath_prepend(str(copy))
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    before = set(sys.modules)
    yield copy
    for name in set(sys.modules) - before:
        if str(copy) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def example(name: str) -> Any:
    return importlib.import_module(name)


def command(line: str, database: Database, **env: str) -> str:
    """What a command of a docstring prints, run in the folder of the examples."""
    program, *arguments = shlex.split(line)
    assert program == "overnight"
    done = subprocess.run(
        [sys.executable, "-m", "overnight.cli.main", *arguments],
        env={**os.environ, "OVERNIGHT_DATABASE_URL": database.url, **env},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commands(name: str) -> list[str]:
    """The commands that the docstring gives."""
    return re.findall(r"^    (overnight .*)$", (ROOT / f"examples/{name}.py").read_text(), re.M)


def outcomes(endings: list[Ending], step: str) -> list[str]:
    return [ending.transition.outcome for ending in endings if ending.run.step == step]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_short(name: str) -> None:
    assert len((ROOT / f"examples/{name}.py").read_text().splitlines()) < LINES
    assert len(commands(name)) == {"fan_out": 3, "approval": 4}.get(name, 2)


# --- the nightly report


def test_the_report_is_written_by_the_two_commands(folder: Path, database: Database) -> None:
    for line in commands("nightly_report"):
        command(line, database)
    assert (folder / "reports/2026-06-01.md").read_text().splitlines()[-2:] == [
        "| roses | 20 |",
        "| tulips | 3 |",
    ]


async def test_the_report_comes_at_six_in_belgrade_for_the_day_before(
    folder: Path, database: Database, clock: Clock
) -> None:
    app = example("nightly_report").app
    for moment, pages in (
        (datetime(2026, 6, 2, 3, 59, tzinfo=UTC), 0),
        (datetime(2026, 6, 2, 4, 1, tzinfo=UTC), 1),
    ):
        await clock.set(moment)
        await run_until_idle(app, database, clock=clock, horizon=0)
        assert len(list(folder.glob("reports/2026-06-01.md"))) == pages


async def test_the_report_waits_for_a_file_that_is_late(
    folder: Path, database: Database, clock: Clock
) -> None:
    app = example("nightly_report").app
    orders = (folder / "orders.csv").rename(folder / "late.csv")
    await runs.start(app, database, "report", {"day": "2026-06-01"})
    endings = await run_until_idle(app, database, clock=clock, horizon=100)
    assert outcomes(endings, "collect") == ["retry", "retry"]
    orders.rename(folder / "orders.csv")
    assert outcomes(await run_until_idle(app, database, clock=clock), "deliver") == ["done"]


async def test_a_day_without_orders_is_no_work(folder: Path, database: Database) -> None:
    app = example("nightly_report").app
    await runs.start(app, database, "report", {"day": "2026-01-01"})
    assert outcomes(await run_until_idle(app, database), "collect") == ["no_work"]
    assert not (folder / "reports").exists()


@contextmanager
def worker(database: Database) -> Iterator[None]:
    """A worker process for the length of the block; then it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "overnight.cli.main", "--app", "nightly_report:app", "worker"],
        env={**os.environ, "OVERNIGHT_DATABASE_URL": database.url},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


WAIT = """
    create function wait() returns trigger language plpgsql as
    'begin perform pg_advisory_xact_lock_shared(42); return new; end';
    create trigger wait before update on effects for each row execute function wait();
"""
HELD_UP = """
    select pid from pg_locks join pg_database d on d.oid = database
    where locktype = 'advisory' and objid = 42 and not granted and d.datname = current_database()
"""


async def test_a_kill_between_a_write_and_its_record_repeats_no_write(
    folder: Path, database: Database
) -> None:
    await runs.start(example("nightly_report").app, database, "report", {"day": "2026-06-01"})
    await database.fetch(WAIT)
    async with await database.connect() as gate:
        await gate.execute("select pg_advisory_lock(42)")
        with worker(database):
            async with asyncio.timeout(PATIENCE):
                while not (held_up := await database.fetch(HELD_UP)):
                    await asyncio.sleep(0.05)
        for row in held_up:  # the note that was under way dies with its sender
            await database.fetch("select pg_terminate_backend(%(pid)s, 5000)", row)
    await database.fetch("drop trigger wait on effects")
    page = folder / "reports/2026-06-01.md"
    written = page.stat().st_mtime_ns
    command("overnight --app nightly_report:app worker --until-idle", database)
    assert page.stat().st_mtime_ns == written
    (*_, run) = await database.fetch("select step, status, losses from runs order by id")
    assert run == {"step": "deliver", "status": "succeeded", "losses": 1}
    (effect,) = await database.fetch("select status, result from effects")
    assert effect == {"status": "done", "result": "reports/2026-06-01.md"}


# --- the data sync


@pytest.fixture
def shop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The stand-in's API, which data_sync asks."""
    with example("shop_api").Shop() as shop:
        thread = threading.Thread(target=shop.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setattr(example("data_sync"), "SHOP", shop.url)
        yield shop
        shop.shutdown()
        thread.join()


@pytest.fixture
async def shop_database(folder: Path, server_url: str) -> Any:
    async with fresh_database(server_url, example("data_sync").tables) as database:
        yield database


async def sync(database: Database, night: str, **options: Any) -> list[Ending]:
    app = example("data_sync").app
    await runs.start(app, database, "sync", {"slot": night})
    return await run_until_idle(app, database, clock=Clock(database), **options)


async def names(database: Database) -> list[str]:
    return [row["name"] for row in await database.fetch("select name from shop_items order by id")]


async def test_the_shop_is_synced_by_the_commands(folder: Path, database: Database) -> None:
    shop = subprocess.Popen([sys.executable, "shop_api.py", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert shop.stdout is not None
        url = shop.stdout.readline().split()[-1]
        for line in commands("data_sync"):
            command(line, database, SHOP_URL=url)
    finally:
        shop.kill()
        shop.communicate()
    assert await names(database) == ["roses", "tulips", "beans", "peas", "sage"]


async def test_each_page_is_a_job_and_one_without_news_is_no_work(
    shop: Any, shop_database: Database
) -> None:
    first = await sync(shop_database, "first")
    assert outcomes(first, "store") == ["done"] * 3
    assert len({ending.run.job_id for ending in first}) == 3
    shop.items[3]["name"] = "sweet peas"
    second = await sync(shop_database, "second")
    assert outcomes(second, "pull") == ["no_work", "done", "no_work"]
    assert shop.answers == [200, 200, 200, 304, 200, 304]
    assert await names(shop_database) == ["roses", "tulips", "beans", "sweet peas", "sage"]


async def test_five_502s_open_the_breaker_and_the_job_waits_behind_it(
    shop: Any, shop_database: Database
) -> None:
    shop.broken = 5
    endings = await sync(shop_database, "night", horizon=120)
    assert outcomes(endings, "pull") == ["retry"] * 5
    (breaker,) = await queries.breakers(shop_database)
    assert (breaker["name"], breaker["state"]) == ("shop", "open")
    endings = await run_until_idle(
        example("data_sync").app, shop_database, clock=Clock(shop_database)
    )
    assert outcomes(endings, "pull") == ["done"] * 3
    assert await queries.breakers(shop_database) == []
    assert shop.answers == [502] * 5 + [200] * 3


async def test_a_sync_that_died_goes_on_after_a_replay(shop: Any, shop_database: Database) -> None:
    shop.broken = 7
    assert outcomes(await sync(shop_database, "night"), "pull") == ["retry"] * 6 + ["error"]
    assert (await dead_letters.replay(None, shop_database, Filter(pipeline="sync"))).count == 1
    await run_until_idle(example("data_sync").app, shop_database, clock=Clock(shop_database))
    assert len(await names(shop_database)) == 5


# --- the research team


async def begin(database: Database, clock: Clock) -> tuple[str, list[Ending]]:
    """The team at work until a person is asked."""
    app = example("research_team").app
    job, _ = await runs.start(app, database, "team", "green roofs")
    return job, await run_until_idle(app, database, clock=clock)


async def test_the_article_is_published_once_a_command_approves_it(
    folder: Path, database: Database
) -> None:
    for line in commands("research_team"):
        command(line, database)
    overnight = "overnight --app research_team:app"
    (waiting,) = json.loads(command(f"{overnight} review --json", database))["review"]
    assert not (folder / "published").exists()
    assert "it knows nothing" in command(f"{overnight} review {waiting['job_id']}", database)
    command(f"{overnight} approve {waiting['job_id']} --rev {waiting['revision']}", database)
    command(f"{overnight} worker --until-idle", database)
    assert (folder / f"published/{waiting['job_id']}.md").read_text() == waiting["output"]


async def test_the_writer_waits_for_all_research_then_a_person_decides(
    folder: Path, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeModels(body=example("team_model").answer, faults=["ok", "529", "ok"]) as model:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
        job, endings = await begin(database, clock)
    assert sorted(outcomes(endings, "look_up")) == ["done", "done", "done", "retry"]
    assert outcomes(endings, "gather")[-2:] == ["snooze", "done"]
    (notes,) = [
        ending.output for ending in endings if ending.run.step == "gather" and ending.output
    ]
    assert notes.count("## green roofs") == 3
    assert outcomes(endings, "approve") == ["review"]
    assert not (folder / "published").exists()
    (waiting,) = await queries.review(database, job)
    await reviews.decide(example("research_team").app, database, job, Approve(waiting["revision"]))
    await run_until_idle(example("research_team").app, database)
    assert (folder / f"published/{job}.md").read_text() == waiting["output"]


async def test_an_article_that_is_rejected_is_not_published(
    folder: Path, database: Database, clock: Clock
) -> None:
    job, _ = await begin(database, clock)
    (waiting,) = await queries.review(database, job)
    await reviews.decide(
        example("research_team").app, database, job, Reject(waiting["revision"], "too thin")
    )
    assert await run_until_idle(example("research_team").app, database, clock=clock) == []
    assert not (folder / "published").exists()


async def test_the_stand_in_costs_nothing(folder: Path, database: Database, clock: Clock) -> None:
    await begin(database, clock)
    (spent,) = await database.fetch("select count(*) as calls, sum(cost_usd) as usd from llm_calls")
    assert (spent["calls"], spent["usd"]) == (5, 0)


# --- the survey, which joins jobs


async def test_the_survey_joins_what_came_of_its_checks(folder: Path, database: Database) -> None:
    for line in commands("fan_out"):
        command(line, database)
    (collect,) = await database.fetch("select output from runs where step = 'collect'")
    assert collect["output"] == {
        "sites": 3,
        "pages": 22,
        "failed": {"down.example": "down.example answers nothing"},
        "late": False,
    }


# --- the order, which waits for a decision


async def test_the_order_is_shipped_once_it_is_approved(folder: Path, database: Database) -> None:
    start, work, emit, _ = commands("approval")
    command(start, database)
    command(work, database)
    assert "waits for order.decided 7" in command("overnight show order-7", database)
    command(emit, database)
    command(work, database)
    (ship,) = await database.fetch("select output from runs where step = 'ship'")
    assert ship["output"] == "shipped 7"


@pytest.mark.parametrize("decision", [None, False, True])
async def test_an_order_ends_by_its_decision_or_by_its_time(
    folder: Path, database: Database, clock: Clock, decision: bool | None
) -> None:
    app = example("approval").app
    if decision is not None:  # before the order waits for it
        payload = {"order": 7, "by": "ada", "approved": decision}
        assert await runs.emit(app, database, "order.decided", payload) == []
    await runs.start(app, database, "order", {"number": 7, "euros": 1500})
    endings = await run_until_idle(app, database, clock=clock, horizon=3 * 86_400)
    assert outcomes(endings, "ship") == ["done" if decision else "cancel"]


# --- the recipe of docs/testing.md


def test_the_recipe_for_tests_runs_as_it_stands(tmp_path: Path) -> None:
    page = (ROOT / "docs/testing.md").read_text("utf-8")
    files = re.findall(r"```python\n# (\S+\.py)\n(.*?)```", page, re.S)
    assert [name for name, _ in files] == ["bills.py", "conftest.py", "test_bills.py"]
    for name, text in files:
        (tmp_path / name).write_text(text)
    plain = [
        "-p",
        "no:asyncio",
        "-p",
        "no:anyio",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plain],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr
