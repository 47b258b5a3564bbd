"""What each sentence, title and heading says against the sources: no negation, number, name or
doubt is changed, and nothing is stated without a source.

By code, and so only where the evidence is strong; the rules are `verify.claims`. In a language
without a pack nothing is compared.
"""

from __future__ import annotations

from collections.abc import Iterator

from contentstudio import places
from contentstudio.gates.input import Case, failed, passed, skipped
from contentstudio.model import Fault, Sentence, Verdict
from contentstudio.text import packs
from contentstudio.text.wording import shown
from contentstudio.verify import claims, facts, turns, unsourced
from contentstudio.verify.pool import Pool, Source, authority, unknown_promise
from contentstudio.verify.statements import Statement, read

# Texts without a source of their own are compared with all sources, and what is near to one of them
# may be made from another: so more of it has to stand there.
_LEAST = 0.8
_WORDS = 3
_COMPARED = frozenset(("title", "description", "heading", "question", "name of a step"))
_NAMED = _COMPARED | {"title of a callout", "alternative text", "caption"}


def check(case: Case) -> Verdict:
    """Compare every sentence with its source, and every other text with all of them."""
    if why := unmeasured_in(case.language):
        return skipped("claims", why)
    pool = _pool(case)
    faults = [*_of_sentences(case, pool), *_of_texts(case, pool)]
    if faults:
        more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        return failed("claims", f"{faults[0].reason}{more}", faults)
    count = len(case.draft.sentences())
    return passed("claims", f"Nothing in {count} sentences is said otherwise than in the sources.")


def unmeasured_in(language: str) -> str:
    """Why this gate measures nothing in a language (two letters); empty where it does."""
    return "" if packs.is_known(language) else f"no pack has the words of “{language}”"


def _pool(case: Case) -> Pool:
    cited = [sentence.text for sentence in case.draft.sentences() if sentence.source]
    texts = [case.draft.title, *(section.heading for section in case.draft.sections)]
    site = [case.site.name, case.draft.author, case.site.url]
    return Pool.of(case.pool, case.language, citing=[*cited, *texts], known=site)


def _of_sentences(case: Case, pool: Pool) -> Iterator[Fault]:
    for number, sentence in enumerate(case.draft.sentences(), 1):
        statement = read(sentence.text, case.language)
        place = f"sentence {number}"
        if sentence.source is None:
            reason = unsourced.statement_of(statement, pool)
            if reason:
                yield Fault(
                    place=place,
                    text=sentence.text,
                    reason=f"{shown(sentence.text)} {reason}.",
                )
            yield from _findings(place, sentence.text, statement, pool, None)
        elif sentence.source in pool.sources and not sentence.quoted:
            yield from _findings(place, sentence.text, statement, pool, sentence)


def _of_texts(case: Case, pool: Pool) -> Iterator[Fault]:
    for text in places.texts(case.draft):
        if text.kind in _NAMED:
            statement = read(text.text, case.language)
            yield from _findings(text.place, text.text, statement, pool, None)


def _findings(
    place: str, text: str, statement: Statement, pool: Pool, sentence: Sentence | None
) -> Iterator[Fault]:
    """The faults of one text; `sentence` is the one that it is, where that cites a source."""
    source = pool.sources[sentence.source] if sentence and sentence.source else None
    who = sentence.source if sentence and sentence.source else "A source"
    least, words = (claims.NEAR, 2) if source else (_LEAST, _WORDS)
    passages = source.passages if source else pool.passages
    found = claims.findings(statement, passages, least=least, words=words)
    if source and source.passages:
        found += facts.findings(statement, source.passages, source.whole)
    found = found or turns.findings(statement, passages)
    for finding in found:
        reason = f"{shown(text)}: {who} {finding.reason}."
        yield Fault(place=place, text=text, reason=reason, passage=finding.passage)
    for reason in _unknown(statement, pool, source):
        yield Fault(place=place, text=text, reason=f"{shown(text)} {reason}.")


def _unknown(statement: Statement, pool: Pool, source: Source | None) -> Iterator[str]:
    """What stands in no source at all."""
    if unknown := pool.unknown_names(statement) or pool.unknown_persons(statement):
        yield f"names “{unknown[0]}”, which stands in none of the sources"
    if source is None:
        return
    who = authority(statement)
    if who and not source.whole.has("authorities", "proofs"):
        yield f"gives the word of others (“{who.text}”), and its source names none"
    if promise := unknown_promise(statement, pool):
        yield f"promises what stands in none of the sources (“{promise.text}”)"
