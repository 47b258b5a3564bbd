"""What the code knows of languages: a file for each, with words that checks go by. Pure.

A language without a file is not measured by the checks that need one, and they say so beforehand.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pt")


def is_known(language: str) -> bool:
    """Whether there is a pack for a language (two letters)."""
    return language in LANGUAGES


def words(language: str, section: str, name: str) -> tuple[str, ...]:
    """A list of a pack; empty where the pack has none of this name, or there is no pack."""
    return tuple(_pack(language).get(section, {}).get(name, ()))


@cache
def pattern(language: str, section: str, name: str) -> re.Pattern[str] | None:
    """Any of the words of a list, as whole words in any case; None of an empty list. A `*` in a
    word stands for letters, a blank for any white space.
    """
    return any_of(words(language, section, name))


@cache
def everywhere(section: str, name: str) -> re.Pattern[str]:
    """Any of the words of a list in any of the languages: what a model says of itself need not be
    in the language of its article.
    """
    whole = any_of(word for code in LANGUAGES for word in words(code, section, name))
    assert whole is not None, f"no pack has {name} in [{section}]"
    return whole


def any_of(listed: Iterable[str]) -> re.Pattern[str] | None:
    """The same of words that no pack has as a list of their own."""
    longest_first = sorted(set(listed), key=lambda word: (-len(word), word))
    if not longest_first:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(_expression, longest_first))})(?!\w)", re.I)


def _expression(word: str) -> str:
    return re.escape(word).replace(r"\*", r"\w*").replace(r"\ ", r"\s+").replace("'", "['’]")


@cache
def _pack(language: str) -> dict[str, Any]:
    if not is_known(language):
        return {}
    file = files("contentstudio.text.packs") / f"{language}.toml"
    return tomllib.loads(file.read_text("utf-8"))
