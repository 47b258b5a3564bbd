"""Breakers in the ledger: read, decided on, and written under a fence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from overnight.engine import breakers
from overnight.engine.breakers import Signal
from overnight.logs import log
from overnight.store import breakers as stored_breakers
from overnight.store.breaker_records import Breaker
from overnight.store.ledger import Ledger

Name = tuple[str, str]  # (breaker, the key in it)
Decide = Callable[[Breaker, datetime], Breaker]


@dataclass(frozen=True, slots=True)
class Update:
    """A breaker before and after a decision, and the database's now."""

    before: Breaker
    after: Breaker
    now: datetime


async def record(
    ledger: Ledger,
    signals: Mapping[Name, Sequence[Signal]],
    behind: Callable[[str], Sequence[str]] = lambda _: (),
) -> None:
    """Record the signals of each breaker, in their order. `behind`: the steps that wait for it."""
    decisions: dict[Name, Decide] = {
        name: partial(_after, signals=of_one) for name, of_one in signals.items()
    }
    await update(ledger, decisions, behind)


async def update(
    ledger: Ledger,
    decisions: Mapping[Name, Decide],
    behind: Callable[[str], Sequence[str]] = lambda _: (),
) -> dict[Name, Update]:
    """Read each breaker, decide, and write; again where somebody else wrote in between."""
    rest, updates = dict(decisions), dict[Name, Update]()
    while rest:
        stored, now = await stored_breakers.read(ledger.database, [name for name, _ in rest])
        for (name, key), decide in list(rest.items()):
            before = stored.get(name) or Breaker(name, key)
            change = Update(before, decide(before, now), now)
            if change.after == before or await _write(ledger, change, behind(name)):
                updates[name, key] = change
                del rest[name, key]
    return updates


async def _write(ledger: Ledger, change: Update, steps: Sequence[str]) -> bool:
    before, after = change.before, change.after
    opens = after.open_until not in (None, before.open_until) and after.failures > before.failures
    is_written = await stored_breakers.write(ledger.database, after, opens=opens, steps=steps)
    if is_written and (before.open_until is None) != (after.open_until is None):
        state = "closed" if after.open_until is None else "open"
        log.warning("breaker", name=after.name, state=state, error=after.error)
    return is_written


def _after(breaker: Breaker, now: datetime, signals: Sequence[Signal]) -> Breaker:
    return breakers.after(breaker, signals, now)
