"""Dead letters: find them, start them again, discard them.

A dead letter is a run that failed for good, or a message of which no job could be made, which is
called `m` and its number. Runs are taken by batches, messages one by one, because each is read
again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from overnight.engine.wakeups import hint
from overnight.errors import UserError
from overnight.inbox.messages import discard_message, replay_message
from overnight.operations.actors import whoami
from overnight.operations.filters import Filter
from overnight.operations.runs import find_job, refuse
from overnight.pipelines.app import App
from overnight.store.database import Database, Row
from overnight.store.sql import queries

BATCH = 1_000  # runs in one statement: a few MB of log and well under a second, however many wait
FIRST = 10  # runs that a result names when many were touched
MESSAGE = re.compile(r"m([0-9]{1,18})")  # how people call a message; its number is a bigint


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The ids of dead letters, oldest first: of runs, and of messages."""

    runs: list[int]
    messages: list[int]

    def __len__(self) -> int:
        return len(self.runs) + len(self.messages)


@dataclass(frozen=True, slots=True)
class Result:
    """How many dead letters were replayed or discarded, the first runs of them, and a sentence for
    each that was refused.
    """

    count: int
    first: Sequence[Row] = ()
    refused: Sequence[str] = ()


def message_number(job: str | None) -> int | None:
    """The number of a message, where a message is named."""
    match = MESSAGE.fullmatch(job or "")
    return int(match[1]) if match else None


async def of_job(database: Database, job: str) -> Filter:
    """The dead letters of the job that is named by its first digits, or the message."""
    is_message = message_number(job) is not None
    return Filter(job=job if is_message else await find_job(database, job))


async def find(database: Database, matching: Filter) -> DeadLetters:
    """Which dead letters match."""
    (row,) = await database.fetch(queries["dead_find"], matching.params())
    return DeadLetters(**row)


async def replay(
    app: App | None,
    database: Database,
    matching: Filter,
    *,
    body: bytes | None = None,
    reason: str = "",
    by: str | None = None,
) -> Result:
    """Start again all that match, with a fresh count of retries; their history stays. `body` is
    read instead of the message that `filter.job` names.

    For a named job also the run whose external write has an unknown outcome, or whose answers did
    not fit. Messages are read with the pipelines of the app: without one they are left, and the
    result says so. After a crash the same call does the rest. Raises `UserError` where the one that
    is named cannot be started again.
    """
    by = by or whoami()
    if (number := message_number(matching.job)) is not None:
        if app is None:
            raise UserError(
                "a message is read with the pipelines: name them with --app module:name"
            )
        received = await replay_message(app, database, number, body=body, reason=reason, by=by)
        return Result(1, [{"job_id": job} for job in received.jobs])
    letters = await find(database, matching)
    params = {"job_id": matching.job, "reason": reason, "by": by}
    runs = await _in_batches(database, "replay", letters.runs, params)
    if not runs.count and matching.job is not None:
        await refuse(database, matching.job, "replayed", "a dead letter")
    await hint(database)
    if app is None:
        skipped = (
            f"messages are left ({len(letters.messages)}): name the pipelines with --app "
            "module:name to read them"
        )
        return Result(runs.count, runs.first, [skipped] if letters.messages else [])
    again = partial(replay_message, app, database, reason=reason, by=by)
    return await _with_messages(runs, letters.messages, again)


async def discard(
    database: Database, matching: Filter, reason: str, *, by: str | None = None
) -> Result:
    """End all that match; the reason is kept. Raises `UserError` where the message that is named is
    none any more.
    """
    by = by or whoami()
    end = partial(discard_message, database, reason=reason, by=by)
    if (number := message_number(matching.job)) is not None:
        await end(number)
        return Result(1)
    letters = await find(database, matching)
    runs = await _in_batches(database, "dead_drop", letters.runs, {"reason": reason, "by": by})
    return await _with_messages(runs, letters.messages, end)


async def _in_batches(
    database: Database, query: str, ids: Sequence[int], params: dict[str, Any]
) -> Result:
    """One statement for each batch of runs; those that die meanwhile are not touched."""
    count, first = 0, list[Row]()
    for start in range(0, len(ids) or 1, BATCH):
        rows = await database.fetch(queries[query], {**params, "ids": ids[start : start + BATCH]})
        count += len(rows)
        first += rows[: FIRST - len(first)]
    await database.fetch(queries["dead_resolve"])
    return Result(count, first)


async def _with_messages(
    runs: Result, numbers: Sequence[int], act: Callable[[int], Awaitable[object]]
) -> Result:
    """The result for runs and messages, after `act` on each message."""
    refused = []
    for number in numbers:
        try:
            await act(number)
        except UserError as error:
            refused.append(str(error))
    return Result(runs.count + len(numbers) - len(refused), runs.first, refused)
