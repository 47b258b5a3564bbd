"""A ledger that the code of an earlier release filled is upgraded, and its night goes on.

`tests/upgrade` has the ledger as SQL, the sites' folders, the config, and the script that made
them. The web is there again, and what failed in it is healed.
"""

from __future__ import annotations

import gzip
import os
import secrets
import shutil
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from upgrade_web import UpgradeWeb

from contentstudio import app as studio
from contentstudio.publish.static import StaticPublisher
from contentstudio.store.sql import queries
from overnight.store.database import Database, Row
from overnight.store.migrations import migrate
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

CASE = Path(__file__).parents[1] / "upgrade"
PROGRAM = Path(sys.executable).with_name("contentstudio")
ENDED = ("succeeded", "cancelled")
OPEN = "status in ('queued', 'running')"
NOT_COPIED = {"migrations", "testing_clock"}

# What the ledger has to hold for the test to mean something.
HOLDS = {
    "a read whose worker was killed": "runs where step = 'read' and status = 'running'",
    "a ping whose worker was killed": "runs where step = 'ping' and status = 'running'",
    "a text whose worker was killed": "runs where step = 'generate' and status = 'running'",
    "a worker that is listed and dead": "workers where stopped_at is null",
    "a run that waits for a retry": "runs where status = 'queued' and outcome = 'retry'",
    "an article outside its window": "runs where status = 'queued' and outcome = 'snooze'",
    "a page that waits for others": "runs where status = 'queued' and debounce is not null",
    "an article with time for an edit": "runs where status = 'queued' and step = 'confirm'",
    "reviews": "runs where status = 'needs_review'",
    "a dead run": "dead_letters where kind = 'run'",
    "a message that nobody can read": "dead_letters where kind = 'message'",
    "a message that began a job": "messages where status = 'accepted'",
    "a fired slot": "slots where status = 'fired'",
    "published articles": "publications",
    "versions": "versions",
    "topics": "topics",
    "choices": "choices",
    "memory documents": "documents where kind = 'published'",
    "evidence": "evidence",
    "verdicts": "verdicts",
    "an open breaker": "breakers where open_until > opened_at",
    "a switch that is off": "switches where not enabled",
    "a person's budget": "budgets where person_usd is not null",
    "a reservation": "llm_calls where status = 'started' and reserved_usd > 0",
    "open alerts": "alerts where resolved_at is null",
    "effects with an outcome": "effects where status = 'done'",
    "an effect without an outcome": "effects where status = 'intended'",
    "what people did": "actions",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of the config, with the sites as they were published."""
    shutil.copy(CASE / "contentstudio.toml", tmp_path)
    with zipfile.ZipFile(CASE / "sites.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path


@pytest.fixture
async def database(server_url: str, home: Path) -> AsyncIterator[Database]:
    """The ledger as it was left, a minute after its last commit."""
    ledger = gzip.decompress((CASE / "ledger.sql.gz").read_bytes())
    ledger = ledger.replace(b"/srv/studio", str(home).encode())
    name = f"upgrade_{secrets.token_hex(6)}"
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    async with await Database(server_url).connect() as admin:
        await admin.execute(f'create database "{name}"')  # type: ignore[arg-type]
        try:
            async with Database(url) as database:
                async with await database.connect() as connection:
                    await connection.execute(ledger)
                (last,) = await database.fetch("select max(seen_at) as moment from workers")
                async with await database.connect() as connection:
                    await connection.execute(Clock.INSTALL)  # type: ignore[arg-type]
                clock = Clock(database)
                await clock.set(last["moment"])
                await clock.move(60)
                yield database
        finally:
            await admin.execute(f'drop database "{name}" with (force)')  # type: ignore[arg-type]


@pytest.fixture
def web() -> Iterator[UpgradeWeb]:
    """The web on its port, which stands in the ledger; another run of this test may have it yet."""
    web = UpgradeWeb(healed=True)
    for _ in range(600):
        try:
            web.start()
            break
        except OSError:
            time.sleep(0.2)
    yield web
    web.stop()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, str]]:
    """How often each article was made or changed on its site: (job, slug) of what was written."""
    writes: Counter[tuple[str, str]] = Counter()
    publish = StaticPublisher.publish

    async def recorded(self: StaticPublisher, article: Any, *args: Any) -> Any:
        result = await publish(self, article, *args)
        writes[article.draft.site, article.draft.slug] += 1
        return result

    monkeypatch.setattr(StaticPublisher, "publish", recorded)
    return writes


async def content(database: Database) -> dict[str, list[Row]]:
    """Every table, row by row."""
    tables = await database.fetch(
        "select table_name as name from information_schema.tables "
        "where table_schema = 'public' and table_type = 'BASE TABLE'"
    )
    return {
        table["name"]: [
            row["row"]
            for row in await database.fetch(f'select to_jsonb(t) as row from "{table["name"]}" t')
        ]
        for table in tables
        if table["name"] not in NOT_COPIED
    }


async def count(database: Database, what: str) -> int:
    (row,) = await database.fetch(f"select count(*) as n from {what}")
    return int(row["n"])


def without(lacking: dict[str, list[Row]], whole: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The rows of `whole` that are not in `lacking`, by the columns that they have."""
    missing = {}
    for table, rows in whole.items():
        columns = list(rows[0]) if rows else []
        there = Counter(repr([row.get(name) for name in columns]) for row in lacking[table])
        here = {repr(list(row.values())): row for row in rows}
        if gone := [row for key, row in here.items() if not there[key]]:
            missing[table] = gone
    return missing


class Person:
    """Somebody at the command line of today."""

    def __init__(self, home: Path, database: Database) -> None:
        self.file = home / "contentstudio.toml"
        self.env = {**os.environ, "OVERNIGHT_DATABASE_URL": database.url}

    def says(self, *command: str) -> str:
        program = [PROGRAM, "--config", self.file, *command, "--reason", "after the upgrade"]
        done = subprocess.run(program, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout


async def go_on(home: Path, database: Database) -> None:
    """Work until nothing is left but what is switched off; time passes as far as it must."""
    app, clock = studio.create(home / "contentstudio.toml"), Clock(database)
    rest = f"runs where {OPEN} and not exists (select from switches where not enabled and "
    rest += "scope = 'key:' || runs.key)"
    for _ in range(30):
        await run_until_idle(app, database, clock=clock)
        if not await count(database, rest):
            return
        await clock.move(120)
    left = await database.fetch(f"select key, step, status, outcome, error, due_at from {rest}")
    raise AssertionError(f"the night does not end: {left}")


async def test_an_upgrade_at_night_loses_and_repeats_nothing(
    database: Database, home: Path, web: UpgradeWeb, published: Counter[tuple[str, str]]
) -> None:
    empty = [what for what, where in HOLDS.items() if not await count(database, where)]
    assert empty == []
    before = await content(database)
    assert await migrate(database, queries)
    assert without(await content(database), before) == {}

    person = Person(home, database)
    await go_on(home, database)
    person.says("resume", "key:attic")
    person.says("replay", "--all")
    person.says("cancel", "m2")
    for row in await database.fetch(
        "select job_id, seal(output, input) as seal from runs where status = 'needs_review'"
    ):
        person.says("approve", row["job_id"], "--seen", row["seal"])
    await go_on(home, database)
    await nothing_is_lost(database, before)
    await nothing_is_repeated(database, before, web, published)


async def nothing_is_lost(database: Database, before: dict[str, list[Row]]) -> None:
    """What had ended is as it was, and everything else has come to its end, with one loss each
    where the worker was killed.
    """
    after = {row["id"]: row for row in (await content(database))["runs"]}
    ended = [row for row in before["runs"] if row["status"] in ENDED]
    assert [row for row in ended if not row.items() <= after[row["id"]].items()] == []
    others = [after[row["id"]] for row in before["runs"] if row["status"] not in ENDED]
    assert [
        (row["key"], row["step"], row["status"], row["error"])
        for row in others
        if row["status"] not in ENDED
    ] == []
    lost = [after[row["id"]] for row in before["runs"] if row["status"] == "running"]
    assert {row["losses"] for row in lost} == {1}
    assert not await count(database, "dead_letters")


async def nothing_is_repeated(
    database: Database,
    before: dict[str, list[Row]],
    web: UpgradeWeb,
    published: Counter[tuple[str, str]],
) -> None:
    """What stood on a site was not written again, nothing was written or told of twice, and no slot
    fired twice.
    """
    earlier = {(row["site"], row["slug"]) for row in before["publications"]}
    assert published
    assert earlier & {*published} == set()
    assert {*published.values()} == {1}
    versions = await database.fetch("select site, slug from versions")
    assert len({(row["site"], row["slug"]) for row in versions}) == len(versions)
    pinged = Counter(url for ping in web.pings for url in ping["urlList"])
    accepted = {row["url"] for row in before["listings"] if row["accepted_at"]}
    assert pinged
    assert accepted & {*pinged} == set()
    assert {*pinged.values()} == {1}
    nights = await database.fetch("select input ->> 'date' as date from runs where step = 'sites'")
    assert len({row["date"] for row in nights}) == len(nights)
