"""The real side of the model: one Postgres, a connection for each worker, a clock that stands
still, and the app.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from overnight import App, Context, Cron, Debounce, Limit, On, Pipeline
from overnight.engine.maintenance import Maintenance
from overnight.store.database import Connection, Database, unavailable
from overnight.store.ledger import Ledger
from overnight.store.records import Run
from overnight.store.sql import queries

T = TypeVar("T")

START = datetime(2030, 1, 1, 12, 30, tzinfo=UTC)
KEYS = ("a", "b")
LEASE = 60.0  # seconds
WAIT, AT_MOST = 30.0, 50.0  # seconds of the debounce

# `Clock` lets the real time go on beneath its shift, by a different amount in each run of a test. A
# model that says exactly what is due, and a seed that repeats, need one that stands still between
# two moves.
FREEZE = """
    create table model_clock (moment timestamptz not null);
    insert into model_clock values (now());
    create or replace function ledger_now() returns timestamptz language sql stable parallel safe
        return (select moment from model_clock);
"""
FILLED = (
    "runs",
    "effects",
    "workers",
    "switches",
    "breakers",
    "limits",
    "schedules",
    "slots",
    "alerts",
    "actions",
    "waits",
    "wait_jobs",
    "events",
)
EMPTY = "; ".join(
    f"delete from {table}" for table in FILLED
)  # a truncation would make every session plan anew
# planning a claim takes several times as long as a small one itself
PLANS = "-c plan_cache_mode=force_generic_plan"
SEES = "select 1 from pg_stat_activity where pid = %s"
WAITS = SEES + " and wait_event_type = 'Lock'"


def make_app() -> App:
    """Every kind of guard and trigger, on steps that nobody calls: the model decides how an attempt
    ends.
    """

    def by_number(value: dict[str, Any]) -> str:
        return str(value["n"])

    def key(value: dict[str, Any]) -> str:
        return str(value["key"])

    plain = Pipeline("plain", id=lambda value: f"plain-{by_number(value)}", key=key)
    shared = Pipeline("shared", id=lambda value: f"shared-{by_number(value)}", key=key)
    slow = Pipeline("slow", id=lambda value: f"slow-{by_number(value)}", key=key)
    edited = Pipeline(
        "edited",
        id=lambda value: f"edited-{value['key']}-{by_number(value)}",
        key=key,
        on=[On("edit", Debounce(WAIT, AT_MOST))],
    )
    hourly = Cron("0 * * * *", grace=timedelta(hours=2), catch_up="all")
    latest = Cron("0 * * * *", "Asia/Kolkata", grace=timedelta(hours=3))
    night = Pipeline("night", on=[hourly, latest])

    @plain.step
    async def first(ctx: Context[Any], value: Any) -> None: ...

    @plain.step
    async def middle(ctx: Context[Any], value: Any) -> None: ...

    @plain.step(limits=[Limit("pool", at_once=3)])
    async def second(ctx: Context[Any], value: Any) -> None: ...

    @slow.step(limits=[Limit.each_key(at_once=1), Limit("rate", starts=2, per=60)])
    async def crawl(ctx: Context[Any], value: Any) -> None: ...

    @shared.step(breaker="cms {key}")
    async def call(ctx: Context[Any], value: Any) -> None: ...

    @shared.step(breaker="llm", limits=[Limit("pool", at_once=3), Limit("rate", starts=2, per=60)])
    async def write(ctx: Context[Any], value: Any) -> None: ...

    @edited.step
    async def publish(ctx: Context[Any], value: Any) -> None: ...

    @night.step
    async def plan(ctx: Context[Any], value: Any) -> None: ...

    return App("model", [plain, shared, slow, edited, night])


class Session(Database):
    """A connection of one's own in place of the pool, so that a transaction on it can be left open,
    or lost.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, options=PLANS)
        self._own: Connection | None = None

    async def open(self) -> None:
        self._own = await self.connect()
        self._own.prepare_threshold = 0

    @property
    def own(self) -> Connection:
        assert self._own is not None
        return self._own

    @property
    def pid(self) -> int:
        return self.own.info.backend_pid

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        with unavailable():
            yield self.own


@dataclass
class Actor:
    """A worker: a boot id, a connection that holds its lock, and the attempts that it believes to
    own.
    """

    boot_id: str
    session: Session
    lock: int = 0
    carried: dict[tuple[int, int], Run] = field(default_factory=dict)


class Stage:
    """All connections of the model. Example after example plays on it; `empty` begins
    another one.
    """

    def __init__(self, url: str) -> None:
        self.app = make_app()
        self.people = Session(url)
        self.watcher = Session(url)  # never in a transaction of its own but for an audit
        self.keepers: list[tuple[Session, Maintenance]] = []
        self._url = url
        self._locks = itertools.count(1)

    async def open(self) -> None:
        await self.people.open()
        await self.watcher.open()
        await self.watcher.own.execute(FREEZE, prepare=False)
        for session in [await self._session() for _ in range(2)]:
            self.keepers.append((session, Maintenance(self.app, Ledger(session))))

    async def close(self) -> None:
        for session in (self.people, self.watcher, *(session for session, _ in self.keepers)):
            await session.own.close()

    async def empty(self) -> None:
        await self.watcher.own.execute(EMPTY, prepare=False)
        await self.move_to(START)
        self.keepers = [
            (session, Maintenance(self.app, Ledger(session))) for session, _ in self.keepers
        ]

    async def move_to(self, moment: datetime) -> None:
        await self.watcher.fetch("update model_clock set moment = %s", [moment])

    async def sign_in(self, boot_id: str) -> Actor:
        actor = Actor(boot_id, await self._session())
        await self.say_hello(actor)
        return actor

    async def say_hello(self, actor: Actor) -> None:
        actor.lock = next(self._locks)
        sign_in = {"worker": actor.boot_id, "lock_key": actor.lock, "host": "model", "pid": 1}
        await actor.session.fetch(queries["worker_hello"], sign_in)

    async def cut(self, session: Session) -> None:
        """As a process dies: the socket closes without a farewell, and Postgres lets go what the
        session held.
        """
        pid = session.pid
        session.own.pgconn.finish()
        while await self.watcher.fetch(SEES, [pid]):
            await asyncio.sleep(0)

    async def together(self, first: Session, second: Session, act: Callable[[], Awaitable[T]]) -> T:
        """What comes of an act while the transaction of another session is open, which is committed
        as soon as the act
        has ended or waits for it."""
        task = asyncio.ensure_future(act())
        while not task.done() and not await self.watcher.fetch(WAITS, [second.pid]):
            await asyncio.sleep(0)
        await first.own.execute("commit")
        return await task

    async def _session(self) -> Session:
        session = Session(self._url)
        await session.open()
        return session
