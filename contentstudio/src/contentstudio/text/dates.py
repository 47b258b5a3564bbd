"""The relative dates of a text (`next week`, `tomorrow`, `last year`), and what they are when it is
known on which day the text was written. In English, German, French and Spanish; a text in any other
language has none here.

What two readers may read differently (`next Friday`, `last summer`, `in the last year`) has no
absolute form: it stays relative, and the caller drops it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from typing import Literal

from contentstudio.text.measures import MONTH_NAMES, WEEKDAYS

Unit = Literal["day", "week", "month", "year"]

_COUNTS = {
    "en": "a|an|one two three four five six seven eight nine ten eleven twelve",
    "de": "einem|einer zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "fr": "un|une deux trois quatre cinq six sept huit neuf dix onze douze",
    "es": "un|una dos tres cuatro cinco seis siete ocho nueve diez once doce",
}
_WEEKDAYS = {
    "en": "monday tuesday wednesday thursday friday saturday sunday",
    "de": "montag dienstag mittwoch donnerstag freitag samstag|sonnabend sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
}
# Each is a pattern, its unit and how many of it away; None for what stays relative. COUNT and
# WEEKDAY stand for the words above, the earlier rule wins where two begin at one place.
_Rule = tuple[str, Unit, int | None]
_RULES: dict[str, tuple[_Rule, ...]] = {
    "en": (
        (r"the day before yesterday", "day", -2),
        (r"the day after tomorrow", "day", 2),
        (r"yesterday(?: (?:morning|afternoon|evening))?|last night", "day", -1),
        (r"tomorrow(?: (?:morning|afternoon|evening|night))?", "day", 1),
        (r"today|tonight|this (?:morning|afternoon|evening)", "day", 0),
        (
            r"(?:in|over|during|within|for) the (?:last|past|coming|next) "
            r"(?:day|week|month|year|decade)\b(?! of\b)"
            r"|(?:the )?(?:last|past|coming|next|previous) "
            r"(?:(?:few|several|couple of|COUNT) )?(?:days|weeks|months|years|decades)\b"
            r"|(?:the )?(?:last|next|this|coming) (?:WEEKDAY|weekend|spring|summer|autumn|fall"
            r"|winter|decade|century)\b(?! of\b)",
            "day",
            None,
        ),
        (r"(?<!\bthe )last UNIT\b(?! of\b)", "day", -1),
        (r"(?:(?:earlier|later) )?this UNIT\b(?! of\b)", "day", 0),
        (r"(?<!\bthe )next UNIT\b(?! of\b)", "day", 1),
        (r"COUNT UNITS? ago", "day", -1),
        (r"COUNT UNITS? from now|in COUNT UNITS?['’]? time", "day", 1),
    ),
    "de": (
        (r"vorgestern", "day", -2),
        (r"übermorgen", "day", 2),
        (r"gestern(?: (?:Morgen|Vormittag|Mittag|Nachmittag|Abend|Nacht))?", "day", -1),
        (
            r"heute(?: (?:Morgen|früh|Vormittag|Mittag|Nachmittag|Abend|Nacht))?|heutzutage",
            "day",
            0,
        ),
        (
            r"(?<!am )(?<!jeden )(?<!diesen )morgen(?: (?:früh|Vormittag|Mittag|Nachmittag|Abend"
            r"))?",
            "day",
            1,
        ),
        (r"heuer", "year", 0),
        (
            r"(?:in )?(?:den |die )?(?:letzten|vergangenen|nächsten|kommenden) "
            r"(?:(?:paar|COUNT) )?(?:Tage|Wochen|Monate|Jahre|Jahrzehnte)n?\b"
            r"|(?:am |diesen |dieses |im )?(?:letzte[nrs]?|vergangene[nrs]?|vorige[nrs]?"
            r"|nächste[nrs]?|kommende[nrs]?|diese[nrsm]?) "
            r"(?:WEEKDAY|Wochenende|Frühling|Frühjahr|Sommer|Herbst|Winter|Jahrzehnt|Jahrhundert)\b",
            "day",
            None,
        ),
        (r"(?:in der |im )?(?:letzte|vergangene|vorige)[nrsm]? UNIT\b(?! (?:im|des)\b)", "day", -1),
        (r"(?:in )?diese[nrsm]? UNIT\b", "day", 0),
        (r"(?:in der |im )?(?:nächste|kommende)[nrsm]? UNIT\b", "day", 1),
        (r"vor COUNT UNITS\b", "day", -1),
    ),
    "fr": (
        (r"avant-hier", "day", -2),
        (r"après-demain", "day", 2),
        (r"hier(?: (?:matin|soir|après-midi))?", "day", -1),
        (r"demain(?: (?:matin|soir|après-midi))?", "day", 1),
        (r"aujourd['’]hui|ce matin|ce soir|cet après-midi|cette nuit", "day", 0),
        (
            r"(?:au cours |lors )?(?:des|les|ces) (?:COUNT )?(?:derni[eè]re?s|prochaine?s) "
            r"(?:COUNT )?(?:jours|semaines|mois|ans|années|décennies)"
            r"|(?:ce |le )?(?:WEEKDAY|week-end|printemps|été|automne|hiver) (?:dernier|prochain"
            r"|passé)|ce(?:t)? (?:WEEKDAY|week-end|printemps|été|automne|hiver)",
            "day",
            None,
        ),
        (r"(?:(?:la|le) |l['’])UNIT (?:derni[eè]re?|passée?)", "day", -1),
        (r"ce(?:t|tte)? UNIT(?:-ci)?", "day", 0),
        (r"(?:(?:la|le) |l['’])UNIT prochaine?", "day", 1),
        (r"il y a COUNT UNITS", "day", -1),
        (r"dans COUNT UNITS(?= (?:s|ouvr|aur|ser)\w+)", "day", 1),
    ),
    "es": (
        (r"anteayer|antes de ayer", "day", -2),
        (r"pasado mañana", "day", 2),
        (r"ayer(?: por la (?:mañana|tarde|noche))?|anoche", "day", -1),
        (r"hoy(?: en día| por hoy)?|esta (?:mañana|tarde|noche)", "day", 0),
        (r"(?<!la )(?<!una )(?<!cada )(?<!de )mañana(?: por la (?:mañana|tarde|noche))?", "day", 1),
        (
            r"(?:en |durante )?l[oa]s (?:últim|próxim)[oa]s (?:COUNT )?(?:días|semanas|meses|años"
            r"|décadas)|(?:el |este )?(?:(?:próximo|pasado|último) )?(?:WEEKDAY|verano|invierno"
            r"|otoño|fin de semana) (?:pasado|próximo|que viene)|(?:este|el próximo|el pasado) "
            r"(?:WEEKDAY|verano|invierno|otoño|fin de semana)|(?:esta|la próxima|la pasada) "
            r"primavera|la primavera (?:pasada|próxima|que viene)",
            "day",
            None,
        ),
        (r"(?:el|la) (?:pasad[oa] UNIT|UNIT pasad[oa])", "day", -1),
        (r"est[ea] UNIT", "day", 0),
        (r"(?:el|la) (?:próxim[oa] UNIT|UNIT (?:próxim[oa]|que viene))", "day", 1),
        (r"hace COUNT UNITS", "day", -1),
    ),
}
_UNITS: dict[str, dict[Unit, tuple[str, str]]] = {  # one of it, several of it
    "en": {u: (u, f"{u}s?") for u in ("day", "week", "month", "year")},
    "de": {
        "day": ("Tag", "Tage?n?"),
        "week": ("Woche", "Wochen?"),
        "month": ("Monats?", "Monate?n?"),
        "year": ("Jahre?s?", "Jahre?n?"),
    },
    "fr": {
        "day": ("jour", "jours?"),
        "week": ("semaine", "semaines?"),
        "month": ("mois", "mois"),
        "year": ("an(?:née)?", "an(?:née)?s?"),
    },
    "es": {
        "day": ("día", "días?"),
        "week": ("semana", "semanas?"),
        "month": ("mes", "mes(?:es)?"),
        "year": ("año", "años?"),
    },
}
# How a date is said: by itself, and after a preposition of the text's own.
_SAID: dict[str, dict[Unit, tuple[str, str]]] = {
    "en": {
        "day": ("on ", "{day} {month} {year}"),
        "week": ("in ", "the week of {day} {month} {year}"),
        "month": ("in ", "{month} {year}"),
        "year": ("in ", "{year}"),
    },
    "de": {
        "day": ("am ", "{day}. {month} {year}"),
        "week": ("in ", "der Woche ab dem {day}. {month} {year}"),
        "month": ("im ", "{month} {year}"),
        "year": ("", "{year}"),
    },
    "fr": {
        "day": ("le ", "{day} {month} {year}"),
        "week": ("", "la semaine du {day} {month} {year}"),
        "month": ("en ", "{month} {year}"),
        "year": ("en ", "{year}"),
    },
    "es": {
        "day": ("el ", "{day} de {month} de {year}"),
        "week": ("", "la semana del {day} de {month} de {year}"),
        "month": ("en ", "{month} de {year}"),
        "year": ("en ", "{year}"),
    },
}
_PREPOSITION = re.compile(
    r"\b(?:by|until|till|since|from|of|for|before|after|during|to|in|on"
    r"|bis|seit|ab|von|für|vor|nach|zu|im|in|am"
    r"|jusqu['’]à|depuis|dès|de|avant|après|pour|en|hasta|desde|para|antes de|después de)\s$",
    re.I,
)
_BEGINS = re.compile(r"(?:^|[.!?…:]|\n)[\s\"'“”„«»(¿¡]*$")  # before what begins a sentence
_LONGEST = 40  # units: what lies further away (`3,000 years ago`) needs no day to be understood


@dataclass(frozen=True, slots=True)
class _Relative:
    """A relative date at `text[start:end]`; `away` is None where it stays one."""

    start: int
    end: int
    unit: Unit
    away: int | None


def is_relative(text: str, language: str) -> bool:
    """Whether a text has a date that only the day of its writing tells."""
    return any(True for _ in _all(text, language))


def absolute(text: str, language: str, day: date) -> str:
    """The text with its relative dates as of `day`; those that two readers may read differently
    stay.
    """
    parts, end = list[str](), 0
    for date_words in _all(text, language):
        if date_words.away is not None:
            before = text[end : date_words.start]
            parts += [before, _shown(text, date_words, language, day)]
            end = date_words.end
    return "".join([*parts, text[end:]])


def with_dates(text: str, language: str, day: date | None) -> str:
    """The text, and below it the same with its relative dates as of `day`, where it has some: what
    it says of numbers either way.
    """
    dated = text if day is None else absolute(text, language, day)
    return text if dated == text else f"{text}\n\n{dated}"


def _all(text: str, language: str) -> Iterator[_Relative]:
    """The relative dates of a text in its order. Capitals within a sentence are a name's
    (`USA Today`).
    """
    if language not in _RULES:
        return
    end = 0
    for match in _pattern(language).finditer(text):
        is_name = match[0][0].isupper() and not _BEGINS.search(_before(text, match.start()))
        if match.start() < end or is_name:
            continue
        if (relative := _read(match, language)) is not None:
            end = match.end()
            yield relative


def _read(match: re.Match[str], language: str) -> _Relative | None:
    number = next(int(name[1:]) for name, text in match.groupdict().items() if text is not None)
    pattern, unit, away = _RULES[language][number]
    if "UNIT" in pattern:
        unit = _unit_in(match[0], language)
    if "COUNT" in pattern and away is not None:
        count = _count_in(match[0], language)
        if count > _LONGEST:
            return None
        away *= count
    return _Relative(match.start(), match.end(), unit, away)


_UNTIL = re.compile(
    r"\s*(?:-|–|to|through|until|till|bis|au?|à|jusqu'au?|a|al|hasta|tot|tot en met|t/m|até)\s*",
    re.I,
)


def weekdays(text: str, language: str) -> frozenset[int]:
    """The days of the week that a text names, Monday as 0; of `Wednesday to Sunday` all of them.
    None in a language that is not among `WEEKDAYS`.
    """
    found = [(match.lastindex or 0, match) for match in _weekday(language).finditer(text)]
    days = {index - 1 for index, _ in found}
    for (index, match), (other, following) in pairwise(found):
        if _UNTIL.fullmatch(text, match.end(), following.start()):
            days |= {(index - 1 + away) % 7 for away in range((other - index) % 7)}
    return frozenset(days)


@cache
def _weekday(language: str) -> re.Pattern[str]:
    names = WEEKDAYS.get(language, "").split()
    each = "|".join(f"({name})" for name in names)
    return re.compile(rf"(?<!\w)(?:{each or '(?!)'})(?!\w)", re.I)


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """All rules of a language as one pattern; its groups are named by their numbers."""
    units = _UNITS[language].items()
    # `this day` and `the next day` are those of which a text tells
    ones = "|".join(one for unit, (one, _) in units if unit != "day")
    several = "|".join(several for _, (_, several) in units)
    counts = rf"(?:\d{{1,3}}|{'|'.join(_COUNTS[language].split())})"
    weekdays = f"(?:{'|'.join(_WEEKDAYS[language].split())})s?"
    rules = (
        pattern.replace("UNITS?", f"(?:{several})")
        .replace("UNITS", f"(?:{several})")
        .replace("UNIT", f"(?:{ones})")
        .replace("COUNT", counts)
        .replace("WEEKDAY", weekdays)
        for pattern, _, _ in _RULES[language]
    )
    named = "|".join(f"(?P<r{number}>{pattern})" for number, pattern in enumerate(rules))
    return re.compile(rf"(?<![\w-])(?:{named})(?![\w-])", re.I)


def _unit_in(text: str, language: str) -> Unit:
    return next(
        unit
        for unit, forms in _UNITS[language].items()
        if re.search(rf"(?<!\w)(?:{forms[0]}|{forms[1]})(?!\w)", text, re.I)
    )


def _count_in(text: str, language: str) -> int:
    """The number in a match, in figures or words."""
    if figures := re.search(r"\d+", text):
        return int(figures[0])
    words = re.findall(r"\w+", text.lower())
    return next(
        number
        for number, forms in enumerate(_COUNTS[language].split(), 1)
        if set(forms.split("|")) & set(words)
    )


def _shown(text: str, relative: _Relative, language: str, day: date) -> str:
    assert relative.away is not None
    preposition, form = _SAID[language][relative.unit]
    moment = _moved(day, relative.unit, relative.away)
    month = MONTH_NAMES[language][moment.month - 1]
    shown = form.format(
        day="1er" if language == "fr" and moment.day == 1 else moment.day,
        month=month.capitalize() if language in ("en", "de") else month,
        year=moment.year,
    )
    is_led = _PREPOSITION.search(_before(text, relative.start))
    is_owned = text[relative.end : relative.end + 2] in ("'s", "’s")
    shown = shown if is_led or is_owned else preposition + shown
    return shown[0].upper() + shown[1:] if text[relative.start].isupper() else shown


def _before(text: str, position: int) -> str:
    return text[max(0, position - 20) : position]


def _moved(day: date, unit: Unit, away: int) -> date:
    """The day, the Monday of the week, or the first of the month or year that lies so far away."""
    if unit == "day":
        return day + timedelta(days=away)
    if unit == "week":
        return day + timedelta(days=7 * away - day.weekday())
    if unit == "month":
        months = 12 * day.year + day.month - 1 + away
        return date(months // 12, months % 12 + 1, 1)
    return date(day.year + away, 1, 1)
