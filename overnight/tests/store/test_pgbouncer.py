"""A real PgBouncer between overnight and Postgres: it works, or a worker says in one sentence why
it does not begin.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from overnight import App, Context, Pipeline
from overnight.engine.rescuer import SETTLE
from overnight.engine.worker import Worker
from overnight.errors import ConfigError, LedgerUnavailable
from overnight.inbox import messages
from overnight.operations import queries, runs
from overnight.postgres import launch
from overnight.store.database import Database, run
from overnight.store.ledger import Ledger
from overnight.store.migrations import migrate
from overnight.testing import Clock

CASE = Path(__file__).parents[3] / "contentstudio/tests/cases/18-pgbouncer.ini"
PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
PATIENCE_SECONDS = 20.0
SESSION = {"pool_mode": "session", "default_pool_size": "40"}
TRANSACTION = {
    "pool_mode": "transaction",
    "ignore_startup_parameters": "extra_float_digits, options",
}
SHARED = {  # all that give a connection more than one session, as they may be set up
    "transaction": TRANSACTION,
    "transaction, nothing ignored": {"pool_mode": "transaction"},
    "transaction, in turn": {**TRANSACTION, "server_round_robin": "1"},
    "transaction, one server": {**TRANSACTION, "default_pool_size": "1"},
    "statement": {**TRANSACTION, "pool_mode": "statement"},
}
REFUSED = (
    r"leads through a pooler .*set pool_mode = session for this database, or name Postgres "
    r"itself in the URL"
)

Ctx = Context[Any]
Pooled = Callable[[dict[str, str]], str]

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(
        PROGRAM is None, reason="there is no PgBouncer: apt-get install pgbouncer brings it"
    ),
]


@pytest.fixture
def pooled(database: Database, tmp_path: Path) -> Iterator[Pooled]:
    """Starts a PgBouncer before the test's database, by the settings of the case and those given;
    gives its URL.
    """
    place = urlsplit(database.url)
    sockets = Path(parse_qs(place.query)["host"][0])
    account = launch.able(launch.account_for(sockets), sockets, launch.find_binaries())
    begun: list[subprocess.Popen[bytes]] = []

    def begin(settings: dict[str, str]) -> str:
        folder = tmp_path / f"pgbouncer{len(begun)}"
        folder.mkdir()
        shutil.chown(folder, account.uid, account.gid)
        port = free_port()
        values = {
            "listen_port": port,
            "logfile": folder / "log",
            "pidfile": folder / "pid",
            **settings,
        }
        file = folder / "pgbouncer.ini"
        file.write_text(configured(f"* = host={sockets} port=5432 user=overnight", values))
        plain = os.geteuid() == 0 and not account.capability
        begun.append(
            subprocess.Popen(
                [*account._raised(), str(PROGRAM), "-q", file],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                user=account.uid if plain else None,
                group=account.gid if plain else None,
                extra_groups=() if plain else None,
            )
        )
        until(lambda: answers(port))
        return f"postgresql://overnight@127.0.0.1:{port}{place.path}"

    yield begin
    for process in begun:
        process.terminate()
        process.wait()


def configured(target: str, values: dict[str, Any]) -> str:
    """The file of the case with another target and these settings."""
    text = re.sub(r"^overnight = .*$", target, CASE.read_text(), flags=re.MULTILINE)
    for name, value in values.items():
        line = f"{name} = {value}"
        text, changed = re.subn(rf"^{name} =.*$", line, text, flags=re.MULTILINE)
        text = text if changed else f"{text.rstrip()}\n{line}\n"
    return text


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(port: int) -> bool:
    with closing(socket.socket()) as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def make_app() -> App:
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> int:
        return value + 1

    return App("app", [p])


def overnight(url: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "nightly.py").write_text(
        "from overnight import App, Pipeline\napp = App('nightly', [Pipeline('p')])\n"
    )
    return subprocess.run(
        [sys.executable, "-m", "overnight.cli.main", "--app", "nightly:app", *arguments],
        env=os.environ | {"OVERNIGHT_DATABASE_URL": url},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_in_session_mode_a_job_runs_and_workers_see_each_other(
    pooled: Pooled, database: Database, clock: Clock
) -> None:
    app = make_app()
    async with Database(pooled(SESSION)) as one, Database(one.url) as other:
        workers = [Worker(app, one), Worker(app, other)]
        working = [asyncio.create_task(worker.run()) for worker in workers]
        job, _ = await runs.start(app, one, "p", 1)
        done = "select output from runs where job_id = %s and status = 'succeeded'"
        while not (rows := await database.fetch(done, [job])):
            await asyncio.sleep(0.01)
        assert rows == [{"output": 2}]
        while len(await database.fetch("select boot_id from workers where stopped_at is null")) < 2:
            await asyncio.sleep(0.01)
        for _ in range(2):  # two looks that would prove a death
            found = await Ledger(database).rescue("looker", max_losses=5, settle=SETTLE)
            assert (found.neighbour is None, found.again) == (False, None)
            await clock.move(SETTLE + 0.1)
        alive = await database.fetch(
            "select boot_id from workers where stopped_at is null and missed_at is null"
        )
        assert {row["boot_id"] for row in alive} == {worker.boot_id for worker in workers}
        for worker in workers:
            worker.stop()
        await asyncio.gather(*working)


async def test_in_session_mode_every_setting_of_a_connection_holds(pooled: Pooled) -> None:
    url = pooled(SESSION)
    names = ("statement_timeout", "jit", "timezone", "plan_cache_mode", "enable_seqscan")
    look = "select " + ", ".join(f"current_setting('{name}') as {name}" for name in names)
    async with Database(url, options="-c statement_timeout=7s") as plain, plain.hot() as hot:
        await plain.check_sessions()
        for _ in range(2):
            assert list((await plain.fetch(look))[0].values()) == ["7s", "off", "UTC", "auto", "on"]
            assert list((await hot.fetch(look))[0].values()) == [
                "7s",
                "off",
                "UTC",
                "force_generic_plan",
                "off",
            ]
        with closing(plain.connect_sync()) as beat:
            assert list((beat.execute(look).fetchone() or {}).values()) == [
                "7s",
                "off",
                "UTC",
                "auto",
                "on",
            ]


@pytest.mark.parametrize("settings", SHARED.values(), ids=SHARED)
async def test_a_worker_refuses_a_pool_in_which_sessions_are_shared(
    pooled: Pooled, database: Database, settings: dict[str, str]
) -> None:
    async with Database(pooled(settings)) as shared:
        for _ in range(3):  # however the pool's servers stand in line
            with pytest.raises(ConfigError, match=REFUSED):
                await Worker(make_app(), shared).run(until_idle=True)
    assert await database.fetch("select boot_id from workers") == []


async def test_a_busy_pool_is_known_as_well(pooled: Pooled) -> None:
    stop = asyncio.Event()

    async def ask(busy: Database) -> None:
        while not stop.is_set():
            await busy.fetch("select pg_sleep(0.001)")

    async with Database(pooled(TRANSACTION)) as shared:
        asking = [asyncio.create_task(ask(shared)) for _ in range(4)]
        for _ in range(100):
            with pytest.raises(ConfigError, match=REFUSED):
                await shared.check_sessions()
        stop.set()
        await asyncio.gather(*asking)


def test_in_transaction_mode_worker_refuses_and_status_works(
    pooled: Pooled, tmp_path: Path
) -> None:
    url = pooled(TRANSACTION)
    worker = overnight(url, tmp_path, "worker")
    assert (worker.returncode, worker.stdout) == (2, "")
    assert re.search(REFUSED, worker.stderr)
    assert "Traceback" not in worker.stderr
    for command in (
        ["status"],
        ["runs"],
        ["pause", "--reason", "a test"],
        ["resume"],
        ["switches"],
    ):
        ended = overnight(url, tmp_path, *command)
        assert (ended.returncode, ended.stderr) == (0, ""), command


async def test_processes_sharing_sessions_share_no_prepared_statements(
    pooled: Pooled, database: Database
) -> None:
    """The console's pages and the webhook's messages, each asked for so often that the driver would
    prepare it.
    """
    app, url = make_app(), pooled(TRANSACTION)

    async def take(shared: Database, name: str) -> None:
        for n in range(20):
            body = f'{{"pipeline": "p", "input": {n}}}'.encode()
            received = await messages.receive(app, shared, body, source=name, key=f"{name}{n}")
            assert received.error is None
            await queries.status(shared, app)

    async with Database(url) as one, Database(url) as other, Database(url) as third:
        await asyncio.gather(take(one, "a"), take(other, "b"), take(third, "c"))
    assert await database.fetch(
        "select count(*)::int as n from messages where status = 'accepted'"
    ) == [{"n": 60}]


async def test_migrations_refuse_shared_sessions_and_leave_no_lock(
    pooled: Pooled, database: Database
) -> None:
    await database.fetch("drop schema public cascade")
    await database.fetch("create schema public")
    async with Database(pooled(TRANSACTION)) as shared:
        with pytest.raises(ConfigError, match=REFUSED):
            await migrate(shared)
    assert await migrate(database)


async def test_a_too_small_pool_is_an_outage_that_names_the_setting(
    pooled: Pooled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overnight.store.checks.SESSION_SECONDS", 0.3)
    async with Database(pooled({**SESSION, "default_pool_size": "1"})) as narrow:
        with pytest.raises(
            LedgerUnavailable,
            match=r"a worker has up to 10 \(a pooler's default_pool_size counts\)",
        ):
            await narrow.check_sessions()


async def test_a_connection_that_lost_prepared_statements_is_replaced(pooled: Pooled) -> None:
    async with Database(pooled(SESSION)) as one, one.hot() as hot:
        async with hot.connection() as connection:  # of several one is asked all the time
            await run(connection, "select 1 as one")
            await connection.execute("do $$ begin execute 'deallocate all'; end $$", prepare=False)
            with pytest.raises(LedgerUnavailable, match="a pooler has changed the session"):
                await run(connection, "select 1 as one")
            assert connection.closed
        assert await hot.fetch("select 1 as one") == [{"one": 1}]


def test_nobody_behind_the_pooler_is_one_sentence(tmp_path: Path, pooled: Pooled) -> None:
    place = urlsplit(pooled(SESSION))
    ended = overnight(place._replace(path="/nobody_made_it").geturl(), tmp_path, "status")
    assert ended.returncode == 2
    assert re.search(r'cannot reach the database \(.*"nobody_made_it" does not exist', ended.stderr)
    assert ended.stderr.count("\n") == 1
