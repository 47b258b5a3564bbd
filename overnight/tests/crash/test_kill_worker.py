"""Workers that are killed, stopped or that kill themselves: nothing is lost and nothing is done
twice.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from typing import Any

from overnight.engine.decide import MAX_LOSSES
from overnight.operations import runs as jobs

KILLS = 14
ORDERS_A_ROUND = 5
STARTS_AT_MOST = 40


async def test_a_worker_killed_at_any_moment_loses_and_repeats_nothing(
    scene: Any, rng: random.Random
) -> None:
    kills = 0
    while kills < KILLS:
        assert len(scene.begun) < STARTS_AT_MOST, "workers end before they can be killed"
        if scene.orders < ORDERS_A_ROUND * KILLS:
            await scene.order(ORDERS_A_ROUND)
        worker = scene.start()
        if rng.random() < 0.75:  # most while it works, the rest while it starts, too
            await scene.until_executing(worker)
        await asyncio.sleep(rng.uniform(0, 0.6))
        worker.kill()
        kills += worker.wait() == -signal.SIGKILL
        await scene.note_finished()
    assert await scene.until_ended(scene.start(concurrency=20)) == 0
    await scene.check()
    assert await scene.fetch("select 1 from runs where losses > 0"), (
        "no kill hit a step: the test has proved nothing"
    )


async def test_a_late_owner_changes_nothing(scene: Any) -> None:
    """A worker is stopped for longer than its lease, another one takes over, and then the first one
    goes on.
    """
    for how in ("blocks", "thread", "effect"):
        await jobs.start(scene.app, scene.database, "late", {"how": how})
    first = scene.start(lease=1.0)
    await scene.until(
        "three executions", lambda: scene.world.blocking.exists() and len(scene.executions()) == 3
    )
    os.kill(first.pid, signal.SIGSTOP)
    second = scene.start(lease=20.0)
    await scene.until_row(
        "a second owner, who has ended all but one",
        "select 1 from runs having min(attempt) = 2 and count(*) filter (where status = "
        "'succeeded') = 2",
    )
    scene.world.gate.touch()
    os.kill(first.pid, signal.SIGCONT)
    await scene.until_row(
        "the late result, dropped or not",
        "select 1 where exists (select from attempts where detail like '%late%') "
        "or not exists (select from runs where status = 'running')",
    )
    scene.world.second_gate.touch()
    for worker in (first, second):
        assert await scene.until_ended(worker) == 0

    runs = await scene.fetch("select * from runs")
    assert len(runs) == 3, "the late result had a child"
    assert {(run["status"], run["attempt"], run["output"]) for run in runs} == {
        ("succeeded", 2, str(second.pid))
    }
    # `blocks` had its result before it could hear of the loss; the others were aborted, or came
    # late as well.
    history = await scene.fetch(
        "select job_id, a.attempt, a.outcome, a.detail from attempts a join runs r on "
        "r.id = run_id order by job_id"
    )
    assert [(row["job_id"], row["attempt"], row["outcome"]) for row in history] == [
        (f"late-{how}", 1, "lost") for how in ("blocks", "effect", "thread")
    ]
    assert "late result (done)" in history[0]["detail"]
    assert [line.split() for line in scene.world.outside.read_text().splitlines()] == [
        ["late-effect", "late", "2", str(second.pid)]
    ]


async def test_a_step_that_kills_five_workers_is_a_dead_letter(scene: Any) -> None:
    await jobs.start(scene.app, scene.database, "poison", "deadly")
    codes = [await scene.until_ended(scene.start()) for _ in range(MAX_LOSSES + 1)]
    assert codes == [-signal.SIGKILL] * MAX_LOSSES + [0]
    letters = await scene.fetch("select * from dead_letters")
    assert [(letter["job_id"], letter["input"], letter["losses"]) for letter in letters] == [
        ("poison-deadly", "deadly", MAX_LOSSES)
    ]
    history = letters[0]["attempts"]
    assert [(a["attempt"], a["outcome"]) for a in history] == [
        (n, "lost") for n in range(1, MAX_LOSSES + 1)
    ]
    assert len({a["worker"] for a in history}) == MAX_LOSSES
    assert "died or lost its lease" in letters[0]["error"]
    deadly = [e for e in scene.executions() if e[:2] == ["begin", "poison-deadly"]]
    assert len(deadly) == MAX_LOSSES


async def test_a_step_that_kills_its_worker_spares_the_other_runs(scene: Any) -> None:
    for word in ("deadly", "harmless"):
        await jobs.start(scene.app, scene.database, "poison", word)
    for _ in range(MAX_LOSSES + 1):
        await scene.until_ended(scene.start())
    ends = await scene.fetch("select job_id, status from runs order by id")
    assert [tuple(row.values()) for row in ends] == [
        ("poison-deadly", "dead"),
        ("poison-harmless", "succeeded"),
    ]
