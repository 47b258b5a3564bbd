"""IndexNow against a local endpoint: the key before the first ping, batches, ten minutes, and each
of its answers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from contentstudio import config as settings
from contentstudio.app import build
from contentstudio.config import Config, Site
from contentstudio.indexing import indexnow
from contentstudio.model import Published
from contentstudio.store.index_status import Batch, IndexStatus
from contentstudio.store.sql import queries
from contentstudio.web.fetch import Fetcher
from overnight.errors import Permanent, Transient
from overnight.identity import input_hash
from overnight.pipelines.pipeline import dump
from overnight.store.database import Database, run
from overnight.store.ledger import Ledger
from overnight.store.records import NewRun
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.contract

KEY = "key-0123456789"
PAGE = "https://garden.example/{}/"


class Endpoint:
    """`answers` are given in turn, the last one for good; `told` are the bodies. The key's file
    lies there too.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = [(200, {})]
        self.told: list[dict[str, Any]] = []
        self.key = KEY
        self.looked = 0
        self.url = server.url_for("").rstrip("/")
        server.expect_request(f"/{KEY}.txt").respond_with_handler(self._key)
        server.expect_request("/indexnow", "POST").respond_with_handler(self._ping)
        server.expect_request(re.compile("")).respond_with_data("", 404)

    def _key(self, _: Request) -> Response:
        self.looked += 1
        return Response(self.key, 200 if self.key else 404, content_type="application/octet-stream")

    def _ping(self, request: Request) -> Response:
        self.told.append(request.get_json())
        last = len(self.answers) == 1
        status, headers = self.answers[0] if last else self.answers.pop(0)
        return Response(status=status, headers=headers)

    @property
    def urls(self) -> list[str]:
        return [url for body in self.told for url in body["urlList"]]


@pytest.fixture
def endpoint(httpserver: HTTPServer) -> Endpoint:
    return Endpoint(httpserver)


@pytest.fixture
def config(endpoint: Endpoint, tmp_path: Path) -> Config:
    file = tmp_path / "contentstudio.toml"
    ping = (
        f"endpoint = '{endpoint.url}/indexnow', key = '{KEY}', key_url = '{endpoint.url}/{KEY}.txt'"
    )
    file.write_text(
        "[fetch]\nallow_loopback = true\n[writing]\nwriter = 'offline'\n"
        "offline_articles = 'publish'\n[[site]]\nname = 'garden'\n"
        f"url = 'https://garden.example'\nsources = ['https://a.example']\nping = {{ {ping} }}\n",
        "utf-8",
    )
    return settings.load(file)


@pytest.fixture
def site(config: Config) -> Site:
    return config.find("garden")


@pytest.fixture
async def fetcher(config: Config) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(config.fetch)
    yield fetcher
    await fetcher.aclose()


@pytest.fixture
def note(database: Database) -> Callable[[str], Any]:
    async def note(slug: str) -> str:
        await IndexStatus(database).note_change("garden", slug, PAGE.format(slug), f"job-{slug}")
        return PAGE.format(slug)

    return note


Note = Callable[[str], Any]


async def test_one_ping_tells_of_all_pages_that_wait(
    database: Database, endpoint: Endpoint, site: Site, note: Note
) -> None:
    pages = [await note(slug) for slug in ("ants", "bees", "cats")]
    told = await indexnow.ping(IndexStatus(database), site, pages[1])
    assert (told.state, told.urls) == ("accepted", 3)
    assert endpoint.told == [
        {
            **{"host": "garden.example", "key": KEY, "keyLocation": f"{endpoint.url}/{KEY}.txt"},
            "urlList": pages,
        }
    ]
    assert {one.state for one in await IndexStatus(database).read("garden", 9)} == {"accepted"}


async def test_a_ping_has_at_most_so_many_urls_and_its_own_among_them(
    database: Database, endpoint: Endpoint, site: Site, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexnow, "MOST_URLS", 2)
    pages = [await note(slug) for slug in ("ants", "bees", "cats")]
    await indexnow.ping(IndexStatus(database), site, pages[2])
    assert len(endpoint.urls) == 2
    assert pages[2] in endpoint.urls


async def test_a_page_of_another_host_is_not_in_the_batch(
    database: Database, endpoint: Endpoint, site: Site, note: Note
) -> None:
    page = await note("ants")
    await IndexStatus(database).note_change(
        "garden", "far", "https://garden.example.org/far/", "job-far"
    )
    await indexnow.ping(IndexStatus(database), site, page)
    assert endpoint.urls == [page]


async def test_workers_at_once_tell_of_no_page_twice(
    database: Database, endpoint: Endpoint, site: Site, note: Note
) -> None:
    pages = [await note(f"page-{n}") for n in range(20)]
    done = await asyncio.gather(
        *(indexnow.ping(IndexStatus(database), site, page) for page in pages),
        return_exceptions=True,
    )
    assert sorted(endpoint.urls) == sorted(set(endpoint.urls))
    assert all(isinstance(one, indexnow.Pinged | indexnow.Taken) for one in done)


async def test_a_page_that_changed_again_is_told_of_ten_minutes_later(
    database: Database, clock: Clock, endpoint: Endpoint, site: Site, config: Config, note: Note
) -> None:
    await note("ants")
    await publish(config, database, clock, "one", "ants", horizon=1)
    await clock.move(60)
    await note("ants")
    await publish(config, database, clock, "two", "ants", horizon=1)
    assert len(endpoint.told) == 1
    await run_until_idle(build(config), database, clock=clock, horizon=539 - 1)
    assert len(endpoint.told) == 1
    await run_until_idle(build(config), database, clock=clock, horizon=600)
    assert len(endpoint.told) == 2
    assert [row["output"]["state"] for row in await outputs(database)] == ["accepted", "accepted"]


async def test_a_page_noted_while_a_ping_begins_is_submitted_once(
    database: Database, site: Site, note: Note
) -> None:
    asked = {"site": "garden", "origin": "https://garden.example/", "apart": 600, "most": 9}
    async with database.connection() as connection, connection.transaction():
        await connection.execute("select ledger_now()")
        page = await note("bees")
        rows = await run(connection, queries["listing_take"], {**asked, "url": page})
    batch = Batch(urls=(page,), told_at=rows[0]["told_at"])
    await IndexStatus(database).arrived("garden", batch, accepted=True)
    stands = await IndexStatus(database).ping_status("garden", page, 600)
    assert stands is not None and stands.submitted


async def test_a_change_during_a_ping_is_submitted_again(
    database: Database, clock: Clock, site: Site, note: Note
) -> None:
    page = await note("ants")
    batch = await IndexStatus(database).take("garden", page, "https://garden.example/", 600, 9)
    assert batch is not None
    await clock.move(1)
    await note("ants")
    await IndexStatus(database).arrived("garden", batch, accepted=True)
    stands = await IndexStatus(database).ping_status("garden", page, 600)
    assert stands is not None
    assert not stands.submitted
    assert [one.state for one in await IndexStatus(database).read("garden", 9)] == ["unknown"]


@pytest.mark.parametrize(("status", "state"), [(200, "accepted"), (202, "submitted")])
async def test_an_answer_of_200_is_accepted_and_one_of_202_submitted(
    database: Database, endpoint: Endpoint, site: Site, note: Note, status: int, state: str
) -> None:
    endpoint.answers = [(status, {})]
    assert (await indexnow.ping(IndexStatus(database), site, await note("ants"))).state == state
    assert [one.state for one in await IndexStatus(database).read("garden", 9)] == [state]


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (400, "format"),
        (403, "key was not found"),
        (422, "do not belong to the host"),
        (410, "refused"),
    ],
)
async def test_a_refusal_says_why_and_nothing_was_told(
    database: Database, endpoint: Endpoint, site: Site, note: Note, status: int, says: str
) -> None:
    endpoint.answers = [(status, {}), (200, {})]
    page = await note("ants")
    with pytest.raises(Permanent, match=says):
        await indexnow.ping(IndexStatus(database), site, page)
    assert [one.state for one in await IndexStatus(database).read("garden", 9)] == ["unknown"]
    assert (await indexnow.ping(IndexStatus(database), site, page)).state == "accepted"


@pytest.mark.parametrize(
    ("said", "waits"), [({}, 600), ({"Retry-After": "30"}, 600), ({"Retry-After": "1200"}, 1_200)]
)
async def test_too_often_is_waited_out_and_the_page_is_kept_back(
    database: Database,
    endpoint: Endpoint,
    site: Site,
    note: Note,
    said: dict[str, str],
    waits: float,
) -> None:
    endpoint.answers = [(429, said)]
    page = await note("ants")
    with pytest.raises(Transient, match="too often") as caught:
        await indexnow.ping(IndexStatus(database), site, page)
    assert caught.value.retry_after == waits
    stands = await IndexStatus(database).ping_status("garden", page, 600)
    assert stands is not None
    assert 590 < stands.wait <= 600


async def test_a_broken_endpoint_is_tried_again_when_it_says(
    database: Database, endpoint: Endpoint, site: Site, note: Note
) -> None:
    endpoint.answers = [(503, {"Retry-After": "7"}), (200, {})]
    page = await note("ants")
    with pytest.raises(Transient, match="503") as caught:
        await indexnow.ping(IndexStatus(database), site, page)
    assert caught.value.retry_after == 7
    assert (await indexnow.ping(IndexStatus(database), site, page)).state == "accepted"


async def test_the_key_is_checked_once_and_again_after_a_refusal(
    database: Database, endpoint: Endpoint, site: Site, fetcher: Fetcher, note: Note
) -> None:
    for _ in range(2):
        await indexnow.check_key(IndexStatus(database), fetcher, site)
    assert endpoint.looked == 1
    endpoint.answers = [(403, {})]
    with pytest.raises(Permanent):
        await indexnow.ping(IndexStatus(database), site, await note("ants"))
    await indexnow.check_key(IndexStatus(database), fetcher, site)
    assert endpoint.looked == 2


@pytest.mark.parametrize("there", ["another-key", ""])
async def test_without_its_key_a_site_pings_nobody(
    database: Database,
    clock: Clock,
    endpoint: Endpoint,
    config: Config,
    site: Site,
    note: Note,
    there: str,
) -> None:
    endpoint.key = there
    await note("ants")
    await publish(config, database, clock, "one", "ants")
    assert endpoint.told == []
    (run,) = await database.fetch("select status, error from runs where step = 'ping'")
    assert run["status"] == "dead"
    assert "a file with the key alone" in run["error"]


async def publish(
    config: Config, database: Database, clock: Clock, job: str, slug: str, horizon: float = 3_600
) -> None:
    """A job whose article was published, and is to be told of."""
    payload = dump(Published(url=PAGE.format(slug), action="updated", sha256=job))
    await Ledger(database).enqueue(
        [NewRun(job, "ping", "article", "garden", payload, input_hash(payload))]
    )
    await run_until_idle(build(config), database, clock=clock, horizon=horizon)


async def outputs(database: Database) -> list[dict[str, Any]]:
    return await database.fetch("select output from runs where step = 'ping' order by id")
