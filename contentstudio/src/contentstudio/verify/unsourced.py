"""Whether a sentence without a source states something. Pure.

It states nothing where it asks, leads over, or tells the reader what to do. What else it says must
be made of words that stand in the sources.
"""

from __future__ import annotations

from contentstudio.text import packs
from contentstudio.verify.pool import Pool, authority, unknown_promise
from contentstudio.verify.statements import SECTION, Mark, Statement

SHARE = 0.5  # of the words of a statement that must stand in the sources
_FEWEST = 3  # words that carry matter; fewer are a label
_FORMAL = frozenset({"sie", "ihr", "ihre", "ihren", "ihrem", "ihrer", "ihnen"})  # Sie, or they
_ENDINGS = ("s", "ed", "ing")  # of English verbs that are no imperative


def statement_of(sentence: Statement, pool: Pool) -> str | None:
    """What a sentence states without a source, as a reason; nothing where it states nothing."""
    if who := authority(sentence):
        return f"gives the word of others (“{who.text}”) and no source"
    if promise := unknown_promise(sentence, pool):
        return f"promises what stands in none of the sources (“{promise.text}”)"
    if sentence.is_question:
        return None
    mark = next((m for name in ("past", "comparisons") for m in sentence.marks(name)), None)
    share = _share(sentence, pool)
    if is_instruction(sentence):
        return None
    if universal := _universal(sentence, pool):
        return f"says “{universal.text}”, which no source says of it"
    if share >= SHARE:
        return None
    if mark:
        return f"tells what stands in none of the sources (“{mark.text}”)"
    if len(sentence.words) < _FEWEST or _leads_over(sentence) or sentence.has("opinions"):
        return None
    return "states what stands in none of the sources"


def _universal(sentence: Statement, pool: Pool) -> Mark | None:
    """What says that it is always so, or so of all, where no source has all words of it."""
    is_told = any(
        len(sentence.stems & p.stems) > SHARE * len(sentence.stems) for p in pool.passages
    )
    if is_told or sentence.has("hints", "hedges", "opinions") or len(sentence.words) < _FEWEST:
        return None
    return next(iter(sentence.marks("sure")), None)


def is_instruction(sentence: Statement) -> bool:
    """Whether it speaks to the reader, or tells what to do."""
    return _speaks_to_reader(sentence) or _is_imperative(sentence)


def _speaks_to_reader(sentence: Statement) -> bool:
    return any(
        sentence.language != "de"
        or mark.text.casefold() not in _FORMAL
        or (mark.text[0].isupper() and mark.start > 0)
        for mark in sentence.marks("reader")
    )


def _is_imperative(sentence: Statement) -> bool:
    if any(mark.start == 0 for mark in sentence.marks("imperatives")):
        return True
    words = sentence.text.casefold().replace(",", " and").split()
    if len(words) < 2:
        return False
    first, second = words[0].strip("\"'"), words[1].strip(".;:")
    follows = second in packs.words(sentence.language, SECTION, "after_imperative")
    verbs = packs.words(sentence.language, SECTION, "verbs")
    if first in verbs:
        return follows or not second.endswith(_ENDINGS)
    is_verb = bool(sentence.words) and sentence.words[0].start == 0
    article = second in ("a", "an", "the", "your", "it", "them") if verbs else follows
    return is_verb and article and not (verbs and first.endswith(_ENDINGS))


def _leads_over(sentence: Statement) -> bool:
    return sentence.text.endswith(":") or any(
        mark.start == 0 for mark in sentence.marks("transitions")
    )


def _share(sentence: Statement, pool: Pool) -> float:
    stems = {stem for stem in sentence.stems if not stem.startswith("#")}
    return len(stems & pool.stems) / len(stems) if stems else 1.0
