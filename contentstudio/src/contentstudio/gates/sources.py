"""Claims have sources: ids of the closed pool, and no number that its source does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from contentstudio import config
from contentstudio.gates.wording import normal, shown
from contentstudio.model import Draft, Snapshot, Verdict

_DECIMAL_POINT = frozenset({"en", "ja", "zh", "ko", "he", "th", "hi", "ga", "cy"})  # elsewhere a comma


def check(draft: Draft, pool: Mapping[str, Snapshot], gates: config.Gates) -> Verdict:
    """References are the pool's, sentences cite them, enough sentences do, and their numbers stand in the source.

    A sentence without a source claims nothing, so it may hold no figures.
    """
    fault = next(_faults(draft, pool, gates), None)
    if fault:
        return Verdict(gate="sources", passed=False, reason=fault)
    cited = [s for s in draft.sentences() if s.source]
    reason = f"{len(cited)} of {len(draft.sentences())} sentences cite {len({s.source for s in cited})} of {len(pool)} "
    return Verdict(gate="sources", passed=True, reason=reason + "sources, and their figures stand there.")


def _faults(draft: Draft, pool: Mapping[str, Snapshot], gates: config.Gates) -> Iterator[str]:
    yield from _wrong_references(draft, pool)
    yield from _wrong_citations(draft, pool)
    everything = draft.sentences()
    cited = sum(s.source is not None for s in everything)
    if not everything or cited < gates.min_sourced * len(everything):
        yield f"{cited} of {len(everything)} sentences have a source; at least {gates.min_sourced:.0%} are wanted."
    yield from _wrong_numbers(draft, pool)


def _wrong_references(draft: Draft, pool: Mapping[str, Snapshot]) -> Iterator[str]:
    seen: set[str] = set()
    for reference in draft.references:
        if reference.id not in pool:
            yield f"Reference {reference.id} is not in the pool of {len(pool)} sources."
        elif reference.id in seen:
            yield f"Reference {reference.id} is listed twice."
        elif (reference.sha256, reference.url) != (pool[reference.id].sha256, pool[reference.id].url):
            yield f"Reference {reference.id} is another text or address than the {reference.id} of the pool."
        seen.add(reference.id)


def _wrong_citations(draft: Draft, pool: Mapping[str, Snapshot]) -> Iterator[str]:
    listed = {reference.id for reference in draft.references}
    for sentence in draft.sentences():
        if sentence.source is not None and sentence.source not in pool:
            yield f"{shown(sentence.text)} cites {sentence.source}, which is not in the pool of {len(pool)} sources."
        elif sentence.source is not None and sentence.source not in listed:
            yield f"{shown(sentence.text)} cites {sentence.source}, which is not among the references."


def _wrong_numbers(draft: Draft, pool: Mapping[str, Snapshot]) -> Iterator[str]:
    known = {key: _numbers(snapshot.text, snapshot.language or draft.language) for key, snapshot in pool.items()}
    for sentence in draft.sentences():
        numbers = _numbers(sentence.text, draft.language)
        unknown = sorted(numbers - known[sentence.source] if sentence.source else numbers)
        if unknown and sentence.source:
            yield f"{shown(sentence.text)} has {unknown[0]}, which is not in {sentence.source}."
        elif unknown:
            yield f"{shown(sentence.text)} has {unknown[0]} and no source."


def _numbers(text: str, language: str) -> set[str]:
    """The figures of a text, written alike: `1,500`, `1 500` and in German `1.500` are 1500, `2,5` there is 2.5."""
    separators, decimal = (" ',", ".") if language[:2] in _DECIMAL_POINT else (" '.", ",")
    number = re.compile(
        rf"(?<!\d)(\d{{1,3}}(?:[{separators}]\d{{3}})+)(?!\d)(?:[{decimal}](\d+))?|\d+(?:[{decimal}]\d+)*"
    )
    return {_plain(found, decimal) for found in number.finditer(normal(text))}


def _plain(number: re.Match[str], decimal: str) -> str:
    if number[1] is None:
        return number[0].replace(decimal, ".")
    digits = re.sub(r"\D", "", number[1])
    return f"{digits}.{number[2]}" if number[2] else digits
