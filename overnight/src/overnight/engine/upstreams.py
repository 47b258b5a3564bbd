"""What endings tell of the upstreams behind their steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from overnight.pipelines.app import App
from overnight.store.ledger import Ledger
from overnight.store.records import Ending


async def note(app: App, ledger: Ledger, endings: Sequence[Ending]) -> None:
    """Record these endings with the breakers of their steps. Raises `LedgerUnavailable`; a result
    that is recorded twice does little harm.
    """
    of_breakers: dict[tuple[str, str], list[Ending]] = {}  # by (breaker, the key in it)
    for ending in endings:
        template = app.pipelines[ending.run.pipeline].steps[ending.run.step].breaker
        if template is not None:
            key = ending.run.key if "{key}" in template else ""
            of_breakers.setdefault((template.replace("{key}", key), key), []).append(ending)
    if of_breakers:
        from overnight.engine import breaker_updates, breakers
        from overnight.pipelines.lookups import behind

        signals = {name: list(map(breakers.signal, of)) for name, of in of_breakers.items()}
        await breaker_updates.record(ledger, signals, partial(behind, app))
