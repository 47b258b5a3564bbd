"""The article is in its site's language, by its script or the words that every text of a language
has.
"""

from __future__ import annotations

from contentstudio.gates.input import Case, failed, passed, skipped
from contentstudio.model import Verdict
from contentstudio.text import languages


def check(case: Case) -> Verdict:
    """The draft says that it is in the site's language, and no other language's words are commoner
    in it.
    """
    wanted = case.site.language
    if case.language != wanted:
        return failed(
            "language", f"The article is in “{case.draft.language}”, the site in “{wanted}”."
        )
    if found := languages.contradicted(case.draft.prose(), wanted):
        return failed("language", f"The text reads as “{found}”, and the site is in “{wanted}”.")
    if why := unmeasured_in(wanted):
        return skipped("language", why)
    return passed("language", f"The article is in “{wanted}”, as its site is.")


def unmeasured_in(language: str) -> str:
    """Why this gate measures nothing in a language (two letters); empty where it does."""
    return (
        "" if language in languages.known() else f"the common words of “{language}” are not known"
    )
