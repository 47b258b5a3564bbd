"""Researches of a made-up idea: notes from three hosts, as the tests of briefs need them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from contentstudio.brief import Brief, BriefSection, Idea, Note, Research, SourcePage
from contentstudio.config import Site
from contentstudio.model import Snapshot

SITE = Site(name="garden", url="https://garden.example", sources=["https://a.example/feed.xml"])
FACTS = (  # the number of the page that says it, and what it says
    (1, "Tomato seeds keep for four years in a dry jar."),
    (1, "A jar with a tight lid keeps damp away from seeds."),
    (2, "Tomato seeds keep for six years in a cold cellar."),
    (2, "A warm shelf halves the years that seeds of tomatoes keep."),
    (3, "Old seeds sprout slowly, and fewer of them sprout at all."),
    (3, "Ten seeds on damp paper show how many of a packet still sprout."),
    (1, "Paper bags let the last damp out before seeds go into a jar."),
    (2, "Labels with the year tell the gardener which packet to sow first."),
)
QUESTIONS = ("Which packet should a gardener sow first?", "What do the stars say?")


def idea(**changes: Any) -> Idea:
    values: dict[str, Any] = {
        "site": "garden",
        "slug": "tomato-seeds",
        "found_on": date(2026, 11, 23),
        "title": "How long do tomato seeds keep",
    }
    return Idea(**{**values, **changes})


def snapshots(facts: Sequence[tuple[int, str]] = FACTS) -> list[Snapshot]:
    """The pages of the facts, as they were read."""
    texts: dict[int, list[str]] = {}
    for page, text in facts:
        texts.setdefault(page, []).append(text)
    return [
        Snapshot(
            url=f"https://www.host-{page}.example/seeds",
            title=f"Seeds at home, told by {page} | Host",
            text=" ".join(lines),
            sha256=hashlib.sha256(" ".join(lines).encode()).hexdigest(),
            published_at=datetime(2025, page, 1, tzinfo=UTC),
            language="en",
        )
        for page, lines in sorted(texts.items())
    ]


def research(facts: Sequence[tuple[int, str]] = FACTS, **changes: Any) -> Research:
    """The facts as notes n1, n2, …"""
    pages = dict(enumerate(snapshots(facts), 1))
    values: dict[str, Any] = {
        "idea": idea(),
        "questions": QUESTIONS,
        "notes": [_note(number, text, pages[page]) for number, (page, text) in enumerate(facts, 1)],
        "pages": [
            SourcePage(
                sha256=p.sha256,
                url=p.url,
                title=p.title,
                published_at=p.published_at,
                headings=("Jars", "Cellars"),
            )
            for p in pages.values()
        ],
    }
    return Research(**{**values, **changes})


def brief(**changes: Any) -> Brief:
    """A brief of two sections and a question."""
    values: dict[str, Any] = {
        "research": research(),
        "titles": ("Tomato seeds last for years", "Keep your tomato seeds"),
        "description": "How long tomato seeds keep in a jar, in a cellar and on a warm shelf.",
        "intent": "To know whether old seeds are worth sowing.",
        "angle": "A cold place is worth two years.",
        "sections": (
            BriefSection(heading="Years", tells="How long.", notes=("n1", "n3", "n4")),
            BriefSection(heading="Damp", notes=("n2", "n7"), blocks=("paragraph", "list")),
        ),
        "faq": ("Which packet should a gardener sow first?",),
        "terms": ("tomato seeds",),
        "length": (200, 500),
    }
    return Brief(**{**values, **changes})


def _note(number: int, text: str, page: Snapshot) -> Note:
    start = page.text.index(text)
    return Note(
        id=f"n{number}",
        text=text,
        span=text,
        start=start,
        end=start + len(text),
        sha256=page.sha256,
        hosts=(page.url.split("/")[2].removeprefix("www."),),
    )
