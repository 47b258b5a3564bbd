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
from overnight.inbox.messages import drop_message, replay_message
from overnight.operations.actors import whoami
from overnight.operations.runs import refuse
from overnight.pipelines.app import App
from overnight.store.database import Database, Row
from overnight.store.records import Filter
from overnight.store.sql import queries

BATCH = 1_000  # runs in one statement: a few MB of log and well under a second, however many wait
FIRST = 10  # runs that a result names when many were touched
MESSAGE = re.compile(r"m([0-9]{1,18})")  # how people call a message; its number is a bigint
NO_APP = "name the pipelines with --app module:name"


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


async def find(database: Database, filter: Filter) -> DeadLetters:
    """Which dead letters match."""
    (row,) = await database.fetch(queries["dead_find"], filter.params())
    return DeadLetters(**row)


async def replay(
    app: App | None,
    database: Database,
    filter: Filter,
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
    if (number := message_number(filter.job)) is not None:
        if app is None:
            raise UserError(f"a message is read with the pipelines: {NO_APP}")
        received = await replay_message(app, database, number, body=body, reason=reason, by=by)
        return Result(1, [{"job_id": job} for job in received.jobs])
    matching = await find(database, filter)
    params = {"job_id": filter.job, "reason": reason, "by": by}
    runs = await _in_batches(database, "replay", matching.runs, params)
    if not runs.count and filter.job is not None:
        await refuse(database, filter.job, "replayed", "a dead letter")
    await hint(database)
    if app is None:
        left = f"messages are left ({len(matching.messages)}): {NO_APP} to read them"
        return Result(runs.count, runs.first, [left] if matching.messages else [])
    again = partial(replay_message, app, database, reason=reason, by=by)
    return await _with_messages(runs, matching.messages, again)


async def discard(
    database: Database, filter: Filter, reason: str, *, by: str | None = None
) -> Result:
    """End all that match; the reason is kept. Raises `UserError` where the message that is named is
    none any more.
    """
    by = by or whoami()
    drop = partial(drop_message, database, reason=reason, by=by)
    if (number := message_number(filter.job)) is not None:
        await drop(number)
        return Result(1)
    matching = await find(database, filter)
    runs = await _in_batches(database, "dead_drop", matching.runs, {"reason": reason, "by": by})
    return await _with_messages(runs, matching.messages, drop)


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
