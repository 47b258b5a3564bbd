"""What a hit shows of a long text: the passage that has most of the words of a query. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

BEFORE = 80  # characters before the first word in which a sentence may begin
MAX_PLACES = 500  # that are looked at
STEM = 0.6  # of a word, which its other forms begin with too
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s*(?=\S)|\n+")


def excerpt(text: str, words: Sequence[str], length: int) -> str:
    """A passage of up to so many characters, from the beginning of a sentence where one is near,
    with … where the text goes on. `words` are in lower case.
    """
    lower = text.lower()
    if len(lower) != len(text):  # a letter whose small one is two
        lower = text
    places = _places(lower, words)
    start = _begin(text, _best(places, length - BEFORE)) if len(text) > length else 0
    end = start + length
    passage = text[start:end]
    if end < len(text):
        passage = passage.rpartition(" ")[0] or passage
        passage += " …"
    return ("… " if start else "") + " ".join(passage.split())


def _places(lower: str, words: Sequence[str]) -> list[tuple[int, str]]:
    """Where a word stands, in order, and which."""
    stems = {word[: max(3, round(len(word) * STEM))] for word in words if word}
    pattern = "|".join(map(re.escape, sorted(stems, key=len, reverse=True)))
    matches = re.finditer(rf"(?:{pattern})", lower) if pattern else iter(())
    return [(match.start(), match[0]) for match, _ in zip(matches, range(MAX_PLACES), strict=False)]


def _best(places: Sequence[tuple[int, str]], length: int) -> int:
    """The place from which on most different words stand within so many characters."""
    best = most = end = 0
    counts = Counter[str]()  # of the words within the window that begins at a place
    for start, word in places:
        while end < len(places) and places[end][0] <= start + max(0, length):
            counts[places[end][1]] += 1
            end += 1
        if len(counts) > most:
            best, most = start, len(counts)
        counts[word] -= 1
        if not counts[word]:
            del counts[word]
    return best


def _begin(text: str, place: int) -> int:
    """The beginning of the sentence of a place, or of its word where that is far."""
    first = max(0, place - BEFORE)
    ends = [match.end() for match in _SENTENCE.finditer(text, first, place + 1)]
    if ends or not first:
        return ends[-1] if ends else 0
    return text.rfind(" ", first, place) + 1 or place
