"""No phrase that the site's owner does not want: those of `banned`, and the words to avoid of the
site's profile. In every language; capitals and typography make no difference.
"""

from __future__ import annotations

from contentstudio import places
from contentstudio.gates.input import Case, fault, verdict
from contentstudio.model import Verdict
from contentstudio.text.wording import normal, stands_in


def check(case: Case) -> Verdict:
    """Look for each phrase as whole words, in everything that a reader may see."""
    listed = (*case.gates.banned, *case.site.profile.avoid)
    phrases = {phrase: normal(phrase).casefold() for phrase in listed}
    wrong = [
        fault(text, f"has “{phrase}”, which this site bans.")
        for text in places.texts(case.draft)
        for phrase, variants in phrases.items()
        if stands_in(variants, normal(text.text).casefold())
    ]
    return verdict("banned", wrong, f"None of {len(phrases)} banned phrases is there.")
