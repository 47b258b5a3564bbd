"""Relative dates: each is what it was on the day of its text, or stays, to be dropped."""

from __future__ import annotations

from datetime import date

import pytest

from contentstudio.text.dates import absolute, is_relative

DAY = date(2026, 11, 25)  # a Wednesday


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "The fair opens tomorrow.", "The fair opens on 26 November 2026."),
        ("en", "Yesterday the pump failed.", "On 24 November 2026 the pump failed."),
        ("en", "It rained last night.", "It rained on 24 November 2026."),
        ("en", "Sales rose last year.", "Sales rose in 2025."),
        ("en", "Last year's harvest was small.", "2025's harvest was small."),
        ("en", "It runs until next year.", "It runs until 2027."),
        ("en", "The show ends next week.", "The show ends in the week of 30 November 2026."),
        ("en", "It began earlier this month.", "It began in November 2026."),
        ("en", "It closed two months ago.", "It closed in September 2026."),
        ("en", "It closed 3 days ago, and today it burns.", None),
        ("de", "Die Messe beginnt übermorgen.", "Die Messe beginnt am 27. November 2026."),
        ("de", "Im letzten Jahr fiel wenig Regen.", "2025 fiel wenig Regen."),
        ("de", "Nächste Woche wird gesät.", "In der Woche ab dem 30. November 2026 wird gesät."),
        ("de", "Das Beet entstand vor drei Jahren.", "Das Beet entstand 2023."),
        ("de", "Morgen öffnet der Markt.", "Am 26. November 2026 öffnet der Markt."),
        ("fr", "La foire ouvre demain.", "La foire ouvre le 26 novembre 2026."),
        ("fr", "Elle a fermé l'an dernier.", "Elle a fermé en 2025."),
        ("fr", "Elle ouvre la semaine prochaine.", None),
        ("fr", "Le parc a fermé il y a deux mois.", "Le parc a fermé en septembre 2026."),
        ("es", "La feria abre mañana.", "La feria abre el 26 de noviembre de 2026."),
        ("es", "Cerró el año pasado.", "Cerró en 2025."),
        ("es", "Cerró hace tres años.", "Cerró en 2023."),
        ("es", "Abre el próximo mes.", "Abre en diciembre de 2026."),
    ],
)
def test_what_the_day_tells_becomes_a_date(language: str, text: str, expected: str | None) -> None:
    assert is_relative(text, language)
    result = absolute(text, language, DAY)
    assert not is_relative(result, language)
    assert expected is None or result == expected


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The talk is next Friday."),
        ("en", "Prices fell last summer."),
        ("en", "In the last year prices fell."),
        ("en", "It grew over the past 10 years."),
        ("de", "Der Vortrag ist nächsten Freitag."),
        ("de", "Letzten Sommer war es trocken."),
        ("de", "In den letzten zehn Jahren wuchs er."),
        ("fr", "Il parle vendredi prochain."),
        ("fr", "L'été dernier fut sec."),
        ("es", "Habla el próximo viernes."),
        ("es", "El verano pasado fue seco."),
    ],
)
def test_what_two_readers_may_read_differently_stays(language: str, text: str) -> None:
    assert absolute(text, language, DAY) == text
    assert is_relative(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Seeds sprout within ten days."),
        ("en", "In the last week of May it blooms."),
        ("en", "He read it in USA Today."),
        ("en", "Life began 900 million years ago."),
        ("en", "On that day and the next day it froze."),
        ("de", "Am Morgen ist der Boden kalt."),
        ("de", "In der letzten Woche des Mai blüht sie."),
        ("de", "Guten Morgen sagt man früh."),
        ("fr", "Elle lève en dix jours."),
        ("es", "Por la mañana el suelo está frío."),
        ("it", "Domani apre la fiera, la settimana prossima chiude."),
    ],
)
def test_what_needs_no_day_is_no_relative_date(language: str, text: str) -> None:
    assert not is_relative(text, language)
    assert absolute(text, language, DAY) == text


def test_months_and_weeks_cross_the_year() -> None:
    assert absolute("next month", "en", date(2026, 12, 31)) == "in January 2027"
    assert absolute("last month", "en", date(2026, 1, 1)) == "in December 2025"
    assert absolute("this week", "en", date(2027, 1, 1)) == "in the week of 28 December 2026"
    assert absolute("demain", "fr", date(2026, 12, 31)) == "le 1er janvier 2027"
