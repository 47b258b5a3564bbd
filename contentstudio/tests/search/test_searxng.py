"""SearXNG: what it is asked, and the faults of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from search_engines import Searcher, Server, answer, refused, result

Serve = Callable[[str], Server]
pytestmark = pytest.mark.contract


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve("searxng")


async def test_it_is_asked_for_json_in_the_language(searcher: Searcher, server: Server) -> None:
    await searcher.ask(searcher.of(server), "Tomaten säen", language="de")
    (request,) = server.requests
    assert dict(request.args) == {"q": "Tomaten säen", "language": "de", "format": "json"}


async def test_a_server_without_json_is_told_what_to_set(
    searcher: Searcher, server: Server
) -> None:
    server.answers = [refused(403, b"<html>Forbidden</html>")]
    told = await searcher.ask(searcher.of(server), "seeds")
    assert told == (
        "searxng answered 403: it does not give JSON: add json to search.formats in its "
        "settings.yml"
    )


async def test_no_result_because_nobody_answered_it_is_a_failure(
    searcher: Searcher, server: Server
) -> None:
    faults = [["google", "Suspended: CAPTCHA"], ["bing", "timeout"]]
    server.answers = [{**answer("searxng", []), "unresponsive_engines": faults}]
    told = await searcher.ask(searcher.of(server), "seeds")
    assert told == (
        "The engines of searxng did not answer: google Suspended: CAPTCHA, bing timeout."
    )


@pytest.mark.parametrize("faults", [7, "x", [7], {"a": 1}, [["google", "timeout"]]])
async def test_some_engines_that_failed_do_not_matter(
    searcher: Searcher, server: Server, faults: object
) -> None:
    page = result("searxng", "https://a.example/")
    server.answers = [{**answer("searxng", [page]), "unresponsive_engines": faults}]
    (hits,) = await searcher.ask(searcher.of(server), "seeds")
    assert len(hits) == 1
