"""Dead letters: how many there are, started again, discarded; for the command line, the console and
the API alike.

A dead letter is a run that failed for good, or a message of which no job could be made, which is
called `m` and its number. Runs are taken by batches, messages one by one, for each is read anew.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from overnight.errors import UserError
from overnight.inbox import messages as intake
from overnight.operations import control
from overnight.pipelines.app import App
from overnight.store.database import Database, Row
from overnight.store.records import Filter

MESSAGE = re.compile(r"m([0-9]{1,18})")  # how people call a message; its number is a bigint


@dataclass(frozen=True, slots=True)
class Result:
    """With how many letters it was done, the first runs of them, and a sentence for each with which
    it was refused.
    """

    count: int
    first: Sequence[Row] = ()
    refused: Sequence[str] = ()


def message_number(job: str | None) -> int | None:
    """The number of a message, where a message is named."""
    found = MESSAGE.fullmatch(job or "")
    return int(found[1]) if found else None


async def count(database: Database, filter: Filter) -> int:
    """How many dead letters match."""
    letters = await control.find_letters(database, filter)
    return len(letters.runs) + len(letters.messages)


async def replay(
    app: App | None,
    database: Database,
    filter: Filter,
    *,
    body: bytes | None = None,
    reason: str = "",
    by: str | None = None,
) -> Result:
    """Start again all that match. `body` is what is read instead of the message that `filter.job`
    names.

    Messages are read with the pipelines of the app: without one they are left and told of. Raises
    `UserError` where the one that is named cannot be started again.
    """
    by = by or control.whoami()
    if (number := message_number(filter.job)) is not None:
        if app is None:
            raise UserError(
                "a message is read with the pipelines: name them with --app module:name"
            )
        received = await intake.replay_message(
            app, database, number, body=body, reason=reason, by=by
        )
        return Result(1, [{"job_id": job} for job in received.jobs])
    messages = (await control.find_letters(database, filter)).messages
    done = await control.replay(database, filter, reason=reason, by=by)
    if messages and app is None:
        unread = (
            f"messages are left ({len(messages)}): name the pipelines with --app module:name "
            "to read them"
        )
        return Result(done.count, done.first, [unread])
    refused = (
        await _each(messages, partial(intake.replay_message, app, database, reason=reason, by=by))
        if app
        else []
    )
    return Result(done.count + len(messages) - len(refused), done.first, refused)


async def discard(
    database: Database, filter: Filter, reason: str, *, by: str | None = None
) -> Result:
    """End all that match; the reason is kept. Raises `UserError` where the message that is named is
    none any more.
    """
    drop = partial(intake.drop_message, database, reason=reason, by=by or control.whoami())
    if (number := message_number(filter.job)) is not None:
        await drop(number)
        return Result(1)
    messages = (await control.find_letters(database, filter)).messages
    done = await control.drop(database, filter, reason, by=by)
    refused = await _each(messages, drop)
    return Result(done.count + len(messages) - len(refused), done.first, refused)


async def _each(numbers: Sequence[int], act: Callable[[int], Awaitable[object]]) -> list[str]:
    """Do it with each message; what was said of those with which it could not be done."""
    refused = []
    for number in numbers:
        try:
            await act(number)
        except UserError as error:
            refused.append(str(error))
    return refused
