"""Work that comes from outside, by any transport: it begins jobs, or it is kept as a dead letter.
Nothing is lost.

A message is JSON in UTF-8: `{"pipeline": NAME, "input": …}`, with a `step` to begin at and a
`priority` if wanted, or `{"event": NAME, "payload": …}`. A transport that names the target itself,
as a webhook's path does, brings the bare input or payload.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from overnight.engine.attempt import ERROR_LIMIT
from overnight.engine.wakeups import hint
from overnight.error_classes import describe
from overnight.errors import (
    IdConflict,
    IllegalTransition,
    LedgerUnavailable,
    NotFound,
    Permanent,
    Refused,
    TooSlow,
    UserError,
    first_fault,
)
from overnight.logs import clean, log
from overnight.pipelines.app import App
from overnight.pipelines.pipeline import MAX_PAYLOAD, NUL
from overnight.store.database import Database, Row, is_fault_of_data
from overnight.store.ledger import NEW_RUN, columns
from overnight.store.records import NewRun
from overnight.store.sql import queries
from overnight.store.wait_records import NewEvent
from overnight.store.waits import as_json

KEY_LIMIT = 500  # characters of an idempotency key; an index row of Postgres holds 2,704 bytes
TARGET_LIMIT = 200  # characters of a target that are kept
SMALLEST, LARGEST = -(2**15), 2**15 - 1  # of a priority, which is a smallint
SHAPE = 'a message is {"pipeline": NAME, "input": …} or {"event": NAME, "payload": …}'


class _Job(BaseModel):
    """A message that begins a job of one pipeline."""

    model_config = ConfigDict(extra="forbid", strict=True)

    pipeline: str
    input: Any
    step: str | None = None
    priority: int | None = Field(None, ge=SMALLEST, le=LARGEST)


class _Event(BaseModel):
    """A message that begins a job of each pipeline that listens."""

    model_config = ConfigDict(extra="forbid", strict=True)

    event: str
    payload: Any


@dataclass(frozen=True, slots=True)
class Message:
    """A body as read: the runs that it begins and the `events` that are kept for runs that wait, or
    the `error` that makes it a dead letter. `target` may be ''.
    """

    target: str
    runs: Sequence[NewRun] = ()
    error: str | None = None
    events: Sequence[NewEvent] = ()


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a message: its jobs, or the `error` that made it a dead letter.

    `new` is False where it had come before; the rest is then the first answer again.
    """

    id: int
    new: bool
    jobs: Sequence[str] = ()
    error: str | None = None

    @property
    def letter(self) -> str | None:
        """What people call the dead letter, such as `m12`; None where there is none."""
        return None if self.error is None else f"m{self.id}"


def read(app: App, body: bytes, *, source: str, target: str | None = None) -> Message:
    """The runs that a body begins. What is wrong with it, or with the app's functions for id and
    key, is its error.
    """
    name = target or ""
    try:
        value = _parse(body)
        if target is None:
            name = _target(value)
            content = _content(value)
        else:
            content = {"value": value}
        events = _events(app, name, content["value"])
        runs = _runs(app, name, **content, may_be_none=bool(events))
        return Message(_kept(name), [replace(run, origin=source) for run in runs], events=events)
    except Exception as error:
        return Message(_kept(name), error=_reason(error))


async def receive(
    app: App,
    database: Database,
    body: bytes,
    *,
    source: str,
    key: str | None = None,
    target: str | None = None,
) -> Received:
    """Begin the jobs of a message, or keep it as a dead letter; by one statement, so that nothing
    lies in between.

    `key` is the sender's idempotency key: the same message again is answered as it was first,
    another one with its key raises `IdConflict`. `target` (`pipeline:NAME` or `event:NAME`) says
    that the whole body is the input or payload. Raises `UserError` for a key or a target that
    cannot be, and `LedgerUnavailable`: the sender keeps the message then.
    """
    _check(key, target)
    message = read(app, body, source=source, target=target)
    note = {
        "source": source,
        "message_key": key,
        "sha256": hashlib.sha256(body).hexdigest(),
        "target": message.target,
        "bare": target is not None,
    }
    error, row = message.error, None
    if error is None:
        try:
            row = await database.one(queries["message_receive"], {**note, **_begun(message)})
        except (IdConflict, Refused) as refusal:  # it came from outside: nobody else would keep it
            error = _blamed(refusal)
    if error is not None:
        row = await database.one(queries["message_bury"], {**note, "error": error, "body": body})
    if row is None:
        return await _first_answer(database, note)
    received = Received(row["id"], True, _jobs(message) if error is None else (), error)
    await _tell(database, "message received", source, message.target, received)
    return received


async def replay_message(
    app: App,
    database: Database,
    number: int,
    *,
    body: bytes | None = None,
    reason: str = "",
    by: str,
) -> Received:
    """Try a dead letter again, as it came or as edited (`body`); what came is kept beside it, and
    so is the reason.

    Raises `UserError` where it is malformed still, which leaves the letter with the new reason, and
    `NotFound` or
    `IllegalTransition` where there is no such dead letter, or no more.
    """
    letter = await read_message(database, number)
    content = letter["body"] if body is None else body
    target = letter["target"] if letter["bare"] else None
    message = read(app, content, source=letter["source"], target=target)
    error = message.error
    rows: list[Row] = []
    if error is None:
        note = {
            "id": number,
            "sha256": hashlib.sha256(content).hexdigest(),
            "reason": "; ".join(
                text for text in (reason, "" if body is None else "with an edited body") if text
            ),
            "by": by,
        }
        try:
            rows = await database.fetch(queries["message_replay"], {**note, **_begun(message)})
        except (IdConflict, Refused) as refusal:
            error = _blamed(refusal)
    if error is not None:
        error = error if body is None else f"as edited: {error}"[:ERROR_LIMIT]
        await database.fetch(queries["message_refuse"], {"id": number, "error": error})
        raise UserError(f"m{number} is still a dead letter: {error}")
    if not rows:
        await _refuse(database, number)
    received = Received(number, True, _jobs(message))
    await _tell(database, "message replayed", letter["source"], message.target, received)
    return received


async def discard_message(database: Database, number: int, *, reason: str, by: str) -> None:
    """End a dead letter; the reason and the body are kept. Raises `NotFound` or
    `IllegalTransition`.
    """
    if not await database.fetch(
        queries["message_drop"], {"id": number, "reason": reason, "by": by}
    ):
        await _refuse(database, number)


async def read_message(database: Database, number: int) -> Row:
    """A dead letter with its whole body. Raises `NotFound` or `IllegalTransition` where there is
    none, or no more.
    """
    row = await database.one(queries["message_read"], {"id": number})
    if row is None or row["status"] != "dead":
        _say_why(number, row)
    return row


def _check(key: str | None, target: str | None) -> None:
    if key is not None and (not 0 < len(key) <= KEY_LIMIT or clean(key) != key):
        raise UserError(
            f"an idempotency key has 1 to {KEY_LIMIT} characters, and none that cannot be stored"
        )
    if target is not None and not target.startswith(("pipeline:", "event:")):
        raise UserError(f"“{target}” is no target: write pipeline:NAME or event:NAME")


def _parse(body: bytes) -> Any:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise UserError(f"the body is not UTF-8 (byte {error.start})") from None
    if len(text) > MAX_PAYLOAD:
        raise UserError(f"the body has {len(text):,} characters; at most {MAX_PAYLOAD:,} are taken")
    if "\0" in text or NUL.search(text):
        raise UserError("the body holds a NUL character, which Postgres cannot store")
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise UserError(f"the body is not JSON: {error}") from None


def _target(value: Any) -> str:
    for kind in ("event", "pipeline"):
        if isinstance(value, dict) and isinstance(value.get(kind), str):
            return f"{kind}:{value[kind]}"
    raise UserError(SHAPE)


def _content(value: dict[str, Any]) -> dict[str, Any]:
    """The input of a message that names its target itself, with the step and the priority."""
    try:
        if "event" in value:
            return {"value": _Event.model_validate(value).payload}
        job = _Job.model_validate(value)
        return {"value": job.input, "step": job.step, "priority": job.priority}
    except ValidationError as error:
        raise UserError(f"{SHAPE}; {first_fault(error)}") from None


def _runs(
    app: App,
    target: str,
    value: Any,
    step: str | None = None,
    priority: int | None = None,
    *,
    may_be_none: bool = False,
) -> Sequence[NewRun]:
    kind, _, name = target.partition(":")
    if kind == "event":
        runs = app.jobs_for(name, value)
        if not runs and not may_be_none:
            raise NotFound(f"no pipeline listens to the event “{name}”")
        return runs
    pipeline = app.pipeline(name)
    if step is not None and step not in pipeline.steps:
        raise NotFound(
            f"pipeline {name} has no step “{step}”; its steps are: {', '.join(pipeline.steps)}"
        )
    return [pipeline.job(value, step=step, priority=priority)]


def _events(app: App, target: str, payload: Any) -> Sequence[NewEvent]:
    kind, _, name = target.partition(":")
    return app.stored(name, payload) if kind == "event" else []


def _begun(message: Message) -> dict[str, object]:
    return {**columns(message.runs, *NEW_RUN), "events": as_json(message.events)}


def _reason(error: Exception) -> str:
    """One sentence for a person. What is no error of ours was raised by the app's function for an
    id or a key.
    """
    ours = isinstance(error, UserError | Permanent)
    text = str(error) if ours else f"no job could be made of it: {describe(error)}"
    return clean(" ".join(text.split()))[:ERROR_LIMIT]


def _blamed(refusal: IdConflict | Refused) -> str:
    """The reason of a dead letter. Raises `LedgerUnavailable` where the message is not at fault,
    but the database.
    """
    if isinstance(refusal, TooSlow) or not is_fault_of_data(refusal):
        raise LedgerUnavailable(f"the database cannot take a message: {refusal}") from refusal
    return _reason(refusal)


def _kept(target: str) -> str:
    return clean(target)[:TARGET_LIMIT]


def _jobs(message: Message) -> list[str]:
    return [run.job_id for run in message.runs]


async def _first_answer(database: Database, note: dict[str, Any]) -> Received:
    first = await database.one(queries["message_first"], note)
    assert first is not None
    if (first["sha256"], first["target"]) != (note["sha256"], note["target"]):
        raise IdConflict(
            f"another message of {note['source']} came with the key "
            f"“{note['message_key']}” before: "
            "a key names one message, so give this one a key of its own"
        )
    waits = first["status"] in ("dead", "dropped")
    return Received(first["id"], False, first["jobs"], first["error"] if waits else None)


async def _tell(
    database: Database, what: str, source: str, target: str, received: Received
) -> None:
    """To the log and, where jobs began, to the workers; a hint that is lost costs time alone."""
    fields = {"source": source, "target": target, "jobs": list(received.jobs)}
    if received.error is not None:
        log.warning(what, letter=received.letter, error=received.error, **fields)
        return
    log.info(what, **fields)
    with suppress(LedgerUnavailable):
        await hint(database)


async def _refuse(database: Database, number: int) -> NoReturn:
    """Say why a guarded write matched nothing."""
    _say_why(number, await database.one(queries["message_read"], {"id": number}))


def _say_why(number: int, row: Row | None) -> NoReturn:
    if row is None:
        raise NotFound(f"there is no message m{number}")
    was = "discarded" if row["status"] == "dropped" else row["status"]
    raise IllegalTransition(f"m{number} is no dead letter any more: it was {was}")
