"""How workers learn that there is something to do: hints, the poll behind them, and a neighbour's
death.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from overnight import App, Context, Event, Join, Keys, Pipeline, Wait
from overnight.engine import wakeups
from overnight.engine.rescuer import SETTLE, Rescuer
from overnight.engine.wakeups import COALESCE, Hints, Listener, hint
from overnight.engine.worker import Worker
from overnight.operations import runs, switches
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import NewRun, Scope
from overnight.store.sql import queries
from overnight.testing import Clock

pytestmark = pytest.mark.large  # of `make test-large`

Ctx = Context[Any]


class Wire:
    """A TCP wire to the server that can go dead without closing: bytes vanish, and
    nobody is told.
    """

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._dead: list[asyncio.Event] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._carried: list[asyncio.Task[Any]] = []
        self.connections = 0

    @asynccontextmanager
    async def up(self):  # type: ignore[no-untyped-def]
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        user = f"{quote(self._parts.username)}@" if self._parts.username else ""
        async with server:
            yield f"postgresql://{user}127.0.0.1:{port}{self._parts.path}?sslmode=disable&gssencmode=disable"
            self.cut()
            for writer in self._writers:
                writer.transport.abort()
            await asyncio.gather(*self._carried, return_exceptions=True)

    def cut(self) -> None:
        """Every connection there is goes dead; new ones work."""
        for dead in self._dead:
            dead.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        folder = parse_qs(self._parts.query).get("host", [""])[0]
        if folder:
            port = parse_qs(self._parts.query)["port"][0]
            upstream = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        else:
            upstream = await asyncio.open_connection(self._parts.hostname, self._parts.port or 5432)
        self.connections += 1
        self._writers += [writer, upstream[1]]
        dead = asyncio.Event()
        self._dead.append(dead)
        pumps = self._pump(reader, upstream[1], dead), self._pump(upstream[0], writer, dead)
        self._carried += [asyncio.create_task(pump) for pump in pumps]

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dead: asyncio.Event
    ) -> None:
        with suppress(ConnectionError):
            while (data := await reader.read(65536)) and not dead.is_set():
                writer.write(data)
                await writer.drain()
        if not dead.is_set():
            writer.close()


async def test_a_listener_on_a_half_open_socket_listens_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups, "PROBE_LIMIT", 0.2)
    monkeypatch.setattr(wakeups, "RECONNECT", 0.01)
    wire, heard = Wire(database.url), asyncio.Queue[str]()
    async with wire.up() as url:
        listening = asyncio.create_task(Listener(Database(url), probe=0.2).run(heard.put_nowait))
        await heard.get()
        await hint(database, "before")
        while await heard.get() != "before":
            pass
        wire.cut()
        while wire.connections < 2:  # nobody closed anything: the probe alone can have noticed
            await asyncio.sleep(0.01)
        await heard.get()
        await hint(database, "after")
        while await heard.get() != "after":
            pass
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_many_hints_of_one_worker_are_one(database: Database) -> None:
    heard: list[str] = []
    there = asyncio.Event()

    def note(what: str) -> None:
        heard.append(what)
        there.set()

    listening = asyncio.create_task(Listener(database).run(note))
    await there.wait()
    heard.clear()
    hints = Hints(database)
    sending = asyncio.create_task(hints.run())
    for _ in range(1000):
        hints.send()
        await asyncio.sleep(0)
    await hint(database, "last")  # on another connection, after the first one was sent
    while "last" not in heard:
        await asyncio.sleep(0.01)
    assert heard.count("") <= 1 + 1 / COALESCE
    for task in (listening, sending):
        task.cancel()
    await asyncio.gather(listening, sending, return_exceptions=True)


async def test_finishing_work_sends_no_notification(database: Database) -> None:
    """A NOTIFY in every commit takes a lock of the whole cluster (graphile-worker 552)."""
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> int:
        return value

    @p.step
    async def two(ctx: Ctx, value: int) -> int:
        ctx.spawn("p", value + 1000) if value < 1000 else None
        return value

    # These wake where it is asked for, or for a person.
    for verb in {*queries.verbs()} - {"enqueue", "enqueue_as", "emit"}:
        assert "notify" not in queries[verb].lower().replace("no notify", "")
    heard: list[str] = []
    there = asyncio.Event()

    def note(what: str) -> None:
        heard.append(what)
        there.set()

    listening = asyncio.create_task(Listener(database).run(note))
    await there.wait()
    await Ledger(database).enqueue([p.job(n) for n in range(200)])
    await Worker(App("app", [p]), database).run(until_idle=True)
    await hint(database, "last")
    while "last" not in heard:
        await asyncio.sleep(0.01)
    assert heard.count("") < 20  # for 800 steps
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_work_beyond_one_worker_wakes_another_at_once(database: Database) -> None:
    p, began = Pipeline("p"), Counter[str]()
    everybody = asyncio.Event()

    @p.step
    async def wait(ctx: Ctx, value: int) -> None:
        began[str(value)] += 1
        if sum(began.values()) == 4:
            everybody.set()
        await (
            everybody.wait()
        )  # the first worker has two places: without the second one this never ends

    app = App("app", [p])
    workers = [Worker(app, database, concurrency=2, poll=3600) for _ in range(2)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    await asyncio.sleep(0.3)  # both are at rest; how long that takes does not matter to the outcome
    await Ledger(database).enqueue([p.job(n) for n in range(4)])
    workers[0].wake()
    await everybody.wait()
    for worker in workers:
        worker.stop()
    await asyncio.gather(*running)


REST = 0.3  # seconds; a worker that is not yet at rest by then finds the work all the same


async def test_an_event_wakes_a_worker_at_rest(database: Database) -> None:
    p, ended = Pipeline("p", events=[Event("decided")]), asyncio.Event()

    @p.step
    async def ask(ctx: Ctx, value: int) -> Wait:
        return Wait("decided", "", timeout=3600, value=value)

    @p.step
    async def decided(ctx: Ctx, value: int) -> None:
        ended.set()

    app = App("app", [p])
    worker = Worker(app, database, poll=3600)
    running = asyncio.create_task(worker.run())
    await runs.start(app, database, "p", 1)
    while not await database.fetch("select run_id from waits"):
        await asyncio.sleep(0.01)
    await asyncio.sleep(REST)
    await runs.emit(app, database, "decided", None)
    await ended.wait()
    worker.stop()
    await running


async def test_a_last_child_elsewhere_wakes_the_worker_of_its_join(database: Database) -> None:
    p, child = Pipeline("p", key=lambda value: "ours"), Pipeline("c", key=lambda value: "theirs")
    begun, go, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @child.step
    async def look(ctx: Ctx, value: int) -> None:
        begun.set()
        await go.wait()

    @p.step
    async def split(ctx: Ctx, value: int) -> int:
        ctx.spawn(child, value)
        return value

    @p.step(join=Join(timeout=3600))
    async def collect(ctx: Ctx, value: int) -> None:
        ended.set()

    def worker(key: str) -> Worker:
        return Worker(App("app", [p, child], keys=Keys(all=lambda: [key])), database, poll=3600)

    workers = [worker("ours"), worker("theirs")]
    running = [asyncio.create_task(each.run()) for each in workers]
    await runs.start(workers[0].app, database, "p", 1)
    await begun.wait()
    await asyncio.sleep(REST)
    go.set()
    await ended.wait()
    for each in workers:
        each.stop()
    await asyncio.gather(*running)


async def test_work_inserted_without_a_hint_is_found_by_the_poll(database: Database) -> None:
    p, done = Pipeline("p"), asyncio.Event()

    @p.step
    async def one(ctx: Ctx, value: int) -> None:
        done.set()

    worker = Worker(App("app", [p]), database, poll=0.1)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0.3)
    await Ledger(database).enqueue([p.job(1)])
    await done.wait()
    worker.stop()
    await running


async def test_an_idle_worker_makes_one_statement_a_poll(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    fetch = Database.fetch

    async def counted(self: Database, sql: str, params: Any = ()) -> Any:
        made.append(next((verb for verb in queries.verbs() if queries[verb] == sql), sql))
        return await fetch(self, sql, params)

    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> None: ...

    monkeypatch.setattr(Database, "fetch", counted)
    worker = Worker(App("app", [p]), database, poll=0.02)
    running = asyncio.create_task(worker.run())
    while made.count("claim") < 30:
        await asyncio.sleep(0.01)
    worker.stop()
    await running
    assert len(made) - made.count("claim") < 15, Counter(made)


async def test_a_neighbours_death_is_seen_at_once_and_its_work_freed(
    database: Database, clock: Clock
) -> None:
    ledger = Ledger(database)
    await ledger.enqueue([NewRun("a", "one", "p", "", "{}", "h")])
    died = asyncio.Event()
    rescuer = Rescuer(ledger, "w2")
    sign_in = {"worker": "w1", "lock_key": 2**61 + 777, "host": "h", "pid": 1}
    async with await database.connect() as connection:
        await connection.execute(queries["worker_hello"], sign_in)
        await ledger.claim(Scope(["p/one"]), "w1", 1, 3600)
        await rescuer.look()
        watching = asyncio.create_task(rescuer.watch(died.set))
        waits = "select 1 from pg_locks where locktype = 'advisory' and not granted"
        while not await database.fetch(waits):
            await asyncio.sleep(0.01)
        assert not died.is_set()
    await died.wait()
    await rescuer.look()
    await clock.move(SETTLE + 0.1)
    await rescuer.look()
    assert await database.fetch("select status, outcome from runs") == [
        {"status": "queued", "outcome": "lost"}
    ]
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_a_watching_neighbour_is_not_mistaken_for_the_living(
    database: Database, clock: Clock
) -> None:
    """Those who wait for a lock, or hold it shared for a moment, do not keep its dead
    owner alive.
    """
    ledger = Ledger(database)
    sign_in = {"worker": "w1", "lock_key": 2**61 + 778, "host": "h", "pid": 1}
    async with await database.connect() as connection:
        await connection.execute(queries["worker_hello"], sign_in)
    async with await database.connect() as watcher:
        await watcher.execute("select pg_advisory_lock_shared(%(lock_key)s)", sign_in)
        assert (await ledger.rescue("w2", max_losses=5, settle=SETTLE)).again == SETTLE


async def test_a_new_worker_is_known_to_the_others_at_once(database: Database) -> None:
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> None: ...

    app = App("app", [p])
    workers = [Worker(app, database, poll=3600), Worker(app, database, poll=3600)]
    running = [asyncio.create_task(workers[0].run())]
    await asyncio.sleep(0.3)
    running.append(asyncio.create_task(workers[1].run()))
    waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    while (await database.fetch(waits))[0]["count"] < 2:  # each waits for the other
        await asyncio.sleep(0.01)
    for worker in workers:
        worker.stop()
    await asyncio.gather(*running)


async def test_a_flipped_switch_holds_the_very_next_claim(database: Database) -> None:
    await Ledger(database).enqueue([NewRun("a", "one", "p", "", "{}", "h")])
    await switches.pause(database, "all", reason="test")
    assert (await Ledger(database).claim(Scope(["p/one"]), "w", 1, 60)).runs == []
