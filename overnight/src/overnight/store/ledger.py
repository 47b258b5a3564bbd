"""The ledger's verbs: the only door to the engine's query files; one method each, no logic."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from operator import attrgetter
from typing import Any, Literal

import psycopg

from overnight.store.database import Connection, Database, Row
from overnight.store.records import (
    BREAKER_PAUSE,
    SUSPECT_LOSSES,
    Alert,
    Claim,
    Ending,
    Finish,
    Guard,
    NewRun,
    Rescue,
    Run,
    Scope,
)
from overnight.store.sql import queries

CHANNEL = "overnight"  # of the notifications that wake workers
NEW_RUN = tuple(field.name for field in fields(NewRun))
Presence = Literal["worker_hello", "beat", "worker_bye"]
GUARD = tuple(field.name for field in fields(Guard))
TRANSITION = ("status", "outcome", "error", "error_class", "delay")


class Ledger:
    """Guarded writes to `runs` and its neighbours. Every method is one statement: it happens wholly
    or not at all.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    async def enqueue(self, runs: Sequence[NewRun], *, wake: bool = False) -> int:
        """Insert what does not exist yet; how many were new. Raises `IdConflict` for an id with
        other inputs.

        With `wake` the commit itself wakes the workers, so that one of them has the work sooner.
        """
        params = {**columns(runs, *NEW_RUN), "wake": wake, "channel": CHANNEL}
        return int((await self.database.fetch(queries["enqueue"], params))[0]["count"])

    async def claim(self, scope: Scope, worker: str, limit: int, lease: float) -> Claim:
        """Up to `limit` due runs of the scope, owned by `worker` for `lease` seconds. With 0 it
        only looks ahead.
        """
        params = {
            "steps": _array(list(scope.steps)),
            "keys": None if scope.keys is None else _array(list(scope.keys)),
            **_prefixed("guard_", columns(scope.guards, *GUARD)),
            **{"worker": worker, "limit": limit, "lease": lease},
            **{"suspect": SUSPECT_LOSSES, "pause": BREAKER_PAUSE},
        }
        rows = await self.database.fetch(queries["claim"], params)
        next_due = rows[0]["next_due"]
        for row in rows:
            del row["next_due"]
        return Claim(
            [Run(**row) for row in rows if row["id"] is not None], next_due and max(next_due, 0.0)
        )

    async def running(self, scope: Scope) -> int:
        """How many runs of the scope have an owner."""
        row = await self.database.one(queries["running"], scope.params())
        assert row is not None
        return int(row["running"])

    async def finish(
        self,
        endings: Sequence[Ending],
        worker: str,
        *,
        eager: Container[tuple[int, int]] = (),
        lease: float = 0.0,
    ) -> Finish:
        """Write endings with what follows from them.

        The steps that follow the `eager` ones, by (id, attempt), begin at once where nothing holds
        them, owned by
        `worker` for `lease` seconds.

        Raises `IdConflict`, and `Refused` where an output cannot be stored; nothing of the call is
        written then.
        """
        events = [(e, event) for e in endings for event in e.events]
        following = [(e.run, new) for e in endings for new in e.next]
        params = {
            **columns([e.run for e in endings], "id", "attempt"),
            **columns([e.transition for e in endings], *TRANSITION),
            **columns(endings, "output", "detail"),
            "failed": [int(e.transition.failed) for e in endings],
            "next_parent": [run.id for run, _ in following],
            "next_attempt": [run.attempt for run, _ in following],
            **_prefixed("next_", columns([new for _, new in following], *NEW_RUN)),
            "next_eager": [
                int((run.id, run.attempt) in eager and new.follows) for run, new in following
            ],
            "waits": _json({"job_id": e.run.job_id, **asdict(e.wait)} for e in endings if e.wait),
            "events": _json(
                {"parent": e.run.id, "attempt": e.run.attempt, **asdict(event)}
                for e, event in events
            ),
            **{"worker": worker, "lease": lease},
        }
        rows = await self.database.fetch(queries["finish"], params)
        lost = {(row["id"], row["attempt"]) for row in rows if row["job_id"] is None}
        begun = [Run(**row) for row in rows if row["job_id"] is not None]
        return Finish({(e.run.id, e.run.attempt) for e in endings} - lost, begun)

    async def rescue(
        self, worker: str, *, max_losses: int, settle: float, judges_leases: bool = True
    ) -> Rescue:
        """Give back what dead owners held. `settle`: seconds between the two looks that prove a
        death.
        """
        params = {"worker": worker, "max_losses": max_losses, "settle": settle}
        params |= {"judges_leases": judges_leases}
        rows = await self.database.fetch(queries["rescue"], params)
        return Rescue(
            [row for row in rows if row["what"] == "rescued"],
            next((row["lock_key"] for row in rows if row["what"] == "neighbour"), None),
            min((max(row["again"], 0.0) for row in rows if row["again"] is not None), default=None),
        )

    async def note_late_result(self, ending: Ending, worker: str, note: str) -> bool:
        """A result that the guard refused goes into the history; False where it had been written
        after all.
        """
        run, outcome = ending.run, ending.transition.outcome
        params = {"id": run.id, "attempt": run.attempt, "outcome": outcome}
        params |= {"worker": worker, "note": note}
        return bool(await self.database.fetch(queries["late_result"], params))

    async def switch_holding(self, pipeline: str, key: str, step: str) -> str | None:
        """The scope of a switch that is off for this step, or None."""
        row = await self.database.one(
            queries["switch_check"], {"pipeline": pipeline, "key": key, "step": step}
        )
        return row["scope"] if row else None

    async def intend_effect(self, run: Run, name: str, content_hash: str) -> Row | None:
        """Write the intent of an external write; its row with what an earlier attempt left. None
        while a switch is off, and where the run has another owner.
        """
        params = {"run_id": run.id, "attempt": run.attempt, "name": name}
        return await self.database.one(
            queries["effect_intend"], {**params, "content_hash": content_hash}
        )

    async def end_effect(self, effect_id: int, result: str) -> None:
        """Write the result (JSON text) of an external write, which is done."""
        await self.database.fetch(queries["effect_done"], {"id": effect_id, "result": result})

    async def note_effect(self, effect_id: int, came_back: str) -> None:
        """Write what came back from an external write whose result cannot be stored."""
        await self.database.fetch(queries["effect_note"], {"id": effect_id, "came_back": came_back})

    async def alert(self, alerts: Sequence[Alert]) -> None:
        """Open alerts, each kind and subject at most once in a call; one that is open already is
        counted.
        """
        await self.database.fetch(
            queries["alert_raise"], columns(alerts, "kind", "subject", "text", "job_id")
        )

    async def keep_alerts(self, kinds: Sequence[str], alerts: Sequence[Alert]) -> None:
        """Open these alerts, and close the other open ones of these kinds. One with the same text
        is not counted again.
        """
        params = {"kinds": list(kinds), **columns(alerts, "kind", "subject", "text")}
        await self.database.fetch(queries["alert_keep"], params)

    async def open_alerts(self, alerts: Sequence[Alert]) -> None:
        """Open alerts that are not open yet, with their latest text; none is counted again."""
        await self.keep_alerts((), alerts)

    async def resolve_alerts(self, kind: str, subjects: Sequence[str]) -> None:
        """Close the open alerts of a kind whose subjects are well again."""
        await self.database.fetch(
            queries["alert_resolve"], {"kind": kind, "subjects": list(subjects)}
        )


def presence(connection: psycopg.Connection[Row], verb: Presence, **params: object) -> list[Row]:
    """A statement of a heartbeat, on its own connection, which is not asynchronous."""
    cursor = connection.execute(queries[verb], params)
    return cursor.fetchall() if cursor.description else []


async def await_worker(connection: Connection, lock_key: int) -> None:
    """Wait until nobody holds the lock of a worker."""
    await connection.execute(queries["worker_await"], {"lock_key": lock_key})


def columns(rows: Sequence[object], *names: str) -> dict[str, object]:
    """Rows as one array per column, the shape that `unnest` takes; at least one column has to be
    without nulls.
    """
    return {name: _array(list(map(attrgetter(name), rows))) for name in names}


def _prefixed(prefix: str, params: Mapping[str, object]) -> dict[str, object]:
    return {prefix + name: value for name, value in params.items()}


def _json(rows: Iterable[Mapping[str, object]]) -> str | None:
    """Rows of different shapes, of which there are mostly none."""
    return json.dumps(listed) if (listed := list(rows)) else None


def _array(values: list[Any]) -> object:
    """An array of Postgres, written here where that is easy: the driver takes longer for it than
    Postgres to read it.

    One of nulls alone is empty, for `unnest` fills up what is missing.
    """
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return "{}"
    if all(issubclass(kind, str) for kind in kinds):
        return f"{{{','.join(map(_quoted, values))}}}"
    if kinds <= {int, float}:
        return f"{{{','.join('null' if value is None else repr(value) for value in values)}}}"
    return values


def _quoted(text: str | None) -> str:
    if text is None:
        return "null"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
