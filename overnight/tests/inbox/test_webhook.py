"""The webhook through a real server on loopback: who is let in, what is kept, what is answered, and
how it ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from overnight import App, Context, Debounce, On, Pipeline
from overnight.http import listen
from overnight.http import served as kept_open
from overnight.inbox import webhook
from overnight.inbox.webhook import BODY_LIMIT, RETRY_AFTER, TOLERANCE, build
from overnight.signing import parse_secret, sign
from overnight.store.database import Database

pytestmark = pytest.mark.contract

SECRET = b"a plain secret of good length"
NOW = 1_800_000_000.0
TOPIC = b'{"slug": "compost"}'

APP = """
from overnight import App, Pipeline

article = Pipeline("article")


@article.step
async def generate(ctx, topic: dict[str, str]) -> str:
    return topic["slug"]


app = App("app", [article])
"""

Send = Callable[..., Awaitable[httpx2.Response]]


def make_app() -> App:
    article = Pipeline("article", on=[On("topic.validated")])

    @article.step
    async def generate(ctx: Context[Any], topic: dict[str, str]) -> str:
        return topic["slug"]

    edits = Pipeline("edits", on=[On("edited", debounce=Debounce(90))])

    @edits.step
    async def take(ctx: Context[Any], value: Any) -> None: ...

    return App("app", [article, edits])


def signed(
    body: bytes, message_id: str = "msg_1", moment: float = NOW, secret: bytes = SECRET
) -> dict[str, str]:
    timestamp = str(int(moment))
    signature = sign(secret, message_id, timestamp, body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature,
    }


@asynccontextmanager
async def served(database: Database) -> AsyncIterator[str]:
    """The real server in this event loop, as the command runs it; its clock stands at NOW."""
    site = build(make_app(), database, SECRET, clock=lambda: NOW)
    with listen("127.0.0.1", 0) as listener:
        async with kept_open(site, listener) as url:
            yield url


@pytest.fixture
async def url(database: Database) -> AsyncIterator[str]:
    async with served(database) as url:
        yield url


@pytest.fixture
async def send(url: str) -> AsyncIterator[Send]:
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:

        async def send(
            path: str = "/pipelines/article",
            body: Any = TOPIC,
            headers: dict[str, str] | None = None,
            **changes: Any,
        ) -> httpx2.Response:
            return await client.post(path, content=body, headers=headers or signed(body, **changes))

        yield send


async def counts(database: Database) -> tuple[int, int, int]:
    """How many messages, runs and alerts there are."""
    (row,) = await database.fetch(
        "select (select count(*) from messages) as m, (select count(*) from runs) as r,"
        " (select count(*) from alerts) as a"
    )
    return row["m"], row["r"], row["a"]


@pytest.mark.parametrize("path", ["/pipelines/article", "/events/topic.validated"])
async def test_a_signed_message_begins_a_job(send: Send, database: Database, path: str) -> None:
    answer = await send(path)
    (run,) = await database.fetch("select job_id, input, origin from runs")
    assert (answer.status_code, answer.json()) == (202, {"jobs": [run["job_id"]], "new": True})
    assert (run["input"], run["origin"]) == ({"slug": "compost"}, "webhook")
    (message,) = await database.fetch("select source, key, status from messages")
    assert tuple(message.values()) == ("webhook", "msg_1", "accepted")


async def test_an_event_with_a_replaceable_job_says_how_long_and_which(
    send: Send, database: Database
) -> None:
    answers = [
        (await send("/events/edited", body, message_id=message_id)).json()
        for message_id, body in (("1", b"1"), ("2", b"2"), ("1", b"1"))
    ]
    (run,) = await database.fetch("select job_id from runs")
    assert answers[0].pop("jobs") != answers[1]["jobs"] == answers[2]["jobs"] == [run["job_id"]]
    assert [(answer["new"], answer["debounce_seconds"]) for answer in answers] == [
        (True, 90),
        (True, 90),
        (False, 90),
    ]


async def test_the_same_message_again_is_answered_with_the_same_jobs(
    send: Send, database: Database
) -> None:
    first, again = await send(), await send(moment=NOW + 60)
    assert (again.status_code, again.json()) == (200, {"jobs": first.json()["jobs"], "new": False})
    assert await counts(database) == (1, 1, 0)


async def test_the_id_of_another_message_is_a_conflict(send: Send, database: Database) -> None:
    await send()
    answer = await send(body=b'{"slug": "peat"}')
    assert answer.status_code == 409
    assert "another message of webhook came with the key “msg_1” before" in answer.json()["error"]
    assert await counts(database) == (1, 1, 0)


@pytest.mark.parametrize("path", ["/pipelines/nobody", "/events/unheard", "/pipelines/article"])
async def test_a_malformed_message_is_a_letter_named_to_its_sender(
    send: Send, database: Database, path: str
) -> None:
    answer = await send(path, b'{"slug": 1}')
    (letter,) = await database.fetch(
        "select job_id, error from dead_letters where kind = 'message'"
    )
    assert answer.status_code == 422
    assert answer.json() == {"error": letter["error"], "letter": letter["job_id"]}
    assert (await send(path, b'{"slug": 1}')).json() == answer.json()
    assert await counts(database) == (1, 0, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"x": "unsigned"},
        signed(TOPIC, secret=b"another secret of good length"),
        signed(b"another body"),
        signed(TOPIC, moment=NOW - TOLERANCE - 1),
        signed(TOPIC, moment=NOW + TOLERANCE + 1),
        {**signed(TOPIC), "webhook-id": "msg_2"},
        {**signed(TOPIC), "webhook-timestamp": "9" * 400},
        {**signed(TOPIC), "webhook-signature": "v1,\u00e9".encode()},
    ],
    ids=[
        "unsigned",
        "other secret",
        "other body",
        "stale",
        "early",
        "other id",
        "no moment",
        "no base64",
    ],
)
async def test_only_requests_signed_by_us_just_now_are_stored(
    send: Send, database: Database, headers: dict[str, str]
) -> None:
    for path in ("/pipelines/article", "/pipelines/nobody"):
        answer = await send(path, headers=headers)
        assert answer.status_code == 401
        assert "webhook-" in answer.json()["error"]
    assert await counts(database) == (0, 0, 0)


async def test_a_signed_message_without_a_usable_id_is_refused(
    send: Send, database: Database
) -> None:
    assert (await send(message_id="")).status_code == 400
    assert (await send(message_id="x" * 501)).status_code == 400
    assert await counts(database) == (0, 0, 0)


async def test_a_body_that_says_it_is_too_large_is_not_read(url: str, database: Database) -> None:
    def announce() -> tuple[int, Any]:
        connection = HTTPConnection(url.removeprefix("http://"), timeout=60)
        connection.putrequest("POST", "/pipelines/article")
        connection.putheader("content-length", str(BODY_LIMIT + 1))
        connection.endheaders()
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read())
        connection.close()
        return found

    assert BODY_LIMIT == 64_000_000
    status, answer = await asyncio.to_thread(announce)
    assert (status, answer) == (
        413,
        {"error": "the body is over 64,000,000 bytes and was not read"},
    )
    assert await counts(database) == (0, 0, 0)


async def test_a_body_that_does_not_say_how_large_it_is_is_cut_off(
    send: Send, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "BODY_LIMIT", 1000)

    async def chunks(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 100):
            yield b" " * 100

    whole = signed(b" " * 1000)
    assert (await send(body=chunks(1000), headers=whole)).status_code == 422
    assert (await send(body=chunks(1100), headers=whole)).status_code == 413
    assert await counts(database) == (1, 0, 1)


async def test_an_interrupted_request_stores_and_breaks_nothing(
    url: str, send: Send, database: Database
) -> None:
    port = int(url.rpartition(":")[2])
    with capture_logs() as logs:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /pipelines/article HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await send()).status_code == 202
    assert [line["event"] for line in logs] == ["message received"]
    assert await counts(database) == (1, 1, 0)


async def test_without_a_database_senders_retry_and_ours_is_started(
    send: Send, url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[bool] = []
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        healthy = await client.get("/health")
        assert (healthy.status_code, healthy.json()) == (200, {"healthy": True})
        assert database._pool
        await database._pool.close()
        monkeypatch.setattr(database, "_recover", lambda: started.append(True))
        away = await client.get("/health")
        answer = await send()
    for refused in (away, answer):
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == str(RETRY_AFTER)
        assert "send it again" in refused.json()["error"]
    async with asyncio.timeout(60):  # they are started after the answers
        while started != [True, True]:
            await asyncio.sleep(0.01)


async def test_only_our_log_and_not_the_sender_gets_details_of_a_fault(
    send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fault(*_: object, **__: object) -> None:
        raise RuntimeError("what only we may see")

    monkeypatch.setattr(webhook, "receive", fault)
    with capture_logs() as logs:
        answer = await send()
    assert (answer.status_code, answer.json()) == (
        500,
        {"error": "a fault of ours, RuntimeError; our log says more"},
    )
    assert [line["event"] for line in logs] == ["webhook failed"]
    assert "what only we may see" in logs[0]["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/pipelines/", 404),
        ("POST", "/pipelines/a/b", 404),
        ("GET", "/pipelines/article", 405),
    ],
)
async def test_every_other_request_is_answered_in_json_too(
    url: str, method: str, path: str, status: int
) -> None:
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


# The command.


class Serving:
    """`overnight serve` as a process of its own."""

    def __init__(self, folder: Path, database_url: str, *options: str, **environment: str) -> None:
        (folder / "outside.py").write_text(APP)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("OVERNIGHT_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "overnight.cli.main", "--app", "outside:app", "serve", *options],
            cwd=folder,
            env={**inherited, "OVERNIGHT_DATABASE_URL": database_url, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def end(self) -> tuple[int, str, str]:
        """Exit code, what else was on standard output, and what was on standard error."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def serving(tmp_path: Path, database: Database) -> Iterator[Callable[..., Serving]]:
    begun: list[Serving] = []

    def serving(*options: str, **environment: str) -> Serving:
        begun.append(Serving(tmp_path, database.url, *options, **environment))
        return begun[-1]

    yield serving
    for one in begun:
        one.process.kill()
        one.process.communicate()


def post(url: str, secret: bytes = SECRET) -> tuple[int, Any]:
    headers = signed(TOPIC, moment=time.time(), secret=secret)
    answer = httpx2.post(
        f"{url}/pipelines/article", content=TOPIC, headers=headers, trust_env=False
    )
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
async def test_the_command_serves_until_a_signal_ends_it_promptly(
    serving: Callable[..., Serving], database: Database, number: int, code: int
) -> None:
    server = serving("--port", "0", "--json", OVERNIGHT_WEBHOOK_SECRET=SECRET.decode())
    url = json.loads(server.line())["url"]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
    assert post(url)[0] == 202
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as idle:
        idle.sendall(b"POST /pipelines/article HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n")
        server.process.send_signal(number)
        returned, _, err = server.end()
    assert returned == code
    logged = [json.loads(line) for line in err.splitlines()]
    assert [(line["event"], line["source"]) for line in logged] == [("message received", "webhook")]
    assert SECRET.decode() not in err
    assert await counts(database) == (1, 1, 0)


async def test_a_port_in_use_is_one_sentence(serving: Callable[..., Serving]) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        code, out, err = serving(
            "--port", str(port), OVERNIGHT_WEBHOOK_SECRET=SECRET.decode()
        ).end()
    assert (code, out) == (2, "")
    assert err == (
        f"overnight: cannot listen on port {port} of 127.0.0.1 (Address already in use): "
        "name others with --port or --host\n"
    )


def secret_file(folder: Path, mode: int) -> str:
    file = folder / "secret"
    file.write_text(f"{SECRET.decode()}\n")
    file.chmod(mode)
    return str(file)


async def test_the_secret_may_stand_in_a_file(
    serving: Callable[..., Serving], tmp_path: Path
) -> None:
    server = serving("--port", "0", OVERNIGHT_WEBHOOK_SECRET_FILE=secret_file(tmp_path, 0o600))
    said = re.fullmatch(r"listening on (http://\S+); Ctrl-C ends it\n", server.line())
    assert said
    assert post(said[1])[0] == 202
    assert post(said[1], secret=b"another secret of good length")[0] == 401


async def test_a_secret_that_others_can_read_is_refused(
    serving: Callable[..., Serving], tmp_path: Path
) -> None:
    file = secret_file(tmp_path, 0o640)
    code, _, err = serving(OVERNIGHT_WEBHOOK_SECRET_FILE=file).end()
    assert (code, err) == (2, f"overnight: others can read the webhook secret: chmod 600 {file}\n")


async def test_without_a_secret_the_command_says_how_to_make_one(
    serving: Callable[..., Serving],
) -> None:
    code, _, err = serving().end()
    assert code == 2
    assert err.startswith("overnight: there is no webhook secret: set OVERNIGHT_WEBHOOK_SECRET, or")
    assert "serve --new-secret prints a fresh one" in err
    code, out, _ = serving("--new-secret", "--json").end()
    server = serving("--port", "0", "--json", OVERNIGHT_WEBHOOK_SECRET=json.loads(out)["secret"])
    url = json.loads(server.line())["url"]
    assert post(url, secret=parse_secret(json.loads(out)["secret"]))[0] == 202
