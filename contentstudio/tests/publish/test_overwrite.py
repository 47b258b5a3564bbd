"""Ours in the place of a person's version: one command, for the very version that the review found
and no other.
"""

from __future__ import annotations

import asyncio
import copy
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result
from drafts import small_draft
from publishing_jobs import Jobs

from contentstudio import articles, console
from contentstudio import config as settings
from contentstudio.cli.main import cli
from contentstudio.model import Draft
from contentstudio.publish import slug_drafts
from overnight import http
from overnight.console import site
from overnight.console.access import Access
from overnight.errors import IllegalTransition, NotFound, UserError
from overnight.operations import queries, reviews
from overnight.operations.decisions import Approve
from overnight.store.database import Database

pytestmark = pytest.mark.contract

Ask = Callable[..., Result]
COMMAND = re.compile(r"contentstudio (overwrite \S+ --reason) …")


def draft(number: int) -> Draft:
    return small_draft(text=f"A heap is a start, {number}.", title=f"On compost, {number}")


class Desk(Jobs):
    """A site on a Ghost, where a person changes what we published."""

    def __init__(self, database: Database, file: Path, server: Any) -> None:
        super().__init__(database, file)
        self.store = server.store
        file.write_text(
            "[writing]\nwriter = 'offline'\noffline_articles = 'publish'\n[[site]]\nname "
            "= 'garden'\n"
            "url = 'https://garden.example'\nsources = ['https://a.example']\n"
            f"publish = {{ to = 'ghost', url = '{server.url}', private = true }}\n",
            "utf-8",
        )

    @property
    def text(self) -> str:
        """What readers get."""
        (post,) = self.store.posts.values()
        return str(post["html"])

    def edit(self, words: str) -> None:
        (post,) = self.store.posts.values()
        html = post["html"].replace("heap is", f"{words} heap is")
        self.store.change(post["id"], {"html": html, "updated_at": post["updated_at"]})

    def take_away(self) -> None:
        self.store.posts.clear()

    def wrote(self, words: str) -> None:
        """A post of the person's own, instead of what stood there."""
        self.store.posts.clear()
        self.store.add(
            {"title": "Mine", "slug": "compost", "html": f"<p>{words}</p>", "status": "published"}
        )

    async def found(self) -> dict[str, Any]:
        """How the second version fared, which finds what the person made."""
        return await self.publish("two", draft(2))

    async def seal(self) -> str:
        (row,) = await queries.review(self.database, "two")
        return str(row["revision"])

    async def overwrite(self, **options: Any) -> dict[str, Any]:
        await articles.overwrite(self.app, self.database, "two", **{"reason": "a test", **options})
        await self.work()
        return await self.ending("two")


@pytest.fixture
def desk(
    database: Database,
    tmp_path: Path,
    ghost_module: Any,
    ghost_server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_GARDEN", ghost_module.KEY)
    monkeypatch.setattr(slug_drafts, "PAUSES", (0.0, 0.0))
    return Desk(database, tmp_path / "contentstudio.toml", ghost_server)


@pytest.fixture
def ask(desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """The command line on the test's database."""
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    return lambda *words: CliRunner().invoke(cli, ["--config", str(desk.file), *words])


async def edited(desk: Desk) -> None:
    await desk.publish("one", draft(1))
    desk.edit("Well")


async def taken_away(desk: Desk) -> None:
    await desk.publish("one", draft(1))
    desk.take_away()


async def not_ours(desk: Desk) -> None:
    desk.wrote("A person’s own post.")


MADE = pytest.mark.parametrize("made", [edited, taken_away, not_ours])


@MADE
async def test_the_command_in_the_review_s_words_publishes_ours(
    desk: Desk, ask: Ask, made: Callable[[Desk], Any], database: Database
) -> None:
    await made(desk)
    ending = await desk.found()
    assert ending["status"] == "needs_review"
    found = COMMAND.search(ending["error"])
    assert found is not None
    told = await asyncio.to_thread(ask, *found[1].split(), "the numbers were wrong")
    assert told.exit_code == 0, told.output
    assert "show two" in told.stdout
    await desk.work()
    assert (await desk.ending("two"))["status"] == "succeeded"
    assert "A heap is a start, 2." in desk.text
    (entry,) = await queries.actions(database, "two")
    assert (entry["verb"], entry["reason"]) == ("edit", "overwrite: the numbers were wrong")


@MADE
async def test_what_changed_after_the_review_needs_a_person_again(
    desk: Desk, made: Callable[[Desk], Any]
) -> None:
    await made(desk)
    await desk.found()
    desk.wrote("A later thought.")
    ending = await desk.overwrite()
    assert ending["status"] == "needs_review"
    assert desk.text == "<p>A later thought.</p>"
    assert (await desk.overwrite())["status"] == "succeeded"
    assert "A heap is a start, 2." in desk.text


async def test_what_a_person_put_back_is_not_overwritten_unseen(desk: Desk) -> None:
    await edited(desk)
    changed = copy.deepcopy(desk.store.posts)
    desk.take_away()
    await desk.found()
    desk.store.posts |= copy.deepcopy(changed)
    assert (await desk.overwrite())["status"] == "needs_review"
    assert desk.store.posts == changed


async def test_an_overwrite_of_one_version_permits_no_later_one(desk: Desk) -> None:
    await edited(desk)
    await desk.found()
    assert (await desk.overwrite())["status"] == "succeeded"
    desk.edit("Once more")
    assert (await desk.publish("three", draft(3)))["status"] == "needs_review"


@pytest.mark.parametrize("digits", [8, 64])
async def test_a_given_revision_must_be_that_of_what_stands_there(desk: Desk, digits: int) -> None:
    await edited(desk)
    await desk.found()
    with pytest.raises(IllegalTransition, match="is not what stands there now"):
        await desk.overwrite(revision="0" * digits)
    assert (await desk.ending("two"))["status"] == "needs_review"
    assert (await desk.overwrite(revision=(await desk.seal())[:digits]))["status"] == "succeeded"


async def test_the_revision_of_a_review_covers_the_persons_version(desk: Desk) -> None:
    await edited(desk)
    await desk.found()
    first = await desk.seal()
    desk.edit("Again")
    await desk.overwrite()
    with pytest.raises(IllegalTransition, match="is not what stands there now"):
        await desk.overwrite(revision=first)


async def test_approved_it_stays_as_before(desk: Desk) -> None:
    await edited(desk)
    await desk.found()
    await reviews.decide(desk.app, desk.database, "two", Approve(await desk.seal()))
    await desk.work()
    assert (await desk.ending("two"))["output"]["action"] == "left"
    assert "Well heap is" in desk.text
    with pytest.raises(UserError, match="does not wait because of a person's version"):
        await desk.overwrite()


async def test_overwrite_needs_a_reason_and_a_job_that_waits_for_it(desk: Desk, ask: Ask) -> None:
    await desk.publish("one", draft(1))
    told = await asyncio.to_thread(ask, "overwrite", "one", "--reason", "x")
    assert "does not wait because of a person's version" in str(told.exception)
    told = await asyncio.to_thread(ask, "overwrite", "none", "--reason", "x")
    assert isinstance(told.exception, NotFound)
    desk.edit("Well")
    await desk.found()
    with pytest.raises(UserError, match="say why"):
        await desk.overwrite(reason=" ")
    assert (await asyncio.to_thread(ask, "overwrite", "two")).exit_code == 2
    assert (await desk.ending("two"))["status"] == "needs_review"


async def test_a_review_that_a_gate_asked_for_is_not_overwritten(
    desk: Desk, database: Database
) -> None:
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, input, output, lease_until) values"
        " ('gated', 'gate', 'article', 'garden', 'needs_review', '{}', '{\"over\": \"x\"}', null)"
    )
    with pytest.raises(UserError, match="does not wait because of a person's version"):
        await articles.overwrite(desk.app, database, "gated", reason="x")


@MADE
async def test_review_shows_what_to_press_bound_to_what_it_shows(
    desk: Desk, ask: Ask, made: Callable[[Desk], Any]
) -> None:
    await made(desk)
    await desk.found()
    told = await asyncio.to_thread(ask, "review", "two")
    assert told.exit_code == 0, told.output
    lines = [
        line for line in told.stdout.splitlines() if " overwrite two " in line and "--rev" in line
    ]
    (line,) = lines
    *_, words = line.partition(" overwrite ")
    told = await asyncio.to_thread(
        ask, "overwrite", *shlex.split(words.replace("…", "'it is wrong'"))
    )
    assert told.exit_code == 0, told.output
    await desk.work()
    assert "A heap is a start, 2." in desk.text


async def test_the_console_and_the_api_overwrite_what_they_show(
    desk: Desk, database: Database
) -> None:
    await edited(desk)
    await desk.found()
    built = site.build(desk.app, database, Access({}), own=console.build(settings.load(desk.file)))
    with http.listen("127.0.0.1", 0) as listener:
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            text = (await client.get("/review/two")).text
            assert "/do/overwrite-article" in text
            assert "/do/overwrite-article" in (await client.get("/api/openapi.json")).text
            csrf = text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
            headers = {"x-csrf-token": csrf, "origin": url}
            body = {"job": "two", "revision": await desk.seal(), "reason": "it is wrong"}
            for wrong, status in (
                ({"revision": "0" * 8}, 409),
                ({"reason": ""}, 422),
                ({"job": "one"}, 400),
            ):
                answer = await client.post(
                    "/api/do/overwrite-article", json=body | wrong, headers=headers
                )
                assert answer.status_code == status, answer.text
            assert (await desk.ending("two"))["status"] == "needs_review"
            desk.edit("Again")
            answer = await client.post("/api/do/overwrite-article", json=body, headers=headers)
            assert answer.json()["done"] == "job two publishes ours in its place"
            await desk.work()
            assert (await desk.ending("two"))["status"] == "needs_review"
            form = {
                "csrf": csrf,
                "back": "/review",
                "job": "two",
                "revision": await desk.seal(),
                "reason": "it is",
            }
            pressed = await client.post("/do/overwrite-article", data=form, headers={"origin": url})
            assert "done=job" in pressed.headers["location"]
    await desk.work()
    assert "A heap is a start, 2." in desk.text
