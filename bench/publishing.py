"""Articles to three real WordPress sites at once, with the rate of each held: how many arrive, and
in which second.

The WordPress, its MariaDB and its PHP are those of the end-to-end tests (Debian packages in
~/.cache). One worker, jobs that begin where they are published. A proxy before each site would cost
what is measured, so seconds are counted by the ledger: when each publishing began. The ideal is the
time that the rate allows the site with the most articles.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from rich.table import Table

import outcome
from server import durable_server

SITES = ("ants", "bees", "cats")
WHOLE, PER_SECOND = 500, 2
TESTS = Path(__file__).parents[1] / "contentstudio" / "tests"


def tests() -> Any:
    """The module that knows how to run a WordPress."""
    sys.path.append(str(TESTS / "shared"))
    spec = spec_from_file_location("wordpress_tests", TESTS / "wordpress" / "conftest.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules["wordpress_tests"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_config(folder: Path, sites: list[Any], per_second: int) -> Path:
    """A config with the three sites; their secrets are in the environment."""
    text = (
        f"[writing]\nwriter = 'offline'\n"
        f"offline_articles = 'publish'\n[publishing]\narticles_per_second = {per_second}\n"
    )
    for site in sites:
        os.environ[f"CONTENTSTUDIO_SECRET_{site.name.upper()}"] = site.passwords["editor"]
        cms = f"{{ to = 'wordpress', url = '{site.url}', user = 'editor', private = true }}"
        text += (
            f"[[site]]\nname = '{site.name}'\nurl = '{site.url}'\nsources = "
            f"['https://a.example']\npublish = {cms}\n"
        )
    file = folder / "contentstudio.toml"
    file.write_text(text, "utf-8")
    return file


def draft(site: str, number: int) -> Any:
    """An article of some size."""
    from contentstudio.model import Draft, Section, Sentence

    told = [Sentence(text=f"Sentence {n} of article {number} tells of mulch.") for n in range(60)]
    return Draft(
        site=site,
        slug=f"article-{number}",
        title=f"Article {number}",
        description="What to know of mulch.",
        sections=[Section(heading="Mulch", paragraphs=[told])],
        references=[],
        writer="bench",
        tags=["mulch"],
    )


async def prepare(database: Any, articles: int) -> None:
    """A job for each article, by turns over the sites."""
    from contentstudio.pipelines.work import Judged
    from overnight.identity import input_hash
    from overnight.pipelines.pipeline import dump
    from overnight.store.ledger import Ledger
    from overnight.store.records import NewRun

    runs = []
    for number in range(articles):
        site = SITES[number % len(SITES)]
        payload = dump(Judged(draft=draft(site, number), verdicts=[]))
        runs.append(
            NewRun(f"bench-{number}", "publish", "article", site, payload, input_hash(payload))
        )
    await Ledger(database).enqueue(runs)


async def measure(dsn: str, file: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Publish all articles; the figures."""
    from contentstudio.app import create
    from overnight import logs
    from overnight.store.database import Database
    from overnight.store.migrations import migrate
    from overnight.testing import run_until_idle

    logs.configure(io.StringIO())
    app = create(file)
    async with Database(dsn) as database:
        await migrate(database, *([app.schema] if app.schema else []))
        await prepare(database, options.articles)
        began = time.perf_counter()
        await run_until_idle(app, database)
        seconds = time.perf_counter() - began
        rows = await database.fetch(
            "select key, status, attempt, failures, started_at, finished_at from runs "
            "where step = 'publish'"
        )
    return figures(rows, options.per_second, seconds)


def figures(rows: list[Any], limit: int, seconds: float) -> dict[str, Any]:
    """What each site took, and the most that began there within any second. A run tells its last
    beginning alone.
    """
    sites = {}
    for site in SITES:
        own = [row for row in rows if row["key"] == site]
        moments = sorted(row["started_at"].timestamp() for row in own)
        span = max(row["finished_at"].timestamp() for row in own) - moments[0]
        sites[site] = {
            "published": sum(row["status"] == "succeeded" for row in own),
            "articles_per_second": round(len(own) / span, 2),
            "most_in_a_second": max(
                sum(at <= other < at + 1 for other in moments) for at in moments
            ),
            "tried_again": sum(row["attempt"] > 1 for row in own),
        }
    ideal = max(Counter(row["key"] for row in rows).values()) / limit
    return {
        "articles": len(rows),
        "seconds": round(seconds, 2),
        "ideal_seconds": round(ideal, 1),
        "times_ideal": round(seconds / ideal, 2),
        "limit_per_second": limit,
        "limit_held": all(site["most_in_a_second"] <= limit for site in sites.values()),
        "statuses": Counter(row["status"] for row in rows),
        "sites": sites,
        "load_before": os.getloadavg()[0],
    }


def shown(found: dict[str, Any]) -> list[Table]:
    """All of it, and each site."""
    whole = outcome.table("", "measured", "beside")
    whole.add_row("articles", str(found["articles"]), "")
    whole.add_row(
        "posts that stand there", str(sum(found["posts"].values())), str(found["articles"])
    )
    whole.add_row("seconds", str(found["seconds"]), f"{found['ideal_seconds']:g} ideal")
    whole.add_row("times the ideal", str(found["times_ideal"]), "")
    whole.add_row("limit of each site, articles a second", str(found["limit_per_second"]), "")
    whole.add_row("limit held", "yes" if found["limit_held"] else "NO", "")
    whole.add_row("load average before", f"{found['load_before']:.1f}", "")
    sites = outcome.table("site", "published", "a second", "most in a second", "tried again")
    for name, site in found["sites"].items():
        sites.add_row(name, *(str(figure) for figure in site.values()))
    return [whole, sites]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="60 articles")
    parser.add_argument("--articles", type=int)
    parser.add_argument(
        "--per-second",
        type=int,
        default=PER_SECOND,
        help="articles that may begin at each site in a second",
    )
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="JSON instead of a table"
    )
    options = parser.parse_args()
    options.articles = options.articles or (60 if options.quick else WHOLE)
    whole = (options.articles, options.per_second) == (WHOLE, PER_SECOND)
    module = tests()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-publishing-")))
        programs, database, www, passwords = stack.enter_context(module.running_servers(folder))
        sites = []
        for name in SITES:
            site = module.WordPress(programs, database, www, name)
            site.passwords = passwords
            site.clean()
            site.start()
            stack.callback(site.kill)
            sites.append(site)
        server = stack.enter_context(durable_server())
        file = write_config(folder, sites, options.per_second)
        with server.database() as dsn:
            found = asyncio.run(measure(dsn, file, options))
        found["posts"] = {site.name: len(site.posts("article-%")) for site in sites}
    outcome.tell("publishing", found, shown(found), as_json=options.as_json, whole=whole)
    sys.exit(0 if found["limit_held"] and sum(found["posts"].values()) == options.articles else 1)


if __name__ == "__main__":
    main()
