"""The description of an article: what lists show beneath its title."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from contentstudio.model import Sentence
from contentstudio.text.lengths import clipped, longest, tidy, whole_sentences, width
from contentstudio.text.words import words_in_order

LEAST, MOST = 80, 160  # characters; what lists show of it, by their own cut at about 160

_NOT_TOLD = re.compile('[?？“”„«»"]')  # a question tells nothing, and a quote is its source's
_OFTEN = 3  # times that a word makes a description read as if it were for machines


def description_of(text: str, sentences: Sequence[Sentence], taken: Collection[str] = ()) -> str:
    """The description in its band: a long one ends with a sentence, or between words; a short one
    is followed by the article's first sentence that fits whole. Where none fits, it stays as it is.

    One that is `taken` by another article of the site is followed by a sentence too, or a sentence
    of the article stands in its place; where none fits, a gate tells.
    """
    description = _in_band(tidy(text), sentences)
    others = {tidy(other).casefold() for other in taken}
    if description.casefold() not in others:
        return description
    return next(
        (other for other in _others(description, sentences) if other.casefold() not in others),
        description,
    )


def _others(description: str, sentences: Sequence[Sentence]) -> Iterator[str]:
    """What else may describe the article, the best first: a quote is in quotation marks."""
    yield from filter(None, (_followed_by(description, sentence) for sentence in sentences))
    alone = [(tidy(sentence.text), sentence.quoted) for sentence in sentences]
    yield from (
        text for text, quoted in alone if not quoted and _fits(text) and not _NOT_TOLD.search(text)
    )
    yield from (f"“{text}”" for text, quoted in alone if quoted and _fits(f"“{text}”"))


def _fits(text: str) -> bool:
    return LEAST <= width(text) <= MOST


def _in_band(description: str, sentences: Sequence[Sentence]) -> str:
    if width(description) > MOST:
        return longest(whole_sentences(description), LEAST, MOST) or clipped(description, MOST)
    if width(description) < LEAST:
        return next(
            (longer for s in sentences if (longer := _followed_by(description, s))), description
        )
    return description


def _followed_by(description: str, sentence: Sentence) -> str | None:
    """Both, where that makes a description of a good length that says nothing twice."""
    text = tidy(sentence.text)
    if sentence.quoted or _NOT_TOLD.search(text) or text.casefold() in description.casefold():
        return None
    head = (
        description
        if not description or description.endswith(tuple(".!?…。！？"))
        else f"{description}."
    )
    longer = f"{head} {text}".strip()
    twice = Counter(words_in_order(longer)).most_common(1)
    return longer if _fits(longer) and twice and twice[0][1] < _OFTEN else None
