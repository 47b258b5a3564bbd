"""The whole flow on a real database, with the clock moved: from sources to pages, and what must not
become one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import nights
import pytest
from nights import outcomes, published

from contentstudio import app as studio
from contentstudio import pipelines
from contentstudio.config import Config
from contentstudio.demo.web import FEEDS, FLAKY, HARD, INDEXNOW, DemoWeb
from overnight.operations import runs, switches
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]


async def night(config: Config, database: Database, clock: Clock, date: str = "2026-11-23") -> None:
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": date, "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)


async def test_a_night_publishes_what_passes_and_reports_the_rest(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = write_config(nights.reads(web), ping=web.url + INDEXNOW)
    await night(config, database, clock)
    await nights.check(database, config, web)
    assert web.requests[FLAKY] == 2
    assert len(nights.pinged(web)) == len(published(config))


async def test_a_repeated_night_does_nothing_the_next_knows_its_ideas(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = write_config([web.url + FEEDS[0]])
    await night(config, database, clock)
    before = {path: path.read_bytes() for path in published(config)}
    fetched = web.requests.total()
    await night(config, database, clock)
    assert web.requests.total() == fetched
    await night(config, database, clock, "2026-11-24")
    assert web.requests.total() > fetched
    assert {path: path.read_bytes() for path in published(config)} == before
    known = await database.fetch("select error from runs where outcome = 'no_work'")
    assert len([row for row in known if "is known since 2026-11-23" in row["error"]]) == 4


async def test_a_repeated_night_by_hand_reads_the_sources_added_since(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    now = await clock.now()
    for count, paths in enumerate(
        [
            ["/potting-shed/mulch.html"],
            ["/potting-shed/mulch.html", "/clear-skies/moon-phases.html"],
        ],
        1,
    ):
        config = write_config([web.url + path for path in paths])
        app = studio.build(config)
        assert await pipelines.begin(app, database, config, now) == (count == 1)
        await run_until_idle(app, database, clock=clock)
        assert len(published(config)) == count
    assert web.requests["/potting-shed/mulch.html"] == 1


async def test_many_pages_with_one_title_are_one_topic(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    pages = [f"{web.url}/potting-shed/mulch.html?copy={n}&Case={'aA'[n % 2]}" for n in range(8)]
    config = write_config(pages)
    await night(config, database, clock)
    assert len(published(config)) == 1
    assert await database.fetch("select error from dead_letters") == []


async def test_an_article_waits_out_its_debounce(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = write_config([web.url + "/potting-shed/mulch.html"])
    assert config.publishing.debounce_seconds == 90
    await night(config, database, clock)
    (row,) = await database.fetch(
        "select extract(epoch from p.started_at - g.finished_at)::float8 as seconds "
        "from runs p join runs g using (job_id) where p.step = 'publish' and g.step = 'gate'"
    )
    assert row["seconds"] >= 90


@pytest.mark.parametrize("scope", ["all", "key:garden", "pipeline:article", "step:article/publish"])
async def test_with_the_switch_off_nothing_is_written_outside(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, scope: str
) -> None:
    config = write_config([web.url + FEEDS[0]], ping=web.url + INDEXNOW)
    await switches.pause(database, scope, reason="look first")
    await night(config, database, clock)
    assert published(config) == []
    assert web.pings == []
    if scope in ("all", "key:garden"):
        assert web.requests.total() == 0
    await switches.resume(database, scope, reason="fine")
    await night(config, database, clock)
    assert len(published(config)) == 4
    assert sum(len(ping["urlList"]) for ping in web.pings) == 4


class Hostile(BaseHTTPRequestHandler):
    """Answers that must not become articles."""

    ANSWERS: ClassVar = {
        "/502": (502, "text/html", b"<h1>Bad Gateway</h1>"),
        "/broken.xml": (
            200,
            "application/rss+xml",
            b'<?xml version="1.0"?><rss><channel><title>Bro',
        ),
        "/empty.xml": (
            200,
            "application/rss+xml",
            b"<rss version='2.0'><channel><title>E</title></channel></rss>",
        ),
        "/js": (200, "text/html", b"<script>" + b"var a = [1, 2, 3];" * 40_000 + b"</script>"),
        "/french": (
            200,
            "text/html",
            b"<html lang='fr'><body><p>" + b"Le chat dort dans le jardin. " * 80 + b"</p>",
        ),
    }

    def do_GET(self) -> None:
        status, kind, body = self.ANSWERS.get(self.path, (404, "text/plain", b""))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def hostile() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_each_bad_source_has_a_clear_outcome_and_no_article(
    database: Database, clock: Clock, hostile: str, write_config: Write
) -> None:
    sources = [f"{hostile}{path}" for path in Hostile.ANSWERS] + [
        "http://10.0.0.1/",
        "http://169.254.169.254/meta",
    ]
    await night(write_config(sources), database, clock)
    found = await outcomes(database, "source")
    told = {url.removeprefix(hostile): outcome for url, outcome in found.items()}
    assert {url: outcome[:2] for url, outcome in told.items()} == {
        "/502": ("dead", "error"),
        "/broken.xml": ("dead", "error"),
        "/empty.xml": ("succeeded", "no_work"),
        "/js": ("cancelled", "cancel"),
        "/french": ("cancelled", "cancel"),
        "http://10.0.0.1/": ("dead", "error"),
        "http://169.254.169.254/meta": ("dead", "error"),
    }
    assert all(outcome[2] for outcome in told.values())
    assert await outcomes(database, "article") == {}
    attempts = await database.one(
        "select jsonb_array_length(attempts) as n from dead_letters where error like '%%502%%'",
        {"x": 1},
    )
    assert attempts == {"n": pipelines.PATIENT.times + 1}


async def test_the_review_shows_the_article_and_its_verdicts(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    await night(write_config([web.url + HARD]), database, clock)
    (row,) = await database.fetch("select output from runs where status = 'needs_review'")
    shown = studio.preview(row["output"])
    assert "Methodological considerations" in shown
    assert "FAILED  readability" in shown
    assert "passed  quotes" in shown


async def test_the_slots_date_is_the_date_of_its_night() -> None:
    from contentstudio.pipelines import build
    from contentstudio.pipelines.work import Night

    site = {"name": "a", "url": "https://a.example", "sources": ["https://b.example/"]}
    config = Config.model_validate(
        {"site": [site], "research": {"cron": "30 1 * * *", "timezone": "Europe/Belgrade"}}
    )
    night_pipeline = build(config)[0]
    (cron,) = night_pipeline.crons()
    slot = cron.next_slot(datetime(2026, 11, 22, 12, tzinfo=UTC))
    assert slot == datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    job = night_pipeline.job(cron.input(slot.astimezone(cron.zone)))
    assert Night.model_validate_json(job.input).date.isoformat() == "2026-11-23"
    assert json.loads(job.input) == {"date": "2026-11-23", "sites": ["a"]}
