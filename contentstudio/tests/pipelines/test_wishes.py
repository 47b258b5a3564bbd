"""Ideas that people ask for, and what a night makes of the demo's web: names, scores, due dates."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from contentstudio import app as studio
from contentstudio import ideas
from contentstudio.config import Config, Weights
from contentstudio.demo.web import FEEDS, DemoWeb
from contentstudio.research import naming
from contentstudio.research.ideas import score
from contentstudio.store.articles import Articles
from contentstudio.store.ideas import Ideas
from overnight import App
from overnight.errors import NotFound, UserError
from overnight.inbox.messages import receive
from overnight.operations import runs, switches
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
MULCH = "/potting-shed/mulch.html"
QUESTION = "How long do tomato seeds keep"
SLUG = "how-long-do-tomato-seeds-keep"


@pytest.fixture
async def config(database: Database, clock: Clock, web: DemoWeb, write_config: Write) -> Config:
    """A site that reads one page; no article of it is written."""
    await clock.set(datetime(2026, 11, 23, 4, tzinfo=UTC))
    await switches.pause(database, "pipeline:article", reason="ideas only")
    return write_config([web.url + MULCH])


@pytest.fixture
def app(config: Config) -> App:
    return studio.build(config)


async def night(app: App, database: Database, clock: Clock, day: str = "2026-11-23") -> None:
    await runs.start(app, database, "night", {"date": day, "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)


async def article_runs(database: Database) -> list[Any]:
    return await database.fetch("select job_id, input from runs where pipeline = 'article'")


async def test_ten_ideas_have_ten_scores_that_their_factors_explain(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, tmp_path: Path
) -> None:
    await clock.set(datetime(2026, 11, 23, 4, tzinfo=UTC))
    await switches.pause(database, "pipeline:article", reason="ideas only")
    (tmp_path / "words.txt").write_text("why is a compost heap dry\t3\nwhy do bees dance\n")
    config = write_config([web.url + feed for feed in FEEDS])
    file = tmp_path / "contentstudio.toml"
    words = ', { keywords = "words.txt" }]\ntags = ["Compost", "Moon"]'
    file.write_text(
        file.read_text("utf-8")
        .replace("]\n\n", "]\n")
        .replace(f'"{web.url}{FEEDS[1]}"]', f'"{web.url}{FEEDS[1]}"{words}'),
        "utf-8",
    )
    config = studio.settings.load(file)
    await night(studio.build(config), database, clock)
    rows = await ideas.listed(config, database, "garden", 7)
    assert len(rows) == 10
    assert len({row["score"] for row in rows}) == 10
    for row in rows:
        assert score(row["factors"], Weights()) == pytest.approx(row["score"], abs=1e-4)
    sources = [row["title"] for row in await database.fetch("select title from snapshots")]
    assert all(naming.is_own(row["title"], sources) for row in rows)
    asked = {row["title"]: row for row in rows if row["origin"] == "query"}
    assert {(title, row["status"]) for title, row in asked.items()} == {
        ("Why is a compost heap dry", "idea"),
        ("Why do bees dance", "skipped"),
    }


async def test_an_idea_of_a_person_begins_an_article_once_a_day(
    app: App, config: Config, database: Database
) -> None:
    first = await ideas.add(app, config, database, "garden", QUESTION, by="eva")
    second = await ideas.add(app, config, database, "garden", f" {QUESTION.upper()}? ", by="eva")
    assert "is queued" in first
    assert "was begun already" in second
    (run,) = await article_runs(database)
    assert run["input"] == {"site": "garden", "slug": SLUG, "date": "2026-11-23"}
    article = await Articles(database).read("garden", SLUG)
    assert article is not None
    assert (article.state, article.job_id) == ("idea", run["job_id"])


async def test_what_a_person_says_of_an_idea_reaches_research(
    app: App, config: Config, database: Database
) -> None:
    urls = ["https://b.example/2", "https://a.example/1"]
    await ideas.add(
        *(app, config, database, "garden", QUESTION),
        urls=urls,
        due=date(2026, 11, 24),
        wish="For beginners.",
    )
    idea = await Ideas(database).read("garden", SLUG, date(2026, 11, 23))
    assert (idea.title, idea.origin, idea.wish) == (QUESTION, "wish", "For beginners.")
    assert (set(idea.urls), idea.due, idea.snapshots) == ({*urls}, date(2026, 11, 24), ())
    assert [(signal.kind, signal.text) for signal in idea.signals] == [("wish", QUESTION)]
    with pytest.raises(LookupError):
        await Ideas(database).read("garden", "nothing", date(2026, 11, 23))


async def test_an_idea_with_a_due_date_begins_some_days_before_it(
    app: App, config: Config, database: Database, clock: Clock
) -> None:
    said = await ideas.add(
        app, config, database, "garden", QUESTION, due=date(2026, 11, 30), by="eva"
    )
    assert "its article begins on 2026-11-27" in said
    assert await article_runs(database) == []
    await night(app, database, clock, "2026-11-26")
    assert SLUG not in [run["input"]["slug"] for run in await article_runs(database)]
    for _ in range(2):
        await night(app, database, clock, "2026-11-27")
    begun = [run for run in await article_runs(database) if run["input"]["slug"] == SLUG]
    assert [run["input"]["date"] for run in begun] == ["2026-11-27"]
    await night(app, database, clock, "2026-11-28")
    begun = [run for run in await article_runs(database) if run["input"]["slug"] == SLUG]
    assert len(begun) == 1


async def test_the_score_of_an_idea_rises_as_its_due_date_comes_nearer(
    app: App, config: Config, database: Database, clock: Clock
) -> None:
    await ideas.add(app, config, database, "garden", QUESTION, due=date(2026, 12, 24))
    scores = []
    for _ in range(3):
        scores.append((await ideas.shown(config, database, "garden", SLUG))["score"])
        await clock.move(14 * 86_400)
    assert scores == sorted(scores)
    assert scores[0] < scores[1] < scores[2]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"site": "gardn"}, "there is no site “gardn”"),
        ({"question": "?!..."}, "question"),
        ({"question": "x" * 201}, "question"),
        ({"urls": ["seeds.example"]}, "begins with http"),
        ({"due": date(2026, 11, 22)}, "2026-11-22 is past"),
    ],
)
async def test_what_is_no_idea_is_one_sentence_and_keeps_nothing(
    app: App, config: Config, database: Database, options: dict[str, Any], says: str
) -> None:
    told = {"site": "garden", "question": QUESTION, **options}
    with pytest.raises(UserError, match=says):
        await ideas.add(app, config, database, told.pop("site"), told.pop("question"), **told)
    assert await database.fetch("select from ideas") == []


async def test_a_message_adds_an_idea_and_begins_its_article(
    app: App, config: Config, database: Database, clock: Clock
) -> None:
    body = json.dumps({"site": "garden", "question": QUESTION, "urls": ["https://a.example/"]})
    received = await receive(
        app, database, body.encode(), source="webhook", key="1", target="pipeline:idea"
    )
    assert received.error is None
    await run_until_idle(app, database, clock=clock)
    (run,) = await article_runs(database)
    assert run["input"]["slug"] == SLUG
    idea = await Ideas(database).read("garden", SLUG, date(2026, 11, 23))
    assert (idea.title, idea.urls) == (QUESTION, ("https://a.example/",))


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"question": QUESTION, "site": "gardn"}, "there is no site “gardn”"),
        ({"site": "garden"}, "question"),
        ({"site": "garden", "question": QUESTION, "urls": ["a.example"]}, "begins with http"),
        ({"site": "garden", "question": QUESTION, "due": "soon"}, "due"),
    ],
)
async def test_a_message_that_is_no_idea_is_kept_with_the_reason(
    app: App, config: Config, database: Database, message: Any, says: str
) -> None:
    body = json.dumps(message).encode()
    received = await receive(app, database, body, source="webhook", key="1", target="pipeline:idea")
    assert received.letter is not None
    assert says in str(received.error)
    assert await database.fetch("select from ideas") == []


async def test_an_approved_skipped_idea_is_written_from_what_was_found(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    await switches.pause(database, "pipeline:article", reason="ideas only")
    config = write_config([web.url + MULCH], extra="[research]\nmin_score = 1\n")
    app = studio.build(config)
    await night(app, database, clock)
    (row,) = await ideas.listed(config, database, None, 7)
    assert (row["status"], row["pages"]) == ("skipped", 1)
    assert await article_runs(database) == []
    slug = row["slug"]
    assert "is queued" in await ideas.approve(app, config, database, "garden", slug, by="eva")
    assert "was begun already" in await ideas.approve(app, config, database, "garden", slug)
    assert len(await article_runs(database)) == 1
    await switches.resume(database, "pipeline:article", reason="write")
    await run_until_idle(app, database, clock=clock)
    article = await Articles(database).read("garden", slug)
    assert article is not None
    assert (article.state, article.title) == ("published", row["title"])
    with pytest.raises(UserError, match="is published: to have it written again, refresh it"):
        await ideas.approve(app, config, database, "garden", slug)
    with pytest.raises(UserError, match="unpublish its article instead"):
        await ideas.drop(config, database, "garden", slug, reason="no")


async def test_a_dropped_idea_keeps_its_story_away_until_approved(
    app: App, config: Config, database: Database, clock: Clock, web: DemoWeb
) -> None:
    await night(app, database, clock)
    (row,) = await ideas.listed(config, database, None, 7)
    slug = row["slug"]
    with pytest.raises(UserError, match="say why"):
        await ideas.drop(config, database, "garden", slug, reason=" ")
    await ideas.drop(config, database, "garden", slug, reason="not for us", by="eva")
    (run,) = await database.fetch("select status from runs where pipeline = 'article'")
    assert run["status"] == "cancelled"
    article = await Articles(database).read("garden", slug)
    assert article is not None
    assert article.state == "rejected"
    await database.fetch("update candidates set chosen_by = null")
    await database.fetch(
        "insert into snapshots (sha256, url, title, text, language) select 'again', "
        "'https://b.example/', title, text || ' And more.', language from snapshots"
    )
    await database.fetch("update candidates set snapshot = 'again', url = 'https://b.example/'")
    await runs.start(
        app, database, "topic", {"site": "garden", "date": "2026-11-24", "snapshot": "again"}
    )
    await run_until_idle(app, database, clock=clock)
    rows = await database.fetch(
        "select decision, reason from choices where found_on = %s", ["2026-11-24"]
    )
    assert [row["decision"] for row in rows] == ["skip"]
    assert "was rejected: not for us" in rows[0]["reason"]
    (kept,) = await database.fetch("select decision, decided_by from ideas")
    assert kept == {"decision": "drop", "decided_by": "eva"}
    assert "queued" in await ideas.approve(app, config, database, "garden", slug, by="eva")


async def test_an_idea_that_is_not_there_is_a_sentence(
    app: App, config: Config, database: Database
) -> None:
    for verb in (
        ideas.approve(app, config, database, "garden", "nothing"),
        ideas.drop(config, database, "garden", "nothing", reason="no"),
        ideas.shown(config, database, "garden", "nothing"),
    ):
        with pytest.raises(NotFound, match="garden has no idea “nothing”"):
            await verb


async def test_the_calendar_says_what_is_due_and_what_is_on_its_way(
    app: App, config: Config, database: Database, clock: Clock
) -> None:
    await ideas.add(app, config, database, "garden", QUESTION, due=date(2026, 12, 24))
    await ideas.add(app, config, database, "garden", "When to sow beans", due=date(2026, 11, 24))
    await ideas.add(app, config, database, "garden", "Why do bees dance")
    (site,) = await ideas.calendar(config, database, "garden")
    assert (site["today"], site["per_day"], site["opens_in"]) == (0, 10, 0)
    assert [(row["slug"], row["due"], row["begins"]) for row in site["articles"]] == [
        ("when-to-sow-beans", "2026-11-24", None),
        (SLUG, "2026-12-24", "2026-12-21"),
        ("why-do-bees-dance", None, None),
    ]


@pytest.mark.parametrize("autonomy", ["full", "review"])
async def test_each_article_of_a_site_that_wants_approval_waits_once(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write, autonomy: str
) -> None:
    from contentstudio import review
    from overnight.operations import reviews
    from overnight.operations.decisions import Approve

    config = write_config([web.url + MULCH])
    (site,) = config.site
    config = config.model_copy(update={"site": [site.model_copy(update={"autonomy": autonomy})]})
    app = studio.build(config)
    await night(app, database, clock)
    waiting = await database.fetch("select job_id, error from runs where status = 'needs_review'")
    assert len(waiting) == (autonomy == "review")
    for run in waiting:
        assert "Each article of this site waits for a person" in run["error"]
        details = await review.gather(database, config, run["job_id"])
        assert details is not None
        await reviews.decide(app, database, run["job_id"], Approve(details.seal))
    await run_until_idle(app, database, clock=clock)
    (article,) = await database.fetch("select state from articles")
    assert article["state"] == "published"
