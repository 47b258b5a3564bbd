"""Which language a text plainly is in, by its script or by the commonest words of its language.

A library that tells more languages was tried, py3langid: it needs numpy, 70 MB unpacked, and the
zip for Lambda has 43 of its 50 MB already.
"""

from __future__ import annotations

import re
from collections import Counter

# The commonest words of running text, about a quarter to a half of it.
_WORDS = {
    "cs": "a se v na je že s z do o i to pro jako ale by po k jsou za od podle jeho která který",
    "da": "og i at det en til er som på de med af for ikke der den har et kan om var sig også fra",
    "de": "der die das und ist nicht ein eine zu den mit von im auf dem es sich für auch wird",
    "en": "the and of to in is that it for as with are this be on not you or from by",
    "es": "el la los las y es de que en un una para por con no se del su como más",
    "fi": "ja on ei se että oli ovat mutta kun myös hän joka tai voi kuin vain jos niin sen ole",
    "fr": "le la les et est des un une dans que pour pas du en qui sur au il plus par",
    "hu": "a az és hogy nem is egy van volt meg de csak ez mint már még kell lehet azt el",
    "it": "il la le di che e è un una per non in con del si della sono più da i",
    "nl": "de het een en van is dat niet in te op voor met zijn aan er ook om als maar",
    "no": "og i det er en til som på av for at med de ikke den har et kan om ble fra seg også vil",
    "pl": "i w nie na jest się do że z to o jak ale po co tak za od przez przy",
    "pt": "o a os as e é de que em um uma para por com não do da se mais no",
    "ro": "și în de la cu nu o un este pe care să din mai pentru ca au sunt fi prin",
    "ru": "и в не на что с он как это по но из у за от то же для к о",
    "sv": "och att det som en är på för inte av med den till ett har om de men vid från",
    "tr": "ve bir bu da de için ile çok daha olan gibi en ne var kadar sonra ise ancak olarak "
    "olduğu",
    "uk": "і в не на що з він як це до та але у за від для або є про ж",
}
_SETS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = {  # of a language alone; Han is Japanese where kana stand beside it
    "el": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
    "he": re.compile("[\u0590-\u05ff]"),
    "hi": re.compile("[\u0900-\u097f]"),
    "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7af]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
    "zh": re.compile("[\u3400-\u9fff]"),
}
_KANA_SHARE = 0.1  # of Japanese text about half is kana, of Chinese none

# words from which on the count tells something; characters of a script that is a language's own
ENOUGH = 30
LEAST = 0.12  # of the words; real texts have 0.2 to 0.45
# times as many common words as the next language has: what is plain; kin such as da and no are not
AHEAD = 1.5


def known() -> frozenset[str]:
    """The languages that can be told."""
    return frozenset(_SETS) | frozenset(_SCRIPTS)


def shares(text: str) -> dict[str, float]:
    """The share of each language's common words among the words of a text; empty for one that is
    too short.
    """
    counts = Counter(_WORD.findall(text.casefold()))
    total = counts.total()
    if total < ENOUGH:
        return {}
    return {
        language: sum(counts[word] for word in words) / total for language, words in _SETS.items()
    }


def plain(text: str) -> str | None:
    """The language (two letters) that a text plainly is in; None where it is short, mixed, or of
    another language.
    """
    if script := _by_script(text):
        return script
    ranked = sorted(shares(text).items(), key=lambda item: -item[1])
    if not ranked or ranked[0][1] < LEAST or ranked[0][1] < AHEAD * ranked[1][1]:
        return None
    return ranked[0][0]


def contradicted(text: str, language: str) -> str | None:
    """The language that a text plainly is in, where that is another one than is said of it."""
    found = plain(text)
    if found is None or found == language:
        return None
    # Kin share many words: what is said is believed as long as its own words are there.
    return None if shares(text).get(language, 0) * AHEAD >= shares(text).get(found, 1) else found


def _by_script(text: str) -> str | None:
    letters = sum(map(str.isalpha, text))
    counts = {language: len(script.findall(text)) for language, script in _SCRIPTS.items()}
    counts["zh"] += counts["ja"]
    likely = max(counts, key=lambda language: counts[language])
    if counts[likely] < ENOUGH or counts[likely] * 2 < letters:
        return None
    return "ja" if likely == "zh" and counts["ja"] >= _KANA_SHARE * counts["zh"] else likely
