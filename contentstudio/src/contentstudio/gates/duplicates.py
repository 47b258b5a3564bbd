"""The article is no other one over again: not of what is published or queued, nor rejected, nor of
the owner's own.

By runs of five words: the share that two articles have in common (Jaccard), and the share of this
one that the other has, which finds a short article cut out of a long one. In every language; in
scripts without blanks a character is a word.
"""

from __future__ import annotations

from contentstudio.gates.input import Case, failed, known, passed
from contentstudio.model import Verdict
from contentstudio.text.wording import grams, normal, shown, tokens

_RUN = 5  # words
_WHERE = {
    "published": "published",
    "queued": "queued",
    "rejected": "rejected before",
    "owner": "the owner's own",
}


def check(case: Case) -> Verdict:
    """Compare title and body with every neighbour, and the description with those of the site."""
    neighbours = known(case.neighbours, "what stands beside it")
    if (description := normal(case.draft.description).casefold()) in (
        normal(d).casefold() for d in case.descriptions
    ):
        return failed(
            "duplicates", f"Another article of the site has its description: {shown(description)}."
        )
    title, mine = normal(case.draft.title).casefold(), runs(case.draft.prose())
    gates, nearest = case.gates, 0.0
    for neighbour in neighbours:
        description = f"{shown(normal(neighbour.title))}, which is {_WHERE[neighbour.where]}"
        if normal(neighbour.title).casefold() == title:
            return failed("duplicates", f"It has the title of {description}.")
        alike, copied = shares(mine, runs(neighbour.text))
        if alike > gates.max_similarity:
            return failed(
                "duplicates",
                f"It is {alike:.0%} the same as {description}; {gates.max_similarity:.0%} at most.",
            )
        if copied > gates.max_copied:
            return failed(
                "duplicates",
                f"{copied:.0%} of it stands in {description}; {gates.max_copied:.0%} at most.",
            )
        nearest = max(nearest, alike)
    return passed(
        "duplicates",
        f"It is at most {nearest:.0%} the same as each of {len(neighbours)} neighbours.",
    )


def runs(text: str) -> set[tuple[str, ...]]:
    """Every run of words in a text."""
    return set(grams(tokens(text), _RUN))


def shares(mine: set[tuple[str, ...]], theirs: set[tuple[str, ...]]) -> tuple[float, float]:
    """The share of all runs that both have, and the share of mine."""
    shared = len(mine & theirs)
    return shared / max(1, len(mine | theirs)), shared / max(1, len(mine))
