"""The picture of an article: chosen once, kept through rewrites and retries, and found again when
it is published.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from drafts import small_draft
from PIL import Image as Drawing
from pytest_httpserver import HTTPServer

from contentstudio import app as studio
from contentstudio import review
from contentstudio.config import Config, Pictures, WordPress
from contentstudio.demo.web import DemoWeb
from contentstudio.model import Draft, Image
from contentstudio.pictures import NoPicture, Picture, cards
from contentstudio.pipelines import picturing
from contentstudio.pipelines.work import Ctx, Judged
from contentstudio.publish import content_sha256
from contentstudio.review import text as review_text
from contentstudio.seo import Optimized
from overnight import Context
from overnight.errors import Permanent, Transient
from overnight.llm.fallback import AllResting
from overnight.operations import runs
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Run
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
FEED = ["https://a.example/feed.xml"]
FOLDER = "[pictures]\nkind = 'folder'\nfolder = 'shots'"
HEAP = 'alt = "A heap of mulch"\ncredit = "Ann Smith"\nlicence = "CC BY 4.0"\nwords = ["mulch"]'


def article(**changes: Any) -> Draft:
    return small_draft(**{"slug": "mulch", "title": "On mulch", **changes})


def jpeg(color: str = "#336699") -> bytes:
    written = io.BytesIO()
    Drawing.new("RGB", (400, 300), color).save(written, "JPEG")
    return written.getvalue()


def put(config: Config, name: str = "heap", told: str = HEAP, data: bytes = b"") -> None:
    folder = config.beside(Path("shots"))
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.jpg").write_bytes(data or jpeg())
    (folder / f"{name}.toml").write_text(told, "utf-8")


def in_a_cms(config: Config) -> Config:
    site = config.site[0].model_copy(update={"publish": WordPress(to="wordpress", user="studio")})
    config.site[:] = [site]
    return config


@asynccontextmanager
async def step(
    database: Database, config: Config, job: str = "a-job", failures: int = 0
) -> AsyncIterator[Ctx]:
    """The context of the step in a job of the site."""
    app = studio.build(config)
    async with app.resources(database) as deps:
        run = Run(1, job, "optimize", "article", "garden", 1, failures, None)
        yield Context(run, deps, app, Ledger(database))


async def with_picture(
    database: Database, config: Config, draft: Draft | None = None, job: str = "a-job"
) -> Optimized:
    async with step(database, config, job) as ctx:
        work = Optimized(draft=draft or article())
        return await picturing.with_picture(ctx, config.site[0], work)


async def kept(database: Database) -> list[str]:
    rows = await database.fetch("select sha256 from pictures order by kept_at")
    return [row["sha256"] for row in rows]


class Source:
    """A source that gives what a test wrote down, in its order."""

    def __init__(self, *results: Picture | Exception) -> None:
        self.results = list(results)
        self.asked = 0

    async def find(self, *_: Any) -> Picture:
        self.asked += 1
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def made(data: bytes = b"webp") -> Picture:
    return Picture(
        data=data, media_type="image/webp", width=4, height=3, alt="A heap", origin="openai:m"
    )


async def by(database: Database, config: Config, source: Source, failures: int = 0) -> Optimized:
    """What the step makes of the article with another source."""
    async with step(database, config, failures=failures) as ctx:
        deps = replace(ctx.deps, picture_sources={"garden": source})
        ctx = Context(ctx.run, deps, ctx.app, ctx.ledger)
        return await picturing.with_picture(ctx, config.site[0], Optimized(draft=article()))


async def test_a_static_site_makes_its_cards_itself(
    database: Database, write_config: Write
) -> None:
    work = await with_picture(database, write_config(FEED))
    assert work == Optimized(draft=article())


async def test_an_article_in_a_cms_gets_its_card(database: Database, write_config: Write) -> None:
    config = in_a_cms(write_config(FEED))
    work = await with_picture(database, config)
    assert work.draft.images == [Image(src="card.webp", alt="On mulch", width=1200, height=630)]
    async with step(database, config) as ctx:
        files = await picturing.bytes_of(ctx.deps, config.site[0], work.draft)
        again = await picturing.bytes_of(ctx.deps, config.site[0], work.draft)
    assert files == again == {"card.webp": cards.featured("On mulch", "garden", None)}
    assert await kept(database) == []


async def test_a_card_says_the_title_of_now(database: Database, write_config: Write) -> None:
    config = in_a_cms(write_config(FEED))
    work = await with_picture(database, config)
    draft = picturing.retitled(work.draft.model_copy(update={"title": "Of straw"}))
    assert draft.images[0].alt == "Of straw"
    async with step(database, config) as ctx:
        files = await picturing.bytes_of(ctx.deps, config.site[0], draft)
    assert files == {"card.webp": cards.featured("Of straw", "garden", None)}


async def test_no_picture_is_wanted(database: Database, write_config: Write) -> None:
    config = in_a_cms(write_config(FEED, extra="[pictures]\nkind = 'none'"))
    assert (await with_picture(database, config)).draft == article()


async def test_an_article_with_a_picture_keeps_it(database: Database, write_config: Write) -> None:
    config = write_config(FEED, extra=FOLDER)
    put(config)
    draft = article(images=[Image(src="mine.png", alt="Mine")])
    assert (await with_picture(database, config, draft)).draft == draft


async def test_a_picture_of_the_folder_is_kept_with_whose_it_is(
    database: Database, write_config: Write
) -> None:
    config = write_config(FEED, extra=FOLDER)
    put(config)
    work = await with_picture(database, config)
    (image,) = work.draft.images
    (sha,) = await kept(database)
    assert image.src == f"picture-{sha}.webp"
    assert (image.alt, image.credit, image.licence) == ("A heap of mulch", "Ann Smith", "CC BY 4.0")
    assert [(c.what, c.before, c.after) for c in work.changes] == [
        ("picture", "", "A heap of mulch")
    ]
    async with step(database, config) as ctx:
        files = await picturing.bytes_of(ctx.deps, config.site[0], work.draft)
    assert hashlib.sha256(files[image.src]).hexdigest() == sha


async def test_a_step_that_runs_again_takes_the_same_picture(
    database: Database, write_config: Write
) -> None:
    config = write_config(FEED, extra=FOLDER)
    put(config)
    first = await with_picture(database, config)
    put(config, "another", 'alt = "Mulch, mulch"\nwords = ["mulch", "heap", "know"]')
    assert await with_picture(database, config) == first
    assert len(await kept(database)) == 1


async def test_two_articles_in_a_row_do_not_get_the_same_picture(
    database: Database, write_config: Write
) -> None:
    config = write_config(FEED, extra=FOLDER)
    put(config, "a", 'alt = "Mulch"', jpeg("#112233"))
    put(config, "b", 'alt = "Mulch"', jpeg("#445566"))
    alike = [
        (await with_picture(database, config, article(slug=slug), slug)).draft.images[0].src
        for slug in ("one", "two")
    ]
    assert len(set(alike)) == 2


FAULTS = {
    "no sidecar": ({}, "heap.jpg has no heap.toml beside it"),
    "50 MB": ({"data": bytes(50_000_000), "told": HEAP}, "heap.jpg has 50 MB"),
    "no picture": ({"data": b"words", "told": HEAP}, "no picture that can be read"),
}


@pytest.mark.parametrize(("shot", "says"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("is_cms", [True, False])
async def test_an_article_goes_on_with_its_card_and_says_why(
    database: Database, write_config: Write, shot: dict[str, Any], says: str, is_cms: bool
) -> None:
    config = write_config(FEED, extra=FOLDER)
    if is_cms:
        in_a_cms(config)
    put(config, **shot)
    if "told" not in shot:
        config.beside(Path("shots/heap.toml")).unlink()
    work = await with_picture(database, config)
    assert [image.src for image in work.draft.images] == (["card.webp"] if is_cms else [])
    (change,) = work.changes
    assert says in change.before
    assert change.after == "its card"


async def test_a_rewritten_article_keeps_the_picture_that_was_paid_for(
    database: Database, write_config: Write
) -> None:
    config = write_config(FEED)
    config = config.model_copy(update={"pictures": Pictures(kind="openai", model="m")})
    first = await by(database, config, Source(made()))
    never = Source()
    assert (await by(database, config, never)).draft == first.draft
    assert never.asked == 0


async def test_a_source_that_is_away_is_tried_again_and_then_left(
    database: Database, write_config: Write
) -> None:
    config = in_a_cms(write_config(FEED))
    away = Transient("the server is away")
    for failures in (0, 1):
        with pytest.raises(Transient, match="away"):
            await by(database, config, Source(away), failures)
    work = await by(database, config, Source(away), 2)
    assert work.draft.images[0].src == "card.webp"
    assert work.changes[0].before == "the server is away (tried 3 times)"


@pytest.mark.parametrize("why", [NoPicture("refused"), AllResting("all rest", retry_after=60)])
async def test_without_a_picture_nobody_waits(
    database: Database, write_config: Write, why: Exception
) -> None:
    work = await by(database, in_a_cms(write_config(FEED)), Source(why))
    assert (work.draft.images[0].src, work.changes[0].before) == ("card.webp", str(why))


async def test_a_picture_that_is_gone_is_told_of_when_it_is_published(
    database: Database, write_config: Write
) -> None:
    config = write_config(FEED)
    lost = article(images=[made().image()])
    async with step(database, config) as ctx:
        with pytest.raises(Permanent, match="is not kept any more: write the article again"):
            await picturing.bytes_of(ctx.deps, config.site[0], lost)


async def test_a_picture_beside_the_config_is_read_as_before(
    database: Database, write_config: Write, tmp_path: Path
) -> None:
    config = write_config(FEED)
    (tmp_path / "heap.png").write_bytes(b"bytes")
    draft = article(
        images=[Image(src="heap.png", alt="A heap"), Image(src="https://a.example/x", alt="x")]
    )
    async with step(database, config) as ctx:
        files = await picturing.bytes_of(ctx.deps, config.site[0], draft)
    assert files == {"heap.png": b"bytes"}


async def test_the_picture_of_the_folder_is_on_the_page_of_the_article(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = write_config([web.url + "/potting-shed/mulch.html"], extra=FOLDER)
    put(config)
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    (row,) = await database.fetch("select job_id, output from runs where step = 'confirm'")
    draft = Judged.model_validate(row["output"]).draft
    (sha,) = await kept(database)
    page = config.folder(config.site[0]) / draft.slug
    assert hashlib.sha256((page / f"picture-{sha}.webp").read_bytes()).hexdigest() == sha
    html = (page / "index.html").read_text("utf-8")
    assert f'<img src="picture-{sha}.webp" alt="A heap of mulch" width="400" height="300"' in html
    url = f"{config.site[0].url}/{draft.slug}/card.jpg"
    assert f'<meta property="og:image" content="{url}">' in html
    assert f'<meta name="twitter:image" content="{url}">' in html
    assert '<meta property="og:image:width" content="400">' in html
    assert "Ann Smith · CC BY 4.0</span></figcaption>" in html
    with Drawing.open(page / "card.jpg") as shared:
        assert shared.size == (400, 210)
    dossier = await review.gather(database, config, row["job_id"])
    assert dossier is not None
    assert "picture: — → A heap of mulch" in review_text.told(dossier)


STORED = {
    "site": "garden",
    "slug": "mulch",
    "title": "On mulch",
    "description": "What to know.",
    "sections": [{"heading": "Heaps", "paragraphs": [[{"text": "A heap."}]]}],
    "references": [],
    "writer": "offline",
    "images": [{"src": "heap.png", "alt": "A heap"}],
}


def test_the_hash_of_a_stored_draft_is_what_it_was() -> None:
    assert (
        content_sha256(Draft.model_validate(STORED))
        == "9274c890f74bbb4f779196ab3c96f2158c94b738796e3227db6e3e3a1ed84535"
    )


@pytest.mark.parametrize("refused", [False, True])
async def test_a_model_makes_the_picture_of_an_article(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    httpserver: HTTPServer,
    refused: bool,
) -> None:
    encoded = base64.b64encode(jpeg()).decode()
    answer = (
        {"error": {"code": "moderation_blocked", "message": "No."}}
        if refused
        else {"data": [{"b64_json": encoded}]}
    )
    drawing = httpserver.expect_request("/v1/images/generations", "POST")
    drawing.respond_with_json(answer, status=400 if refused else 200)
    extra = (
        f"[pictures]\nkind = 'openai'\nmodel = 'm'\nbase_url = '{httpserver.url_for('/v1')}'\n"
        "usd_per_picture = 0.04"
    )
    app = studio.build(write_config([web.url + "/potting-shed/mulch.html"], extra=extra))
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    (row,) = await database.fetch(
        "select output, cost_usd::float8 as usd from runs where step = 'optimize'"
    )
    work = Optimized.model_validate(row["output"])
    (change,) = (change for change in work.changes if change.what == "picture")
    if refused:
        assert (work.draft.images, row["usd"]) == ([], 0)
        assert change.before == "the model gave no picture: images answered 400: No."
    else:
        assert [image.alt for image in work.draft.images] == [work.draft.title]
        assert (change.before, row["usd"]) == ("", 0.04)
    (published,) = await database.fetch("select status from runs where step = 'publish'")
    assert published["status"] == "succeeded"
