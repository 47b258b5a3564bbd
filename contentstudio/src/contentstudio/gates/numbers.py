"""The numbers of a text, however they are written: `1,500`, `1 500` and `1.5 thousand` are one.

Figures are read in every language. Numbers in words are read in English alone: from thirteen up, and smaller ones where
a measure follows (`four days`, and not `two kinds`, which is an author's own way of counting); so are parts of a whole
(`two thirds of`, `half of`, `nine in ten`). A percentage is another value than its number: who says 40 % of a source's
40 has made it up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

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
_SUFFIXES = {"k": 1_000, "mn": 1_000_000, "bn": 10**9, "tn": 10**12}  # right behind a figure
_PARTS = {part: whole for whole, part in enumerate(listed("third fourth fifth sixth seventh eighth ninth tenth"), 3)}
_PARTS["quarter"] = 4
_WORDS = "|".join(sorted([*_VALUES, *_SCALES], key=len, reverse=True))
_FIRST = "".join(sorted({word[0] for word in [*_VALUES, *_SCALES]}))  # looked for before all the words: a text is long
_SPELLED = re.compile(rf"\b(?=[{_FIRST}])(?:{_WORDS})(?:(?:[ -]|,? and )(?:{_WORDS}))*\b", re.I)
_SCALED = re.compile(rf"\s*-?({'|'.join(_SCALES)})\b|({'|'.join(_SUFFIXES)})\b", re.I)
_PERCENT = re.compile(  # also of the first of two: `40 to 50 percent`
    r"(?:\s*(?:-|to|and|or|bis|und|oder|à|et|ou|y|a|e|o)\s*\d[\d.,]*)?\s*-?"
    r"(?:%|per ?cent\b|prozent\b|pour ?cents?\b|por ?ciento\b|por ?cento\b|per ?cento\b|procent\b)",
    re.I,
)
_PART = re.compile(rf"\b(an?|{'|'.join(_SMALL)})[ -]({'|'.join(_PARTS)})s?\b(?! of an? (?:hour|mile|century))", re.I)
_HALF = re.compile(r"\bhalf\b", re.I)
_OF_EACH = re.compile(
    rf"\b(?=[\d{_FIRST}])(\d+|{_WORDS}) (?:in|out of)(?: every)? (\d+|{_WORDS})\b", re.I
)  # `nine in ten`
_DIGIT = re.compile(r"\d")
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
    for found in _written(separators, decimal).finditer(text) if _DIGIT.search(text) else ():
        plain = _plain(found, decimal)
        scale = _SCALED.match(text, found.end())
        scaled = _scaled(plain, (_SCALES | _SUFFIXES)[(scale[1] or scale[2]).lower()]) if scale else None
        percent = _PERCENT.match(text, found.end())
        meant = f"{plain}%" if percent else scaled or plain
        yield Number(found[0] + ("%" if percent else ""), frozenset({meant} if claims_only else {plain, meant}))


@cache
def _written(separators: str, decimal: str) -> re.Pattern[str]:
    """How figures are written."""
    return re.compile(
        rf"(?<!\d)(\d{{1,3}}(?:[{separators}]\d{{3}})+)(?!\d)(?:[{decimal}](\d+))?|\d+(?:[{decimal}]\d+)*"
    )


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
        is_own_counting = len(words) == 1 and (words[0] in _SMALL or words[0] in ("hundred", "thousand"))
        if claims_only and is_own_counting and (words[0] == "one" or not _MEASURE.match(text, found.end())):
            continue
        if _SCALED.match(text, found.end()) or re.search(r"\d[ -]$", text[: found.start()]):
            continue  # the scale of a figure, which is read with it
        value, percent = str(_value(words)), _PERCENT.match(text, found.end())
        meant = f"{value}%" if percent else value
        yield Number(found[0], frozenset({meant} if claims_only else {value, meant}))
    for found in _PART.finditer(text) if language == "en" else ():
        if not claims_only or text.startswith(" of ", found.end()):
            yield Number(found[0], frozenset({f"{_VALUES.get(found[1].lower(), 1)}/{_PARTS[found[2].lower()]}"}))
    yield from _shares(text, claims_only=claims_only) if language == "en" else ()


def _shares(text: str, *, claims_only: bool) -> Iterator[Number]:
    """`half of` and `nine in ten`, which a source may give in percent. In figures they are claimed as figures."""
    for found in _HALF.finditer(text):
        if not claims_only or text.startswith(" of ", found.end()):
            yield Number(found[0], frozenset({"1/2", "50%"} if claims_only else {"1/2"}))
    for found in _OF_EACH.finditer(text):
        part, whole = (int(word) if word.isdecimal() else _value([word.lower()]) for word in found.groups())
        if 0 < part < whole and not (claims_only and _DIGIT.search(found[0])):
            percent = f"{format(Decimal(100 * part) / whole, 'f')}%"
            yield Number(found[0], frozenset({f"{part}/{whole}", percent} if claims_only else {f"{part}/{whole}"}))


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
