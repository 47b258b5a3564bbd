"""The home of an article: its states, and who may change them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from publishing_jobs import Jobs

from contentstudio import app as studio
from contentstudio import articles, review
from contentstudio.config import Config
from contentstudio.demo.web import HARD, DemoWeb
from contentstudio.model import Draft, Section, Sentence
from contentstudio.store.articles import STATES, Articles, State
from contentstudio.store.sql import queries
from overnight.errors import IllegalTransition, LedgerUnavailable
from overnight.operations import reviews, runs, switches
from overnight.operations.decisions import Approve, Reject
from overnight.store.database import Database
from overnight.store.migrations import migrate
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
MULCH = "/potting-shed/mulch.html"
DRAFT = Draft(
    site="garden",
    slug="compost",
    title="On compost",
    description="What to know of heaps.",
    sections=[Section(heading="Heaps", paragraphs=[[Sentence(text="A heap is a start.")]])],
    references=[],
    writer="offline",
)
VERSION = (
    "insert into versions (site, slug, sha256, draft, job_id) values ('garden', 'compost', 'x', "
    "'{}', 'earlier')"
)


async def put(database: Database, state: str, *, job: str | None = "job", url: str = "") -> None:
    """The article in a state, whatever it was in before."""
    await database.fetch("delete from articles")
    await database.fetch(
        "insert into articles (site, slug, job_id, title, state, url) "
        "values ('garden', 'compost', %s, 'On compost', %s, nullif(%s, ''))",
        [job, state, url],
    )


async def state(database: Database, slug: str = "compost") -> str | None:
    article = await Articles(database).read("garden", slug)
    return article.state if article else None


async def states(database: Database) -> dict[str, str]:
    rows = await database.fetch("select slug, state from articles where site = 'garden'")
    return {row["slug"]: row["state"] for row in rows}


async def test_the_code_and_the_schema_have_the_same_reachable_states(database: Database) -> None:
    rows = await database.fetch("select from_state, to_state from article_transitions")
    assert {row["from_state"] for row in rows} == set(STATES)
    reached: set[str] = {"idea"}
    for _ in STATES:
        reached |= {row["to_state"] for row in rows if row["from_state"] in reached}
    assert reached == set(STATES)


async def test_the_database_refuses_each_change_that_is_not_listed(database: Database) -> None:
    rows = await database.fetch("select from_state, to_state from article_transitions")
    legal = {(row["from_state"], row["to_state"]) for row in rows}
    for before in STATES:
        for after in STATES:
            await put(database, before)
            change = database.fetch("update articles set state = %s", [after])
            if before == after or (before, after) in legal:
                await change
                assert await state(database) == after
            else:
                with pytest.raises(IllegalTransition, match=f"from {before} to {after}"):
                    await change
    assert ("idea", "published") not in legal
    assert ("published", "rejected") not in legal


@pytest.mark.parametrize("before", STATES)
async def test_each_verb_reaches_its_state_from_every_other_state(
    database: Database, before: State
) -> None:
    articles = Articles(database)
    writes = "refreshing" if before in ("published", "unpublished", "refreshing") else "writing"
    for after, verb in {
        writes: lambda: articles.begin("garden", "compost", "job", "On compost"),
        "verifying": lambda: articles.move(DRAFT, "job", "verifying"),
        "review": lambda: articles.move(DRAFT, "job", "review"),
        "ready": lambda: articles.move(DRAFT, "job", "ready"),
        "published": lambda: articles.publish(DRAFT, "job", "https://garden.example/compost/"),
        "unpublished": lambda: articles.unpublish("garden", "compost", "job"),
    }.items():
        await put(database, before)
        for _ in range(2):  # an attempt that was cut off is made again
            await verb()
            assert await state(database) == after
    await database.fetch("delete from articles")
    await articles.move(DRAFT, "job", "ready")
    assert await state(database) == "ready"


@pytest.mark.parametrize("before", STATES)
async def test_a_plan_leaves_what_is_written_or_published_there(
    database: Database, before: State
) -> None:
    after = "briefed"
    if before in ("published", "unpublished", "refreshing"):
        after = "refreshing"
    elif before in ("writing", "verifying", "review", "ready"):
        after = "writing"
    await put(database, before, job="earlier")
    for _ in range(2):  # an attempt that was cut off is made again
        await Articles(database).plan("garden", "compost", "job", "On compost")
        assert await state(database) == after
    await Articles(database).begin("garden", "compost", "job", "On compost")
    assert await state(database) == ("refreshing" if after == "refreshing" else "writing")


async def test_an_article_published_before_is_refreshed_not_written(database: Database) -> None:
    await database.fetch(VERSION)
    for before in ("verifying", "review", "ready"):
        await put(database, before)
        await Articles(database).begin("garden", "compost", "next", "On compost")
        assert await state(database) == "refreshing"
    await database.fetch("delete from articles")
    await Articles(database).begin("garden", "compost", "next", "On compost")
    assert await state(database) == "refreshing"


@pytest.mark.parametrize(
    ("url", "version", "rejected", "waits"),
    [
        ("https://garden.example/compost/", True, "published", "published"),
        ("", True, "unpublished", "unpublished"),
        ("", False, "rejected", "idea"),
    ],
)
async def test_what_is_given_up_is_what_it_was_before(
    database: Database, url: str, version: bool, rejected: str, waits: str
) -> None:
    if version:
        await database.fetch(VERSION)
    writing = "refreshing" if version else "writing"
    for before in (writing, "verifying", "review", "ready"):
        await put(database, before, url=url)
        await Articles(database).reject("job")
        assert await state(database) == rejected
    await put(database, writing, url=url)
    await Articles(database).wait_for_sources("job")
    assert await state(database) == waits


async def test_a_job_leaves_alone_what_another_one_works_on(database: Database) -> None:
    articles = Articles(database)
    await put(database, "published", job="rollback")
    await articles.move(DRAFT, "job", "review")
    await articles.decide("job", "ready")
    await articles.reject("job")
    assert await state(database) == "published"
    await articles.publish(DRAFT, "job", "https://garden.example/compost/")
    article = await articles.read("garden", "compost")
    assert article is not None
    assert (article.state, article.job_id) == ("published", "job")


async def test_a_night_and_its_owner_leave_each_article_in_its_state(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = write_config([web.url + MULCH, web.url + HARD])
    app = studio.build(config)
    await switches.pause(database, "step:article/research", reason="look")
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    assert set((await states(database)).values()) == {"idea"}
    await switches.resume(database, "step:article/research", reason="looked")
    await run_until_idle(app, database, clock=clock)
    (waiting,) = await database.fetch(
        "select job_id, input->'draft'->>'slug' as slug from runs where status = 'needs_review'"
    )
    found = await states(database)
    (published,) = set(found) - {waiting["slug"]}
    assert found == {published: "published", waiting["slug"]: "review"}
    article = await Articles(database).read("garden", published)
    assert article is not None
    assert article.url == f"https://garden.example/{published}/"

    details = await review.gather(database, config, waiting["job_id"])
    assert details is not None
    await reviews.decide(app, database, waiting["job_id"], Reject(details.seal, "too hard"))
    assert await state(database, waiting["slug"]) == "rejected"

    await articles.ask(app, config, database, "refresh", "garden", published)
    await switches.pause(database, "step:article/optimize", reason="look")
    await run_until_idle(app, database, clock=clock)
    assert await state(database, published) == "refreshing"
    (run,) = await database.fetch("select job_id from runs where status = 'queued'")
    await runs.cancel(database, run["job_id"], reason="not now")
    await Articles(database).settle("garden")
    assert await state(database, published) == "published"

    await articles.ask(app, config, database, "unpublish", "garden", published)
    await run_until_idle(app, database, clock=clock)
    article = await Articles(database).read("garden", published)
    assert article is not None
    assert (article.state, article.url) == ("unpublished", None)
    await articles.ask(app, config, database, "publish", "garden", published)
    await run_until_idle(app, database, clock=clock)
    assert await state(database, published) == "published"


async def test_an_approved_article_is_ready_at_once_and_then_published(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = write_config([web.url + MULCH], offline="review")
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    ((slug, waits),) = (await states(database)).items()
    assert waits == "review"
    (run,) = await database.fetch("select job_id from runs where status = 'needs_review'")
    details = await review.gather(database, config, run["job_id"])
    assert details is not None
    await reviews.decide(app, database, run["job_id"], Approve(details.seal))
    assert await state(database, slug) == "ready"
    await run_until_idle(app, database, clock=clock)
    assert await state(database, slug) == "published"


@pytest.mark.parametrize("written", [False, True])
async def test_an_attempt_cut_off_at_a_state_change_goes_on_from_there(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    monkeypatch: pytest.MonkeyPatch,
    written: bool,
) -> None:
    move, cut = Articles._move, set[str]()

    async def once(self: Articles, params: dict[str, object], to: State) -> None:
        if to in cut:
            await move(self, params, to)
            return
        cut.add(to)
        if written:
            await move(self, params, to)
        raise LedgerUnavailable("cut off")

    monkeypatch.setattr(Articles, "_move", once)
    app = studio.build(write_config([web.url + MULCH]))
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    assert cut == {"researching", "briefed", "writing", "verifying", "ready", "published"}
    assert set((await states(database)).values()) == {"published"}


async def test_a_source_that_says_too_little_leaves_an_idea_that_waits(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, monkeypatch: Any
) -> None:
    monkeypatch.setattr("contentstudio.writing.briefs.MIN_NOTES", 1_000)
    app = studio.build(write_config([web.url + MULCH]))
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    (run,) = await database.fetch("select status from runs where step = 'brief'")
    assert run["status"] == "cancelled"
    assert set((await states(database)).values()) == {"idea"}


async def test_the_job_of_an_older_worker_is_followed_from_its_state(
    database: Database, write_config: Write, tmp_path: Path
) -> None:
    write_config(["https://a.example"])
    jobs = Jobs(database, tmp_path / "contentstudio.toml")
    await put(database, "idea", job=None)
    await jobs.publish("job", DRAFT)
    assert await state(database) == "published"


DOCUMENTS = (  # slug, kind
    ("chosen", "chosen"),
    ("forgotten", "queued"),
    ("turned-down", "rejected"),
    ("stands", "published"),
    ("own", "own"),
)
RUNS = (  # slug, step, status
    ("waits", "gate", "needs_review"),
    ("queued", "generate", "queued"),
    ("written", "generate", "dead"),
    ("judged", "optimize", "queued"),
    ("approved", "confirm", "queued"),
    ("away", "publish", "dead"),
    ("again", "generate", "queued"),
    ("stands", "ping", "queued"),
    ("gone", "confirm", "succeeded"),
)


async def test_the_migration_fills_the_table_from_what_exists(database: Database) -> None:
    await database.fetch("drop table articles, article_transitions")
    await database.fetch("drop function articles_guard")
    await database.fetch(
        "delete from migrations where package = 'contentstudio' and name = 'articles'"
    )
    for slug, kind in DOCUMENTS:
        await database.fetch(
            "insert into documents (site, slug, kind, title, text, sha256, job_id) "
            "values ('garden', %s, %s, 'A title', '', '', 'of-a-document')",
            [slug, kind],
        )
    for slug, step, status in RUNS:
        draft = {**DRAFT.model_dump(mode="json"), "slug": slug}
        topic = {"site": "garden", "slug": slug, "date": "2026-11-23"}
        input_ = topic if step == "generate" else draft if step == "optimize" else {"draft": draft}
        await database.fetch(
            "insert into runs (job_id, step, pipeline, key, status, input, lease_until) "
            "values (%s, %s, 'article', 'garden', %s, %s, null)",
            [f"of-{slug}", step, status, json.dumps(input_)],
        )
    for slug, existing in (
        ("stands", {"url": "https://garden.example/stands/", "state": "published"}),
        ("again", {"url": "https://garden.example/again/", "state": "published"}),
        ("gone", None),
        ("draft", {"url": "https://garden.example/draft/", "state": "draft"}),
        ("taken-back", {"url": "https://garden.example/taken-back/", "state": "draft"}),
    ):
        await database.fetch(
            "insert into publications (site, slug, job_id, existing) values "
            "('garden', %s, 'of-a-publication', %s::jsonb)",
            [slug, json.dumps(existing) if existing else None],
        )
        await database.fetch(
            "insert into versions (site, slug, sha256, draft, job_id) "
            "values ('garden', %s, 'x', %s, 'of-a-version')",
            [slug, json.dumps(DRAFT.model_dump(mode="json"))],
        )
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, input, finished_at, lease_until) "
        "values ('wish', 'unpublish', 'unpublish', 'garden', 'succeeded', "
        '\'{"site": "garden", "slug": "taken-back"}\', ledger_now(), null)'
    )
    applied = await migrate(database, queries)
    assert applied == ["contentstudio/0012_articles", "contentstudio/0022_articles"]
    assert await states(database) == {
        "chosen": "idea",
        "queued": "idea",
        "forgotten": "rejected",
        "turned-down": "rejected",
        "written": "writing",
        "again": "refreshing",
        "judged": "verifying",
        "waits": "review",
        "approved": "ready",
        "away": "ready",
        "stands": "published",
        "draft": "published",
        "gone": "unpublished",
        "taken-back": "unpublished",
    }
    rows = {row["slug"]: row for row in await database.fetch("select * from articles")}
    assert rows["waits"]["job_id"] == "of-waits"
    assert rows["waits"]["title"] == DRAFT.title
    assert rows["stands"]["job_id"] == "of-a-publication"
    assert {slug for slug, row in rows.items() if row["url"]} == {"stands", "again", "draft"}
    assert all(row["created_at"] <= row["changed_at"] for row in rows.values())
