"""The step that plans an article: what waits for a person, and what a person makes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result
from lxml import html

from contentstudio import app as studio
from contentstudio.brief import Brief
from contentstudio.cli.main import cli
from contentstudio.config import Config
from contentstudio.demo.web import DemoWeb
from contentstudio.memory.embeddings import Lexical
from contentstudio.model import Draft, Section, Sentence
from contentstudio.review import brief_text, briefs
from contentstudio.review.briefs import BriefDetails
from contentstudio.store.articles import Articles
from contentstudio.store.documents import Documents
from overnight import http
from overnight.errors import IllegalTransition
from overnight.operations import reviews, runs, switches
from overnight.operations.decisions import Approve, Edit, Reject
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
PAGE = "/potting-shed/mulch.html"


def careful(config: Config, **changes: Any) -> Config:
    """The config with a site whose briefs wait for a person."""
    (site,) = config.site
    update = {"autonomy": "brief", **changes}
    return config.model_copy(update={"site": [site.model_copy(update=update)]})


@pytest.fixture
def config(web: DemoWeb, write_config: Write) -> Config:
    return careful(write_config([web.url + PAGE]))


@pytest.fixture
async def waiting(config: Config, database: Database, clock: Clock) -> BriefDetails:
    """The brief that a night leaves for its owner."""
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    return await details_of(config, database)


async def details_of(config: Config, database: Database) -> BriefDetails:
    (row,) = await database.fetch("select job_id from runs where step = 'brief'")
    details = await briefs.gather(database, config, row["job_id"])
    assert details is not None
    return details


async def steps(database: Database) -> dict[str, str]:
    rows = await database.fetch(
        "select step, status from runs where pipeline = 'article' order by id"
    )
    return {row["step"]: row["status"] for row in rows}


async def state(database: Database, plan: BriefDetails) -> str | None:
    idea = plan.brief.research.idea
    article = await Articles(database).read(idea.site, idea.slug)
    return article.state if article else None


async def written(database: Database) -> Draft:
    (run,) = await database.fetch("select output from runs where step = 'generate'")
    return Draft.model_validate(run["output"])


async def test_a_brief_waits_where_the_site_wants_it_until_approved(
    waiting: BriefDetails, config: Config, database: Database, clock: Clock
) -> None:
    assert await steps(database) == {"research": "succeeded", "brief": "needs_review"}
    assert (waiting.waits, await state(database, waiting)) == (True, "briefed")
    app = studio.build(config)
    await reviews.decide(app, database, waiting.job_id, Approve(waiting.seal))
    await run_until_idle(app, database, clock=clock)
    assert (await steps(database))["publish"] == "succeeded"
    draft = await written(database)
    assert [s.heading for s in draft.sections] == [s.heading for s in waiting.brief.sections]
    assert await state(database, waiting) == "published"


async def test_what_a_person_makes_of_a_brief_is_what_is_written(
    waiting: BriefDetails, config: Config, database: Database, clock: Clock
) -> None:
    first, *others = waiting.brief.sections
    edited = waiting.brief.model_copy(
        update={
            "titles": ("A title of mine",),
            "sections": (first.model_copy(update={"heading": "My heading"}), *others[:1]),
        }
    )
    app = studio.build(config)
    edit = Edit(waiting.seal, edited.model_dump(mode="json"))
    await reviews.decide(app, database, waiting.job_id, edit)
    await run_until_idle(app, database, clock=clock)
    draft = await written(database)
    assert draft.title == "A title of mine"
    assert [s.heading for s in draft.sections] == ["My heading", others[0].heading]
    named = {note for sentence in draft.sentences() for note in sentence.notes}
    assert named == {name for section in edited.sections for name in section.notes}
    (run,) = await database.fetch("select status from runs where step = 'gate'")
    assert run["status"] in ("succeeded", "needs_review")
    assert not await Articles(database).edited(waiting.job_id), "its words are not a person's"


async def test_a_decision_holds_for_the_brief_that_was_seen(
    waiting: BriefDetails, config: Config, database: Database
) -> None:
    app = studio.build(config)
    for decision in (Approve("0" * 64), Edit("0" * 64, {}), Reject("0" * 64, "no")):
        with pytest.raises(IllegalTransition, match="is not what stands there now"):
            await reviews.decide(app, database, waiting.job_id, decision)
    assert (await steps(database))["brief"] == "needs_review"


async def test_a_brief_that_is_rejected_ends_its_article(
    waiting: BriefDetails, config: Config, database: Database
) -> None:
    app = studio.build(config)
    await reviews.decide(app, database, waiting.job_id, Reject(waiting.seal, "not ours"))
    assert await state(database, waiting) == "rejected"
    assert "generate" not in await steps(database)


async def test_a_brief_of_another_site_is_refused(
    waiting: BriefDetails, config: Config, database: Database, clock: Clock
) -> None:
    stolen = waiting.brief.model_dump(mode="json")
    stolen["research"]["idea"]["site"] = "other"
    app = studio.build(config)
    await reviews.decide(app, database, waiting.job_id, Edit(waiting.seal, stolen))
    await run_until_idle(app, database, clock=clock)
    (run,) = await database.fetch("select status, error from runs where step = 'brief'")
    assert run["status"] == "dead"
    assert "this brief is for the site “other”, the job for “garden”" in run["error"]


@pytest.mark.parametrize("autonomy", ["full", "review"])
async def test_other_sites_have_their_briefs_written_at_once(
    web: DemoWeb, write_config: Write, database: Database, clock: Clock, autonomy: str
) -> None:
    config = careful(write_config([web.url + PAGE]), autonomy=autonomy)
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    assert (await steps(database))["generate"] == "succeeded"
    plan = await details_of(config, database)
    assert (plan.waits, plan.step) == (False, "generate")


async def test_a_job_from_before_there_were_briefs_is_written(
    web: DemoWeb, write_config: Write, database: Database, clock: Clock
) -> None:
    """Its step `generate` was given a topic."""
    app = studio.build(careful(write_config([web.url + PAGE])))
    article = app.pipeline("article")
    planned = {name: article.steps.pop(name) for name in ("research", "brief")}
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    assert planned.keys() == {"research", "brief"}
    assert (await steps(database))["publish"] == "succeeded"
    draft = await written(database)
    assert all(s.notes and s.source for s in draft.sentences() if s.quoted)


async def test_a_brief_proposes_links_to_pages_of_the_site_on_topic(
    config: Config, database: Database, clock: Clock
) -> None:
    app = studio.build(config)
    await switches.pause(database, "step:article/brief", reason="look")
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    memory = Documents(database, Lexical())
    near, far = "https://garden.example/straw/", "https://garden.example/pots/"
    await memory.keep_own_post("garden", near, "Mulch as a blanket for your soil", "Text.")
    await memory.keep_own_post("garden", far, "Pots on a balcony", "Text.")
    await switches.resume(database, "step:article/brief", reason="looked")
    await run_until_idle(app, database, clock=clock)
    plan = await details_of(config, database)
    assert plan.brief.links == (near,)
    says = Sentence(text="Mulch is a blanket for your soil.")
    draft = Draft(
        site="garden",
        slug="x",
        title="X",
        description="",
        sections=[Section(heading="One", paragraphs=[[says]])],
        references=[],
        writer="test",
    )
    (link,) = await memory.links_to(draft, [*plan.brief.links, "https://elsewhere.example/"])
    assert (link.url, link.anchor in says.text) == (near, True)


Ask = Callable[..., Result]


@pytest.fixture
def ask(config: Config, tmp_path: Any, database: Database, monkeypatch: Any) -> Ask:
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    file = tmp_path / "contentstudio.toml"
    text = file.read_text("utf-8").replace("name = 'garden'", "name = 'garden'\nautonomy = 'brief'")
    file.write_text(text, "utf-8")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["--config", str(file), *arguments])

    return run


async def test_a_brief_is_shown_edited_and_approved_by_commands(
    waiting: BriefDetails, ask: Ask, database: Database, tmp_path: Any
) -> None:
    job, rev = waiting.job_id, waiting.seal[:8]
    (first, *_) = waiting.brief.sections
    for command in ("brief", "review"):
        shown = (await asyncio.to_thread(ask, command, job)).stdout
        assert waiting.brief.titles[0] in shown
        assert first.heading in shown
        assert f"approve {job} --rev {rev}" in shown
        for fact in waiting.facts(first):
            assert " ".join(fact.span.split())[:40] in " ".join(shown.split())
            assert fact.url in shown
            assert fact.dated in shown
    data = json.loads((await asyncio.to_thread(ask, "brief", job, "--json")).stdout)
    assert Brief.model_validate(data["brief"]["brief"]) == waiting.brief
    cost = (await asyncio.to_thread(ask, "cost", job)).stdout
    assert cost.strip() == "No call of a model is booked or estimated."
    file = tmp_path / "brief.md"
    await asyncio.to_thread(ask, "review", job, "--markdown", str(file))
    assert brief_text.read(file.read_text("utf-8"), waiting.brief) == waiting.brief

    file.write_text("# Mine\n## One\nNotes: n99\n", "utf-8")
    refused = await asyncio.to_thread(ask, "edit", job, "--input", f"@{file}", "--rev", rev)
    assert "line 3: n99 is no note of this brief" in str(refused.exception)
    file.write_text("# Mine\n## One\nNotes: n1, n2\n", "utf-8")
    done = await asyncio.to_thread(ask, "edit", job, "--input", f"@{file}", "--rev", rev)
    assert done.exit_code == 0, done.output
    (run,) = await database.fetch("select input, status from runs where step = 'brief'")
    assert (run["input"]["titles"], run["status"]) == (["Mine"], "queued")


async def test_a_job_without_a_brief_says_so(ask: Ask, config: Config, database: Database) -> None:
    app = studio.build(config)
    job, _ = await runs.start(
        app, database, "article", {"site": "garden", "slug": "x", "date": "2026-11-23"}
    )
    said = await asyncio.to_thread(ask, "brief", job)
    assert f"job {job} has no brief" in str(said.exception)


async def test_the_console_shows_a_brief_with_notes_and_reads_its_edit(
    waiting: BriefDetails, config: Config, database: Database
) -> None:
    from contentstudio import console
    from overnight.console import site
    from overnight.console.access import Access

    own = console.build(config)
    built = site.build(studio.build(config), database, Access({}), own=own)
    with http.listen("127.0.0.1", 0) as listener:
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            shown = html.fromstring((await client.get(f"/review/{waiting.job_id}")).text)
    assert not shown.xpath("//iframe")
    (words,) = shown.xpath("//textarea[@name='words']/text()")
    assert brief_text.read(words, waiting.brief) == waiting.brief
    page = shown.text_content()
    for fact in (f for section in waiting.brief.sections for f in waiting.facts(section)):
        assert fact.span in page
        assert fact.dated in page
    assert own.edited is not None
    taken = await own.edited(database, waiting.job_id, "# Mine\r\n## One\r\nNotes: n1\r\n")
    assert Brief.model_validate(taken).titles == ("Mine",)
