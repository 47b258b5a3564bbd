"""Claims have sources: ids of the closed pool, and no number that its source does not have.

Figures are compared in every language, with their sign, scale and unit; numbers in words in seven:
see `numbers`. A number that is reckoned from those of its source needs not stand there (see
`derivation`); one that stands there has to count and measure the same (see `counted`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from contentstudio import places
from contentstudio.gates.input import Case, fault, verdict
from contentstudio.model import Fault, Sentence, Snapshot, Verdict
from contentstudio.text import dates, numbers
from contentstudio.text.wording import shown
from contentstudio.verify import counted, figures

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
    well = (
        f"{len(cited)} of {len(everything)} sentences cite {len({s.source for s in cited})} "
        f"of {len(case.pool)} sources, and their figures stand there."
    )
    return verdict("sources", _wrong(case), well)


def _wrong(case: Case) -> Iterator[Fault | str]:
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


def _wrong_citations(case: Case) -> Iterator[Fault]:
    ids = {reference.id for reference in case.draft.references}
    for place, sentence in _sentences(case):
        if sentence.source is not None and sentence.source not in case.pool:
            pool = f"the pool of {len(case.pool)} sources"
            yield _fault(place, sentence, f"cites {sentence.source}, which is not in {pool}.")
        elif sentence.source is not None and sentence.source not in ids:
            why = f"cites {sentence.source}, which is not among the references."
            yield _fault(place, sentence, why)


def _wrong_numbers(case: Case) -> Iterator[Fault]:
    sources = {key: _source(snapshot, case.language) for key, snapshot in case.pool.items()}
    before = ""
    for place, sentence in _sentences(case):
        source = sources.get(sentence.source or "")
        for number in numbers.claimed(sentence.text, case.language):
            if source is None and sentence.source is None:
                yield _fault(place, sentence, f"has {number.shown} and no source.")
            elif source and not source.gives(number, sentence.text, before, case.language):
                why = f"has {number.shown}, which is not in {sentence.source}."
                yield _fault(place, sentence, why, source.nearest(sentence.text, case.language))
        before = sentence.text
    yield from _otherwise(case, sources)
    yield from _wrong_elsewhere(case, sources.values())


def _otherwise(case: Case, sources: Mapping[str, figures.Source]) -> Iterator[Fault]:
    """What numbers that stand in the source count, measure or date otherwise than there."""
    for place, sentence in _sentences(case):
        source = sources.get(sentence.source or "")
        if source and not sentence.quoted and source.language == case.language:
            for one in counted.findings(sentence.text, case.language, source.sentences):
                yield _fault(place, sentence, f": {sentence.source} {one.reason}.", one.passage)


def _wrong_elsewhere(case: Case, sources: Collection[figures.Source]) -> Iterator[Fault]:
    """The numbers of what has no source of its own. They may be reckoned from what the article
    tells.
    """
    body = " ".join(sentence.text for sentence in case.draft.sentences())
    sections = map(str, range(1, len(case.draft.sections) + 1))
    anywhere = frozenset(sections).union(*(source.values for source in sources))
    for text in places.texts(case.draft):
        if text.kind in _WITHOUT_SOURCE:
            for number in numbers.claimed(_CLIPPED.sub("", text.text), case.language):
                if not number.values & anywhere and not any(
                    source.gives(number, text.text, body, case.language) for source in sources
                ):
                    yield fault(text, f"has {number.shown}, which is in none of the sources.")


def _sentences(case: Case) -> Iterator[tuple[str, Sentence]]:
    """Every sentence with its place."""
    for number, sentence in enumerate(case.draft.sentences(), 1):
        yield f"sentence {number}", sentence


def _fault(place: str, sentence: Sentence, why: str, passage: str = "") -> Fault:
    reason = f"{shown(sentence.text)}{'' if why.startswith(':') else ' '}{why}"
    return Fault(place=place, text=sentence.text, reason=reason, passage=passage)


def _source(snapshot: Snapshot, default: str) -> figures.Source:
    """A source as its figures are compared; its relative dates are absolute where it has a date."""
    language = (snapshot.language or default).lower()[:2]
    text = dates.with_dates(f"{snapshot.title}\n\n{snapshot.text}", language, snapshot.day)
    return figures.Source(text, language, snapshot.day.year if snapshot.day else None)
