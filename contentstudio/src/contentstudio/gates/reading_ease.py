"""Reading ease in eight languages: Flesch's formula, and its published adaptations to languages
with longer words.

Each is `base - per_word * (words per sentence) - per_syllable * (syllables per word)` on one scale:
60 to 70 is standard, 30 to 50 difficult, below 30 very difficult. Syllables are counted by
spelling, a few per cent off.

Sources of the constants:

* en: Flesch, "A new readability yardstick", Journal of Applied Psychology 32 (1948)
* de: Amstad, "Wie verständlich sind unsere Zeitungen?" (Zürich 1978)
* fr: Kandel and Moles, "Application de l'indice de Flesch à la langue française" (1958)
* es: Szigriszt Pazos, "Sistemas predictivos de legibilidad del mensaje escrito" (Madrid 1993)
* it: Franchina and Vacca, "Adaptation of Flesch readability index", Linguaggi 3 (1986)
* nl: Douma, "De leesbaarheid van landbouwbladen" (1960)
* pt: Martins and others, "Readability formulas applied to textbooks in Brazilian Portuguese" (São
  Carlos 1996)
* ru: Oborneva (Moscow 2006)
* the grade, of English alone: Kincaid and others, "Derivation of new readability formulas" (1975)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contentstudio.text.sentences import sentences
from contentstudio.text.wording import normal

WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")

_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(  # an e that is written and not spoken
    # made, not apple, boxes, wanted
    r"(?<=[^aeiouy])(?<![^aeiouyrl]l)(?:e|(?<![cgsxz])(?<![cs]h)es|(?<![td])ed)\b"
    r"|(?<=[^aeiouy])e(?=(?:ly|ness|less|ful|ment|ments|thing|where)\b)"  # lonely
)
_APART = re.compile(  # neighbours that are spoken apart, and consonants that are spoken alone
    # diary, initiate, being, usual, video
    r"(?<![cgstx])i[aou]|[cst]iat|[aeiouy](?:ing|ism)|[^gq]ua|[^gp]eo(?!u)"
    r"|sms?\b|[dst]n't\b"  # prism, didn't
)


def syllables(word: str) -> int:
    """How many syllables an English word is spoken with, at least one: vowel groups with two kinds
    of exceptions.
    """
    word = word.lower().removesuffix("'s")
    return max(
        1, len(_VOWELS.findall(word)) - len(_SILENT.findall(word)) + len(_APART.findall(word))
    )


def _counts(nucleus: str) -> Callable[[str], int]:
    """Counts the matches of a pattern of one syllable's vowels."""
    pattern = re.compile(nucleus)
    return lambda word: max(1, len(pattern.findall(word.lower())))


def _french(word: str) -> int:
    """The e at the end of a longer word is not spoken."""
    count = len(_FRENCH.findall(word.lower()))
    return max(1, count - bool(count > 1 and _MUTE.search(word.lower())))


_FRENCH = re.compile(
    r"(?<=[gq])u(?=[aeiouyàâéèêëîïôœ])[aeiouyàâéèêëîïôœ]+|é|[aeiouyàâèêëîïôöùûüœæ]+"
)
_MUTE = re.compile(r"(?:(?<=[^aeiouyàâéèêëîïôöùûüœæ])|(?<=[qg]u))es?$")


@dataclass(frozen=True)
class Formula:
    """The constants for one language, and how it counts the syllables of a word."""

    base: float
    per_word: float
    per_syllable: float
    syllables: Callable[[str], int]

    def ease(self, words: float, spoken: float) -> float:
        """The reading ease of a text with so many words per sentence and syllables per word."""
        return self.base - self.per_word * words - self.per_syllable * spoken


# The vowels of one syllable. In es, it and pt an unaccented i or u beside a, e or o is no syllable
# of its own.
_GERMAN = r"eau|äu|[aeo]u|[ae]i|[ae]y|ie|aa|ee|oo|qu[aeiouäöü]|[aeiouyäöü]"
_SPANISH = r"[qg]u[ií]?[eé]|[iuüy]?[aeoáéó](?:[iuü]|y(?![aeiouáéíóú]))?|[íú]|[iuü]+y?|y"
_ITALIAN = r"qu[aeoàèéò]|[iu]?[aeoàèéòóù][iu]?|[ìíú]|[iu]+|y"
_DUTCH = r"[aeiouy]eu|[aeo]ei|ieu|oei|aai|ooi|[aeo]u|aa|[eë]e|oo|uu|[eu]i|ie|oe|ij|[aeiouyäëïöüéè]"
_PORTUGUESE = r"[qg]u[aeoãáâéêó][iu]?|[qg]u[ií]|[ãõ][oe]|[aeoáéóâêôà][iu]?|[íúãõ]|[iu]+|y"
_RUSSIAN = r"[аеёиоуыэюя]"

FORMULAS = {
    "en": Formula(206.835, 1.015, 84.6, syllables),
    "de": Formula(180, 1, 58.5, _counts(_GERMAN)),
    "fr": Formula(207, 1.015, 73.6, _french),
    "es": Formula(206.835, 1, 62.3, _counts(_SPANISH)),
    "it": Formula(217, 1.3, 60, _counts(_ITALIAN)),
    "nl": Formula(206.835, 0.93, 77, _counts(_DUTCH)),
    "pt": Formula(248.835, 1.015, 84.6, _counts(_PORTUGUESE)),
    "ru": Formula(206.835, 1.3, 60.1, _counts(_RUSSIAN)),
}


def ease(texts: Sequence[str], language: str = "en") -> float:
    """The reading ease of a body given in pieces that are at least a sentence each.

    Raises KeyError for a language without a formula, ZeroDivisionError where there is no word.
    """
    formula = FORMULAS[language]
    return formula.ease(*_means(texts, language))


def grade(texts: Sequence[str]) -> float:
    """The years of school that an English text asks for. Raises ZeroDivisionError where there is no
    word.
    """
    words, spoken = _means(texts, "en")
    return 0.39 * words + 11.8 * spoken - 15.59


def _means(texts: Sequence[str], language: str) -> tuple[float, float]:
    """Words per sentence and syllables per word."""
    words = [word for text in texts for word in WORD.findall(normal(text))]
    count = sum(max(1, len(sentences(text, language))) for text in texts if WORD.search(text))
    return len(words) / count, sum(map(FORMULAS[language].syllables, words)) / len(words)
