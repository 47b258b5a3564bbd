"""The tags of an article: those of its site of which it speaks most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from contentstudio.model import Draft
from contentstudio.text.words import UNSPACED, content_words, words_in_order

MOST = 3
IN_TITLE = 5  # what a mention in the title counts beside one in the text
LEAST = 2  # mentions in the text of a tag that the title does not name


def tags_of(draft: Draft, names: Sequence[str]) -> list[str]:
    """The article's own tags; where it has none, at most three of `names`, those it mentions most
    first.

    A tag of several words is mentioned as often as the rarest of them.
    """
    if draft.tags:
        return draft.tags
    title, text = (
        draft.title,
        "\n".join([*(section.heading for section in draft.sections), draft.prose()]),
    )
    language = draft.language
    counts, in_title = Counter(words_in_order(text, language)), content_words(title, language)
    scores = {}
    for place, name in enumerate(names):
        words = content_words(name, language)
        if not words or UNSPACED.search(name):
            mentions, in_headings = (
                text.casefold().count(name.casefold()),
                name.casefold() in title.casefold(),
            )
        else:
            mentions, in_headings = min(counts[word] for word in words), words <= in_title
        if in_headings or mentions >= LEAST:
            scores[name] = (-(mentions + IN_TITLE * in_headings), place)
    return sorted(scores, key=lambda name: scores[name])[:MOST]
