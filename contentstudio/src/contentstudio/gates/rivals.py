"""No other page of the site has this article's title in other words: two that do take each other's
readers.

Search engines show one of them, and not always the better one. The words of the titles are
compared, without those that carry no matter and in whatever form they stand.
"""

from __future__ import annotations

from contentstudio.gates.input import Case, failed, known, passed
from contentstudio.model import Verdict
from contentstudio.text.wording import normal, shown
from contentstudio.text.words import content_words


def check(case: Case) -> Verdict:
    """Compare the title with those of the pages that aim at the same query."""
    rivals = known(case.rivals, "which pages of the site aim at the same query")
    nearest = 0.0
    for rival in rivals:
        alike = likeness(case.draft.title, rival.title, case.draft.language)
        if alike > case.gates.max_rivalry:
            description = (
                f"{alike:.0%} of the words of its title and of {shown(normal(rival.title))} "
                f"({rival.url})"
            )
            return failed(
                "rivals",
                f"{description} are the same, so they are rivals; "
                f"{case.gates.max_rivalry:.0%} at most.",
            )
        nearest = max(nearest, alike)
    return passed(
        "rivals", f"Its title shares at most {nearest:.0%} of the words with {len(rivals)} rivals."
    )


def likeness(title: str, other: str, language: str = "en") -> float:
    """The share of the words of two titles that both have."""
    mine, theirs = content_words(title, language), content_words(other, language)
    return len(mine & theirs) / max(1, len(mine | theirs))
