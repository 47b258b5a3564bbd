"""Which words of an article lead to another page of its site. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress

from contentstudio.model import Draft, InternalLink
from contentstudio.text.words import WORD, content_words

SHORTEST, LONGEST = 2, 6  # words of an anchor


def choose(draft: Draft, pages: Sequence[tuple[str, str]], most: int) -> list[InternalLink]:
    """Links to some of the pages (title, URL), in their order: each page once, and no words twice.

    Quotes and captions are left as they are. A page of which the prose does not speak gets no link.
    """
    texts = [sentence.text for sentence in compress(draft.sentences(), draft.linkable())]
    links: list[InternalLink] = []
    for title, url in pages:
        anchors = [link.anchor.casefold() for link in links]
        words = content_words(title, draft.language)
        anchor = _anchor(texts, words, anchors, draft.language)
        if anchor and all(link.url != url for link in links):
            links.append(InternalLink(anchor=anchor, url=url))
    return links[:most]


def _anchor(
    texts: Sequence[str], words: frozenset[str], anchors: Sequence[str], language: str
) -> str | None:
    """The phrase that names most of the words; of equals the shorter, and then the earlier."""
    best: tuple[tuple[int, int], str] | None = None
    for text in texts:
        for phrase, length in _phrases(text, language):
            count = len(content_words(phrase, language) & words)
            overlaps = any(phrase.casefold() in one or one in phrase.casefold() for one in anchors)
            if (
                count >= min(SHORTEST, len(words))
                and not overlaps
                and (best is None or (count, -length) > best[0])
            ):
                best = ((count, -length), phrase)
    return best[1] if best else None


def _phrases(text: str, language: str) -> Iterator[tuple[str, int]]:
    """Runs of words with nothing but blanks between them, which begin and end with a word that
    carries matter.
    """
    spans = [word.span() for word in WORD.finditer(text)]
    carries = [bool(content_words(text[start:end], language)) for start, end in spans]
    for first, (start, _) in enumerate(spans):
        for last in range(first + SHORTEST - 1, min(first + LONGEST, len(spans))):
            if text[spans[last - 1][1] : spans[last][0]] != " ":
                break
            if carries[first] and carries[last]:
                yield text[start : spans[last][1]], last - first + 1
