"""A number that stands in its source tells nothing else there."""

from __future__ import annotations

import pytest

from contentstudio.verify import counted

WRONG = [
    # another thing
    ("en", "The farm sells 40 litres of milk a day.", "It sells 40 litres of water a day."),
    ("en", "120 volunteers came. Visitors pay 3 euros.", "120 visitors came."),
    ("en", "The train has five coaches with 140 places.", "It has 140 coaches with five places."),
    ("en", "Some 18,000 visitors came. The clocks strike.", "About 18,000 clocks were sold."),
    ("de", "Ende 2024 waren es 38 Dämme aus Lärchenholz.", "38 Kraniche aus Lärchenholz."),
    ("fr", "Il transporte 12 voitures et 80 passagers.", "Il transporte 12 camions."),
    ("es", "El mercado gastaba 9.000 bolsas diarias.", "Venían 9.000 clientes al día."),
    ("it", "Adesso ne fanno 120 chili al giorno.", "Arrivano 120 clienti al giorno."),
    (
        "nl",
        "Nu staan er negen tafels en 22 vrijwilligers.",
        "Er zijn 22 tafels en negen vrijwilligers.",
    ),
    ("pt", "A horta tem 24 canteiros de couve.", "São 24 professores para couve."),
    # another unit
    ("en", "The tower clock loses two minutes a day.", "The clock loses two hours a day."),
    ("es", "La visita dura dos horas, dos veces al mes.", "La visita dura dos días."),
    ("de", "Die Wanderung dauert zwei Stunden.", "Die Wanderung dauert zwei Tage."),
    # per another time
    ("it", "Il canone è di 150 euro mensili.", "Il comune chiede 150 euro al giorno."),
    ("es", "El mercado gastaba 9.000 bolsas diarias.", "Se usaban 9.000 bolsas al año."),
    ("en", "A grant of 3,000 pounds a year pays it.", "A grant of 3,000 pounds a month pays it."),
    ("nl", "Het begrazen kost 55.000 euro per jaar.", "Begrazen kost 55.000 euro per maand."),
    # a change told the other way round
    ("fr", "Le repas est passé de 30 à 40 minutes.", "Il dure 30 minutes au lieu de 40."),
    ("en", "Crashes dropped from 48 a year to 17.", "Crashes went from 17 to 48 a year."),
    ("en", "The price rose from 20 to 30 euros.", "It costs 20 euros, down from 30."),
    ("de", "Der Anteil stieg von 20 auf 30 Prozent.", "Er sank von 30 auf 20 Prozent."),
    ("nl", "Het aantal soorten steeg van 38 naar 61.", "Er zijn nu 38 soorten, tegen 61 toen."),
    # a small number, and days that the source names
    ("en", "The cafe began with three tables in 2015.", "The cafe began with nine tables."),
    ("de", "Vier Frauen des Vereins strichen sie.", "Zehn Frauen des Vereins strichen sie."),
    ("en", "Trains run on Mondays and Thursdays.", "The train runs on six nights a week."),
    # the number of another place
    (
        "pt",
        "As obras duraram 14 meses. O elétrico passa a cada 12 minutos.",
        "As obras duraram 12 meses.",
    ),
    (
        "en",
        "Bake the loaf for 35 minutes. Let the dough rest for 50 minutes.",
        "Bake the loaf for 50 minutes.",
    ),
    # two numbers that changed places
    (
        "fr",
        "Tarifs : 2 euros pour un piéton, 5 euros pour une voiture.",
        "Un piéton paie 5 euros, une voiture 2 euros.",
    ),
    ("en", "Adults pay 6 pounds, children 3.", "Adults pay 3 pounds and children 6."),
    (
        "de",
        "Das Hochbeet kostet 90 Euro, der Zaun 40.",
        "Das Hochbeet kostet 40, der Zaun 90 Euro.",
    ),
    # another day, another month
    ("en", "Trains run on Mondays and Thursdays.", "Trains run on Tuesdays and Thursdays."),
    ("en", "The museum is open Wednesday to Sunday.", "The museum is open Monday to Friday."),
    ("nl", "Elke zaterdag kun je meelopen.", "Op zondag mag je meelopen."),
    ("de", "Montags ist der Markt offen.", "Dienstags ist der Markt offen."),
    ("pt", "A cisterna ficou pronta em agosto de 2021.", "A cisterna é de abril de 2021."),
    ("es", "Desde abril de 2024 se abre dos veces.", "Desde agosto de 2024 se abre."),
]
RIGHT = [
    ("en", "The farm sells 40 litres of milk a day.", "The cows give 40 litres of milk a day."),
    ("en", "Some 18,000 visitors came.", "About 18,000 people came."),
    ("en", "Some 300 people watched from the banks.", "Some 300 stood on the banks."),
    ("en", "There were eight openings and three closures.", "Eight shops opened, three closed."),
    ("en", "Dr Okoro kept notes on 60 boxes. 23 of them are taken.", "Of 60 boxes, 23 are used."),
    ("de", "Elf Betriebe haben Land abgegeben.", "Elf Höfe haben Land abgegeben."),
    ("de", "Es waren 38 Dämme.", "Die 38 gebauten Dämme halten."),
    ("fr", "Tarifs : 2 euros pour un piéton.", "Le bac relie les deux rives."),
    ("it", "Luca fa il giro, circa due ore.", "I due vorrebbero assumere una persona."),
    ("nl", "410 gingen gerepareerd naar huis.", "410 daarvan gingen heel naar huis."),
    ("it", "Il canone è di 150 euro mensili.", "Il comune chiede 150 euro al mese."),
    ("es", "El mercado gastaba 9.000 bolsas diarias.", "Se usaban 9.000 bolsas al día."),
    ("en", "The museum is open Wednesday to Sunday.", "The museum is closed on Mondays."),
    ("en", "The museum is open Wednesday to Sunday.", "The museum is open on Fridays."),
    ("pt", "A cisterna ficou pronta em agosto de 2021.", "A cisterna é de agosto de 2021."),
    ("fr", "Le repas est passé de 30 à 40 minutes.", "Il dure 40 minutes au lieu de 30."),
    ("en", "Crashes dropped from 48 a year to 17.", "They went from 48 to 17 a year."),
    ("nl", "Het aantal soorten steeg van 38 naar 61.", "Er zijn nu 61 soorten, tegen 38 toen."),
    ("en", "Trains run on Mondays and Thursdays.", "The train runs on two nights a week."),
    ("en", "The cafe began with three tables.", "There are two kinds of tables at the cafe."),
    ("en", "Adults pay 6 pounds, children 3.", "Children pay 3 pounds and adults 6."),
    ("en", "Begun in May 2021, it opened on Aug 12, 2021.", "It opened in August 2021."),
    ("en", "Begun in May 2021, it opened on 12/08/2021.", "It opened in August 2021."),
    ("sv", "Det var 38 dammar.", "Det var 38 tranor."),
]


@pytest.mark.parametrize(("language", "source", "text"), WRONG)
def test_what_a_number_tells_otherwise_is_found(language: str, source: str, text: str) -> None:
    found = counted.findings(text, language, source.replace(". ", ".\n").splitlines())
    assert found
    assert all(one.passage in source and one.reason for one in found)


@pytest.mark.parametrize(("language", "source", "text"), RIGHT)
def test_what_it_tells_in_other_words_is_not(language: str, source: str, text: str) -> None:
    sentences = [one for one in source.replace(". ", ".\n").splitlines() if one]
    assert counted.findings(text, language, sentences) == []
