"""A database that is there and cannot serve: a worker that starts waits for it, a command says so
in one sentence.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from overnight import App, Context, Pipeline
from overnight.engine.heartbeat import Heartbeat
from overnight.engine.worker import Worker
from overnight.errors import ConfigError, DatabaseUnavailable, LedgerUnavailable, NotReady
from overnight.operations import runs
from overnight.postgres.open import opened
from overnight.store.database import Database, unavailable
from overnight.store.migrations import migrate

pytestmark = pytest.mark.large  # of `make test-large`

Ctx = Context[Any]
READ_ONLY = "-c default_transaction_read_only=on"


def make_app() -> App:
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> int:
        return value + 1

    return App("app", [p])


# A server that lets nobody in: it answers each start-up packet with an error, and says on its
# output that it was asked. A process of its own, for libpq holds Python's lock while it asks
# whether a server is there.
REFUSING = """
import socket, struct, sys
state, text = sys.argv[1:]
parts = ("SFATAL", "VFATAL", "C" + state, "M" + text)
fields = b"".join(part.encode() + b"\\0" for part in parts) + b"\\0"
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    asking, _ = listener.accept()
    asking.recv(10_000)
    asking.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)
    asking.close()
    print("asked", flush=True)
"""


class Refusing:
    """That server, as long as the block lasts."""

    def __init__(self, state: str, text: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", REFUSING, state, text], stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Refusing:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    async def line(self) -> str:
        assert self._process.stdout
        return await asyncio.to_thread(self._process.stdout.readline)

    async def url(self) -> str:
        port = int(await self.line())
        return (
            f"postgresql://overnight@127.0.0.1:{port}/overnight?sslmode=disable&gssencmode=disable"
        )


NOT_READY = {
    "starting": ("57P03", "the database system is starting up"),
    "recovering": ("57P03", "the database system is not yet accepting connections"),
    "shutting down": ("57P03", "the database system is shutting down"),
    "in its own language": ("57P03", "das Datenbanksystem startet"),
    "full": ("53300", "sorry, too many clients already"),
    "reserved": (
        "53300",
        "remaining connection slots are reserved for roles with the SUPERUSER attribute",
    ),
    "full for the role": ("53300", 'too many connections for role "overnight"'),
    "the pooler is full": ("08P01", "no more connections allowed (max_client_conn)"),
    "behind the pooler": (
        "08P01",
        "server login has been failing, try again later (server_login_retry)",
    ),
}
WRONG = {
    "password": ("28P01", 'password authentication failed for user "overnight"'),
    "no such database": ("3D000", 'database "overnight" does not exist'),
}


@pytest.mark.parametrize(("state", "text"), NOT_READY.values(), ids=NOT_READY)
async def test_a_worker_waits_for_an_unready_server_and_says_so_once(
    state: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with Refusing(state, text) as server:
        monkeypatch.setenv("OVERNIGHT_DATABASE_URL", await server.url())

        async def work() -> None:
            async with opened(tmp_path, waiting=said.append):
                raise AssertionError("it was let in")

        waiting = asyncio.create_task(work())
        for _ in range(4):
            assert await server.line() == "asked\n"
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    (why,) = said
    assert text in why


@pytest.mark.parametrize(
    ("state", "text"), [*NOT_READY.values(), *WRONG.values()], ids=[*NOT_READY, *WRONG]
)
async def test_a_command_says_in_one_sentence_what_the_server_said(
    state: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Refusing(state, text) as server:
        monkeypatch.setenv("OVERNIGHT_DATABASE_URL", await server.url())
        with pytest.raises(DatabaseUnavailable, match=re.escape(text)) as error:
            async with opened(tmp_path):
                raise AssertionError("it was let in")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("state", "text"), WRONG.values(), ids=WRONG)
async def test_a_worker_does_not_wait_for_what_waiting_cannot_mend(
    state: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Refusing(state, text) as server:
        monkeypatch.setenv("OVERNIGHT_DATABASE_URL", await server.url())
        with pytest.raises(DatabaseUnavailable, match="check OVERNIGHT_DATABASE_URL"):
            async with opened(tmp_path, waiting=lambda _: None):
                raise AssertionError("it was let in")


async def test_a_server_known_before_is_an_outage_and_not_a_wrong_url() -> None:
    """It shut down, and is not yet back."""
    with Refusing("57P03", "the database system is shutting down") as server:
        database = Database(await server.url())
        with pytest.raises(NotReady):
            await database.open()
    with pytest.raises(LedgerUnavailable, match="refused"):
        await database.open()
    with pytest.raises(DatabaseUnavailable, match="check OVERNIGHT_DATABASE_URL"):
        await Database(database.url).open()


async def set_read_only(database: Database, on: bool) -> None:
    """What a provider does when the disk is full. Sessions that are open see it with their next
    statement.
    """
    async with await database.connect() as person:
        await person.execute("set default_transaction_read_only = off")
        (row,) = await (await person.execute("select current_database() as name")).fetchall()
        await person.execute(
            f'alter database "{row["name"]}" set default_transaction_read_only = {on}'
        )


async def test_a_worker_waits_for_a_read_only_database_and_then_works(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = make_app()
    job, _ = await runs.start(app, database, "p", 1)
    await set_read_only(database, True)
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)

    async with opened(tmp_path, waiting=lambda _: None) as begun:
        refused = asyncio.Event()
        whole = begun.insist

        async def insist(call: Callable[[], Any], *args: Any, **options: Any) -> Any:
            async def noted() -> Any:
                try:
                    return await call()
                except NotReady:
                    refused.set()
                    raise

            return await whole(noted, *args, **options)

        monkeypatch.setattr(begun, "insist", insist)
        working = asyncio.create_task(Worker(app, begun).run(until_idle=True))
        await refused.wait()
        assert not working.done()
        await set_read_only(database, False)
        await database.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = "
            "current_database()"
            " and pid <> pg_backend_pid()"
        )
        await working
    assert await database.fetch("select status from runs where job_id = %s", [job]) == [
        {"status": "succeeded"}
    ]


async def test_a_heart_that_cannot_sign_in_leaves_no_connection_behind(database: Database) -> None:
    read_only = Database(database.url, options=READ_ONLY)
    heartbeat = Heartbeat(read_only, lease=60, on_lost=lambda attempts: None)
    for _ in range(3):
        with pytest.raises(NotReady, match="the database is read-only"):
            heartbeat.start()
        assert heartbeat._connection is None


async def test_due_migrations_wait_while_the_database_is_read_only(database: Database) -> None:
    read_only = Database(database.url, options=READ_ONLY)
    assert await migrate(read_only) == []
    await database.fetch("drop schema public cascade")
    await database.fetch("create schema public")
    with pytest.raises(NotReady, match="the database is read-only"):
        await migrate(read_only)


@pytest.mark.parametrize(
    "command", [["pause", "--reason", "a test"], ["start", "p", "1"], ["migrate"], ["worker"]]
)
async def test_a_command_on_a_read_only_database_is_one_sentence(
    database: Database, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "nightly.py").write_text(
        "from overnight import App, Pipeline\np = Pipeline('p')\n@p.step\ndef one(ctx, "
        "value): ...\n"
        "app = App('n', [p])\n"
    )
    if command == ["migrate"]:
        await database.fetch("drop schema public cascade")
        await database.fetch("create schema public")
    await set_read_only(database, True)
    process = subprocess.Popen(
        [sys.executable, "-m", "overnight.cli.main", "--app", "nightly:app", *command],
        env=os.environ | {"OVERNIGHT_DATABASE_URL": database.url},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    if command == ["worker"]:
        line = await asyncio.to_thread(process.stderr.readline)
        assert "the database is read-only" in line
        assert process.poll() is None
        process.terminate()
        process.communicate()
        return
    _, said = await asyncio.to_thread(process.communicate)
    assert process.returncode == 2
    assert re.fullmatch(r"overnight: the database is read-only \(.*\n", said)


@pytest.mark.parametrize(
    "state", ["25006", "57P03", "53300", "53100", "26000", "42P05", "3D000", "08P01", "28000"]
)
async def test_what_is_no_fault_of_a_statement_is_an_outage(database: Database, state: str) -> None:
    raises = f"do $$ begin raise exception 'as if' using errcode = '{state}'; end $$"
    with pytest.raises(LedgerUnavailable, match="as if"):
        await database.fetch(raises)
    with (
        database.connect_sync() as connection,
        pytest.raises(LedgerUnavailable, match="as if"),
        unavailable(),
    ):
        connection.execute(raises)


async def test_a_database_without_utf8_is_refused_when_it_is_opened(database: Database) -> None:
    name = "latin_" + os.urandom(6).hex()
    async with await database.connect() as admin:
        await admin.execute(
            f"create database {name} encoding 'LATIN1' locale 'C' template template0"
        )
    try:
        url = re.sub(r"/test_\w+", f"/{name}", database.url)
        with pytest.raises(ConfigError, match="stores text as LATIN1"):
            await Database(url).open()
    finally:
        async with await database.connect() as admin:
            await admin.execute(f"drop database {name}")


@pytest.mark.parametrize("right", ["select 1", "grant usage on schema public to public"])
async def test_a_user_who_may_not_create_the_schema_gets_one_sentence(
    database: Database, right: str
) -> None:
    role = "poor_" + os.urandom(6).hex()
    await database.fetch("drop schema public cascade")
    await database.fetch("create schema public")  # in which others may make nothing
    await database.fetch(f"create role {role} login")
    await database.fetch(right)
    try:
        poor = Database(database.url.replace("://overnight@", f"://{role}@"))
        with pytest.raises(
            ConfigError, match=r"may not make the schema \(.*\): let it own the database"
        ):
            await migrate(poor)
    finally:
        await database.fetch(f"drop role {role}")
