"""Figures, written in any way: the same value is supported, another one never is, and no text breaks the reading."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from contentstudio.gates import numbers

LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pt", "sv", "ja", "xx"]
SCALES = {
    "en": [("", 1), ("thousand", 10**3), ("million", 10**6), ("billion", 10**9), ("trillion", 10**12)],
    "de": [("", 1), ("Tausend", 10**3), ("Millionen", 10**6), ("Milliarden", 10**9), ("Billionen", 10**12)],
    "fr": [("", 1), ("mille", 10**3), ("millions", 10**6), ("milliards", 10**9)],
    "es": [("", 1), ("mil", 10**3), ("millones", 10**6), ("mil millones", 10**9), ("billones", 10**12)],
    "it": [("", 1), ("mila", 10**3), ("milioni", 10**6), ("miliardi", 10**9)],
    "nl": [("", 1), ("duizend", 10**3), ("miljoen", 10**6), ("miljard", 10**9), ("biljoen", 10**12)],
    "pt": [("", 1), ("mil", 10**3), ("milhões", 10**6), ("bilhões", 10**9), ("trilhões", 10**12)],
}
UNITS = {
    "": [""],
    "%": [" %", "%", "\u202f%"],
    "km": [" km", "\u00a0km", "km"],
    "mi": [" mi"],
    "kg": [" kg", "kg"],
    "°C": [" °C", "°C", " ℃"],
    "°F": [" °F", "°F"],
    "$": ["$", " $"],
    "€": [" €", "€", " euro"],
    "£": [" £", "£", " GBP"],
    "GB": [" GB", "GB"],
}
BLANKS = [" ", "\u00a0", "\u202f", "\u2009"]


def decimals(language: str) -> tuple[str, list[str]]:
    return (".", [",", "'", *BLANKS]) if language in ("en", "ja") else (",", [".", "'", *BLANKS])


@st.composite
def figures(draw: st.DrawFn) -> tuple[str, Decimal, str]:
    """A language, a value and a unit."""
    language = draw(st.sampled_from(sorted(SCALES)))
    value = Decimal(draw(st.integers(1, 10**9))) / 10 ** draw(st.integers(0, 2))
    return language, value * draw(st.sampled_from([1, -1])), draw(st.sampled_from(sorted(UNITS)))


@st.composite
def written(draw: st.DrawFn, language: str, value: Decimal, unit: str) -> str:
    """One legal way to write a value of a unit."""
    scales = SCALES[language] if unit not in ("km", "mi", "kg", "°C", "°F", "GB", "%") else [("", 1)]
    word, scale = draw(st.sampled_from(scales))
    amount = abs(value) / scale
    mark, groups = decimals(language)
    whole, _, part = format(amount.normalize(), "f").partition(".")
    if draw(st.booleans()):
        grouped = f"{int(whole):,}"
        whole = grouped.replace(",", draw(st.sampled_from(groups)))
    zeros = "0" * draw(st.integers(0, 1)) if part else ""
    sign = draw(st.sampled_from(["-", "\u2212", "\u2013"])) if value < 0 else ""
    figure = f"{sign}{whole}{mark + part + zeros if part else ''}"
    return " ".join([figure, word]).strip() + draw(st.sampled_from(UNITS[unit]))


@st.composite
def two_ways(draw: st.DrawFn) -> tuple[str, str, str]:
    language, value, unit = draw(figures())
    return language, draw(written(language, value, unit)), draw(written(language, value, unit))


@st.composite
def two_values(draw: st.DrawFn) -> tuple[str, str, str]:
    """Two figures that differ in the scale, the sign, the unit or the currency."""
    language, value, unit = draw(figures())
    change = draw(st.sampled_from(["scale", "sign", "unit"]))
    other, measured = value, unit
    if change == "scale":
        other = value * draw(st.sampled_from([10**3, 10**6]))
    elif change == "sign":
        other = -value
    else:
        unit = draw(st.sampled_from(sorted(set(UNITS) - {""})))
        measured = draw(st.sampled_from(sorted(set(UNITS) - {"", unit})))
    return language, draw(written(language, value, unit)), draw(written(language, other, measured))


def supported(claim: str, source: str, language: str) -> bool:
    known = numbers.values(source, language)
    found = numbers.claimed(claim, language)
    assert found, claim
    return all(number.values & known for number in found)


@given(two_ways())
def test_a_figure_is_supported_by_the_same_one_however_both_are_written(case: tuple[str, str, str]) -> None:
    language, source, claim = case
    assert supported(f"({claim})", f"So: {source}.", language)


@given(two_values())
def test_a_figure_of_another_scale_sign_or_unit_is_never_supported(case: tuple[str, str, str]) -> None:
    language, source, claim = case
    assert not supported(f"({claim})", f"So: {source}.", language)


PIECES = [
    *map(str, (0, 1, 2, 5, 10, 31, 2026)),
    *"-/:.,%$€ ",
    "th",
    "M",
    " million",
    " km",
    " °C",
    " below zero",
    "×10^",
]
PIECES += [" to ", " in ", " half of ", " minus ", " April ", "zwanzig ", "vingt ", "twenty ", "seven "]
MARKS = "0123456789١٢３½⅓²⁻.,'- −–/:%‰$€£°CFkKmMbBnxX^()一万億千年月日IVX\n"


@given(
    st.one_of(
        st.text(),
        st.text(alphabet=MARKS),
        st.lists(st.sampled_from(PIECES)).map("".join),
    ),
    st.sampled_from(LANGUAGES),
)
def test_any_text_is_read_and_supports_itself(text: str, language: str) -> None:
    known = numbers.values(text, language)
    for number in numbers.claimed(text, language):
        assert number.values & known, number
