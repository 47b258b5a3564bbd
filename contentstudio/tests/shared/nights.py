"""What a night leaves behind, whoever worked through it: a worker on this machine, or functions on
Lambda.
"""

from __future__ import annotations

from pathlib import Path

from lxml import html

from contentstudio.config import Config
from contentstudio.demo.web import APP, FEEDS, FLAKY, GONE, HARD, INDEXNOW, DemoWeb
from overnight.store.database import Database

Outcome = tuple[str, str | None, str | None]
SOURCES = (*FEEDS, GONE)  # of the site whose night it is


async def outcomes(database: Database, pipeline: str) -> dict[str, Outcome]:
    """URL or slug → (status, outcome, error) of the last step."""
    rows = await database.fetch(
        "select distinct on (job_id) first.input, r.status, r.outcome, r.error from runs r "
        "join runs first using (job_id) where r.pipeline = %s and first.parent is not null "
        "and first.step in ('read', 'research') order by job_id, r.id desc",
        [pipeline],
    )
    return {
        row["input"].get("url") or row["input"]["slug"]: (
            row["status"],
            row["outcome"],
            row["error"],
        )
        for row in rows
    }


def published(config: Config) -> list[Path]:
    """The pages of the config's first site."""
    return sorted(p for p in config.folder(config.site[0]).glob("*/index.html"))


def pinged(web: DemoWeb) -> list[str]:
    """Every URL that an endpoint was told of, each time."""
    return sorted(url for ping in web.pings for url in ping["urlList"])


def reads(web: DemoWeb) -> list[str]:
    """The sources of a site that reads both blogs, and a page that is gone."""
    return [web.url + path for path in SOURCES]


async def check(database: Database, config: Config, web: DemoWeb) -> None:
    """Nothing was lost, nothing was done twice, nothing is half published, and what did not succeed
    says why.

    The night is one of `reads(web)` with `web.url + INDEXNOW` as its endpoint.
    """
    assert config.site[0].ping.endpoint == web.url + INDEXNOW
    sources = await outcomes(database, "source")
    assert sources[web.url + APP][0] == "cancelled"
    assert sources[web.url + GONE][:2] == ("dead", "error")
    assert sources[web.url + FLAKY][0] == "succeeded"
    articles = await outcomes(database, "article")
    waiting = [slug for slug, (status, _, _) in articles.items() if status == "needs_review"]
    assert len(waiting) == 1
    assert "readability" in str(articles[waiting[0]][2])
    assert {status for slug, (status, _, _) in articles.items() if slug not in waiting} == {
        "succeeded"
    }
    pages = published(config)
    assert len(pages) == len(articles) - 1 == 8
    assert [
        path for path in config.folder(config.site[0]).rglob("*") if "part" in path.suffix
    ] == []
    await _check_quotes(database, pages)
    assert set(pinged(web)) == {f"https://garden.example/{path.parent.name}/" for path in pages}
    assert HARD in web.requests
    told = await database.fetch("select output from runs where step = 'ping'")
    assert {row["output"]["state"] for row in told} == {"accepted"}


async def _check_quotes(database: Database, pages: list[Path]) -> None:
    """Each page is whole, and every sentence that it quotes stands in its source."""
    texts = {
        r["url"]: " ".join(r["text"].split())
        for r in await database.fetch("select url, text from snapshots")
    }
    for path in pages:
        quotes = html.parse(path).getroot().xpath("//q")
        assert quotes, f"{path} quotes nothing"
        for quote in quotes:
            assert quote.text_content() in texts[quote.get("cite")]
        assert path.read_text("utf-8").rstrip().endswith("</html>")
