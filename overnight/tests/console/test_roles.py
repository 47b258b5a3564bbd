"""What each role may do is the same by a form, a session of the API and a token, and who did what
is in the audit log.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, get_args

import console_night as night
import httpx2
import pytest
from click.testing import CliRunner
from console_night import Open
from pydantic import BaseModel

from overnight import App, http
from overnight.cli.main import cli
from overnight.console import access, site
from overnight.console.access import Access
from overnight.console.extension import Console, Context, Verb
from overnight.errors import ConfigError
from overnight.operations import queries
from overnight.operations.actors import Role, may
from overnight.operations.commands import OPERATIONS
from overnight.store.database import Database
from overnight.titles import Titles

pytestmark = pytest.mark.contract

ROLES: tuple[Role, ...] = get_args(Role)
PASSWORDS: Mapping[Role, str] = {role: f"the password to {role}" for role in ROLES}
ALL = Access(PASSWORDS)
EDITORS = {"approve", "reject", "edit-review"}


async def logged_in(client: httpx2.AsyncClient, role: Role) -> str:
    """A session of a role; what its forms carry."""
    await client.post("/login", data={"password": PASSWORDS[role]})
    return access.csrf_of(client.cookies[access.COOKIE])


def test_each_role_may_what_the_ones_before_it_may() -> None:
    allowed = {role: [needed for needed in ROLES if may(role, needed)] for role in ROLES}
    assert allowed == {
        "view": ["view"],
        "edit": ["view", "edit"],
        "operate": ["view", "edit", "operate"],
    }


def test_editors_decide_reviews_and_operators_do_all_else() -> None:
    assert {name for name, command in OPERATIONS.items() if command.role == "edit"} == EDITORS
    assert {command.role for command in OPERATIONS.values()} == {"edit", "operate"}


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_is_the_same_by_form_session_and_token(
    app: App, opened: Open, database: Database, role: Role
) -> None:
    """Each command is sent without its fields: who may is told what is missing."""
    token = {"authorization": f"Bearer {await access.add_token(database, 'script', role)}"}
    refused: dict[str, set[str]] = {"form": set(), "session": set(), "token": set()}
    async with opened(app, ALL) as client:
        mark = await logged_in(client, role)
        for name in OPERATIONS:
            answers = {
                "form": await client.post(f"/do/{name}", data={"csrf": mark}),
                "session": await client.post(
                    f"/api/do/{name}", json={}, headers={"x-csrf-token": mark}
                ),
                "token": await client.post(f"/api/do/{name}", json={}, headers=token),
            }
            for front, answer in answers.items():
                assert answer.status_code in (303, 400, 403, 422), (front, name, answer.text)
                if answer.status_code == 403:
                    assert f"needs the role {OPERATIONS[name].role}" in answer.text
                    refused[front].add(name)
    expected = {name for name, command in OPERATIONS.items() if not may(role, command.role)}
    assert refused == dict.fromkeys(refused, expected)


class Wish(BaseModel):
    word: str


async def _grant(context: Context, wish: Wish, who: str) -> str:
    return f"{wish.word} for {who}"


OWN = Console(
    verbs={f"grant-{role}": Verb(_grant, "A wish is granted.", Wish, role=role) for role in ROLES}
)


@pytest.mark.parametrize("role", ROLES)
async def test_a_button_of_the_app_needs_the_role_that_it_names(
    app: App, database: Database, role: Role
) -> None:
    token = await access.add_token(database, "script", role)
    with http.listen("127.0.0.1", 0) as listener:
        built = site.build(app, database, ALL, own=OWN)
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False) as client,
        ):
            client.headers["authorization"] = f"Bearer {token}"
            answers = {
                needed: await client.post(f"/api/do/grant-{needed}", json={"word": "tea"})
                for needed in ROLES
            }
            unknown = await client.post("/do/grant-nothing", data={})
    assert {needed: answer.status_code for needed, answer in answers.items()} == {
        needed: 200 if may(role, needed) else 403 for needed in ROLES
    }
    assert answers["view"].json() == {"done": "tea for script"}
    assert unknown.status_code == 404


@pytest.mark.parametrize("role", ROLES)
async def test_a_page_shows_the_buttons_that_the_role_may_press(
    app: App, opened: Open, database: Database, role: Role
) -> None:
    (waiting, *_) = await queries.review(database)
    paths = ["/dead", "/switches", "/budgets", "/breakers", "/runs", "/review"]
    paths += [f"/jobs/{waiting['job_id']}", f"/review/{waiting['job_id']}"]
    shown: set[str] = set()
    async with opened(app, ALL) as client:
        await logged_in(client, role)
        for path in paths:
            shown |= set(re.findall(r'action="/do/([\w-]+)"', (await client.get(path)).text))
    assert all(may(role, OPERATIONS[name].role) for name in shown), shown
    assert shown >= (EDITORS if may(role, "edit") else set())
    assert ("pause" in shown) == may(role, "operate")


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_a_password_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    variable = access.VARIABLES[role]
    monkeypatch.setenv(variable, PASSWORDS[role])
    assert Access.from_environment().passwords == {role: PASSWORDS[role]}
    monkeypatch.setenv(variable, "short")
    with pytest.raises(ConfigError, match=f"{variable} has 5 characters"):
        Access.from_environment()


async def test_one_password_for_two_roles_opens_the_higher_one(
    app: App, opened: Open, database: Database
) -> None:
    same: Mapping[Role, str] = {"view": "the same password", "edit": "the same password"}
    async with opened(app, Access(same)) as client:
        await client.post("/login", data={"password": "the same password"})
    assert await database.fetch("select who, role from console_sessions") == [
        {"who": "console (edit)", "role": "edit"}
    ]


# The audit log.


async def command_line(app: App, database: Database, *words: str) -> Any:
    module = ModuleType("nightshop")
    module.app = app  # type: ignore[attr-defined]
    sys.modules["nightshop"] = module
    line = ["--app", "nightshop:app", *words]
    env = {"OVERNIGHT_DATABASE_URL": database.url}
    done = await asyncio.to_thread(lambda: CliRunner().invoke(cli, line, env=env))
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


async def test_the_audit_log_is_the_same_on_page_api_and_command(
    app: App, opened: Open, database: Database
) -> None:
    token = await access.add_token(database, "nightwatch", "operate")
    async with opened(app, ALL) as client:
        client.headers["authorization"] = f"Bearer {token}"
        body = {"scope": "customer:ada", "reason": f"a test {night.HOSTILE}"}
        await client.post("/api/do/pause", json=body)
        read = (await client.get("/api/audit", params={"by": "nightwatch"})).json()["rows"]
        page = (await client.get("/audit")).text
    (row,) = read
    assert (row["verb"], row["target"], row["by"]) == ("pause", "key:ada", "nightwatch")
    assert all(word in page for word in ("nightwatch", "customer:ada", "&lt;script&gt;"))
    assert night.HOSTILE not in page
    printed = json.loads(await command_line(app, database, "audit", "--json", "--limit", "2"))
    assert [(each["verb"], each["target"]) for each in printed["actions"]] == [
        ("pause", "customer:ada"),
        ("token add", "nightwatch"),
    ]
    assert "nightwatch" in await command_line(app, database, "audit", "--by", "nightwatch")


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"by": "ada"}, {"ada"}),
        ({"verb": "pause"}, {"ada"}),
        ({"target": "customer:ben"}, {"ada"}),
        ({"target": "customer:be"}, {"ada"}),
        ({"target": "customer:nobody"}, set[str]()),
        ({"by": "ada", "verb": "resume"}, set[str]()),
    ],
)
async def test_the_audit_log_is_filtered(
    client: httpx2.AsyncClient, params: dict[str, str], expected: set[str]
) -> None:
    rows = (await client.get("/api/audit", params=params)).json()["rows"]
    assert {row["by"] for row in rows} == expected
    page = await client.get("/audit", params=params)
    assert ("No action matches" in page.text) == (not expected)


async def test_the_audit_log_is_read_page_by_page(
    client: httpx2.AsyncClient, database: Database
) -> None:
    await database.fetch(
        "insert into actions (verb, target, by) select 'test', 'job ' || n, 'ann'"
        " from generate_series(1, 120) n"
    )
    seen, path = list[str](), "/audit?by=ann"
    while path:
        page = (await client.get(path)).text
        seen += re.findall(r"job \d+", page)
        found = re.search(r'href="(/audit\?[^"]*before=\d+)"', page)
        path = found[1].replace("&amp;", "&") if found else ""
    assert seen == [f"job {number}" for number in range(120, 0, -1)]


async def test_the_audit_log_names_jobs_by_their_titles(
    database: Database, app: App, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    (waiting, *_) = await queries.review(database)

    async def read(_: Database, jobs: Sequence[str]) -> Mapping[str, str]:
        return {job: "Tea & cake" for job in jobs if job == waiting["job_id"]}

    titled = App("nightshop", list(app.pipelines.values()), extensions=[Titles(read)])
    await database.fetch(
        "insert into actions (verb, target, by)"
        " values ('approve', %s, 'ann'), ('order', 'x', 'ann')",
        [waiting["job_id"]],
    )
    async with opened(titled) as client:
        page = (await client.get("/audit?by=ann")).text
    job = waiting["job_id"]
    assert f'href="/jobs/{job}" title="job {job}">Tea &amp; cake</a>' in page
    assert 'href="/jobs/x"' not in page
