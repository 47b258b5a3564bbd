"""External writes: intent, permission, call, outcome. After a crash in between, the other side is asked first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic_core import to_json

from overnight.database import Row
from overnight.errors import LeaseLost, OutcomeUnknown, SwitchedOff
from overnight.ledger import Ledger
from overnight.model import Run
from overnight.sql import queries

PAUSES = (0.0, 2.0, 6.0)  # seconds before each look at the other side after a crash


async def perform(
    ledger: Ledger,
    run: Run,
    name: str,
    content_hash: str,
    *,
    call: Callable[[], Awaitable[Any]],
    probe: Callable[[], Awaitable[Any | None]] | None = None,
    repeatable: bool = False,
    pauses: Sequence[float] = PAUSES,
) -> Any:
    """Make one external write for (job, name, content) and return its result as plain data; a done one is not repeated.

    `probe` asks the other side whether the write happened, and returns its result or None; it runs when an earlier
    attempt left an intent without an outcome, after each of the `pauses` (seconds): a slow server may still be at work.
    `repeatable` says that doing it twice equals doing it once.
    Raises `SwitchedOff` while a kill switch is off, `LeaseLost` where another worker owns the run now, and
    `OutcomeUnknown` where an earlier attempt may have written and nobody can tell.
    """
    intent = await _intend(ledger, run, name, content_hash)
    if intent["status"] == "done":
        return intent["result"]
    result = None
    if intent["seen_before"] and not repeatable:
        if probe is None:
            raise OutcomeUnknown(f"“{name}” was begun before and cannot be asked about: look, then approve or replay")
        result = await _asked(probe, pauses)
        if result is None:  # asking took its time: a switch may have been flipped, the lease lost
            await _intend(ledger, run, name, content_hash)
    if result is None:
        result = await call()
    stored = to_json(result).decode()
    done = {"id": intent["id"], "result": stored}
    await ledger.database.insist(lambda: ledger.database.fetch(queries["effect_done"], done))
    return json.loads(stored)


async def _asked(probe: Callable[[], Awaitable[Any | None]], pauses: Sequence[float]) -> Any | None:
    for pause in pauses:
        await asyncio.sleep(pause)
        if (result := await probe()) is not None:
            return result
    return None


async def _intend(ledger: Ledger, run: Run, name: str, content_hash: str) -> Row:
    intent = await ledger.database.one(
        queries["effect_intend"],
        {"run_id": run.id, "attempt": run.attempt, "name": name, "content_hash": content_hash},
    )
    if intent is not None:
        return intent
    scope = await ledger.switch_holding(run.pipeline, run.key, run.step)
    if scope is not None:
        raise SwitchedOff(f"the switch “{scope}” is off, so “{name}” was not begun")
    raise LeaseLost
