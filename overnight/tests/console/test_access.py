"""Who may look, and who may act."""

from __future__ import annotations

import console_night as night
import httpx2
import pytest
from console_night import Open, csrf

from overnight import App
from overnight.console import access, pages
from overnight.console.access import Access
from overnight.errors import ConfigError
from overnight.store.database import Database
from overnight.testing import Clock

pytestmark = pytest.mark.contract

BOTH = Access({"operate": "a long password", "view": "another password"})
PATHS = [page.path.replace("{job}", "0123") for page in pages.PAGES]


async def log_in(client: httpx2.AsyncClient, password: str = "a long password") -> httpx2.Response:
    return await client.post("/login", data={"password": password})


async def pause(client: httpx2.AsyncClient, **form: str) -> httpx2.Response:
    return await client.post("/do/pause", data={"scope": "all", "reason": "a test", **form})


async def switched_off(database: Database) -> list[str]:
    return [
        row["scope"] for row in await database.fetch("select scope from switches where not enabled")
    ]


def test_without_a_password_it_refuses_to_listen_for_others() -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        Access({}).check_host(host)
        BOTH.check_host("0.0.0.0")
    for host in ("0.0.0.0", "192.168.1.5", "::", "example.org"):
        with pytest.raises(ConfigError, match="needs a password"):
            Access({}).check_host(host)


def test_a_short_password_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(access.PASSWORD, "short")
    with pytest.raises(ConfigError, match="at least 12"):
        Access.from_environment()


@pytest.mark.parametrize("path", [*PATHS, "/live", "/review/0123/preview", "/nothing-here"])
async def test_without_a_session_nothing_is_shown(app: App, opened: Open, path: str) -> None:
    async with opened(app, BOTH) as client:
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (303, "")
        assert answer.headers["location"].startswith("/login?next=/")


@pytest.mark.parametrize("verb", ["pause", "replay", "approve", "edit", "set-budget"])
async def test_without_a_session_nothing_is_changed(
    app: App, opened: Open, database: Database, verb: str
) -> None:
    before = await database.fetch("select id, status from runs order by id")
    async with opened(app, BOTH) as client:
        answer = await client.post(
            f"/do/{verb}", data={"scope": "all", "reason": "x", "everything": "yes"}
        )
    assert answer.headers["location"].startswith("/login")
    assert await switched_off(database) == ["key:ben"]
    assert await database.fetch("select id, status from runs order by id") == before


async def test_the_right_password_opens_it_and_logging_out_closes_it(
    app: App, opened: Open
) -> None:
    async with opened(app, BOTH) as client:
        answer = await log_in(client)
        assert answer.headers["location"] == "/"
        cookie = answer.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "samesite=strict", "max-age="))
        assert (await client.get("/")).status_code == 200
        kept = dict(client.cookies)
        await client.post("/logout", data={"csrf": await csrf(client)})
        client.cookies.update(kept)  # whoever copied the cookie has nothing
        assert (await client.get("/")).status_code == 303


async def test_a_session_ends_after_a_working_day(app: App, opened: Open, clock: Clock) -> None:
    async with opened(app, BOTH) as client:
        await log_in(client)
        await clock.move(access.SESSION_SECONDS - 60)
        assert (await client.get("/")).status_code == 200
        await clock.move(61)
        assert (await client.get("/")).status_code == 303


async def test_too_many_wrong_passwords_delay_even_the_right_one(
    app: App, opened: Open, clock: Clock
) -> None:
    async with opened(app, BOTH) as client:
        for _ in range(access.TRIES):
            assert (await log_in(client, "not the password")).status_code == 403
        assert (await log_in(client)).status_code == 429
        await clock.move(access.TRY_SECONDS + 1)
        assert (await log_in(client)).status_code == 303


async def test_neither_passwords_nor_cookies_nor_tokens_are_stored(
    app: App, opened: Open, database: Database
) -> None:
    token = await access.add_token(database, "script", "view")
    async with opened(app, BOTH) as client:
        await log_in(client)
        stored = await database.fetch("select to_jsonb(s)::text as row from console_sessions s")
        stored += await database.fetch("select to_jsonb(t)::text as row from console_tokens t")
        for secret in ("a long password", client.cookies[access.COOKIE], token):
            assert not any(secret in row["row"] for row in stored)


async def test_who_only_looks_sees_no_button_and_cannot_act(
    app: App, opened: Open, database: Database
) -> None:
    async with opened(app, BOTH) as client:
        await log_in(client, "another password")
        for path in ("/dead", "/switches", "/budgets", "/breakers"):
            assert "/do/" not in (await client.get(path)).text
        answer = await pause(client, csrf=access.csrf_of(client.cookies[access.COOKIE]))
        assert answer.status_code == 403
        assert await switched_off(database) == ["key:ben"]


@pytest.mark.parametrize("given", ["", "0" * 64])
async def test_a_form_without_the_sessions_mark_changes_nothing(
    client: httpx2.AsyncClient, database: Database, given: str
) -> None:
    await client.get("/")
    assert (await pause(client, csrf=given)).status_code == 403
    assert await switched_off(database) == ["key:ben"]


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
)
async def test_a_form_from_another_site_changes_nothing(
    client: httpx2.AsyncClient, database: Database, headers: dict[str, str]
) -> None:
    form = {"scope": "all", "reason": "x", "csrf": await csrf(client)}
    assert (await client.post("/do/pause", data=form, headers=headers)).status_code == 403
    assert await switched_off(database) == ["key:ben"]


async def test_an_open_console_answers_to_this_machines_names_alone(
    client: httpx2.AsyncClient,
) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "192.168.1.5:8400", ""):
        assert (await client.get("/", headers={"host": host})).status_code in (400, 421)
    for host in ("localhost:8400", "127.0.0.1", "[::1]:1"):
        assert (await client.get("/", headers={"host": host})).status_code == 200


async def test_a_token_that_is_not_known_opens_nothing(app: App, opened: Open) -> None:
    async with opened(app) as client:
        for value in ("Bearer on_wrong", "Basic eDp5", "Bearer"):
            assert (await client.get("/", headers={"authorization": value})).status_code == 401


@pytest.mark.parametrize("path", ["/", "/login", "/static/console.js", "/review", "/nothing"])
async def test_every_answer_forbids_what_a_page_does_not_need(
    client: httpx2.AsyncClient, path: str
) -> None:
    headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


async def test_nobody_is_sent_to_another_site(app: App, opened: Open) -> None:
    async with opened(app, BOTH) as client:
        for target in ("https://evil.example/", "//evil.example", "/\\evil.example"):
            answer = await client.post(
                "/login", data={"password": "a long password", "next": target}
            )
            assert answer.headers["location"] == "/"


async def test_what_is_shown_for_review_may_do_nothing(
    client: httpx2.AsyncClient, database: Database
) -> None:
    (row, *_) = await database.fetch("select job_id from runs where status = 'needs_review'")
    answer = await client.get(f"/review/{row['job_id']}/preview")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert (
        f'<iframe class="preview" sandbox src="/review/{row["job_id"]}/preview"'
        in (await client.get(f"/review/{row['job_id']}")).text
        or "preview" not in (await client.get(f"/review/{row['job_id']}")).text
    )
    assert night.HOSTILE not in answer.text
