"""No order to a machine that a source carried into the article, and nothing that would carry data
out of it.

A page that gives orders to its readers' machines is one for a person to look at, whoever wrote the
order first and even where it is quoted. The orders are known in English, German, French, Spanish,
Italian and Portuguese; links, pictures and hidden characters are found in every language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from contentstudio import places
from contentstudio.gates import markup
from contentstudio.gates.input import Case, fault, known, verdict
from contentstudio.model import Fault, Verdict
from contentstudio.text import packs
from contentstudio.text.wording import normal

_MACHINE = (
    r"(?:a\.?i\.?|assistants?|(?:large |language "
    r")*models?|llms?|(?:chat)?bots?|agents?|gpt|chatgpt|claude|gemini)"
)
_WHAT = r"(?:instructions?|prompts?|directions?|rules|guidelines|orders|commands|directives)"
_ORDERS = re.compile(
    rf"\b(?:ignore|disregard|forget|override|bypass) (?:\w+ ){{0,4}}?"
    r"(?:(?:previous|prior|above|earlier|preceding|existing|original|initial|system) "
    rf"(?:\w+ )?{_WHAT}"
    rf"|{_WHAT} (?:above|before|given|you (?:have been|were|are) given)|everything "
    r"(?:above|before this|you were told))"
    rf"|\byou are (?:now|no longer|actually) (?:\w+[ -]){{0,3}}{_MACHINE}\b"
    r"|\byou are (?:now|no longer) (?:\w+ ){0,2}(?:jailbroken|unrestricted|dan\b|in \w+ "
    r"mode|bound by)"
    rf"|\b(?:if|since|as) you(?:'re| are) (?:an? )?(?:\w+ ){{0,2}}{_MACHINE}\b"
    r"|\b(?:attention|note to|message (?:to|for)|dear|hey|hello),? (?:all |any |the "
    rf")?(?:\w+ )?{_MACHINE}\b"
    r"[^.]{0,40}[:,!-]"
    rf"|\b{_MACHINE} (?:that (?:is|are) "
    r")?(?:reading|processing|summari[sz]ing|crawling|scraping) this\b"
    r"|\b(?:act|behave|respond|pretend|roleplay) as (?:if you (?:are|were) )?(?:an? |the "
    r")?(?:\w+ ){0,2}"
    r"(?:ai|assistant|(?:language )?model|chatbot|dan|administrator|system|developer)\b"
    r"|\bfrom now on,? (?:you (?:will|must|are to|should) )?(?:only )?"
    r"(?:respond|answer|reply|write|output|obey|act as)\b"
    r"|\b(?:new|updated|real|hidden|secret|important) (?:system "
    r")?(?:instructions?|prompt|task|directives?)\s*:"
    r"|\b(?:begin|end) of (?:the )?(?:system )?(?:prompt|instructions)\b"
    r"|\b(?:reveal|print|repeat|output|show|leak|disclose|display) (?:\w+ ){0,3}?"
    r"(?:system prompt|your (?:\w+ )?(?:prompt|instructions)|api "
    r"keys?|passwords?|credentials|environment variables)\b"
    r"|\b(?:do not|don't|never) (?:tell|inform|alert|warn|mention (?:this|it) to|reveal "
    r"(?:this|it) to) "
    r"(?:the |your )(?:user|human|operator|developer|owner|editor)s?\b"
    r"|\b(?:include|insert|add|place|put|embed|append) (?:\w+ "
    r"){0,3}(?:links?|urls?|text|sentence|phrase|code) "
    r"(?:\S+ ){0,4}?(?:in|into|to|at the end of) (?:your|the|every|each) (?:\w+ )?"
    r"(?:answer|response|reply|output|article|summary|post)\b"
    r"|\b(?:send|post|forward|upload|transmit|exfiltrate|leak) (?:\S+ ){1,8}?to "
    r"(?:https?:|www\.|\S+@\S)"
    r"|\b(?:developer|jailbreak|dan|god|debug) mode (?:is )?(?:on|enabled|activated)\b"
    # the same in other languages
    r"|\b(?:ignorier|vergiss|missacht)\w* (?:\w+ "
    r"){0,4}(?:anweisung|instruktion|vorgabe|regel|befehl)\w*"
    r"|\bdu bist (?:jetzt|nun|ab sofort) (?:\w+ ){0,2}(?:ki|assistent|sprachmodell|chatbot|bot)\b"
    r"|\b(?:ignore[sz]?|oublie[sz]?) (?:\w+ ){0,4}(?:instructions|consignes|directives|règles)\b"
    r"|\b(?:ignor[aeá]\w*|olvid[ae]\w*) (?:\w+ ){0,4}(?:instrucciones|órdenes|indicaciones)\b"
    r"|\b(?:ignor[aei]\w*|dimentic[ah]\w*) (?:\w+ ){0,4}(?:istruzioni|indicazioni|regole)\b"
    r"|\b(?:ignor[ae]\w*|esqueç?[ac]\w*) (?:\w+ ){0,4}instruções\b",
    re.I,
)
_PICTURE = re.compile(r"!\[[^\]]*\]\s*[(\[]")
_LINK = re.compile(r"\[[^\]]+\]\(\s*(?:[a-z][a-z0-9+.-]*:|//|www\.|/)", re.I)
_URL = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]*:)?//[^\s<>\"'“”()\[\]]+|\bwww\.[^\s<>\"'“”()\[\]]+", re.I
)
# Tags, marks that turn the direction, and what a terminal obeys.
_HIDDEN = re.compile(
    "[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
# Drawn as nothing. Joiners and selectors have a use in other scripts and in emoji, soft hyphens in
# long words.
_NOTHING = re.compile(
    "[\u034f\u115f\u1160\u180e\u200b\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ue000-\uf8ff]"
)
# Latin letters of other blocks: mathematical, of full width, in circles, small capitals.
_STYLED = re.compile("[\U0001d400-\U0001d7cb\uff21-\uff3a\uff41-\uff5a\u24b6-\u24e9\u1d00-\u1d22]+")
# Letters of Cyrillic and Greek that are drawn as Latin ones: a word of such letters alone is Latin.
_DISGUISED = re.compile(
    r"(?<!\w)[\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u04cf\u0501\u051b\u051d"
    r"\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405\u03bf\u03bd"
    r"\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7]{3,}(?!\w)"
)
_LOOKALIKE = (
    "\u0400-\u04ff"
    "\u03bf\u03bd\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
)
_TWO_ALPHABETS = re.compile(rf"\w*(?:[A-Za-z]\w*[{_LOOKALIKE}]|[{_LOOKALIKE}]\w*[A-Za-z])\w*")


def check(case: Case) -> Verdict:
    """Look through everything that a reader may see, and through the links of the page."""
    wrong: list[Fault | str] = [
        *(fault(text, why) for text in places.texts(case.draft) for why in _orders(case, text)),
        *_exits(case),
    ]
    return verdict(
        "injection", wrong, "No order to a machine was found, and no link that carries data."
    )


def _orders(case: Case, place: places.Text) -> Iterator[str]:
    text = place.text
    if _HIDDEN.search(text) or _NOTHING.search(text):
        yield "has characters that nobody sees."
    if mixed := _TWO_ALPHABETS.search(normal(text)):
        yield (
            f"has the word “{mixed[0]}” in letters of two alphabets, which machines read otherwise."
        )
    if packs.is_known(case.language) and (alien := _DISGUISED.search(text)):
        yield f"has the word “{alien[0]}” in letters of another alphabet that look like Latin ones."
    if styled := _STYLED.search(text):
        yield f"has the letters “{styled[0]}”, which search engines and screen readers misread."
    if order := _ORDERS.search(normal(text)):
        yield f"gives an order to a machine: “{order[0]}”."
    if _PICTURE.search(text):
        yield "has a picture in Markdown."
    if _LINK.search(text):
        yield "has a link in Markdown."
    if (url := _URL.search(text)) and urlsplit(url[0]).query:
        yield f"has an address that carries data: {url[0]}."


def _exits(case: Case) -> Iterator[str]:
    page = markup.article(known(case.page, "the page"))
    links = {link.url for link in case.draft.links}
    allowed = {snapshot.url for snapshot in case.pool.values()} | links | case.byline_urls
    for url in markup.urls(page):
        if url not in allowed and urlsplit(url).query:
            yield f"The page has an address that carries data: {url}."
