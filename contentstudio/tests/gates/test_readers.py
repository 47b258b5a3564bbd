"""What would harm a reader is named in every language of the packs, and what only looks like it
passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gate_suite
import pytest
from gate_suite import full_case

from contentstudio.gates import advice, contacts, dates, judge, language, leaks, privacy, promises
from contentstudio.gates.input import Case
from contentstudio.model import (
    Draft,
    Fault,
    Instruction,
    ListBlock,
    Reference,
    Section,
    Sentence,
    Snapshot,
    StepsBlock,
    TableBlock,
)

SOURCE = Snapshot(
    url="https://a.example/p",
    title="The club",
    text="Call the club on 0131 496 0123 or write @oldclub. There is free delivery until May 2031. "
    "Ann was born on 5 May 1990.",
    sha256="a",
)


def case(*texts: str, code: str = "en", title: str = "A title", **changes: Any) -> Case:
    """An article of these sentences."""
    body: list[Any] = changes.pop("body", [[Sentence(text=text, source="s1") for text in texts]])
    headings: Sequence[str] = changes.pop("headings", ("A heading",))
    draft = Draft(
        site="suite",
        slug="a",
        title=title,
        description="",
        sections=[Section(heading=heading, paragraphs=body) for heading in headings],
        references=[Reference.of("s1", SOURCE)],
        writer="m",
        language=code,
    )
    site = gate_suite.site_of({"language": code, **changes})
    return full_case(draft, {"s1": SOURCE}, site)


def names(gate: Any, *texts: str, **changes: Any) -> list[str]:
    """The places that a gate names."""
    return [fault.place for fault in gate.check(case(*texts, **changes)).faults]


ADVICE = {
    "en": [
        "Stop taking your blood pressure medication once you feel well.",
        "Garlic replaces antibiotics.",
        "Buy shares of this firm before the summer.",
        "With these bonds you get guaranteed returns.",
        "You do not have to pay the fine.",
        "If your landlord is late, withhold the rent.",
    ],
    "de": [
        "Setzen Sie Ihre Tabletten ab, sobald es Ihnen besser geht.",
        "Ingwer heilt Diabetes.",
        "Kaufen Sie jetzt Aktien dieser Firma.",
        "Zahlen Sie nicht, wenn ein Bußgeld kommt.",
    ],
    "fr": [
        "Arrêtez vos médicaments dès que vous allez mieux.",
        "Le citron guérit le cancer.",
        "Achetez des actions de cette société.",
        "Ne payez pas l’amende.",
    ],
    "es": [
        "Deja de tomar las pastillas cuando te sientas bien.",
        "El ajo cura la diabetes.",
        "Invierte tus ahorros en esta empresa.",
        "No pagues la multa.",
    ],
    "it": [
        "Smetti di prendere i farmaci quando stai meglio.",
        "Il limone cura il tumore.",
        "Investi i tuoi risparmi in questa società.",
        "Non pagare la multa.",
    ],
    "nl": [
        "Stop met je medicijnen zodra je je beter voelt.",
        "Gember geneest kanker.",
        "Koop nu aandelen van dit bedrijf.",
        "Betaal niet als er een boete komt.",
    ],
    "pt": [
        "Pare de tomar o remédio quando se sentir bem.",
        "O alho cura o câncer.",
        "Invista suas economias nesta empresa.",
        "Não pague a multa.",
    ],
}
NO_ADVICE = {
    "en": [
        "Ask your doctor before you stop taking the tablets.",
        "The doctor took the first train.",
        "Stop at the gate and take the left path.",
        "The museum was paid for with a loan of the town.",
        "The court of the castle is open all year.",
        "She shares a garden with her sister and buys seeds in spring.",
        "Buy bread at a low price.",
        "The doctor takes the first train.",
        "Halve the dose of the fertiliser in winter.",
        "Buy a return ticket on board.",
        "Ignore the fine weather and take a coat.",
    ],
    "de": [
        "Fragen Sie Ihren Arzt, bevor Sie Tabletten absetzen.",
        "Nehmen Sie den linken Weg zum Gericht.",
        "Der Arzt wohnte neben der Kirche.",
        "Kaufen Sie Brot für wenig Geld.",
        "Halbieren Sie im Winter die Dosis des Düngers.",
    ],
    "fr": [
        "Prenez le chemin de gauche.",
        "Le médecin du village jouait du violon.",
        "Achetez le pain à bas prix, vous ferez des économies.",
    ],
    "es": [
        "Toma el camino de la izquierda.",
        "El médico del pueblo tocaba el violín.",
        "Compra pan al fondo, a buen precio.",
        "La demanda de alquiler sube.",
    ],
    "it": [
        "Prendi il sentiero a sinistra.",
        "Il medico del paese suonava il violino.",
        "Compra il pane in fondo alla via e risparmi.",
    ],
    "nl": ["Neem het linkerpad.", "De dokter speelde viool.", "Koop brood voor een lage prijs."],
    "pt": [
        "Tome o caminho da esquerda.",
        "O médico da aldeia tocava violino.",
        "Compre pão ao fundo, a bom preço.",
    ],
}


def each(texts: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(code, text) for code, listed in texts.items() for text in listed]


@pytest.mark.parametrize(("code", "text"), each(ADVICE))
def test_advice_on_health_money_and_law_is_named(code: str, text: str) -> None:
    assert names(advice, "Hello.", text, code=code) == ["sentence 2"]


@pytest.mark.parametrize(("code", "text"), each(NO_ADVICE))
def test_what_is_no_advice_passes(code: str, text: str) -> None:
    assert advice.check(case(text, code=code)).passed


def test_advice_on_a_topic_that_the_owner_allows_passes() -> None:
    texts = ADVICE["en"][:3]
    allowed = {"gates": {"allow_topics": ["health"]}}
    assert names(advice, *texts) == ["sentence 1", "sentence 2", "sentence 3"]
    assert names(advice, *texts, **allowed) == ["sentence 3"]


@pytest.mark.parametrize(
    "text",
    [
        "Call 020 7946 0958 today.",
        "Ring +49 30 901820 to book.",
        "Der Verein hat die Nummer (030) 123 456 78.",
        "Follow @swiftboxes_uk now.",
        "Write to info at swiftboxes dot example.",
        "Schreiben Sie an info (at) verein punkt example.",
        "Escribe a hola arroba tienda punto example.",
        "See swiftboxes.example for more.",
        "Order today and save.",
        "Use the code SPRING for more.",
        "Mit dem Gutschein sparen Sie mehr.",
        "Profitez du code promo de la semaine.",
        "Usa el cupón de la casa.",
        "Usa il codice sconto di oggi.",
        "Met deze kortingscode betaal je minder.",
        "Aproveite o cupom de hoje.",
        "Message us on our page.",
    ],
)
def test_a_contact_or_an_offer_of_no_source_is_named(text: str) -> None:
    assert names(contacts, "Hello.", text) == ["sentence 2"]


@pytest.mark.parametrize(
    "text",
    [
        "Call the club on 0131 496 0123.",
        "Call the club on 0131/4960123.",
        "You can write @oldclub.",
        "There is free delivery until May 2031. Ann was born on 5 May 1990.",
        "It cost 1 234 567 890 pounds.",
        "Il y a 67 000 000 d’habitants.",
        "It lasted from 1914 to 1918, and again 1939-1945.",
        "Ask at Booking.com before you go.",
        "Meet at the dot on the map.",
        "The score was 3.5.",
        "It ran from 01.05.2024 to 03.06.2024.",
        "On 2025-07-14 it began.",
        "Open 09.00-17.00 and 19.00-21.00.",
        "Students get a discount, says the club.",
        "A telegram came in 1912.",
        "It grew from 12 000 000 to 13 500 000.",
        "The code of the castle was old.",
        "The heap is 1.500.000 litres large.",
    ],
)
def test_what_a_source_names_or_is_no_contact_passes(text: str) -> None:
    assert contacts.check(case(text)).passed


def test_what_the_owner_calls_readers_to_do_may_be_said() -> None:
    text = "Order today in our shop."
    assert not contacts.check(case(text)).passed
    whole = case(text)
    profile = whole.site.profile.model_copy(update={"calls_to_action": [text]})
    site = whole.site.model_copy(update={"profile": profile})
    assert contacts.check(full_case(whole.draft, whole.pool, site)).passed


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "Pay to GB82 WEST 1234 5698 7654 32."),
        ("de", "Spenden an DE89370400440532013000 bitte."),
        ("en", "The card 5555 5555 5555 4444 was used."),
        ("pt", "O CPF é 529.982.247-25."),
        ("es", "Su DNI es 12345678Z."),
        ("en", "Her number is 123-45-6789."),
        ("en", "He lives at 14 Mill Lane."),
        ("de", "Sie wohnt in der Lindenstraße 5."),
        ("fr", "Il habite au 12 rue de la Paix."),
        ("es", "Vive en la calle Mayor, 7."),
        ("it", "Abita in via Roma 3."),
        ("nl", "Hij woont aan de Kerkstraat 5."),
        ("pt", "Ela mora na Rua das Flores, 48."),
        ("en", "Ann, born on 4 June 1962, agrees."),
        ("de", "Er ist geboren am 3. Mai 1970."),
        ("fr", "Elle est née le 2 mars 1988."),
    ],
)
def test_personal_data_are_named(code: str, text: str) -> None:
    assert names(privacy, "Hello.", text, code=code) == ["sentence 2"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "Ada was born on 10 December 1815."),
        ("en", "Ann was born on 5 May 1990."),  # as the source says
        ("en", "It lives in a hole by the road, 14 centimetres deep."),
        ("en", "She was born in 1962."),
        ("en", "The part has the number 4111 1111 1111 1112."),
        ("pt", "O número é 529.982.247-26."),
        ("es", "La pieza 12345678A es azul."),
        ("en", "The pond lives on 14 inches of rain."),
        ("en", "The owl lives in a hole of 14 centimetres along the road."),
        ("de", "Der Kranich wohnt in der Nähe der Straße."),
        ("en", "The shop stands at 14 Mill Lane."),
    ],
)
def test_what_names_no_private_person_passes(code: str, text: str) -> None:
    assert privacy.check(case(text, code=code)).passed


@pytest.mark.parametrize(
    ("code", "text", "passes"),
    [
        ("en", "The bridge was opened in 2029.", False),
        ("en", "The bridge was opened in December 2026.", False),
        ("en", "The bridge was opened in November 2026.", True),
        ("en", "The bridge was opened in 2026.", True),
        ("en", "The bridge will be opened in 2029.", True),
        ("en", "In 2024 it was said that the bridge could open in 2029.", True),
        ("en", "They had 2050 visitors.", False),  # a count that is read as a year is for a person
        ("en", "They had 2,050 visitors.", True),
        ("de", "Die Brücke wurde 2029 eröffnet.", False),
        ("de", "Die Brücke wird 2029 eröffnet.", True),
        ("fr", "Le pont a été fermé en mai 2028.", False),
        ("fr", "Le pont sera fermé en mai 2028.", True),
        ("es", "El puente fue cerrado en mayo de 2028.", False),
        ("it", "Il ponte è stato chiuso nel maggio 2028.", False),
        ("nl", "De brug werd in mei 2028 gesloten.", False),
        ("pt", "A ponte foi fechada em maio de 2028.", False),
        ("pt", "A ponte será fechada em maio de 2028.", True),
    ],
)
def test_a_day_to_come_is_not_told_as_past(code: str, text: str, passes: bool) -> None:
    assert names(dates, text, code=code) == ([] if passes else ["sentence 1"])


ITEMS = ListBlock(items=[[Sentence(text=f"Item {number}.")] for number in "abcde"])
STEPS = StepsBlock(steps=[Instruction(name=n, sentences=[Sentence(text="Do.")]) for n in "abc"])
TABLE = TableBlock(head=["a"], rows=[[[Sentence(text="b")]], [[Sentence(text="c")]]])


@pytest.mark.parametrize(
    ("code", "title", "passes"),
    [
        ("en", "5 tips for a garden", True),
        ("en", "Five small but useful tips", True),
        ("en", "7 tips for a garden", False),
        ("en", "Seven ways to save water", False),
        ("en", "Three steps and two rows", True),
        ("en", "9 steps to a pond", False),
        ("en", "One tip for you", True),
        ("en", "What 2019 was like: tips", True),
        ("en", "A checklist for the garden", True),
        ("en", "How to start a podcast", True),
        ("en", "How to set the table", True),
        ("en", "Ponds at a glance: a comparison table", True),
        ("en", "Ponds, with video", False),
        ("en", "Ponds in pictures", False),
        ("en", "How to film a pond on video", True),
        ("de", "Fünf Tipps für den Garten", True),
        ("de", "Sieben Tipps für den Garten", False),
        ("fr", "Cinq conseils pour le jardin", True),
        ("fr", "Neuf conseils pour le jardin", False),
        ("es", "Cinco consejos para el jardín", True),
        ("es", "Diez consejos para el jardín", False),
        ("it", "Cinque consigli per il giardino", True),
        ("it", "Nove consigli per il giardino", False),
        ("nl", "Vijf tips voor de tuin", True),
        ("nl", "Negen tips voor de tuin", False),
        ("pt", "Cinco dicas para o jardim", True),
        ("pt", "Nove dicas para o jardim", False),
    ],
)
def test_a_title_promises_what_the_article_has(code: str, title: str, passes: bool) -> None:
    found = promises.check(case(code=code, title=title, body=[ITEMS, STEPS, TABLE]))
    assert found.passed is passes
    assert [fault.place for fault in found.faults] == ([] if passes else ["title"])


def test_sections_keep_the_promise_of_a_number() -> None:
    for count, passes in ((3, False), (4, True), (5, True), (6, True), (7, False)):
        body = [[Sentence(text="Hello.")]]
        headings = [f"Heading {number}" for number in range(count)]
        whole = case(title="4 ways to rest", body=body, headings=headings)
        assert promises.check(whole).passed is passes


LEAKS = [
    "Als KI-Modell weiß ich das nicht.",
    "Die bereitgestellten Dokumente sagen nichts dazu.",
    "En tant qu’IA, je ne sais pas.",
    "Les sources fournies n’en parlent pas.",
    "Como inteligencia artificial no puedo opinar.",
    "Las fuentes proporcionadas no dicen nada.",
    "In quanto intelligenza artificiale non lo so.",
    "Le fonti fornite non lo dicono.",
    "Als kunstmatige intelligentie weet ik dat niet.",
    "De verstrekte bronnen zeggen niets.",
    "Como uma IA, não sei.",
    "As fontes fornecidas não dizem nada.",
    "I don’t have access to newer data.",
    "The notes do not say how old it is.",
    "It is [Name einfügen] who says so.",
    "C’est [insérer le nom] qui le dit.",
    "Es [insertar nombre] quien lo dice.",
    "Lo dice [inserire nome].",
    "Dat zegt [naam invullen].",
    "Quem diz é [inserir nome].",
    "It takes XX minutes.",
    "It costs €XX.",
    "It opened in 20XX.",
    "It takes ____ minutes.",
    "Who knows???",
    "It is **very** wet.",
    "It is __very__ wet.",
    "It is *very* wet.",
    "# A heading",
    "- an item",
    "Salt &amp; water.",
    'It is {"title": "Salt"}.',
    "As note n3 says, it is wet.",
    "It is wet [n2, n3].",
    "It is wet (about 120 words).",
]
NO_LEAKS = [
    "El siglo XX fue largo.",
    "Nel XX secolo tutto cambiò.",
    "O século XX acabou.",
    "The XXX. Olympiad was in London.",
    "He noted 3 * 4 = 12 on a note.",
    "The source of the river is wet.",
    "[sic] he wrote.",
    "A snake_case_name is a name.",
    "Als Kind war er oft hier.",
    "Und dann …",
    "The council acted as requested.",
    "I don’t have access to a garden.",
    "Veja como ia o trabalho.",
    "Como iba diciendo, llueve.",
    "Really?",
    "Wait …",
    "The notes of the song are high.",
    "Room n. 3 is free.",
]


@pytest.mark.parametrize("text", LEAKS)
def test_a_leak_is_named_in_every_language(text: str) -> None:
    assert names(leaks, "Hello.", text) == ["sentence 2"]


@pytest.mark.parametrize("text", NO_LEAKS)
def test_what_only_looks_like_a_leak_passes(text: str) -> None:
    assert leaks.check(case(text)).passed


def test_a_leak_in_a_heading_is_named() -> None:
    body = [[Sentence(text="Hello.")]]
    found = leaks.check(case(body=body, headings=["A pond", "Section 2: Fish", "Fish (90 words)"]))
    assert [fault.place for fault in found.faults] == ["heading 2", "heading 3"]


def test_a_paragraph_in_another_language_is_named_a_quote_not() -> None:
    english = "The old bridge over the river was closed for a whole year because of the flood."
    german = "Die alte Brücke über den Fluss war wegen der Flut ein ganzes Jahr lang gesperrt."
    whole = [[Sentence(text=english)] for _ in range(4)]
    assert names(language, body=[*whole, [Sentence(text=german)]]) == ["sentence 5"]
    quoted = [Sentence(text=german, source="s1", quoted=True)]
    assert language.check(case(body=[*whole, quoted])).passed


@pytest.mark.parametrize("gate", [advice, dates, promises])
def test_without_a_pack_a_gate_says_that_it_measures_nothing(gate: Any) -> None:
    found = gate.check(case("Cześć.", code="pl"))
    assert (found.passed, found.checked) == (True, False)
    assert found.reason.startswith("Not measured: ")


def test_every_fault_of_every_gate_is_named_at_once() -> None:
    texts = ["It is **wet**.", "Call 020 7946 0958.", "It takes XX minutes.", "Order today."]
    faults: list[Fault] = [fault for one in judge(case(*texts)) for fault in one.faults]
    assert {f"sentence {number}" for number in range(1, 5)} <= {fault.place for fault in faults}
    [found] = [one for one in judge(case(*texts)) if one.gate == "leaks"]
    assert "(1 more.)" in found.reason
