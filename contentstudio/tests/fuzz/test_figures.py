"""Figures, written in any way: the same value is supported, another one never is, and no text
breaks the reading.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from contentstudio.text import numbers

LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pt", "sv", "ja", "xx"]
SCALES = {
    "en": [
        ("", 1),
        ("thousand", 10**3),
        ("million", 10**6),
        ("billion", 10**9),
        ("trillion", 10**12),
    ],
    "de": [
        ("", 1),
        ("Tausend", 10**3),
        ("Millionen", 10**6),
        ("Milliarden", 10**9),
        ("Billionen", 10**12),
    ],
    "fr": [("", 1), ("mille", 10**3), ("millions", 10**6), ("milliards", 10**9)],
    "es": [
        ("", 1),
        ("mil", 10**3),
        ("millones", 10**6),
        ("mil millones", 10**9),
        ("billones", 10**12),
    ],
    "it": [("", 1), ("mila", 10**3), ("milioni", 10**6), ("miliardi", 10**9)],
    "nl": [
        ("", 1),
        ("duizend", 10**3),
        ("miljoen", 10**6),
        ("miljard", 10**9),
        ("biljoen", 10**12),
    ],
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


def written(pick: Random, language: str, value: Decimal, unit: str) -> str:
    """One legal way to write a value of a unit."""
    scales = (
        SCALES[language] if unit not in ("km", "mi", "kg", "°C", "°F", "GB", "%") else [("", 1)]
    )
    word, scale = pick.choice(scales)
    mark, groups = decimals(language)
    whole, _, part = format((abs(value) / scale).normalize(), "f").partition(".")
    if pick.random() < 0.5:
        whole = f"{int(whole):,}".replace(",", pick.choice(groups))
    zeros = "0" * pick.randrange(2) if part else ""
    sign = pick.choice(["-", "\u2212", "\u2013"]) if value < 0 else ""
    figure = f"{sign}{whole}{mark + part + zeros if part else ''}"
    return " ".join([figure, word]).strip() + pick.choice(UNITS[unit])


def two_ways(seed: int, digits: int) -> tuple[str, str, str]:
    """A language, and one figure in two ways to write it."""
    pick = Random(seed)
    language, value, unit = figure(pick, digits)
    return language, written(pick, language, value, unit), written(pick, language, value, unit)


def two_values(seed: int, digits: int) -> tuple[str, str, str]:
    """A language, and two figures that differ in the scale, the sign, the unit or the currency."""
    pick = Random(seed)
    language, value, unit = figure(pick, digits)
    other, measured = value, unit
    match pick.choice(["scale", "sign", "unit"]):
        case "scale":
            other = value * pick.choice([10**3, 10**6])
        case "sign":
            other = -value
        case _:
            unit, measured = pick.sample(sorted(set(UNITS) - {""}), 2)
    return language, written(pick, language, value, unit), written(pick, language, other, measured)


def figure(pick: Random, digits: int) -> tuple[str, Decimal, str]:
    """A language, a value and a unit."""
    value = Decimal(digits) / 10 ** pick.randrange(3) * pick.choice([1, -1])
    return pick.choice(sorted(SCALES)), value, pick.choice(sorted(UNITS))


SEEDS, DIGITS = (
    st.integers(0, 2**32),
    st.integers(1, 10**9),
)  # one draw for all choices: so 10,000 take seconds


def supported(claim: str, source: str, language: str) -> bool:
    known = numbers.values(source, language)
    found = numbers.claimed(claim, language)
    assert found, claim
    return all(number.values & known for number in found)


@given(st.builds(two_ways, SEEDS, DIGITS))
def test_a_figure_is_supported_by_the_same_one_in_any_notation(case: tuple[str, str, str]) -> None:
    language, source, claim = case
    assert supported(f"({claim})", f"So: {source}.", language)


@given(st.builds(two_values, SEEDS, DIGITS))
def test_a_figure_of_another_scale_sign_or_unit_never_supports(case: tuple[str, str, str]) -> None:
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
PIECES += [
    " to ",
    " in ",
    " half of ",
    " minus ",
    " April ",
    "zwanzig ",
    "vingt ",
    "twenty ",
    "seven ",
]
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
