"""The examples of other programs that start jobs: FastAPI and Django, with a worker beside them."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

import pytest

from overnight.store.database import Database
from overnight.testing import run_until_idle

EXAMPLES = Path(__file__).parents[3] / "examples"
LINES = 60


@pytest.fixture(autouse=True)
def beside(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the examples, and the ledger that they work on."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "with_django")


@pytest.mark.parametrize("name", ["with_fastapi", "with_django"])
def test_an_example_of_embedding_is_short(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) < LINES


async def test_a_request_of_fastapi_starts_a_job_and_gets_its_result(database: Database) -> None:
    pytest.importorskip("fastapi", reason="FastAPI is not installed")
    import httpx

    example: Any = importlib.import_module("with_fastapi")
    web = httpx.ASGITransport(app=example.web)
    async with (
        example.web.router.lifespan_context(example.web),
        httpx.AsyncClient(transport=web, base_url="http://shop") as http,
    ):
        for number, euros in ((7, 30), (8, 0)):
            answer = await http.post("/orders", json={"number": number, "euros": euros})
            assert (answer.status_code, answer.json()) == (202, {"job": f"order-{number}"})
        waiting = asyncio.create_task(http.get("/orders/order-7"))
        await run_until_idle(example.app, database)
        assert (await waiting).json() == "order 7 is shipped"
        failed = await http.get("/orders/order-8")
        assert (failed.status_code, failed.json()) == (
            409,
            {"detail": "job order-8 failed at ship: nothing is paid"},
        )


async def test_a_view_of_django_starts_a_job_after_its_commit(database: Database) -> None:
    django = pytest.importorskip("django", reason="Django is not installed")
    example: Any = importlib.import_module("with_django")
    django.setup()
    from django.test import Client

    http = Client()
    try:
        answer = await asyncio.to_thread(
            http.post, "/letters/", {"to": "ann"}, content_type="application/json"
        )
        assert (answer.status_code, answer.json()) == (202, {"job": "letter-ann"})
        queued = await asyncio.to_thread(http.get, "/letters/letter-ann/")
        assert queued.json() == {"state": "queued", "text": None}
        await run_until_idle(example.app, database)
        written = await asyncio.to_thread(http.get, "/letters/letter-ann/")
        assert written.json() == {"state": "succeeded", "text": "Dear ann"}
        assert (await asyncio.to_thread(http.get, "/letters/none/")).status_code == 404
    finally:
        example.client.close()
