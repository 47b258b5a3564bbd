"""Several searches as one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contentstudio.search import hits
from contentstudio.search.port import Hit, Search
from overnight import Context
from overnight.error_classes import describe
from overnight.errors import Permanent, Transient, UserError
from overnight.names import among
from overnight.store.records import Alert

ALERT = "search"  # the kind of the alert that an engine does not search, until it does
AGAIN = 60.0  # seconds after which an engine that searches closes the alerts of other processes


class MergedSearch:
    """Asks all searches at once, and interleaves their hits by rank, one for each page.

    One that fails is left out while another one gives an answer: the call is in the ledger with its
    error, and a person is told of what will not heal by itself. A budget without room and a kill
    switch hold the whole search, for what they hold is to be done later.
    """

    def __init__(
        self, searches: Sequence[Search], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._searches = {search.name: search for search in searches}
        self.name = "+".join(self._searches)
        self._now = now
        self._resolve_at = dict[str, float]()  # engine → when its alerts are to be closed again

    def only(self, engine: str) -> Search:
        """One of the searches by its name. Raises `UserError`."""
        if engine not in self._searches:
            names = list(self._searches)
            raise UserError(f"[search] names no engine “{engine}”{among(engine, names)}")
        return self._searches[engine]

    async def find(
        self, ctx: Context[Any], site: str, query: str, *, language: str, limit: int = 10
    ) -> Sequence[Hit]:
        """See `Search.find`. Where all searches fail, it raises a failure that may heal, if one of
        them is such.
        """
        answers = await asyncio.gather(
            *(
                search.find(ctx, site, query, language=language, limit=limit)
                for search in self._searches.values()
            ),
            return_exceptions=True,
        )
        failures = {
            name: answer
            for name, answer in zip(self._searches, answers, strict=True)
            if isinstance(answer, BaseException)
        }
        for name, failure in failures.items():
            if not isinstance(failure, Transient | Permanent):
                raise failure
            ctx.log.warning("an engine did not search", engine=name, error=describe(failure))
        lists = [answer for answer in answers if not isinstance(answer, BaseException)]
        if not lists:
            raise max(failures.values(), key=lambda failure: isinstance(failure, Transient))
        await self._tell(ctx, failures)
        return hits.interleaved(lists, limit)

    async def _tell(self, ctx: Context[Any], failures: Mapping[str, BaseException]) -> None:
        """Open the alerts of engines that need a person, and close those of engines that search."""
        needy = [
            Alert(ALERT, name, f"{describe(failure)} The other engines of [search] go on.")
            for name, failure in failures.items()
            if isinstance(failure, Permanent)
        ]
        for name in failures:
            self._resolve_at.pop(name, None)
        if needy:
            await ctx.ledger.open_alerts(needy)
        now = self._now()
        well = [
            name
            for name in self._searches
            if name not in failures and self._resolve_at.get(name, 0.0) <= now
        ]
        if well:
            await ctx.ledger.resolve_alerts(ALERT, well)
            self._resolve_at.update(dict.fromkeys(well, now + AGAIN))
