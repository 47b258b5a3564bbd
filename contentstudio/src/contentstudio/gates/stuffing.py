"""No word and no run of words stands there for a search engine's sake.

The n-grams are measured in every language. The density of a word is not measured in scripts without
blanks between words, for nothing there tells what a word is. Words of three letters and fewer are
not counted, nor the commonest longer ones of English.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher

from contentstudio import places
from contentstudio.gates.input import Case, failed, passed, verdict
from contentstudio.model import Fault, Verdict
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
_SAME = 0.85  # of the words of two sentences, in their order; _LONG words each
_OFTEN = 3  # times in a title or a description


def check(case: Case) -> Verdict:
    """Measure the commonest word of the body and the runs that repeat, and look for a word said
    thrice in the title.
    """
    body = tokens(case.draft.prose())
    if not body:
        return failed("stuffing", "There is no text to measure.")
    said: list[Fault | str] = [*_thrice(case), *_again(case)]
    if len({tag.casefold() for tag in case.draft.tags}) < len(case.draft.tags):
        said.append("A tag stands there twice.")
    if said:
        return verdict("stuffing", said, "")
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


def _thrice(case: Case) -> Iterator[Fault]:
    """A word that stands too often in the title or the description."""
    for text in places.texts(case.draft)[:2]:
        if (top := _top(tokens(text.text))) and top[1] >= _OFTEN:
            reason = f"“{top[0]}” stands {top[1]} times in the {text.kind}."
            yield Fault(place=text.place, text=text.text, reason=reason)


def _again(case: Case) -> Iterator[Fault]:
    """The long sentences that are said again, also with a word changed; the first one may stay."""
    earlier: list[tuple[list[str], str]] = []
    for text in places.texts(case.draft):
        words = tokens(text.text) if text.kind == "sentence" else []
        if len(words) >= _LONG:
            before = next((shown for other, shown in earlier if _is_again(words, other)), None)
            if before is not None:
                reason = f"{shown(normal(text.text))} stands there twice: {shown(before)}."
                yield Fault(place=text.place, text=text.text, reason=reason)
            earlier.append((words, normal(text.text)))


def _is_again(words: list[str], other: list[str]) -> bool:
    """Whether two sentences say the same of the same figures."""
    if sorted(filter(str.isdigit, words)) != sorted(filter(str.isdigit, other)):
        return False
    matcher = SequenceMatcher(None, words, other, autojunk=False)
    return matcher.quick_ratio() >= _SAME and matcher.ratio() >= _SAME


def _top(words: list[str]) -> tuple[str, int] | None:
    """The commonest word that carries matter, with its count."""
    counts = Counter(word for word in words if len(word) > 3 and word not in _COMMON)
    return next(iter(counts.most_common(1)), None)


def _repeated(words: list[str]) -> float:
    """The share of the runs that stand there more than once, the first time counted too."""
    counts = Counter(grams(words, _RUN))
    return sum(count for count in counts.values() if count > 1) / max(1, counts.total())
