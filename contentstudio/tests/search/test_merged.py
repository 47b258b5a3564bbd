"""Several engines as one search: who serves when one fails, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from search_engines import USD, Searcher, Server, answer, refused, result

from contentstudio.search import merged
from contentstudio.search.merged import MergedSearch
from contentstudio.search.port import Hit
from overnight import Context, UserError
from overnight.engine.breakers import ERRORS
from overnight.errors import Permanent, Transient
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Alert
from overnight.testing import alerts

Serve = Callable[[str], Server]
pytestmark = pytest.mark.contract


class Shelf:
    """A search that gives pages, or fails."""

    def __init__(self, name: str, *urls: str, fails: Exception | None = None) -> None:
        self.name = name
        self._urls = urls
        self._fails = fails

    async def find(
        self, ctx: Context[Any], site: str, query: str, *, language: str, limit: int = 10
    ) -> Sequence[Hit]:
        if self._fails is not None:
            raise self._fails
        return [Hit(url=url, sha256=f"hash of {url}") for url in self._urls][:limit]


ARCHIVE = Shelf("archive", "https://one.example/", "https://two.example/", "https://3.example/")


@pytest.fixture
def brave(serve: Serve) -> Server:
    return serve("brave")


async def test_hits_are_interleaved_and_a_page_is_one(searcher: Searcher, brave: Server) -> None:
    pages = [result("brave", "http://www.two.example", "Two"), result("brave", "https://4.example")]
    brave.answers = [answer("brave", pages)]
    search = MergedSearch([searcher.of(brave), ARCHIVE])
    (hits,) = await searcher.ask(search, "seeds")
    assert [(hit.url, hit.title) for hit in hits] == [
        ("http://www.two.example", "Two"),
        ("https://one.example/", ""),
        ("https://4.example", "T"),
        ("https://3.example/", ""),
    ]
    assert hits[0].sha256 == "hash of https://two.example/"
    (hits,) = await searcher.ask(search, "seeds", limit=2)
    assert len(hits) == 2


@pytest.mark.parametrize("status", [429, 500, 401])
async def test_the_archive_serves_while_another_engine_fails(
    searcher: Searcher, brave: Server, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    brave.answers = [refused(status, {"error": {"detail": "why it failed"}})]
    search = MergedSearch([searcher.of(brave), ARCHIVE])
    (hits,) = await searcher.ask(search, "seeds")
    assert len(hits) == 3
    assert await searcher.calls() == [("failed", 0)]
    assert "why it failed" in capsys.readouterr().err


async def test_the_archive_serves_while_a_breaker_is_open(
    searcher: Searcher, brave: Server
) -> None:
    brave.answers = [refused(500)]
    search = MergedSearch([ARCHIVE, searcher.of(brave)])
    answers = await searcher.ask(search, *(f"query {n}" for n in range(ERRORS + 2)))
    assert [len(hits) for hits in answers] == [3] * (ERRORS + 2)
    assert len(brave.requests) == ERRORS


async def test_a_person_is_told_of_a_spent_plan_until_it_searches(
    searcher: Searcher, brave: Server, database: Database
) -> None:
    spent = refused(402, {"error": {"detail": "plan spent"}})
    brave.answers = [spent, spent, answer("brave", [])]
    search = MergedSearch([searcher.of(brave), ARCHIVE])
    await searcher.ask(search, "one", "two")
    (alert,) = await alerts(database)
    assert (alert.kind, alert.subject) == ("search", "brave")
    assert "brave answered 402: plan spent" in alert.text
    await searcher.ask(search, "three")
    (alert,) = await alerts(database)
    assert alert.resolved_at is not None


async def test_an_alert_of_another_process_is_closed_a_minute_later(
    searcher: Searcher, database: Database
) -> None:
    """Searches that go well write nothing in between."""
    now = 1_000.0
    search = MergedSearch([ARCHIVE], now=lambda: now)
    await searcher.ask(search, "one")
    await Ledger(database).open_alerts([Alert(merged.ALERT, ARCHIVE.name, "from elsewhere")])
    for passed, is_open in ((merged.AGAIN - 1, True), (1, False)):
        now += passed
        await searcher.ask(search, f"{passed}")
        (alert,) = await alerts(database)
        assert (alert.resolved_at is None) == is_open


async def test_a_budget_without_room_holds_the_search(
    searcher: Searcher, brave: Server, database: Database
) -> None:
    search = MergedSearch([searcher.of(brave), ARCHIVE])
    await searcher.ask(search, "one", budgets={"all": USD / 2}, horizon=0.0)
    (run,) = await database.fetch("select outcome from runs")
    assert run["outcome"] == "held"
    assert brave.requests == []


@pytest.mark.parametrize("order", [1, -1])
async def test_where_all_fail_what_may_heal_is_raised(
    searcher: Searcher, database: Database, order: int
) -> None:
    shelves = [
        Shelf("a", fails=Permanent("never")),
        Shelf("b", fails=Transient("later")),
        Shelf("c", fails=Permanent("never too")),
    ]
    assert await searcher.ask(MergedSearch(shelves[::order]), "seeds") == "later"


def test_one_engine_can_be_asked_alone() -> None:
    search = MergedSearch([ARCHIVE, Shelf("brave")])
    assert search.only("archive") is ARCHIVE
    with pytest.raises(UserError, match=r"no engine “brve”; there are: archive, brave; did you"):
        search.only("brve")
