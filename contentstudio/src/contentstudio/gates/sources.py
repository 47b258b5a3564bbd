"""Claims have sources: ids of the closed pool, and no number that its source does not have.

Figures are compared in every language, with their sign, scale and unit; numbers in words in seven:
see `numbers`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contentstudio.gates.input import Case, failed, passed
from contentstudio.model import Verdict
from contentstudio.text import numbers
from contentstudio.text.wording import normal, shown

_WITHOUT_SOURCE = frozenset(
    (
        *("title", "description", "heading", "question"),
        *("head of a table", "name of a step", "title of a callout"),
    )
)
_CLIPPED = re.compile(r"\S+…")  # the rest of a word that was cut tells no number


def check(case: Case) -> Verdict:
    """References are the pool's, sentences cite them, enough sentences do, and their numbers stand
    in the source.

    A sentence without a source claims nothing, so it may hold no figures. Title, description,
    headings, questions and the names within blocks have no source of their own: their figures
    stand anywhere in the pool, or count the sections.
    """
    fault = next(_faults(case), None)
    if fault:
        return failed("sources", fault)
    everything = case.draft.sentences()
    cited = [s for s in everything if s.source]
    reason = (
        f"{len(cited)} of {len(everything)} sentences cite {len({s.source for s in cited})} "
        f"of {len(case.pool)} "
    )
    return passed("sources", reason + "sources, and their figures stand there.")


def _faults(case: Case) -> Iterator[str]:
    yield from _wrong_references(case)
    yield from _wrong_citations(case)
    everything = case.draft.sentences()
    cited = sum(s.source is not None for s in everything)
    if not everything or cited < case.gates.min_sourced * len(everything):
        yield (
            f"{cited} of {len(everything)} sentences have a source; at least "
            f"{case.gates.min_sourced:.0%} are wanted."
        )
    yield from _wrong_numbers(case)


def _wrong_references(case: Case) -> Iterator[str]:
    pool = case.pool
    ids: set[str] = set()
    for reference in case.draft.references:
        if reference.id not in pool:
            yield f"Reference {reference.id} is not in the pool of {len(pool)} sources."
        elif reference.id in ids:
            yield f"Reference {reference.id} is listed twice."
        elif (reference.sha256, reference.url) != (
            pool[reference.id].sha256,
            pool[reference.id].url,
        ):
            yield (
                f"Reference {reference.id} is another text or address than the "
                f"{reference.id} of the pool."
            )
        ids.add(reference.id)


def _wrong_citations(case: Case) -> Iterator[str]:
    ids = {reference.id for reference in case.draft.references}
    for sentence in case.draft.sentences():
        if sentence.source is not None and sentence.source not in case.pool:
            pool = f"the pool of {len(case.pool)} sources"
            yield f"{shown(sentence.text)} cites {sentence.source}, which is not in {pool}."
        elif sentence.source is not None and sentence.source not in ids:
            yield (
                f"{shown(sentence.text)} cites {sentence.source}, which is not among the "
                "references."
            )


def _wrong_numbers(case: Case) -> Iterator[str]:
    there = {
        key: numbers.values(
            f"{snapshot.title}\n{snapshot.text}", _language(snapshot.language) or case.language
        )
        for key, snapshot in case.pool.items()
    }
    for sentence in case.draft.sentences():
        claims = numbers.claimed(sentence.text, case.language)
        unknown = [
            n.shown for n in claims if not (sentence.source and n.values & there[sentence.source])
        ]
        if unknown and sentence.source:
            yield f"{shown(sentence.text)} has {unknown[0]}, which is not in {sentence.source}."
        elif unknown:
            yield f"{shown(sentence.text)} has {unknown[0]} and no source."
    anywhere = set().union(*there.values(), map(str, range(1, len(case.draft.sections) + 1)))
    for place, text in case.texts():
        if place in _WITHOUT_SOURCE:
            for number in numbers.claimed(_CLIPPED.sub("", text), case.language):
                if not number.values & anywhere:
                    yield (
                        f"The {place} {shown(normal(text))} has {number.shown}, which is in "
                        "none of the sources."
                    )


def _language(code: str | None) -> str | None:
    return code.lower()[:2] if code else None
