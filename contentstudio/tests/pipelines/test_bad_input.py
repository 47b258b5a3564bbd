"""What models, search servers and people give that cannot be used: one clear sentence where the
job stands, and the job goes on with what it has paid for as soon as the input is well.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pytest_httpserver import HTTPServer

from contentstudio import app as studio
from contentstudio import config as settings
from contentstudio.brief import Brief
from contentstudio.cli.main import cli
from contentstudio.config import Config
from contentstudio.demo import stand_in
from contentstudio.demo.web import DemoWeb
from overnight.errors import UserError
from overnight.operations import dead_letters, queries, reviews, runs
from overnight.operations.decisions import Edit
from overnight.operations.filters import Filter
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle
from overnight.testing.fake_llm import FakeModels

pytestmark = pytest.mark.large  # of `make test-large`

MULCH = "/potting-shed/mulch.html"
Spoil = Callable[[dict[str, Any]], Any]


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModels]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    with FakeModels(body=stand_in.answer) as server:
        yield server


def write(
    folder: Path, web: DemoWeb, url: str | None = None, rest: str = "", more: str = ""
) -> Path:
    """A config of a site that reads one page, with a model at this address or without one; `more`
    is what [writing] has besides.
    """
    by_model = f"writer = 'anthropic'\nanthropic = {{ base_url = '{url}' }}\n{more}"
    writer = by_model if url else "writer = 'offline'"
    file = folder / "contentstudio.toml"
    file.write_text(
        "[fetch]\nallow_loopback = true\n"
        f"[writing]\noffline_articles = 'publish'\n{writer}\n{rest}\n"
        "[[site]]\nname = 'garden'\nurl = 'https://garden.example'\n"
        f"sources = ['{web.url}{MULCH}']\n",
        "utf-8",
    )
    return file


async def night(config: Config, database: Database, clock: Clock) -> None:
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)


async def stands(database: Database) -> dict[str, Any]:
    """Where the job of the article stands."""
    (row,) = await database.fetch(
        "select job_id, step, status, error, input from runs where pipeline = 'article' "
        "order by id desc limit 1"
    )
    return row


async def go_on(config: Config, database: Database, clock: Clock) -> str:
    """Have the job tried again by a person; how far it comes."""
    row, app = await stands(database), studio.build(config)
    if row["status"] == "dead":
        await dead_letters.replay(app, database, Filter(job=row["job_id"]))
    else:
        (item,) = await queries.review(database, row["job_id"])
        await reviews.decide(app, database, row["job_id"], Edit(item["revision"], row["input"]))
    await run_until_idle(app, database, clock=clock)
    return str((await stands(database))["step"])


def is_sentence(text: str | None) -> bool:
    return bool(text) and "\n" not in str(text) and len(str(text)) < 400


def spoilt(field: str, spoil: Spoil) -> Callable[[dict[str, Any]], str]:
    """Answers with another content where they have such a field."""

    def body(request: dict[str, Any]) -> str:
        told = json.loads(stand_in.answer(request))
        return json.dumps(spoil(told) if field in told else told)

    return body


def _naming(*notes: str) -> Spoil:
    def spoil(plan: dict[str, Any]) -> dict[str, Any]:
        plan["sections"][0]["notes"] = list(notes)
        return plan

    return spoil


BLOCK = {"kind": "video", "url": "https://b.example/"}
ANSWERS: dict[str, tuple[str, Spoil, str, str]] = {  # field, what it is made, step, what is said
    "a block of an unknown kind": (
        "blocks",
        lambda body: {"blocks": [*body["blocks"], BLOCK]},
        "generate",
        "video",
    ),
    "a brief that names no note": ("angle", _naming(), "brief", "sections.0.notes"),
    "a brief that names another note": ("angle", _naming("n999"), "brief", "“n999” is named"),
    "a list for an object": ("angle", lambda plan: [plan], "brief", "valid Plan"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_of_no_use_is_told_and_nothing_is_lost(
    database: Database, clock: Clock, web: DemoWeb, tmp_path: Path, claude: FakeModels, name: str
) -> None:
    field, spoil, step, says = ANSWERS[name]
    claude.body = spoilt(field, spoil)
    config = settings.load(write(tmp_path, web, claude.url))
    await night(config, database, clock)
    row = await stands(database)
    assert (row["step"], row["status"] in ("dead", "needs_review")) == (step, True)
    assert says in row["error"] and is_sentence(row["error"])
    claude.body = stand_in.answer
    if "n999" in says:  # what a model keeps saying is stored, so another one is asked
        another = "brief = { model = 'claude-haiku-4-5' }"
        config = settings.load(write(tmp_path, web, claude.url, more=another))
    assert await go_on(config, database, clock) == "ping"
    stored = await database.fetch("select request_hash from llm_calls where status = 'stored'")
    assert max(Counter(each["request_hash"] for each in stored).values()) == 1


NONSENSE = {
    "a page": "<html>Welcome</html>",
    "nothing": "",
    "another list": "[1, 2]",
    "another object": '{"results": 7}',
    "hits of nothing": '{"results": [7, null, {"url": 3}, {"url": "javascript:alert(1)"}]}',
}


@pytest.mark.parametrize("engines", ["['searxng']", "['archive', 'searxng']"])
@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
async def test_a_search_server_that_answers_nonsense_loses_no_article(
    *,
    database: Database,
    clock: Clock,
    web: DemoWeb,
    tmp_path: Path,
    httpserver: HTTPServer,
    engines: str,
    answer: str,
) -> None:
    httpserver.expect_request("/search").respond_with_data(answer, content_type="application/json")
    rest = f"[search]\nengine = {engines}\nsearxng = {{ base_url = '{httpserver.url_for('')}' }}\n"
    config = settings.load(write(tmp_path, web, rest=rest))
    await night(config, database, clock)
    row = await stands(database)
    if "archive" in engines or "javascript" in answer:
        assert row["step"] == "ping", row["error"]
        return
    assert (row["step"], row["status"] in ("dead", "needs_review")) == ("research", True)
    assert "is no list of results" in row["error"] and is_sentence(row["error"])
    httpserver.clear()
    httpserver.expect_request("/search").respond_with_json({"results": []})
    assert await go_on(config, database, clock) == "ping"


BRIEFS: dict[str, tuple[str, Any]] = {  # what of a brief is made what, by whoever edits its JSON
    "a section without notes": ("sections", [{"heading": "One", "notes": []}]),
    "a note that is not there": ("sections", [{"heading": "One", "notes": ["n999"]}]),
    "an unknown block": (
        "sections",
        [{"heading": "One", "notes": ["n1"], "blocks": ["video"]}],
    ),
    "no section": ("sections", []),
}


@pytest.mark.parametrize(("key", "value"), BRIEFS.values(), ids=BRIEFS)
async def test_a_broken_brief_of_a_person_is_refused_and_stands(
    database: Database, clock: Clock, web: DemoWeb, tmp_path: Path, key: str, value: Any
) -> None:
    file = write(tmp_path, web)
    text = file.read_text("utf-8").replace("name = 'garden'", "name = 'garden'\nautonomy = 'brief'")
    file.write_text(text, "utf-8")
    config = settings.load(file)
    await night(config, database, clock)
    (item,) = await queries.review(database)
    (run,) = await database.fetch("select output from runs where step = 'brief'")
    edited = {**run["output"], key: value}
    with pytest.raises(Exception, match=r"sections|no note") as refused:
        await reviews.decide(
            studio.build(config), database, item["job_id"], Edit(item["revision"], edited)
        )
    assert is_sentence(str(refused.value))
    assert [row["job_id"] for row in await queries.review(database)] == [item["job_id"]]
    assert Brief.model_validate(run["output"]).sections


def test_a_missing_profile_is_one_sentence_for_every_command(tmp_path: Path, web: DemoWeb) -> None:
    file = write(tmp_path, web)
    file.write_text(file.read_text("utf-8") + "profile = 'none.md'\n", "utf-8")
    for command in (["site", "profile", "garden"], ["up", "--once"], ["idea", "list"]):
        result = CliRunner().invoke(cli, ["--config", str(file), *command])
        assert isinstance(result.exception, UserError), result.output
        assert "profile" in str(result.exception) and "none.md" in str(result.exception)
        assert is_sentence(str(result.exception))
