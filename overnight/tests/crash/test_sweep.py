"""Death at every statement of a run's life, in its turn: a second worker finishes, and nothing is
lost or done twice.

A sample that a seed chooses runs with the other tests; `make test-sweep` takes every statement.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from overnight.postgres.server import EmbeddedServer
from overnight.store.database import Database
from overnight.store.migrations import migrate
from overnight.testing import fresh_database

from .kills import Death

ALL = os.environ.get("OVERNIGHT_SWEEP") == "all"
SAMPLE = {"loop": 4, "heart": 2}
AT_ONCE = 3  # lives beside each other, for each waits most of its time
# together they take every way: steps that fail and are tried again, a review, a cancellation, a
# plain end
ORDERS = 4
EVERY = 30  # statements between two deaths of Postgres, of the 100 of such a life
LEASE = 2.0  # seconds: the heart beats four times in each

MakeScene = Callable[[Path, Database, list[str]], Any]


class Lives:
    """Lives of a worker on one server, each with a database and a folder of its own."""

    def __init__(self, server_url: str, folder: Path, make_scene: MakeScene) -> None:
        self.server_url, self.folder, self.make_scene = server_url, folder, make_scene
        self._few = asyncio.Semaphore(AT_ONCE)

    async def live(self, whose: str, when: str, *numbers: int) -> int:
        """How many statements the first worker began before it died of one of these numbers, or
        came to its end.
        """
        death = Death(whose, when, numbers)
        folder = self.folder / str(death).replace(" ", "-")
        folder.mkdir()
        async with self._few, fresh_database(self.server_url) as database:
            scene = self.make_scene(folder, database, ["--url", database.url])
            try:
                await scene.order(ORDERS)
                code = await scene.until_ended(scene.start(death=death, lease=LEASE))
                begun = len(scene.world.statements.read_text().splitlines())
                died = code == -signal.SIGKILL
                print(death, "of", begun, "died" if died else "lived")
                assert died or code == 0
                reached = any(number <= begun for number in numbers)
                assert (
                    died == reached if when == "before" else died <= reached
                )  # not every one has an answer
                await scene.note_finished()
                if died:
                    assert await scene.until_ended(scene.start(concurrency=20)) == 0
                await check(scene)
            finally:
                scene.close()
        return begun


async def check(scene: Any) -> None:
    """Every order with its children ended as designed, once; no intent is open, and of nothing but
    reviews was told.
    """
    await scene.check()
    assert await scene.fetch("select * from effects where status <> 'done'") == []
    assert await scene.fetch("select * from alerts where kind <> 'review'") == []


@pytest.mark.timeout(0 if ALL else 120)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("whose", ["loop", "heart"])
async def test_a_worker_killed_at_any_query_loses_and_repeats_nothing(
    server_url: str,
    tmp_path: Path,
    make_scene: MakeScene,
    rng: random.Random,
    whose: str,
    when: str,
) -> None:
    lives = Lives(server_url, tmp_path, make_scene)
    statements = await lives.live(whose, when)
    if not ALL:
        numbers = rng.sample(range(1, statements + 1), SAMPLE[whose])
        await asyncio.gather(*(lives.live(whose, when, number) for number in numbers))
        return
    first = 1
    while True:  # until a whole handful lives, for no two lives have the same statements
        begun = await asyncio.gather(*(lives.live(whose, when, first + n) for n in range(AT_ONCE)))
        if all(count < first + n for n, count in enumerate(begun)):
            return
        first += AT_ONCE


@pytest.mark.timeout(0 if ALL else 120)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_postgres_killed_at_any_query_loses_and_repeats_nothing(
    tmp_path: Path,
    make_scene: MakeScene,
    rng: random.Random,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    """Its worker brings it back, and goes on."""
    monkeypatch.delenv("OVERNIGHT_DATABASE_URL", raising=False)
    for first in range(1, EVERY + 1) if ALL else [rng.randint(1, EVERY)]:
        folder = tmp_path / str(first)
        folder.mkdir()
        server = EmbeddedServer(folder / "home")
        await asyncio.to_thread(server.hold)
        try:
            async with Database(server.url) as database:
                await migrate(database)
                scene = make_scene(folder, database, ["--home", str(server.home)])
                try:
                    await scene.order(ORDERS)
                    death = Death("loop", when, tuple(range(first, 4 * EVERY, EVERY)))
                    assert await scene.until_ended(scene.start(death=death, lease=LEASE)) == 0
                    await check(scene)
                    begun = len(scene.world.statements.read_text().splitlines())
                    print(death, "of", begun)
                    assert begun >= first, "Postgres never died"
                finally:
                    scene.close()
        finally:
            await asyncio.to_thread(server.release)
