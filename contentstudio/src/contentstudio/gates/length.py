"""The body has neither too few words nor too many. In scripts without blanks two characters count
as a word.
"""

from __future__ import annotations

from contentstudio.gates.input import Case, failed, passed
from contentstudio.model import Verdict
from contentstudio.text.words import word_count


def check(case: Case) -> Verdict:
    """Count the words of the body: headings, title and references are no part of it."""
    count = word_count(case.draft.prose())
    least, most = case.gates.min_words, case.gates.max_words
    if count < least:
        return failed("length", f"{count} words; at least {least} are wanted.")
    if count > most:
        return failed("length", f"{count} words; at most {most} are wanted.")
    return passed("length", f"{count} words, within {least} to {most}.")
