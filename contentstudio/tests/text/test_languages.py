"""Which language a text is in, whatever is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from contentstudio.research.extract import page
from contentstudio.text import languages
from contentstudio.web.fetch import Fetched

CASES = Path(__file__).parents[1] / "cases"
TEXTS = {
    "en": (
        "A rain barrel stores the water of a roof for the dry weeks of summer. A lid "
        "keeps leaves and "
        "children out of it, and the tap stands a hand above the ground so that a can "
        "fits under it. In "
        "winter the barrel is emptied."
    ),
    "de": (
        "Eine Regentonne sammelt das Wasser vom Dach für die trockenen Wochen des "
        "Sommers. Der Deckel hält "
        "Laub und Kinder fern, und der Hahn ist eine Hand über dem Boden, damit eine "
        "Kanne darunter passt. Im"
        " Winter ist sie leer."
    ),
    "fr": (
        "Un tonneau recueille l'eau du toit pour les semaines sèches de l'été. Le "
        "couvercle éloigne les "
        "feuilles et les enfants, et le robinet est à une main du sol pour qu'un "
        "arrosoir passe dessous. En "
        "hiver il est vidé par le bas."
    ),
    "es": (
        "Un barril recoge el agua del tejado para las semanas secas del verano. La tapa "
        "aleja las hojas y a "
        "los niños, y el grifo está a una mano del suelo para que quepa una regadera. En "
        "el invierno se vacía"
        " por el fondo y se tapa."
    ),
    "it": (
        "Una botte raccoglie l'acqua del tetto per le settimane secche dell'estate. Il "
        "coperchio tiene "
        "lontane le foglie e i bambini, e il rubinetto è a una mano dal suolo perché un "
        "annaffiatoio ci stia."
        " In inverno la si vuota del tutto."
    ),
    "nl": (
        "Een regenton vangt het water van het dak op voor de droge weken van de zomer. "
        "Het deksel houdt "
        "bladeren en kinderen tegen, en de kraan zit een hand boven de grond zodat er "
        "een gieter onder past. "
        "In de winter is hij leeg."
    ),
    "pt": (
        "Um barril recolhe a água do telhado para as semanas secas do verão. A tampa "
        "afasta as folhas e as "
        "crianças, e a torneira está a uma mão do chão para que um regador caiba por "
        "baixo. No inverno é "
        "esvaziado e fica com a tampa."
    ),
    "pl": (
        "Beczka zbiera wodę z dachu na suche tygodnie lata. Pokrywa nie wpuszcza liści i "
        "dzieci, a kran jest "
        "na dłoń nad ziemią, żeby konewka się pod nim zmieściła. W zimie beczka jest "
        "pusta, bo lód by ją "
        "rozsadził. To nie jest trudne."
    ),
    "sv": (
        "En tunna samlar vattnet från taket för sommarens torra veckor. Locket håller "
        "löv och barn borta, och"
        " kranen är en hand över marken så att en kanna får plats under den. På vintern "
        "är den tom, för isen "
        "är för stark för den."
    ),
    "ru": (
        "Бочка собирает воду с крыши на сухие недели лета. Крышка не пускает в неё "
        "листья и детей, а кран "
        "стоит на ладонь выше земли, и лейка под ним помещается. На зиму бочка пуста, "
        "так как лёд её "
        "разорвёт. Это не так трудно и по цене."
    ),
    "ja": (
        "雨水タンクは屋根の水をためて、夏の乾いた時期に庭で使います。ふたは落ち葉や子どもが入らないようにする"
        "ためのものです。"
    ),
    "zh": (
        "城市花园里的雨水收集系统可以节省大量自来水，桶上要加盖，以免树叶和孩子掉进去，冬天到来之前要把桶里的"
        "水全部放空。"
    ),
    "ko": (
        "빗물통은 지붕의 물을 모아 두었다가 건조한 여름에 사용합니다. 뚜껑은 낙엽과 아이들이 들어"
        "가지 못하게 막아 줍니다. 겨울에는 비웁니다."
    ),
    "el": (
        "Το βαρέλι μαζεύει το νερό της στέγης για τις ξηρές εβδομάδες του καλοκαιριού "
        "και το καπάκι κρατά "
        "μακριά τα φύλλα."
    ),
    "sk": (
        "Sud zachytáva vodu zo strechy na suché týždne leta. Veko drží lístie a deti preč a "
        "kohútik je na dlaň nad zemou, aby sa pod neho zmestila krhla. V zime je sud "
        "prázdny, pretože ľad by ho roztrhol."
    ),
    "af": (
        "'n Reënton vang die water van die dak op vir die droë weke van die somer. Die "
        "deksel hou blare en kinders weg, en die kraan is 'n hand bokant die grond sodat 'n "
        "gieter daaronder pas. In die winter is dit leeg."
    ),
    "bg": (
        "Бъчвата събира водата от покрива за сухите седмици на лятото. Капакът пази от "
        "листа и деца, а кранът е на една длан над земята, за да може лейката да мине "
        "отдолу. През зимата бъчвата е празна."
    ),
    "vi": (
        "Thùng chứa nước mưa từ mái nhà cho những tuần khô hạn của mùa hè. Nắp giữ lá cây "
        "và trẻ em ở ngoài, còn vòi nằm cao hơn mặt đất một bàn tay để bình tưới vừa bên "
        "dưới."
    ),
    "ar": (
        "يجمع البرميل ماء السقف لأسابيع الصيف الجافة. يمنع الغطاء الأوراق والأطفال من "
        "السقوط فيه، ويكون الصنبور فوق الأرض بمقدار كف حتى يوضع تحته الإبريق. وفي الشتاء "
        "يكون فارغا."
    ),
    "sw": (
        "Pipa la mvua hukusanya maji ya paa kwa wiki kavu za kiangazi. Kifuniko huzuia "
        "majani na watoto, na bomba liko juu kidogo ya ardhi ili ndoo iweze kuingia chini "
        "yake. Wakati wa baridi pipa humwagwa maji yake yote polepole."
    ),
}


@pytest.mark.parametrize("language", TEXTS)
def test_the_words_or_the_script_tell_a_language(language: str) -> None:
    assert languages.plain(TEXTS[language]) == language
    assert languages.contradicted(TEXTS[language], language) is None
    assert languages.contradicted(TEXTS[language], "en" if language != "en" else "de") == language


def test_a_short_or_mixed_text_is_left_to_its_declared_language() -> None:
    mixed = f"{TEXTS['en']} {TEXTS['de']}"
    for text in ("Rain barrels", "", mixed, "1 2 3 " * 100, "x = f(1)\n" * 20):
        assert languages.plain(text) is None
        assert languages.contradicted(text, "en") is None


def test_pieces_in_other_languages_or_none_do_not_outvote_a_text() -> None:
    code = "for (i = 0; i < 10; i++) { sum += a[i]; }\n" * 5
    text = f"{TEXTS['de']} {TEXTS['fr']} {code} {TEXTS['de']} \ud800 {TEXTS['de']}"
    assert languages.plain(text) == "de"


def test_a_long_text_is_judged_by_pieces_from_all_over_it() -> None:
    start = TEXTS["en"] * (languages.PIECES * languages.PIECE // len(TEXTS["en"]) + 1)
    assert languages.plain(start) == "en"
    assert languages.plain(start + TEXTS["de"] * 300) == "de"


@pytest.mark.parametrize("code", ["nb", "nn", "iw"])
def test_narrower_and_older_codes_of_a_known_language_are_known(code: str) -> None:
    assert languages.is_known(code)


def test_kin_are_told_apart_by_what_is_declared() -> None:
    danish = (
        "En tønde samler vandet fra taget til sommerens tørre uger. Låget holder blade "
        "og børn væk, og hanen sidder en "
        "hånd over jorden, så der er plads til en kande under den. Om vinteren er den "
        "tom, for isen er stærk."
    )
    assert languages.contradicted(danish, "da") is None
    assert languages.contradicted(danish, "no") is None
    assert languages.contradicted(danish, "nb") is None
    assert languages.contradicted(danish, "en") in ("da", "no")
    croatian = (
        "Bačva skuplja vodu s krova za suhe tjedne ljeta. Poklopac zadržava lišće i djecu, "
        "a slavina je za dlan iznad tla kako bi kanta stala ispod nje. Zimi je bačva "
        "prazna, jer bi je led razbio."
    )
    for language in ("hr", "bs", "sr"):
        assert languages.contradicted(croatian, language) is None


def read(body: bytes, kind: str = "text/html") -> str | None:
    return page(
        Fetched("https://a.example/p", "https://a.example/p", 200, kind, None, body)
    ).language


@pytest.mark.parametrize("language", [name for name in TEXTS if name != "el"])
@pytest.mark.parametrize("declared", ["en-US", "de", None])
def test_the_language_is_that_of_the_words_whatever_is_declared(
    language: str, declared: str | None
) -> None:
    text = TEXTS[language]
    attribute = f' lang="{declared}"' if declared else ""
    html = (
        "<!doctype "
        f"html><html{attribute}><title>T</title><body><article><p>{text}</p><p>{text[:-1]} "
        "2.</p></article>"
    )
    assert read(html.encode()) == language


def test_the_case_of_a_theme_that_contradicts_its_text() -> None:
    html = (CASES / "22-lang-wrong.html").read_text("utf-8")
    assert 'lang="en-US"' in html
    assert read(html.encode()) == "de"


def test_a_plain_text_has_a_language_too() -> None:
    assert read(TEXTS["fr"].encode(), "text/plain") == "fr"
