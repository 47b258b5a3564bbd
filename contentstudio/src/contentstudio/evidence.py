"""The evidence ledger: for each claim of an article the passage of its source, and whether the passage bears it.

The comparison is of words and numbers, made by code; it shows a person where to look, and takes no judgement from them.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Literal

from contentstudio.gates import numbers
from contentstudio.gates.wording import is_unspaced, normal, stands_in, tokens
from contentstudio.model import Draft, Sentence, Snapshot
from contentstudio.research.sentences import sentences
from contentstudio.research.terms import content_words
from contentstudio.sql import queries
from overnight.database import Database, Row

NEAR = 0.5  # of a claim's words stand in the passage: from here on it is what the claim was made from

# The columns of an export, in their order.
COLUMNS = (
    *("job_id", "site", "slug", "claim", "verdict", "similarity", "quoted", "text", "source", "url", "passage"),
    *("span_start", "span_end", "snapshot", "text_sha256", "checked_at"),
)

Found = Literal["supported", "number_mismatch", "not_found"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A claim beside what its source says. `similarity` is the share of its words that the passage has.

    `claim` counts the sentences of the article from 1. The passage is `text[span_start:span_end]` of the snapshot; all
    three are None where the source has no sentence.
    """

    claim: int
    text: str
    text_sha256: str
    source: str
    snapshot: str
    url: str
    span_start: int | None
    span_end: int | None
    passage: str | None
    similarity: float
    quoted: bool
    verdict: Found


@dataclass(frozen=True, slots=True)
class _Passage:
    start: int
    end: int
    words: frozenset[str]
    numbers: frozenset[str]


async def keep(database: Database, job_id: str, draft: Draft, snapshots: Sequence[Snapshot]) -> None:
    """Find and keep the evidence of a draft's claims. A claim that was looked at before stays as it was found."""
    found = await asyncio.to_thread(find, draft, snapshots)
    columns = {field.name: [getattr(each, field.name) for each in found] for field in fields(Evidence)}
    params = {"job_id": job_id, "site": draft.site, "slug": draft.slug, **columns}
    await database.fetch(queries["evidence_keep"], params)


async def evidence_for(database: Database, job_id: str) -> list[Row]:
    """The evidence of a job's claims, those of drafts that were rewritten since among them, the oldest first."""
    return await database.fetch(queries["evidence_read"], {"job_id": job_id, "site": None})


async def evidence_of(database: Database, site: str) -> list[Row]:
    """The evidence of all articles of a site."""
    return await database.fetch(queries["evidence_read"], {"job_id": None, "site": site})


def find(draft: Draft, snapshots: Sequence[Snapshot]) -> list[Evidence]:
    """The evidence of every sentence that cites a reference whose text is among the snapshots."""
    texts = {snapshot.sha256: snapshot for snapshot in snapshots}
    pool = {r.id: texts[r.sha256] for r in draft.references if r.sha256 in texts}
    passages = {id: _passages(snapshot, draft.language) for id, snapshot in pool.items()}
    return [
        _evidence(number, sentence, draft.language, sentence.source, pool[sentence.source], passages[sentence.source])
        for number, sentence in enumerate(draft.sentences(), 1)
        if sentence.source in pool
    ]


def text_sha256(text: str) -> str:
    """The hash by which a claim is known, whatever its number in the article."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _evidence(
    number: int, claim: Sentence, language: str, source: str, snapshot: Snapshot, passages: Sequence[_Passage]
) -> Evidence:
    words = _words(claim.text)
    claimed = numbers.claimed(claim.text, language)

    def share(passage: _Passage) -> float:
        return len(words & passage.words) / len(words) if words else 0.0

    def bears(passage: _Passage) -> bool:
        return all(number.values & passage.numbers for number in claimed)

    # Of what is near, rather what has the numbers; of equals, what is shorter, and then what comes first.
    best = max(passages, key=lambda p: (share(p) >= NEAR, bears(p), share(p), p.start - p.end, -p.start), default=None)
    span = _quoted_span(claim, snapshot.text) or ((best.start, best.end) if best else None)
    return Evidence(
        claim=number,
        text=claim.text,
        text_sha256=text_sha256(claim.text),
        source=source,
        snapshot=snapshot.sha256,
        url=snapshot.url,
        span_start=span[0] if span else None,
        span_end=span[1] if span else None,
        passage=snapshot.text[slice(*span)] if span else None,
        similarity=round(share(best), 3) if best else 0.0,
        quoted=claim.quoted,
        verdict=_verdict(claim, snapshot, best is not None and share(best) >= NEAR, best is not None and bears(best)),
    )


def _verdict(claim: Sentence, snapshot: Snapshot, near: bool, bears: bool) -> Found:
    if claim.quoted:
        return "supported" if stands_in(normal(claim.text), normal(snapshot.text)) else "not_found"
    if not near:
        return "not_found"
    return "supported" if bears else "number_mismatch"


def _quoted_span(claim: Sentence, text: str) -> tuple[int, int] | None:
    """Where a quote stands, whatever white space is between its words."""
    found = _whole(claim.text).search(text) if claim.quoted else None
    return found.span() if found else None


def _passages(snapshot: Snapshot, language: str) -> list[_Passage]:
    """Every sentence of a source, and every two that follow one another: a claim may draw on both."""
    language = (snapshot.language or language).lower()[:2]
    spans: list[tuple[int, int]] = []
    position = 0
    for sentence in sentences(snapshot.text, language):
        if found := _whole(sentence).search(snapshot.text, position):
            spans.append(found.span())
            position = found.end()
    both = [(first[0], second[1]) for first, second in pairwise(spans)]
    return [
        _Passage(*span, _words(text := snapshot.text[slice(*span)]), frozenset(numbers.values(text, language)))
        for span in [*spans, *both]
    ]


def _whole(sentence: str) -> re.Pattern[str]:
    return re.compile(r"\s+".join(map(re.escape, sentence.split())))


def _words(text: str) -> frozenset[str]:
    return frozenset(tokens(text)) if is_unspaced(text) else content_words(text)
