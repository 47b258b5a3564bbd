"""What endings tell of the upstreams behind their steps: breakers are read, decided on, and written
under a fence.
"""

from __future__ import annotations

from collections.abc import Sequence

from overnight.engine import breakers
from overnight.engine.breakers import Breaker, Signal
from overnight.logs import log
from overnight.pipelines.app import App
from overnight.store.ledger import Ledger
from overnight.store.records import Ending


async def note(app: App, ledger: Ledger, endings: Sequence[Ending]) -> None:
    """Let the breakers of these endings know. Raises `LedgerUnavailable`; a signal told twice does
    little harm.
    """
    signals = _by_breaker(app, endings)
    while signals:
        known, now = await ledger.read_breakers([name for name, _ in signals])
        for (name, key), told in list(signals.items()):
            before = known.get(name) or Breaker(name, key)
            decided = breakers.after(before, told, now)
            if decided == before or await _write(ledger, before, decided, app.behind(name)):
                del signals[name, key]


async def _write(ledger: Ledger, before: Breaker, decided: Breaker, steps: Sequence[str]) -> bool:
    opens = (
        decided.open_until not in (None, before.open_until) and decided.failures > before.failures
    )
    written = await ledger.write_breaker(decided, opens=opens, steps=steps)
    if written and (before.open_until is None) != (decided.open_until is None):
        state = "closed" if decided.open_until is None else "open"
        log.warning("breaker", name=decided.name, state=state, error=decided.error)
    return written


def _by_breaker(app: App, endings: Sequence[Ending]) -> dict[tuple[str, str], list[Signal]]:
    """The signals of each breaker, by (name, key), in the order in which the attempts ended."""
    found: dict[tuple[str, str], list[Signal]] = {}
    for ending in endings:
        template = app.pipelines[ending.run.pipeline].steps[ending.run.step].breaker
        if template is not None:
            key = ending.run.key if "{key}" in template else ""
            found.setdefault((template.replace("{key}", key), key), []).append(
                breakers.signal(ending)
            )
    return found
