"""The offline writer: a digest in the sources' own sentences, each quoted and cited. No language
model, no network.

What it adds of its own claims nothing. It prefers sentences that stand alone and hold the words
which their source uses most; how hard they are to read is for the gates to judge.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, sqrt
from typing import Any

from contentstudio.config import Site
from contentstudio.model import Draft, Reference, Section, Sentence, Snapshot
from contentstudio.text.sentences import sentences
from contentstudio.text.titles import clean_title
from contentstudio.text.words import content_words, words_in_order
from overnight import Context
from overnight.errors import Permanent

WRITER = "offline"  # what its drafts say of who wrote them
MIN_QUOTES = 4  # less is no article
FEWEST, MOST = 10, 18  # quotes, where the sources are long enough
SHARE, SHORT_SHARE = (
    0.4,
    0.6,
)  # of a source's sentences; the second where the first would give less than FEWEST
TITLE_LENGTH, DESCRIPTION_LENGTH = 70, 160  # characters at most; search engines cut a little later
SHORT_DESCRIPTION = 80  # characters; a shorter one tells too little
OFTEN = 3  # times that a word makes a description read as if it were for machines

_ALIKE = 0.8  # of the content words of two sentences together; from here on they say the same
_LENGTHS = range(25, 1_000)  # characters of a sentence; what is longer is a list or an attack

_FURNITURE = re.compile(  # what belongs to the page and not to its text, or speaks to a machine
    r"https?:|\bwww\.|\S@\S|[|{}<>©]|```|~~~"
    r"|\bclick|\bsubscri|\bnewsletter|\bsign(?:ing)? (?:up|in)\b|\blog ?in\b|\bread "
    r"more\b|\bshare this\b"
    r"|\bfollow (?:us|me|them)\b|\bfor more information\b|\bhere\.$|\bprivacy "
    r"policy|\ball rights reserved\b"
    r"|\bcookie (?:polic|setting|notice)|\b(?:accept|our|uses?|using) cookies"
    r"|^\W*(?:photo|image|picture)s?(?: credits?)?(?: by|:)|^\W*(?:system|assistant|user)\s*:"
    r"|\bignore (?:\w+ ){0,3}previous instructions\b",
    re.I,
)
_LEANING = re.compile(  # what begins so leans on the sentence before it
    r"\W*(?:this|that|these|those|it|its|he|his|she|her|they|their|such|but|and|or|so|yet|however|therefore|thus|then"
    r"|also|instead|meanwhile|moreover|otherwise|still|because|here|another|others|both|for "
    r"(?:example|instance)"
    r"|in (?:addition|contrast|fact)|the (?:former|latter|other|same|following|result))\b",
    re.I,
)
_SELF = re.compile(r"\b(?:I|[Mm]y|[Mm]e|[Ww]e|[Oo]ur|[Uu]s)\b")

_LEAD = (
    "This page collects what others say on the subject, in their own words.",
    "Each quote is followed by its source.",
)
_HEADINGS = ("In short", "In detail", "Worth knowing", "Also of note")


class TooThin(Permanent):
    """There is nothing to write: the sources have too few sentences that can be quoted."""


@dataclass(frozen=True)
class _Candidate:
    """A sentence that may be quoted. `leaning` says that it may not be understood without its
    neighbours.
    """

    source: str
    place: int
    text: str
    words: frozenset[str]
    leaning: bool


def compose(site: Site, slug: str, snapshots: Sequence[Snapshot], title: str = "") -> Draft:
    """An article of quotes from `snapshots`: the same input gives an equal draft. Without a title
    it has the first source's.

    The references are s1, s2, … in the order of the snapshots. The language is the first
    snapshot's, or the site's where that is unknown. Takes some milliseconds for a usual page and
    seconds for megabytes of text. Raises TooThin.
    """
    if not snapshots:
        raise TooThin("nothing to write: no source was read.")
    language = snapshots[0].language or site.language
    pool = {f"s{number}": snapshot for number, snapshot in enumerate(snapshots, 1)}
    quotes = _choose(pool, language)
    if len(quotes) < MIN_QUOTES:
        raise TooThin(
            f"nothing to write: {len(quotes)} quotes were found; at least {MIN_QUOTES} are wanted."
        )
    named = _clip(title, TITLE_LENGTH) or _title(snapshots[0].title)
    return Draft(
        site=site.name,
        slug=slug,
        title=named or _title(slug.replace("-", " ").capitalize()) or "Untitled",
        description=_description([quote.text for quote in quotes]),
        sections=_sections(quotes, language),
        references=[
            Reference(id=key, url=s.url, title=s.title, sha256=s.sha256) for key, s in pool.items()
        ],
        writer=WRITER,
        language=language,
    )


def _choose(pool: dict[str, Snapshot], language: str) -> list[Sentence]:
    """The quotes in the order of the sources and, within one, of its text. Every source has its
    share.
    """
    fewest, most = max(1, FEWEST // len(pool)), max(1, MOST // len(pool))
    chosen: list[_Candidate] = []
    for key, snapshot in pool.items():
        candidates = sentences(snapshot.text, snapshot.language or language)
        # A digest is no copy.
        limit = min(
            most, max(int(SHARE * len(candidates)), min(fewest, int(SHORT_SHARE * len(candidates))))
        )
        chosen += _best(_candidates(key, candidates), limit, min(limit, fewest), chosen)
    return [Sentence(text=c.text, source=c.source, quoted=True) for c in chosen[:MOST]]


def _candidates(source: str, texts: Iterable[str]) -> list[_Candidate]:
    """What can be quoted at all. Hard sentences stay."""
    return [
        _Candidate(source, place, text, content_words(text), _leans(text))
        for place, text in enumerate(texts)
        if _is_prose(text)
    ]


def _is_prose(text: str) -> bool:
    letters = sum(c.isalpha() or c.isspace() for c in text)
    closed = (
        text.count("“") == text.count("”")
        and text.count("(") == text.count(")")
        and text.count('"') % 2 == 0
    )
    return (
        len(text) in _LENGTHS
        and letters >= 0.7 * len(text)
        and closed
        and not _FURNITURE.search(text)
    )


def _leans(text: str) -> bool:
    """Whether it follows on another sentence, asks, or speaks of its author."""
    return bool(_LEANING.match(text) or _SELF.search(text) or "?" in text)


def _best(
    candidates: list[_Candidate], limit: int, few: int, before: Sequence[_Candidate]
) -> list[_Candidate]:
    """At most `limit` that say different things, in the order of the text; leaning ones only until
    there are `few`.
    """
    counts = Counter(word for c in candidates for word in c.words)

    def weight(c: _Candidate) -> float:
        # The mean, since long sentences have more words, of roots, so that one word does not
        # decide. `fsum` gives the same in whatever order a set comes.
        return fsum(sqrt(counts[word]) for word in c.words) / (1 + len(c.words))

    picked: list[_Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (c.leaning, -weight(c), c.place)):
        enough = few if candidate.leaning else limit
        if len(picked) < enough and not any(
            _alike(candidate, other) for other in (*before, *picked)
        ):
            picked.append(candidate)
    return sorted(picked, key=lambda c: c.place)


def _alike(one: _Candidate, other: _Candidate) -> bool:
    return len(one.words & other.words) >= _ALIKE * len(one.words | other.words)


def _title(text: str) -> str:
    """Without the site's name; empty where it is an address or has no letters."""
    title = clean_title(" ".join(text.split()))
    if not re.search(r"[^\W\d_]", title) or (" " not in title and "/" in title):
        return ""
    return _clip(title, TITLE_LENGTH)


def _clip(text: str, length: int) -> str:
    """At most `length` characters, cut between words."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:-–—(") + "…"


def _description(quotes: Sequence[str]) -> str:
    """What the page has to say, in the words of its sources, so that no two pages are described
    alike: the first quote of 80 to 160 characters in which no word stands too often, or the first
    ones together; where they are too long for that, the first one cut.
    """
    quoted = [f"“{quote}”" for quote in quotes]
    together = (" ".join(quoted[: count + 1]) for count in range(len(quoted)))
    fitting = [
        text
        for text in (*quoted, *together)
        if SHORT_DESCRIPTION <= len(text) <= DESCRIPTION_LENGTH
    ]
    best = next((text for text in fitting if _most_often(text) < OFTEN), next(iter(fitting), None))
    return best or f"“{_clip(quotes[0], DESCRIPTION_LENGTH - 2)}”"


def _most_often(text: str) -> int:
    """How often the commonest word stands there."""
    return max(Counter(words_in_order(text)).values(), default=0)


def _sections(quotes: list[Sentence], language: str) -> list[Section]:
    """Two to four sections in short paragraphs; in other languages than English with numbers for
    headings.
    """
    parts = _split(quotes, min(len(_HEADINGS), max(2, len(quotes) // 3)))
    paragraphs = [_split(part, 1 + len(part) // 4) for part in parts]
    if language != "en":
        return [
            Section(heading=str(number), paragraphs=p) for number, p in enumerate(paragraphs, 1)
        ]
    paragraphs[0].insert(0, [Sentence(text=text) for text in _LEAD])
    return [
        Section(heading=heading, paragraphs=p)
        for heading, p in zip(_HEADINGS, paragraphs, strict=False)
    ]


def _split(items: list[Sentence], count: int) -> list[list[Sentence]]:
    """`count` runs of nearly equal length, in order."""
    ends = [round(index * len(items) / count) for index in range(count + 1)]
    return [items[start:end] for start, end in pairwise(ends)]


class OfflineWriter:
    """The writer without a model, as an adapter of the port."""

    def canary(self, job_id: str) -> str:
        """It sends no prompt."""
        return ""

    async def write(
        self, ctx: Context[Any], site: Site, slug: str, title: str, snapshots: Sequence[Snapshot]
    ) -> Draft:
        """Compose from the sources' own sentences. Raises `TooThin` where they do not suffice."""
        return await asyncio.to_thread(compose, site, slug, snapshots, title)

    async def rewrite(
        self,
        ctx: Context[Any],
        site: Site,
        draft: Draft,
        snapshots: Sequence[Snapshot],
        reasons: Sequence[str],
    ) -> Draft | None:
        """It would write the same again."""
        return None
