"""The gate step on a real database: verdicts are kept, what fails goes back to a model once, and
the day has places.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from model_answers import article, asked, brief, notes_of, own_notes, paragraph, quotes
from PIL import Image as Drawing

from contentstudio import app as studio
from contentstudio import review
from contentstudio.config import Config, Writing
from contentstudio.demo.web import FEEDS, DemoWeb
from contentstudio.gates import registry
from contentstudio.gates.input import Link
from contentstudio.model import Verdict
from contentstudio.pipelines import gate_inputs
from contentstudio.pipelines.work import Judged
from contentstudio.store.quota import Quota
from contentstudio.store.verdicts import Verdicts
from contentstudio.web.fetch import Fetcher
from overnight.operations import reviews
from overnight.operations import runs as jobs
from overnight.operations.decisions import Edit
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle
from overnight.testing.fake_llm import FakeModels, prompt_of

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
PAGE = "/potting-shed/mulch.html"


FIRST = 4  # calls: a brief, its section, one that reads both, and the judge
AGAIN = 2  # a rewrite, and the judge once more
LEAK = "As an AI, I love mulch."


class Learner:
    """A model that leaks in what it writes first, and mends it when it is told why, or does not."""

    def __init__(self, mends: bool) -> None:
        self.mends = mends
        self.complaints: list[str] = []

    def __call__(self, request: dict[str, Any]) -> str:
        leak = {"text": LEAK, "notes": [], "quoted": False}
        if asked(request) == "brief":
            return brief(list(notes_of(request)), 1)
        if asked(request) == "section":
            body = paragraph([leak, *quotes(own_notes(request))])
            return json.dumps({"blocks": [body]})
        if asked(request) not in ("rewrite", "mend"):
            return article(request)
        self.complaints.append(prompt_of(request))
        if self.mends or asked(request) == "mend":
            return article(request)
        lines = quotes(notes_of(request))
        told = json.loads(article(request))
        told["sections"][0]["blocks"] = [paragraph([leak, *lines[len(self.complaints) :]])]
        return json.dumps(told)


@pytest.fixture
def claude(
    offline_research: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[tuple[FakeModels, Learner]]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    learner = Learner(mends=request.param)
    with FakeModels(body=learner) as server:
        yield server, learner


def by_model(config: Config, url: str, **changes: Any) -> Config:
    given = {"writer": "auto", "anthropic": {"base_url": url}, "deadline_seconds": 20.0, **changes}
    return config.model_copy(update={"writing": Writing.model_validate(given)})


def with_gates(config: Config, **changes: Any) -> Config:
    (site,) = config.site
    gates = site.gates.model_copy(update=changes)
    return config.model_copy(update={"site": [site.model_copy(update={"gates": gates})]})


async def night(config: Config, database: Database, clock: Clock) -> None:
    app = studio.build(config)
    await jobs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)


async def gate_runs(database: Database) -> list[dict[str, Any]]:
    return await database.fetch(
        "select job_id, status, error, output from runs where step = 'gate' order by id"
    )


async def test_every_verdict_is_kept_with_its_reason(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    await night(write_config([web.url + PAGE]), database, clock)
    (run,) = await gate_runs(database)
    kept = await database.fetch("select * from verdicts")
    assert run["status"] == "succeeded"
    assert len(kept) == len(registry.GATES)
    assert {(row["job_id"], row["attempt"], row["rewrite"], row["passed"]) for row in kept} == {
        (run["job_id"], 1, 0, True)
    }
    assert all(row["reason"].endswith(".") for row in kept)


async def test_a_verdict_that_is_kept_twice_is_kept_once(database: Database) -> None:
    for reason in ("First.", "Second."):
        await Verdicts(database).keep(
            "j", 1, 0, [Verdict(gate="length", passed=True, reason=reason)]
        )
    await Verdicts(database).keep(
        "j", 2, 0, [Verdict(gate="length", passed=False, reason="A\0fter.")]
    )
    kept = await database.fetch("select attempt, reason from verdicts order by attempt")
    assert [(row["attempt"], row["reason"]) for row in kept] == [(1, "First."), (2, "After.")]


@pytest.mark.parametrize("claude", [True], indirect=True)
async def test_a_model_that_fails_a_gate_gets_the_reasons_and_mends_it(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: tuple[FakeModels, Learner],
) -> None:
    server, learner = claude
    await night(by_model(write_config([web.url + PAGE]), server.url), database, clock)
    (run,) = await gate_runs(database)
    assert run["status"] == "succeeded"
    assert len(server.calls) == FIRST + AGAIN
    (complaint,) = learner.complaints
    assert f"The sentence “{LEAK}”" in complaint
    kept = await database.fetch(
        "select rewrite, passed from verdicts where gate = 'leaks' order by rewrite"
    )
    assert [(row["rewrite"], row["passed"]) for row in kept] == [(0, False), (1, True)]
    assert "As an AI" not in json.dumps(run["output"]["draft"])
    dossier = await review.gather(database, write_config([web.url + PAGE]), run["job_id"])
    assert dossier is not None
    assert {claim.verdict for claim in dossier.claims} == {"supported"}


@pytest.mark.parametrize("claude", [True], indirect=True)
async def test_a_rewrite_keeps_the_picture(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: tuple[FakeModels, Learner],
    tmp_path: Path,
) -> None:
    extra = "[pictures]\nkind = 'folder'\nfolder = 'shots'"
    config = by_model(write_config([web.url + PAGE], extra=extra), claude[0].url)
    (tmp_path / "shots").mkdir()
    Drawing.new("RGB", (400, 300)).save(tmp_path / "shots" / "heap.png")
    (tmp_path / "shots" / "heap.toml").write_text('alt = "A heap of mulch"')
    await night(config, database, clock)
    (run,) = await gate_runs(database)
    judged = Judged.model_validate(run["output"])
    assert len(claude[0].calls) == FIRST + AGAIN
    assert [image.alt for image in judged.draft.images] == ["A heap of mulch"]
    assert [c.after for c in judged.changes if c.what == "picture"] == ["A heap of mulch"]
    dossier = await review.gather(database, config, run["job_id"])
    assert dossier is not None and dossier.page is not None
    assert '<img src="data:image/webp;base64,UklGR' in dossier.page  # as its reviewer sees it


@pytest.mark.parametrize("claude", [True], indirect=True)
async def test_what_a_person_wrote_no_model_rewrites(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: tuple[FakeModels, Learner],
) -> None:
    config = with_gates(by_model(write_config([web.url + PAGE]), claude[0].url), per_day=0)
    await night(config, database, clock)
    (run,) = await gate_runs(database)
    dossier = await review.gather(database, config, run["job_id"])
    assert dossier is not None
    draft = dossier.draft.model_dump(mode="json") | {"title": LEAK}
    app = studio.build(with_gates(config, per_day=10))
    await reviews.decide(app, database, run["job_id"], Edit(dossier.seal, draft))
    await run_until_idle(app, database, clock=clock)
    (run,) = await gate_runs(database)
    assert (run["status"], run["output"]["draft"]["title"]) == ("needs_review", LEAK)
    assert [asked(call.request) for call in claude[0].calls[FIRST:]] == ["judge"]


@pytest.mark.parametrize("claude", [False], indirect=True)
@pytest.mark.parametrize("rewrites", [0, 1, 2])
async def test_a_person_decides_after_the_configured_rewrites(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: tuple[FakeModels, Learner],
    rewrites: int,
) -> None:
    """Its length has no place of its own, so the whole article goes back."""
    config = by_model(write_config([web.url + PAGE]), claude[0].url, rewrites=rewrites)
    await night(with_gates(config, min_words=4_000), database, clock)
    (run,) = await gate_runs(database)
    assert run["status"] == "needs_review"
    assert "length:" in run["error"]
    assert len(claude[0].calls) == FIRST + AGAIN * rewrites


@pytest.mark.parametrize("claude", [True], indirect=True)
async def test_what_other_words_do_not_mend_is_not_paid_for_twice(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: tuple[FakeModels, Learner],
) -> None:
    config = with_gates(by_model(write_config([web.url + PAGE]), claude[0].url), per_day=0)
    await night(config, database, clock)
    (run,) = await gate_runs(database)
    assert run["status"] == "needs_review"
    assert "cadence: The daily limit of garden is reached: 0 of 0" in run["error"]
    assert len(claude[0].calls) == FIRST


async def test_a_day_publishes_its_quota_however_many_articles_come(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    config = with_gates(write_config([web.url + FEEDS[0]]), per_day=2)
    await night(config, database, clock)
    runs = await gate_runs(database)
    assert sorted(run["status"] for run in runs) == [
        "needs_review",
        "needs_review",
        "succeeded",
        "succeeded",
    ]
    assert all("cadence:" in run["error"] for run in runs if run["status"] == "needs_review")


async def test_places_are_given_out_one_after_the_other_and_given_back(
    database: Database, clock: Clock
) -> None:
    taken = await asyncio.gather(*(Quota(database).take("garden", f"job-{n}") for n in range(8)))
    assert sorted(place.others for place in taken) == list(range(8))
    again = await Quota(database).take("garden", "job-3")
    assert again == taken[3]
    await Quota(database).give_back("garden", "job-3")
    assert (await Quota(database).take("garden", "job-9")).others == 7
    await clock.move(86_400)
    assert (await Quota(database).take("garden", "job-10")).others == 0


async def test_the_same_article_from_another_page_waits_for_a_person(
    database: Database, clock: Clock, web: DemoWeb, write_config: Write
) -> None:
    await night(write_config([web.url + PAGE]), database, clock)
    copy = "update ideas set slug = 'another-slug', title = 'Of leaves on beds'"
    await database.fetch(copy)
    await database.fetch("update choices set target = 'another-slug'")
    app = studio.build(write_config([web.url + PAGE]))
    topic = {"site": "garden", "slug": "another-slug", "date": "2026-11-24"}
    await jobs.start(app, database, "article", topic)
    await run_until_idle(app, database, clock=clock)
    first, second = await gate_runs(database)
    assert (first["status"], second["status"]) == ("succeeded", "needs_review")
    assert re.search(r"duplicates: It is \d+% the same as “", second["error"])
    assert "which is published" in second["error"]


async def test_a_link_is_alive_dead_or_unknown_by_what_a_safe_get_says(
    web: DemoWeb, write_config: Write
) -> None:
    from contentstudio.demo.web import GONE

    config = write_config([web.url + PAGE])
    fetcher = Fetcher(config.fetch)
    urls = [
        web.url + PAGE,
        web.url + GONE,
        "http://10.0.0.1/",
        "http://no-such-name.invalid/",
        "http://127.0.0.1:1025/x",
    ]
    try:
        said = await gate_inputs.link_states(fetcher, urls, ["https://read-a-moment-ago.example/"])
    finally:
        await fetcher.aclose()
    assert said[web.url + PAGE] == Link("alive")
    assert said[web.url + GONE].state == "dead"
    assert said["http://10.0.0.1/"].state == "dead"
    assert said["http://127.0.0.1:1025/x"].state == "unknown"
    assert said["http://no-such-name.invalid/"].state in (
        "dead",
        "unknown",
    )  # by what the resolver is sure of
    assert said["https://read-a-moment-ago.example/"] == Link("alive")


@pytest.mark.parametrize(
    ("title", "state"),
    [
        ("Page not found | The Shed", "dead"),
        ("404", "dead"),
        ("Error 404 &ndash; Not Found", "dead"),
        ("Sorry, this page could not be found", "dead"),
        ("Seite nicht gefunden", "dead"),
        ("The lost city was not found by chance", "alive"),
        ("Peugeot 404: a car of the sixties", "alive"),
        ("", "alive"),
    ],
)
async def test_a_dead_link_that_answers_200_is_dead(
    small_web: Any, write_config: Write, title: str, state: str
) -> None:
    small_web.answers["/x"] = (
        f"<html><head><title>{title}</title></head><body>Words.</body></html>".encode()
    )
    fetcher = Fetcher(write_config([small_web.url]).fetch)
    try:
        said = await gate_inputs.link_states(fetcher, [f"{small_web.url}/x"])
    finally:
        await fetcher.aclose()
    assert said[f"{small_web.url}/x"].state == state
