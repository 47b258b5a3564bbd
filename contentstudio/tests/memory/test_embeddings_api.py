"""Vectors from an endpoint that speaks OpenAI's protocol: what is asked, what it costs, and how it
can fail.
"""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from contentstudio.config import Embeddings
from contentstudio.memory.embeddings import Vector
from contentstudio.memory.embeddings_api import EmbeddingsApi
from overnight import App, ConfigError, Context, Pipeline, Retry
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import run_until_idle

pytestmark = pytest.mark.contract

KEY = "sk-not-to-be-told"


class Server:
    """Answers each text with a vector of its length and 1, or with what a test wrote down; keeps
    the requests.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.answer: tuple[int, bytes] | None = None

    def vectors(self, texts: list[str]) -> tuple[int, bytes]:
        rows = [{"index": n, "embedding": [len(text), 1]} for n, text in enumerate(texts)]
        return 200, told({"data": rows[::-1], "usage": {"prompt_tokens": 1_000}})


def told(body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.fixture
def server(httpserver: HTTPServer) -> Server:
    server = Server(httpserver.url_for("/v1"))

    def embeddings(request: Request) -> Response:
        body = request.get_json()
        server.bodies.append(body)
        server.keys.append(request.headers["Authorization"])
        status, answer = server.answer or server.vectors(body["input"])
        return Response(answer, status)

    httpserver.expect_request("/v1/embeddings", "POST").respond_with_handler(embeddings)
    return server


async def embed(
    database: Database, server: Server, *texts: str, name: str = "a"
) -> list[Vector] | str:
    """The vectors that a step gets, or the sentence with which it failed."""
    settings = Embeddings(
        model="text-embedding-3-small", base_url=server.url, same=0.8, related=0.4
    )
    remote = EmbeddingsApi(settings, KEY, database)
    got: list[list[Vector]] = []
    pipeline = Pipeline("embedding")

    @pipeline.step(retry=Retry(0))
    async def ask(ctx: Context[None], what: str) -> None:
        got.append(await remote.embed(ctx, texts))

    app = App("test", [pipeline])
    job, _ = await runs.start(app, database, "embedding", name)
    await run_until_idle(app, database)
    await remote.aclose()
    row = await database.one("select error from runs where job_id = %s", [job])
    assert row is not None
    return got[0] if got else str(row["error"])


async def test_each_text_gets_its_vector_at_length_1_in_one_call(
    database: Database, server: Server
) -> None:
    vectors = await embed(database, server, "aaa", "b")
    assert vectors == [
        pytest.approx([3 / math.sqrt(10), 1 / math.sqrt(10)]),
        pytest.approx([math.sqrt(0.5)] * 2),
    ]
    assert server.bodies == [
        {"model": "text-embedding-3-small", "input": ["aaa", "b"], "encoding_format": "float"}
    ]
    assert server.keys == [f"Bearer {KEY}"]


async def test_the_same_texts_are_booked_at_their_price_only_once(
    database: Database, server: Server
) -> None:
    first = await embed(database, server, "aaa")
    assert await embed(database, server, "aaa", name="b") == first
    assert len(server.bodies) == 1
    rows = await database.fetch(
        "select status, input_tokens, cost_usd::float8 as usd from llm_calls order by id"
    )
    assert [row["status"] for row in rows] == ["stored", "cached"]
    assert (rows[0]["input_tokens"], rows[0]["usd"]) == (1_000, 0.00002)


async def test_a_long_text_is_cut_to_what_a_model_takes(database: Database, server: Server) -> None:
    await embed(database, server, "a" * 50_000)
    assert len(server.bodies[0]["input"][0]) == 16_000


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((429, told({"error": {"message": "slow down"}})), "answered 429: slow down"),
        ((401, told({"error": {"message": f"bad key {KEY}"}})), "answered 401: bad key [key]"),
        ((502, b"<html>"), "answered 502: no reason"),
        ((200, b"<html>"), "holds no vectors"),
        ((200, told({"data": []})), "gave 0 vectors for 1 texts"),
    ],
)
async def test_a_failure_says_what_the_server_said_without_the_key(
    database: Database, server: Server, answer: tuple[int, bytes], says: str
) -> None:
    server.answer = answer
    said = await embed(database, server, "aaa")
    assert says in said
    assert KEY not in said


async def test_openai_itself_is_not_asked_without_a_key(database: Database) -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        EmbeddingsApi(Embeddings(model="text-embedding-3-small"), None, database)
