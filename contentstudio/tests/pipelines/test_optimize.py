"""The step that optimizes: its place among the steps, links from the memory, and what a person
wrote left alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any

import pytest

from contentstudio import app as studio
from contentstudio import review
from contentstudio.config import Config
from contentstudio.demo.web import DemoWeb
from contentstudio.gates.input import Unknown
from contentstudio.model import Draft, InternalLink, Section, Sentence
from contentstudio.pipelines import gate_inputs, writing
from contentstudio.pipelines.work import Ctx, Judged
from contentstudio.review import page as review_page
from contentstudio.review import text as review_text
from contentstudio.seo import Optimized
from contentstudio.store.quota import Place
from overnight import Context
from overnight.operations import runs, switches
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Run
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
PAGE = "/potting-shed/mulch.html"
HEAPS = (
    "Turn the compost heap once a month. A compost heap needs air and water, and kitchen "
    "scraps rot in it."
)


def make_draft(**changes: Any) -> Draft:
    values: dict[str, Any] = {
        "site": "garden",
        "slug": "worms",
        "title": "What worms do in a compost heap all year.",
        "description": "What worms do, told by somebody who looks after them and after "
        "everything that "
        "they eat.",
        "sections": [Section(heading="Worms", paragraphs=[[Sentence(text=HEAPS)]])],
        "references": [],
        "writer": "some-model",
    }
    return Draft.model_validate(values | changes)


@pytest.fixture
async def ctx(database: Database, write_config: Write) -> AsyncIterator[Ctx]:
    """The context of the step in a job of the site."""
    app = studio.build(write_config(["https://a.example/feed.xml"]))
    async with app.resources(database) as deps:
        run = Run(1, "a-job", "optimize", "article", "garden", 1, 0, None)
        yield Context(run, deps, app, Ledger(database))


async def start(app: Any, database: Database, clock: Clock) -> None:
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)


async def steps(database: Database) -> list[str]:
    rows = await database.fetch("select step from runs where pipeline = 'article' order by id")
    return [row["step"] for row in rows]


async def test_the_gate_judges_the_optimized_draft_and_has_its_changes(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    await start(studio.build(write_config([web.url + PAGE])), database, clock)
    rows = await database.fetch("select step, output from runs where step in ('optimize', 'gate')")
    found = {row["step"]: row["output"] for row in rows}
    optimized, judged = (
        Optimized.model_validate(found["optimize"]),
        Judged.model_validate(found["gate"]),
    )
    assert (judged.draft, judged.changes) == (optimized.draft, optimized.changes)


async def test_an_article_past_an_added_step_continues_without_it(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = write_config([web.url + PAGE])
    before = studio.build(config)
    del before.pipeline("article").steps["optimize"]
    await switches.pause(database, "step:article/gate", reason="a release")
    await start(before, database, clock)
    assert await steps(database) == ["research", "brief", "generate", "gate"]
    await switches.resume(database, "step:article/gate", reason="released")
    await run_until_idle(studio.build(config), database, clock=clock)
    assert (await steps(database))[2:] == ["generate", "gate", "confirm", "publish", "ping"]
    (gate,) = await database.fetch("select output from runs where step = 'gate'")
    assert Judged.model_validate(gate["output"]).changes == ()


async def test_links_lead_to_what_the_site_has_beside_it(ctx: Ctx) -> None:
    documents = ctx.deps.documents
    url = "https://garden.example/heaps/"
    await documents.keep_draft(
        make_draft(slug="heaps", title="How to build a compost heap"),
        "published",
        "another-job",
        url,
    )
    await documents.embed(ctx, "garden")
    done = await writing.optimize(ctx, make_draft())
    assert [(link.anchor, link.url) for link in done.draft.links] == [("compost heap", url)]
    assert [(change.what, change.after) for change in done.changes] == [
        ("title", "What worms do in a compost heap all year"),
        ("link", f"compost heap → {url}"),
    ]


async def test_a_link_to_the_sites_own_page_is_alive_before_serving(ctx: Ctx) -> None:
    link = InternalLink(anchor="compost heap", url="https://garden.example/heaps/")
    draft = make_draft(links=[link])
    site = ctx.deps.config.find("garden")
    case = await gate_inputs.gather(ctx, site, draft, Place(date(2026, 11, 23), 0))
    assert not isinstance(case.links, Unknown)
    assert case.links[link.url].state == "alive"


async def test_a_page_with_the_same_words_in_its_title_is_a_rival(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = write_config([web.url + PAGE])
    app = studio.build(config)
    async with app.resources(database) as deps:
        url = "https://garden.example/soil-blanket/"
        rival = make_draft(slug="soil-blanket", title="Soil and mulch: what to know about them")
        await deps.documents.keep_draft(rival, "published", "another-job", url)
    await start(app, database, clock)
    (gate,) = await database.fetch("select status, error from runs where step = 'gate'")
    assert gate["status"] == "needs_review"
    assert (
        "rivals: 100% of the words of its title and of "
        f"“Soil and mulch: what to know about them” ({url})" in gate["error"]
    )


async def test_a_reviewer_is_shown_what_optimizing_changed(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = write_config([web.url + PAGE])

    class Wordy(studio.OfflineWriter):
        async def write(self, *args: Any) -> Draft:
            draft = await super().write(*args)
            return draft.model_copy(update={"title": f"{draft.title}."})

    monkeypatch.setattr(studio, "OfflineWriter", Wordy)
    await start(studio.build(config), database, clock)
    (gate,) = await database.fetch("select job_id from runs where step = 'gate'")
    dossier = await review.gather(database, config, gate["job_id"])
    assert dossier is not None
    title = "What to know about mulch and soil"
    assert [(c.what, c.before, c.after) for c in dossier.changes] == [("title", f"{title}.", title)]
    assert f"changed title: {title}. → {title}" in " ".join(review_text.told(dossier).split())
    assert f"<td>title</td><td>{title}.</td><td>{title}</td>" in review_page.page(dossier)


async def test_the_words_of_a_person_are_left_as_they_are(ctx: Ctx) -> None:
    await ctx.ledger.database.fetch(
        "insert into actions (verb, target, step, by) values ('edit', 'a-job', 'optimize', 'ann')"
    )
    done = await writing.optimize(ctx, make_draft())
    assert done == Optimized(draft=make_draft())


async def test_a_description_that_another_article_has_is_changed(
    ctx: Ctx, database: Database
) -> None:
    taken = make_draft(slug="heaps", title="Heaps")
    await database.fetch(
        "insert into versions (site, slug, sha256, draft, job_id) values ('garden', "
        "'heaps', '', %(draft)s, 'j')",
        {"draft": taken.model_dump_json()},
    )
    same = await writing.optimize(ctx, make_draft(slug="heaps"))
    other = await writing.optimize(ctx, make_draft())
    assert same.draft.description == taken.description
    assert other.draft.description == HEAPS
    assert [change.what for change in other.changes].count("description") == 1
