"""Postgres that is killed under a worker, alone, with all its processes, or together with the
worker.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from overnight.engine.rescuer import SETTLE
from overnight.operations import runs
from overnight.postgres import launch
from overnight.postgres.server import EmbeddedServer
from overnight.store.database import Database
from overnight.store.migrations import migrate

KILLS = 6
ORDERS = 30
# seconds: a killed worker's steps wait for it, since just after a server start a free lock proves
# nothing
LEASE = 3.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    server = EmbeddedServer(tmp_path / "home")
    await asyncio.to_thread(server.hold)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.release)


@pytest.fixture
async def own_scene(
    server: EmbeddedServer,
    tmp_path: Path,
    make_scene: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Any]:
    """A scene whose workers bring their server back by themselves."""
    monkeypatch.delenv("OVERNIGHT_DATABASE_URL", raising=False)
    async with Database(server.url) as database:
        await migrate(database)
        scene = make_scene(tmp_path, database, ["--home", str(server.home)])
        try:
            yield scene
        finally:
            scene.close()


def postmaster(server: EmbeddedServer) -> int | None:
    """The pid of the postmaster on this server's data, and of nothing else."""
    try:
        pid = int((server.data / "postmaster.pid").read_text().partition("\n")[0])
    except (OSError, ValueError):
        return None
    return pid if launch.is_postmaster(pid, server.data) else None


def with_children(pid: int) -> list[int]:
    """Each of them leads a session of its own, so that no process group holds them all."""
    shown = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    family = [
        int(child) for child, parent in map(str.split, shown.splitlines()) if int(parent) == pid
    ]
    return [pid, *family]


def answers(server: EmbeddedServer) -> bool:
    with suppress(psycopg.OperationalError):
        psycopg.connect(server.url, connect_timeout=5).close()
        return True
    return False


async def kill_postgres(scene: Any, server: EmbeddedServer, *, children: bool = False) -> None:
    await scene.until("a postmaster", lambda: postmaster(server) is not None)
    pid = postmaster(server)
    assert pid is not None
    for one in with_children(pid) if children else [pid]:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    await scene.until("the end of the postmaster", lambda: postmaster(server) != pid)


@pytest.mark.parametrize("children", [False, True], ids=["the postmaster", "all its processes"])
async def test_a_worker_outlives_its_postgres(
    own_scene: Any, server: EmbeddedServer, rng: random.Random, children: bool
) -> None:
    scene = own_scene
    await scene.order(ORDERS)
    worker = scene.start(lease=LEASE)
    for _ in range(KILLS):
        await scene.until("a server that answers", lambda: answers(server))
        await scene.until_executing(worker)
        await asyncio.sleep(rng.uniform(0, 0.4))
        assert worker.poll() is None, "it ended before its server could be killed"
        await kill_postgres(scene, server, children=children)
        if rng.random() < 0.3:  # again, while it recovers or has just recovered
            await scene.until("another postmaster", lambda: postmaster(server) is not None)
            await asyncio.sleep(rng.uniform(0, 0.3))
            await kill_postgres(scene, server, children=children)
        await scene.note_finished()
    assert await scene.until_ended(worker) == 0
    await scene.check()


async def test_a_worker_and_its_postgres_killed_together(
    own_scene: Any, server: EmbeddedServer, rng: random.Random
) -> None:
    scene = own_scene
    await scene.order(ORDERS)
    for _ in range(KILLS):
        worker = scene.start(lease=LEASE)
        await scene.until_executing(worker)
        await asyncio.sleep(rng.uniform(0, 0.3))
        assert worker.poll() is None, "it ended before it could be killed"
        if rng.random() < 0.5:
            worker.kill()
            await kill_postgres(scene, server, children=True)
        else:
            await kill_postgres(scene, server)
            worker.kill()
        worker.wait()
    assert await scene.until_ended(scene.start(lease=LEASE)) == 0
    await scene.check()


async def test_workers_keep_their_steps_when_one_backend_is_killed(own_scene: Any) -> None:
    """All sessions end, so every lock is free until the workers return; and the postmaster's start
    time stays.
    """
    scene = own_scene
    workers = [scene.start(concurrency=1) for _ in range(2)]
    for number in range(len(workers)):
        await runs.start(scene.app, scene.database, "patient", number)
    await scene.until(
        "an execution by each worker",
        lambda: len({e[-1] for e in scene.executions()}) == len(workers),
    )
    await scene.until_row(
        "a server that has settled",
        "select 1 where pg_postmaster_start_time() < clock_timestamp() - interval "
        f"'{SETTLE + 0.1} s'",
    )
    sessions = await scene.fetch(
        "select a.pid, l.pid as heart from pg_stat_activity a left join pg_locks l on "
        "l.pid = a.pid and "
        "l.locktype = 'advisory' and l.mode = 'ExclusiveLock' "
        "where a.backend_type = 'client backend' and a.pid <> pg_backend_pid()"
    )
    hearts = {row["heart"] for row in sessions} - {None}
    assert len(hearts) == len(workers)
    os.kill(min(hearts), signal.SIGKILL)
    scene.start()  # whoever starts now must not take the living for dead
    await scene.until_row(
        "the return of the workers, or what must not be",
        f"select 1 where {len(workers)} < (select count(*) from pg_locks where locktype "
        "= 'advisory' and not pid = "
        f"any(array{sorted(hearts)})) or exists (select from runs where attempt > 1)",
    )
    scene.world.gate.touch()
    for process in scene.begun:
        assert await scene.until_ended(process) == 0
    assert [row["attempt"] for row in await scene.fetch("select attempt from runs")] == [1] * len(
        workers
    )
    assert len([e for e in scene.executions() if e[0] == "begin"]) == len(workers)
