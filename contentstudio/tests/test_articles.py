"""What an owner asks of an article by its site and slug: publish, unpublish, roll back, refresh."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result
from publishing_jobs import Jobs

from contentstudio import articles, console
from contentstudio import config as settings
from contentstudio.cli.main import cli
from contentstudio.config import Config
from contentstudio.demo.web import DemoWeb
from contentstudio.model import Draft, Section, Sentence
from overnight import http
from overnight.console import site
from overnight.console.access import Access
from overnight.errors import NotFound, UserError
from overnight.operations import queries, runs, switches
from overnight.store.database import Database
from overnight.testing import Clock

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
Ask = Callable[..., Result]


@pytest.fixture
def jobs(database: Database, write_config: Write, tmp_path: Path) -> Jobs:
    write_config(["https://a.example"])
    return Jobs(database, tmp_path / "contentstudio.toml")


@pytest.fixture
def ask(jobs: Jobs, database: Database, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """The command line on the test's database."""
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    return lambda *words: CliRunner().invoke(cli, ["--config", str(jobs.file), *words])


def draft(number: int, slug: str = "compost") -> Draft:
    return Draft(
        site="garden",
        slug=slug,
        title=f"On compost, {number}",
        description="What to know of heaps.",
        sections=[
            Section(heading="Heaps", paragraphs=[[Sentence(text=f"A heap is a start, {number}.")]])
        ],
        references=[],
        writer="offline",
    )


async def published(jobs: Jobs, *numbers: int) -> None:
    for number in numbers:
        assert (await jobs.publish(f"job-{number}", draft(number)))["status"] == "succeeded"


async def wish(
    jobs: Jobs, verb: articles.Verb, slug: str = "compost", **options: Any
) -> articles.Started:
    config = settings.load(jobs.file)
    started = await articles.ask(jobs.app, config, jobs.database, verb, "garden", slug, **options)
    await jobs.work()
    return started


def page(jobs: Jobs, slug: str = "compost") -> str | None:
    config = settings.load(jobs.file)
    file = config.folder(config.find("garden")) / slug / "index.html"
    return file.read_text("utf-8") if file.is_file() else None


def shows(jobs: Jobs, number: int) -> bool:
    return f"A heap is a start, {number}." in (page(jobs) or "")


async def test_each_rollback_goes_one_version_back_down_to_the_first(jobs: Jobs) -> None:
    await published(jobs, 1, 2, 3)
    for number in (2, 1):
        await wish(jobs, "rollback")
        assert shows(jobs, number)
    with pytest.raises(
        UserError, match="version 1 of “compost” stands there, and there is none before it"
    ):
        await wish(jobs, "rollback")
    assert shows(jobs, 1)


async def test_a_version_that_was_gone_back_from_is_not_gone_back_to(jobs: Jobs) -> None:
    await published(jobs, 1, 2)
    await wish(jobs, "rollback")
    await published(jobs, 3)
    await wish(jobs, "rollback")
    assert shows(jobs, 1)


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_rollback_to_a_number_goes_to_any_version(jobs: Jobs, number: int) -> None:
    await published(jobs, 1, 2, 3)
    other = 1 if number == 3 else 3
    if other != 3:
        await wish(jobs, "rollback", version=other)
    await wish(jobs, "rollback", version=number)
    assert shows(jobs, number)
    if number > 1:  # going on from there leads to what comes before it
        await wish(jobs, "rollback", version=None)
        assert shows(jobs, 1)


async def test_two_rollbacks_asked_for_at_once_go_back_by_one_version(jobs: Jobs) -> None:
    await published(jobs, 1, 2, 3)
    config = settings.load(jobs.file)
    for _ in range(2):
        await articles.ask(jobs.app, config, jobs.database, "rollback", "garden", "compost")
    await jobs.work()
    assert shows(jobs, 2)


async def test_a_version_keeps_its_number_whatever_is_published_again(jobs: Jobs) -> None:
    await published(jobs, 1, 2, 3)
    await wish(jobs, "rollback", version=1)
    await wish(jobs, "rollback", version=2)
    config = settings.load(jobs.file)
    rows = await articles.versions(config, jobs.database, "garden", "compost")
    assert [(row["number"], row["title"], row["latest"]) for row in rows] == [
        (1, "On compost, 1", False),
        (2, "On compost, 2", True),
        (3, "On compost, 3", False),
    ]


async def test_what_is_unpublished_is_published_again_as_it_was(jobs: Jobs) -> None:
    await published(jobs, 1, 2, 3)
    await wish(jobs, "rollback")
    before = page(jobs)
    await wish(jobs, "unpublish", reason="a mistake in it")
    assert page(jobs) is None
    await wish(jobs, "publish")
    assert before is not None
    assert shows(jobs, 2)


async def test_an_approved_version_that_failed_is_published_by_name(
    jobs: Jobs, database: Database
) -> None:
    await published(jobs, 1)
    folder = settings.load(jobs.file).folder(settings.load(jobs.file).site[0])
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, output, finished_at) values"
        " ('job-2', 'confirm', 'article', 'garden', 'succeeded', "
        "jsonb_build_object('draft', %s::jsonb), ledger_now())",
        [draft(2).model_dump_json()],
    )
    folder.rename(folder.with_name("aside"))
    folder.write_text("a file, and no folder", "utf-8")
    assert (await jobs.publish("job-2", draft(2)))["status"] == "dead"
    folder.unlink()
    folder.with_name("aside").rename(folder)
    await wish(jobs, "publish")
    assert shows(jobs, 2)


@pytest.mark.parametrize(
    ("verb", "slug", "options", "says"),
    [
        ("publish", "compots", {}, "garden has no article “compots”; did you mean “compost”?"),
        ("unpublish", "Compost", {}, "did you mean “compost”?"),
        ("refresh", "roses", {}, "garden has no article “roses”; there are: compost"),
        ("refresh", "compost", {}, "the sources of “compost” are not known"),
        ("rollback", "compost", {}, "there is none before it"),
        ("rollback", "compost", {"version": 7}, "has no version 7; its versions are 1 to 1"),
        ("rollback", "compost", {"version": 1}, "is the one that stands there"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence(
    jobs: Jobs, verb: articles.Verb, slug: str, options: dict[str, Any], says: str
) -> None:
    await published(jobs, 1)
    with pytest.raises(UserError) as refused:
        await wish(jobs, verb, slug, **options)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("verb", "says"),
    [
        ("unpublish", "is unpublished already"),
        ("refresh", "publish it first"),
        ("rollback", "publish it first, or name a version with --to"),
    ],
)
async def test_what_is_unpublished_is_not_taken_away_again(
    jobs: Jobs, verb: articles.Verb, says: str
) -> None:
    await published(jobs, 1, 2)
    await wish(jobs, "unpublish", reason="x")
    with pytest.raises(UserError, match=says):
        await wish(jobs, verb)
    await wish(jobs, "rollback", version=1)
    assert shows(jobs, 1)


async def test_a_site_without_articles_says_so(jobs: Jobs) -> None:
    with pytest.raises(NotFound, match="nothing was published on “garden” from here yet"):
        await wish(jobs, "publish")


@pytest.mark.parametrize("scope", ["all", "key:garden", "pipeline:unpublish"])
async def test_a_kill_switch_holds_what_an_owner_asks_for(
    jobs: Jobs, database: Database, scope: str
) -> None:
    await published(jobs, 1)
    await switches.pause(database, scope, reason="look first")
    started = await wish(jobs, "unpublish", reason="x")
    assert shows(jobs, 1)
    await switches.resume(database, scope, reason="")
    await jobs.work()
    assert page(jobs) is None
    (effect,) = await database.fetch("select job_id, status from effects order by id desc limit 1")
    assert (effect["job_id"], effect["status"]) == (started.job_id, "done")


@pytest.mark.parametrize("verb", ["publish", "unpublish", "rollback"])
async def test_who_asked_and_why_is_in_the_audit_log(
    jobs: Jobs, database: Database, verb: articles.Verb
) -> None:
    await published(jobs, 1, 2)
    started = await wish(jobs, verb, reason="the numbers are wrong", by="eva")
    (entry,) = await queries.actions(database, started.job_id)
    assert {k: entry[k] for k in ("verb", "by", "reason")} == {
        **{"verb": verb, "by": "eva", "reason": "the numbers are wrong"},
    }


MULCH = "/potting-shed/mulch.html"


@pytest.fixture
async def written(
    database: Database, clock: Clock, web: DemoWeb, small_web: Any, write_config: Write
) -> tuple[Jobs, str, str]:
    """An article that was written of one page: its jobs, its slug, and what the page said."""
    text = httpx2.get(web.url + MULCH, trust_env=False).text
    small_web.answers[MULCH] = text.encode()
    config = write_config([small_web.url + MULCH], extra="[publishing]\ndebounce_seconds = 0")
    jobs = Jobs(database, config.file)
    await runs.start(jobs.app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await jobs.work(horizon=3_600)
    (row,) = await articles.listed(config, database, "garden", 10)
    return jobs, row["slug"], text


async def test_a_refresh_reads_its_sources_again_and_uses_the_new_text(
    written: tuple[Jobs, str, str], small_web: Any
) -> None:
    jobs, slug, text = written
    assert "mulch" in (page(jobs, slug) or "")
    small_web.answers[MULCH] = text.replace("mulch", "bark").encode()
    started = await wish(jobs, "refresh", slug, reason="it has changed")
    assert "bark" in (page(jobs, slug) or "")
    (row,) = await articles.listed(settings.load(jobs.file), jobs.database, "garden", 10)
    assert (row["slug"], row["version"], row["versions"]) == (slug, 2, 2)
    assert (await stand(jobs, started.job_id))["status"] == "succeeded"


async def test_two_refreshes_a_day_are_two_jobs_two_in_a_minute_one(
    written: tuple[Jobs, str, str],
) -> None:
    jobs, slug, _ = written
    first, second = await wish(jobs, "refresh", slug), await wish(jobs, "refresh", slug)
    await jobs.clock.move(60)
    third = await wish(jobs, "refresh", slug)
    assert (first.new, second.new, third.new) == (True, False, True)
    rows = await jobs.database.fetch(
        "select status from runs where pipeline = 'article' and step = 'publish'"
    )
    assert [row["status"] for row in rows] == ["succeeded"] * 3


async def test_a_refresh_without_sources_fails_and_the_article_stays(
    written: tuple[Jobs, str, str], small_web: Any
) -> None:
    jobs, slug, _ = written
    before = page(jobs, slug)
    small_web.answers.clear()
    started = await wish(jobs, "refresh", slug)
    dead = await stand(jobs, started.job_id)
    assert (dead["status"], "404" in dead["error"]) == ("dead", True)
    assert before is not None
    assert page(jobs, slug) == before


async def stand(jobs: Jobs, job: str) -> dict[str, Any]:
    row = await jobs.database.one("select status, error from runs where job_id = %s", [job])
    assert row is not None
    return row


async def test_the_command_answers_with_the_job_and_how_to_follow_it(jobs: Jobs, ask: Ask) -> None:
    await published(jobs, 1)
    told = await asyncio.to_thread(ask, "unpublish", "garden", "compost", "--reason", "wrong")
    assert told.exit_code == 0, told.output
    first, follow, hint = told.stdout.splitlines()
    job = first.split()[-3]
    assert first == f"unpublish “compost” of garden: job {job} is queued"
    assert follow.endswith(f"show {job}")
    assert hint.endswith(" up")
    await jobs.work()
    assert page(jobs) is None


async def test_the_command_says_which_switch_holds_the_job(
    jobs: Jobs, ask: Ask, database: Database
) -> None:
    await published(jobs, 1)
    await switches.pause(database, "key:garden", reason="x")
    told = await asyncio.to_thread(ask, "unpublish", "garden", "compost", "--reason", "wrong")
    assert "“site:garden” is paused" in told.stdout
    assert "resume site:garden" in told.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("publish", "gardn", "compost"), "there is no site “gardn”; there are: garden"),
        (("unpublish", "garden", "compst", "--reason", "x"), "did you mean “compost”?"),
        (("rollback", "garden", "compost", "--to", "9", "--reason", "x"), "has no version 9"),
        (("articles", "gardn"), "there is no site “gardn”"),
        (("articles", "garden", "compst"), "did you mean “compost”?"),
    ],
)
async def test_a_wrong_name_is_a_user_error_with_a_suggestion(
    jobs: Jobs, ask: Ask, words: tuple[str, ...], says: str
) -> None:
    await published(jobs, 1)
    told = await asyncio.to_thread(ask, *words)
    assert isinstance(
        told.exception, UserError
    )  # the frame makes one sentence and exit code 2 of it
    assert says in str(told.exception)


async def test_articles_and_their_versions_are_listed(jobs: Jobs, ask: Ask) -> None:
    await published(jobs, 1, 2)
    rows = json.loads((await asyncio.to_thread(ask, "articles", "garden", "--json")).stdout)[
        "articles"
    ]
    assert [(row["slug"], row["state"], row["version"]) for row in rows] == [
        ("compost", "published", 2)
    ]
    rows = json.loads(
        (await asyncio.to_thread(ask, "articles", "garden", "compost", "--json")).stdout
    )["versions"]
    assert [row["number"] for row in rows] == [1, 2]
    assert "On compost, 2" in (await asyncio.to_thread(ask, "articles", "garden", "compost")).stdout
    assert "compost" in (await asyncio.to_thread(ask, "articles")).stdout


async def test_differences_from_what_was_sent_are_below_the_articles(jobs: Jobs, ask: Ask) -> None:
    config = settings.load(jobs.file)
    theirs = config.folder(config.find("garden")) / "robots.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("User-agent: *\n", "utf-8")
    await published(jobs, 1)
    (row,) = json.loads((await asyncio.to_thread(ask, "articles", "--json")).stdout)["articles"]
    assert [str(theirs) in sentence for sentence in row["differs"]] == [True]
    told = (await asyncio.to_thread(ask, "articles")).stdout
    assert f"compost is published, but: {row['differs'][0]}" in told
    theirs.unlink()
    await published(jobs, 2)
    assert "but:" not in (await asyncio.to_thread(ask, "articles")).stdout


async def test_start_and_emit_are_commands_here_too(
    jobs: Jobs, ask: Ask, database: Database
) -> None:
    await published(jobs, 1, 2)
    named = json.dumps({"site": "garden", "slug": "compost", "asked": "2026-11-23T09:00:00Z"})
    told = await asyncio.to_thread(ask, "start", "rollback", named, "--reason", "wrong", "--json")
    job = json.loads(told.stdout)["job_id"]
    assert [entry["reason"] for entry in await queries.actions(database, job)] == ["wrong"]
    await jobs.work()
    assert shows(jobs, 1)
    topic = json.dumps({"site": "garden", "slug": "roses", "date": "2026-11-23"})
    told = await asyncio.to_thread(ask, "emit", "topic.validated", topic, "--json")
    assert len(json.loads(told.stdout)["jobs"]) == 1


async def do(client: httpx2.AsyncClient, verb: str, **body: Any) -> tuple[int, str]:
    frame = (await client.get("/articles/garden/compost")).text
    csrf = frame.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    headers = {"x-csrf-token": csrf, "origin": str(client.base_url).rstrip("/")}
    answer = await client.post(f"/api/do/{verb}", json=body, headers=headers)
    said = answer.json()
    return answer.status_code, said.get("done") or said["error"]


async def test_the_console_and_the_api_have_the_same_verbs(jobs: Jobs, database: Database) -> None:
    await published(jobs, 1, 2)
    config = settings.load(jobs.file)
    built = site.build(jobs.app, database, Access({}), own=console.build(config))
    with http.listen("127.0.0.1", 0) as listener:
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            text = (await client.get("/articles/garden/compost")).text
            assert all(f"/do/{verb}-article" in text for verb in ("unpublish", "rollback"))
            named = {"site": "garden", "slug": "compost", "reason": "wrong"}
            status, said = await do(client, "rollback-article", **named, to=1)
            assert (
                status,
                said.startswith("rollback “compost” of garden to version 1 of 2: job "),
            ) == (200, True)
            await jobs.work()
            assert shows(jobs, 1)
            assert (await do(client, "unpublish-article", **{**named, "slug": "compst"}))[0] == 404
            assert (await do(client, "rollback-article", **named))[0] == 400
            assert (await do(client, "unpublish-article", site="garden"))[0] == 422
            paths = (await client.get("/api/openapi.json")).json()["paths"]
            assert {f"/do/{verb}-article" for verb in articles.VERBS} <= set(paths)
            csrf = text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
            form = {
                "csrf": csrf,
                "back": "/articles",
                "site": "garden",
                "slug": "compost",
                "reason": "wrong",
            }
            pressed = await client.post("/do/unpublish-article", data=form, headers={"origin": url})
            assert "done=unpublish" in pressed.headers["location"]
            await jobs.work()
            assert page(jobs) is None
            assert "publish-article" in (await client.get("/articles/garden/compost")).text


async def test_a_job_renders_the_pages_of_a_site_and_they_stay_ours(
    jobs: Jobs, ask: Ask, database: Database
) -> None:
    await published(jobs, 1, 2)
    assert (await jobs.publish("mulch", draft(1, "mulch")))["status"] == "succeeded"
    theme = jobs.file.with_name("theme")
    theme.mkdir()
    (theme / "article.html").write_text(
        '{% extends "default/article.html" %}{% block page %}<b>Mine</b>{{ super() }}{% endblock %}'
    )
    jobs.file.write_text(f"{jobs.file.read_text('utf-8')}theme = 'theme'\n", "utf-8")
    edited = jobs.file.parent / "sites" / "garden" / "mulch" / "index.html"
    edited.write_text("A person wrote this.", "utf-8")
    await switches.pause(database, "key:garden", reason="look first")
    told = await asyncio.to_thread(ask, "site", "render", "garden", "--reason", "a new theme")
    assert told.stdout.startswith("render the pages of garden: job ")
    assert "resume site:garden" in told.stdout
    await switches.resume(database, "key:garden", reason="")
    assert "<b>Mine</b>" not in str(page(jobs))
    await jobs.work()
    assert "<b>Mine</b>" in str(page(jobs)) and shows(jobs, 2)
    assert edited.read_text("utf-8") == "A person wrote this."
    (run,) = await database.fetch("select status, output from runs where pipeline = 'render'")
    assert run == {"status": "succeeded", "output": {"pages": 1, "left": ["mulch"]}}
    await published(jobs, 3)
    assert shows(jobs, 3)
    assert (await jobs.publish("mulch-2", draft(2, "mulch")))["status"] == "needs_review"


async def test_pages_that_another_makes_are_not_made_again(jobs: Jobs, ask: Ask) -> None:
    jobs.file.write_text(
        f"{jobs.file.read_text('utf-8')}publish = {{ to = 'git', repository = '/nowhere' }}\n",
        "utf-8",
    )
    told = await asyncio.to_thread(ask, "site", "render", "garden")
    assert isinstance(told.exception, UserError)
    assert "the pages of “garden” are made where it is published" in str(told.exception)
