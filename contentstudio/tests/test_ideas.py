"""Ideas by the console and the API: added, approved and dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2

from contentstudio import app as studio
from contentstudio import console, ideas
from contentstudio.config import Config
from contentstudio.demo.web import DemoWeb
from contentstudio.research import ideas as research
from overnight import http
from overnight.console import site
from overnight.console.access import Access
from overnight.operations import actors, runs, switches
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle


async def do(client: httpx2.AsyncClient, verb: str, **body: Any) -> tuple[int, str]:
    page = (await client.get("/ideas")).text
    csrf = page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    headers = {"x-csrf-token": csrf, "origin": str(client.base_url).rstrip("/")}
    answer = await client.post(f"/api/do/{verb}", json=body, headers=headers)
    said = answer.json()
    return answer.status_code, said.get("done") or said["error"]


async def test_ideas_are_added_approved_and_dropped_by_page_and_api(
    database: Database, clock: Clock, web: DemoWeb, write_config: Callable[..., Config]
) -> None:
    await switches.pause(database, "pipeline:article", reason="ideas only")
    config = write_config(
        [web.url + "/potting-shed/mulch.html"], extra="[research]\nmin_score = 1\n"
    )
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    built = site.build(app, database, Access({}), own=console.build(config))
    with http.listen("127.0.0.1", 0) as listener:
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            page = (await client.get("/ideas?site=garden")).text
            assert "What to know about mulch and soil" in page
            assert all(f"/do/{verb}-idea" in page for verb in ("add", "approve", "drop"))
            question = {"site": "garden", "question": "Why do bees dance"}
            status, said = await do(client, "add-idea", **question, due="2099-12-24")
            assert (status, "begins on 2099-12-21" in said) == (200, True)
            assert (await do(client, "add-idea", **question, due="tomorrow"))[0] == 422
            assert (await do(client, "add-idea", **question, due="2099-13-01"))[0] == 400
            assert (await do(client, "add-idea", **question, urls="a.example"))[0] == 400
            named = {"site": "garden", "slug": "what-to-know-about-mulch-and-soil"}
            status, said = await do(client, "approve-idea", **named)
            assert (status, "is queued" in said) == (200, True)
            status, said = await do(client, "order-idea", **named, to="up")
            assert (status, "has place 1 of garden" in said) == (200, True)
            assert (await do(client, "order-idea", **named, to="top"))[0] == 422
            assert (await do(client, "drop-idea", **named))[0] == 422, "a reason is needed"
            assert (await do(client, "drop-idea", **named, reason="no"))[0] == 200
            assert (await do(client, "drop-idea", **{**named, "slug": "x"}, reason="no"))[0] == 404
            assert "due 2099-12-24" in (await client.get("/ideas")).text
    rows = await database.fetch("select slug, decision from ideas order by slug")
    assert [tuple(row.values()) for row in rows] == [
        ("what-to-know-about-mulch-and-soil", "drop"),
        ("why-do-bees-dance", "create"),
    ]
    deeds = await database.fetch(
        "select verb, target, reason from actions where target like 'garden/%%' order by id"
    )
    assert [tuple(row.values()) for row in deeds if row["verb"] != "start"] == [
        ("add", "garden/why-do-bees-dance", f"{actors.whoami()} asked for it"),
        ("approve", "garden/what-to-know-about-mulch-and-soil", f"{actors.whoami()} approved it"),
        ("order", "garden/what-to-know-about-mulch-and-soil", ""),
        ("drop", "garden/what-to-know-about-mulch-and-soil", "no"),
    ]


def test_the_parts_of_a_score_add_up_to_it(write_config: Callable[..., Config]) -> None:
    config = write_config(["https://a.example/"])
    for factors in ({"demand": 0.5, "freshness": 1.0}, {"fit": 0.0}, {"urgency": 1.0, "fit": 0.2}):
        parts = ideas.parts(config, factors)
        total = research.score(dict(factors), config.research.weights)
        assert abs(sum(part["points"] for part in parts) - total) < 1e-9
        assert {part["name"] for part in parts} == set(factors)
        assert all(part["means"] for part in parts)
    assert ideas.parts(config, {}) == []
