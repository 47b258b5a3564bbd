"""The suite of articles that the gates are measured with: `contentstudio/tests/gates/articles`.

`good/NAME.toml` is one good article, and `bad/NAME.toml` says which of them it is like and what is
wrong. `stories/LANGUAGE-NAME.toml` has a good article as a manuscript (`review.manuscript`) with
its sources, and below it its variants: `[[good]]` is another good one (true in other words, correct
arithmetic, a true quote), `[[bad]]` has one fault of a `kind` that `gate` should catch (`judge`:
code is not expected to). Each is made by `replace = [["old words", "new words"], …]`.

The places of a bad article are those whose text the good one does not have.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

from contentstudio import places
from contentstudio.config import Gates, Site
from contentstudio.gates.input import Case, Link, Neighbour, Rival
from contentstudio.gates.links import links_of
from contentstudio.model import Draft, Fault, Question, Reference, Section, Sentence, Snapshot
from contentstudio.publish import render
from contentstudio.review import manuscript
from contentstudio.verify.judgement import Judgement

FOLDER = Path(__file__).parents[1] / "gates" / "articles"
MOMENT = datetime(2026, 11, 23, 4, tzinfo=UTC)
_CITED = re.compile(r"\s*\[(s\d+)\]$")


@dataclass(frozen=True)
class Article:
    """One article of the suite. `gate` should catch it, and is empty for a good one; `bad` are the
    places that are wrong, none where the fault is in no words (a dead link).
    """

    name: str
    kind: str
    gate: str
    case: Case
    bad: tuple[str, ...] = ()


class LenientJudgement(Judgement):
    """What a judge says who turns nothing down: for the tests of the other gates."""

    def voids(self, draft: Draft, pool: Mapping[str, Snapshot]) -> list[Fault]:
        return []

    def faults(self, draft: Draft) -> list[Fault]:
        return []


def full_case(draft: Draft, pool: Mapping[str, Snapshot], site: Site, **changes: Any) -> Case:
    """A draft as its site would render it, with every other fact known and well; or changed. Its
    judge turns nothing down.
    """
    page = changes.pop("page", None) or render.article(
        site, draft, published_at=MOMENT, updated_at=MOMENT
    )
    links = {url: Link("alive") for url in links_of(page, site.url, draft.slug)}
    case = Case(draft, pool, site, page, links, (), 0, "mark-0123456789abcdef", MOMENT.date(), ())
    return replace(case, **{"judgement": LenientJudgement({}), **changes})


@cache
def good() -> tuple[Article, ...]:
    """Every good article, by name."""
    files = (_good_file(file.stem) for file in sorted((FOLDER / "good").iterdir()))
    return (*files, *(one for one in _stories() if not one.gate))


@cache
def bad() -> tuple[Article, ...]:
    """Every bad article, by name."""
    files = (_bad_file(file.stem) for file in sorted((FOLDER / "bad").iterdir()))
    return (*files, *(one for one in _stories() if one.gate))


def read(kind: str, name: str) -> dict[str, Any]:
    """A file of the suite."""
    return tomllib.loads((FOLDER / kind / f"{name}.toml").read_text("utf-8"))


def good_case(name: str) -> Case:
    """The case of a file in `good`."""
    content = read("good", name)
    return full_case(draft_of(content, name), pool_of(content), site_of(content))


def bad_case(name: str) -> Case:
    """The case of a file in `bad`: a good one with what is wrong put in."""
    fault = read("bad", name)
    base = read("good", fault["like"])
    keys = ("title", "description", "text", "language", "site_language")
    content = {**base, **{key: fault[key] for key in keys if key in fault}}
    content["gates"] = base.get("gates", {}) | fault.get("gates", {})
    content["text"] = replaced(
        content["text"].strip() + "\n" + fault.get("append", ""), fault.get("replace", [])
    )
    content["source"]["s1"]["text"] += fault.get("append_source", "")
    if "faq_answer" in fault:
        content["faq"][0]["answer"] = fault["faq_answer"]
    draft, pool, site = draft_of(content, name), pool_of(content), site_of(content)
    if "reference_url" in fault:
        wrong = draft.references[0].model_copy(update={"url": fault["reference_url"]})
        draft = draft.model_copy(update={"references": [wrong, *draft.references[1:]]})
    if "unsource" in fault:
        bare = _sections(re.sub(r"^> |\s*\[s\d+\]$", "", content["text"], flags=re.M))
        draft = draft.model_copy(update={"sections": bare})
    return _with_facts(draft, pool, site, fault)


def _good_file(name: str) -> Article:
    return Article(name, "as it was written", "", good_case(name))


def _bad_file(name: str) -> Article:
    fault, case = read("bad", name), bad_case(name)
    wrong = _changed(good_case(fault["like"]).draft, case.draft)
    return Article(name, fault["kind"], fault["gate"], case, wrong)


@cache
def _stories() -> tuple[Article, ...]:
    return tuple(
        article
        for file in sorted((FOLDER / "stories").iterdir())
        for article in _story(file.stem, tomllib.loads(file.read_text("utf-8")))
    )


def _story(name: str, content: dict[str, Any]) -> Iterator[Article]:
    base = _told(name, content, content["text"])
    yield Article(name, "as it was written", "", base)
    numbers: Counter[str] = Counter()
    for is_bad, variant in [
        *((False, one) for one in content.get("good", [])),
        *((True, one) for one in content.get("bad", [])),
    ]:
        kind = variant["kind"]
        numbers[kind] += 1
        label = f"{name}: {kind}" + (f" {numbers[kind]}" if numbers[kind] > 1 else "")
        case = _told(name, content, replaced(content["text"], variant["replace"]))
        wrong = _changed(base.draft, case.draft) if is_bad else ()
        yield Article(label, kind, variant.get("gate", ""), case, wrong)


def _told(name: str, content: dict[str, Any], text: str) -> Case:
    pool, site = pool_of(content), site_of(content)
    empty = draft_of({**content, "title": "?", "description": "", "text": ""}, name)
    return full_case(manuscript.read(text, empty), pool, site)


def _changed(before: Draft, after: Draft) -> tuple[str, ...]:
    """The places whose text stands nowhere in the good article; of one that stands there, those
    beyond the first.
    """
    there = Counter(text.text for text in places.texts(before))
    wrong = []
    for text in places.texts(after):
        there[text.text] -= 1
        if there[text.text] < 0:
            wrong.append(text.place)
    return tuple(wrong)


def sentence(line: str) -> Sentence:
    """A line of a manuscript."""
    source = _CITED.search(line)
    text = _CITED.sub("", line)
    return Sentence(
        text=text.removeprefix("> "),
        source=source[1] if source else None,
        quoted=text.startswith("> "),
    )


def _sections(text: str) -> list[Section]:
    """What stands before the first heading is put below one that says so."""
    parts = re.split(r"^## (.*)$", text.strip(), flags=re.M)
    pairs = [
        *([("First of all", parts[0])] if parts[0].strip() else []),
        *zip(parts[1::2], parts[2::2], strict=True),
    ]
    return [
        Section(
            heading=heading,
            paragraphs=[
                manuscript.block(p.splitlines()) for p in re.split(r"\n\s*\n", body.strip())
            ],
        )
        for heading, body in pairs
    ]


def pool_of(content: dict[str, Any]) -> dict[str, Snapshot]:
    """The sources of an article by their ids."""
    return {
        key: Snapshot(
            url=source["url"],
            title=source["title"],
            text=source["text"].strip(),
            sha256=hashlib.sha256(source["text"].encode()).hexdigest(),
            language=source.get("language", content.get("language", "en")),
            published_at=_moment(source.get("date")),
        )
        for key, source in content["source"].items()
    }


def _moment(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def draft_of(content: dict[str, Any], name: str) -> Draft:
    """The draft of an article as a file has it."""
    return Draft(
        site="suite",
        slug=re.sub(r"\W+", "-", name),
        title=content["title"],
        description=content["description"],
        sections=_sections(content["text"]) if content["text"] else [],
        faq=[
            Question(question=q["question"], answer=[sentence(q["answer"])])
            for q in content.get("faq", [])
        ],
        tags=content.get("tags", []),
        references=[Reference.of(key, snapshot) for key, snapshot in pool_of(content).items()],
        writer="anthropic:a-model",
        language=content.get("language", "en"),
    )


def site_of(content: dict[str, Any]) -> Site:
    """The site that would publish an article."""
    return Site(
        name="suite",
        url="https://suite.example",
        language=content.get("site_language", content.get("language", "en")),
        sources=["https://feeds.example/feed.xml"],
        gates=Gates(**content.get("gates", {})),
    )


def replaced(text: str, pairs: list[list[str]]) -> str:
    """The text with other words; each of the old ones must be there."""
    for old, new in pairs:
        assert old in text, f"{old!r} is not there to be replaced"
        text = text.replace(old, new)
    return text


def _with_facts(draft: Draft, pool: dict[str, Snapshot], site: Site, fault: dict[str, Any]) -> Case:
    known = {reference.id for reference in draft.references}
    # Without citations that the renderer would refuse: the gates have to see the draft that has
    # them.
    shown = draft.map_sentences(
        lambda s: s if s.source in known else s.model_copy(update={"source": None})
    )
    page = full_case(shown, pool, site).page
    assert isinstance(page, str)
    case = full_case(draft, pool, site, page=replaced(page, fault.get("page_replace", [])))
    assert isinstance(case.links, dict)
    links = {} if "unasked" in fault else case.links
    links |= {url: Link("dead", f"{url} answers 404 Not Found.") for url in fault.get("dead", [])}
    links |= {
        url: Link("unknown", f"{url} answers 403 Forbidden.") for url in fault.get("unknown", [])
    }
    return full_case(
        *(draft, pool, site),
        page=case.page,
        links=links,
        neighbours=[_neighbour(each) for each in fault.get("neighbours", [])],
        rivals=[Rival(**each) for each in fault.get("rivals", [])],
        others_today=fault.get("others_today", 0),
    )


def _neighbour(content: dict[str, Any]) -> Neighbour:
    texts = [
        draft_of(read("good", name), name).prose()
        for name in (content["like"], *content.get("and", []))
    ]
    return Neighbour(
        content["title"],
        replaced("\n\n".join(texts), content.get("replace", [])),
        content["where"],
    )
