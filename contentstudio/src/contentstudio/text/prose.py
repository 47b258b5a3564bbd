"""Which sentences of a page can stand by themselves. Pure.

How hard they are to read is for the gates to judge.
"""

from __future__ import annotations

import re

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
_LEANING_ELSEWHERE = {
    language: re.compile(rf"\W*(?:{words})\b", re.I)
    for language, words in {
        "de": r"dies(?:e[rsmn]?)?|das(?= (?:ist|sind|war|wird|gilt|bedeutet|liegt))|er|sie|es|ihr"
        r"|aber|und|oder|doch|jedoch|deshalb|daher|dadurch|damit|dabei|dort|dann|außerdem|zudem"
        r"|auch|allerdings|so|hier|andere",
        "fr": r"ce(?:la|ci|s|tte|t)?|c['’]est|il|elle|ils|elles|leurs?|son|sa|ses|mais|et|ou|donc"
        r"|cependant|pourtant|ainsi|aussi|alors|ensuite|ici|d['’]autres",
        "es": r"est[eoa]s?|es[eoa]s?|él|ella|ell[oa]s|su|sus|pero|y|o|sin embargo|además|también"
        r"|así|luego|entonces|aquí|otr[oa]s?",
    }.items()
}
_SELF = re.compile(r"\b(?:I|[Mm]y|[Mm]e|[Ww]e|[Oo]ur|[Uu]s)\b")


def is_prose(text: str) -> bool:
    """Whether it is a sentence of the text, and no furniture of the page, list or attack."""
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


def leans(text: str, language: str = "en") -> bool:
    """Whether it follows on another sentence, asks, or speaks of its author."""
    elsewhere = _LEANING_ELSEWHERE.get(language)
    return bool(
        _LEANING.match(text)
        or (elsewhere and elsewhere.match(text))
        or _SELF.search(text)
        or "?" in text
    )
