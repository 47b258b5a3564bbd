"""A worker that dies between, or after, searches pays for none of them twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from search_engines import USD, Searcher, Server

from overnight import App, Context, Pipeline, Retry
from overnight.errors import Transient
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.contract
QUERIES = ("one", "two", "three")


@pytest.mark.parametrize("at", range(len(QUERIES) + 1))
@pytest.mark.parametrize("wait", [1.0, 86_400.0], ids=["at once", "after midnight"])
async def test_an_attempt_cut_off_anywhere_pays_nothing_twice(
    searcher: Searcher,
    serve: Callable[[str], Server],
    database: Database,
    clock: Clock,
    at: int,
    wait: float,
) -> None:
    server = serve("brave")
    search = searcher.of(server)
    pipeline = Pipeline("looking")

    @pipeline.step(retry=Retry(1, (wait,), 0.0))
    async def look(ctx: Context[None], what: str) -> None:
        for number, query in enumerate(QUERIES):
            if ctx.attempt == 1 and number == at:
                raise Transient("cut off")
            await search.find(ctx, "garden", query, language="en")
        if ctx.attempt == 1:
            raise Transient("cut off at the end")

    app = App("test", [pipeline])
    await runs.start(app, database, "looking", "x")
    await run_until_idle(app, database, clock=clock)
    assert len(server.requests) == len(QUERIES)
    assert await searcher.calls() == [
        *[("stored", USD)] * at,
        *[("cached", 0)] * at,
        *[("stored", USD)] * (len(QUERIES) - at),
    ]
