"""Dead letters, runs and messages: the command line, the page and the API replay and discard them
by the same rules.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import console_night as night
import httpx2
import pytest
from click.testing import CliRunner
from console_night import HOSTILE, Open, csrf

from overnight import App
from overnight.cli.main import cli
from overnight.console import access
from overnight.console.access import Access
from overnight.inbox import messages
from overnight.operations import queries
from overnight.store.database import Database

pytestmark = pytest.mark.contract

Came = tuple[
    int | None, str
]  # with how many letters it was done, or None where all of it was refused; what was said
Front = Callable[..., Awaitable[Came]]
UNREAD = f"no JSON {HOSTILE}".encode()


def order(number: int) -> bytes:
    return json.dumps(
        {"pipeline": "order", "input": {"customer": "ada", "number": number}}
    ).encode()


@pytest.fixture
async def app(database: Database) -> App:
    """One dead run, two messages that can be read since a release (m1, m3), and one that never can
    be (m2).
    """
    before = App("nightshop", [night.letter])
    for body in (order(7), UNREAD, order(8)):
        await messages.receive(before, database, body, source="webhook")
    await database.fetch(
        "insert into runs (job_id, pipeline, step, key, status, attempt, failures, "
        "error, input, finished_at) values "
        "('run', 'order', 'check', 'ada', 'dead', 1, 1, 'boom', '{\"customer\": \"ada\", "
        '"number": 9}\', ledger_now())'
    )
    return night.make_app()


@pytest.fixture(params=["command", "page", "api"])
async def front(
    request: pytest.FixtureRequest, app: App, opened: Open, database: Database
) -> AsyncIterator[Front]:
    """Each of the three ways to press `replay` and `discard`."""
    if request.param == "command":
        yield _command(app, database)
        return
    async with opened(
        app, Access({"operate": "a long password"}) if request.param == "api" else None
    ) as client:
        if request.param == "api":
            client.headers["authorization"] = (
                f"Bearer {await access.add_token(database, 'script', 'operate')}"
            )
        yield _page(client) if request.param == "page" else _api(client)


def _command(app: App, database: Database) -> Front:
    module = ModuleType("nightshop")
    module.app = app  # type: ignore[attr-defined]
    sys.modules["nightshop"] = module

    async def press(
        verb: str, *, job: str = "", everything: bool = False, dry_run: bool = False, **given: str
    ) -> Came:
        words = [
            "--app",
            "nightshop:app",
            verb,
            *([job] if job else []),
        ]
        words += ["--all"] * everything + ["--dry-run"] * dry_run
        words += [word for name, value in given.items() for word in (f"--{name}", value)]
        env = {"OVERNIGHT_DATABASE_URL": database.url}
        done = await asyncio.to_thread(lambda: CliRunner().invoke(cli, [*words, "--json"], env=env))
        if done.exception is not None:
            return None, str(done.exception)
        told = json.loads(done.stdout)
        return next(
            told[name] for name in ("fitting", "replayed", "discarded") if name in told
        ), done.stdout

    return press


def _page(client: httpx2.AsyncClient) -> Front:
    async def press(
        verb: str, *, everything: bool = False, dry_run: bool = False, **form: str
    ) -> Came:
        form |= {"csrf": await csrf(client), "back": "/dead"}
        form |= {"everything": "yes"} if everything else {}
        form |= {"dry_run": "yes"} if dry_run else {}
        answer = await client.post(f"/do/{verb}", data=form)
        said = parse_qs(urlsplit(answer.headers["location"]).query)
        if "refused" in said:
            return None, said["refused"][0]
        return int(said["done"][0].split()[0]), said["done"][0]

    return press


def _api(client: httpx2.AsyncClient) -> Front:
    async def press(verb: str, **body: Any) -> Came:
        answer = (await client.post(f"/api/do/{verb}", json=body)).json()
        if "error" in answer:
            return None, answer["error"]
        return answer["count"], " ".join([answer["done"], *answer["refused"]])

    return press


async def left(database: Database) -> set[str]:
    return {row["job_id"] for row in await queries.dead(database)}


async def started(database: Database) -> list[int]:
    rows = await database.fetch(
        "select (input ->> 'number')::int as n from runs where status = 'queued' order by 1"
    )
    return [row["n"] for row in rows]


async def actions(database: Database) -> set[tuple[str, str, str]]:
    rows = await database.fetch(
        "select verb, target, reason from actions where verb <> 'token add'"
    )
    return {(row["verb"], row["target"], row["reason"]) for row in rows}


async def test_matching_runs_and_messages_are_counted_then_replayed(
    front: Front, database: Database
) -> None:
    assert (await front("replay", everything=True, dry_run=True))[0] == 4
    assert (await left(database), await started(database)) == ({"run", "m1", "m2", "m3"}, [])
    count, said = await front("replay", everything=True, reason="mended")
    assert count == 3
    assert "m2 is still a dead letter: the body is not JSON" in said
    assert (await left(database), await started(database)) == ({"m2"}, [7, 8, 9])
    assert await actions(database) == {
        ("replay", letter, "mended") for letter in ("run", "m1", "m3")
    }


async def test_matching_runs_and_messages_are_counted_then_discarded(
    front: Front, database: Database
) -> None:
    assert (await front("discard", everything=True, dry_run=True, reason="old"))[0] == 4
    assert await left(database) == {"run", "m1", "m2", "m3"}
    assert (await front("discard", everything=True, reason="old"))[0] == 4
    assert (await left(database), await started(database)) == (set(), [])
    assert await actions(database) == {
        ("discard", letter, "old") for letter in ("run", "m1", "m2", "m3")
    }
    assert await database.fetch("select id from alerts where resolved_at is null") == []


@pytest.mark.parametrize(
    ("chosen", "matching"),
    [
        ({"pipeline": "order"}, {"run", "m1", "m3"}),
        ({"error": "not json"}, {"m2"}),
        ({"error": "boom"}, {"run"}),
        ({"step": "check"}, {"run"}),
        ({"error": "nothing like it"}, set()),
    ],
)
async def test_a_filter_selects_exactly_the_messages_that_match(
    front: Front, database: Database, chosen: dict[str, str], matching: set[str]
) -> None:
    for verb in ("replay", "discard"):
        assert (await front(verb, dry_run=True, reason="x", **chosen))[0] == len(matching)
    assert (await front("replay", **chosen))[0] == len(matching - {"m2"})
    assert await left(database) == {"run", "m1", "m2", "m3"} - (matching - {"m2"})
    assert (await front("discard", reason="old", **chosen))[0] == len(matching & {"m2"})
    assert await left(database) == {"run", "m1", "m2", "m3"} - matching


async def test_one_message_is_replayed_or_discarded_exactly_once(
    front: Front, database: Database
) -> None:
    assert (await front("replay", job="m3", dry_run=True))[0] == 1
    assert (await front("replay", job="m3"))[0] == 1
    assert (await front("discard", job="m1", reason="spam"))[0] == 1
    assert (await left(database), await started(database)) == ({"m2", "run"}, [8])
    assert await front("replay", job="m3") == (
        None,
        "m3 is no dead letter any more: it was replayed",
    )
    assert await front("discard", job="m1", reason="spam") == (
        None,
        "m1 is no dead letter any more: it was discarded",
    )
    count, said = await front("replay", job="m2")
    assert (count, "m2 is still a dead letter" in said) == (None, True)
    for letter in ("m99", "m" + "9" * 18):
        assert await front("replay", job=letter) == (None, f"there is no message {letter}")
        assert await front("discard", job=letter, reason="x") == (
            None,
            f"there is no message {letter}",
        )


async def test_no_letter_is_touched_by_mistake(front: Front, database: Database) -> None:
    for verb in ("replay", "discard"):
        count, said = await front(verb, reason="x")
        assert (count, said.startswith("say which")) == (None, True)
    assert await left(database) == {"run", "m1", "m2", "m3"}


async def test_the_page_shows_a_message_its_error_and_its_buttons(
    app: App, opened: Open, database: Database
) -> None:
    async with opened(app) as client:
        page = (await client.get("/dead?error=not+JSON")).text
        first = (await client.get("/")).text
    assert "<h2>message m2 from webhook" in page
    assert "no JSON &lt;script&gt;" in page
    assert "the body is not JSON" in page
    forms = re.findall(r'action="/do/(\w+)">(.*?)</form>', page, re.S)
    assert [verb for verb, form in forms if 'name="job" value="m2"' in form] == [
        "replay",
        "discard",
        "edit",
    ]
    assert [verb for verb, form in forms if 'name="error" value="not JSON"' in form] == ["replay"]
    assert {f'href="/dead?job=m{number}"' in first for number in (1, 2, 3)} == {True}


async def test_a_message_is_edited_by_the_api_and_what_came_is_kept(
    app: App, opened: Open, database: Database
) -> None:
    async with opened(app, Access({"operate": "a long password"})) as client:
        client.headers["authorization"] = (
            f"Bearer {await access.add_token(database, 'script', 'operate')}"
        )
        body = {
            "job": "m2",
            "input": {"pipeline": "order", "input": {"customer": "ben", "number": 5}},
            "reason": "slip",
        }
        answer = (await client.post("/api/do/edit", json=body)).json()
        again = await client.post("/api/do/edit", json=body)
    (run,) = await database.fetch("select job_id, input from runs where status = 'queued'")
    assert (answer["done"], run["input"]["number"]) == (f"edited: m2 begins {run['job_id']}", 5)
    assert again.status_code == 409
    (kept,) = await database.fetch("select body from messages where id = 2")
    assert bytes(kept["body"]) == UNREAD
    assert await actions(database) == {("replay", "m2", "slip; with an edited body")}
