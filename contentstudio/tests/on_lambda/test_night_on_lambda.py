"""The whole night on Lambda, whatever goes wrong: the zip that is deployed, AWS's own runtime
client, SQS, Postgres.

What it leaves behind is judged by the same code as a night of a worker on this machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import local_lambda
import nights
import pytest
from local_lambda import EventSource, Failed, Function

from contentstudio import app as studio
from contentstudio.config import Config
from contentstudio.demo.web import INDEXNOW, DemoWeb
from overnight.aws.sqs import is_hint
from overnight.operations import switches
from overnight.postgres.server import EmbeddedServer
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.testing import Clock

SECONDS = 12.0  # that an invocation may take
SEEN_AGAIN = "15"  # seconds after which a message that nobody acknowledged is taken again
PATIENCE = 60.0  # seconds within which what is waited for has come about, on a slow machine too
MINUTES = 120  # that a night may take, by the ledger's clock
POISON = [
    "no json",
    "[]",
    '{"pipeline": "nothing", "input": 1}',
    '{"due": {}, "event": "x"}',
    '"\\u0000"',
    "{}",
]
KILLS = 3


class Cloud:
    """A queue, its function, and the sweep that a scheduler calls each minute."""

    def __init__(
        self,
        database: Database,
        config: Config,
        web: DemoWeb,
        sqs: Any,
        queue: str,
        make: Callable[[str], Function],
    ) -> None:
        self.database, self.clock, self.config, self.web = database, Clock(database), config, web
        self.sqs, self.queue = sqs, queue
        self.worker, self._sweep = make("worker"), make("sweep")
        self.is_idle = False  # begun, and nothing left to do
        self.minutes = 0
        self._app = studio.build(config)

    async def live_through(self, source: EventSource, disturb: Awaitable[None]) -> None:
        """Let minute after minute pass, until there is nothing left to do and nothing more to go
        wrong.
        """
        disturbing = asyncio.ensure_future(disturb)
        while not (self.is_idle and disturbing.done()):
            await until(source.is_quiet)
            begun, left, wait = await self.database.insist(self._look)
            self.is_idle = begun and not left
            if left:
                await self._pass(max(61.0, wait))
            elif not disturbing.done() or not begun:
                await asyncio.sleep(0.5)
        await disturbing

    async def _pass(self, seconds: float) -> None:
        """Time passes, and the sweep comes; where it fails, there is another one the
        next minute.
        """
        assert self.minutes < MINUTES, "the night does not end"
        await self.database.insist(lambda: self.clock.move(seconds))
        self.minutes += 1
        with suppress(Failed):
            await asyncio.to_thread(self._sweep.invoke, {})

    async def _look(self) -> tuple[bool, bool, float]:
        """Whether the night has begun, whether it is still to end, and in how many seconds
        something is due.
        """
        ledger = Ledger(self.database)
        next_due = (await ledger.claim(self._app.scope(), "", 0, 0.0)).next_due
        (row,) = await self.database.fetch(
            "select count(*) > 0 as begun, coalesce(bool_or(status in ('queued', "
            "'running')), false) as left from runs"
        )
        return row["begun"], row["left"], next_due or 0.0

    async def at_work(self) -> local_lambda.Sandbox | None:
        """A sandbox of the worker that has begun something; None when there is nothing
        left to do.
        """
        while not self.is_idle:
            if busy := self.worker.busy():
                return busy[0]
            await asyncio.sleep(0.01)
        return None

    def send(self, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=body)


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.02)


@pytest.fixture
def rng() -> random.Random:
    seed = int(os.environ.get("OVERNIGHT_SEED") or random.randrange(10**6))
    print(f"OVERNIGHT_SEED={seed} repeats it")
    return random.Random(seed)


@pytest.fixture
def cloud(
    database: Database,
    web: DemoWeb,
    write_config: Callable[..., Config],
    aws: str,
    sqs: Any,
    queue: str,
    unpacked: Path,
    tmp_path: Path,
) -> Iterator[Cloud]:
    config = write_config(nights.reads(web), ping=web.url + INDEXNOW)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": SEEN_AGAIN})
    environment = {
        **{
            "AWS_ENDPOINT_URL": aws,
            "OVERNIGHT_QUEUE_URL": queue,
            "OVERNIGHT_DATABASE_URL": database.url,
        },
        "CONTENTSTUDIO_CONFIG": str(config.file),
    }
    made: list[Function] = []

    def make(name: str) -> Function:
        made.append(
            Function(
                f"contentstudio.aws.handlers.{name}",
                environment,
                tmp_path,
                seconds=SECONDS,
                root=unpacked,
            )
        )
        return made[-1]

    yield Cloud(database, config, web, sqs, queue, make)
    for each in made:
        print(each.log.read_text("utf-8", "replace")[-20_000:])
        each.close()


Disturb = Callable[[Cloud, random.Random, EmbeddedServer], Awaitable[None]]


async def nothing(cloud: Cloud, rng: random.Random, server: EmbeddedServer) -> None:
    """All goes well."""


async def kills(cloud: Cloud, rng: random.Random, server: EmbeddedServer) -> None:
    """kill -9 in mid-invocation."""
    count = 0
    while count < KILLS and (sandbox := await cloud.at_work()):
        await asyncio.sleep(rng.uniform(0.0, 0.4))
        sandbox.kill()
        count += 1
        await asyncio.sleep(rng.uniform(0.5, 2.0))
    assert count


async def a_time_out(cloud: Cloud, rng: random.Random, server: EmbeddedServer) -> None:
    """A process that does nothing any more, and is ended at its time limit."""
    sandbox = await cloud.at_work()
    assert sandbox is not None
    await asyncio.sleep(rng.uniform(0.0, 0.4))
    sandbox.stall()


async def poison(cloud: Cloud, rng: random.Random, server: EmbeddedServer) -> None:
    """Messages of which nobody can make anything."""
    for body in POISON:
        await asyncio.sleep(rng.uniform(0.0, 0.3))
        await asyncio.to_thread(cloud.send, body)


async def lost_hints(cloud: Cloud, rng: random.Random, server: EmbeddedServer) -> None:
    """Every hint of the first seconds is gone before anybody sees it: the sweep alone is left."""
    end = time.monotonic() + 6
    while time.monotonic() < end:
        await asyncio.to_thread(_lose, cloud)
        await asyncio.sleep(0.01)


def _lose(cloud: Cloud) -> None:
    for message in cloud.sqs.receive_message(QueueUrl=cloud.queue, MaxNumberOfMessages=10).get(
        "Messages", []
    ):
        receipt = {"QueueUrl": cloud.queue, "ReceiptHandle": message["ReceiptHandle"]}
        if is_hint(message["Body"]):
            cloud.sqs.delete_message(**receipt)
        else:
            cloud.sqs.change_message_visibility(**receipt, VisibilityTimeout=0)


async def a_restart(cloud: Cloud, rng: random.Random, server: EmbeddedServer) -> None:
    """Postgres is stopped in the middle of something, and comes back."""
    await cloud.at_work()
    await asyncio.sleep(rng.uniform(0.0, 1.0))
    await asyncio.to_thread(server.stop)
    await asyncio.sleep(rng.uniform(0.0, 1.0))
    await asyncio.to_thread(server.start)


async def the_switch(cloud: Cloud, rng: random.Random, server: EmbeddedServer) -> None:
    """Everything is switched off for some minutes, in which nothing happens."""
    await cloud.at_work()
    await asyncio.sleep(rng.uniform(0.0, 1.5))
    await switches.pause(cloud.database, "all", reason="look first")
    await until(lambda: not cloud.worker.busy())
    before, minutes = _outside(cloud), cloud.minutes
    await until(lambda: cloud.minutes >= minutes + 3)
    assert _outside(cloud) == before
    await switches.resume(cloud.database, "all", reason="fine")


def _outside(cloud: Cloud) -> Any:
    return nights.published(cloud.config), nights.pinged(cloud.web), cloud.web.requests.total()


DISTURBANCES = [nothing, kills, a_time_out, poison, lost_hints, a_restart, the_switch]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("disturb", DISTURBANCES, ids=[each.__name__ for each in DISTURBANCES])
async def test_a_night_on_lambda_ends_like_any_other(
    cloud: Cloud, server: EmbeddedServer, rng: random.Random, disturb: Disturb
) -> None:
    cloud.send(
        json.dumps({"pipeline": "night", "input": {"date": "2026-11-23", "sites": ["garden"]}})
    )
    with EventSource(cloud.sqs, cloud.queue, cloud.worker, batch=4) as source:
        await cloud.live_through(source, disturb(cloud, rng, server))
    await nights.check(cloud.database, cloud.config, cloud.web)
    await _check_messages(cloud, POISON if disturb is poison else [])


@pytest.mark.timeout(180)
async def test_duplicate_and_unordered_messages_change_nothing(
    cloud: Cloud, server: EmbeddedServer, rng: random.Random
) -> None:
    cloud.send(
        json.dumps({"pipeline": "night", "input": {"date": "2026-11-23", "sites": ["garden"]}})
    )
    with EventSource(cloud.sqs, cloud.queue, cloud.worker, batch=4, rng=rng) as source:
        await cloud.live_through(source, nothing(cloud, rng, server))
    await nights.check(cloud.database, cloud.config, cloud.web)
    assert len(nights.pinged(cloud.web)) == len(nights.published(cloud.config))
    await _check_messages(cloud, [])


async def _check_messages(cloud: Cloud, buried: list[str]) -> None:
    """What no job could be made of is kept; nothing else is."""
    letters = await cloud.database.fetch(
        "select convert_from(body, 'UTF8') as body from messages where status = 'dead' order by 1"
    )
    assert [letter["body"] for letter in letters] == sorted(buried)
