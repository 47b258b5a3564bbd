"""A night of many sites on one machine: time, memory and statements, and whether each site has its
own articles.

Each site reads a feed of its own on loopback, with `--articles` entries that no other site has. One
worker process, the offline writer, static sites; the clock of the ledger is moved over the waits,
so that measured is the work alone.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from server import durable_server

SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
FRAMES = [
    "The {} of the {} is {} than the {} in the {}.",
    "You can put a {} on the {} when the {} is {} and {}.",
    "Most of the {} that we see in a {} have a {} and one {}.",
    "It takes some time until the {} and the {} are as {} as a {}.",
]


def words(seed: str, count: int) -> list[str]:
    """Words that are nobody else's."""
    dice = random.Random(seed)
    return ["".join(dice.choices(SYLLABLES, k=dice.choice([2, 2, 3]))) for _ in range(count)]


def headline(own: list[str]) -> str:
    """The title of a page: its first words."""
    return " ".join(own[:4]).title()


def page(site: int, number: int) -> str:
    """A page in easy sentences with words of its own."""
    own = words(f"{site}/{number}", 90)
    dice = random.Random(f"{site}-{number}")
    told = []
    for _ in range(30):
        frame = dice.choice(FRAMES)
        told.append(frame.format(*dice.sample(own, frame.count("{}"))))
    title = headline(own)
    paragraphs = "".join(f"<p>{' '.join(told[i : i + 5])}</p>" for i in range(0, 30, 5))
    when = datetime.now(UTC).isoformat(timespec="seconds")
    head = f"<title>{title}</title><meta property='article:published_time' content='{when}'>"
    return (
        "<!doctype html><html "
        f"lang='en'><head>{head}</head><body><article><h1>{title}</h1>{paragraphs}</article>"
    )


class Web(BaseHTTPRequestHandler):
    """/SITE/feed.xml and /SITE/NUMBER.html."""

    articles = 1

    def do_GET(self) -> None:
        if self.path.count("/") != 2:
            self.send_error(404)
            return
        _, site, name = self.path.split("/")
        feed = name == "feed.xml"
        body = (
            self._feed(site) if feed else page(int(site), int(name.removesuffix(".html")))
        ).encode()
        self.send_response(200)
        self.send_header(
            "Content-Type", "application/rss+xml" if feed else "text/html; charset=utf-8"
        )
        self.end_headers()
        self.wfile.write(body)

    def _feed(self, site: str) -> str:
        base = f"http://{self.headers['Host']}/{site}"
        items = "".join(
            f"<item><link>{base}/{n}.html</link>"
            f"<title>{headline(words(f'{site}/{n}', 90))}</title></item>"
            for n in range(self.articles)
        )
        return f"<rss version='2.0'><channel><title>{site}</title>{items}</channel></rss>"

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def web(articles: int) -> Iterator[str]:
    Web.articles = articles
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def write_config(folder: Path, url: str, sites: int, articles: int) -> Path:
    """A config with a file for each site."""
    main = folder / "contentstudio.toml"
    text = (
        "sites = 'own/*.toml'\n[fetch]\nallow_loopback = true\n[writing]\nwriter = 'offline'\n"
        "offline_articles = 'publish'\n"
        "[research]\npages = 1\n"  # else a site may cite what another one read
    )
    main.write_text(text + "[publishing]\ndir = 'public'\n", "utf-8")
    (folder / "own").mkdir()
    for number in range(sites):
        name = f"site-{number:03}"
        own = (
            f"name = '{name}'\nurl = 'https://{name}.example'\nsources = "
            f"['{url}/{number}/feed.xml', {{ keywords = '{name}.txt' }}]\n"
        )
        # Readers ask for each page by its own words: its article has a title that no other has.
        asked = ("what is {} and {}\n".format(*words(f"{number}/{n}", 90)) for n in range(articles))
        (folder / f"{name}.txt").write_text("".join(asked), "utf-8")
        gates = "[gates]\nmin_words = 60\nmin_flesch = 0\nmin_sourced = 0\n"
        (folder / "own" / f"{name}.toml").write_text(
            own + gates + "max_density = 1\nmax_repeated = 1\nmax_copied = 1\n", "utf-8"
        )
    return main


def mixed(config: Any, url: str) -> list[str]:
    """Pages on which something of another site stands."""
    wrong = []
    for number, site in enumerate(config.site):
        for file in config.folder(site).glob("*/index.html"):
            text = file.read_text("utf-8")
            own = f"{url}/{number}/"
            if text.count(url) != text.count(own) or text.count(".example") != text.count(
                f"{site.name}.example"
            ):
                wrong.append(str(file))
    return wrong


def _count(rows: list[Any], pipeline: str) -> int:
    """How many runs a pipeline had."""
    return sum(row["count"] for row in rows if row["pipeline"] == pipeline)


async def transactions(database: Any) -> int:
    """How many there were; nearly every statement is one."""
    row = await database.one(
        "select xact_commit from pg_stat_database where datname = current_database()"
    )
    assert row is not None
    return int(row["xact_commit"])


async def measure(dsn: str, folder: Path, sites: int, articles: int) -> dict[str, Any]:
    """One night; the figures."""
    from contentstudio import app as studio
    from contentstudio import config as settings
    from overnight import logs
    from overnight.operations import runs
    from overnight.store.database import Database
    from overnight.store.migrations import migrate
    from overnight.testing import Clock, run_until_idle

    logs.configure(io.StringIO())
    with web(articles) as url:
        file = write_config(folder, url, sites, articles)
        began = time.perf_counter()
        config = settings.load(file)
        loaded = time.perf_counter() - began
        app = studio.build(config)
        async with Database(dsn) as database:
            await migrate(database, *([app.schema] if app.schema else []))
            async with await database.connect() as admin:
                await admin.execute(Clock.INSTALL)
            clock = Clock(database)
            night = {"date": "2026-11-23", "sites": [site.name for site in config.site]}
            await runs.start(app, database, "night", night)
            before = await transactions(database)
            began, cpu = time.perf_counter(), time.process_time()
            await run_until_idle(app, database, clock=clock)
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
            await asyncio.sleep(2)  # until the server has counted the last ones
            calls = await transactions(database) - before
            steps = await database.one("select count(*) as n from runs")
            ended = await database.fetch(
                "select pipeline, step, status, count(*), min(error) as error from runs "
                "group by 1, 2, 3 order by 1, 2"
            )
        found = [len(list(config.folder(site).glob("*/index.html"))) for site in config.site]
        wrong = mixed(config, url)
    assert steps is not None
    written = sites * articles
    # An article: its page is read, and its own steps. A site: plan, memory, feed, keywords, choice.
    of_article = _count(ended, "article") + _count(ended, "source") - sites
    of_site = steps["n"] - 1 - of_article  # but for the night itself
    return {
        "sites": sites,
        "articles_each": articles,
        "published": sum(found),
        "sites_with_all": sum(count == articles for count in found),
        "mixed": wrong,
        "config_seconds": round(loaded, 2),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "steps": steps["n"],
        "steps_per_site": round(of_site / sites, 2),
        "steps_per_article": round(of_article / written, 2),
        "cpu_seconds_per_step": round(cpu / steps["n"], 4),
        "statements": calls,
        "statements_per_step": round(calls / steps["n"], 1),
        "not_well": [row for row in ended if row["status"] != "succeeded"],
        "load_before": os.getloadavg()[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sites", type=int, default=200)
    parser.add_argument("--articles", type=int, default=2)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        durable_server() as server,
        server.database() as dsn,
    ):
        print(
            json.dumps(
                asyncio.run(measure(dsn, Path(folder), options.sites, options.articles)), indent=1
            )
        )


if __name__ == "__main__":
    main()
