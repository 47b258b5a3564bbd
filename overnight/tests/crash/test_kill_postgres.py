"""Postgres that is killed under a worker, alone, with all its processes, or together with the worker."""

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

from overnight import embedded_launch as launch
from overnight.database import Database, migrate
from overnight.embedded import EmbeddedServer

KILLS = 7
ORDERS = 30
LEASE = 3.0  # seconds: a killed worker's steps wait for it, since just after a server start a free lock proves nothing


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
    server: EmbeddedServer, tmp_path: Path, make_scene: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
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
    shown = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    family = [int(child) for child, parent in map(str.split, shown.splitlines()) if int(parent) == pid]
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
