"""The statements of schedules: guarded writes, so that a slot is fired once however many try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from overnight.store.database import Database, Row
from overnight.store.ledger import columns
from overnight.store.records import NewRun
from overnight.store.schedule_records import (
    MISSED_WITHIN,
    RECENT_SLOTS,
    NewSchedule,
    Schedule,
    Skipped,
)
from overnight.store.sql import queries

NEW_SCHEDULE = tuple(field.name for field in fields(NewSchedule))


class Schedules:
    """Every method is one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, app: str, schedules: Sequence[NewSchedule]) -> None:
        """Make an app's schedules known, and retire its others. A new one begins now."""
        params = {"app": app, **columns(schedules, *NEW_SCHEDULE)}
        await self._database.fetch(queries["schedule_note"], params)

    async def read(self, app: str | None = None) -> list[Schedule]:
        """The schedules in use, of an app or of all."""
        return [
            Schedule(**row)
            for row in await self._database.fetch(queries["schedule_read"], {"app": app})
        ]

    async def judge(self, app: str | None = None) -> list[Row]:
        """The schedules in use: how the last slot ended, how many were missed, how many jobs found
        nothing.
        """
        params = {"app": app, "missed_within": MISSED_WITHIN, "judged": RECENT_SLOTS}
        return await self._database.fetch(queries["schedule_list"], params)

    async def skip(self, schedule: Schedule, skipped: Skipped, status: str, text: str) -> bool:
        """Move on to the latest skipped slot; `status` is `skipped` or `failed`, and `text` is the
        alert.

        False where somebody else has moved the schedule since it was read.
        """
        params = {**asdict(schedule), "status": status, "text": text}
        params |= {"slot": skipped.latest, "count": skipped.count, "note": skipped.why}
        return bool(await self._database.fetch(queries["schedule_skip"], params))

    async def fire(self, schedule: Schedule, slot: datetime, new: NewRun, note: str | None) -> bool:
        """Insert a slot's run, once; False where somebody else has moved the schedule. Raises
        `IdConflict`.
        """
        params = {**asdict(schedule), **asdict(new), "slot": slot, "note": note}
        return bool(await self._database.fetch(queries["schedule_fire"], params))
