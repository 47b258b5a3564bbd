"""What holds for every engine of the web: the hits, the price, the cache, and how each fault is
classed.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from search_engines import ENGINES, KEY, PAGE, USD, Searcher, Server, answer, refused, result
from werkzeug import Response

from contentstudio.search.port import Hit
from overnight.engine.breakers import ERRORS, PAUSE
from overnight.store.database import Database
from overnight.testing import Clock

pytestmark = pytest.mark.contract


def only(found: list[Sequence[Hit]] | str) -> Sequence[Hit]:
    assert not isinstance(found, str), found
    (hits,) = found
    return hits


async def test_a_hit_has_url_title_text_and_date(searcher: Searcher, server: Server) -> None:
    page = result(server.engine, *PAGE.values(), "2026-11-02T03:04:05")
    server.answers = [answer(server.engine, [page])]
    (hit,) = only(await searcher.ask(searcher.of(server), "tomato seeds"))
    assert hit == Hit(**PAGE, published_at=datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC))


async def test_a_search_is_booked_with_its_price_once_a_day(
    searcher: Searcher, server: Server, clock: Clock
) -> None:
    search = searcher.of(server)
    first = await searcher.ask(search, "tomato seeds", "tomato  seeds ")
    assert await searcher.ask(search, "tomato seeds") == [first[0]]
    assert len(server.requests) == 1
    assert await searcher.calls() == [("stored", USD), ("cached", 0), ("cached", 0)]
    await clock.move(86_400)
    await searcher.ask(search, "tomato seeds")
    assert len(server.requests) == 2


async def test_another_language_or_number_is_another_search(
    searcher: Searcher, server: Server
) -> None:
    search = searcher.of(server)
    await searcher.ask(search, "tomato")
    await searcher.ask(search, "tomato", language="de")
    await searcher.ask(search, "tomato", limit=3)
    assert len(server.requests) == 3


async def test_a_budget_without_room_lets_no_search_begin(
    searcher: Searcher, server: Server, database: Database
) -> None:
    search = searcher.of(server)
    await searcher.ask(search, "one", "two", "three", budgets={"all": 2 * USD}, horizon=0.0)
    assert len(server.requests) == 2
    (row,) = await database.fetch("select status, outcome from runs")
    assert (row["status"], row["outcome"]) == ("queued", "held")


async def test_a_free_engine_needs_no_budget(searcher: Searcher, server: Server) -> None:
    search = searcher.of(server, usd=0)
    assert len(only(await searcher.ask(search, "one", budgets={"all": 0}))) == 1
    assert await searcher.calls() == [("stored", 0)]


async def test_an_empty_answer_is_no_hits_and_is_stored(searcher: Searcher, server: Server) -> None:
    server.answers = [answer(server.engine, [])]
    search = searcher.of(server)
    assert await searcher.ask(search, "nothing", "nothing") == [[], []]
    assert len(server.requests) == 1


async def test_an_empty_query_asks_nobody(searcher: Searcher, server: Server) -> None:
    assert await searcher.ask(searcher.of(server), " \n") == [[]]
    assert server.requests == []


async def test_what_is_never_read_is_no_hit_and_a_page_is_one(
    searcher: Searcher, server: Server
) -> None:
    urls: list[Any] = [
        *("ftp://a.example/", "javascript:alert(1)", "file:///etc/passwd", "data:,x", "/seeds"),
        *("", " ", None, 7, ["https://a.example/"], "https://", "http://u:p@a.example/"),
        *("https://a.example:22/", "https://" + "a" * 5_000, "https://[::1", "\0"),
        *("https://a.example/seeds#one", "http://www.a.example/seeds/", "https://a.example/seeds"),
        "https://b.example/?q=1",
        "https://b.example/?q=2&copy=3&amp;lt=4",
    ]
    server.answers = [answer(server.engine, [result(server.engine, url) for url in urls])]
    hits = only(await searcher.ask(searcher.of(server), "seeds"))
    assert [hit.url for hit in hits] == [
        "https://a.example/seeds",
        "https://b.example/?q=1",
        "https://b.example/?q=2&copy=3&amp;lt=4",
    ]


@pytest.mark.parametrize(
    "field", [None, 7, True, [], {}, "\0", "\x1b\x9b", "\ud800", "a" * 100_000]
)
async def test_a_field_of_another_type_says_nothing(
    searcher: Searcher, server: Server, field: Any
) -> None:
    page = result(server.engine, PAGE["url"], field, field, field)
    server.answers = [answer(server.engine, [page, None, 7, "x", [], {}])]
    (hit,) = only(await searcher.ask(searcher.of(server), "seeds"))
    assert hit.url == PAGE["url"]
    assert hit.published_at is None
    assert set(hit.title + hit.text) <= {"a"}
    assert len(hit.title) <= 300
    assert len(hit.text) <= 2_000


async def test_ten_thousand_hits_are_cut(searcher: Searcher, server: Server) -> None:
    pages = [result(server.engine, f"https://{n}.example/") for n in range(10_000)]
    server.answers = [answer(server.engine, pages)]
    hits = only(await searcher.ask(searcher.of(server), "seeds", limit=5))
    assert [hit.url for hit in hits] == [f"https://{n}.example/" for n in range(5)]


FAULTS: list[tuple[Any, str, str, float]] = [  # answer, what it says, kind, what is booked
    (refused(500, b"oh"), "answered 500: no reason", "server", 0),
    (refused(503, b"", retry_after="60"), "answered 503", "server", 0),
    (refused(429, {"error": "slow down"}, retry_after="60"), "429: slow down", "rate_limit", 0),
    (refused(401, {"detail": {"error": f"bad {KEY}"}}), "answered 401: bad", "auth", 0),
    (refused(404), "answered 404", "not_found", 0),
    (refused(422, {"error": {"detail": "no"}}), "422: no", "bad_request", 0),
    (refused(302, b"", location="https://b.example/"), "answered 302", "unknown", 0),
    (b"<html>", "is no list of results", "malformed", USD),
    (b"", "is no list of results", "malformed", USD),
    (b"[" * 100_000, "is no list of results", "malformed", USD),
    (b"[]", "is no list of results", "malformed", USD),
    ({}, "is no list of results", "malformed", USD),
    ({"results": 7, "web": []}, "is no list of results", "malformed", USD),
    ({"results": None, "web": {"results": None}}, "is no list of results", "malformed", USD),
    (b" " * 50_000_000, "answered with more than 2 MB", "too_large", USD),
    (
        Response(gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"}),
        "answered with more than 2 MB",
        "too_large",
        USD,
    ),
    (Response(b"no", headers={"Content-Encoding": "gzip"}), "failed (", "dropped", USD),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault[2])
async def test_a_fault_is_classed_told_and_booked(
    searcher: Searcher, server: Server, database: Database, fault: tuple[Any, str, str, float]
) -> None:
    server.answers, says, kind, usd = [fault[0]], *fault[1:]
    told = await searcher.ask(searcher.of(server), "seeds")
    assert isinstance(told, str)
    assert says in told
    assert KEY not in told or server.engine == "searxng"  # which has no key
    (call,) = await database.fetch("select error_kind, cost_usd::float8 as usd from llm_calls")
    assert (call["error_kind"], call["usd"]) == (kind, usd)


async def test_a_server_that_is_silent_costs_at_most_one_search(
    searcher: Searcher, server: Server, database: Database
) -> None:
    told = await searcher.ask(searcher.of(server, deadline=0.000_001), "seeds")
    assert "did not finish its answer within" in told
    (call,) = await database.fetch("select error_kind from llm_calls")
    assert call["error_kind"] == "timeout"


async def test_a_server_that_is_not_there_costs_nothing(
    searcher: Searcher, database: Database
) -> None:
    for engine in ENGINES.values():
        told = await searcher.ask(searcher.connect(engine("http://127.0.0.1:1")), "seeds")
        assert "failed (Connect" in told
    assert await searcher.calls() == [("failed", 0)] * 3


async def test_a_short_wait_is_waited_out_in_the_same_call(
    searcher: Searcher, server: Server
) -> None:
    slow = refused(429, b"", retry_after="0")
    server.answers = [slow, slow, answer(server.engine, [result(server.engine, PAGE["url"])])]
    assert len(only(await searcher.ask(searcher.of(server), "seeds"))) == 1
    assert await searcher.calls() == [("failed", 0), ("failed", 0), ("stored", USD)]


async def test_a_breaker_stands_before_an_engine_that_fails(
    searcher: Searcher, server: Server, clock: Clock
) -> None:
    good = answer(server.engine, [])
    server.answers = [*[refused(500)] * ERRORS, good]
    search = searcher.of(server)
    for number in range(ERRORS):
        await searcher.ask(search, f"query {number}")
    told = await searcher.ask(search, "query")
    assert f"the breaker “search {server.engine}” is open" in told
    assert len(server.requests) == ERRORS
    await clock.move(PAUSE + 1)
    assert await searcher.ask(search, "query") == [[]]


async def test_a_stored_answer_needs_no_breaker(searcher: Searcher, server: Server) -> None:
    good = answer(server.engine, [])
    server.answers = [good, refused(500)]
    search = searcher.of(server)
    await searcher.ask(search, "seeds")
    for number in range(ERRORS):
        await searcher.ask(search, f"query {number}")
    assert await searcher.ask(search, "seeds") == [[]]


async def test_a_long_query_is_cut_to_what_engines_take(searcher: Searcher, server: Server) -> None:
    await searcher.ask(searcher.of(server), "wörter " * 5_000)
    (request,) = server.requests
    asked = json.loads(request.data)["query"] if request.data else request.args["q"]
    assert asked == " ".join(["wörter"] * 50)
