"""Three articles that were published once, under the config as it comes: one that says the opposite
of its sources, one that invents without figures, one that copies. None of them is, whatever a judge
says, and each of their sentences is named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from model_answers import article, asked, judged, lines_of, own_notes, paragraph, quotes, sealed

from contentstudio import app as studio
from contentstudio import review
from contentstudio.config import Config, Writing
from contentstudio.demo.web import DemoWeb
from overnight.operations import runs as jobs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle
from overnight.testing.fake_llm import FakeModels

pytestmark = [  # of `make test-large`
    pytest.mark.large,
    pytest.mark.usefixtures("offline_research"),
]

Write = Callable[..., Config]
PAGE = "/potting-shed/mulch.html"

OPPOSITES = (
    "Mulch is a layer of loose material that never covers the soil around plants.",
    "A good mulch lets water out, lets weeds up, and keeps roots at an uneven warmth.",
    "A bad mulch keeps water in and keeps weeds down.",
    "Forest soil is bare of fallen leaves each year.",
    "Grass clippings fail as a mulch when they are dry and spread in a thin layer.",
    "Grass clippings work well when they are wet and spread in a thick layer.",
    "The worst time to mulch is late spring, when the soil is warm and still wet.",
    "Mulch in late spring, when the soil is cold and dry.",
    "Cold soil turns warm under a mulch, so an early start can speed up your plants.",
    "Do not water the bed before you mulch if there has been no rain for a week.",
    "A very thick layer of mulch cannot keep light rain from reaching the roots.",
    "Worms push small pieces of mulch up and leave the soil hard and pale.",
    "Mulch around bulbs should never stay thin.",
    "Mulch around bulbs should be thick so that the shoots cannot find their way up.",
    "Poor soil gets worse each year as the old mulch turns into food.",
)
INVENTIONS = (
    "Doctors say that the scent of fresh mulch cures a cold within days.",
    "Gardeners in Denmark have used seaweed under roses for centuries.",
    "Most birds prefer gardens that have bark on every bed.",
    "Mulch made of cedar keeps moths away from the whole house.",
    "Experts agree that red mulch makes tomatoes sweeter.",
    "The first mulch was sold by monks who lived beside the sea.",
    "Snails cannot cross a line of coffee grounds.",
    "Cats avoid any bed that is covered with pine needles.",
    "Mulch from a walnut tree poisons every plant near it.",
    "Schools that mulch their yards have calmer pupils.",
    "Rain tastes of resin where a roof drains over chips.",
    "Foxes bury their food in straw before the first frost.",
    "Potatoes under mulch never suffer from blight.",
    "A mulched lawn needs no mowing in autumn.",
    "Old newspapers turn into the best mulch of all.",
)


def opposites(notes: dict[str, str]) -> list[dict[str, Any]]:
    first = next(iter(notes))
    return [{"text": t, "notes": [first], "quoted": False} for t in _third(OPPOSITES, notes)]


def inventions(notes: dict[str, str]) -> list[dict[str, Any]]:
    return [{"text": t, "notes": [], "quoted": False} for t in _third(INVENTIONS, notes)]


def _third(texts: Sequence[str], notes: dict[str, str]) -> Sequence[str]:
    """Those of a section, which its first note tells: n1, n2 or n3."""
    return texts[int(next(iter(notes))[1:]) - 1 :: 3]


def copies(notes: dict[str, str]) -> list[dict[str, Any]]:
    return [{**quote, "quoted": False} for quote in quotes(notes)]


Bad = Callable[[dict[str, str]], list[dict[str, Any]]]
TRIALS: dict[str, Bad] = {"opposites": opposites, "inventions": inventions, "copies": copies}


class Model:
    """It writes an article of bad sentences, each section with its quotes below them, and judges
    it: with the `truth`, or by calling everything supported.
    """

    def __init__(self, bad: Bad, *, truth: bool) -> None:
        self.bad = bad
        self.truth = truth
        self.said: set[str] = set()

    def __call__(self, request: dict[str, Any]) -> str:
        if asked(request) == "judge":
            return self._truth(request) if self.truth else self._lie(request)
        if asked(request) != "section":
            return article(request)
        notes = own_notes(request)
        bad = self.bad(notes)
        self.said |= {sentence["text"] for sentence in bad}
        below = quotes(notes) if self.bad is not copies else []
        return json.dumps({"blocks": [paragraph(bad), *([paragraph(below)] if below else [])]})

    def _truth(self, request: dict[str, Any]) -> str:
        answer, lines, source = (
            json.loads(judged(request)),
            lines_of(request),
            sealed(request)["s1"],
        )
        for each in answer["rulings"]:
            text = lines[each["line"]][1]
            if text in OPPOSITES:
                passage = _first_sentence_with(source, text)
                each |= {"verdict": "contradicted", "passages": passage}
            elif text in INVENTIONS:
                each |= {"verdict": "not_found"}
        return json.dumps(answer)

    def _lie(self, request: dict[str, Any]) -> str:
        """The nearest sentence of the source is said to support each line that cites it."""
        answer, lines, source = (
            json.loads(judged(request)),
            lines_of(request),
            sealed(request)["s1"],
        )
        for each in answer["rulings"]:
            if each["verdict"] == "not_found":
                passage = _first_sentence_with(source, lines[each["line"]][1])
                each |= {"verdict": "supported", "passages": passage}
        return json.dumps(answer)


def _first_sentence_with(source: str, text: str) -> list[dict[str, str]]:
    """The sentence of the source that has most of the words of a text."""
    sentences = [f"{each}." for line in source.splitlines() for each in line.split(". ") if each]
    words = set(text.lower().split())
    nearest = max(sentences, key=lambda each: len(words & set(each.lower().split())))
    return [{"source": "s1", "text": nearest.replace("..", ".")}]


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModels]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    with FakeModels() as server:
        yield server


async def night(config: Config, database: Database, clock: Clock) -> None:
    app = studio.build(config)
    await jobs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)


def by_model(config: Config, claude: FakeModels, **writing: Any) -> Config:
    given = {"anthropic": {"base_url": claude.url}, "deadline_seconds": 20.0, **writing}
    return config.model_copy(update={"writing": Writing.model_validate(given)})


def pages(config: Config) -> Sequence[str]:
    found = config.folder(config.site[0]).glob("*/index.html")
    return [page.read_text("utf-8") for page in found]


@pytest.mark.parametrize("trial", TRIALS)
async def test_no_bad_article_is_published_and_each_sentence_is_named(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: FakeModels,
    trial: str,
) -> None:
    claude.body = model = Model(TRIALS[trial], truth=True)
    config = by_model(write_config([web.url + PAGE]), claude, rewrites=0)
    await night(config, database, clock)
    (run,) = await database.fetch("select job_id, status from runs where step = 'gate'")
    assert (run["status"], pages(config)) == ("needs_review", [])
    assert len(model.said) >= 11
    dossier = await review.gather(database, config, run["job_id"])
    assert dossier is not None
    assert model.said <= {mark.text for mark in dossier.marks}


@pytest.mark.parametrize("trial", TRIALS)
async def test_a_judge_that_supports_everything_publishes_none(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: FakeModels,
    trial: str,
) -> None:
    claude.body = Model(TRIALS[trial], truth=False)
    config = by_model(write_config([web.url + PAGE]), claude, rewrites=0)
    await night(config, database, clock)
    assert pages(config) == []


@pytest.mark.parametrize("trial", ["opposites", "inventions"])
async def test_what_is_mended_and_published_has_no_bad_sentence(
    database: Database,
    clock: Clock,
    web: DemoWeb,
    write_config: Write,
    claude: FakeModels,
    trial: str,
) -> None:
    claude.body = model = Model(TRIALS[trial], truth=True)
    config = by_model(write_config([web.url + PAGE]), claude)
    await night(config, database, clock)
    assert len(pages(config)) == 1
    assert len(model.said) == 15
    assert not [text for text in model.said for page in pages(config) if text in page]
