"""No sentence tells a reader what to do about health, money or law, unless the site's owner allowed
the topic: to stop a treatment, to buy shares, to sue.

A sentence advises where an act and a thing of the topic stand near each other, or a whole phrase of
advice does, and nobody is sent to those who know. The words are those of the language packs.
`sensitive` tells what a whole article is on; one such sentence does harm in any article.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contentstudio import places
from contentstudio.gates.input import Case, fault, passed, skipped, verdict
from contentstudio.model import Fault, Verdict
from contentstudio.text import packs
from contentstudio.text.wording import normal

_TOPICS = ("health", "money", "law")
_NEAR = 60  # characters between the act and the thing


def check(case: Case) -> Verdict:
    """Look for advice on the topics that the site does not allow."""
    topics = [topic for topic in _TOPICS if topic not in case.gates.allow_topics]
    if not topics:
        return passed("advice", "The site allows articles on health, money and law.")
    if why := unmeasured_in(case.language):
        return skipped("advice", why)
    wrong = [found for topic in topics for found in _advice(case, topic)]
    return verdict("advice", wrong, f"No advice on {', '.join(topics)} was found.")


def unmeasured_in(language: str) -> str:
    """Why this gate measures nothing in a language (two letters); empty where it does."""
    return "" if packs.is_known(language) else f"the words of advice are not known in “{language}”"


def _advice(case: Case, topic: str) -> Iterator[Fault]:
    whole, acts, things, safe = (
        packs.pattern(case.language, "advice", name)
        for name in (topic, f"{topic}_acts", f"{topic}_things", f"{topic}_safe")
    )
    assert whole is not None
    assert acts is not None
    assert things is not None
    for text in places.texts(case.draft):
        words = normal(text.text)
        if safe is not None and safe.search(words):
            continue
        if phrase := whole.search(words):
            yield fault(text, f"advises on {topic}, by “{phrase[0]}”.")
        elif pair := _near(acts, things, words):
            yield fault(text, f"advises on {topic}, by “{pair[0]}” and “{pair[1]}”.")


def _near(acts: re.Pattern[str], things: re.Pattern[str], words: str) -> tuple[str, str] | None:
    """An act and a thing that are near each other and not one."""
    for act in acts.finditer(words):
        for thing in things.finditer(words):
            apart = max(thing.start() - act.end(), act.start() - thing.end())
            if 0 <= apart <= _NEAR:
                return act[0], thing[0]
    return None
