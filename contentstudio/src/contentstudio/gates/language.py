"""The article is in its site's language, as a detector tells it."""

from __future__ import annotations

from contentstudio.gates.input import Case, failed, passed, skipped
from contentstudio.model import Verdict
from contentstudio.text import languages


def check(case: Case) -> Verdict:
    """The draft declares the site's language, and its text is not plainly in another one."""
    wanted = case.site.language
    if case.language != wanted:
        return failed(
            "language", f"The article is in “{case.draft.language}”, the site in “{wanted}”."
        )
    if why := unmeasured_in(wanted):
        return skipped("language", why)
    if found := languages.contradicted(case.draft.prose(), wanted):
        return failed("language", f"The text reads as “{found}”, and the site is in “{wanted}”.")
    return passed("language", f"The article is in “{wanted}”, as its site is.")


def unmeasured_in(language: str) -> str:
    """Why this gate measures nothing in a language (two letters); empty where it does."""
    return "" if languages.is_known(language) else f"no detector knows “{language}”"
