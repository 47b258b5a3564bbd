"""Evidence: for each claim of an article the passage of its source, and whether the passage
supports it. Pure.

The comparison is of words and numbers, made by code; it shows a person where to look, and takes no
judgement from them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from contentstudio.model import Draft, Sentence, Snapshot
from contentstudio.text import dates, numbers
from contentstudio.text.sentences import placed
from contentstudio.text.wording import normal, stands_in, tokens
from contentstudio.text.words import content_words, is_unspaced

NEAR = (
    0.5  # of a claim's words stand in the passage: from here on it is what the claim was made from
)

Found = Literal["supported", "number_mismatch", "not_found"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A claim beside what its source says. `similarity` is the share of its words that the passage
    has.

    `claim` counts the sentences of the article from 1. The passage is `text[span_start:span_end]`
    of the snapshot; all three are None where the source has no sentence.
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


def find(draft: Draft, snapshots: Sequence[Snapshot]) -> list[Evidence]:
    """The evidence of every sentence that cites a reference whose text is among the snapshots."""
    texts = {snapshot.sha256: snapshot for snapshot in snapshots}
    pool = {r.id: texts[r.sha256] for r in draft.references if r.sha256 in texts}
    passages = {
        source_id: _passages(snapshot, draft.language) for source_id, snapshot in pool.items()
    }
    return [
        _evidence(
            number,
            sentence,
            draft.language,
            sentence.source,
            pool[sentence.source],
            passages[sentence.source],
        )
        for number, sentence in enumerate(draft.sentences(), 1)
        if sentence.source in pool
    ]


def text_sha256(text: str) -> str:
    """The hash by which a claim is known, whatever its number in the article."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _evidence(
    number: int,
    claim: Sentence,
    language: str,
    source: str,
    snapshot: Snapshot,
    passages: Sequence[_Passage],
) -> Evidence:
    words = _words(claim.text, language)
    claimed = numbers.claimed(claim.text, language)

    def bears(passage: _Passage) -> bool:
        return all(number.values & passage.numbers for number in claimed)

    # Of what is near, rather what has the numbers; of equals, what is shorter, and then what comes
    # first.
    shares = [len(words & passage.words) / (len(words) or 1) for passage in passages]
    near = max(shares, default=0.0) >= NEAR
    ranked = sorted(
        (
            (share, p)
            for share, p in zip(shares, passages, strict=True)
            if share >= NEAR or not near
        ),
        key=lambda one: (-one[0], one[1].end - one[1].start, one[1].start),
    )
    similarity, best = next(
        (one for one in ranked if bears(one[1])), ranked[0] if ranked else (0.0, None)
    )
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
        similarity=round(similarity, 3),
        quoted=claim.quoted,
        verdict=_verdict(claim, snapshot, similarity >= NEAR, best is not None and bears(best)),
    )


def _verdict(claim: Sentence, snapshot: Snapshot, near: bool, bears: bool) -> Found:
    if claim.quoted:
        return "supported" if stands_in(normal(claim.text), normal(snapshot.text)) else "not_found"
    if not near:
        return "not_found"
    return "supported" if bears else "number_mismatch"


def _quoted_span(claim: Sentence, text: str) -> tuple[int, int] | None:
    """Where a quote stands, whatever white space is between its words."""
    match = _whole(claim.text).search(text) if claim.quoted else None
    return match.span() if match else None


def _passages(snapshot: Snapshot, language: str) -> list[_Passage]:
    """Every sentence of a source, and every two that follow one another: a claim may
    draw on both.
    """
    own = (snapshot.language or language).lower()[:2]
    each = [
        _Passage(
            *span,
            _words(sentence, language),
            frozenset(numbers.values(dates.with_dates(sentence, own, snapshot.day), own)),
        )
        for sentence, span in placed(snapshot.text, own)
    ]
    both = [
        _Passage(a.start, b.end, a.words | b.words, a.numbers | b.numbers)
        for a, b in pairwise(each)
    ]
    return [*each, *both]


def _whole(sentence: str) -> re.Pattern[str]:
    return re.compile(r"\s+".join(map(re.escape, sentence.split())))


def _words(text: str, language: str) -> frozenset[str]:
    if is_unspaced(text):
        return frozenset(tokens(text))
    return content_words(text, language.lower()[:2])
