"""Other words at some places of an article, and nothing else: what stands elsewhere is the same,
byte for byte. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count

from contentstudio import places
from contentstudio.brief import Research
from contentstudio.model import Draft, Fault, Sentence
from contentstudio.writing import pool
from contentstudio.writing.answers import Mended, MendedText


def fault(
    draft: Draft, faults: Sequence[Fault], notes: Sequence[str]
) -> Callable[[Mended], str | None]:
    """What is wrong with an answer to these faults that may name these notes, or None. A place that
    it leaves out stays as it is.
    """
    asked = {fault.place for fault in faults}

    def wrong(mended: Mended) -> str | None:
        counts = Counter(each.place for each in mended.texts)
        for each in mended.texts:
            if each.place not in asked:
                return f"“{each.place[:40]}” is changed, which has no fault"
            if counts[each.place] > 1:
                return f"“{each.place}” is changed twice"
            if not each.text.strip() and not places.can_cut(each.place):
                return f"“{each.place}” has no words any more; only a sentence can be taken out"
            if each.quoted and not each.notes:
                return f"“{each.place}” is quoted and names no note"
        if (
            why := pool.outside(notes, (n for each in mended.texts for n in each.notes))
        ) is not None:
            return why
        return _nothing_left(draft, mended)

    return wrong


def _nothing_left(draft: Draft, mended: Mended) -> str | None:
    try:
        places.without(draft, _cut(mended))
    except ValueError as error:
        return str(error)
    return None


def _cut(mended: Mended) -> set[str]:
    """The places whose texts are taken out."""
    return {each.place for each in mended.texts if not each.text.strip()}


def mended(draft: Draft, answer: Mended, research: Research) -> Draft:
    """The draft with an answer without a fault. Notes give a changed sentence its source, and one
    without notes has none.
    """
    new = {each.place: each for each in answer.texts if each.text.strip()}
    reworded = places.replaced(draft, {place: each.text for place, each in new.items()})
    sourced = _sourced(reworded, new, research)
    return pool.cited_only(places.without(sourced, _cut(answer)))


def _sourced(draft: Draft, new: dict[str, MendedText], research: Research) -> Draft:
    """The draft whose changed sentences state other notes, and so may cite other pages."""
    known = {reference.sha256: reference for reference in draft.references}
    free = (f"s{number}" for number in count(1))
    taken = {reference.id for reference in draft.references}
    for page in research.pages:
        if page.sha256 not in known:
            name = next(name for name in free if name not in taken)
            known[page.sha256] = pool.reference(name, page)
    notes = {note.id: note for note in research.notes}
    numbers = count(1)

    def changed(sentence: Sentence) -> Sentence:
        text = new.get(f"sentence {next(numbers)}")
        if text is None:
            return sentence
        stated = sentence.model_copy(update={"notes": tuple(text.notes), "quoted": text.quoted})
        source = pool.snapshot_of(stated, notes)
        return stated.model_copy(update={"source": known[source].id if source else None})

    after = draft.map_sentences(changed).model_copy(update={"references": [*known.values()]})
    return Draft.model_validate(after.model_dump())  # the sentences of a block quote stay quoted
