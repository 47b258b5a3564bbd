"""The words and signs that stand beside a figure: scales, currencies, units and months, by
language. Tables alone.

A unit's name here is its symbol; `UNITS` maps it to a pattern of what people write. What is not in
the tables is read as no unit, and so is neither asked for nor compared.
"""

from __future__ import annotations

import re
from functools import cache

THOUSAND, MILLION = 10**3, 10**6

# Abbreviations that mean the same wherever they are written, right behind a figure or after one
# blank.
_SHORT = {
    "k": THOUSAND,
    "mn": MILLION,
    "mln": MILLION,
    "mio": MILLION,
    "bn": 10**9,
    "mrd": 10**9,
    "tn": 10**12,
}
_SHORT |= {"trn": 10**12, "tsd": THOUSAND, "mld": 10**9, "mds": 10**9, "md": 10**9}
_SHORT_SCALE = {
    "hundred": 100,
    "thousand": THOUSAND,
    "million": MILLION,
    "billion": 10**9,
    "trillion": 10**12,
}
_SHORT_SCALE |= {"lakh": 10**5, "crore": 10**7}
SCALES: dict[str, dict[str, int]] = {
    "en": _SHORT_SCALE,
    "de": {
        **{
            "hundert": 100,
            "tausend": THOUSAND,
            "million(?:en)?": MILLION,
            "milliarden?": 10**9,
            "mia": 10**9,
        },
        **{"billion(?:en)?": 10**12, "bio": 10**12, "billiarden?": 10**15},
    },
    "fr": {
        "cents?": 100,
        "mille": THOUSAND,
        "milliers?": THOUSAND,
        "millions?": MILLION,
        "milliards?": 10**9,
    }
    | {"billions?": 10**12},
    "es": {
        "mil": THOUSAND,
        "mill[oó]n(?:es)?": MILLION,
        "millardos?": 10**9,
        "bill[oó]n(?:es)?": 10**12,
    },
    "it": {
        "mila": THOUSAND,
        "mille": THOUSAND,
        "milion[ei]": MILLION,
        "miliard[oi]": 10**9,
        "bilion[ei]": 10**12,
    },
    "nl": {
        "honderd": 100,
        "duizend": THOUSAND,
        "miljoen": MILLION,
        "miljard": 10**9,
        "biljoen": 10**12,
    },
    "pt": {
        "mil": THOUSAND,
        "milh(?:ão|ões)": MILLION,
        "bilh(?:ão|ões)": 10**9,
        "bili(?:ão|ões)": 10**12,
    }
    | {"trilh(?:ão|ões)": 10**12, "mi": MILLION, "bi": 10**9},
    "sv": {
        "tusen": THOUSAND,
        "miljon(?:er)?": MILLION,
        "miljard(?:er)?": 10**9,
        "biljon(?:er)?": 10**12,
    },
    "da": {
        "tusind": THOUSAND,
        "million(?:er)?": MILLION,
        "milliard(?:er)?": 10**9,
        "billion(?:er)?": 10**12,
    },
    "pl": {
        "tysi(?:ąc|ące|ęcy)": THOUSAND,
        "tys": THOUSAND,
        "milion(?:y|ów)?": MILLION,
        "miliard(?:y|ów)?": 10**9,
    },
}
# Characters that multiply the figure before them: no blank stands between. 兆 is 10**12 in Japan,
# Korea and Taiwan.
IDEOGRAPHS = {
    "千": 10**3,
    "万": 10**4,
    "萬": 10**4,
    "億": 10**8,
    "亿": 10**8,
    "兆": 10**12,
    "만": 10**4,
    "억": 10**8,
}
IDEOGRAPHS |= {"천": 10**3, "조": 10**12, "百万": 10**6, "百萬": 10**6}

# Signs and codes before or behind a figure, the longer ones first.
CURRENCY_SIGNS = {
    **{
        "US$": "US$",
        "USD": "US$",
        "A$": "A$",
        "AU$": "A$",
        "AUD": "A$",
        "C$": "C$",
        "CA$": "C$",
        "CAD": "C$",
    },
    **{
        "NZ$": "NZ$",
        "NZD": "NZ$",
        "HK$": "HK$",
        "HKD": "HK$",
        "S$": "S$",
        "SGD": "S$",
        "R$": "R$",
        "BRL": "R$",
    },
    **{
        "MXN": "MX$",
        "MX$": "MX$",
        "$": "$",
        "€": "€",
        "EUR": "€",
        "£": "£",
        "GBP": "£",
        "¥": "¥",
        "JPY": "JP¥",
    },
    **{
        "CN¥": "CN¥",
        "CNY": "CN¥",
        "RMB": "CN¥",
        "₹": "₹",
        "INR": "₹",
        "Rs": "₹",
        "₽": "₽",
        "RUB": "₽",
        "₩": "₩",
    },
    **{
        "KRW": "₩",
        "₺": "₺",
        "TRY": "₺",
        "₪": "₪",
        "ILS": "₪",
        "CHF": "CHF",
        "Fr.": "CHF",
        "SEK": "SEK",
    },
    **{
        "NOK": "NOK",
        "DKK": "DKK",
        "PLN": "zł",
        "zł": "zł",
        "CZK": "CZK",
        "Kč": "CZK",
        "₴": "₴",
        "UAH": "₴",
    },
}
CURRENCY_WORDS = {
    "US$": r"US[- ]dollars?|US-Dollars?|dollars? américains?|dólares estadounidenses",
    "$": r"dollars?|d[oó]lar(?:es)?|dollar[oi]",
    "€": r"euros?",
    "£": r"pounds? sterling|british pounds?|sterling|livres? sterling|libras? "
    r"esterlinas?|sterline?",
    "JP¥": r"(?:japanese )?yen|円",
    "CN¥": r"yuan|renminbi|元|人民币",
    "₹": r"rupees?|rupien?",
    "₽": r"roubles?|rubles?|rubel",
    "₩": r"won|원",
    "CHF": r"(?:swiss )?francs?|franken|francs? suisses?|franchi svizzeri",
    "SEK": r"kronor",
}

_ABBREVIATED = {  # told apart by capitals
    **{
        name: name
        for name in (
            "km",
            "cm",
            "mm",
            "kg",
            "mg",
            "ml",
            "cl",
            "dl",
            "ha",
            "kW",
            "MW",
            "GW",
            "TW",
            "Hz",
        )
    },
    **{
        name: name
        for name in (
            "kWh",
            "MWh",
            "GWh",
            "TWh",
            "mph",
            "kHz",
            "MHz",
            "GHz",
            "kB",
            "MB",
            "GB",
            "TB",
            "kcal",
        )
    },
    **{
        "km/h": r"km/h|kmh|kph",
        "m/s": "m/s",
        "µm": "[µμ]m",
        "nm": "nm",
        "kB": "kB|KB",
        "°C": "° ?C",
        "°F": "° ?F",
    },
    **{
        "m": "m",
        "g": "g",
        "l": "l|L",
        "lb": "lbs?",
        "oz": "oz",
        "ft": "ft",
        "yd": "yds?",
        "mi": "mi",
    },
    **{"min": "min", "s": "s|sec|secs|sek|Sek", "h": "h|hrs?|Std"},
}
_SPELLED = {  # in any language of the tables, whatever the capitals
    "km": r"kilomet(?:er|re)[sn]?|kilomètres?|kil[oó]metros?|chilometr[oi]|quil[oôó]metros?"
    r"|キロメートル|公里",
    "cm": r"centimet(?:er|re)s?|zentimetern?|centimètres?|cent[ií]metros?|centimetr[oi]",
    "mm": r"millimet(?:er|re)[sn]?|millimètres?|mil[ií]metros?|millimetr[oi]",
    "m": r"met(?:er|re)[sn]?|mètres?|metros?|metr[oi]|メートル|米",
    "mi": r"miles?|meilen?|millas?|miglia|mijl(?:en)?|milhas?|milles",
    "ft": r"feet|foot|fuß|pieds?|piedi|pies",
    "in": r"inch(?:es)?|zoll|pouces?|pollici|pulgadas?",
    "yd": r"yards?",
    "kg": r"kilo(?:gram(?:me|m)?)?s?|kilogramos?|chilogramm[oi]|quilos?",
    "mg": r"milligram(?:me|m)?s?|miligramos?|milligramm[oi]",
    "g": r"gram(?:me|m)?s?|gramos?|gramm[oi]|grammes?",
    "t": r"tons?|tonnes?|tonnen?|toneladas?|tonnellate?",
    "lb": r"pounds?",
    "oz": r"ounces?|unzen?|onces?|onzas?",
    "l": r"lit(?:er|re)[sn]?|litros?|litr[io]",
    "ml": r"millilit(?:er|re)[sn]?|mililitros?|millilitr[io]",
    "gal": r"gallons?",
    "ha": r"hectares?|hektar|hectáreas?|ettar[io]",
    "ac": r"acres?",
    "°C": r"(?:degrees? |grad |degrés? |grados? |gradi |graden |graus )?(?:celsius|centigrade)",
    "°F": r"(?:degrees? |grad |degrés? |grados? |gradi |graden |graus )?fahrenheit",
    "s": r"seconds?|sekunden?|secondes?|segundos?|second[oi]|秒",
    "min": r"minutes?|minuten?|minutos?|minut[oi]|分",
    "h": r"hours?|stunden?|heures?|horas?|or[ae]|uur|uren|時間|小时",
    "d": r"days?|nights?|tage?n?|jours?|d[ií]as?|giorn[oi]|dag(?:en)?|日間|天",
    "wk": r"weeks?|wochen?|semaines?|semanas?|settiman[ae]|we(?:ek|ken)|週間",
    "mo": r"months?|monate?n?|mois|mes(?:es)?|mes[ei]|maand(?:en)?|m[eê]s(?:es)?|か月|ヶ月|个月",
    "yr": r"years?|jahre?n?|ans?|années?|años?|ann[oi]|jaar|jaren|anos?|年間",
    "dec": r"decades?|jahrzehnte?n?|décennies?|décadas?|decenni[oi]",
    "c": r"centur(?:y|ies)|jahrhunderte?n?|siècles?|siglos?|secol[oi]|eeuw(?:en)?|séculos?",
    "W": r"watts?",
    "kW": r"kilowatts?",
    "MW": r"megawatts?",
    "GW": r"gigawatts?",
    "kWh": r"kilowatt[- ]hours?|kilowattstunden?",
    "MB": r"megabytes?",
    "GB": r"gigabytes?",
    "TB": r"terabytes?",
    "mph": r"miles (?:per|an) hour",
    "km/h": r"kilomet(?:er|re)s? (?:per|an) hour|stundenkilometern?"
    r"|kilometern? (?:pro|in der) stunde|kilomètres?[ -](?:heure|à l' ?heure|par heure)"
    r"|kil[oó]metros por hora|chilometri (?:all' ?ora|orari)|quil[oóô]metros por hora"
    r"|kilometer per uur",
    "kcal": r"(?:kilo)?calories",
}
_PERCENT = (
    r"%|per ?cent\b|prozent\b|pour ?cents?\b|por ?ciento\b|por ?cento\b|per "
    r"?cento\b|procent\b|パーセント|퍼센트"
)
_POINTS = (
    r"(?:%|percentage|per ?cent)[- ]points?\b|prozentpunkte?n?\b|points? de "
    r"pourcentage\b|puntos? porcentuales\b"
    r"|punt[oi] percentual[ei]\b|procentpunt(?:en)?\b|pontos? percentua(?:l|is)\b|%pt\b"
)
_SQUARE = r"(?P<square>(?:square|quadrat)[- ]?)?(?P<cube>(?:cubic|kubik)[- ]?)?"
_MONTHS = {
    "en": "january february march april may june july august september october november december",
    "en short": "jan feb mar apr may jun jul aug sep oct nov dec",
    "de": "januar februar märz april mai juni juli august september oktober november dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre "
    "novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro "
    "dezembro",
}
WEEKDAYS = {  # from Monday on, each as a pattern
    "en": "mondays? tuesdays? wednesdays? thursdays? fridays? saturdays? sundays?",
    "de": "montag(?:s|en?)? dienstag(?:s|en?)? mittwoch(?:s|en?)? donnerstag(?:s|en?)? "
    "freitag(?:s|en?)? (?:samstag|sonnabend)(?:s|en?)? sonntag(?:s|en?)?",
    "fr": "lundis? mardis? mercredis? jeudis? vendredis? samedis? dimanches?",
    "es": "lunes martes miércoles jueves viernes sábados? domingos?",
    "it": "lunedì martedì mercoledì giovedì venerdì sabat[oi] domenic(?:a|he)",
    "nl": "maandag(?:en)? dinsdag(?:en)? woensdag(?:en)? donderdag(?:en)? vrijdag(?:en)? "
    "zaterdag(?:en)? zondag(?:en)?",
    "pt": "segundas?-feiras? terças?-feiras? quartas?-feiras? quintas?-feiras? sextas?-feiras? "
    "sábados? domingos?",
}
MONTH_NAMES = {language: tuple(names.split()) for language, names in _MONTHS.items()}
MONTHS = {
    name: number for names in _MONTHS.values() for number, name in enumerate(names.split(), 1)
}
MONTHS |= {"sept": 9, "jänner": 1}

BELOW_ZERO = (
    r"below zero\b|unter null\b|sous zéro\b|bajo cero\b|sotto (?:lo )?zero\b|onder "
    r"nul\b|abaixo de zero\b"
)
MINUS = r"minus|moins|menos|meno|min"
LINKS = r"-|to|and|or|bis|und|oder|à|et|ou|y|o|hasta|a|e|al?|tot|en|of|até|〜|~|から"


@cache
def scale_pattern(language: str) -> re.Pattern[str]:
    """A scale behind a figure: a word of the language, or of any where its words are not in the
    tables.
    """
    words = "|".join(sorted(_scales(language), key=len, reverse=True))
    short = "|".join(sorted(_SHORT, key=len, reverse=True))
    return re.compile(rf"[ ]?-?(?:(?P<word>{words})\b|(?P<short>{short})\b\.?)", re.I)


def scale_value(language: str, match: re.Match[str]) -> int:
    """How much a match of `scale_pattern` multiplies."""
    if match["short"]:
        return _SHORT[match["short"].lower()]
    return next(
        value
        for word, value in _scales(language).items()
        if re.fullmatch(word, match["word"], re.I)
    )


@cache
def _scales(language: str) -> dict[str, int]:
    if language in SCALES:
        return SCALES[language]
    known: dict[str, int] = {}
    for words in (
        SCALES.values()
    ):  # a billion is not the same everywhere: those who say otherwise are left out
        known |= {
            word: value
            for word, value in words.items()
            if not word.startswith(("bi", "tri", "mi\\b", "cent"))
        }
    return {
        word: value for word, value in known.items() if word not in ("mi", "mil", "mille", "mia")
    }


@cache
def unit_pattern() -> re.Pattern[str]:
    """What is measured, behind a figure. The group's name says which table has it, `unit_of` what
    it is.
    """
    short = "|".join(sorted(_ABBREVIATED.values(), key=len, reverse=True))
    words = "|".join(sorted([*_SPELLED.values(), *CURRENCY_WORDS.values()], key=len, reverse=True))
    signs = "|".join(re.escape(sign) for sign in sorted(CURRENCY_SIGNS, key=len, reverse=True))
    return re.compile(
        r"[ ]?-?(?:d'|de |di "
        rf")?(?:(?P<points>(?i:{_POINTS}))|(?P<percent>(?i:{_PERCENT}))|(?P<permille>‰)"
        rf"|(?P<sign>{signs})(?![^\W\d_])"
        rf"|(?i:{_SQUARE})(?:(?P<short>{short})(?P<power>\^[23])?(?![\w/])|(?P<words>(?i:{words}))(?![^\W\d_])))"
    )


@cache
def prefix_pattern() -> re.Pattern[str]:
    """A currency right before a figure, at the end of what stands before it."""
    signs = "|".join(re.escape(sign) for sign in sorted(CURRENCY_SIGNS, key=len, reverse=True))
    return re.compile(rf"(?:^|(?<=[^A-Za-z])|(?=[^A-Za-z]))(?P<sign>{signs}) ?-?$")


def unit_of(match: re.Match[str]) -> str:
    """The unit of a match of `unit_pattern`."""
    if match["points"]:
        return "pp"
    if match["percent"]:
        return "%"
    if match["permille"]:
        return "‰"
    if match["sign"]:
        return CURRENCY_SIGNS[match["sign"]]
    return _named(match) + (
        match["power"] or ("^2" if match["square"] else "^3" if match["cube"] else "")
    )


def _named(match: re.Match[str]) -> str:
    if match["short"]:
        return next(
            name for name, pattern in _ABBREVIATED.items() if re.fullmatch(pattern, match["short"])
        )
    tables = (_SPELLED, CURRENCY_WORDS)
    every = (item for table in tables for item in table.items())
    return next(name for name, pattern in every if re.fullmatch(pattern, match["words"], re.I))


def is_currency(unit: str) -> bool:
    return unit in CURRENCY_SIGNS.values()


def family(unit: str) -> str:
    """The sign that several currencies share, such as `$`; of any other unit, the unit."""
    return unit[-1] if is_currency(unit) and unit[-1] in "$¥" else unit
