"""Whether a number that stands in no source is reckoned from those that do. Pure.

A sentence may say what lies between two numbers of its source (`from 48 to 17, that is, by 31`),
what they make together, what one is a week or a month of another, a share in per cent, the same in
another unit, the time between two years or two hours, or a number rounded (`about 1.5 million` of
1,480,000).

Numbers are many, and any number is the difference of some. So two or three are tried that follow
one another in one to three neighbouring sentences of the source and measure the same; the sentence,
or the one before it, has to name one of them (or tell what they tell); and it has to say a word
that fits, as `[figures]` of its language's pack lists them. In a language without a pack nothing is
reckoned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, lru_cache
from itertools import combinations, pairwise, permutations

from contentstudio.text import dates, measures, numbers, packs
from contentstudio.text.wording import normal
from contentstudio.text.words import content_words

SECTION = "figures"
CLOSE = Fraction(5, 100)  # of a number, what rounding may change at most,
CUT = Fraction(10, 100)  # and what `over` and `under` may leave out or add
_FEW = 10  # smaller numbers are everywhere: those that are added have to be named
_LONGEST = 3  # sentences of a passage
_MOST = 12  # numbers of a passage that are tried; a table has more, and gives any number
_NEAR = 0.5  # of a sentence's words stand in the passage of which it tells
_HEDGED = 22  # characters before a number in which a word for `about` stands
_FOLLOWS = 28  # characters behind a number in which its period stands
_YEAR = re.compile(r"(?<![\d.,])(?:1[5-9]\d\d|20\d\d)(?![\d]|[.,]\d)")
_TIME = re.compile(r"(?<![\d.,:])([01]?\d|2[0-4]):([0-5]\d)(?![\d:])")
_DAY = 24 * 60
_TIMES = ("s", "min", "h", "d", "wk", "mo", "yr", "dec", "c")
# How many of the first are in the second.
_IN_PERIOD = {
    **{("s", "min"): (60,), ("min", "h"): (60,), ("h", "d"): (24,), ("d", "wk"): (7,)},
    **{("d", "mo"): (30, 31), ("d", "yr"): (365, 366), ("wk", "mo"): (4,), ("wk", "yr"): (52,)},
    **{("mo", "yr"): (12,), ("yr", "dec"): (10,), ("yr", "c"): (100,), ("h", "wk"): (168,)},
}
_SIZES: tuple[dict[str, str], ...] = (
    {"s": "1", "min": "60", "h": "3600", "d": "86400", "wk": "604800"},
    {"mo": "1", "yr": "12", "dec": "120", "c": "1200"},
    {"mm": "0.001", "cm": "0.01", "m": "1", "km": "1000"}
    | {"in": "0.0254", "ft": "0.3048", "yd": "0.9144", "mi": "1609.344"},
    {"mg": "0.001", "g": "1", "kg": "1000", "t": "1000000", "lb": "453.592", "oz": "28.3495"},
    {"ml": "0.001", "cl": "0.01", "dl": "0.1", "l": "1", "m^3": "1000", "gal": "3.78541"},
    {"m^2": "1", "ha": "10000", "km^2": "1000000", "ac": "4046.86"},
    {"W": "1", "kW": "1000", "MW": "1000000", "GW": "1000000000"},
    {"kWh": "1", "MWh": "1000", "GWh": "1000000"},
)  # each table: units of one measure, in one of them


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of a text at `text[start:end]`, with its unit or none."""

    value: Fraction
    unit: str = ""
    start: int = 0
    end: int = 0

    def measures_like(self, other: Amount) -> bool:
        """Whether both have one unit, or one of them has none."""
        return not self.unit or not other.unit or self.unit == other.unit


@dataclass(frozen=True)
class Claim:
    """A sentence with a number that no source has. `context` is the sentence before it."""

    text: str
    context: str
    language: str
    shown: str
    values: tuple[tuple[Fraction, str], ...]

    @property
    def start(self) -> int:
        return max(self.text.find(self.shown), 0)

    @property
    def end(self) -> int:
        return self.start + len(self.shown)

    def says(self, *names: str) -> bool:
        """Whether a word of these lists stands in the sentence, but for the number."""
        before = _without_end(
            _without_end(self.text[: self.start], self.language, "over"), self.language, "under"
        )
        rest = f"{before}_{self.text[self.end :]}"
        return any(_has(rest, self.language, name) for name in names)

    def hedge(self) -> str:
        """How the number is rounded: `about`, `over`, `under`, or not at all."""
        before = self.text[max(0, self.start - _HEDGED) : self.start]
        after = self.text[self.end : self.end + _FOLLOWS]
        for name in ("over", "under"):
            if ends_with(before, self.language, name):
                return name
        is_about = _has(before, self.language, "about")
        return "about" if is_about or _has(after, self.language, "about") else ""

    def periods(self) -> frozenset[str]:
        """Per which time the number is said: `150 a month`, `monthly`."""
        return periods(self.text[self.start : self.end + _FOLLOWS], self.language) | periods(
            self.text[: self.start], self.language
        )

    def touches(self, passage: str) -> bool:
        """Whether it has a word of a passage."""
        words = content_words(passage, self.language)
        return bool(words & content_words(self.text, self.language))

    def named(self) -> list[Amount]:
        """What the sentence and the one before it name beside the number."""
        own = amounts(self.text, self.language)
        beside = [one for one in own if one.end <= self.start or one.start >= self.end]
        return [*beside, *amounts(self.context, self.language)]


def is_derived(
    number: numbers.Number,
    text: str,
    before: str,
    language: str,
    sentences: Sequence[str],
    year: int | None = None,
) -> bool:
    """Whether a number of a text is reckoned from those of a source. `before` is the sentence that
    stands before the text in the article, `language` that of both. `sentences` are the source's,
    and `year` is when it was written.
    """
    values = tuple(_values(number))
    if not packs.is_known(language) or not values:
        return False
    written = [Amount(Fraction(year))] if year else []
    claim = Claim(normal(text), normal(before), language, normal(number.shown).rstrip("%"), values)
    single = [normal(one) for one in sentences]
    passages = (
        " ".join(single[i : i + count])
        for count in range(1, _LONGEST + 1)
        for i in range(max(len(single) - count, 0) + 1)
    )
    return any(_gives(one, claim, written) for one in passages)


def amounts(text: str, language: str) -> tuple[Amount, ...]:
    """The numbers of a text that has gone through `normal`, and the years of its dates."""
    return _amounts(text, language)


@lru_cache(maxsize=20_000)
def _amounts(text: str, language: str) -> tuple[Amount, ...]:
    found = [
        Amount(value, unit, one.start, one.end)
        for one in numbers.quantities(text, language)
        for value in one.values
        for unit in one.units or ("",)
    ]
    taken = {position for one in found for position in range(one.start, one.end)}
    found += [
        Amount(Fraction(match[0]), "", *match.span())
        for match in _YEAR.finditer(text)
        if match.start() not in taken
    ]
    return tuple(found)


@lru_cache(maxsize=20_000)
def periods(text: str, language: str) -> frozenset[str]:
    """The times per which something is said: `a week`, `weekly` → `wk`."""
    found = {
        unit
        for unit, name in zip(
            ("h", "d", "wk", "mo", "yr"),
            ("hourly", "daily", "weekly", "monthly", "yearly"),
            strict=True,
        )
        if _has(text, language, name)
    }
    found |= {
        unit
        for match in _per(language).finditer(text)
        if (word := measures.unit_pattern().match(text, match.end()))
        and (unit := measures.unit_of(word)) in _TIMES
    }
    return frozenset(found)


def _gives(passage: str, claim: Claim, written: Sequence[Amount]) -> bool:
    """Whether the numbers of a passage give the number of a sentence."""
    there = [one for one in (*amounts(passage, claim.language), *written) if one.value]
    kinds = list({(one.value, one.unit): one for one in there}.values())
    if len(kinds) > _MOST:
        return False
    targets = [Amount(value, unit) for value, unit in claim.values]
    tells = _tells_of(claim, passage)
    return any(
        rule(target, kinds, claim, passage, tells) for target in targets for rule in _RULES
    ) or _is_duration(claim, passage)


def _tells_of(claim: Claim, passage: str) -> bool:
    words = content_words(claim.text, claim.language)
    common = words & content_words(passage, claim.language)
    return len(common) >= 2 and len(common) >= _NEAR * len(words)


def _is_named(
    operands: Iterable[Amount], target: Amount, claim: Claim, tells: bool = False
) -> bool:
    """Whether the sentence speaks of these numbers: it names one of them, or tells what the passage
    tells.
    """
    named = [one for one in claim.named() if one.value != target.value]
    return tells or any(
        one.value == other.value and one.measures_like(other) for one in operands for other in named
    )


def _is_named_here(operands: Sequence[Amount], target: Amount, claim: Claim) -> bool:
    """Whether the sentence itself names one of these numbers, or the one before it all."""
    alone = replace(claim, context="")
    return _is_named(operands, target, alone) or _names_all(operands, claim)


def _neighbours(there: Sequence[Amount], count: int = 2) -> Iterator[tuple[Amount, ...]]:
    """Numbers that follow one another in a passage, years left out; among all, and among those of
    one unit.
    """
    counted = [one for one in there if not _is_year(one)]
    lists = [
        counted,
        *([o for o in counted if o.unit == unit] for unit in {o.unit for o in counted}),
    ]
    for each in lists:
        yield from (tuple(each[i : i + count]) for i in range(len(each) - count + 1))


def _both_ways(there: Sequence[Amount]) -> Iterator[tuple[Amount, Amount]]:
    for a, b in _neighbours(there):
        yield from ((a, b), (b, a))


def _names_all(operands: Iterable[Amount], claim: Claim) -> bool:
    named = claim.named()
    return all(any(one.value == other.value for other in named) for one in operands)


def _rounded(target: Amount, exact: Fraction, claim: Claim, *, always: bool = False) -> bool:
    """Whether a number is this one, or a rounding of it that the sentence calls so."""
    if target.value == exact:
        return True
    hedge = claim.hedge()
    is_cut = hedge in ("over", "under")
    if not (hedge or always) or not _is_close(target.value, exact, is_cut=is_cut):
        return False
    return not (
        (hedge == "over" and target.value > exact) or (hedge == "under" and target.value < exact)
    )


def _is_close(shown: Fraction, exact: Fraction, *, is_cut: bool = False) -> bool:
    """Whether a number is another (which is no less than zero) at the digits that it shows, or cut
    there, as `over` says: 1,500,000 is 1,480,000.
    """
    step = Fraction(1)
    if shown.denominator == 1:
        while shown and shown % (step * 10) == 0:
            step *= 10
    else:
        while (shown / step).denominator > 1:
            step /= 10
            if step < Fraction(1, 10**6):
                return False
    away = abs(shown - exact)
    return (
        away < step and away <= CUT * exact
        if is_cut
        else 2 * away <= step and away <= CLOSE * exact
    )


# The rules. Each takes the number, the numbers of a passage, the sentence, the passage, and
# whether both tell of the same.
_Rule = Callable[[Amount, Sequence[Amount], Claim, str, bool], bool]


def rounding(
    target: Amount, there: Sequence[Amount], claim: Claim, passage: str, tells: bool
) -> bool:
    """`Roughly 1.5 million litres` of 1,480,000 litres."""
    return bool(claim.hedge()) and any(
        _rounded(target, one.value, claim)
        and target.measures_like(one)
        and (tells or (one.unit and one.unit == target.unit))
        and not _is_year(one)
        for one in there
    )


def conversion(
    target: Amount, there: Sequence[Amount], claim: Claim, passage: str, tells: bool
) -> bool:
    """`21 days` of three weeks."""
    return any(
        factor is not None and _rounded(target, one.value * factor, claim, always=True)
        for one in there
        for factor in (_factor(one.unit, target.unit),)
        if one.unit != target.unit and (tells or claim.touches(passage))
    )


def difference(
    target: Amount, there: Sequence[Amount], claim: Claim, passage: str, tells: bool
) -> bool:
    """`8,300 fewer` of 9,000 and 700."""
    return any(
        _rounded(target, abs(a.value - b.value), claim)
        and target.unit in ("", a.unit, b.unit)
        and _is_named((a, b), target, claim, tells)
        and (claim.says("difference") or _is_rest((a, b), claim))
        for a, b in _neighbours(there)
        if a.unit == b.unit or (a.measures_like(b) and "%" not in (a.unit, b.unit))
    )


def _is_rest(operands: Sequence[Amount], claim: Claim) -> bool:
    return _names_all(operands, claim) and claim.says("part", "so")


def total(target: Amount, there: Sequence[Amount], claim: Claim, passage: str, tells: bool) -> bool:
    """`30 in all` of 18 and 12."""
    return claim.says("sum") and any(
        _rounded(target, sum((one.value for one in operands), Fraction(0)), claim)
        and {one.unit for one in operands} <= {operands[0].unit}
        and target.unit in ("", operands[0].unit)
        and _is_named(operands, target, claim, tells)
        and (_names_all(operands, claim) or min(one.value for one in operands) >= _FEW)
        for operands in (*_neighbours(there), *_neighbours(there, 3))
    )


def rate(target: Amount, there: Sequence[Amount], claim: Claim, passage: str, tells: bool) -> bool:
    """`14 minutes a week` of two minutes a day; `1,500 a month` of 18,000 in a year."""
    ours = claim.periods()
    theirs = periods(passage, claim.language) | _time_words(passage)
    factors = [factor for mine in ours for other in theirs for factor in _times(other, mine)]
    return any(
        _rounded(target, one.value * factor, claim)
        and target.unit in ("", one.unit)
        and not _is_year(one)
        and _is_named([one], target, claim, tells)
        for one in there
        for factor in factors
    )


def quotient(
    target: Amount, there: Sequence[Amount], claim: Claim, passage: str, tells: bool
) -> bool:
    """`12 classes` of 24 beds with two each; `15,000 a month` of 45,000 in three months; and the
    product: `140 places` of four coaches with 35 each.
    """
    if not (claim.says("each") or claim.periods()):
        return False
    return any(
        any(_rounded(target, exact, claim) for exact in (a.value / b.value, a.value * b.value))
        and b.value != 1
        and target.unit in ("", a.unit, b.unit)
        and _is_named_here((a, b), target, claim)
        for a, b in _both_ways(there)
    )


def percentage(
    target: Amount, there: Sequence[Amount], claim: Claim, passage: str, tells: bool
) -> bool:
    """`65 per cent less` of 48 and 17; `38 per cent` of 23 in 60."""
    if target.unit != "%":
        return False
    return any(
        (
            (a.value < b.value and _rounded(target, 100 * a.value / b.value, claim, always=True))
            or (
                claim.says("difference")
                and _rounded(target, 100 * abs(a.value - b.value) / b.value, claim, always=True)
            )
        )
        and a.unit == b.unit
        and _is_named_here((a, b), target, claim)
        for a, b in _both_ways(there)
    )


def share(target: Amount, there: Sequence[Amount], claim: Claim, passage: str, tells: bool) -> bool:
    """`Half of` 60 where a source has 30 of them; `a third of`."""
    return 0 < target.value < 1 and any(
        (a.value / b.value == target.value or _is_about_share(target, a.value / b.value, claim))
        and a.unit == b.unit
        and _is_named_here((a, b), target, claim)
        for a, b in _both_ways(there)
    )


def _is_about_share(target: Amount, exact: Fraction, claim: Claim) -> bool:
    return bool(claim.hedge()) and abs(target.value - exact) <= CLOSE * exact


def years(target: Amount, there: Sequence[Amount], claim: Claim, passage: str, tells: bool) -> bool:
    """`16 years` of 2009 and 2025; an age, which may be one less."""
    is_age = claim.says("age")
    if target.unit != "yr" and not (is_age or claim.says("difference")):
        return False
    spans = (
        (abs(a.value - b.value), (a, b))
        for a, b in combinations(there, 2)
        if _is_year(a) and _is_year(b)
    )
    return target.unit in ("", "yr") and any(
        (_rounded(target, span, claim) or (is_age and target.value == span - 1))
        and _is_named(operands, target, claim, tells)
        for span, operands in spans
    )


def days(target: Amount, there: Sequence[Amount], claim: Claim, passage: str, tells: bool) -> bool:
    """`Five days a week` of `Wednesday to Sunday`."""
    named = dates.weekdays(passage, claim.language)
    ours = dates.weekdays(claim.text, claim.language)
    return (
        target.unit in ("", "d")
        and target.value == len(named)
        and (ours == named or (tells and "wk" in claim.periods()))
    )


_RULES: tuple[_Rule, ...] = (
    *(rounding, conversion, difference, total, rate),
    *(quotient, percentage, share, years, days),
)


def _is_duration(claim: Claim, passage: str) -> bool:
    """`Nine hours and 35 minutes` between 22:10 and 07:45."""
    times = [60 * int(match[1]) + int(match[2]) for match in _TIME.finditer(passage)]
    spans = {(b - a) % _DAY for a, b in permutations(times, 2)}
    return any(
        (length == span or (claim.hedge() and _is_close(length, Fraction(span))))
        for length, start, end in _lengths(claim)
        if start <= claim.start < end
        for span in spans
        if span
    )


def _lengths(claim: Claim) -> Iterator[tuple[Fraction, int, int]]:
    """The lengths of time that a sentence says, in minutes; hours and minutes together too."""
    each = [one for one in amounts(claim.text, claim.language) if one.unit in ("h", "min")]
    for one in each:
        yield one.value * (60 if one.unit == "h" else 1), one.start, one.end
    for one, other in pairwise(each):
        if (one.unit, other.unit) == ("h", "min") and other.start - one.end <= 5:
            yield 60 * one.value + other.value, one.start, other.end


def _values(number: numbers.Number) -> Iterator[tuple[Fraction, str]]:
    """The values of a number with their units, from its readings."""
    for reading in sorted(number.values):
        value, _, unit = reading.partition(" ")
        is_read = re.fullmatch(r"-?\d+(?:/\d+)?", value) and not unit.endswith("alone")
        if is_read and unit != "bare":
            yield Fraction(value), unit


def _factor(unit: str, other: str) -> Fraction | None:
    """How many of the other a unit is; None where they measure different things."""
    for sizes in _SIZES:
        if unit in sizes and other in sizes:
            return Fraction(sizes[unit]) / Fraction(sizes[other])
    return None


def _times(small: str, large: str) -> Iterator[Fraction]:
    """By how much something of one time is multiplied for another."""
    yield from map(Fraction, _IN_PERIOD.get((small, large), ()))
    yield from (1 / Fraction(count) for count in _IN_PERIOD.get((large, small), ()))


@lru_cache(maxsize=20_000)
def _time_words(text: str) -> frozenset[str]:
    """The times of which a text speaks: `in its first year`."""
    words = (measures.unit_pattern().fullmatch(word) for word in re.findall(r"[^\W\d_]{2,}", text))
    return frozenset(unit for word in words if word and (unit := measures.unit_of(word)) in _TIMES)


def _is_year(one: Amount) -> bool:
    return not one.unit and one.value.denominator == 1 and 1500 <= one.value < 2100


def _has(text: str, language: str, name: str) -> bool:
    pattern = packs.pattern(language, SECTION, name)
    return bool(pattern and pattern.search(text))


def _without_end(text: str, language: str, name: str) -> str:
    """A text without the word of a list that it ends with."""
    pattern = packs.pattern(language, SECTION, name)
    ends = (
        (m.start() for m in pattern.finditer(text) if not text[m.end() :].strip())
        if pattern
        else ()
    )
    return text[: next(iter(ends), len(text))]


def ends_with(text: str, language: str, name: str) -> bool:
    """Whether a text ends with a word of a list."""
    pattern = packs.pattern(language, SECTION, name)
    return bool(pattern and any(not text[m.end() :].strip() for m in pattern.finditer(text)))


@cache
def _per(language: str) -> re.Pattern[str]:
    """A word for `per`, before a time."""
    listed = sorted(packs.words(language, SECTION, "per"), key=len, reverse=True)
    words = (re.escape(word) + ("" if word.endswith("'") else " ") for word in listed)
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})|/ ?", re.I)
