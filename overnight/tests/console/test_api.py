"""The API reads what the pages show and does what the buttons do, and says in JSON what
it refuses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from console_night import Open, csrf
from pydantic import BaseModel

from overnight import App
from overnight.console import access, api, pages
from overnight.console.access import Access
from overnight.operations import actors, queries
from overnight.operations.commands import OPERATIONS
from overnight.store.database import Database

pytestmark = pytest.mark.contract

BOTH = Access({"operate": "a long password", "view": "another password"})
NEEDED = {"/search": {"q": "ada"}}  # parameters without which there is no answer
LISTS = [endpoint.path for endpoint in api.ENDPOINTS if "{" not in endpoint.path]
NUL = {
    "path": "/jobs/a%00b",
    "query": "/runs?key=%00",
    "api path": "/api/jobs/%00",
    "api query": "/api/runs?key=a%00",
}


@pytest.fixture
async def program(app: App, opened: Open, database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    """A program with a token that may operate a console which has passwords."""
    async with opened(app, BOTH) as client:
        client.headers["authorization"] = (
            f"Bearer {await access.add_token(database, 'script', 'operate')}"
        )
        yield client


async def job_of(database: Database, status: str) -> str:
    rows = await database.fetch("select job_id from runs where status = %s order by id", [status])
    return str(rows[0]["job_id"])


async def do(client: httpx2.AsyncClient, verb: str, **body: Any) -> tuple[int, str]:
    """What came of an action: the status, and the sentence."""
    answer = await client.post(f"/api/do/{verb}", json=body)
    said = answer.json()
    return answer.status_code, said.get("done") or said["error"]


@pytest.mark.parametrize("path", LISTS)
async def test_every_endpoint_answers_in_json(program: httpx2.AsyncClient, path: str) -> None:
    answer = await program.get(f"/api{path}", params=NEEDED.get(path))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert isinstance(answer.json(), dict)


async def test_a_job_is_read_by_its_first_digits(
    program: httpx2.AsyncClient, database: Database
) -> None:
    job = await job_of(database, "dead")
    read = (await program.get(f"/api/jobs/{job[:9]}")).json()
    assert (read["job_id"], read["steps"][-1]["status"]) == (job, "dead")
    assert (await program.get("/api/jobs/0000000000")).status_code == 404


async def test_a_program_goes_through_all_runs_page_by_page(
    program: httpx2.AsyncClient, database: Database
) -> None:
    seen, before = list[int](), {}
    while before is not None:
        page = (await program.get("/api/runs", params={"limit": 7, **before})).json()
        seen += [row["id"] for row in page["rows"]]
        before = {"before": page["next"]} if page["next"] else None
    assert seen == [
        row["id"] for row in await database.fetch("select id from runs order by id desc")
    ]


async def test_dead_letters_that_died_together_are_on_one_page_each(
    program: httpx2.AsyncClient, database: Database
) -> None:
    await database.fetch(
        "insert into runs (job_id, step, pipeline, status, finished_at)"
        " select 'lost ' || n, 'check', 'order', 'dead', timestamptz '2026-01-01' from "
        "generate_series(1, 5) n"
    )
    seen, before = list[str](), {}
    while before is not None:
        page = (await program.get("/api/dead", params={"limit": 2, **before})).json()
        seen += [row["job_id"] for row in page["rows"]]
        before = {"before": page["next"]} if page["next"] else None
    assert sorted(seen) == sorted(row["job_id"] for row in await queries.dead(database))
    assert len(seen) == 6


async def whole(program: httpx2.AsyncClient, path: str, **params: Any) -> list[Any]:
    """The ids of a list, page by page."""
    seen, before = list[Any](), {}
    while before is not None:
        page = (await program.get(path, params={"limit": 2, **params, **before})).json()
        seen += [row["id"] for row in page["rows"]]
        before = {"before": page["next"]} if page["next"] else None
    return seen


async def test_what_waits_since_the_same_moment_is_on_one_page_each(
    program: httpx2.AsyncClient, database: Database
) -> None:
    await database.fetch(
        "insert into runs (job_id, step, pipeline, status, finished_at, created_at)"
        " select 'seen ' || n, 'check', 'order', 'needs_review', case when n > 2 then "
        "timestamptz '2026-01-01' end,"
        " timestamptz '2026-01-01' from generate_series(1, 5) n"
    )
    seen = await whole(program, "/api/review")
    assert seen == [row["id"] for row in await queries.review(database)]
    assert len(seen) == len(set(seen)) > 5


async def test_outside_writes_are_read_page_by_page(
    program: httpx2.AsyncClient, database: Database
) -> None:
    await database.fetch(
        "insert into effects (job_id, name, content_hash, run_id, attempt, status)"
        " select 'job ' || n, 'x', 'x', 0, 1, case when n % 2 = 0 then 'intended' else 'done' end"
        " from generate_series(1, 7) n"
    )
    rows = await database.fetch("select id, status from effects order by id desc")
    unknown = [row["id"] for row in rows if row["status"] == "intended"]
    done = [row["id"] for row in rows if row["status"] == "done"]
    assert await whole(program, "/api/effects") == unknown + done
    assert await whole(program, "/api/effects", open="true") == unknown
    assert len(unknown) >= 3


async def test_alerts_of_the_same_moment_are_on_one_page_each(
    program: httpx2.AsyncClient, database: Database
) -> None:
    await database.fetch(
        "insert into alerts (kind, subject, text, last_at, resolved_at)"
        " select 'parked', 'job ' || n, '', timestamptz '2026-01-01', case when n % 2 = "
        "0 then ledger_now() end"
        " from generate_series(1, 7) n"
    )
    rows = await database.fetch(
        "select id, resolved_at is null as is_open from alerts order by last_at desc, id desc"
    )
    assert await whole(program, "/api/alerts") == [row["id"] for row in rows if row["is_open"]]
    by_state = sorted(rows, key=lambda row: not row["is_open"])
    assert await whole(program, "/api/alerts", all="true") == [row["id"] for row in by_state]


async def test_runs_are_filtered(program: httpx2.AsyncClient) -> None:
    rows = (await program.get("/api/runs", params={"status": "needs_review", "key": "ada"})).json()[
        "rows"
    ]
    assert [(row["status"], row["key"]) for row in rows] == [("needs_review", "ada")]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=many",
        "status=tired",
        "before=-1",
        "limt=5",
        "limit=1&limit=2",
        "key=",
    ],
)
async def test_a_parameter_that_does_not_fit_is_refused(
    program: httpx2.AsyncClient, query: str
) -> None:
    answer = await program.get(f"/api/runs?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_every_button_is_an_action_of_the_api() -> None:
    assert set(api.VERBS) == set(OPERATIONS)


async def test_an_action_is_done_in_the_name_of_the_token(
    program: httpx2.AsyncClient, database: Database
) -> None:
    job = await job_of(database, "dead")
    assert await do(program, "replay", job=job, reason="mended") == (
        200,
        "1 failed job started again",
    )
    (deed,) = await queries.actions(database, job)
    assert (deed["verb"], deed["by"], deed["reason"]) == ("replay", "script", "mended")


async def test_what_waits_is_approved_with_its_seal(
    program: httpx2.AsyncClient, database: Database
) -> None:
    job = await job_of(database, "needs_review")
    seal = (await program.get(f"/api/review/{job}")).json()["revision"]
    assert (await do(program, "approve", job=job, seen="0" * 64))[0] == 409  # its older name
    assert (await do(program, "reject", job=job, revision=seal))[0] == 422  # without a reason
    assert await do(program, "approve", job=job, revision=seal) == (
        200,
        f"approved: job {job} goes on after judge",
    )
    assert (await do(program, "approve", job=job, revision=seal))[0] == 409
    assert (await program.get(f"/api/review/{job}")).status_code == 404


async def test_an_edited_letter_starts_with_the_input_of_the_body(
    program: httpx2.AsyncClient, database: Database
) -> None:
    job = await job_of(database, "dead")
    assert (await do(program, "edit", job=job, input={"customer": 1}))[0] == 422
    assert (await do(program, "edit", job=job, input={"customer": "ada", "number": 7}))[0] == 200
    (run,) = await database.fetch("select status, input from runs where job_id = %s", [job])
    assert (run["status"], run["input"]["number"]) == ("queued", 7)


async def test_everything_is_replayed_only_when_it_is_said(program: httpx2.AsyncClient) -> None:
    assert (await do(program, "replay"))[0] == 400
    assert (await do(program, "replay", everything=False))[0] == 400
    assert await do(program, "replay", everything=True) == (200, "1 failed job started again")


async def test_switches_breakers_and_budgets_are_set(program: httpx2.AsyncClient) -> None:
    assert (await do(program, "pause", scope="customer:ada", reason="a look"))[0] == 200
    assert (await do(program, "pause", scope="customer:nobody"))[0] == 404
    assert (await do(program, "pause", scope="everything"))[0] == 400
    assert (await do(program, "close-breaker", name="shop ada", reason="well"))[0] == 200
    assert await do(program, "set-budget", scope="all", usd=7.5) == (
        200,
        "all may spend $7.50 a day",
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b'{"scope": "\\ud800"}', 400),
        (b"[]", 422),
        (b'{"scope": "all", "reason": "a\\u0000b"}', 422),
        (b'{"scope": "all", "because": "x"}', 422),
        (b'{"scope": 1}', 422),
        (b" " * (api.BODY_LIMIT + 1), 413),
    ],
)
async def test_a_body_that_cannot_be_read_changes_nothing(
    program: httpx2.AsyncClient, database: Database, body: bytes, status: int
) -> None:
    answer = await program.post("/api/do/pause", content=body)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert await _off(database) == ["key:ben"]


@pytest.mark.parametrize(
    "value", ['"a\\u0000b"', "NaN", "1e999", '{"customer": "ada", "number": NaN}']
)
async def test_an_input_that_postgres_cannot_store_is_refused(
    program: httpx2.AsyncClient, database: Database, value: str
) -> None:
    body = f'{{"job": "{await job_of(database, "dead")}", "input": {value}}}'
    answer = await program.post("/api/do/edit", content=body)
    assert answer.status_code == 422


async def test_without_a_token_or_a_session_nothing_is_told(
    app: App, opened: Open, database: Database
) -> None:
    async with opened(app, BOTH) as client:
        for path in ("/api/runs", "/api/openapi.json", "/api/nothing", "/metrics"):
            answer = await client.get(path)
            assert (answer.status_code, list(answer.json())) == (401, ["error"])
            assert answer.headers["www-authenticate"] == "Bearer"
        for headers in ({}, {"authorization": "Bearer on_wrong"}):
            answer = await client.post("/api/do/pause", json={"scope": "all"}, headers=headers)
            assert (answer.status_code, list(answer.json())) == (401, ["error"])
    assert await _off(database) == ["key:ben"]


async def test_a_token_that_may_only_look_changes_nothing(
    app: App, opened: Open, database: Database
) -> None:
    async with opened(app, BOTH) as client:
        client.headers["authorization"] = (
            f"Bearer {await access.add_token(database, 'screen', 'view')}"
        )
        assert (await client.get("/api/runs")).status_code == 200
        assert (await do(client, "pause", scope="all"))[0] == 403
    assert await _off(database) == ["key:ben"]


async def test_a_session_acts_with_the_mark_of_its_forms_alone(
    client: httpx2.AsyncClient, database: Database
) -> None:
    mark = await csrf(client)
    evil = {"origin": "https://evil.example", api.CSRF: mark}
    for headers in ({}, {api.CSRF: "0" * 64}, evil):
        answer = await client.post("/api/do/pause", json={"scope": "all"}, headers=headers)
        assert answer.status_code == 403
    assert await _off(database) == ["key:ben"]
    answer = await client.post("/api/do/pause", json={"scope": "all"}, headers={api.CSRF: mark})
    assert answer.status_code == 200
    (deed,) = await database.fetch(
        "select by from actions where target = 'all' order by id desc limit 1"
    )
    assert deed["by"] == actors.whoami()


async def test_what_there_is_not_is_refused_in_json(program: httpx2.AsyncClient) -> None:
    for method, path, status in (
        ("GET", "/api/nothing", 404),
        ("POST", "/api/runs", 405),
        ("GET", "/api/do/pause", 405),
        ("GET", "/api/runs/", 404),
    ):
        answer = await program.request(method, path)
        assert (answer.status_code, list(answer.json())) == (status, ["error"])


async def test_the_api_says_retry_later_while_the_database_is_away(
    program: httpx2.AsyncClient, database: Database
) -> None:
    assert database._pool
    await database._pool.close()
    answer = await program.get("/api/runs")
    assert (answer.status_code, list(answer.json())) == (503, ["error"])
    assert answer.headers["retry-after"]


async def test_an_answer_past_its_time_limit_says_what_to_do(
    app: App, hurried: Database, opened: Open, database: Database
) -> None:
    async with (
        opened(app, on=hurried) as client,
        database.connection() as other,
        other.transaction(),
    ):
        await client.get("/switches")
        await other.execute("lock table runs")
        for path in ("/", "/runs", "/dead", "/api/runs", "/api/review"):
            answer = await client.get(path)
            assert (answer.status_code, "in time" in answer.text) == (503, True)
        assert "narrow the filter" in (await client.get("/runs?key=ada")).text


async def test_the_openapi_document_has_all_paths_and_parameters(
    program: httpx2.AsyncClient,
) -> None:
    document = (await program.get("/api/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    assert set(paths) == {e.path for e in api.ENDPOINTS} | {f"/do/{verb}" for verb in OPERATIONS}
    runs = {each["name"]: each["schema"] for each in paths["/runs"]["get"]["parameters"]}
    assert set(runs) == {"status", "pipeline", "key", "before", "limit"}
    assert (runs["limit"]["minimum"], runs["limit"]["maximum"]) == (1, api.MAX_ROWS)
    assert "dead" in runs["status"]["enum"]
    (job,) = paths["/jobs/{job}"]["get"]["parameters"]
    assert (job["in"], job["required"]) == ("path", True)
    body = paths["/do/approve"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["required"]) == {"job", "revision"}
    assert "$ref" not in str(paths["/do/edit"]["post"]["requestBody"])
    for verb in ("replay", "discard"):
        body = paths[f"/do/{verb}"]["post"]["requestBody"]["content"]["application/json"]["schema"][
            "properties"
        ]
        assert set(body) == {
            "job",
            "pipeline",
            "step",
            "key",
            "error",
            "since",
            "until",
            "group",
            "everything",
            "dry_run",
            "reason",
        }
        assert "the number of a message" in body["job"]["description"]


@pytest.mark.parametrize("path", [path for path in LISTS if path != "/status"])
async def test_an_answer_has_the_fields_that_the_document_names(
    program: httpx2.AsyncClient, path: str
) -> None:
    answer = (await program.get(f"/api{path}", params=NEEDED.get(path))).json()
    response = api.document()["paths"][path]["get"]["responses"]["200"]
    schema = response["content"]["application/json"]["schema"]
    assert set(answer) == set(schema["required"]) == set(schema["properties"])


class City(BaseModel):
    name: str


class Address(BaseModel):
    city: City
    others: list[City] = []


class Move(BaseModel):
    """A command of an app, whose models are nested."""

    to: Address | None = None


def test_the_schema_of_an_app_s_own_nested_command_is_whole() -> None:
    document = api.document({"move": api.Verb("Move.", Move)})
    body = document["paths"]["/do/move"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    address = schema["properties"]["to"]["anyOf"][0]
    assert address["properties"]["city"]["properties"]["name"]["type"] == "string"
    assert address["properties"]["others"]["items"]["required"] == ["name"]
    assert "$ref" not in str(body)


@pytest.mark.parametrize("place", NUL)
async def test_a_nul_character_in_an_address_is_refused(
    client: httpx2.AsyncClient, place: str
) -> None:
    assert (await client.get(NUL[place])).status_code == 400


async def test_a_form_with_odd_contents_is_refused(
    client: httpx2.AsyncClient, database: Database
) -> None:
    mark, job = await csrf(client), await job_of(database, "dead")
    for form in ({"reason": "a\0b"}, {"back\0": "/"}, {f"field {n}": "" for n in range(1_001)}):
        answer = await client.post("/do/pause", data={"scope": "all", "csrf": mark, **form})
        assert answer.status_code == 400
    for value in ("[" * 100_000, '"\\ud800"', '"\\u0000"', "NaN", "1e999", "9" * 5_000):
        answer = await client.post(
            "/do/edit", data={"job": job, "input": value, "csrf": mark, "back": "/dead"}
        )
        assert "refused=" in answer.headers["location"]
    assert await _off(database) == ["key:ben"]


@pytest.mark.parametrize(
    "query", ["hours=²", "hours=" + "9" * 5_000, "before=" + "9" * 30, "job=%FF%FE", "error=%25"]
)
async def test_odd_numbers_and_letters_in_an_address_do_no_harm(
    client: httpx2.AsyncClient, query: str
) -> None:
    for page in pages.PAGES:
        if "{" not in page.path:
            assert (await client.get(f"{page.path}?{query}")).status_code < 500


@pytest.mark.parametrize("header", ["host", "origin"])
async def test_odd_headers_do_no_harm(client: httpx2.AsyncClient, header: str) -> None:
    for value in ("[", "[::1", "http://[", "http://[::1"):
        answer = await client.post("/do/pause", data={"csrf": "x"}, headers={header: value})
        assert answer.status_code in (400, 403, 421)


async def _off(database: Database) -> list[str]:
    return [
        row["scope"] for row in await database.fetch("select scope from switches where not enabled")
    ]
