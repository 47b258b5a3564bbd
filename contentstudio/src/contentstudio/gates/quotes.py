"""What stands in quotation marks stands in its source, word for word."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher

from contentstudio import config
from contentstudio.gates.wording import normal, shown, stands_in
from contentstudio.model import Draft, Sentence, Snapshot, Verdict
from contentstudio.research.sentences import sentences

_NEAR = 0.75  # of the words, in order, are the same: a quote that was changed and not one that was made up


def check(draft: Draft, pool: Mapping[str, Snapshot], gates: config.Gates) -> Verdict:
    """Look for each quoted sentence in the text of its source; only white space and typography may differ."""
    texts = {key: normal(snapshot.text) for key, snapshot in pool.items()}
    quoted = [sentence for sentence in draft.sentences() if sentence.quoted]
    wrong = [s for s in quoted if s.source not in texts or not stands_in(normal(s.text), texts[s.source])]
    if wrong:
        reason = f"{len(wrong)} of {len(quoted)} quotes are not in their source: {_fault(wrong[0], pool)}"
        return Verdict(gate="quotes", passed=False, reason=reason)
    return Verdict(gate="quotes", passed=True, reason=f"{len(quoted)} quotes stand in their sources word for word.")


def _fault(sentence: Sentence, pool: Mapping[str, Snapshot]) -> str:
    quote = shown(sentence.text)
    if sentence.source is None:
        return f"{quote} names no source."
    if sentence.source not in pool:
        return f"{quote} names {sentence.source}, which is not in the pool."
    near = _nearest(sentence.text, pool[sentence.source])
    if near:
        return f"{quote} is only near to what {sentence.source} says, {shown(near)}."
    return f"{quote} is nowhere in {sentence.source}."


def _nearest(quote: str, source: Snapshot) -> str | None:
    """The sentence of `source` that a quote was most likely made from; None where none is near."""
    words = normal(quote).lower().split()
    found = sentences(source.text, source.language or "en")
    best = max(found, key=lambda s: len({*words} & {*normal(s).lower().split()}), default="")
    there = normal(best).lower().split()
    return best if SequenceMatcher(None, words, there, autojunk=False).ratio() >= _NEAR else None
