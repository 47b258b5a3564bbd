"""No phrase that the site's owner does not want: those of `banned`, and the words to avoid of the
site's profile. In every language; capitals and typography make no difference.
"""

from __future__ import annotations

from contentstudio.gates.input import Case, failed, passed
from contentstudio.model import Verdict
from contentstudio.text.wording import normal, shown, stands_in


def check(case: Case) -> Verdict:
    """Look for each phrase as whole words, in everything that a reader may see."""
    listed = (*case.gates.banned, *case.site.profile.avoid)
    phrases = {phrase: normal(phrase).casefold() for phrase in listed}
    for place, text in case.texts():
        folded = normal(text).casefold()
        for phrase, variants in phrases.items():
            if stands_in(variants, folded):
                return failed(
                    "banned",
                    f"The {place} {shown(normal(text))} has “{phrase}”, which this site bans.",
                )
    return passed("banned", f"None of {len(phrases)} banned phrases is there.")
