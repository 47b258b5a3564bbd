"""Nights of research on a real database: what did not change costs nothing, and what was read
stays.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from contentstudio import app as studio
from contentstudio import config as settings
from contentstudio import pipelines
from contentstudio.config import Config
from contentstudio.model import Demand
from contentstudio.store.demands import Demands
from contentstudio.store.pages import Pages, Reader
from contentstudio.web import polite
from contentstudio.web.fetch import Fetched
from overnight import Retry
from overnight.operations import runs, switches
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

PROSE = (
    "Compost needs air, water and patience, and a heap that is turned once a month is ready "
    "in half a year. "
)


def page(title: str, words: str = "") -> bytes:
    paragraphs = "".join(f"<p>{PROSE * 3}Note {n} of {title}. {words}</p>" for n in range(6))
    head = f"<head><title>{title}</title></head>"
    return f"<html lang='en'>{head}<body><article>{paragraphs}</article></body></html>".encode()


def tagged(body: bytes, kind: str = "text/html") -> Callable[[dict[str, str]], Any]:
    """An answer with an ETag and a date, that is 304 to who knows them."""
    etag, date = f'"{hash(body)}"', "Mon, 02 Nov 2026 08:00:00 GMT"

    def answer(headers: dict[str, str]) -> Any:
        if headers.get("if-none-match") == etag:
            return 304, {"ETag": etag}, b""
        return 200, {"ETag": etag, "Last-Modified": date, "Content-Type": kind}, body

    return answer


def urlset(*entries: str) -> tuple[int, dict[str, str], bytes]:
    body = "".join(f"<url><loc>{url}</loc></url>" for url in entries)
    return 200, {"Content-Type": "application/xml"}, f"<urlset>{body}</urlset>".encode()


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., Config]:
    def make(*sources: str, extra: str = "") -> Config:
        file = tmp_path / "contentstudio.toml"
        file.write_text(
            f"[fetch]\nallow_loopback = true\ntimeout_seconds = 5\n[writing]\nwriter = 'offline'\n"
            f"offline_articles = 'publish'\n{extra}\n"
            "[[site]]\nname = 'garden'\nurl = 'https://garden.example'\nsources = "
            f"[{', '.join(sources)}]\n",
            "utf-8",
        )
        return settings.load(file)

    return make


@pytest.fixture(autouse=True)
async def no_articles(database: Database) -> None:
    """Research alone: what comes of its ideas is for other tests."""
    await switches.pause(database, "pipeline:article", reason="research only")


async def night(
    config: Config, database: Database, clock: Clock, day: int
) -> dict[str, tuple[str, str, str | None]]:
    """Run one night: URL (or source of demands) → (status, outcome, error) of its job."""
    app = studio.build(config)
    date = f"2026-11-{day:02}"
    await runs.start(app, database, "night", {"date": date, "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    rows = await database.fetch(
        "select input, status, outcome, error from runs where step in ('read', 'gather') "
        "and input->>'date' = %s",
        [date],
    )
    return {
        row["input"].get("url") or str(row["input"]["source"]): (
            row["status"],
            row["outcome"],
            row["error"],
        )
        for row in rows
    }


async def test_what_did_not_change_is_no_work(
    small_web: Any, database: Database, clock: Clock, make_config: Any
) -> None:
    feed = (
        f"<rss version='2.0'><channel><item><link>{small_web.url}/a</link></item></channel></rss>"
    ).encode()
    small_web.answers |= {
        "/feed": tagged(feed, "application/rss+xml"),
        "/a": tagged(page("A")),
        "/b": tagged(page("B")),
    }
    config = make_config(f'"{small_web.url}/feed"', f'"{small_web.url}/b"')
    first = await night(config, database, clock, 23)
    assert {url[-2:]: outcome[1] for url, outcome in first.items()} == {
        "ed": "done",
        "/a": "done",
        "/b": "done",
    }
    await clock.move(86_400)
    today = (await clock.now()).date()
    second = await night(config, database, clock, 24)
    assert {url.rpartition("/")[2]: outcome[1] for url, outcome in second.items()} == {
        "feed": "no_work",
        "b": "no_work",
    }
    read_on = today.fromordinal(today.toordinal() - 1)
    assert second[small_web.url + "/b"][2] == f"unchanged since {read_on}"
    assert (await database.one("select count(*) as n from candidates")) == {"n": 2}
    (sent,) = [
        h
        for path, h in zip(small_web.asked, small_web.headers, strict=True)
        if path == "/b" and "if-none-match" in h
    ]
    assert sent["if-modified-since"] == "Mon, 02 Nov 2026 08:00:00 GMT"


async def test_each_source_with_a_bad_header_or_body_has_its_outcome(
    small_web: Any,
    database: Database,
    clock: Clock,
    make_config: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipelines, "PATIENT", Retry(2))

    def case(name: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        body = (Path(__file__).parents[1] / "cases" / name).read_bytes()
        if name.endswith(".http"):
            body = body.partition(b"\r\n\r\n")[2]
        return 200, headers, body.replace(b"https://blog.example", small_web.url.encode())

    cut = gzip.compress(page("Cut"), mtime=0)[:-30]
    sitemaps = {
        f"/{name}.xml": case(f"{name}.xml", {"Content-Type": "text/html"})
        for name in ("01-sitemap-utf16-declared", "02-sitemap-bom-newline")
    }
    small_web.answers |= sitemaps | {
        "/feed": case("07-feed.http", {"Content-Type": "binary/octet-stream"}),
        "/coded": case(
            "08-content-encoding.http", {"Content-Type": "text/xml", "Content-Encoding": "UTF-8"}
        ),
        "/untyped": (200, {}, page("Untyped")),
        "/picture": (200, {"Content-Type": "application/octet-stream"}, b"\x89PNG\r\n\x1a\n\0\0"),
        "/cut": (200, {"Content-Type": "text/html", "Content-Encoding": "gzip", "ETag": "x"}, cut),
        "/mojibake": (200, {"Content-Type": "text/html"}, page("M", "\ufffd\ufffd\ufffd " * 30)),
        "/1": tagged(page("Rain barrels")),
    }
    sources = ["feed", "coded", "untyped", "picture", "cut", "mojibake"]
    config = make_config(
        *(f'"{small_web.url}/{name}"' for name in sources),
        *(f'{{sitemap = "{small_web.url}{path}", hosts = ["shop.example"]}}' for path in sitemaps),
        f'{{feed = "{small_web.url}/coded?named=feed"}}',
    )
    small_web.answers["/coded?named=feed"] = small_web.answers["/coded"]
    found = {
        url.removeprefix(small_web.url): one
        for url, one in (await night(config, database, clock, 23)).items()
    }
    for path in ("/feed", "/coded", "/coded?named=feed", "/untyped", "/1", *sitemaps):
        assert found[path][:2] == ("succeeded", "done"), (path, found[path])
    assert found["/picture"][0] == "dead"
    assert "neither a page nor a feed" in str(found["/picture"][2])
    assert found["/mojibake"][0] == "cancelled"
    assert "cannot be decoded" in str(found["/mojibake"][2])
    assert found["/cut"][0] == "dead"
    assert "is cut off" in str(found["/cut"][2])
    assert small_web.asked.count("/cut") > 1
    kept = await database.fetch("select url from snapshots")
    assert sorted(row["url"].removeprefix(small_web.url) for row in kept) == ["/1", "/untyped"]
    pages = await database.fetch("select etag from pages where url = %s", [small_web.url + "/cut"])
    assert not pages


async def test_other_settings_read_everything_again(
    small_web: Any, database: Database, clock: Clock, make_config: Any
) -> None:
    small_web.answers["/a"] = tagged(page("A"))
    source = f'"{small_web.url}/a"'
    for day, least in ((23, 1.0), (24, 0.0)):
        await night(
            make_config(source, extra=f"[research]\nmin_score = {least}"), database, clock, day
        )
    strict, lenient = await database.fetch("select decision, reason from choices order by found_on")
    assert strict["decision"] == "skip"
    assert "its score is" in strict["reason"]
    assert lenient["decision"] == "create"


async def test_what_was_turned_away_is_read_again_every_night(
    small_web: Any, database: Database, clock: Clock, make_config: Any
) -> None:
    small_web.answers["/a"] = tagged(b"<html><body>Too short.</body></html>")
    config = make_config(f'"{small_web.url}/a"')
    for day in (23, 24):
        assert (await night(config, database, clock, day))[small_web.url + "/a"][0] == "cancelled"


async def test_a_condition_is_only_put_to_the_server_it_came_from(
    small_web: Any, database: Database, clock: Clock, make_config: Any
) -> None:
    small_web.answers |= {
        "/old": (302, {"Location": "/one"}, b""),
        "/one": tagged(page("A")),
        "/two": tagged(page("A")),
    }
    config = make_config(f'"{small_web.url}/old"')
    await night(config, database, clock, 23)
    assert (await night(config, database, clock, 24))[small_web.url + "/old"][1] == "no_work"
    assert "unchanged" in str((await night(config, database, clock, 25))[small_web.url + "/old"][2])
    small_web.answers["/old"] = (302, {"Location": "/two"}, b"")
    assert "is known since" in str(
        (await night(config, database, clock, 26))[small_web.url + "/old"][2]
    )
    asked = list(zip(small_web.asked, small_web.headers, strict=True))
    assert not [path for path, headers in asked if path != "/one" and "if-none-match" in headers]


async def test_pages_are_known_only_to_later_jobs_of_site_and_settings(database: Database) -> None:
    records = Pages(database)
    reader = Reader("garden", "job 1", "settings 1")
    fetched = Fetched(
        "https://a.example/", "https://www.a.example/", 200, "text/html", None, b"", etag='"1"'
    )
    await records.keep(reader, fetched, conditional=True)
    for other in (
        reader,
        Reader("sky", "job 2", "settings 1"),
        Reader("garden", "job 2", "settings 2"),
    ):
        assert await records.read(other, fetched.url) is None
    known = await records.read(Reader("garden", "job 2", "settings 1"), fetched.url)
    assert known is not None
    assert (known[0].url, known[0].etag, known[0].last_modified) == (
        "https://www.a.example/",
        '"1"',
        None,
    )


async def test_a_changed_page_gets_a_new_snapshot_and_keeps_the_old(
    small_web: Any, database: Database, clock: Clock, make_config: Any
) -> None:
    config = make_config(f'"{small_web.url}/a"')
    for day, words in ((23, "old"), (24, "new"), (25, "new"), (26, "old")):
        small_web.answers["/a"] = page("A", words)
        await night(config, database, clock, day)
        await clock.move(86_400)
    rows = await database.fetch(
        "select p.since, s.text like '%%Note 5 of A. old%%' as old from page_snapshots p "
        "join snapshots s on s.sha256 = p.snapshot where p.url = %s order by p.since",
        [small_web.url + "/a"],
    )
    assert [row["old"] for row in rows] == [True, False, True]
    assert len({row["since"].date() for row in rows}) == 3
    assert (await database.one("select count(*) as n from snapshots")) == {"n": 2}


async def test_a_page_that_is_no_topic_is_kept_too(
    small_web: Any, database: Database, clock: Clock, make_config: Any
) -> None:
    small_web.answers["/a"] = page("A")
    await night(
        make_config(f'"{small_web.url}/a"', extra="[research]\nmin_score = 1.0"),
        database,
        clock,
        23,
    )
    assert (await database.one("select count(*) as n from page_snapshots")) == {"n": 1}
    assert await database.fetch("select slug from ideas where decision = 'create'") == []


async def test_a_sitemap_is_read_on_night_after_night(
    small_web: Any, database: Database, clock: Clock, make_config: Any
) -> None:
    pages = [f"{small_web.url}/blog/{n}" for n in range(5)]
    small_web.answers |= {f"/blog/{n}": tagged(page(f"Title {n}")) for n in range(5)}
    small_web.answers["/sitemap.xml"] = urlset(
        *pages, small_web.url + "/shop", "https://elsewhere.example/blog/"
    )
    sitemap = f'{{ sitemap = "{small_web.url}/sitemap.xml", match = "/blog/" }}'
    config = make_config(sitemap, extra="[research]\npages_per_sitemap = 2")
    for day in (23, 24, 25):
        await night(config, database, clock, day)
        await clock.move(86_400)
    read = [path for path in small_web.asked if path.startswith("/blog/")]
    assert (set(read[:2]), set(read[2:4])) == ({"/blog/0", "/blog/1"}, {"/blog/2", "/blog/3"})
    assert len(read) == 6
    assert "/blog/4" in read[4:]
    assert (await database.one("select count(*) as n from candidates")) == {"n": 5}
    assert "/shop" not in small_web.asked


async def test_a_sitemap_without_anything_new_is_no_work(
    small_web: Any, database: Database, clock: Clock, make_config: Any
) -> None:
    entry = f"{small_web.url}/a</loc><lastmod>2026-01-01</lastmod><loc>"
    small_web.answers |= {"/a": page("A"), "/sitemap.xml": urlset(entry)}
    config = make_config(f'{{ sitemap = "{small_web.url}/sitemap.xml" }}')
    assert (await night(config, database, clock, 23))[small_web.url + "/a"][1] == "done"
    again = await night(config, database, clock, 24)
    assert again == {
        small_web.url + "/sitemap.xml": (
            "succeeded",
            "no_work",
            again[small_web.url + "/sitemap.xml"][2],
        )
    }
    assert "none is new or changed" in str(again[small_web.url + "/sitemap.xml"][2])


async def test_a_feed_is_refused_where_a_page_was_meant_and_vice_versa(
    small_web: Any, database: Database, clock: Clock, make_config: Any
) -> None:
    feed = (
        f"<rss version='2.0'><channel><item><link>{small_web.url}/a</link></item></channel></rss>"
    ).encode()
    small_web.answers |= {"/feed": (200, {"Content-Type": "text/xml"}, feed), "/a": page("A")}
    config = make_config(
        f'{{ page = "{small_web.url}/feed" }}', f'{{ feed = "{small_web.url}/a" }}'
    )
    found = await night(config, database, clock, 23)
    assert found[small_web.url + "/feed"][0] == "cancelled"
    assert found[small_web.url + "/a"][0] == "dead"
    assert await database.fetch("select slug from ideas where decision = 'create'") == []


async def test_what_robots_txt_forbids_is_cancelled_with_that_reason(
    small_web: Any, database: Database, clock: Clock, make_config: Any
) -> None:
    small_web.answers |= {
        "/robots.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /"),
        "/a": page("A"),
    }
    found = await night(make_config(f'"{small_web.url}/a"'), database, clock, 23)
    assert found[small_web.url + "/a"][0] == "cancelled"
    assert "robots.txt" in str(found[small_web.url + "/a"][2])
    assert small_web.asked == ["/robots.txt"]


async def test_a_busy_host_is_waited_for_without_a_failure(
    small_web: Any,
    database: Database,
    clock: Clock,
    make_config: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polite, "PATIENCE", 0.01)
    monkeypatch.setattr(polite.guard, "is_loopback", lambda _: False)
    await Pages(database).lease_host("127.0.0.1", "another worker", 3_600)
    small_web.answers["/a"] = page("A")
    original = polite.PoliteFetcher._take

    async def take(self: Any, host: str, holder: str) -> None:
        if small_web.asked or len(waits) > 1:
            monkeypatch.setattr(polite, "PATIENCE", 30)
        waits.append(host)
        if len(waits) == 2:
            await clock.move(3_600)
        await original(self, host, holder)

    waits: list[str] = []
    monkeypatch.setattr(polite.PoliteFetcher, "_take", take)
    config = make_config(f'"{small_web.url}/a"', extra="").model_copy(
        update={"fetch": settings.Fetch(allow_loopback=True, pause_seconds=0)}
    )
    found = await night(config, database, clock, 23)
    assert found[small_web.url + "/a"][:2] == ("succeeded", "done")
    rows = await database.fetch(
        "select a.outcome, r.failures from attempts a join runs r on r.id = a.run_id"
    )
    assert {row["outcome"] for row in rows} == {"snooze"}
    assert {row["failures"] for row in rows} == {0}


async def test_keywords_are_stored_as_demands_until_they_are_removed(
    database: Database, clock: Clock, make_config: Any, tmp_path: Path
) -> None:
    file = tmp_path / "keywords.txt"
    file.write_text("compost\t3\nmulch\n", "utf-8")
    config = make_config('{ keywords = "keywords.txt" }')
    await Demands(database).replace(
        "garden", "other", [Demand(query="compost", source="other", impressions=9, position=1.5)]
    )
    (first,) = (await night(config, database, clock, 23)).values()
    assert first[:2] == ("succeeded", "done")
    file.write_text("compost\t2\nleaf mould\n", "utf-8")
    await night(config, database, clock, 24)
    assert await Demands(database).read("garden") == [
        Demand(query="compost", source="keywords.txt", weight=2),
        Demand(query="compost", source="other", impressions=9, position=1.5),
        Demand(query="leaf mould", source="keywords.txt"),
    ]
    assert await Demands(database).read("sky") == []
    file.write_text("# nothing any more\n", "utf-8")
    (last,) = (await night(config, database, clock, 25)).values()
    assert last[1] == "no_work"
    assert [demand.source for demand in await Demands(database).read("garden")] == ["other"]


async def test_search_console_without_a_key_is_dead_with_the_remedy(
    database: Database, clock: Clock, make_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    found = await night(
        make_config('{ search_console = "sc-domain:garden.example" }'), database, clock, 23
    )
    ((status, _, error),) = found.values()
    assert status == "dead"
    assert "key_file in [google]" in str(error)


async def test_the_hints_of_a_feed_reach_its_page_which_is_read_once(
    small_web: Any, database: Database, clock: Clock, make_config: Any
) -> None:
    """The page says nothing of itself: neither a title, nor a date, nor its charset."""
    words = "Компост зимой отдыхает, а весной снова греется."
    text = (
        "<html><body><nav><a "
        f"href='/'>Start</a></nav><div>{f'<p>{words} {PROSE * 3}</p>' * 2}</div></body></html>"
    )
    small_web.answers["/a"] = (200, {"Content-Type": "text/html"}, text.encode("windows-1251"))
    entry = f"<link>{small_web.url}/a</link><pubDate>Mon, 02 Nov 2026 08:00:00 +0100</pubDate>"
    for number in (1, 2):
        feed = (
            "<rss version='2.0'><channel><item><title>Компост "
            f"{number}</title>{entry}</item></channel></rss>"
        )
        declared = f"<?xml version='1.0' encoding='windows-1251'?>{feed}".encode("windows-1251")
        small_web.answers[f"/feed{number}"] = tagged(declared, "application/rss+xml")
    await night(
        make_config(f'"{small_web.url}/feed1"', f'"{small_web.url}/feed2"'), database, clock, 24
    )
    (kept,) = await database.fetch("select title, published_at, text from snapshots")
    assert kept["title"] in ("Компост 1", "Компост 2")
    assert f"{kept['published_at'].astimezone(UTC):%Y-%m-%d %H:%M}" == "2026-11-02 07:00"
    assert words in kept["text"]
    assert small_web.asked.count("/a") == 1
