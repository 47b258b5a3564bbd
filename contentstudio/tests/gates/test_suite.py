"""The suite of articles: the gate that should catches each bad one, and no gate holds a
good one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.request import urlopen

import gate_suite
import pytest
from digests import compose

from contentstudio.config import Site
from contentstudio.demo.web import FLAKY, DemoWeb
from contentstudio.gates import judge, registry
from contentstudio.gates.input import Case
from contentstudio.model import Image, InternalLink
from contentstudio.research.extract import page
from contentstudio.seo import optimize
from contentstudio.web.fetch import Fetched

ARTICLES = Path(__file__).parent / "articles"
GOOD = sorted(file.stem for file in (ARTICLES / "good").iterdir())
STORIES = [article for article in gate_suite.bad() if ":" in article.name]
BAD = sorted(file.stem for file in (ARTICLES / "bad").iterdir())
OFFLINE = [
    *(f"/potting-shed/{name}.html" for name in ("compost", "mulch", "saving-seed")),
    *(
        f"/clear-skies/{name}.html"
        for name in ("dark-adaptation", "first-binoculars", "meteor-showers", "moon-phases")
    ),
    FLAKY,
]


def failures(case: Case) -> dict[str, str]:
    return {verdict.gate: verdict.reason for verdict in judge(case) if not verdict.passed}


def test_the_suite_is_large_enough() -> None:
    good, bad = gate_suite.good(), gate_suite.bad()
    assert min(len(good), len(bad)) >= 125
    assert len({article.kind for article in bad}) >= 40
    assert len({article.case.language for article in (*good, *bad)} - {"ja"}) >= 6


def test_every_article_of_the_suite_differs_from_every_other() -> None:
    drafts = [
        article.case.draft.model_dump_json(exclude={"slug"})
        for article in (*gate_suite.good(), *STORIES)
    ]
    assert len(set(drafts)) == len(drafts)


def test_every_bad_article_of_a_story_names_its_places() -> None:
    silent = {article.kind for article in STORIES if not article.bad}
    assert silent == {"leans on one host"}  # of its citations, not of its words


@pytest.mark.parametrize("name", GOOD)
def test_a_good_article_passes_every_gate(name: str, good_case: Callable[[str], Case]) -> None:
    assert failures(good_case(name)) == {}


@pytest.mark.parametrize("name", GOOD)
def test_optimizing_makes_no_good_article_a_bad_one(
    name: str, good_case: Callable[[str], Case], full_case: Callable[..., Case]
) -> None:
    case = good_case(name)
    own = next(s for s in case.draft.sentences() if not s.quoted)
    link = InternalLink(anchor=own.text.split()[0], url=f"{case.site.url}/another/")
    pictures = [Image(src="/a.jpg", alt="What it looks like")]
    draft = optimize(case.draft.model_copy(update={"images": pictures}), case.site, [link]).draft
    optimized = full_case(draft, case.pool, case.site)
    assert isinstance(optimized.page, str)
    assert link.url in optimized.page
    assert failures(optimized) == {}


def test_an_offline_article_from_good_pages_passes_every_gate(
    full_case: Callable[..., Case],
) -> None:
    site = Site(
        name="suite", url="https://suite.example", sources=["https://feeds.example/feed.xml"]
    )
    held = {}
    with DemoWeb(date(2026, 11, 23)) as web:
        for path in OFFLINE:
            source = page(
                Fetched(
                    web.url + path, web.url + path, 200, "text/html", "utf-8", _read(web.url + path)
                )
            )
            held[path] = failures(
                full_case(compose(site, "an-article", [source]), {"s1": source}, site)
            )
    assert {path: why for path, why in held.items() if why} == {}


def _read(url: str) -> bytes:
    """The page, asked again where it fails the first time, as one of them does."""
    for _ in range(2):
        try:
            with urlopen(url, timeout=10) as answer:
                return bytes(answer.read())
        except OSError:
            continue
    raise AssertionError(f"{url} cannot be read")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_article_is_caught_by_the_gate_that_should(
    name: str, bad_case: Callable[[str], Case]
) -> None:
    told = tomllib.loads((ARTICLES / "bad" / f"{name}.toml").read_text("utf-8"))
    found = failures(bad_case(name))
    assert told["reason"].casefold() in found.get(told["gate"], "").casefold(), found


def test_every_gate_has_a_bad_article_of_its_own() -> None:
    gates = {gate.__name__.rpartition(".")[2] for gate in registry.GATES}
    named = {article.gate for article in gate_suite.bad()}
    assert gates - {"judged"} <= named  # what a judge says is tested in test_judged.py
    assert named - gates <= {"claims", "judge", "judged"}
