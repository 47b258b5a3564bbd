"""Health, money and law are for a person, unless the site's owner allowed the topic.

An article is on a topic when the words of it come up often enough, and more than one of them: one
word alone may be a constellation. The words stand in `sensitive.toml`, by language. In a language
that it lacks, nobody can tell what an article is on, so each article is for a person.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

from contentstudio.gates.input import Case, failed, passed
from contentstudio.model import Verdict
from contentstudio.text.wording import normal
from contentstudio.text.words import word_count

_LOUD = ("title", "heading", "question")  # places where a word counts twice
_TIMES = 4
_DIFFERENT = 2
_PER_HUNDRED = 0.6  # words of the body


def check(case: Case) -> Verdict:
    """Look for the words of each topic that the site does not allow."""
    topics = [topic for topic in ("health", "money", "law") if topic not in case.gates.allow_topics]
    if not topics:
        return passed("sensitive", "The site allows articles on health, money and law.")
    if why := unmeasured_in(case.language):
        reason = f"Not measured: {why}; allow_topics = {topics} lets articles pass.".replace(
            "'", '"'
        )
        return Verdict(gate="sensitive", passed=False, reason=reason, checked=False)
    for topic in topics:
        words = _found(case, _words()[case.language][topic])
        times = sum(words.values())
        enough = max(_TIMES, _PER_HUNDRED * word_count(case.draft.prose()) / 100)
        if len(words) >= _DIFFERENT and times >= enough:
            description = " and ".join(
                f"“{word}”" for word in sorted(words, key=lambda word: -words[word])[:2]
            )
            return failed(
                "sensitive",
                f"The article is on {topic}, by {description}: a person decides, or allow_topics.",
            )
    return passed("sensitive", f"The article is not on {', '.join(topics)}.")


def unmeasured_in(language: str) -> str:
    """Why this gate measures nothing in a language (two letters); empty where it does."""
    return (
        ""
        if language in _words()
        else f"the words of health, money and law are not known in “{language}”"
    )


def _found(case: Case, words: dict[str, re.Pattern[str]]) -> dict[str, int]:
    """How often each of the words comes up."""
    texts = [(2 if place in _LOUD else 1, normal(text)) for place, text in case.texts()]
    counts = {
        word: sum(weight * len(form.findall(text)) for weight, text in texts)
        for word, form in words.items()
    }
    return {word: count for word, count in counts.items() if count}


@cache
def _words() -> dict[str, dict[str, dict[str, re.Pattern[str]]]]:
    """Language → topic → word → its pattern."""
    tables = tomllib.loads((files("contentstudio.gates") / "sensitive.toml").read_text("utf-8"))
    return {
        language: {
            topic: {word: _pattern(word) for word in map(normal, words.split(","))}
            for topic, words in topics.items()
        }
        for language, topics in tables.items()
    }


def _pattern(word: str) -> re.Pattern[str]:
    end = r"\w*" if word.endswith("*") else r"\b"
    return re.compile(rf"\b{re.escape(word.removesuffix('*'))}{end}", re.I)
