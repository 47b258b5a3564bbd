"""The article is in its site's language, as a detector tells it."""

from __future__ import annotations

from contentstudio.gates.input import Case, failed, passed, skipped
from contentstudio.model import Verdict
from contentstudio.text import languages


def check(case: Case) -> Verdict:
    """The draft declares the site's language, and its text is not plainly in another one."""
    expected = case.site.language
    if case.language != expected:
        return failed(
            "language", f"The article is in “{case.draft.language}”, the site in “{expected}”."
        )
    if why := unmeasured_in(expected):
        return skipped("language", why)
    if detected := languages.contradicted(case.draft.prose(), expected):
        return failed(
            "language", f"The text reads as “{detected}”, and the site is in “{expected}”."
        )
    return passed("language", f"The article is in “{expected}”, as its site is.")


def unmeasured_in(language: str) -> str:
    """Why this gate measures nothing in a language (two letters); empty where it does."""
    return "" if languages.is_known(language) else f"no detector knows “{language}”"
