"""A number that is reckoned from those of its source is no invention; another one stays one."""

from __future__ import annotations

import pytest

from contentstudio.text import numbers
from contentstudio.verify.figures import Source

CORRECT = [
    # differences
    ("en", "Crashes went down from 48 to 17 a year.", "They fell from 48 to 17, that is, by 31."),
    ("en", "Of the 60 boxes, 23 are in use.", "Of the 60 boxes 23 are in use, and 37 are empty."),
    ("en", "Fares: 39 euros for a seat, 79 euros for a berth.", "A berth costs 40 euros more, 79."),
    ("de", "Das Wasser stand bei 80 Zentimetern, jetzt bei 20.", "Es steht bei 20, also 60 höher."),
    ("fr", "La rame avait 52 places, elle en a 76.", "Elle a 76 places, soit 24 de plus."),
    ("es", "Usaban 9.000 bolsas; ahora usan 700.", "Se usan 700, es decir, 8.300 menos."),
    ("it", "Il biglietto costava 35 euro, ora 52 euro.", "Costa 52 euro, 17 euro in più."),
    (
        "nl",
        "Er kwamen 640 dingen, 410 gingen heel weg.",
        "Van de 640 gingen 410 heel weg, dus 230.",
    ),
    ("pt", "O bilhete custa 30 euros, com cartão 16 euros.", "Com cartão, 16: poupa-se 14 euros."),
    # sums
    (
        "en",
        "There are 18 women and 14 men in the choir.",
        "With 18 women it has 32 singers in all.",
    ),
    ("de", "Es kamen 45 Kinder und 38 Eltern.", "45 Kinder kamen, zusammen waren es 83 Gäste."),
    ("es", "Hay 24 sillas y 19 bancos.", "Con las 24 sillas hay 43 asientos en total."),
    # so much a week, a month, a year
    ("en", "It loses two minutes a day.", "It loses two minutes a day, or 14 minutes a week."),
    ("en", "18,000 visitors came in its first year.", "18,000 came, or 1,500 a month on average."),
    ("de", "Die Miete beträgt 150 Euro im Monat.", "Sie zahlt 150 Euro, 1.800 Euro im Jahr."),
    ("fr", "En trois mois, 45 000 personnes.", "45 000 en trois mois, soit 15 000 par mois."),
    ("es", "Gastaban 9.000 bolsas diarias.", "Gastaban 9.000 al día, o 63.000 a la semana."),
    ("it", "Il canone è di 150 euro mensili.", "Paga 150 euro al mese, cioè 1.800 euro all'anno."),
    ("nl", "Het kost 20 euro per week.", "Het kost 20 euro per week, dus 1.040 euro per jaar."),
    # products and quotients
    ("en", "Four coaches have 35 places each.", "Each of the four has 35 places, 140 in all."),
    ("pt", "Há 24 canteiros, e cada turma tem dois.", "Cada turma tem dois: são 12 turmas."),
    # shares
    ("en", "Of 80 farms, 60 took part.", "60 farms took part, 75 per cent of them."),
    ("en", "Crashes went down from 48 to 17.", "From 48 crashes they fell by 65 per cent."),
    # other units
    ("pt", "A obra durou três semanas.", "A obra durou 21 dias."),
    ("en", "The path is 1.2 km long.", "The path is 1,200 metres long."),
    ("en", "The walk is five miles.", "The walk is five miles (8 km)."),
    ("de", "Die Arbeit dauerte zwei Jahre.", "Die Arbeit dauerte 24 Monate."),
    # time between two years or hours
    ("en", "It closed in 2009 and came back in 2025.", "It closed in 2009, for 16 years."),
    ("en", "Anna Ferrel (1931-2017) built it.", "Anna Ferrel died in 2017 at the age of 86."),
    ("de", "Seit 2008 geschlossen, 2024 neu eröffnet.", "Es war bis 2024 zu, 16 Jahre lang."),
    ("fr", "Le bac a cessé en 1998 ; il revient en 2025.", "Il revient en 2025, 27 ans après."),
    ("en", "Departure 22:10, arrival 07:45.", "It leaves at 22:10, for nine hours and 35 minutes."),
    ("en", "Open Wednesday to Sunday.", "It is open five days a week, Wednesday to Sunday."),
    # roundings
    ("en", "The reservoir holds 1,480,000 litres.", "It holds roughly 1.5 million litres."),
    ("en", "The reservoir holds 1,480,000 litres.", "It holds more than 1.4 million litres."),
    ("de", "Der See fasst 1.480.000 Liter.", "Der See fasst etwa 1,5 Millionen Liter."),
    ("fr", "Le lac contient 1 480 000 litres.", "Le lac contient environ 1,5 million de litres."),
    ("nl", "Het meer bevat 1.480.000 liter.", "Het meer bevat ongeveer 1,5 miljoen liter."),
]
WRONG = [
    ("en", "Crashes went down from 48 to 17 a year.", "They fell from 48 to 17, that is, by 33."),
    ("en", "Of the 60 boxes, 23 are in use.", "Of the 60 boxes 23 are in use, and 47 are empty."),
    (
        "en",
        "There are 18 women and 14 men in the choir.",
        "With 18 women it has 42 singers in all.",
    ),
    ("en", "It loses two minutes a day.", "It loses two minutes a day, or 16 minutes a week."),
    ("en", "It loses two minutes a day.", "It loses two hours a day."),
    ("en", "18,000 visitors came in its first year.", "18,000 came, or 1,800 a month on average."),
    ("en", "The reservoir holds 1,480,000 litres.", "It holds roughly 1.8 million litres."),
    ("en", "The reservoir holds 1,480,000 litres.", "It holds 1.5 million litres."),
    ("en", "The reservoir holds 1,480,000 litres.", "It holds more than 1.5 million litres."),
    ("en", "The reservoir holds 1,480,000 litres.", "It holds roughly 1.5 billion litres."),
    ("en", "It closed in 2009 and came back in 2025.", "It closed in 2009, for 18 years."),
    (
        "en",
        "Departure 22:10, arrival 07:45.",
        "It leaves at 22:10, for eight hours and 35 minutes.",
    ),
    ("en", "The walk is five miles.", "The walk is five miles (12 km)."),
    ("en", "Soles are changed two or three times.", "Two thirds of all walkers change the soles."),
    ("en", "The hall has 52 seats and 17 windows.", "The hall is 35 metres long."),
    ("en", "The hall has 52 seats and 17 windows.", "The hall has 35 seats."),
    ("de", "Das Wasser stand bei 80 Zentimetern, jetzt bei 20.", "Es steht bei 20, also 50 höher."),
    ("fr", "En trois mois, 45 000 personnes.", "45 000 en trois mois, soit 18 000 par mois."),
    ("es", "Usaban 9.000 bolsas; ahora usan 700.", "Se usan 700, es decir, 7.300 menos."),
    ("it", "Il canone è di 150 euro mensili.", "Paga 150 euro al mese, cioè 1.500 euro all'anno."),
    (
        "nl",
        "Er kwamen 640 dingen, 410 gingen heel weg.",
        "Van de 640 gingen 410 heel weg, dus 320.",
    ),
    ("pt", "A obra durou três semanas.", "A obra durou 30 dias."),
]


def unknown(language: str, source: str, text: str, before: str = "") -> list[str]:
    there = Source(source, language)
    return [
        number.shown
        for number in numbers.claimed(text, language)
        if not there.gives(number, text, before, language)
    ]


@pytest.mark.parametrize(("language", "source", "text"), CORRECT)
def test_correct_arithmetic_is_known(language: str, source: str, text: str) -> None:
    assert unknown(language, source, text) == []


@pytest.mark.parametrize(("language", "source", "text"), WRONG)
def test_wrong_arithmetic_is_not(language: str, source: str, text: str) -> None:
    assert unknown(language, source, text)


def test_the_sentence_before_may_name_the_numbers() -> None:
    source = "Crashes with injuries dropped from 48 a year to 17."
    text = "The difference is 31."
    assert unknown("en", source, text) == ["31"]
    assert unknown("en", source, text, "There were 48 crashes, and now there are 17.") == []


def test_numbers_far_from_one_another_give_nothing() -> None:
    far = "There were 48 crashes. " + "Nobody counted them. " * 3 + "Of the buses 17 were late."
    assert unknown("en", far, "With 48 crashes there were 31 fewer.") == ["31"]


def test_nothing_is_reckoned_in_a_language_without_a_pack() -> None:
    assert unknown("sv", "Det var 48 i fjol och 17 i år.", "Det var 48, alltså 31 färre.") == ["31"]
