"""Plausible and Matomo against servers that speak their APIs: rows, pages of rows, faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from figure_servers import MatomoServer, PlausibleServer, Server, json_answer

from contentstudio.analytics import plausible
from contentstudio.analytics.client import NotAllowed
from contentstudio.analytics.matomo import Matomo
from contentstudio.analytics.plausible import Plausible
from contentstudio.analytics.port import Analytics
from contentstudio.model import Figures
from overnight.errors import Transient

pytestmark = pytest.mark.contract

DAY = date(2026, 11, 22)
BEFORE = DAY - timedelta(days=1)
SITE = "https://garden.example"
Connect = Callable[..., Analytics]


def plausible_of(
    server: Server, key: str = "plausible-key", domain: str | None = None
) -> Analytics:
    return Plausible(f"{server.url}/js/script.js", domain, SITE, key)


def matomo_of(server: Server, key: str = "matomo-token", site_id: int = 3) -> Analytics:
    return Matomo(f"{server.url}/stats", site_id, key)


@pytest.fixture(params=[(PlausibleServer, plausible_of), (MatomoServer, matomo_of)])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Connect]]:
    kind, connect = request.param
    with kind() as server:
        yield server, connect


async def test_visits_come_by_page_and_day(pair: tuple[Server, Connect]) -> None:
    server, connect = pair
    server.pages = [
        (f"{SITE}/mulch/", DAY, {"visits": 7}),
        (f"{SITE}/mulch/", BEFORE, {"visits": 3}),
        (f"{SITE}/straw/", DAY, {"visits": 1}),
        (f"{SITE}/old/", DAY - timedelta(days=9), {"visits": 1}),
    ]
    figures = await connect(server).read(BEFORE, DAY)
    assert sorted(figures, key=lambda each: (each.url, each.day)) == [
        Figures(url=f"{SITE}/mulch/", day=BEFORE, visits=3),
        Figures(url=f"{SITE}/mulch/", day=DAY, visits=7),
        Figures(url=f"{SITE}/straw/", day=DAY, visits=1),
    ]


async def test_a_site_without_readers_gives_nothing(pair: tuple[Server, Connect]) -> None:
    server, connect = pair
    assert await connect(server).read(DAY, DAY) == []


async def test_a_wrong_key_or_site_says_what_to_check(pair: tuple[Server, Connect]) -> None:
    server, connect = pair
    server.pages = [(f"{SITE}/mulch/", DAY, {"visits": 7})]
    other: dict[str, Any] = {"site_id": 4} if connect is matomo_of else {"domain": "sky.example"}
    for analytics in (connect(server, "wrong"), connect(server, **other)):
        with pytest.raises(NotAllowed, match=r"PLAUSIBLE_API_KEY|MATOMO_TOKEN") as caught:
            await analytics.read(DAY, DAY)
        assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ((429, {"Retry-After": "30"}, b""), Transient),
        ((503, {}, b"<html>"), Transient),
        ((200, {}, b"<html>"), Transient),
        (json_answer({"results": [{"dimensions": [], "metrics": []}]}), Transient),
        (json_answer({"2026-11-22": [{"url": 3}]}), Transient),
        (json_answer([{"url": f"{SITE}/"}]), Transient),
        (json_answer({"error": "no such metric"}, 400), NotAllowed),
        ((403, {}, b""), NotAllowed),
    ],
)
async def test_a_fault_is_classed(
    pair: tuple[Server, Connect], fault: Any, kind: type[Exception]
) -> None:
    server, connect = pair
    server.faults = [fault]
    with pytest.raises(kind) as caught:
        await connect(server).read(DAY, DAY)
    if isinstance(caught.value, Transient) and fault[0] == 429:
        assert caught.value.retry_after == 30


@pytest.mark.parametrize("connect", [plausible_of, matomo_of])
async def test_a_server_that_is_away_is_tried_again(connect: Connect) -> None:
    with Server() as server:
        analytics = connect(server)
    with pytest.raises(Transient, match="did not answer"):
        await analytics.read(DAY, DAY)


@pytest.mark.parametrize(("count", "questions"), [(3, 1), (4, 2), (9, 3)])
async def test_plausible_gives_rows_page_by_page(
    monkeypatch: pytest.MonkeyPatch, count: int, questions: int
) -> None:
    monkeypatch.setattr(plausible, "PAGE_ROWS", 4)
    with PlausibleServer() as server:
        server.pages = [(f"{SITE}/a{n}", DAY, {"visits": n + 1}) for n in range(count)]
        figures = await plausible_of(server).read(DAY, DAY)
    assert sum(each.visits for each in figures) == sum(range(1, count + 1))
    assert len(server.requests) == questions
