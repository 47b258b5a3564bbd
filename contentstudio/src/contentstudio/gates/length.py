"""The body has neither too few words nor too many."""

from __future__ import annotations

from collections.abc import Mapping

from contentstudio import config
from contentstudio.gates.wording import word_count
from contentstudio.model import Draft, Snapshot, Verdict


def check(draft: Draft, pool: Mapping[str, Snapshot], gates: config.Gates) -> Verdict:
    """Count the words of the body: headings, title and references are no part of it."""
    count = word_count(draft.prose())
    if count < gates.min_words:
        return Verdict(gate="length", passed=False, reason=f"{count} words; at least {gates.min_words} are wanted.")
    if count > gates.max_words:
        return Verdict(gate="length", passed=False, reason=f"{count} words; at most {gates.max_words} are wanted.")
    return Verdict(gate="length", passed=True, reason=f"{count} words, within {gates.min_words} to {gates.max_words}.")
