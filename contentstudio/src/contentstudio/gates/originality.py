"""The article is no copy of what it was written from: not of the words of its sources, nor of the
outline of one of them, nor of one host alone where there are several. In every language.

Quotes are excepted: they say whose words they are. A sentence is copied where most of its words
stand in runs of four and more of one source, so a word changed here and there does not hide it. In
scripts without blanks a character is half a word.

The thresholds are in `[site.gates]`. `docs/proof.md` has what they catch.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from contentstudio import places
from contentstudio.gates.input import Case, Missing, fault, verdict
from contentstudio.model import Fault, Snapshot, Verdict
from contentstudio.research import passages
from contentstudio.text.wording import grams, normal, shown, tokens
from contentstudio.text.words import is_unspaced

_RUN = 4  # words; a run of so many may be chance, but not most of a sentence made of them
_WHOLE = 6  # words of a sentence; a shorter one can hardly be said otherwise
_COPIED = 0.7  # of the words of a sentence that stand in such runs of one source
_LEAST = 40  # copied words; fewer make no copy of an article
_QUOTED = re.compile(r"""(?<!\w)"[^"]+"(?!\w)|(?<!\w)'[^']{12,}'(?!\w)""")
_HEADINGS = 3  # in common; with fewer nobody can tell an outline
_ALIKE = 0.6  # of the words of two headings
_OUTLINE = 0.75  # of the article's headings, in the order of the source
_CITED = 8  # sentences; of fewer, one host may well be the only one that knows


@dataclass(frozen=True)
class _Overlap:
    """What a sentence has in common with the source that it is nearest to: how many of its words
    stand in runs of the source, and the longest run.
    """

    text: places.Text
    words: int
    source: str
    shared: int
    longest: tuple[str, ...]

    @property
    def is_copied(self) -> bool:
        return self.words >= _WHOLE and self.shared >= _COPIED * self.words


def check(case: Case) -> Verdict:
    """Compare each sentence that is no quote with every source, and the headings with theirs."""
    if missing := {reference.id for reference in case.draft.references} - set(case.pool):
        raise Missing(f"the text of {min(missing)} is not known")
    runs = {key: frozenset(grams(tokens(s.text), _RUN)) for key, s in case.pool.items()}
    overlaps = [_nearest(text, runs) for text in _own(case)]
    share = _share(overlaps)
    copied = [overlap for overlap in overlaps if overlap.is_copied]
    wrong: list[Fault | str] = []
    if share > case.gates.max_verbatim:
        wrong = [
            f"{share:.0%} of the article, quotes apart, is in the words of its sources; "
            f"{case.gates.max_verbatim:.0%} at most.",
            *map(_copy, copied),
        ]
        overlaps = [overlap for overlap in overlaps if not overlap.is_copied]
    wrong += [*_long(overlaps, case.gates.max_verbatim_words), *_outline(case), *_one_host(case)]
    well = f"{share:.0%} of it, quotes apart, is in the words of {len(runs)} sources."
    return verdict("originality", wrong, well)


def _own(case: Case) -> list[places.Text]:
    """The sentences that are no quotes."""
    texts = [text for text in places.texts(case.draft) if text.kind == "sentence"]
    pairs = zip(texts, case.draft.sentences(), strict=True)
    return [text for text, sentence in pairs if not sentence.quoted]


def _nearest(text: places.Text, sources: Mapping[str, frozenset[tuple[str, ...]]]) -> _Overlap:
    words = tokens(_QUOTED.sub(" ", normal(text.text)))
    each = (_overlap(text, words, key, runs) for key, runs in sources.items())
    nothing = _Overlap(text, len(words), "", 0, ())
    return max(each, key=lambda overlap: overlap.shared, default=nothing)


def _overlap(
    text: places.Text, words: Sequence[str], key: str, runs: frozenset[tuple[str, ...]]
) -> _Overlap:
    starts = [number for number, run in enumerate(grams(words, _RUN)) if run in runs]
    shared = {number + step for number in starts for step in range(_RUN)}
    longest, start = (0, 0), -1
    for number in starts:
        start = start if number - 1 in starts and start >= 0 else number
        longest = max(longest, (number + _RUN - start, -start))
    length, first = longest[0], -longest[1]
    return _Overlap(text, len(words), key, len(shared), tuple(words[first : first + length]))


def _share(overlaps: Sequence[_Overlap]) -> float:
    """The share of the words that stand in copied sentences; none where those are few."""
    copied = sum(overlap.words for overlap in overlaps if overlap.is_copied)
    return copied / sum(overlap.words for overlap in overlaps) if copied >= _LEAST else 0.0


def _copy(overlap: _Overlap) -> Fault:
    return fault(overlap.text, f"is in the words of {overlap.source}: quote it or say it anew.")


def _long(overlaps: Sequence[_Overlap], most: int) -> Iterator[Fault]:
    """Sentences with a run that is too long to be chance."""
    for overlap in overlaps:
        if len(overlap.longest) > (2 * most if is_unspaced(overlap.text.text) else most):
            yield fault(
                overlap.text,
                f"has {len(overlap.longest)} words in a row of {overlap.source}, at most {most} "
                f"are wanted: {shown(' '.join(overlap.longest))}. Quote them or say them anew.",
            )


def _outline(case: Case) -> Iterator[Fault]:
    """The headings that follow those of one source, one by one."""
    own = [text for text in places.texts(case.draft) if text.kind == "heading"]
    for key, snapshot in case.pool.items():
        theirs = passages.headings(snapshot)
        pairs = _pairs([tokens(text.text) for text in own], [tokens(text) for text in theirs])
        if len(pairs) >= _HEADINGS and len(pairs) >= _OUTLINE * len(own):
            for mine, other in pairs:
                yield fault(
                    own[mine],
                    f"is {shown(normal(theirs[other]))} of {key}: {len(pairs)} of {len(own)} "
                    "headings follow the outline of that page.",
                )
            return


def _pairs(mine: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Which headings are alike, each behind the one before in both."""
    pairs: list[tuple[int, int]] = []
    start = 0
    for number, heading in enumerate(mine):
        for other in range(start, len(theirs)):
            if _are_alike(heading, theirs[other]):
                pairs.append((number, other))
                start = other + 1
                break
    return pairs


def _are_alike(one: Sequence[str], other: Sequence[str]) -> bool:
    shared = len({*one} & {*other})
    return shared > _ALIKE * max(len({*one}), len({*other}), 1)


def _one_host(case: Case) -> Iterator[str]:
    """The host on which nearly all citations rest, where the pool has others."""
    hosts = {key: _host(snapshot) for key, snapshot in case.pool.items()}
    sources = (sentence.source for sentence in case.draft.sentences())
    cited = Counter(hosts[source] for source in sources if source in hosts)
    if len(set(hosts.values())) < 2 or cited.total() < _CITED:
        return
    host, count = cited.most_common(1)[0]
    if count > case.gates.max_one_host * cited.total():
        yield (
            f"{count} of {cited.total()} citations rest on {host}, though the article has sources "
            f"of {len(set(hosts.values()))} hosts; {case.gates.max_one_host:.0%} at most."
        )


def _host(snapshot: Snapshot) -> str:
    return (urlsplit(snapshot.url).hostname or "").removeprefix("www.")
