"""External writes: intent, permission, call, outcome. After a crash in between, the other side is
asked first.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from overnight.errors import InvalidPayload, LeaseLost, OutcomeUnknown, Refused, SwitchedOff
from overnight.logs import shown
from overnight.store.database import Row
from overnight.store.ledger import Ledger
from overnight.store.records import Run
from overnight.store.storable import fault, json_of

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
    """Make one external write for (job, name, content) and return its result as plain data; a done
    one is not repeated.

    `probe` asks the other side whether the write happened, and returns its result or None; it runs
    when an earlier attempt left an intent of this name without an outcome, whatever its content
    was, after each of the `pauses` (seconds): a slow server may still be at work. `repeatable` says
    that doing it twice equals doing it once. Raises `SwitchedOff` while a kill switch is off,
    `LeaseLost` where another worker owns the run now,
    `OutcomeUnknown` where an earlier attempt may have written and nobody can tell, and
    `InvalidPayload` where the write was done and its result cannot be stored; then it counts as
    begun, so that it is not repeated blindly.
    """
    intent = await _intend(ledger, run, name, content_hash)
    if intent["status"] == "done":
        return intent["result"]
    result = None
    if intent["seen_before"] and not repeatable:
        if probe is None:
            raise OutcomeUnknown(f"“{name}” was {_known(intent)}: look, then approve or replay")
        result = await _probed(probe, pauses)
        if result is None:  # asking took its time: a switch may have been flipped, the lease lost
            await _intend(ledger, run, name, content_hash)
    if result is None:
        result = await call()
    return await _end(ledger, intent["id"], name, result)


def _known(intent: Row) -> str:
    """What is known of a write that was begun before."""
    if intent["came_back"] is None:
        return "begun before and cannot be asked about"
    return f"done before, and what came back could not be stored ({intent['came_back']})"


async def _end(ledger: Ledger, effect_id: int, name: str, result: Any) -> Any:
    """Write the outcome. The write has happened: where its result cannot be stored, at least that
    is said and kept.
    """
    text, reason = json_of(result)
    if reason is None:
        try:
            plain = json.loads(text)
            await ledger.database.insist(lambda: ledger.end_effect(effect_id, text))
            return plain
        except (Refused, ValueError) as error:
            reason = f"is refused: {error}"
    came_back = shown(result)
    await ledger.database.insist(lambda: ledger.note_effect(effect_id, came_back))
    raise InvalidPayload(
        f"“{name}” was done outside, but what came back cannot be stored: "
        f"{fault(result, reason)}; it came back with "
        f"{came_back}. A replay does not write again by itself: it asks the other side "
        "first, or a person"
    )


async def _probed(
    probe: Callable[[], Awaitable[Any | None]], pauses: Sequence[float]
) -> Any | None:
    for pause in pauses:
        await asyncio.sleep(pause)
        if (result := await probe()) is not None:
            return result
    return None


async def _intend(ledger: Ledger, run: Run, name: str, content_hash: str) -> Row:
    intent = await ledger.intend_effect(run, name, content_hash)
    if intent is not None:
        return intent
    scope = await ledger.switch_holding(run.pipeline, run.key, run.step)
    if scope is not None:
        raise SwitchedOff(f"the switch “{scope}” is off, so “{name}” was not begun")
    raise LeaseLost
