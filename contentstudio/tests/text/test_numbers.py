"""Figures of a claim beside those of its source: what counts, and what is only another way to write
it.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from contentstudio.text import numbers

CASE = (Path(__file__).parents[1] / "cases" / "23-figures.tsv").read_text("utf-8")
SUPPORTED = [
    ("en", "The firm raised $3.2B last year.", "The firm raised $3.2 billion last year."),
    ("en", "It raised 3,200,000,000 dollars.", "The firm raised $3.2 billion last year."),
    ("de", "Der Umsatz betrug 2,5 Mio. €.", "Der Umsatz betrug 2,5 Millionen Euro."),
    ("de", "Der Umsatz betrug 2.500.000 EUR.", "Der Umsatz betrug 2,5 Millionen Euro."),
    ("en", "It is −5 °C.", "It is minus 5 degrees Celsius."),
    ("en", "It is 5 °C below zero.", "It is -5 °C."),
    ("en", "It is 5 kilometres.", "It is 5 km."),
    ("en", "On 3/4/2026.", "On 3 April 2026."),
    ("en", "On April 3, 2026.", "On 2026-04-03."),
    ("de", "Am 3.4.2026.", "Am 3. April 2026."),
    ("en", "1/2 cup", "0.5 cup"),
    ("en", "½ cup", "1/2 cup"),
    ("en", "1½ cups", "1.5 cups"),
    ("en", "3–5 days", "3 to 5 days"),
    ("en", "10 k users", "10,000 users"),
    ("en", "1.000,5", "1,000.5"),
    ("de", "1.000,5", "1,000.5"),
    ("en", "Chapter IV", "Chapter 4"),
    ("en", "the 2nd", "2"),
    ("en", "at 3:45 pm", "at 15:45"),
    ("en", "$3 to 5 million", "$3 million to $5 million"),
    ("en", "$40-50", "between 40 and 50 dollars"),
    ("en", "In 2020 and 50 percent", "In 2020, 50 %"),
    ("fr", "2,5 milliards d'euros", "2,5 Md€"),
    ("fr", "trois jours", "3 jours"),
    ("es", "2 mil millones", "2.000 millones"),
    ("es", "veintidós días", "22 días"),
    ("es", "3.5 millones", "3,5 millones"),
    ("pt", "2 bilhões", "2 mil milhões"),
    ("ja", "3億円", "3億円"),
    ("ja", "1億2000万円", "120000000円"),
    ("en", "40 pounds", "£40"),
    ("en", "-$5", "−5 dollars"),
    ("en", "US$40", "$40"),
    ("en", "3.2m people", "3.2 million people"),
    ("en", "5 m²", "5 square metres"),
    ("en", "3×10⁶", "3 million"),
    ("en", "1,50,000", "150,000"),
    ("en", "24/7", "24/7"),
    ("en", "1 000 people", "1,000 people"),
    ("en", "10,000 people", "ten thousand people"),
    ("en", "Ten thousand people", "10,000 people"),
    ("en", "5 °C", "5 degrees Celsius"),
    ("en", "Length 5 (in metres: km)", "5 km"),  # a table says elsewhere what it measures
    ("en", "It was 40% of them.", "It was 40 of them."),  # somebody may speak of the figure itself
    ("de", "fünfundzwanzig Euro", "25 Euro"),
    ("de", "1.000.000 Euro", "eine Million Euro und 1 Million €"),
    ("de", "-5 °C", "minus 5 Grad"),
    ("fr", "quatre-vingt-dix-sept euros", "97 €"),
    ("it", "duemila euro", "2.000 euro"),
    ("nl", "vijfentwintig dagen", "25 dagen"),
    ("pt", "vinte e dois dias", "22 dias"),
    ("en", "from 300 to 2 million", "300 at first"),
    ("en", "2026: on May 3", "on 3 May 2026"),
    ("zh", "2026年4月3日", "2026-04-03"),
    ("en", "CHF 40", "40 Swiss francs"),
    ("en", "3 hundred thousand", "300,000"),
]
NOT_SUPPORTED = [
    ("en", "The firm raised $3.2M last year.", "The firm raised $3.2B last year."),
    ("de", "Der Umsatz betrug 2,5 Millionen Euro.", "Der Umsatz betrug 2,5 Milliarden Euro."),
    ("en", "It costs €40.", "It costs $40."),
    ("en", "It is -5 degrees.", "It is 5 degrees."),
    ("en", "It is 5 °C.", "It is 5 °F."),
    ("en", "It is 5 km.", "It is 5 miles."),
    ("en", "On 3/4/2026.", "On 4/3/2026."),
    ("de", "Am 3.4.2026.", "Am 4.3.2026."),
    ("de", "Am 3.4.2026.", "Am 4. März 2026."),
    ("en", "1½ cups", "1/2 cups"),
    ("en", "3-5 days", "3 to 5 weeks"),
    ("en", "Python 3.10", "Python 3.1"),
    ("en", "version 1.2.3", "version 1.2.4"),
    ("en", "10² m", "102 m"),
    ("en", "Louis XIV", "Louis XV"),
    ("en", "at 3:45 am", "at 3:45 pm"),
    ("it", "2 milioni", "2 miliardi"),
    ("nl", "2,5 miljoen", "2,5 miljard"),
    ("ja", "3億円", "3万円"),
    ("en", "50 percentage points", "50 percent"),
    ("en", "-$5", "$5"),
    ("en", "A$40", "US$40"),
    ("en", "5 million", "5"),
    ("en", "5 MB", "5 GB"),
    ("en", "5 m²", "5 m"),
    ("en", "40", "40 %"),
    ("en", "In 2026, on 3 April", "on 4 April 2026"),
    ("en", "on 3 April 2026", "on 3 April 2025"),
    ("en", "5 million", "5 thousand"),
    ("en", "It fell by 5 percent.", "It stood at -5 percent."),
    ("de", "Billionen: 2 Billionen Euro", "2 Milliarden Euro"),
    ("en", "5,000¹ people", "50,001 people"),
    ("en", "5 days", "5 weeks"),
    ("en", "five days", "five weeks"),
    ("en", "40 %", "40 ‰"),
    ("en", "40", "$40"),  # a currency, as a percentage, is made up where the source has none
    ("en", "1/2 km", "1/2 mi"),
    ("en", "1/2", "1/3"),
    ("fr", "2 millions", "2 milliards"),
    ("es", "2 millones", "2 billones"),
    ("it", "2 km", "2 miglia"),
    ("nl", "twintig dagen", "21 dagen"),
]


def supported(language: str, source: str, claim: str) -> bool:
    known = numbers.values(source, language)
    found = numbers.claimed(claim, language)
    assert found
    return all(number.values & known for number in found)


@pytest.mark.parametrize("row", list(csv.DictReader(CASE.splitlines(), delimiter="\t")))
def test_the_figures_that_were_taken_for_the_same(row: dict[str, str]) -> None:
    assert supported(row["language"], row["source"], row["claim"]) == (row["right"] == "pass")


@pytest.mark.parametrize(("language", "source", "claim"), SUPPORTED)
def test_another_way_to_write_a_figure_is_supported(language: str, source: str, claim: str) -> None:
    assert supported(language, source, claim)


@pytest.mark.parametrize(("language", "source", "claim"), NOT_SUPPORTED)
def test_another_figure_is_not_supported(language: str, source: str, claim: str) -> None:
    assert not supported(language, source, claim)


@pytest.mark.parametrize(
    "text", ["9" * 5_000, "1." * 5_000, "VV", "10^99 ×10^99", "3/0", "0/0", "2026-99-99", "½" * 99]
)
def test_what_is_no_number_is_read_as_a_text(text: str) -> None:
    assert all(number.values & numbers.values(text, "en") for number in numbers.claimed(text, "en"))


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("fr", "Il faut au moins 6 heures.", "6"),
        ("es", "Necesita al menos 6 horas.", "6"),
        ("fr", "Il fait moins 6 degrés.", "-6"),
        ("en", "Closed since 2020. Two years on, it fell.", "2"),
    ],
)
def test_the_word_before_a_number_is_read_as_it_is_meant(
    language: str, text: str, value: str
) -> None:
    values = numbers.values(text, language)
    opposite = value.removeprefix("-") if value.startswith("-") else f"-{value}"
    assert value in values and opposite not in values
