"""The numbers of a text, however they are written: `1,500`, `1 500` and `1.5 thousand` are one.

Figures are read in every language. Numbers in words are read in English alone: from thirteen up, and smaller ones where
a measure follows (`four days`, and not `two kinds`, which is an author's own way of counting).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from contentstudio.gates.wording import listed, normal

_DECIMAL_POINT = frozenset({"en", "ja", "zh", "ko", "he", "th", "hi", "ga", "cy"})  # elsewhere a comma
_SMALL = listed("one two three four five six seven eight nine ten eleven twelve")
_TEENS = listed("thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
_TENS = listed("twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 10**9, "trillion": 10**12}
_VALUES = {
    **{word: value for value, word in enumerate([*_SMALL, *_TEENS], 1)},
    **{word: 10 * value for value, word in enumerate(_TENS, 2)},
}
_WORDS = "|".join(sorted([*_VALUES, *_SCALES], key=len, reverse=True))
_SPELLED = re.compile(rf"\b(?:{_WORDS})(?:(?:[ -]|,? and )(?:{_WORDS}))*\b", re.I)
_SCALED = re.compile(rf"\s*-?({'|'.join(_SCALES)})\b", re.I)
_MEASURE = re.compile(
    r"[ -](?:(?:full|whole|more|to|or|and|of|the|per|metric|square|cubic|light|calendar|business|\w+teen|\w+ty) ){0,2}"
    r"(?:seconds?|minutes?|hours?|days?|nights?|weeks?|months?|years?|decades?|centur(?:y|ies)|times|percent|per cent"
    r"|degrees?|(?:milli|centi|kilo)?(?:met(?:re|er)|gram|lit(?:re|er))s?|tons?|tonnes?|inch(?:es)?|f(?:ee|oo)t|yards?"
    r"|miles?|acres?|hectares?|pounds?|ounces?|gallons?|pints?|cups?|teaspoons?|tablespoons?|dollars?|euros?|cents?"
    r"|people|patients|participants|volunteers|watts?|kilowatts?|volts?|calories|kilos?)\b",
    re.I,
)


@dataclass(frozen=True)
class Number:
    """A number as it stands in a text, and every value that it can be read as."""

    shown: str
    values: frozenset[str]


def claimed(text: str, language: str) -> list[Number]:
    """The numbers that a text claims, in reading order for each kind."""
    text = normal(text)
    return [*_figures(text, language, claims_only=True), *_spelled(text, language, claims_only=True)]


def values(text: str, language: str) -> set[str]:
    """Every value that stands in a text, in figures or in words."""
    text = normal(text)
    found = [*_figures(text, language, claims_only=False), *_spelled(text, language, claims_only=False)]
    return {value for number in found for value in number.values}


def _figures(text: str, language: str, *, claims_only: bool) -> Iterator[Number]:
    """`1.5 million` claims 1500000 alone; where it stands in a source, somebody may speak of its 1.5 too."""
    separators, decimal = (" ',", ".") if language in _DECIMAL_POINT else (" '.", ",")
    number = re.compile(
        rf"(?<!\d)(\d{{1,3}}(?:[{separators}]\d{{3}})+)(?!\d)(?:[{decimal}](\d+))?|\d+(?:[{decimal}]\d+)*"
    )
    for found in number.finditer(text):
        plain = _plain(found, decimal)
        scale = _SCALED.match(text, found.end())
        scaled = _scaled(plain, _SCALES[scale[1].lower()]) if scale else None
        yield Number(found[0], frozenset({scaled or plain} if claims_only else {plain, scaled or plain}))


def _plain(number: re.Match[str], decimal: str) -> str:
    if number[1] is None:
        return number[0].replace(decimal, ".")
    digits = re.sub(r"\D", "", number[1])
    return f"{digits}.{number[2]}" if number[2] else digits


def _scaled(plain: str, scale: int) -> str | None:
    if plain.count(".") > 1:
        return None
    value = Decimal(plain) * scale
    return format(value.to_integral_value() if value == value.to_integral_value() else value, "f")


def _spelled(text: str, language: str, *, claims_only: bool) -> Iterator[Number]:
    for found in _SPELLED.finditer(text) if language == "en" else ():
        words = re.findall(r"[a-z]+", found[0].lower())
        is_own_counting = len(words) == 1 and (words[0] in _SMALL or words[0] in _SCALES)
        if claims_only and is_own_counting and (words[0] == "one" or not _MEASURE.match(text, found.end())):
            continue
        if _SCALED.match(text, found.end()) or re.search(r"\d[ -]$", text[: found.start()]):
            continue  # the scale of a figure, which is read with it
        yield Number(found[0], frozenset({str(_value(words))}))


def _value(words: list[str]) -> int:
    """`two hundred and fifty thousand` → 250000."""
    total = current = 0
    for word in words:
        if word in _VALUES:
            current += _VALUES[word]
        elif word == "hundred":
            current = (current or 1) * 100
        elif word in _SCALES:
            total, current = total + (current or 1) * _SCALES[word], 0
    return total + current
