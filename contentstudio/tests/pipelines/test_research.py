"""The step `research`: pages and notes for an idea, none of them asked for twice, and the end of an
idea of which too little is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from searching import MemorySearch, searching
from small_web import SmallWeb

from contentstudio import app as studio
from contentstudio.brief import Research
from contentstudio.config import Config
from contentstudio.demo.web import DemoWeb
from contentstudio.model import Snapshot
from contentstudio.search.port import Hit
from contentstudio.store.articles import Articles
from contentstudio.store.notes import Notes
from contentstudio.store.snapshots import Snapshots
from contentstudio.web.fetch import Fetcher
from contentstudio.web.polite import HostBusy
from overnight.operations import runs, switches
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
MULCH = "/potting-shed/mulch.html"
SLUG = "what-to-know-about-mulch-and-soil"
PAGE = (
    "<html lang='en'><head><title>{title}</title></head><body><article><h1>{title}</h1><p>{text}"
    "</p><p>Mulch of {what} keeps the soil moist through a dry summer. A blanket of {what} mulch "
    "feeds the soil life below it. Gardeners in Graz measured mulch beds of {what} for six years. "
    "They found that mulch on soil saves a third of the water.</p></article></body></html>"
)


def html(what: str, text: str = "") -> bytes:
    return PAGE.format(title=f"On {what}", what=what, text=text).encode()


def snapshot(url: str, text: str, language: str = "en") -> Snapshot:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return Snapshot(url=url, title="Kept", text=text, sha256=sha256, language=language)


async def night(
    config: Config, database: Database, clock: Clock, search: MemorySearch, **changes: Any
) -> None:
    app = searching(studio.build(config), search, **changes)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)


async def researched(database: Database) -> Research:
    (row,) = await database.fetch(
        "select output from runs where step = 'research' and pipeline = 'article' "
        "and status = 'succeeded'"
    )
    return Research.model_validate(row["output"])


async def ended(database: Database) -> tuple[str, str, str | None]:
    """The step at which the article's job ended, how, and why."""
    (row,) = await database.fetch(
        "select step, status, error from runs where pipeline = 'article' order by id desc limit 1"
    )
    return row["step"], row["status"], row["error"]


async def test_an_idea_is_researched_before_it_is_written(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    search = MemorySearch()
    await night(write_config([web.url + MULCH]), database, clock, search)
    research = await researched(database)
    assert await ended(database) == ("ping", "succeeded", None)
    assert {query for _, query, _ in search.asked} == set(research.questions)
    assert len(research.notes) >= 4
    texts = await Snapshots(database).read(page.sha256 for page in research.pages)
    for note in research.notes:
        assert texts[note.sha256].text[note.start : note.end] == note.span
    (job,) = await database.fetch("select distinct job_id from notes")
    rows = await Notes(database).of_job(job["job_id"])
    assert [(row["id"], row["span"]) for row in rows] == [(n.id, n.span) for n in research.notes]
    assert {row["url"] for row in rows} == {web.url + MULCH}
    assert {row["published_at"] for row in rows} == {research.pages[0].published_at} != {None}


async def test_hits_are_read_and_archived_and_their_hosts_are_counted(
    database: Database, clock: Clock, web: DemoWeb, small_web: SmallWeb, write_config: Write
) -> None:
    kept = snapshot(
        "https://kept.example/soil", "Mulch on the soil saves a third of the water in summer."
    )
    await Snapshots(database).keep(kept)
    small_web.answers |= {"/straw": html("straw"), "/bark": html("bark")}
    search = MemorySearch(
        Hit(url=kept.url, sha256=kept.sha256),
        Hit(url=f"{small_web.url}/straw"),
        Hit(url=f"http://localhost:{small_web.port}/bark"),
    )
    await night(write_config([web.url + MULCH]), database, clock, search)
    research = await researched(database)
    assert {page.url for page in research.pages} == {
        web.url + MULCH,
        *(hit.url for hit in search.hits),
    }
    assert {host for note in research.notes for host in note.hosts} == {
        *("127.0.0.1", "localhost", "kept.example")
    }
    saved = next(note for note in research.notes if note.sha256 == kept.sha256)
    assert len(saved.hosts) == 3
    archived = await database.fetch("select url from snapshots where url like '%%/straw'")
    assert len(archived) == 1


async def test_a_page_that_cannot_be_read_is_noted_and_left_out(
    database: Database, clock: Clock, web: DemoWeb, small_web: SmallWeb, write_config: Write
) -> None:
    small_web.answers |= {
        "/robots.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /private"),
        "/private": html("straw"),
        "/502": (502, {}, b""),
        "/empty": b"<html><body></body></html>",
        "/french": html("paille").replace(b"Mulch of", b"Le jardin est beau et la terre est"),
        "/pdf": (200, {"Content-Type": "application/pdf"}, b"%PDF"),
    }
    paths = ("private", "502", "empty", "pdf", "gone")
    search = MemorySearch(
        *(Hit(url=f"{small_web.url}/{path}") for path in paths), Hit(url="http://10.0.0.1/")
    )
    config = write_config([web.url + MULCH], extra="[research]\npages_per_host = 9\npages = 9\n")
    await night(config, database, clock, search)
    research = await researched(database)
    assert [page.url for page in research.pages] == [web.url + MULCH]
    unread = await database.fetch("select url, fault from readings where fault is not null")
    assert {row["url"] for row in unread} == {hit.url for hit in search.hits}
    assert "robots.txt" in next(row["fault"] for row in unread if "private" in row["url"])
    assert "/private" not in small_web.asked


async def test_pages_in_another_language_are_no_sources(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    text = "Der Mulch auf dem Boden spart im Sommer ein Drittel des Wassers."
    german = snapshot("https://de.example/", text, "de")
    await Snapshots(database).keep(german)
    search = MemorySearch(Hit(url=german.url, sha256=german.sha256))
    await night(write_config([web.url + MULCH]), database, clock, search)
    assert [page.url for page in (await researched(database)).pages] == [web.url + MULCH]


async def test_an_attempt_that_was_cut_off_reads_no_page_again(
    database: Database, clock: Clock, web: DemoWeb, small_web: SmallWeb, write_config: Write
) -> None:
    small_web.answers |= {"/straw": html("straw"), "/502": (502, {}, b"")}

    class Failing(MemorySearch):
        async def keep(self, *_: Any) -> None:
            raise ConnectionError("cut off")

    search = Failing(Hit(url=f"{small_web.url}/straw"), Hit(url=f"{small_web.url}/502"))
    config = write_config([web.url + MULCH])
    await night(config, database, clock, search, notes=search)
    assert (await ended(database))[:2] == ("research", "dead")
    asked = [path for path in small_web.asked if path != "/robots.txt"]
    assert sorted(asked) == ["/502", "/straw"]
    await clock.move(90_000)  # a day later
    (job,) = await database.fetch("select job_id from runs where step = 'research' and error <> ''")
    from overnight.operations import dead_letters
    from overnight.operations.filters import Filter

    await dead_letters.replay(None, database, Filter(job=job["job_id"]))
    await run_until_idle(searching(studio.build(config), search), database, clock=clock)
    assert small_web.asked.count("/502") == 2
    assert small_web.asked.count("/straw") >= 2  # the gate looks at its links too
    assert await ended(database) == ("ping", "succeeded", None)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ("min_notes = 90", "min_notes in [research] wants 90"),
        ("min_hosts = 2", "its notes rest on 1 host; min_hosts in [research] wants 2"),
    ],
)
async def test_an_idea_with_too_little_support_waits_with_the_reason(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, limits: str, reason: str
) -> None:
    config = write_config([web.url + MULCH], extra=f"[research]\n{limits}\n")
    await night(config, database, clock, MemorySearch())
    step, status, error = await ended(database)
    assert (step, status) == ("research", "cancelled")
    assert reason in str(error)
    article = await Articles(database).read("garden", SLUG)
    assert article is not None and article.state == "idea"


class Busy(Fetcher):
    """A fetcher of whose hosts one is busy at first."""

    def __init__(self, config: Config, busy: str, times: int) -> None:
        super().__init__(config.fetch)
        self.busy, self.times = busy, times

    async def get(self, url: str, **options: Any) -> Any:
        if self.busy in url and self.times:
            self.times -= 1
            raise HostBusy(f"{self.busy} is busy", retry_after=30)
        return await super().get(url, **options)


async def test_a_busy_host_is_waited_for_where_few_others_speak(
    database: Database, clock: Clock, web: DemoWeb, small_web: SmallWeb, write_config: Write
) -> None:
    small_web.answers |= {"/straw": html("straw")}
    config = write_config([web.url + MULCH])
    fetcher = Busy(config, "/straw", 2)
    hit = Hit(url=f"http://localhost:{small_web.port}/straw")
    await night(config, database, clock, MemorySearch(hit), fetcher=fetcher)
    assert fetcher.times == 0
    assert hit.url in {page.url for page in (await researched(database)).pages}
    snoozed = await database.fetch("select outcome from attempts where outcome = 'snooze'")
    assert len(snoozed) in (0, 2)  # whether a snooze is history is for the engine to say


async def test_a_busy_host_is_left_out_where_others_suffice(
    database: Database, clock: Clock, web: DemoWeb, small_web: SmallWeb, write_config: Write
) -> None:
    kept = [
        snapshot(f"https://{name}.example/", f"Mulch on the soil keeps {name} worms well fed.")
        for name in ("many", "red")
    ]
    for each in kept:
        await Snapshots(database).keep(each)
    config = write_config([web.url + MULCH], gates="max_one_host = 1")  # one is left of two
    fetcher = Busy(config, "/straw", 99)
    search = MemorySearch(
        Hit(url=f"http://localhost:{small_web.port}/straw"),
        *(Hit(url=each.url, sha256=each.sha256) for each in kept),
    )
    await night(config, database, clock, search, fetcher=fetcher)
    assert fetcher.times == 98
    assert await ended(database) == ("ping", "succeeded", None)


async def test_a_job_of_the_version_before_is_written_from_its_topic(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = write_config([web.url + MULCH])
    await switches.pause(database, "pipeline:article", reason="look")
    await night(config, database, clock, MemorySearch())
    await database.fetch(
        "update runs set step = 'generate' where step = 'research' and pipeline = 'article'"
    )
    await switches.resume(database, "pipeline:article", reason="looked")
    await run_until_idle(studio.build(config), database, clock=clock)
    assert await ended(database) == ("ping", "succeeded", None)
    assert await database.fetch("select id from notes") == []
