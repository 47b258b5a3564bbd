"""Numbers that others give by arithmetic: what is left, the sum, so many a week. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from contentstudio.text import numbers
from contentstudio.text.numbers import Number, Quantity
from contentstudio.text.wording import normal

# days a week, months and weeks a year, days a month and a year, hours a day, minutes an hour,
# decades and centuries in years
_CALENDAR = tuple(map(Fraction, (7, 12, 52, 30, 365, 24, 60, 10, 100)))


# How many of the second are one of the first.
_IN = {
    **{("dec", "yr"): 10, ("c", "yr"): 100, ("yr", "mo"): 12, ("wk", "d"): 7, ("d", "h"): 24},
    **{("h", "min"): 60, ("min", "s"): 60, ("km", "m"): 1000, ("m", "cm"): 100, ("cm", "mm"): 10},
    **{
        ("t", "kg"): 1000,
        ("kg", "g"): 1000,
        ("l", "ml"): 1000,
        ("l", "cl"): 100,
        ("m^3", "l"): 1000,
    },
}


def unexplained(
    unknown: Sequence[Number], text: str, source: Sequence[Quantity], language: str
) -> list[Number]:
    """Those of the numbers of a sentence that no arithmetic gives. One operand stands in the
    sentence and in its source; the other there too, or is in the source in the same unit, or is of
    the calendar.
    """
    ours = numbers.quantities(normal(text), language)
    told = {value for one in source for value in one.values}
    firm = [one for one in ours if one.values & told]
    return [number for number in unknown if not _is_derived(number, ours, firm, source)]


def _is_derived(
    number: Number, ours: Sequence[Quantity], firm: Sequence[Quantity], source: Sequence[Quantity]
) -> bool:
    meant = [one for one in ours if one not in firm and number.shown.startswith(one.shown[:2])]
    return any(
        value in _results(other, one, source)
        for one in meant
        for value in one.values
        for other in firm
    ) or any(_is_same(one, other) for one in meant for other in source)


def _is_same(one: Quantity, other: Quantity) -> bool:
    """Whether two measure the same in other units: 20 years, two decades."""
    return any(
        (large in larger.units and small in smaller.units)
        and any(value * factor in smaller.values for value in larger.values)
        for (large, small), factor in _IN.items()
        for larger, smaller in ((one, other), (other, one))
    )


def _results(operand: Quantity, result: Quantity, source: Iterable[Quantity]) -> set[Fraction]:
    """What one operand gives with each of the others."""
    others = {
        value
        for one in source
        if one.units == operand.units or one.units == result.units
        for value in one.values
    }
    results: set[Fraction] = set()
    for a in operand.values:
        for b in others:
            results |= {a + b, abs(a - b), a * b}
            results |= {a / b} if b else set()
            results |= {b / a} if a else set()
        for b in _CALENDAR:
            results |= {a * b, a / b}
    return results - set(operand.values)
