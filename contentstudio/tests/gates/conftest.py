"""Reads the articles of the suite. `good/` are whole; each of `bad/` says which good one it is
like, and what is wrong.

A text is written as a manuscript: a sentence a line, `>` before it is a quote, `[s1]` behind it its
source, `##` a heading, an empty line a new paragraph; lists, block quotes and tables as
`review.manuscript` says.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contentstudio.config import Gates, Site
from contentstudio.gates.input import Case, Link, Neighbour, Rival
from contentstudio.model import Draft, Question, Reference, Section, Sentence, Snapshot
from contentstudio.review import manuscript

FOLDER = Path(__file__).parent / "articles"
CITED = re.compile(r"\s*\[(s\d+)\]$")


def read(kind: str, name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / kind / f"{name}.toml").read_text("utf-8"))


def sentence(line: str) -> Sentence:
    source = CITED.search(line)
    text = CITED.sub("", line)
    return Sentence(
        text=text.removeprefix("> "),
        source=source[1] if source else None,
        quoted=text.startswith("> "),
    )


def sections(text: str) -> list[Section]:
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


def pool_of(told: dict[str, Any]) -> dict[str, Snapshot]:
    return {
        key: Snapshot(
            url=source["url"],
            title=source["title"],
            text=source["text"].strip(),
            sha256=hashlib.sha256(source["text"].encode()).hexdigest(),
            language=told.get("language", "en"),
        )
        for key, source in told["source"].items()
    }


def draft_of(told: dict[str, Any], name: str) -> Draft:
    return Draft(
        site="suite",
        slug=name,
        title=told["title"],
        description=told["description"],
        sections=sections(told["text"]),
        faq=[
            Question(question=q["question"], answer=[sentence(q["answer"])])
            for q in told.get("faq", [])
        ],
        tags=told.get("tags", []),
        references=[
            Reference(id=k, url=s.url, title=s.title, sha256=s.sha256)
            for k, s in pool_of(told).items()
        ],
        writer="anthropic:a-model",
        language=told.get("language", "en"),
    )


def site_of(told: dict[str, Any]) -> Site:
    return Site(
        name="suite",
        url="https://suite.example",
        language=told.get("site_language", told.get("language", "en")),
        sources=["https://feeds.example/feed.xml"],
        gates=Gates(**told.get("gates", {})),
    )


def replaced(text: str, pairs: list[list[str]]) -> str:
    for old, new in pairs:
        assert old in text, f"{old!r} is not there to be replaced"
        text = text.replace(old, new)
    return text


@pytest.fixture
def good_case(full_case: Callable[..., Case]) -> Callable[[str], Case]:
    """The case of a good article of the suite."""

    def make(name: str) -> Case:
        told = read("good", name)
        return full_case(draft_of(told, name), pool_of(told), site_of(told))

    return make


@pytest.fixture
def bad_case(full_case: Callable[..., Case]) -> Callable[[str], Case]:
    """The case of a bad article: a good one with what is wrong put in."""

    def make(name: str) -> Case:
        fault = read("bad", name)
        base = read("good", fault["like"])
        told = {
            **base,
            **{
                k: fault[k]
                for k in ("title", "description", "text", "language", "site_language")
                if k in fault
            },
        }
        told["gates"] = base.get("gates", {}) | fault.get("gates", {})
        told["text"] = replaced(
            told["text"].strip() + "\n" + fault.get("append", ""), fault.get("replace", [])
        )
        told["source"]["s1"]["text"] += fault.get("append_source", "")
        if "faq_answer" in fault:
            told["faq"][0]["answer"] = fault["faq_answer"]
        draft, pool, site = draft_of(told, name), pool_of(told), site_of(told)
        if "reference_url" in fault:
            wrong = draft.references[0].model_copy(update={"url": fault["reference_url"]})
            draft = draft.model_copy(update={"references": [wrong, *draft.references[1:]]})
        if "unsource" in fault:
            bare = sections(re.sub(r"^> |\s*\[s\d+\]$", "", told["text"], flags=re.M))
            draft = draft.model_copy(update={"sections": bare})
        return _with_facts(full_case, draft, pool, site, fault)

    return make


def _with_facts(
    full_case: Callable[..., Case],
    draft: Draft,
    pool: dict[str, Snapshot],
    site: Site,
    fault: dict[str, Any],
) -> Case:
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
        neighbours=[_neighbour(told) for told in fault.get("neighbours", [])],
        rivals=[Rival(**told) for told in fault.get("rivals", [])],
        others_today=fault.get("others_today", 0),
    )


def _neighbour(told: dict[str, Any]) -> Neighbour:
    texts = [
        draft_of(read("good", name), name).prose() for name in (told["like"], *told.get("and", []))
    ]
    return Neighbour(
        told["title"], replaced("\n\n".join(texts), told.get("replace", [])), told["where"]
    )
