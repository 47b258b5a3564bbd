"""What a word is, how many a text has, and which carry its matter. Pure.

English has a list and a rule of its own. Other languages have those of `stems`; there the parts of
a word with a hyphen or an apostrophe are words (`l'eau`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from contentstudio.text import stems

_STOP = frozenset(
    """
    a about after again all almost also always am an and any are as at back be because been before
    being between both but by came can come could did do does down each even every few first for
    from get go good got had has have he her here him his how i if in into is it its just know last
    less like little made make many may me might more most much must my never new no nor not now of
    off often on once one only or other our out over own same say see she should since so some
    still such take than that the their them then there these they thing this those through time to
    too two under until up us use used very want was way we well went were what when where which
    while who whose why will with without would yet you your can't didn't doesn't don't isn't it's
    that's won't
    """.split()  # noqa: SIM905 - a list of a hundred lines says no more
)
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
PART = re.compile(r"[^\W_]+")
CJK = r"\u3040-\u30ff\u3400-\u9fff"
UNSPACED = re.compile(rf"[{CJK}]")  # written without blanks, about two characters a word
_PLURAL = re.compile(r"(?<=[^\Wsui_]{2})s$")


def parted(text: str) -> tuple[list[str], int]:
    """What stands between blanks, and how many characters are in scripts without blanks."""
    return UNSPACED.sub(" ", text).split(), len(UNSPACED.findall(text))


def word_count(text: str) -> int:
    """Words between blanks that have a letter or a digit; of scripts without blanks, half the
    characters.
    """
    words, unspaced = parted(text)
    return sum(any(map(str.isalnum, word)) for word in words) + unspaced // 2


def is_unspaced(text: str) -> bool:
    """Whether most of the text is in a script without blanks between words."""
    return len(UNSPACED.findall(text)) > sum(map(str.isalnum, text)) / 2


def words_in_order(text: str, language: str = "en") -> list[str]:
    """The words that carry matter, in lower case and each as all its forms are compared: `heaps`
    and `heap` are one. `language` has two letters.
    """
    words = (WORD if language == "en" else PART).findall(text.lower())
    return [matter for word in words if (matter := matter_of(word, language))]


def content_words(text: str, language: str = "en") -> frozenset[str]:
    """The same words, each once."""
    return frozenset(words_in_order(text, language))


@lru_cache(maxsize=50_000)
def matter_of(word: str, language: str = "en") -> str:
    """A word in lower case as it is compared; nothing of one that carries no matter. A language's
    words are few, and come often.
    """
    if language == "en":
        plain = word.replace("’", "'")
        return "" if plain in _STOP else _PLURAL.sub("", plain)
    return "" if word in stems.little_words(language) else stems.stem(word, language)
