"""The description of an article: what lists show beneath its title."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from contentstudio.model import Sentence
from contentstudio.research.terms import words_in_order
from contentstudio.seo.wording import clipped, longest, tidy, whole_sentences, width

LEAST, MOST = 80, 160  # characters; what lists show of it, by their own cut at about 160

_NOT_TOLD = re.compile('[?？“”„«»"]')  # a question tells nothing, and a quote is its source's
_OFTEN = 3  # times that a word makes a description read as if it were for machines


def description_of(text: str, sentences: Sequence[Sentence]) -> str:
    """The description in its band: a long one ends with a sentence, or between words; a short one is followed by the
    article's first sentence that fits whole. Where none fits, it stays as it is.
    """
    description = tidy(text)
    if width(description) > MOST:
        return longest(whole_sentences(description), LEAST, MOST) or clipped(description, MOST)
    if width(description) < LEAST:
        return next((longer for s in sentences if (longer := _followed_by(description, s))), description)
    return description


def _followed_by(description: str, sentence: Sentence) -> str | None:
    """Both, where that makes a description of a good length that says nothing twice."""
    text = tidy(sentence.text)
    if sentence.quoted or _NOT_TOLD.search(text) or text.casefold() in description.casefold():
        return None
    head = description if not description or description.endswith(tuple(".!?…。！？")) else f"{description}."
    longer = f"{head} {text}".strip()
    twice = Counter(words_in_order(longer)).most_common(1)
    fits = LEAST <= width(longer) <= MOST and bool(twice) and twice[0][1] < _OFTEN
    return longer if fits else None
