"""Claims have sources: ids of the closed pool, and no number that its source does not have.

Figures are compared in every language, with their sign, scale and unit; numbers in words in seven:
see `numbers`. A number that others of its sentence give by arithmetic needs not stand in the
source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from contentstudio import places
from contentstudio.gates.input import Case, failed, passed
from contentstudio.model import Fault, Snapshot, Verdict
from contentstudio.text import dates, numbers
from contentstudio.text.wording import normal, shown
from contentstudio.verify import arithmetic

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
    everything = case.draft.sentences()
    cited = [s for s in everything if s.source]
    whole = [*_wrong_references(case), *_too_few(case)]
    faults = [*_wrong_citations(case), *_wrong_numbers(case)]
    reasons = [*whole, *(fault.reason for fault in faults)]
    if reasons:
        more = f" ({len(reasons) - 1} more)" if len(reasons) > 1 else ""
        return failed("sources", f"{reasons[0]}{more}", faults)
    reason = (
        f"{len(cited)} of {len(everything)} sentences cite {len({s.source for s in cited})} "
        f"of {len(case.pool)} "
    )
    return passed("sources", reason + "sources, and their figures stand there.")


def _too_few(case: Case) -> Iterator[str]:
    everything = case.draft.sentences()
    cited = sum(s.source is not None for s in everything)
    if not everything or cited < case.gates.min_sourced * len(everything):
        yield (
            f"{cited} of {len(everything)} sentences have a source; at least "
            f"{case.gates.min_sourced:.0%} are wanted."
        )


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


def _wrong_citations(case: Case) -> Iterator[Fault]:
    ids = {reference.id for reference in case.draft.references}
    for number, sentence in enumerate(case.draft.sentences(), 1):
        why = ""
        if sentence.source is not None and sentence.source not in case.pool:
            why = f"which is not in the pool of {len(case.pool)} sources"
        elif sentence.source is not None and sentence.source not in ids:
            why = "which is not among the references"
        if why:
            reason = f"{shown(sentence.text)} cites {sentence.source}, {why}."
            yield Fault(place=f"sentence {number}", text=sentence.text, reason=reason)


@dataclass(frozen=True)
class _Source:
    """What a source says of numbers; its relative dates too, where it has a date itself."""

    text: str
    language: str

    @cached_property
    def readings(self) -> set[str]:
        return numbers.values(self.text, self.language)

    @cached_property
    def quantities(self) -> list[numbers.Quantity]:
        return numbers.quantities(normal(self.text), self.language)


def _wrong_numbers(case: Case) -> Iterator[Fault]:
    sources = {key: _source(snapshot, case.language) for key, snapshot in case.pool.items()}
    for count, sentence in enumerate(case.draft.sentences(), 1):
        source = sources.get(sentence.source or "")
        unknown = [
            number
            for number in numbers.claimed(sentence.text, case.language)
            if not (source and number.values & source.readings)
        ]
        if source and unknown:
            there = source.quantities
            unknown = arithmetic.unexplained(unknown, sentence.text, there, case.language)
        for number in unknown[:1]:
            why = f"which is not in {sentence.source}" if source else "and no source"
            reason = f"{shown(sentence.text)} has {number.shown}{', ' if source else ' '}{why}."
            yield Fault(place=f"sentence {count}", text=sentence.text, reason=reason)
    sections = map(str, range(1, len(case.draft.sections) + 1))
    anywhere = set().union(*(source.readings for source in sources.values()), sections)
    for text in places.texts(case.draft):
        if text.kind in _WITHOUT_SOURCE:
            unknown = [
                number
                for number in numbers.claimed(_CLIPPED.sub("", text.text), case.language)
                if not number.values & anywhere
            ]
            for number in unknown[:1]:
                reason = (
                    f"The {text.kind} {shown(normal(text.text))} has {number.shown}, which is in "
                    "none of the sources."
                )
                yield Fault(place=text.place, text=text.text, reason=reason)


def _source(snapshot: Snapshot, default: str) -> _Source:
    language = _language(snapshot.language) or default
    text = dates.with_dates(f"{snapshot.title}\n{snapshot.text}", language, snapshot.day)
    return _Source(text, language)


def _language(code: str | None) -> str | None:
    return code.lower()[:2] if code else None
