"""Each operation is the same from the command line, a page's button and the API: one table of
commands, three fronts, one effect.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
import console_night as night
import httpx2
import pytest
from click.testing import CliRunner
from console_night import Open, csrf

from overnight import App, On
from overnight.cli.main import cli
from overnight.console import access, api, pages
from overnight.console.access import Access
from overnight.inbox import messages
from overnight.operations import queries
from overnight.operations.commands import OPERATIONS
from overnight.operations.filters import Filter
from overnight.store.database import Database

pytestmark = pytest.mark.contract  # of `make test-contract`

Front = Callable[[str, Mapping[str, Any]], Awaitable[str]]


@dataclass(frozen=True)
class Case:
    """An operation on the night of the console: its words, its body, and the entry in the audit
    log that it leaves (verb and target; {…} is filled from the ledger).
    """

    words: str
    body: Mapping[str, Any]
    audit: tuple[str, str]
    says: str


JOB = {"job": "{queued}"}
CASES: Mapping[str, Case] = {
    "pause": Case(
        "pause customer:ada", {"scope": "customer:ada"}, ("pause", "key:ada"), "is paused"
    ),
    "resume": Case(
        "resume customer:ben", {"scope": "customer:ben"}, ("resume", "key:ben"), "is resumed"
    ),
    "close-breaker": Case(
        "breaker close 'shop ada'", {"name": "shop ada"}, ("close", "shop ada"), "is closed"
    ),
    "approve": Case(
        "approve {review} --rev {revision}",
        {"job": "{review}", "revision": "{revision}"},
        ("approve", "{review}"),
        "goes on",
    ),
    "reject": Case(
        "reject {review} --rev {revision}",
        {"job": "{review}", "revision": "{revision}"},
        ("reject", "{review}"),
        "ends at",
    ),
    "edit-review": Case(
        "edit {review} --rev {revision} --input {order}",
        {"job": "{review}", "revision": "{revision}", "input": {"customer": "ada", "number": 41}},
        ("edit", "{review}"),
        "edited",
    ),
    "edit": Case(
        "edit {dead} --input {order}",
        {"job": "{dead}", "input": {"customer": "ada", "number": 41}},
        ("edit", "{dead}"),
        "edited",
    ),
    "replay": Case("replay {dead}", {"job": "{dead}"}, ("replay", "{dead}"), "1 failed job"),
    "discard": Case("discard {dead}", {"job": "{dead}"}, ("discard", "{dead}"), "1 failed job"),
    "cancel": Case("cancel {queued}", JOB, ("cancel", "{queued}"), "is cancelled"),
    "cancel-parked": Case(
        "cancel --parked order/pack", {"step": "order/pack"}, ("cancel", "packed"), "1 run of order"
    ),
    "send-again": Case(
        "alerts again slack", {"channel": "slack"}, ("send-again", "slack"), "to slack again"
    ),
    "set-budget": Case(
        "budget set pipeline:order 2.5",
        {"scope": "pipeline:order", "usd": 2.5},
        ("budget set", "pipeline:order"),
        "pipeline:order may spend $2.50 a day",
    ),
    "remove-budget": Case(
        "budget remove all", {"scope": "all"}, ("budget remove", "all"), "no limit any more"
    ),
    "start": Case(
        "start order {order} --priority 7",
        {"pipeline": "order", "input": {"customer": "ada", "number": 41}, "priority": 7},
        ("order", "{new}"),
        "is queued",
    ),
    "emit": Case(
        "emit ordered {order}",
        {"event": "ordered", "payload": {"customer": "ada", "number": 41}},
        ("emit", "{new}"),
        "queued: ",
    ),
}
TROUBLES = (
    "insert into runs (id, job_id, step, pipeline) overriding system value "
    "values (0, 'packed', 'pack', 'order')",
    "insert into channels (app, name, kind) values ('nightshop', 'slack', 'slack')",
    "insert into deliveries (app, channel, message, error, attempts) values "
    "('nightshop', 'slack', '{}', '410', 1)",
)
NEW = "select job_id from runs where created_at = (select max(created_at) from runs)"


@pytest.fixture
async def app(app: App, database: Database, monkeypatch: pytest.MonkeyPatch) -> App:
    """The night of the console; its pipeline of orders listens to an event, too. A run waits for a
    step that it had, and a channel is away.
    """
    monkeypatch.setattr(night.order, "on", [On("ordered")])
    for statement in TROUBLES:
        await database.fetch(statement)
    return app


@pytest.fixture(params=["command line", "page", "API"])
async def front(
    request: pytest.FixtureRequest, app: App, opened: Open, database: Database
) -> AsyncIterator[Front]:
    """Carries out an operation, and returns what was said."""
    if request.param == "command line":
        yield _command_line(app, database)
        return
    rules = Access({"operate": "a long password"}) if request.param == "API" else None
    async with opened(app, rules) as client:
        if request.param == "API":
            token = await access.add_token(database, "script", "operate")
            client.headers["authorization"] = f"Bearer {token}"
        yield _page(client) if request.param == "page" else _api(client)


def _command_line(app: App, database: Database) -> Front:
    module = ModuleType("nightshop")
    module.app = app  # type: ignore[attr-defined]
    sys.modules["nightshop"] = module

    async def perform(name: str, values: Mapping[str, Any]) -> str:
        words = [word.strip("'").format_map(values) for word in _words(CASES[name].words)]
        line = ["--app", "nightshop:app", *words]
        line += ["--reason", "a trial"]
        env = {"OVERNIGHT_DATABASE_URL": database.url}
        done = await asyncio.to_thread(lambda: CliRunner().invoke(cli, line, env=env))
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    return perform


def _words(line: str) -> list[str]:
    return re.findall(r"'[^']*'|\S+", line)


def _filled(body: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.format_map(values) if isinstance(value, str) else value
        for name, value in body.items()
    }


def _page(client: httpx2.AsyncClient) -> Front:
    async def perform(name: str, values: Mapping[str, Any]) -> str:
        body = _filled(CASES[name].body, values)
        form = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in body.items()
        }
        form |= {"csrf": await csrf(client), "back": "/", "reason": "a trial"}
        answer = await client.post(f"/do/{name}", data=form)
        said = parse_qs(urlsplit(answer.headers["location"]).query)
        return said["done"][0]

    return perform


def _api(client: httpx2.AsyncClient) -> Front:
    async def perform(name: str, values: Mapping[str, Any]) -> str:
        body = _filled(CASES[name].body, values) | {"reason": "a trial"}
        answer = await client.post(f"/api/do/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["done"])

    return perform


async def values_of(database: Database) -> dict[str, str]:
    """What the cases name."""
    row = (await queries.review(database))[0]
    jobs = await database.fetch("select status, job_id from runs order by id")
    return {
        "review": row["job_id"],
        "revision": row["revision"],
        "order": '{"customer": "ada", "number": 41}',
        **{run["status"]: run["job_id"] for run in jobs if run["status"] in ("dead", "queued")},
    }


@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_operation_has_the_same_effect_from_each_front(
    front: Front, database: Database, name: str
) -> None:
    case, values = CASES[name], await values_of(database)
    await database.fetch("truncate actions")
    assert case.says in await front(name, values)
    if "{new}" in case.audit:
        values["new"] = (await database.fetch(NEW))[0]["job_id"]
    rows = await database.fetch("select verb, target, reason, by from actions")
    assert len(rows) == 1
    assert (rows[0]["verb"], rows[0]["target"]) == tuple(
        word.format_map(values) for word in case.audit
    )
    assert (rows[0]["reason"].split(": ")[-1], bool(rows[0]["by"])) == ("a trial", True)


def test_each_operation_has_a_command_an_api_action_and_a_case() -> None:
    assert set(CASES) == set(OPERATIONS) == set(api.VERBS)
    assert {f"/do/{name}" for name in OPERATIONS} <= set(api.document()["paths"])
    for case in CASES.values():
        command: click.Command = cli
        for word in case.words.split():
            if not isinstance(command, click.Group):
                break
            command = command.commands[word]
        assert not isinstance(command, click.Group)


async def test_every_operation_has_a_button_on_some_page(
    app: App, opened: Open, database: Database
) -> None:
    values = await values_of(database)
    paths = [page.path for page in pages.PAGES if "{" not in page.path]
    paths += [f"/jobs/{values['queued']}", f"/review/{values['review']}"]
    buttons = set[str]()
    async with opened(app) as client:
        for path in paths:
            text = (await client.get(path)).text
            buttons |= set(re.findall(r'action="/do/([\w-]+)"', text))
    assert buttons >= set(OPERATIONS)


async def test_a_message_is_edited_on_its_page(app: App, opened: Open, database: Database) -> None:
    await messages.receive(app, database, b'{"pipeline": "order"', source="webhook")
    order = {"pipeline": "order", "input": {"customer": "ada", "number": 41}}
    async with opened(app) as client:
        page = (await client.get("/dead?job=m1")).text
        assert re.search(r'action="/do/edit">.*name="job" value="m1".*<textarea', page, re.S)
        form = {"job": "m1", "input": json.dumps(order), "csrf": await csrf(client)}
        answer = await client.post("/do/edit", data=form)
    assert "edited%3A+m1+begins" in answer.headers["location"]
    assert await queries.dead(database, Filter(job="m1")) == []


@pytest.mark.parametrize("name", ["replay", "discard"])
async def test_a_filter_by_time_is_the_same_on_the_page_and_in_the_api(
    app: App, opened: Open, database: Database, name: str
) -> None:
    old, new = "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"
    await database.fetch(
        "insert into runs (job_id, step, pipeline, status, finished_at)"
        " select * from (values ('old', 'check', 'order', 'dead', %(old)s::timestamptz),"
        " ('new', 'check', 'order', 'dead', %(new)s)) v",
        {"old": old, "new": new},
    )
    until = "2026-01-01T12:00:00Z"
    async with opened(app) as client:
        listed = (await client.get("/api/dead", params={"until": until})).json()["rows"]
        page = (await client.get("/dead", params={"until": until})).text
        mark = await csrf(client)
        form = {"until": until, "csrf": mark, "reason": "old", "dry_run": "yes"}
        counted = await client.post(f"/do/{name}", data=form)
        body = {"until": until, "reason": "old"}
        headers = {api.CSRF: mark}
        done = (await client.post(f"/api/do/{name}", json=body, headers=headers)).json()
    assert [row["job_id"] for row in listed] == ["old"]
    assert ("/jobs/old" in page, "/jobs/new" in page) == (True, False)
    assert "1+failed+job+matches" in counted.headers["location"]
    assert done["count"] == 1
    left = await queries.dead(database, Filter(step="check", pipeline="order"))
    assert {"old", "new"} & {row["job_id"] for row in left} == {"new"}


@pytest.mark.parametrize(
    ("name", "form", "says"),
    [
        ("start", {"pipeline": "order", "input": "["}, "the input is no JSON"),
        ("start", {"pipeline": "order", "priority": "soon"}, "priority: "),
        ("start", {}, "the pipeline is missing"),
        ("start", {"pipeline": "nothing"}, "nothing"),
        ("emit", {"event": "nothing", "payload": "1"}, "no pipeline of this app listens"),
        ("discard", {"job": "{dead}"}, "say why"),
        ("replay", {"job": "{dead}", "everything": "yes"}, "say which in one way"),
        ("replay", {"key": "nobody"}, "there is no customer “nobody”"),
        ("remove-budget", {"scope": "pipeline:order"}, "there is no budget"),
        ("set-budget", {"scope": "all", "usd": "-1"}, "usd: "),
    ],
)
async def test_a_form_with_a_fault_changes_nothing_and_names_the_fault(
    app: App, opened: Open, database: Database, name: str, form: dict[str, str], says: str
) -> None:
    before = await database.fetch("select id, status from runs order by id")
    async with opened(app) as client:
        answer = await client.post(
            f"/do/{name}",
            data=_filled(form, await values_of(database)) | {"csrf": await csrf(client)},
        )
    refused = parse_qs(urlsplit(answer.headers["location"]).query)["refused"][0]
    assert says in refused
    assert await database.fetch("select id, status from runs order by id") == before
