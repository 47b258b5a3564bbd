"""The article is no other one over again: not of what is published or queued, nor rejected, nor of the owner's own.

By runs of five words: the share that two articles have in common (Jaccard), and the share of this one that the other
has, which finds a short article cut out of a long one. In every language; in scripts without blanks a character is a
word.
"""

from __future__ import annotations

from contentstudio.gates.case import Case, failed, known, passed
from contentstudio.gates.wording import grams, normal, shown, tokens
from contentstudio.model import Verdict

_RUN = 5  # words
_WHERE = {"published": "published", "queued": "queued", "rejected": "rejected before", "owner": "the owner's own"}


def check(case: Case) -> Verdict:
    """Compare title and body with every neighbour."""
    neighbours = known(case.neighbours, "what stands beside it")
    title, mine = normal(case.draft.title).casefold(), set(grams(tokens(case.draft.prose()), _RUN))
    gates, nearest = case.gates, 0.0
    for neighbour in neighbours:
        told = f"{shown(normal(neighbour.title))}, which is {_WHERE[neighbour.where]}"
        if normal(neighbour.title).casefold() == title:
            return failed("duplicates", f"It has the title of {told}.")
        theirs = set(grams(tokens(neighbour.text), _RUN))
        shared = len(mine & theirs)
        alike, copied = shared / max(1, len(mine | theirs)), shared / max(1, len(mine))
        if alike > gates.max_similarity:
            return failed("duplicates", f"It is {alike:.0%} the same as {told}; {gates.max_similarity:.0%} at most.")
        if copied > gates.max_copied:
            return failed("duplicates", f"{copied:.0%} of it stands in {told}; {gates.max_copied:.0%} at most.")
        nearest = max(nearest, alike)
    return passed("duplicates", f"It is at most {nearest:.0%} the same as each of {len(neighbours)} neighbours.")
