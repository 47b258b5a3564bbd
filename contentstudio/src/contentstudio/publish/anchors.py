"""Where the internal links of a draft stand in its prose. Pure.

A link is placed once, at the first place where the words of its anchor stand by themselves: never
in a quote, whether it is marked as one or stands between quotation marks, never in a caption, and
never in words that lead elsewhere already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

from contentstudio.model import Draft, InternalLink, Sentence

_QUOTED = re.compile(r"“[^”]*”?|„[^“”]*[“”]?|«[^»]*»?|\"[^\"]*\"?")
# of scripts with blanks between words: elsewhere any place is between words
_LETTER = r"[^\W\u3040-\u30ff\u3400-\u9fff]"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a sentence's words, and where it leads; None where it is plain text."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    start: int
    end: int
    link: InternalLink


def pieces(draft: Draft) -> list[list[Piece]]:
    """The pieces of each sentence, in reading order. Together they are its text."""
    return [
        list(_cut(s.text, places))
        for s, places in zip(draft.sentences(), _places(draft), strict=True)
    ]


def placed(draft: Draft) -> list[InternalLink]:
    """Those of the draft's links that have a place in its prose."""
    there = [place.link for places in _places(draft) for place in places]
    return [link for link in draft.links if link in there]


def _places(draft: Draft) -> list[list[_Place]]:
    sentences = draft.sentences()
    in_sentences: list[list[_Place]] = [[] for _ in sentences]
    linkable = list(compress(zip(sentences, in_sentences, strict=True), draft.linkable()))
    for link in dict.fromkeys(draft.links):
        for sentence, places in linkable:
            place = _first(sentence, link, places)
            if place is not None:
                places.append(place)
                break
    return in_sentences


def _first(sentence: Sentence, link: InternalLink, places: Sequence[_Place]) -> _Place | None:
    if not link.anchor.strip():
        return None
    closed = [quote.span() for quote in _QUOTED.finditer(sentence.text)] + [
        (one.start, one.end) for one in places
    ]
    for match in re.finditer(
        rf"(?<!{_LETTER}){re.escape(link.anchor)}(?!{_LETTER})", sentence.text
    ):
        start, end = match.span()
        if all(end <= left or right <= start for left, right in closed):
            return _Place(start, end, link)
    return None


def _cut(text: str, places: Sequence[_Place]) -> Iterator[Piece]:
    done = 0
    for place in sorted(places, key=lambda place: place.start):
        if done < place.start:
            yield Piece(text[done : place.start])
        yield Piece(text[place.start : place.end], place.link.url)
        done = place.end
    if done < len(text):
        yield Piece(text[done:])
