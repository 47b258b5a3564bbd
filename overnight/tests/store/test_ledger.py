"""The ledger on a real Postgres: the mission's statements, ids, claims, fences, the
life of a run.
"""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from overnight.engine.decide import MAX_LOSSES
from overnight.engine.rescuer import SETTLE
from overnight.errors import IdConflict, IllegalTransition
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import SUSPECT_LOSSES, Ending, NewRun, Run, Scope, Status, Transition
from overnight.store.sql import queries
from overnight.testing import Clock, runs

STEPS = Scope(["p/one", "p/two"])
DONE = Transition(Status.SUCCEEDED, "done", ends_job=False)

INSERT = (
    "INSERT INTO runs (job_id, step, status, started_at) VALUES ($1, $2, 'running', now()) "
    "ON CONFLICT (job_id, step) DO NOTHING RETURNING id"
)
COUNT = (
    "SELECT status, count(*) FROM runs WHERE started_at > now() - interval '24 hours' GROUP "
    "BY status"
)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def new(
    job_id: str = "a",
    step: str = "one",
    payload: str = "{}",
    hash_: str | None = "h",
    delay: float = 0.0,
) -> NewRun:
    return NewRun(job_id, step, "p", "k", payload, hash_, delay)


async def claim_one(ledger: Ledger, worker: str = "w1", lease: float = 60) -> Run:
    (run,) = (await ledger.claim(STEPS, worker, 1, lease)).runs
    return run


async def statuses(database: Database) -> dict[str, str]:
    return {f"{run.job_id}/{run.step}": run.status for run in await runs(database)}


async def test_the_missions_statements_work_verbatim(database: Database) -> None:
    async with await database.connect() as connection:
        cursor = psycopg.AsyncRawCursor(connection)
        first = await (await cursor.execute(INSERT, ["3395348374e348a8", "generate"])).fetchall()
        again = await (await cursor.execute(INSERT, ["3395348374e348a8", "generate"])).fetchall()
        counts = await (await cursor.execute(COUNT)).fetchall()
    assert len(first) == 1
    assert again == []
    assert counts == [{"status": "running", "count": 1}]


async def test_a_row_inserted_by_sql_has_a_lease_and_does_not_strand(
    database: Database, ledger: Ledger, clock: Clock
) -> None:
    async with await database.connect() as connection:
        await psycopg.AsyncRawCursor(connection).execute(INSERT, ["plain", "step"])
    assert (await ledger.rescue("w", max_losses=MAX_LOSSES, settle=0)).runs == []
    await clock.move(301)
    (row,) = (await ledger.rescue("w", max_losses=MAX_LOSSES, settle=0)).runs
    assert (row["job_id"], row["status"]) == ("plain", "dead")


async def test_enqueue_twice_is_enqueue_once(ledger: Ledger, database: Database) -> None:
    assert await ledger.enqueue([new("a"), new("b")]) == 2
    assert await ledger.enqueue([new("b"), new("c")]) == 1
    assert sorted(await statuses(database)) == ["a/one", "b/one", "c/one"]


async def test_an_id_with_other_inputs_fails_and_nothing_is_enqueued(
    ledger: Ledger, database: Database
) -> None:
    await ledger.enqueue([new("a", hash_="h1")])
    with pytest.raises(IdConflict, match="job a was begun with other inputs"):
        await ledger.enqueue([new("b"), new("a", hash_="h2")])
    assert list(await statuses(database)) == ["a/one"]


async def test_a_run_is_claimed_by_one_worker_and_counts_an_attempt(ledger: Ledger) -> None:
    await ledger.enqueue([new("a"), new("b"), new("c")])
    first = (await ledger.claim(STEPS, "w1", 2, 60)).runs
    second = (await ledger.claim(STEPS, "w2", 9, 60)).runs
    assert sorted(run.job_id for run in [*first, *second]) == ["a", "b", "c"]
    assert {run.attempt for run in first} == {1}
    assert (await ledger.claim(STEPS, "w3", 9, 60)).runs == []


async def test_what_is_not_due_or_not_known_is_not_claimed(ledger: Ledger, clock: Clock) -> None:
    await ledger.enqueue([new("later", delay=90.0), new("foreign", step="renamed")])
    assert (await ledger.claim(STEPS, "w", 9, 60)).runs == []
    next_due, running = (
        (await ledger.claim(STEPS, "w", 0, 60)).next_due,
        await ledger.running(STEPS),
    )
    assert 89 < (next_due or 0) <= 90
    assert running == 0
    await clock.move(90.5)
    assert [run.job_id for run in (await ledger.claim(STEPS, "w", 9, 60)).runs] == ["later"]


async def test_finish_writes_output_next_step_and_spawned_jobs_at_once(
    ledger: Ledger, database: Database
) -> None:
    await ledger.enqueue([new("a")])
    run = await claim_one(ledger)
    follow = [new("a", "two", '{"x": 1}', None), new("child")]
    assert (await ledger.finish([Ending(run, DONE, '{"x": 1}', next=follow)], "w1")).ours == {
        (run.id, 1)
    }
    assert await statuses(database) == {
        "a/one": "succeeded",
        "a/two": "queued",
        "child/one": "queued",
    }
    row = await database.one(
        "select output, lease_until, worker, finished_at from runs where id = %s", [run.id]
    )
    assert row is not None
    assert row["output"] == {"x": 1}
    assert row["lease_until"] is None
    assert row["worker"] is None
    assert row["finished_at"] is not None
    assert await database.fetch("select * from attempts") == []


async def test_a_late_owner_changes_nothing_and_spawns_nothing(
    ledger: Ledger, database: Database, clock: Clock
) -> None:
    await ledger.enqueue([new("a")])
    late = await claim_one(ledger, "w1", lease=60)
    await clock.move(61)
    await ledger.rescue("w2", max_losses=MAX_LOSSES, settle=0)
    owner = await claim_one(ledger, "w2")
    ending = Ending(late, DONE, '"late"', next=[new("child")])
    assert (await ledger.finish([ending], "w1")).ours == set()
    assert await ledger.note_late_result(ending, "w1", "late")
    assert (await ledger.finish([Ending(owner, DONE, '"right"')], "w2")).ours == {(owner.id, 2)}
    assert (await ledger.finish([ending], "w1")).ours == set()
    row = await database.one("select output, attempt from runs where job_id = 'a'")
    assert row == {"output": "right", "attempt": 2}
    assert await database.one("select * from runs where job_id = 'child'") is None
    history = await database.fetch("select attempt, outcome, detail from attempts order by attempt")
    assert history == [{"attempt": 1, "outcome": "lost", "detail": "late"}]


async def test_a_finish_that_was_written_but_not_answered_is_not_late(ledger: Ledger) -> None:
    await ledger.enqueue([new("a")])
    ending = Ending(await claim_one(ledger), DONE, "1")
    await ledger.finish([ending], "w1")
    assert (await ledger.finish([ending], "w1")).ours == set()
    assert not await ledger.note_late_result(ending, "w1", "late")


async def test_a_spawned_job_with_other_inputs_refuses_the_finish(
    ledger: Ledger, database: Database
) -> None:
    await ledger.enqueue([new("a"), new("child", hash_="h1")])
    run = ((await ledger.claim(STEPS, "w1", 1, 60)).runs)[0]
    with pytest.raises(IdConflict):
        await ledger.finish([Ending(run, DONE, "1", next=[new("child", hash_="h2")])], "w1")
    assert (await statuses(database))["a/one"] == "running"


async def test_a_retry_waits_and_its_error_is_kept(
    ledger: Ledger, database: Database, clock: Clock
) -> None:
    await ledger.enqueue([new("a")])
    run = await claim_one(ledger)
    retry = Transition(
        Status.QUEUED, "retry", "502 Bad Gateway", "transient", delay=4.0, failed=True
    )
    await ledger.finish([Ending(run, retry, detail="trace")], "w1")
    assert (await ledger.claim(STEPS, "w1", 1, 60)).runs == []
    await clock.move(4.1)
    again = await claim_one(ledger)
    assert (again.attempt, again.failures) == (2, 1)
    (row,) = await database.fetch(
        "select attempt, outcome, error, error_class, detail from attempts"
    )
    assert tuple(row.values()) == (1, "retry", "502 Bad Gateway", "transient", "trace")


async def test_a_step_that_loses_its_owners_ends_as_a_dead_letter(
    ledger: Ledger, database: Database, clock: Clock
) -> None:
    await ledger.enqueue([new("poison")])
    for _ in range(MAX_LOSSES):
        await claim_one(ledger, lease=60)
        await clock.move(61)
        await ledger.rescue("w2", max_losses=MAX_LOSSES, settle=0)
    letter = await database.one("select * from dead_letters")
    assert letter is not None
    assert letter["losses"] == MAX_LOSSES
    assert [a["outcome"] for a in letter["attempts"]] == ["lost"] * MAX_LOSSES


async def test_a_beat_keeps_the_lease_and_says_what_is_lost(
    ledger: Ledger, database: Database, clock: Clock
) -> None:
    await ledger.enqueue([new("a"), new("b")])
    mine, other = (await ledger.claim(STEPS, "w1", 2, 60)).runs
    await clock.move(50)
    beat = {"worker": "w1", "lease": 60, "ids": [mine.id]}
    assert await database.fetch(queries["beat"], beat) == [{"id": mine.id}]
    await clock.move(50)
    assert [r["id"] for r in (await ledger.rescue("w2", max_losses=MAX_LOSSES, settle=0)).runs] == [
        other.id
    ]
    assert await database.fetch(queries["beat"], {**beat, "ids": [mine.id, other.id]}) == [
        {"id": mine.id}
    ]


async def unlocked(database: Database) -> None:
    """Wait until Postgres has noticed that the connections that were closed are closed."""
    ours = (
        "select 1 from pg_locks l join pg_database d on d.oid = l.database where l.locktype "
        "= 'advisory'"
    )
    while await database.fetch(ours + " and d.datname = current_database()"):
        await asyncio.sleep(0.01)


async def rescued(ledger: Ledger) -> list[str]:
    return [
        row["job_id"]
        for row in (await ledger.rescue("w2", max_losses=MAX_LOSSES, settle=SETTLE)).runs
    ]


async def test_a_dead_worker_is_known_by_its_lock_before_its_lease(
    ledger: Ledger, database: Database, clock: Clock
) -> None:
    await ledger.enqueue([new("a")])
    sign_in = {"worker": "w1", "lock_key": 2**61 + 12_345, "host": "h", "pid": 1}
    async with await database.connect() as connection:
        await connection.execute(queries["worker_hello"], sign_in)
        await claim_one(ledger, "w1", lease=3600)
        alive = await ledger.rescue("w2", max_losses=MAX_LOSSES, settle=SETTLE)
        assert (alive.runs, alive.neighbour) == ([], sign_in["lock_key"])
        assert alive.again == pytest.approx(3600, abs=60)  # the lease is the backstop
    await unlocked(database)
    look = await ledger.rescue("w2", max_losses=MAX_LOSSES, settle=SETTLE)
    assert (look.runs, look.neighbour, look.again) == ([], None, SETTLE)
    assert await rescued(ledger) == []
    await clock.move(SETTLE + 0.1)
    assert await rescued(ledger) == ["a"]
    assert (await ledger.rescue("w2", max_losses=MAX_LOSSES, settle=SETTLE)).runs == []


async def test_a_worker_that_signs_in_again_between_two_looks_is_alive(
    ledger: Ledger, database: Database, clock: Clock
) -> None:
    await ledger.enqueue([new("a")])
    sign_in = {"worker": "w1", "lock_key": 2**61 + 54_321, "host": "h", "pid": 1}
    async with await database.connect() as connection:
        await connection.execute(queries["worker_hello"], sign_in)
        await claim_one(ledger, "w1", lease=3600)
    await unlocked(database)
    assert await rescued(ledger) == []  # its connection was cut: the first look
    async with await database.connect() as connection:
        await connection.execute(queries["worker_hello"], sign_in)
        await clock.move(SETTLE + 0.1)
        assert await rescued(ledger) == []
    await unlocked(database)
    assert await rescued(ledger) == []  # cut again: a first look, not a second one


async def test_neighbours_of_a_deadly_step_are_run_apart(ledger: Ledger, clock: Clock) -> None:
    await ledger.enqueue([new(job) for job in "abc"])
    for _ in range(SUSPECT_LOSSES):
        assert len((await ledger.claim(STEPS, "w1", 9, 60)).runs) == 3
        await clock.move(61)
        await rescued(ledger)
    await ledger.enqueue([new("fresh")])
    assert sorted(run.job_id for run in (await ledger.claim(STEPS, "w1", 9, 60)).runs) == [
        "a",
        "fresh",
    ]
    assert (await ledger.claim(STEPS, "w1", 9, 60)).runs == []
    assert [run.job_id for run in (await ledger.claim(STEPS, "w2", 9, 60)).runs] == ["b"]


async def test_only_the_live_owner_may_write_and_its_result_is_kept(
    ledger: Ledger, database: Database, clock: Clock
) -> None:
    await ledger.enqueue([new("a")])
    late = await claim_one(ledger, "w1", lease=60)
    intent = {"run_id": late.id, "name": "publish", "content_hash": "h"}
    first = await database.one(queries["effect_intend"], {**intent, "attempt": late.attempt})
    assert first is not None
    assert (first["status"], first["seen_before"]) == ("intended", False)
    await clock.move(61)
    await rescued(ledger)
    owner = await claim_one(ledger, "w2")
    assert await database.one(queries["effect_intend"], {**intent, "attempt": late.attempt}) is None
    again = await database.one(queries["effect_intend"], {**intent, "attempt": owner.attempt})
    assert again is not None
    assert again["seen_before"]
    await database.fetch(queries["effect_done"], {"id": again["id"], "result": '"owner"'})
    await database.fetch(queries["effect_done"], {"id": first["id"], "result": '"late"'})
    kept = await database.one("select result, attempt from effects")
    assert kept == {"result": "owner", "attempt": owner.attempt}


LEGAL = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("running", "succeeded"),
    ("running", "queued"),
    ("running", "needs_review"),
    ("running", "dead"),
    ("running", "cancelled"),
    ("needs_review", "succeeded"),
    ("needs_review", "cancelled"),
    ("needs_review", "queued"),
    ("dead", "queued"),
    ("dead", "cancelled"),
}


async def test_the_database_refuses_every_transition_that_is_not_legal(database: Database) -> None:
    listed = await database.fetch("select from_status, to_status from transitions")
    assert {
        tuple(row.values()) for row in listed
    } == LEGAL  # two of them are compared with constants (0008)
    for before in Status:
        for after in Status:
            await database.fetch("delete from runs")
            await database.fetch(
                "insert into runs (job_id, step, status) values ('a', 's', %s)", [before.value]
            )
            move = database.fetch("update runs set status = %s", [after.value])
            if before == after or (before, after) in LEGAL:
                await move
            else:
                with pytest.raises(IllegalTransition, match=f"cannot go from {before} to {after}"):
                    await move


async def test_a_worker_claims_only_the_keys_that_its_app_knows(ledger: Ledger) -> None:
    await ledger.enqueue(
        [NewRun(key or "none", "one", "p", key, "{}", "h") for key in ("mine", "foreign", "")]
    )
    mine = Scope(["p/one"], ["mine", "other"])
    assert sorted(run.key for run in (await ledger.claim(mine, "w", 9, 60)).runs) == ["", "mine"]
    assert ((await ledger.claim(mine, "w", 0, 60)).next_due, await ledger.running(mine)) == (
        None,
        2,
    )
    everything = Scope(["p/one"])
    assert (
        (await ledger.claim(everything, "w", 0, 60)).next_due,
        await ledger.running(everything),
    ) == (0.0, 2)


async def test_one_job_id_in_two_pipelines_is_a_conflict(ledger: Ledger) -> None:
    await ledger.enqueue([new("a")])
    with pytest.raises(IdConflict):
        await ledger.enqueue([NewRun("a", "one", "q", "k", "{}", "h")])
    run = await claim_one(ledger)
    await ledger.enqueue([NewRun("a", "two", "q", "k", "{}", None)])
    with pytest.raises(IdConflict):
        await ledger.finish([Ending(run, DONE, "1", next=[new("a", "two", "1", None)])], "w1")


@pytest.mark.parametrize("scope", ["all", "pipeline:p", "key:k", "step:p/one"])
async def test_a_switch_holds_its_scope_and_nothing_else(
    ledger: Ledger, database: Database, scope: str
) -> None:
    from overnight.operations import switches

    await ledger.enqueue([new("a"), NewRun("b", "other", "q", "k2", "{}", "h")])
    steps = Scope(["p/one", "p/two", "q/other"])
    await switches.pause(database, scope, reason="test")
    held = [run.job_id for run in (await ledger.claim(steps, "w", 9, 60)).runs]
    assert held == ([] if scope == "all" else ["b"])
    assert await ledger.switch_holding("p", "k", "one") == scope
    await switches.resume(database, scope, reason="done")
    assert "a" in [run.job_id for run in (await ledger.claim(steps, "w", 9, 60)).runs]
