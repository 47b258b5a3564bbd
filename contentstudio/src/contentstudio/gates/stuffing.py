"""No word and no run of words stands there for a search engine's sake.

The n-grams are measured in every language. The density of a word is not measured in scripts without
blanks between words, for nothing there tells what a word is. Words of three letters and fewer are
not counted, nor the commonest longer ones of English.
"""

from __future__ import annotations

from collections import Counter

from contentstudio.gates.input import Case, failed, passed
from contentstudio.model import Verdict
from contentstudio.text.wording import grams, listed, normal, shown, tokens
from contentstudio.text.words import is_unspaced

_COMMON = listed(
    "about also been because before could does each even every from have here into just "
    "like made make many more most "
    "much need only other over same should some such than that their them then there "
    "these they this those very well "
    "were what when where which while will with would your"
)
_RUN = 4  # words
_LONG = 8  # words of a sentence that nobody says twice
_OFTEN = 3  # times in a title or a description


def check(case: Case) -> Verdict:
    """Measure the commonest word of the body and the runs that repeat, and look for a word said
    thrice in the title.
    """
    body = tokens(case.draft.prose())
    if not body:
        return failed("stuffing", "There is no text to measure.")
    for place, text in (("title", case.draft.title), ("description", case.draft.description)):
        if (top := _top(tokens(text))) and top[1] >= _OFTEN:
            return failed("stuffing", f"“{top[0]}” stands {top[1]} times in the {place}.")
    if len({tag.casefold() for tag in case.draft.tags}) < len(case.draft.tags):
        return failed("stuffing", "A tag stands there twice.")
    if twice := _twice(case):
        return failed("stuffing", f"{shown(twice)} stands there twice.")
    repeated = _repeated(body)
    if repeated > case.gates.max_repeated:
        description = f"{repeated:.0%} of the runs of {_RUN} words stand there more than once"
        return failed(
            "stuffing", f"{description}; at most {case.gates.max_repeated:.0%} are wanted."
        )
    if is_unspaced(case.draft.prose()):
        return passed(
            "stuffing", f"{repeated:.0%} of the runs repeat; density has no meaning in this script."
        )
    word, count = _top(body) or ("", 0)
    density = count / len(body)
    if density > case.gates.max_density:
        description = f"“{word}” is {density:.1%} of the words"
        return failed("stuffing", f"{description}; at most {case.gates.max_density:.1%} is wanted.")
    return passed(
        "stuffing",
        f"“{word}” is {density:.1%} of the words, and {repeated:.0%} of the runs repeat.",
    )


def _twice(case: Case) -> str | None:
    """A long sentence that is said again."""
    texts = [normal(s.text) for s in case.draft.sentences()]
    counts = Counter(text.casefold() for text in texts if len(tokens(text)) >= _LONG)
    return next((text for text in texts if counts[text.casefold()] > 1), None)


def _top(words: list[str]) -> tuple[str, int] | None:
    """The commonest word that carries matter, with its count."""
    counts = Counter(word for word in words if len(word) > 3 and word not in _COMMON)
    return next(iter(counts.most_common(1)), None)


def _repeated(words: list[str]) -> float:
    """The share of the runs that stand there more than once, the first time counted too."""
    counts = Counter(grams(words, _RUN))
    return sum(count for count in counts.values() if count > 1) / max(1, counts.total())
