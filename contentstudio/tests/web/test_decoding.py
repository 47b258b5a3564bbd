"""Bytes to text: encodings and labels of the web, evidence that contradicts the bytes, and what is
no text at all.
"""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
import webencodings
from hypothesis import given
from hypothesis import strategies as st
from webencodings.labels import LABELS

from contentstudio.research import extract
from contentstudio.research.extract import NoContent
from contentstudio.web import decoding
from contentstudio.web.fetch import Fetched

CASES = Path(__file__).parents[1] / "cases"
URL = "https://a.example/post"
# A sentence for each encoding of the standard that it can be written in.
SENTENCES = {
    "gbk": "城市花园里的雨水收集系统可以节约大量自来水，我们介绍三种做法。",
    "gb18030": "城市花园里的雨水收集系统可以节约大量自来水，我们介绍三种做法。",
    "big5": "城市花園裡的雨水收集系統可以節約大量自來水，我們介紹三種做法。",
    "shift_jis": "庭の雨水タンクは夏の水やりに役立ちます。①費用と②手入れの方法を説明する。",
    "euc-jp": "庭の雨水タンクは夏の水やりに役立ちます。費用と手入れの方法を説明する。",
    "iso-2022-jp": "庭の雨水タンクは夏の水やりに役立ちます。費用と手入れの方法を説明する。",
    "euc-kr": "정원의 빗물 통은 여름에 물을 주는 데 도움이 됩니다. 비용을 설명합니다. 똠방각하",
    "windows-1251": "Бочка для дождевой воды помогает поливать сад летом. Мы объясняем расходы.",
    "koi8-r": "Бочка для дождевой воды помогает поливать сад летом. Мы объясняем расходы.",
    "koi8-u": "Бочка для дощової води допомагає поливати сад улітку. Пояснюємо витрати, ґрунт і "
    "їжу.",
    "ibm866": "Бочка для дождевой воды помогает поливать сад летом. Мы объясняем расходы.",
    "x-mac-cyrillic": "Бочка для дождевой воды помогает поливать сад летом. Мы объясняем расходы.",
    "iso-8859-5": "Бочка для дождевой воды помогает поливать сад летом. Мы объясняем расходы.",
    "windows-1253": "Το βαρέλι βρόχινου νερού βοηθά στο πότισμα του κήπου το καλοκαίρι.",
    "iso-8859-7": "Το βαρέλι βρόχινου νερού βοηθά στο πότισμα του κήπου το καλοκαίρι.",
    "windows-1255": "חבית מי גשם עוזרת להשקות את הגן בקיץ ואנחנו מסבירים את העלויות.",
    "iso-8859-8": "חבית מי גשם עוזרת להשקות את הגן בקיץ ואנחנו מסבירים את העלויות.",
    "iso-8859-8-i": "חבית מי גשם עוזרת להשקות את הגן בקיץ ואנחנו מסבירים את העלויות.",
    "windows-1256": "يساعد برميل مياه الأمطار على ري الحديقة في الصيف ونشرح التكاليف.",
    "iso-8859-6": "يساعد برميل مياه الأمطار على ري الحديقة في الصيف ونشرح التكاليف.",
    "windows-874": "ถังน้ำฝนช่วยรดน้ำสวนในฤดูร้อน เราอธิบายค่าใช้จ่าย",
    "windows-1250": "Beczka na deszczówkę pomaga podlewać ogród. Příliš žluťoučký kůň, őszi eső.",
    "iso-8859-2": "Beczka na deszczówkę pomaga podlewać ogród. Příliš žluťoučký kůň, őszi eső.",
    "iso-8859-16": "Butoiul de apă de ploaie ajută la udarea grădinii și țarcul, fără costuri.",
    "windows-1254": "Yağmur suyu fıçısı yazın bahçeyi sulamaya yardımcı olur, İstanbul için şimdi.",
    "windows-1257": "Lietaus vandens statinė padeda laistyti sodą vasarą, aiškiname išlaidas. "
    "Ķēniņš.",
    "iso-8859-13": "Lietaus vandens statinė padeda laistyti sodą vasarą, aiškiname išlaidas. "
    "Ķēniņš.",
    "iso-8859-4": "Vihmaveetünn aitab suvel aeda kasta, šokolaad ja žürii. Ķēniņš.",
    "iso-8859-10": "Regnvatten och þing, ķēniņš, ŋ, čáppa.",
    "iso-8859-3": "La pluvakva barelo helpas akvumi la ĝardenon, ĉiuj ŝatas ĥoron, ŭ, ĵus.",
    "iso-8859-14": "Mae casgen dŵr glaw yn helpu i ddyfrio'r ardd, ŷd.",
    "windows-1258": "Mưa rơi trên sông, con chim ăn cơm, cây sâu, đêm đông, ơn.",
    "windows-1252": "“Café crème”, façade, naïve œuvre – Straße für €5, Ãœber.",
    "iso-8859-15": "Café crème, façade, naïve œuvre, Straße für €5.",
    "macintosh": "“Café crème”, façade, naïve œuvre – Straße.",
    "x-user-defined": "plain \uf7e9 text",
    "utf-8": "Café, 雨水, бочка, 🌧.",
    "utf-16le": "Café, 雨水, бочка, 🌧.",
    "utf-16be": "Café, 雨水, бочка, 🌧.",
}
MULTIBYTE = ("gbk", "big5", "shift_jis", "euc-jp", "euc-kr")


def page_of(text: str, label: str = "", times: int = 1) -> str:
    meta = f'<meta charset="{label}">' if label else ""
    head = f"<head>{meta}<title>{text[:8]}</title></head>"
    return f"<html>{head}<body><p>{text * times}</p></body></html>"


def test_every_encoding_of_the_standard_has_a_sentence() -> None:
    assert SENTENCES.keys() == set(LABELS.values()) - {"replacement"}


@pytest.mark.parametrize(
    "label", sorted(label for label, name in LABELS.items() if name != "replacement")
)
def test_every_label_of_the_standard_is_read_from_a_header(label: str) -> None:
    text = page_of(SENTENCES[LABELS[label]])
    body = webencodings.encode(text, LABELS[label])
    for written in (label, label.upper(), f" {label}\t", f'"{label}"'):
        assert decoding.decode(body, written) == text


@pytest.mark.parametrize(
    "form", ["<meta charset={}>", "<?xml version='1.0' encoding='{}'?>", '<META CHARSET = "{}" />']
)
@pytest.mark.parametrize(
    "label",
    [
        *(
            "x-sjis",
            "windows-31j",
            "windows-874",
            "tis-620",
            "x-gbk",
            "x-cp1251",
            "cp1250",
            "ks_c_5601-1987",
        ),
        *(
            "big5-hkscs",
            "x-x-big5",
            "x-euc-jp",
            "csisolatin2",
            "dos-874",
            "cp936",
            "cp932",
            "latin-1",
            "cp949",
        ),
    ],
)
def test_labels_of_the_web_are_read_from_the_document(form: str, label: str) -> None:
    by_python = {"cp936": "gbk", "cp932": "shift_jis", "latin-1": "windows-1252", "cp949": "euc-kr"}
    name = by_python.get(label) or LABELS[label.lower()]
    text = form.format(label) + SENTENCES[name]
    assert decoding.decode(webencodings.encode(text, name)) == text


@pytest.mark.parametrize("name", ["05-page-x-sjis.html", "04-page-gbk-one-bad-byte.html"])
def test_cases_of_real_pages_become_texts(name: str) -> None:
    snapshot = extract.page(Fetched(URL, URL, 200, "text/html", None, (CASES / name).read_bytes()))
    assert snapshot.text.count("\ufffd") <= 1
    assert snapshot.text.startswith("庭の雨水タンク" if "sjis" in name else "城市花园里的雨水")
    assert len(snapshot.text) > 400


@pytest.mark.parametrize("name", MULTIBYTE)
@pytest.mark.parametrize("bad", [b"\xff", b"\x80\xff", b"\xfe", b"\xa1"])
@pytest.mark.parametrize("place", ["header", "meta", "both"])
def test_one_bad_byte_costs_one_character(name: str, bad: bytes, place: str) -> None:
    text = page_of(SENTENCES[name], name if place != "header" else "", times=3)
    body = webencodings.encode(text, name)
    got = decoding.decode(body.replace(b"</p>", bad + b"</p>"), name if place != "meta" else None)
    before, _, after = got.partition("</p>")
    assert before.startswith(text.partition("</p>")[0])
    assert len(before) - len(text.partition("</p>")[0]) <= 2
    assert after == text.partition("</p>")[2]
    assert not decoding.garbled(got)


@pytest.mark.parametrize(
    "name",
    [*MULTIBYTE, "windows-1251", "windows-1253", "windows-1255", "windows-1256", "windows-874"],
)
@pytest.mark.parametrize(
    "header", [None, "none", "utf8mb4", "klingon", "utf-8", "iso-8859-1", "utf-16", "unicode", ""]
)
def test_what_no_evidence_fits_is_known_by_its_bytes(name: str, header: str | None) -> None:
    text = page_of(SENTENCES[name], times=4)
    assert decoding.decode(webencodings.encode(text, name), header) == text


@pytest.mark.parametrize(
    "header",
    ["iso-8859-1", "gb2312", "shift_jis", "utf-16", "utf-16be", "unicode", "ascii", "big5"],
)
@pytest.mark.parametrize("meta", ["", "windows-1252", "gbk", "utf-16"])
def test_valid_utf8_is_utf8_whatever_is_declared(header: str, meta: str) -> None:
    text = page_of("Crème brûlée – 雨水收集", meta)
    assert decoding.decode(text.encode(), header) == text


@pytest.mark.parametrize(
    "label", ["utf-16", "utf-16le", "utf-16be", "unicode", "ucs-2", "iso-10646-ucs-2", "utf-32"]
)
def test_utf16_is_not_believed_of_bytes_without_zeros(label: str) -> None:
    for text in (page_of("Plain words of rain", label), "Plain words of rain!"):
        assert decoding.decode(text.encode(), label) == text


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("header", [None, "utf-8", "iso-8859-1", "utf-16"])
def test_utf16_without_a_mark_is_known_by_its_zeros(codec: str, header: str | None) -> None:
    if (codec, header) == ("utf-16-be", "utf-16"):
        header = "utf-16be"  # the standard reads `utf-16` as little-endian
    text = page_of("Rain, Café, 雨水")
    assert decoding.decode(text.encode(codec), header) == text


@pytest.mark.parametrize(
    "mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE]
)
def test_a_byte_order_mark_comes_before_the_header(mark: bytes) -> None:
    codec = {
        codecs.BOM_UTF8: "utf-8",
        codecs.BOM_UTF16_LE: "utf-16-le",
        codecs.BOM_UTF16_BE: "utf-16-be",
    }
    text = page_of("Café 雨水", "windows-1252")
    assert decoding.decode(mark + text.encode(codec.get(mark, "utf-32-le")), "iso-8859-1") == text


def test_a_byte_order_mark_that_the_bytes_contradict_is_ignored() -> None:
    text = page_of("Plain words of rain")
    assert decoding.decode(codecs.BOM_UTF16_LE + text.encode()) == text
    german = page_of("Straße für die Öfen", "windows-1252")
    assert decoding.decode(codecs.BOM_UTF8 + german.encode("cp1252")) == german


@pytest.mark.parametrize(
    "text",
    [
        "Prix\xa0\xa0\xa0: 5\xa0€\xa0\xa0» «\xa0oui\xa0»" * 9,
        "Straße, Öl, “Maß” – né, créée, Noël, ÀÉ" * 9,
        "\xa0" * 500 + "déjà" + "\xa0" * 500,
    ],
)
@pytest.mark.parametrize("header", [None, "iso-8859-1", "windows-1252", "none"])
def test_western_text_stays_western(text: str, header: str | None) -> None:
    assert decoding.decode(page_of(text).encode("cp1252"), header) == page_of(text)


def test_bytes_not_in_windows_1252_are_controls_as_in_browsers() -> None:
    assert decoding.decode(b"a\x81b \x93c\x94", "windows-1252") == "a\x81b “c”"


@pytest.mark.parametrize("name", ["gbk", "gb2312", "gb18030"])
def test_the_euro_of_windows_936(name: str) -> None:
    assert decoding.decode("售价 ".encode("gbk") + b"\x805", name) == "售价 €5"


def test_the_signs_of_nec_and_ibm_in_euc_jp() -> None:
    # ① and ㈱ have no place in the strict JIS X 0208 of Python's codec; browsers read them,
    # Japanese
    # pages use them.
    assert (
        decoding.decode("庭の雨水".encode("euc_jp") + b"\xad\xa1\xad\xea", "euc-jp")
        == "庭の雨水①㈱"
    )


@pytest.mark.parametrize("label", ["hz-gb-2312", "iso-2022-kr", "iso-2022-cn"])
def test_encodings_that_the_standard_refuses_give_no_text(label: str) -> None:
    escaped = {"hz-gb-2312": "hz", "iso-2022-kr": "iso2022_kr"}.get(label)
    body = (
        SENTENCES["gbk" if label == "hz-gb-2312" else "euc-kr"][:20].encode(escaped)
        if escaped
        else b"\x1b$)A\x0eab"
    )
    assert decoding.decode(body, label).strip("\ufffd") == ""
    assert decoding.decode(b"plain words", label) == "plain words"


@pytest.mark.parametrize(
    "body",
    [
        bytes(range(128, 256)) * 20,
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
        "雨水".encode("gbk") * 100 + b"\xff\x80" * 200,
        ("caf\ufffd " * 300).encode(),
    ],
)
def test_mojibake_is_an_outcome_and_never_a_snapshot(body: bytes) -> None:
    page = (
        b"<html><head><meta charset=utf-8></head><body><article><p>"
        + body
        + b"</p></article></body></html>"
    )
    assert decoding.garbled(decoding.decode(page))
    with pytest.raises(NoContent):
        extract.page(Fetched(URL, URL, 200, "text/html", "utf-8", page))
    with pytest.raises(NoContent, match="cannot be decoded"):
        extract.page(Fetched(URL, URL, 200, "text/plain", "utf-8", body))


@pytest.mark.parametrize(
    ("text", "is_garbled"),
    [
        ("", False),
        ("Caf\ufffd", False),
        ("\ufffd" * 3, True),
        ("a" * 990 + "\ufffd" * 10, False),
        ("a" * 980 + "\ufffd" * 20, True),
        ("a\x80\x81\x82" * 9, True),
        ("line\nof\ttext\r\n\f\x85" * 9, False),
    ],
)
def test_the_limit_of_wrong_characters(text: str, is_garbled: bool) -> None:
    assert decoding.garbled(text) is is_garbled


# XML


@pytest.mark.parametrize(
    "before",
    [
        *(
            "",
            "\ufeff",
            "\ufeff\n",
            "\ufeff\ufeff",
            "\n \t",
            "<!-- made by hand -->\n",
            "\u200b",
            "\ufeff<!-- a -->\n",
        ),
        *("\xef\xbb\xbf", "<?xml version='1.0'?>\n", "\0", "\N{NO-BREAK SPACE}"),
    ],
)
@pytest.mark.parametrize(
    "declaration", ["", "<?xml version='1.0' encoding='utf-16'?>", '<?xml version="1.1"?>\n']
)
def test_what_stands_before_a_document_is_cut_off(before: str, declaration: str) -> None:
    assert decoding.xml(before + declaration + "<rss/>") == "<rss/>"
    assert decoding.root_element(before + declaration + "<x:RSS a='b'/>") == "rss"


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("a&b=c &amp; &#38; &lt;", "a&amp;b=c &amp; &#38; &lt;"),
        ("caf&eacute;&nbsp;bar", "café\xa0bar"),
        ("&unheard-of; &unheardof; &;", "&amp;unheard-of; &amp;unheardof; &amp;;"),
        ("a\x00b\x0bc\x1fd\ufffe\n\t", "abcd\n\t"),
        ("&#0;&#x1F;&#xD800;&#x110000;&#x41;&#99999999;", "&#65;"),
        ("<![CDATA[ a&b &nbsp; ]]>&c", "<![CDATA[ a&b &nbsp; ]]>&amp;c"),
        ("&a<![CDATA[ &b <![CDATA[", "&amp;a<![CDATA[ &b <![CDATA["),
    ],
)
def test_small_faults_of_xml_are_mended(text: str, mended: str) -> None:
    assert decoding.mended_xml(text) == mended


@given(
    st.binary(max_size=200),
    st.sampled_from([None, *sorted(LABELS), "idna", "utf-7", "hz", "utf-32", "zlib", "cp037"]),
)
def test_any_bytes_decode(body: bytes, charset: str | None) -> None:
    assert isinstance(decoding.decode(body, charset), str)
