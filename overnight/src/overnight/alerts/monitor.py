"""Calls of the heartbeat: the ledger says whose turn it is, and nobody waits for the other side."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from overnight.alerts import background
from overnight.alerts.delivery import ERROR_LIMIT, LIMIT, Sent
from overnight.alerts.heartbeat import Heartbeat, Signal
from overnight.alerts.rules import CRITICAL, Settings, trouble
from overnight.error_classes import describe
from overnight.logs import clean, log
from overnight.store.database import Database
from overnight.store.sql import queries

RETRY = 60.0  # seconds after a call that failed
UNDELIVERED = 600.0  # seconds after which a message that no channel takes is told here


class Monitor:
    """Single ticks, which the keeper of each worker makes; of all of them one calls."""

    def __init__(self, app: str, alerts: Settings, database: Database) -> None:
        self._app = app
        self._alerts = alerts
        self._database = database

    async def tick(self) -> None:
        """Call where a call is due, and at once where it has something else to say than the last
        one.
        """
        if self._alerts.heartbeat is not None and (call := await self._due(self._alerts.heartbeat)):
            background.begin(call, "heartbeat")

    def start(self, line: str) -> None:
        """Say that the work of a night begins."""
        if (heartbeat := self._alerts.heartbeat) is not None and heartbeat.knows("start"):
            background.begin(self._call(heartbeat, "start", line), "heartbeat")

    async def flush(self) -> None:
        """Say how it stands, whether or not a call is due: for a process that ends, after which
        nobody calls.
        """
        await background.settle()
        if self._alerts.heartbeat is not None and (
            call := await self._due(self._alerts.heartbeat, early=True)
        ):
            await call

    async def _due(
        self, heartbeat: Heartbeat, *, early: bool = False
    ) -> Coroutine[Any, Any, None] | None:
        """The call that is ours to make now, or None."""
        line = await self._line()
        signal: Signal = "fail" if line else "success"
        params = {"app": self._app, "signal": signal, "every": heartbeat.every, "early": early}
        rows = await self._database.fetch(queries["heartbeat_claim"], params)
        return self._call(heartbeat, signal, line) if rows else None

    async def _line(self) -> str:
        params = {"app": self._app, "kinds": list(CRITICAL), "undelivered": UNDELIVERED}
        rows = await self._database.fetch(queries["heartbeat_troubles"], params)
        return clean(
            trouble(self._alerts, [(row["kind"], row["subject"], row["text"]) for row in rows])
        )

    async def _call(self, heartbeat: Heartbeat, signal: Signal, line: str) -> None:
        """One call, and what came of it. Whatever happens: the work of the night does not depend on
        it.
        """
        try:
            error = await _sent(heartbeat, signal, line)
            if error is not None:
                log.warning("heartbeat not taken", signal=signal, error=error)
            note = {"app": self._app, "line": line, "error": error, "wait": RETRY}
            await self._database.fetch(queries["heartbeat_note"], note)
        except Exception as error:
            log.error("heartbeat not noted", error=clean(describe(error)))


def call_now(heartbeat: Heartbeat, line: str) -> Sent:
    """A call that no ledger knows, once: it says that all is well; what came of it."""
    try:
        heartbeat.send("success", line)
    except Exception as error:
        return Sent("heartbeat", line, clean(describe(error))[:ERROR_LIMIT])
    return Sent("heartbeat", line, None)


async def _sent(heartbeat: Heartbeat, signal: Signal, line: str) -> str | None:
    """Why the call was not taken, or None."""
    try:
        async with asyncio.timeout(LIMIT):
            await background.in_thread(heartbeat.send, signal, line)
    except TimeoutError:
        return f"no answer within {LIMIT:.0f} s"
    except Exception as error:
        return clean(describe(error))[:ERROR_LIMIT]
    return None
