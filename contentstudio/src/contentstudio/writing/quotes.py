"""Which sentences of a text can be quoted: each becomes a note that says it word for word. Pure.

Sentences that stand alone and hold the words which their text uses most go before others; how hard
they are to read is for the gates to judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from contentstudio.brief import Idea, Note, Research, SourcePage
from contentstudio.model import Snapshot
from contentstudio.text.prose import is_prose, leans
from contentstudio.text.sentences import placed
from contentstudio.text.words import content_words

FEWEST, MOST = 10, 18  # notes, where the texts are long enough
SHARE, SHORT_SHARE = (
    0.4,
    0.6,
)  # of a text's sentences; the second where the first would give less than FEWEST

_ALIKE = 0.8  # of the content words of two sentences together; from here on they say the same


@dataclass(frozen=True)
class _Candidate:
    """A sentence that may be quoted, and where it stands in the snapshot. `leaning` says that it
    may not be understood without its neighbours.
    """

    snapshot: Snapshot
    span: tuple[int, int]
    text: str
    words: frozenset[str]
    leaning: bool


def research(idea: Idea, snapshots: Sequence[Snapshot], language: str) -> Research:
    """What some texts say of an idea, in their own sentences: the same input gives an equal result.

    The notes are in the order of the texts and, within one, of its sentences; every text has its
    share. `language` is that of texts which do not tell theirs. Takes some milliseconds for a usual
    page and seconds for megabytes of text.
    """
    texts = list({snapshot.sha256: snapshot for snapshot in snapshots}.values())
    notes = [_note(number, c) for number, c in enumerate(_choose(texts, language), 1)]
    return Research(idea=idea, notes=tuple(notes), pages=tuple(map(_page, texts)))


def _page(snapshot: Snapshot) -> SourcePage:
    return SourcePage(
        sha256=snapshot.sha256,
        url=snapshot.url,
        title=snapshot.title,
        published_at=snapshot.published_at,
    )


def _note(number: int, candidate: _Candidate) -> Note:
    start, end = candidate.span
    return Note(
        id=f"n{number}",
        text=candidate.text,
        span=candidate.snapshot.text[start:end],
        start=start,
        end=end,
        sha256=candidate.snapshot.sha256,
        hosts=(_page(candidate.snapshot).host or candidate.snapshot.url,),
    )


def _choose(texts: Sequence[Snapshot], language: str) -> list[_Candidate]:
    fewest, most = max(1, FEWEST // max(1, len(texts))), max(1, MOST // max(1, len(texts)))
    chosen: list[_Candidate] = []
    for snapshot in texts:
        tongue = snapshot.language or language
        in_order = list(placed(snapshot.text, tongue))
        # A digest is no copy.
        limit = min(
            most, max(int(SHARE * len(in_order)), min(fewest, int(SHORT_SHARE * len(in_order))))
        )
        chosen += _best(
            list(_candidates(snapshot, in_order, tongue)), limit, min(limit, fewest), chosen
        )
    return chosen[:MOST]


def _candidates(
    snapshot: Snapshot, in_order: Sequence[tuple[str, tuple[int, int]]], language: str
) -> Iterator[_Candidate]:
    """What can be quoted at all. Hard sentences stay."""
    for text, span in in_order:
        if is_prose(text):
            words = content_words(text, language)
            yield _Candidate(snapshot, span, text, words, leans(text, language))


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
    for candidate in sorted(candidates, key=lambda c: (c.leaning, -weight(c), c.span)):
        enough = few if candidate.leaning else limit
        if len(picked) < enough and not any(
            _alike(candidate, other) for other in (*before, *picked)
        ):
            picked.append(candidate)
    return sorted(picked, key=lambda c: c.span)


def _alike(one: _Candidate, other: _Candidate) -> bool:
    return len(one.words & other.words) >= _ALIKE * len(one.words | other.words)
