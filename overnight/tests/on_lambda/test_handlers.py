"""The handlers in processes as Lambda runs them: AWS's runtime client, SQS by moto, a real
Postgres.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lambda_app import app
from local_lambda import Failed, Function

from overnight import testing
from overnight.aws import handlers
from overnight.operations import runs as jobs
from overnight.store.database import Database
from overnight.testing import Clock

Make = Callable[..., Function]


def event(*bodies: str | dict[str, Any], tries: int = 1) -> dict[str, Any]:
    """A batch of messages."""
    return {
        "Records": [
            {
                "messageId": f"m-{n}",
                "receiptHandle": f"r-{n}",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {"ApproximateReceiveCount": str(tries)},
            }
            for n, body in enumerate(bodies)
        ]
    }


async def call(function: Function, given: Any) -> Any:
    return await asyncio.to_thread(function.invoke, given)


async def runs(database: Database, pipeline: str = "orders") -> list[tuple[str, str]]:
    return [(run.step, run.status) for run in await testing.runs(database, pipeline=pipeline)]


def messages(sqs: Any, queue: str) -> list[dict[str, Any]]:
    """What can be received at this moment."""
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in found]


def count(sqs: Any, queue: str, name: str = "ApproximateNumberOfMessages") -> int:
    return int(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"][name])


def notes(folder: Path) -> list[str]:
    file = folder / "notes"
    return file.read_text("utf-8").splitlines() if file.exists() else []


async def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.05)


async def test_a_message_begins_one_job_and_the_function_completes_it(
    database: Database, function: Make, tmp_path: Path
) -> None:
    worker = function("worker")
    given = event(
        {"pipeline": "orders", "input": {"number": 1}},
        {"event": "ordered", "payload": {"number": 2}},
    )
    for _ in range(2):  # delivered twice
        assert await call(worker, given) == {"batchItemFailures": []}
    assert await runs(database) == [
        (step, "succeeded") for step in ("check", "check", "ship", "ship")
    ]
    assert sorted(notes(tmp_path)) == ["check 1", "check 2", "ship 1", "ship 2"]


async def test_a_malformed_message_is_acknowledged_as_a_dead_letter(
    database: Database, function: Make
) -> None:
    worker = function("worker")
    poison = [
        "no json",
        "[]",
        '{"pipeline": "nothing", "input": 1}',
        '{"due": {}, "event": "x"}',
        "null",
        '"\\u0000"',
    ]
    assert await call(worker, event(*poison)) == {"batchItemFailures": []}
    letters = await database.fetch(
        "select convert_from(body, 'UTF8') as body, error from messages where status = "
        "'dead' order by id"
    )
    assert [letter["body"] for letter in letters] == poison
    assert all(letter["error"] for letter in letters)


async def test_a_sandbox_serves_many_calls_and_renews_dead_connections(
    database: Database, function: Make
) -> None:
    worker = function("worker")
    await call(worker, event({"pipeline": "orders", "input": {"number": 1}}))
    await database.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where pid <> pg_backend_pid() and datname = current_database()"
    )
    again = event({"due": {}}, {"pipeline": "orders", "input": {"number": 2}})
    assert await call(worker, again) == {"batchItemFailures": []}
    assert await runs(database) == [
        (step, "succeeded") for step in ("check", "ship", "check", "ship")
    ]
    assert len(worker.sandboxes()) == 1


async def test_a_sandbox_holds_at_most_five_connections(database: Database, function: Make) -> None:
    worker = function("worker")
    await call(worker, event(*[{"pipeline": "orders", "input": {"number": n}} for n in range(10)]))
    (held,) = await database.fetch(
        "select count(*)::int as n from pg_stat_activity where datname = "
        "current_database() and pid <> pg_backend_pid()"
    )
    assert held["n"] <= 5
    assert {status for _, status in await runs(database)} == {"succeeded"}


async def test_without_the_database_only_messages_not_hints_come_again(
    function: Make, sqs: Any, queue: str
) -> None:
    worker = function("worker", OVERNIGHT_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    answer = await call(worker, event({"due": {}}, {"pipeline": "orders", "input": {"number": 1}}))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}


async def test_an_unstored_message_returns_before_the_queues_timeout(
    function: Make, sqs: Any, queue: str
) -> None:
    waits = [
        handlers._wait({"attributes": {"ApproximateReceiveCount": str(n)}}) for n in range(1, 5)
    ]
    assert waits == [30.0, 120.0, 480.0, 900.0]
    worker = function("worker", OVERNIGHT_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    sqs.send_message(QueueUrl=queue, MessageBody='{"pipeline": "orders", "input": {"number": 1}}')
    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1)["Messages"]
    given = event(message["Body"])
    given["Records"][0]["receiptHandle"] = message["ReceiptHandle"]
    await call(worker, given)
    assert [line for line in worker.lines() if line.get("event") == "message not put off"] == []


async def test_a_retry_waits_in_the_queue_and_not_in_a_function(
    database: Database, function: Make, sqs: Any, queue: str
) -> None:
    worker = function("worker")
    await call(worker, event({"pipeline": "orders", "input": {"number": 1, "fails": 1}}))
    assert await runs(database) == [("check", "succeeded"), ("ship", "queued")]
    found: list[dict[str, Any]] = []

    def retry() -> list[dict[str, Any]]:
        """The hints of the retry: another one may only say that something is due."""
        found.extend(messages(sqs, queue))
        return [hint for hint in found if hint["due"].get("step") == "ship"]

    await eventually(lambda: bool(retry()))
    await call(worker, event(retry()[0]))
    assert await runs(database) == [("check", "succeeded"), ("ship", "succeeded")]


async def test_a_step_too_long_is_handed_on_and_resumes_from_its_store(
    database: Database, function: Make, sqs: Any, queue: str
) -> None:
    worker = function("worker", seconds=8)
    await call(worker, event({"pipeline": "slow", "input": "long"}))
    (row,) = await database.fetch("select status, failures, losses from runs")
    assert row == {"status": "queued", "failures": 0, "losses": 0}
    assert messages(sqs, queue)[0]["due"]["step"] == "wait"
    await call(worker, event({"due": {}}))
    assert await runs(database, "slow") == [("wait", "succeeded")]


async def test_the_sweep_frees_and_announces_runs_of_a_killed_process(
    database: Database, clock: Clock, function: Make, sqs: Any, queue: str, tmp_path: Path
) -> None:
    worker, sweep = function("worker"), function("sweep")
    begun = asyncio.create_task(call(worker, event({"pipeline": "slow", "input": "long"})))
    await eventually(lambda: "wait long" in notes(tmp_path))
    worker.busy()[0].kill()
    with pytest.raises(Failed, match="died"):
        await begun
    await call(sweep, {})
    assert await runs(database, "slow") == [("wait", "running")]
    await clock.move(61)
    assert await call(sweep, {}) == {"hints": 1}
    (row,) = await database.fetch("select status, losses from runs")
    assert row == {"status": "queued", "losses": 1}
    assert messages(sqs, queue) == [{"due": {}}]
    await call(worker, event({"due": {}}))
    assert await runs(database, "slow") == [("wait", "succeeded")]


async def test_a_time_out_is_a_lost_lease_like_any_other(
    database: Database, clock: Clock, function: Make
) -> None:
    worker, sweep = function("worker", seconds=6), function("sweep")
    with pytest.raises(Failed, match="time limit"):
        await call(worker, event({"pipeline": "stuck", "input": "it"}))
    assert await runs(database, "stuck") == [("hang", "running")]
    await clock.move(61)
    await call(sweep, {})
    await call(worker, event({"due": {}}))
    assert await runs(database, "stuck") == [("hang", "succeeded")]


async def test_the_sweep_finds_a_lost_hint_without_flooding_the_queue(
    database: Database, function: Make, sqs: Any, queue: str
) -> None:
    for number in range(3):
        await jobs.start(app, database, "orders", {"number": number})
    sweep = function("sweep")
    assert await call(sweep, {}) == {"hints": 3}
    assert await call(sweep, {}) == {"hints": 0}
    assert count(sqs, queue) == 3


async def test_a_slot_is_fired_once_however_often_it_is_told_of(
    database: Database, clock: Clock, function: Make, sqs: Any, queue: str
) -> None:
    schedule, sweep = function("schedule"), function("sweep")
    await call(sweep, {})
    now = await clock.now()
    slot = now.replace(hour=3, minute=0, second=0, microsecond=0)
    slot += timedelta(days=1)
    await clock.set(slot + timedelta(seconds=5))
    given = {
        "pipeline": "nightly",
        "cron": "0 4 * * *",
        "timezone": "Europe/Belgrade",
        "scheduled_time": f"{slot:%Y-%m-%dT%H:%M:%SZ}",
    }
    for _ in range(2):
        answer = await call(schedule, given)
    assert answer["slot"] == slot.isoformat()
    assert await runs(database, "nightly") == [("begin", "queued")]
    await call(sweep, {})
    assert await runs(database, "nightly") == [("begin", "queued")]
    assert messages(sqs, queue)[0] == {"due": {"pipeline": "nightly"}}
