"""The figures of a text, however they are written: `1,500`, `1 500` and `1.5 thousand` are one.

What counts is the value: digits, scale, sign and fraction, what is measured, and the order of a
numeric date. How it is written does not. A figure is turned into *readings*, short texts such as
`1500`, `-5 °C` or `date 2026-04-03`; a claim is supported where one of its readings stands among
those that its source gives.

* A bare figure of a claim is supported by the same value of anything: somebody may speak of a
  source's `40 %` as 40.
* A unit of a claim is supported by the same unit, or by a bare figure: a table says what it
  measures elsewhere.
* A percentage or a currency is supported by itself alone: who says 40 % of a source's 40 has made
  it up.

Numbers in words are read in English and in the languages of `WORDS`. They are claimed from thirteen
up, and smaller ones where a measure follows (`four days`, and not `two kinds`, which is an author's
own way of counting); in English also parts of a whole (`two thirds of`, `half of`, `nine in ten`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cache
from itertools import pairwise

from contentstudio.text import measures
from contentstudio.text.wording import listed, normal

WORDS = frozenset(
    {"de", "es", "fr", "it", "nl", "pt"}
)  # beside English: those that the library knows and we tried
_DECIMAL_POINT = frozenset(
    {"en", "ja", "zh", "ko", "he", "th", "hi", "ga", "cy"}
)  # elsewhere a comma
_SMALL = listed("one two three four five six seven eight nine ten eleven twelve")
_TEENS = listed("thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
_TENS = listed("twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "million": 1_000_000,
    "billion": 10**9,
    "trillion": 10**12,
}
_VALUES = {
    **{word: value for value, word in enumerate([*_SMALL, *_TEENS], 1)},
    **{word: 10 * value for value, word in enumerate(_TENS, 2)},
}
_PARTS = {
    part: whole
    for whole, part in enumerate(listed("third fourth fifth sixth seventh eighth ninth tenth"), 3)
}
_PARTS["quarter"] = 4
_WORDS = "|".join(sorted([*_VALUES, *_SCALES], key=len, reverse=True))
_FIRST = "".join(
    sorted({word[0] for word in [*_VALUES, *_SCALES]})
)  # looked for before all the words: a text is long
_SPELLED = re.compile(rf"\b(?=[{_FIRST}])(?:{_WORDS})(?:(?:[ -]|,? and )(?:{_WORDS}))*\b", re.I)
_PART = re.compile(
    rf"\b(an?|{'|'.join(_SMALL)})[ -]({'|'.join(_PARTS)})s?\b(?! of an? (?:hour|mile|century))",
    re.I,
)
_HALF = re.compile(r"\bhalf\b", re.I)
_BEFORE_SCALE = re.compile(r"\d[ -]?$")
_OF_EACH = re.compile(
    rf"\b(?=[\d{_FIRST}])(\d{{1,6}}|{_WORDS}) (?:in|out of)(?: every)? (\d{{1,6}}|{_WORDS})\b", re.I
)  # `nine in ten`
_DIGIT = re.compile(r"\d")
_MEASURE = re.compile(
    r"[ "
    r"-](?:(?:full|whole|more|to|or|and|of|the|per|metric|square|cubic|light|calendar|"
    r"business|\w+teen|\w+ty) "
    r"){0,2}"
    r"(?:seconds?|minutes?|hours?|days?|nights?|weeks?|months?|years?|decades?|"
    r"centur(?:y|ies)|times|percent|per "
    r"cent"
    r"|degrees?|(?:milli|centi|kilo)?(?:met(?:re|er)|gram|lit(?:re|er))s?|tons?|tonnes?|inch(?:es)?|f(?:ee|oo)t|yards?"
    r"|miles?|acres?|hectares?|pounds?|ounces?|gallons?|pints?|cups?|teaspoons?|tablespoons?|dollars?|euros?|cents?"
    r"|people|patients|participants|volunteers|watts?|kilowatts?|volts?|calories|kilos?)\b",
    re.I,
)

# Before NFKC, which makes `112` of `1½1`, and `102` of `10²`.
_STACKED = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞↉])")
_RAISED = re.compile(r"[⁰¹²³⁴-⁹⁻]+")
_MOST_DIGITS = 60  # of a figure that is read as a number; a longer one is a text

_MONTH = "|".join(sorted(measures.MONTHS, key=len, reverse=True))
_YEAR = r"(?P<year>\d{4})"
_DATES = [
    re.compile(
        r"(?<![\d.,/-])(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)(?:T[\d:.]+Z?)?"
    ),
    re.compile(
        r"(?<!\d)(?P<year>\d{4}) ?[年년] ?(?P<month>\d{1,2}) ?[月월] ?(?P<day>\d{1,2}) ?[日일号]"
    ),
    re.compile(
        rf"(?<![\d.,])(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.|o)? (?:of |de "
        rf")?(?P<name>{_MONTH})\b\.?"
        rf"(?:,? (?:del? )?{_YEAR}(?![\d,.]*\d))?",
        re.I,
    ),
    re.compile(
        rf"\b(?P<name>{_MONTH})\b\.? (?:the "
        rf")?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\d.,:]*\d)(?:,? {_YEAR}(?!\d))?",
        re.I,
    ),
]
_NUMERIC_DATE = re.compile(
    r"(?<![\d.,/-])(?P<first>\d{1,2})(?P<mark>[/.-]) ?(?P<second>\d{1,2})(?P=mark) "
    r"?(?P<year>\d{4}|\d\d)"
    r"(?![\d/-]|[.,]\d)"
)
_TIME = re.compile(
    r"(?<![\d.,:])(?P<hour>[01]?\d|2[0-4])(?::(?P<minute>[0-5]\d)(?::[0-5]\d)?| "
    r"?(?:h|Uhr) ?(?P<late>[0-5]\d))(?![\d:])"
    r"(?: ?(?P<half>[ap])\.?m\b\.?)?",
    re.I,
)
_DOTTED = re.compile(
    r"(?<![\d.])\d+(?:\.\d+){2,}(?!\.?\d)"
)  # versions, addresses: texts of their own
_FRACTION = (
    r"(?<![\d.,/])(?:(?P<units>\d{1,4})[ "
    r"-])?(?P<over>\d{1,2})[/⁄](?P<under>[2-9]|1[0-26]|20|25|32|50|64|100)"
    r"(?![\d/]|[.,]\d)|"
)
_POWER = re.compile(r" ?[x×*·] ?10\^(?P<power>-?\d{1,2})")
_EXPONENT = re.compile(r"\^-?\d+")
_LETTER = re.compile(r"([MB])\b")
_LETTER_OF_MONEY = re.compile(r" ?([mbt])\b", re.I)
_LETTERS = {"m": 10**6, "b": 10**9, "t": 10**12}
_BESIDE = 40  # characters before a figure that are looked at
_FURTHER = re.compile(rf"(\d{{1,4}})({'|'.join(measures.IDEOGRAPHS)}|)(?![\d.,])")
_NAMED = re.compile(r"\b[A-Z][\w+#-]* $")  # `Python 3.10` is no `Python 3.1`
_ROMAN = re.compile(r"\b(?=[IVX]{2,}\b)X{0,3}(?:IX|IV|V?I{0,3})(?<=[IVX])\b")
_NUMBERED = re.compile(r"\b[A-Z]\w+ $")
# `au moins 6` is no minus.
_LEAST = (
    r"(?<!\bau )(?<!\bal )(?<!\blo )(?<!\bpelo )(?<!\bao )(?<!\bdu )(?<!\bo )(?<!\bou )(?<!\bplus )"
)
_SIGN = re.compile(
    rf"(?:(?:^|(?<=[\s(\[{{:;=<>~/,]))(?<!\d )-|{_LEAST}\b(?:{measures.MINUS}) )$", re.I
)
_BELOW = re.compile(rf"[^.;,]{{0,14}}? ?(?:{measures.BELOW_ZERO})", re.I)
_LINK = re.compile(rf" ?-?(?:-|(?<= )(?:{measures.LINKS})(?= ) ) ?|[〜~]|から", re.I)


@dataclass(frozen=True)
class Number:
    """A number as it stands in a text, and every reading that supports it or, of a source, that it
    gives.
    """

    shown: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure with what stands beside it. `values` are what it may be, `units` what it may
    measure.
    """

    start: int
    end: int
    shown: str
    values: tuple[Fraction, ...]
    units: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    scale: int = 1


def claimed(text: str, language: str) -> list[Number]:
    """The numbers that a text claims, in reading order for each kind."""
    return _numbers(text, language, claims_only=True)


def values(text: str, language: str) -> set[str]:
    """Every reading that a text gives, of figures or of words."""
    return {
        value for number in _numbers(text, language, claims_only=False) for value in number.values
    }


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number at `text[start:end]` of a `normal` text, its unit within. `values` are what it may
    be; `units` is empty where things are counted: what follows tells which.
    """

    start: int
    end: int
    shown: str
    values: frozenset[Fraction]
    units: tuple[str, ...]

    @property
    def is_year(self) -> bool:
        """Whether it looks like the year of a date."""
        years = any(1500 <= value < 2100 for value in self.values)
        return years and not self.units and len(self.shown) == 4


def quantities(text: str, language: str) -> list[Quantity]:
    """The numbers of a text that has gone through `normal`, in reading order, small ones in words
    too; without dates, times and versions, which count nothing, and without the word for one,
    which is an article.
    """
    rest = text
    for pattern, read in _READERS:
        found = [match.span() for match in pattern.finditer(rest) if read(match, language, False)]
        for start, end in found:
            rest = f"{rest[:start]}{'_' * (end - start)}{rest[end:]}"
    plain = _together(rest, list(_plain(rest, language))) if _DIGIT.search(rest) else []
    figures = [*plain, *(figure for figure, _ in _in_words_all(rest, language))]
    return sorted(
        (
            Quantity(
                one.start, one.end, text[one.start : one.end], frozenset(one.values), one.units
            )
            for one in figures
            if one.values and not one.texts and not (set(one.values) == {1} and one.shown.isalpha())
        ),
        key=lambda one: one.start,
    )


def _numbers(text: str, language: str, *, claims_only: bool) -> list[Number]:
    text = normal(_RAISED.sub(_caret, _STACKED.sub(" ", text)))
    figures = list(_figures(text, language, claims_only=claims_only)) if _DIGIT.search(text) else []
    return [
        *figures,
        *_roman(text, claims_only=claims_only),
        *_spelled(text, language, claims_only=claims_only),
    ]


def _caret(raised: re.Match[str]) -> str:
    """What is raised, on the line: `m²` as `m^2`."""
    return "^" + unicodedata.normalize("NFKC", raised[0]).replace("\u2212", "-")


def _figures(text: str, language: str, *, claims_only: bool) -> Iterator[Number]:
    text = (
        re.sub(r"[^\W_]", lambda c: str(unicodedata.decimal(c[0], c[0])), text)
        if not text.isascii()
        else text
    )
    result: list[Number] = []
    rest = text
    for pattern, read in _READERS:
        for match in pattern.finditer(rest):
            if numbers := read(match, language, claims_only):
                result += numbers
                rest = f"{rest[: match.start()]}{'_' * len(match[0])}{rest[match.end() :]}"
    yield from result
    for figure in _together(rest, list(_plain(rest, language))):
        yield Number(figure.shown, frozenset(_claim(figure) if claims_only else _given(figure)))


def _claim(figure: _Figure) -> Iterator[str]:
    """The readings that support a figure."""
    for text in figure.texts:
        yield f"text {text}"
    for value in () if figure.texts else figure.values:
        for unit in figure.units:
            yield f"{value} {unit}"
            if not _is_strict(unit):
                yield f"{value} bare"
            elif unit != measures.family(unit):
                yield f"{value} {measures.family(unit)} alone"
        if not figure.units:
            yield str(value)


def _given(figure: _Figure) -> Iterator[str]:
    """The readings that a figure of a source gives."""
    for text in figure.texts:
        yield f"text {text}"
    for value in figure.values:
        yield str(value)
        for unit in figure.units:
            yield from (f"{value} {unit}", f"{value} {measures.family(unit)}")
            if unit == measures.family(unit):
                yield f"{value} {unit} alone"
        if not figure.units:
            yield f"{value} bare"


def _is_strict(unit: str) -> bool:
    return unit in ("%", "‰", "pp") or measures.is_currency(unit)


def _plain(text: str, language: str) -> Iterator[_Figure]:
    """Every figure of the text with its own scale, sign and unit."""
    separators, decimal = (" ',", ".") if language in _DECIMAL_POINT else (" '.", ",")
    end = 0
    for match in _written(separators, decimal).finditer(text):
        if match.start() < end or (match.start() and text[match.start() - 1] == "^"):
            continue
        value = _value_of(match, decimal)
        if value is None:
            yield _Figure(match.start(), match.end(), match[0], (), texts=(match[0],))
            continue
        figure = _measured(text, match, value, language, decimal)
        end = figure.end
        yield figure


@cache
def _written(separators: str, decimal: str) -> re.Pattern[str]:
    """How figures are written. Where both marks stand in one, the last one is the decimal, whatever
    the language.
    """
    return re.compile(
        _FRACTION + rf"(?<!\d)(?P<grouped>\d{{1,3}}(?:(?P<by>[{separators}])\d{{3}})"
        r"(?:(?P=by)\d{3})*)(?!\d)"
        rf"(?:[{decimal}](?P<part>\d+)(?![\d]))?"
        r"|(?<!\d)(?P<us>\d{1,3}(?:,\d{3})+)\.(?P<uspart>\d+)|(?<!\d)(?P<eu>\d{1,3}(?:\.\d{3})+),(?P<eupart>\d+)"
        r"|(?<!\d)(?P<lakh>\d{1,2}(?:,\d{2})+,\d{3})(?!\d)"
        rf"|\d+(?:[.,]\d{{3}}){{2,}}(?!\d)|\d+(?:[{decimal}]\d+|\.\d{{1,2}}(?!\d))?"
    )


def _value_of(match: re.Match[str], decimal: str) -> Fraction | None:
    """What is written; None for more digits than a number has, and for `24/7`."""
    if len(match[0]) > _MOST_DIGITS:
        return None
    if match["under"]:
        over, under = int(match["over"]), int(match["under"])
        return Fraction(over, under) + int(match["units"] or 0) if over < under else None
    whole = match["grouped"] or match["us"] or match["eu"] or match["lakh"]
    if whole is not None:
        part = match["part"] or match["uspart"] or match["eupart"]
        digits = re.sub(r"\D", "", whole)
        return Fraction(f"{digits}.{part}" if part else digits)
    if len(re.findall(r"[.,]", match[0])) > 1:
        return Fraction(re.sub(r"\D", "", match[0]))
    return Fraction(match[0].replace(",", "."))


def _measured(
    text: str, match: re.Match[str], value: Fraction, language: str, decimal: str
) -> _Figure:
    """A figure with its sign, its scale and its unit."""
    start, end = match.span()
    before = text[max(0, start - _BESIDE) : start]
    if prefix := measures.prefix_pattern().search(before):
        before, start = before[: prefix.start()], start - len(prefix[0])
    options, scale, end = _scaled(text, end, value, language, paid=prefix is not None)
    unit = measures.unit_pattern().match(text, end)
    units = (
        (measures.CURRENCY_SIGNS[prefix["sign"]],)
        if prefix
        else _units(measures.unit_of(unit))
        if unit
        else ()
    )
    end = unit.end() if unit else end
    if _SIGN.search(before) or (prefix and prefix[0].endswith("-")) or _BELOW.match(text, end):
        options = tuple(-one for one in options)
    named = scale == 1 and not units and decimal == "." and "." in match[0] and not match["grouped"]
    texts = (match[0],) if named and _NAMED.search(before) else ()
    return _Figure(
        start, end, match[0] + ("%" if "%" in units else ""), options, units, texts, scale
    )


def _scaled(
    text: str, end: int, value: Fraction, language: str, *, paid: bool
) -> tuple[tuple[Fraction, ...], int, int]:
    """What a figure may be by the scale behind it, the scale, and where that ends. `paid`: a
    currency is before it.
    """
    if power := _POWER.match(text, end):
        value, end = value * Fraction(10) ** int(power["power"]), power.end()
    scale, after = _scale_at(text, end, language)
    if scale > 1:
        more, after = _rest(text, after)
        return (value * scale + more,), scale, after
    if letter := (_LETTER_OF_MONEY if paid else _LETTER).match(text, end):
        scale = _LETTERS[letter[1].lower()]
        return (value * scale,), scale, letter.end()
    if raised := _EXPONENT.match(text, end):
        return (value,), 1, raised.end()
    if text.startswith("m", end) and not text[end + 1 : end + 2].isalnum():
        return (value, value * 10**6), 1, end  # metres, or millions as some newspapers write them
    return (value,), 1, end


def _units(unit: str) -> tuple[str, ...]:
    """Pounds are weighed and paid."""
    return ("lb", "£") if unit == "lb" else (unit,)


def _scale_at(text: str, end: int, language: str) -> tuple[int, int]:
    """All scales that follow a figure, such as `hundred thousand`, multiplied; and
    where they end.
    """
    scale = 1
    while True:
        sign = next((one for one in measures.IDEOGRAPHS if text.startswith(one, end)), None)
        if sign:
            scale, end = scale * measures.IDEOGRAPHS[sign], end + len(sign)
        elif match := measures.scale_pattern(language).match(text, end):
            scale, end = scale * measures.scale_value(language, match), match.end()
        else:
            return scale, end


def _rest(text: str, end: int) -> tuple[int, int]:
    """What follows of a figure like `1億2000万`, whose parts are added; and where it ends."""
    total = 0
    while (match := _FURTHER.match(text, end)) and end and text[end - 1] in measures.IDEOGRAPHS:
        total, end = total + int(match[1]) * measures.IDEOGRAPHS.get(match[2], 1), match.end()
    return total, end


def _together(text: str, figures: Sequence[_Figure]) -> list[_Figure]:
    """Figures that share what one of them says: `3 to 5 million`, `$40-50`, `40 or 50 percent`."""
    numbers = list(figures)
    linked = [
        _LINK.fullmatch(text, one.end, other.start) is not None for one, other in pairwise(numbers)
    ]
    for here in reversed(range(len(numbers) - 1)):
        if linked[here]:
            numbers[here] = _sharing(numbers[here], numbers[here + 1])
    for here in range(len(numbers) - 1):
        one, other = numbers[here], numbers[here + 1]
        if linked[here] and not other.units and any(map(measures.is_currency, one.units)):
            numbers[here + 1] = replace(other, units=one.units)
    return numbers


def _sharing(one: _Figure, other: _Figure) -> _Figure:
    """The first of two with the unit and the scale of the second, where it has none. It may mean
    its own too.
    """
    if (
        one.texts
        or (one.units and other.units and one.units != other.units)
        or _is_year(one) != _is_year(other)
    ):
        return one
    scaled = (
        tuple(value * other.scale for value in one.values) if one.scale == 1 < other.scale else ()
    )
    units = one.units or other.units
    shown = one.shown + ("%" if "%" in units and not one.units else "")
    return replace(one, values=(*one.values, *scaled), units=units, shown=shown)


def _is_year(figure: _Figure) -> bool:
    return (
        len(figure.shown) == 4
        and not figure.units
        and any(1500 <= value < 2100 for value in figure.values)
    )


def _full_date(match: re.Match[str], language: str, claims_only: bool) -> list[Number]:
    """A date whose month is known: `3 April 2026`, `April 3`, `2026-04-03`."""
    name = match.groupdict().get("name")
    month = measures.MONTHS[name.lower()] if name else int(match["month"])
    day, year = int(match["day"]), match["year"]
    if not _is_date(int(year or 2000), month, day) or (
        name and name[0].islower() and language in ("en", "de")
    ):
        return []
    in_year = f"{month:02}-{day:02}"
    if claims_only and year:
        readings = [f"date {year}-{in_year}", f"read {year}-{in_year}", f"day {in_year}"]
        return [Number(match[0], frozenset(readings)), Number(year, frozenset([year]))]
    if claims_only:
        return [Number(match[0], frozenset([f"any {in_year}", f"day {in_year}"]))]
    figures = [f"date {year}-{in_year}", year] if year else [f"day {in_year}"]
    return [Number(match[0], frozenset([*figures, f"any {in_year}", str(day), f"{day} bare"]))]


def _numeric_date(match: re.Match[str], language: str, claims_only: bool) -> list[Number]:
    """A date of figures alone, whose order counts: in English either of two may be the month."""
    first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
    year += (2000 if year < 70 else 1900) if year < 100 else 0
    orders = [(second, first)] + ([(first, second)] if language == "en" else [])
    days = [f"{year}-{month:02}-{day:02}" for month, day in orders if _is_date(year, month, day)]
    text = f"date {first}/{second}/{year}"
    if not days:
        return []
    if claims_only:
        return [Number(match[0], frozenset([text, *(f"date {day}" for day in days)]))]
    read = [reading for day in days for reading in (f"read {day}", f"any {day[5:]}")]
    return [Number(match[0], frozenset([text, *read, str(first), str(second), str(year)]))]


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        return bool(date(year, month, day))
    except ValueError:
        return False


def _time(match: re.Match[str], language: str, claims_only: bool) -> list[Number]:
    """The time of a day. `3:45` alone may be one of the afternoon; `3:45 am` is none."""
    hour, minute, half = int(match["hour"]), int(match["minute"] or match["late"]), match["half"]
    of_day = hour if half is None else hour % 12 + (12 if half.lower() == "p" else 0)
    exact, shown = f"time {of_day}:{minute:02}", f"clock {hour}:{minute:02}"
    if claims_only:
        return [Number(match[0], frozenset([exact] if half else [exact, shown]))]
    return [Number(match[0], frozenset([exact, shown, str(hour), str(minute)]))]


def _dotted(match: re.Match[str], language: str, claims_only: bool) -> list[Number]:
    """A version or an address, which is no number; a million with points is one."""
    grouped = re.fullmatch(r"\d{1,3}(?:\.\d{3})+", match[0])
    return [] if grouped else [Number(match[0], frozenset([f"text {match[0]}"]))]


_READERS = [
    *((pattern, _full_date) for pattern in _DATES),
    (_NUMERIC_DATE, _numeric_date),
    (_TIME, _time),
    (_DOTTED, _dotted),
]


def _roman(text: str, *, claims_only: bool) -> Iterator[Number]:
    """`Chapter IV`. Those that stand for less than 40 alone: others are words too often."""
    for match in _ROMAN.finditer(text):
        if not claims_only or _NUMBERED.search(text[: match.start()][-40:]):
            digits = [{"I": 1, "V": 5, "X": 10}[letter] for letter in match[0]]
            value = sum(
                -one if one < following else one
                for one, following in zip(digits, [*digits[1:], 0], strict=True)
            )
            yield Number(match[0], frozenset({str(value)}))


def _spelled(text: str, language: str, *, claims_only: bool) -> Iterator[Number]:
    """Numbers in words."""
    for figure, is_own_counting in _in_words_all(text, language):
        if not (claims_only and is_own_counting):
            values = _claim(figure) if claims_only else _given(figure)
            yield Number(figure.shown, frozenset(values))
    if language != "en":
        return
    for match in _PART.finditer(text):
        if not claims_only or text.startswith(" of ", match.end()):
            part = Fraction(_VALUES.get(match[1].lower(), 1), _PARTS[match[2].lower()])
            yield Number(match[0], frozenset({str(part)}))
    yield from _shares(text, claims_only=claims_only)


def _in_words_all(text: str, language: str) -> Iterator[tuple[_Figure, bool]]:
    """Numbers in words, each with whether it may be an author's own way of counting."""
    if language in WORDS:
        yield from _in_words_elsewhere(text, language)
    elif language == "en":
        yield from _in_english(text)


def _in_english(text: str) -> Iterator[tuple[_Figure, bool]]:
    for match in _SPELLED.finditer(text):
        words = re.findall(r"[a-z]+", match[0].lower())
        if words[0] in _SCALES and _BEFORE_SCALE.search(text[: match.start()][-_MOST_DIGITS:]):
            continue  # the scale of a figure, which is read with it
        is_small = len(words) == 1 and (words[0] in _SMALL or words[0] in ("hundred", "thousand"))
        is_measured = words[0] != "one" and _MEASURE.match(text, match.end())
        figure = _in_words(text, match.start(), match.end(), Fraction(_value(words)))
        yield figure, is_small and not is_measured


def _in_words(text: str, start: int, end: int, value: Fraction) -> _Figure:
    """A number in words, with the sign before it and the unit behind it."""
    unit = measures.unit_pattern().match(text, end)
    if _SIGN.search(text[:start][-24:]) or _BELOW.match(text, unit.end() if unit else end):
        value = -value
    units = _units(measures.unit_of(unit)) if unit else ()
    return _Figure(start, unit.end() if unit else end, text[start:end], (value,), units)


def _in_words_elsewhere(text: str, language: str) -> Iterator[tuple[_Figure, bool]]:
    """Numbers in the words of other languages, by a library that knows them."""
    from text_to_num import find_numbers

    tokens = [_Token(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text)]
    for match in find_numbers(tokens, language, 0):
        words = tokens[match.start : match.end]
        start, end = words[0].start, words[-1].end
        if _DIGIT.search(text[start:end]) or re.search(r"\d[ -]?$", text[:start][-2:]):
            continue
        value = Fraction(str(match.value))
        is_round = len(words) == 1 and value in (100, 1_000, 10**6, 10**9)
        figure = _in_words(text, start, end, value)
        is_measured = value != 1 and bool(figure.units) and match.text.isdecimal()
        yield figure, is_round or (value < 13 and not is_measured)


@dataclass(frozen=True, slots=True)
class _Token:
    """A word of a text as the library wants it."""

    word: str
    start: int
    end: int

    def text(self) -> str:
        return self.word

    def nt_separated(self, previous: object) -> bool:
        return False

    def not_a_number_part(self) -> bool:
        return not self.word[0].isalpha()


_TOKEN = re.compile(r"[^\W\d_]+|[^\s]")


def _shares(text: str, *, claims_only: bool) -> Iterator[Number]:
    """`half of` and `nine in ten`, which a source may give in percent. In figures they are claimed
    as figures.
    """
    for match in _HALF.finditer(text):
        if not claims_only or text.startswith(" of ", match.end()):
            yield Number(match[0], frozenset({"1/2", "50 %"} if claims_only else {"1/2"}))
    for match in _OF_EACH.finditer(text):
        part, whole = (
            int(word) if word.isdecimal() else _value([word.lower()]) for word in match.groups()
        )
        if 0 < part < whole and not (claims_only and _DIGIT.search(match[0])):
            share = Fraction(part, whole)
            yield Number(
                match[0],
                frozenset({str(share), f"{100 * share} %"} if claims_only else {str(share)}),
            )


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
