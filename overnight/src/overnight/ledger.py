"""The ledger's verbs: one method per query file, no logic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

from overnight.database import Database, Row
from overnight.model import Alert, Ending, NewRun, Run, Scope
from overnight.policy import SUSPECT_LOSSES
from overnight.sql import queries


class Ledger:
    """Guarded writes to `runs` and its neighbours. Every method is one statement: it happens wholly or not at all."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def enqueue(self, runs: Sequence[NewRun]) -> int:
        """Insert what does not exist yet; how many were new. Raises `IdConflict` for an id with other inputs."""
        params = columns(runs, "job_id", "step", "pipeline", "key", "input", "input_hash", "delay")
        return len(await self.database.fetch(queries["enqueue"], params))

    async def claim(self, scope: Scope, worker: str, limit: int, lease: float) -> list[Run]:
        """Up to `limit` due runs of the scope, owned by `worker` for `lease` seconds."""
        params = {**scope.params(), "worker": worker, "limit": limit, "lease": lease, "suspect": SUSPECT_LOSSES}
        return [Run(**row) for row in await self.database.fetch(queries["claim"], params)]

    async def finish(self, endings: Sequence[Ending], worker: str) -> set[tuple[int, int]]:
        """Write endings with what follows from them; (id, attempt) of those that were still ours.

        Raises `IdConflict`, and `Refused` where an output cannot be stored; nothing of the call is written then.
        """
        params = {
            **columns([e.run for e in endings], "id", "attempt"),
            **columns([e.transition for e in endings], "status", "outcome", "error", "error_class", "delay"),
            **columns(endings, "output", "detail"),
            "failed": [int(e.transition.failed) for e in endings],
            "next_parent": [e.run.id for e in endings for _ in e.next],
            **{
                f"next_{name}": values
                for name, values in columns(
                    [new for e in endings for new in e.next],
                    *("job_id", "step", "pipeline", "key", "input", "input_hash", "delay"),
                ).items()
            },
            "worker": worker,
        }
        return {(row["id"], row["attempt"]) for row in await self.database.fetch(queries["finish"], params)}

    async def rescue(self, worker: str, *, max_losses: int, settle: float) -> list[Row]:
        """Give back what dead owners held. `settle`: seconds after a server start while a free lock proves nothing."""
        return await self.database.fetch(
            queries["rescue"], {"worker": worker, "max_losses": max_losses, "settle": settle}
        )

    async def note_late_result(self, ending: Ending, worker: str, note: str) -> bool:
        """A result that the guard refused goes into the history; False where it had been written after all."""
        params = {
            "id": ending.run.id,
            "attempt": ending.run.attempt,
            "outcome": ending.transition.outcome,
            "worker": worker,
            "note": note,
        }
        return bool(await self.database.fetch(queries["late_result"], params))

    async def backlog(self, scope: Scope) -> tuple[float | None, int]:
        """(seconds until something in the scope is due, or None; how many of its runs have an owner), in one look."""
        row = await self.database.one(queries["backlog"], scope.params())
        assert row is not None
        return None if row["next_due"] is None else max(row["next_due"], 0.0), row["running"]

    async def note_schedule(self, app: str, pipeline: str, cron: str, timezone: str) -> None:
        """Make a schedule known; its first slot is the next one."""
        await self.database.fetch(queries["schedule_note"], _schedule(app, pipeline, cron, timezone))

    async def read_schedule(self, app: str, pipeline: str, cron: str, timezone: str) -> tuple[datetime, datetime]:
        """(the last slot that was fired, the database's now)."""
        row = await self.database.one(queries["schedule_read"], _schedule(app, pipeline, cron, timezone))
        if row is None:
            raise LookupError(f"schedule {pipeline} {cron} was never noted")
        return row["last_slot"], row["now"]

    async def skip(self, app: str, pipeline: str, cron: str, timezone: str, slot: datetime) -> None:
        """Move on from a slot that cannot be fired."""
        await self.database.fetch(queries["schedule_skip"], {**_schedule(app, pipeline, cron, timezone), "slot": slot})

    async def fire(self, app: str, cron: str, timezone: str, slot: datetime, new: NewRun) -> bool:
        """Insert a slot's run, once; False where somebody else did. Raises `IdConflict`."""
        params = {
            "app": app,
            **{name: getattr(new, name) for name in ("job_id", "step", "pipeline", "key", "input", "input_hash")},
            "cron": cron,
            "timezone": timezone,
            "slot": slot,
        }
        return bool(await self.database.fetch(queries["schedule_fire"], params))

    async def switch_holding(self, pipeline: str, key: str, step: str) -> str | None:
        """The scope of a switch that is off for this step, or None."""
        row = await self.database.one(queries["switch_check"], {"pipeline": pipeline, "key": key, "step": step})
        return row["scope"] if row else None

    async def alert(self, alerts: Sequence[Alert]) -> None:
        """Open alerts, each kind and subject at most once in a call; one that is open already is counted."""
        await self.database.fetch(queries["alert_raise"], columns(alerts, "kind", "subject", "text", "job_id"))

    async def resolve_alerts(self, kind: str, subjects: Sequence[str]) -> None:
        """Close the open alerts of a kind whose subjects are well again."""
        await self.database.fetch(queries["alert_resolve"], {"kind": kind, "subjects": list(subjects)})

    async def note_action(
        self, verb: str, target: str, *, by: str, reason: str = "", step: str | None = None, seen: str | None = None
    ) -> None:
        """Write down what a person did."""
        params = {"verb": verb, "target": target, "step": step, "reason": reason, "seen": seen, "by": by}
        await self.database.fetch(queries["action_note"], params)


def columns(rows: Sequence[object], *names: str) -> dict[str, list[object]]:
    """Rows as one list per column, the shape that `unnest` takes."""
    return {name: list(map(attrgetter(name), rows)) for name in names}


def _schedule(app: str, pipeline: str, cron: str, timezone: str) -> dict[str, str]:
    return {"app": app, "pipeline": pipeline, "cron": cron, "timezone": timezone}
