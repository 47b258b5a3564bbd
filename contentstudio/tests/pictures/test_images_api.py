"""Pictures from an endpoint that speaks the images protocol: what is asked, what it costs, and how
it can fail.
"""

from __future__ import annotations

import base64
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from drafts import small_draft
from PIL import Image as Drawing
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from contentstudio.config import Fetch, Pictures, Site
from contentstudio.pictures import NoPicture, Picture
from contentstudio.pictures import images_api as api
from contentstudio.pictures.images_api import ImagesApi
from overnight import App, Context, Pipeline, Retry
from overnight.operations import budgets, runs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.contract

KEY = "sk-not-to-be-told"
SITE = Site.model_validate(
    {"name": "garden", "url": "https://g.example", "sources": ["https://a.example"]}
)


def png(size: tuple[int, int] = (480, 320)) -> bytes:
    written = io.BytesIO()
    Drawing.effect_noise(size, 50).save(written, "PNG")
    return written.getvalue()


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def encoded(data: bytes) -> bytes:
    entry = {"b64_json": base64.b64encode(data).decode(), "revised_prompt": "A heap."}
    return body({"created": 1, "data": [entry], "usage": {"total_tokens": 9}})


class Server:
    """Answers with a picture in base64, or with what a test wrote down; keeps the requests."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.url = httpserver.url_for("/v1")
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.answers: list[tuple[int, bytes]] = []
        self.files: list[tuple[int, bytes]] = [(200, png())]
        self.downloads = 0
        httpserver.expect_request("/v1/images/generations", "POST").respond_with_handler(self.draw)
        httpserver.expect_request("/file.png").respond_with_handler(self.file)

    def draw(self, request: Request) -> Response:
        self.bodies.append(request.get_json())
        self.keys.append(request.headers.get("Authorization"))
        status, answer = self.answers.pop(0) if self.answers else (200, encoded(png()))
        return Response(answer, status, {"Retry-After": "7"} if status == 429 else {})

    def file(self, _: Request) -> Response:
        self.downloads += 1
        status, answer = self.files.pop(0) if len(self.files) > 1 else self.files[0]
        return Response(answer, status, content_type="image/png")


@pytest.fixture
def server(httpserver: HTTPServer) -> Server:
    return Server(httpserver)


async def find(
    database: Database,
    server: Server,
    name: str = "a",
    key: str | None = KEY,
    clock: Clock | None = None,
    **changes: Any,
) -> Picture | str:
    """The picture that a step gets, or the sentence with which it failed, or ends without one."""
    chosen = Pictures.model_validate(
        {
            "kind": "openai",
            "model": "gpt-image-1",
            "base_url": server.url,
            "usd_per_picture": 0.04,
            "credit": "Made by a model",
            **changes,
        }
    )
    remote = ImagesApi(chosen, key, database, Fetch(allow_loopback=True))
    got: list[Picture | str] = []
    pipeline = Pipeline("picturing")
    draft = small_draft(title="On compost")

    @pipeline.step(retry=Retry(0))
    async def ask(ctx: Context[None], what: str) -> None:
        try:
            got.append(await remote.find(ctx, SITE, draft, []))
        except NoPicture as why:
            got.append(f"no picture: {why}")

    app = App("test", [pipeline])
    job, _ = await runs.start(app, database, "picturing", name)
    await run_until_idle(app, database, clock=clock, horizon=3_600)
    await remote.aclose()
    row = await database.one("select error, status from runs where job_id = %s", [job])
    assert row is not None
    return got[0] if got else str(row["error"])


async def calls(database: Database) -> list[tuple[str, str, float]]:
    rows = await database.fetch(
        "select provider || '/' || model as model, status, cost_usd::float8 as usd from "
        "llm_calls order by id"
    )
    return [(row["model"], row["status"], row["usd"]) for row in rows]


async def test_the_request_fits_the_api_and_the_picture_is_reduced(
    database: Database, server: Server
) -> None:
    picture = await find(database, server)
    assert isinstance(picture, Picture)
    (asked,) = server.bodies
    assert asked.pop("prompt").startswith("A calm, realistic photograph. A picture for an article")
    assert asked == {"model": "gpt-image-1", "n": 1, "size": "1536x1024"}
    assert server.keys == [f"Bearer {KEY}"]
    assert (picture.width, picture.height, picture.media_type) == (480, 320, "image/webp")
    assert (picture.alt, picture.credit) == ("On compost", "Made by a model")
    assert picture.origin == "openai:gpt-image-1"
    assert Drawing.open(io.BytesIO(picture.data)).format == "WEBP"


async def test_a_picture_is_booked_at_its_price_and_paid_for_once(
    database: Database, server: Server
) -> None:
    first = await find(database, server)
    assert await find(database, server, "b") == first
    assert len(server.bodies) == 1
    assert await calls(database) == [
        ("images/gpt-image-1", "stored", 0.04),
        ("images/gpt-image-1", "cached", 0.0),
    ]


async def test_what_is_stored_of_an_answer_is_the_small_picture(
    database: Database, server: Server
) -> None:
    await find(database, server)
    (row,) = await database.fetch("select length(answer) as size from llm_calls")
    assert row["size"] < len(encoded(png()))


async def test_a_picture_that_lies_at_an_address_is_fetched_from_there(
    database: Database, server: Server, httpserver: HTTPServer
) -> None:
    server.answers = [(200, body({"data": [{"url": httpserver.url_for("/file.png")}]}))]
    picture = await find(database, server)
    assert isinstance(picture, Picture)
    assert (picture.width, server.downloads) == (480, 1)


async def test_a_failed_download_is_retried_without_a_second_payment(
    database: Database, server: Server, httpserver: HTTPServer
) -> None:
    server.answers = [(200, body({"data": [{"url": httpserver.url_for("/file.png")}]}))]
    server.files = [(503, b""), (200, png())]
    assert "answered 503" in str(await find(database, server))
    assert isinstance(await find(database, server, "b"), Picture)
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://169.254.169.254/latest/meta-data", "cannot be read"),
        ("file:///etc/passwd", "cannot be read"),
        ("http://10.0.0.1/x.png", "cannot be read"),
        ("nowhere", "cannot be read"),
    ],
)
async def test_an_address_of_another_network_is_not_asked(
    database: Database, server: Server, url: str, says: str
) -> None:
    server.answers = [(200, body({"data": [{"url": url}]}))]
    assert says in str(await find(database, server))


REFUSED = {"code": "moderation_blocked", "type": "image_generation_user_error"}
WITHOUT = {
    "moderation": ((400, body({"error": {**REFUSED, "message": "rejected"}})), "rejected", 0.0),
    "a policy": ((400, body({"error": {"code": "content_policy_violation"}})), "400", 0.0),
    "a size": ((400, body({"error": {"message": "no such size"}})), "no such size", 0.0),
    "a wrong key": ((401, body({"error": {"message": f"bad {KEY}"}})), "401: bad [key]", 0.0),
    "no such model": ((404, b"<html>"), "answered 404", 0.0),
    "no entry": ((200, body({"data": []})), "gave no picture", 0.04),
    "an empty entry": ((200, body({"data": [{"b64_json": ""}]})), "gave no picture", 0.04),
    "no data": ((200, b"<html>"), "has no data", 0.04),
    "a list": ((200, b"[]"), "has no data", 0.04),
    "no base64": ((200, body({"data": [{"b64_json": "%%"}]})), "no base64", 0.04),
    "no picture": ((200, encoded(b"words")), "no picture that can be read", 0.04),
    "an SVG": ((200, encoded(b"<svg/>")), "an SVG", 0.04),
    "a cut picture": ((200, encoded(png()[:9_000])), "damaged", 0.04),
    "a small picture": ((200, encoded(png((64, 64)))), "64 × 64 pixels", 0.04),
}


@pytest.mark.parametrize(("answer", "says", "usd"), WITHOUT.values(), ids=WITHOUT)
async def test_an_answer_without_a_picture_is_booked_and_says_why(
    database: Database, server: Server, answer: tuple[int, bytes], says: str, usd: float
) -> None:
    server.answers = [answer]
    told = str(await find(database, server))
    assert told.startswith("no picture: ")
    assert says in told
    assert KEY not in told
    assert await calls(database) == [("images/gpt-image-1", "failed", usd)]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((429, body({"error": {"message": "slow down"}})), "answered 429: slow down"),
        ((500, b"<html>"), "answered 500: no reason"),
        ((503, b""), "answered 503"),
    ],
)
async def test_a_server_that_is_busy_is_tried_again(
    database: Database, server: Server, answer: tuple[int, bytes], says: str
) -> None:
    server.answers = [answer]
    told = str(await find(database, server))
    assert says in told
    assert not told.startswith("no picture")
    assert isinstance(await find(database, server, "b"), Picture)


async def test_an_answer_without_end_is_not_read_to_its_end(
    database: Database, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MAX_ANSWER", 1_000_000)
    server.answers = [(200, b"x" * 1_100_000)]
    assert "more than 1 MB" in str(await find(database, server))
    assert await calls(database) == [("images/gpt-image-1", "failed", 0.04)]


async def test_a_call_without_an_answer_keeps_its_reservation(
    database: Database, server: Server
) -> None:
    told = await find(database, server, base_url="http://127.0.0.1:9/v1")
    assert "connection to images failed" in str(told)
    (row,) = await database.fetch("select reserved_usd::float8 as usd from llm_calls")
    assert row["usd"] == 0.04


async def test_a_budget_holds_it_before_anything_is_spent(
    database: Database, server: Server, clock: Clock
) -> None:
    await budgets.set_limit(database, "all", Decimal("0.01"), reason="a trial", by="me")
    assert "budget" in str(await find(database, server, clock=clock))
    assert server.bodies == []


async def test_a_server_that_fails_too_often_is_not_asked_for_a_while(
    database: Database, server: Server
) -> None:
    server.answers = [(500, b"")] * 40
    for number in range(40):
        if "breakers of images:gpt-image-1 are open" in str(
            await find(database, server, f"job {number}")
        ):
            break
    assert 0 < len(server.bodies) < 40


async def test_without_a_price_or_a_key_nobody_is_asked(database: Database, server: Server) -> None:
    told = str(await find(database, server, usd_per_picture=None))
    assert told == (
        "no picture: [pictures]: the price of a picture of “gpt-image-1” is not known: set "
        "usd_per_picture in [pictures], 0 for a server of your own"
    )
    told = str(await find(database, server, "b", key=None, base_url="https://api.openai.com/v1"))
    assert "put OPENAI_API_KEY into the environment" in told
    assert server.bodies == []


async def test_a_server_of_ones_own_needs_no_key(database: Database, server: Server) -> None:
    assert isinstance(await find(database, server, key=None, usd_per_picture=0), Picture)
    assert server.keys == [None]


def test_a_prompt_has_at_most_a_thousand_characters() -> None:
    draft = small_draft(title="x" * 900, description="y" * 900)
    assert len(api.prompt(draft, "z" * 400)) <= 1_000
