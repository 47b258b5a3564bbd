"""Brave: what it is asked, and which 429 is for this second and which for the month."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from search_engines import KEY, Searcher, Server, answer, refused, result
from werkzeug import Response

from contentstudio.search.brave import Brave
from overnight.store.database import Database

Serve = Callable[[str], Server]
pytestmark = pytest.mark.contract


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve("brave")


async def test_it_is_asked_with_the_key_and_the_country(searcher: Searcher, server: Server) -> None:
    search = searcher.connect(Brave(server.url, KEY, "DE"))
    await searcher.ask(search, "Tomaten säen", language="de", limit=50)
    (request,) = server.requests
    assert request.headers["X-Subscription-Token"] == KEY
    assert dict(request.args) == {
        "q": "Tomaten säen",
        "count": "20",
        "search_lang": "de",
        "country": "DE",
        "text_decorations": "false",
        "result_filter": "web",
    }


@pytest.mark.parametrize(
    ("language", "code"), [("ja", "jp"), ("zh", "zh-hans"), ("pt", "pt-br"), ("xx", None)]
)
async def test_a_language_is_named_by_its_codes(
    searcher: Searcher, server: Server, language: str, code: str | None
) -> None:
    await searcher.ask(searcher.of(server), "tomato", language=language)
    assert server.requests[0].args.get("search_lang") == code


async def test_escaped_characters_are_read(searcher: Searcher, server: Server) -> None:
    page = result("brave", "https://a.example/", "Seeds &amp; soil", "It&#x27;s dry.")
    server.answers = [answer("brave", [page])]
    ((hit,),) = await searcher.ask(searcher.of(server), "seeds")
    assert (hit.title, hit.text) == ("Seeds & soil", "It's dry.")


def limited(limit: str, remaining: str, reset: str, code: str = "RATE_LIMITED") -> Response:
    error = {"status": 429, "code": code, "detail": "Request rate limit exceeded for plan."}
    return refused(
        429,
        {"type": "ErrorResponse", "error": error},
        x_ratelimit_limit=limit,
        x_ratelimit_remaining=remaining,
        x_ratelimit_reset=reset,
    )


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (limited("1, 15000", "0, 1000", "60, 1419704"), "rate_limit"),
        (limited("50, 0", "0, 0", "60, 0"), "rate_limit"),  # a plan without a quota
        (limited("", "", ""), "rate_limit"),
        (limited("x", "0, 0", "0x1"), "rate_limit"),
        (limited("1, 15000", "1, 0", "1, 1419704"), "spend_cap"),
        (limited("1, 15000", "0, 0", "1, 1419704"), "spend_cap"),
        (limited("", "", "", "QUOTA_LIMITED"), "spend_cap"),
        (refused(402, {"error": {"detail": "Payment required"}}), "spend_cap"),
    ],
)
async def test_the_quota_of_the_month_is_told_from_the_rate(
    searcher: Searcher, server: Server, database: Database, response: Response, kind: str
) -> None:
    server.answers = [response]
    await searcher.ask(searcher.of(server), "seeds")
    (call,) = await database.fetch("select error_kind from llm_calls")
    assert call["error_kind"] == kind


async def test_the_next_second_is_waited_for(searcher: Searcher, server: Server) -> None:
    server.answers = [limited("1, 15000", "0, 9", "0, 1419704"), answer("brave", [])]
    assert await searcher.ask(searcher.of(server), "seeds") == [[]]
