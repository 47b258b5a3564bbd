"""The text is easy enough to read, by formulas that are made for English and say nothing of other languages.

Rudolf Flesch, "A new readability yardstick", Journal of Applied Psychology 32 (1948): 60 to 70 is standard, 30 to 50
difficult, below 30 very difficult. The grade: J. Peter Kincaid and others, "Derivation of new readability formulas for
Navy enlisted personnel" (1975), made from the same two figures. Syllables are told by spelling, a few per cent off.
Figures are left out.
"""

from __future__ import annotations

import re
from math import ceil, floor

from contentstudio.config import Gates
from contentstudio.gates.case import Case, failed, passed, unmeasured
from contentstudio.gates.wording import normal
from contentstudio.model import Verdict
from contentstudio.research.sentences import sentences

_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(  # an e that is written and not spoken
    r"(?<=[^aeiouy])(?<![^aeiouyrl]l)(?:e|(?<![cgsxz])(?<![cs]h)es|(?<![td])ed)\b"  # made, not apple, boxes, wanted
    r"|(?<=[^aeiouy])e(?=(?:ly|ness|less|ful|ment|ments|thing|where)\b)"  # lonely
)
_APART = re.compile(  # neighbours that are spoken apart, and consonants that are spoken alone
    r"(?<![cgstx])i[aou]|[cst]iat|[aeiouy](?:ing|ism)|[^gq]ua|[^gp]eo(?!u)"  # diary, initiate, being, usual, video
    r"|sms?\b|[dst]n't\b"  # prism, didn't
)


def check(case: Case) -> Verdict:
    """Measure the body: reading ease and grade are within the bands of the config."""
    if not _WORD.search(normal(case.draft.prose())):
        return failed("readability", "There is no text to read.")
    if case.language != "en":
        why = f"Flesch's formula is made for English, and this is “{case.draft.language}”"
        return unmeasured("readability", case, why)
    gates = case.gates
    texts = [s.text for s in case.draft.sentences()]
    # Rounded down, so that a text just below the threshold is not shown as having reached it; the grade is rounded up.
    ease, years = floor(flesch(texts) * 10) / 10, ceil(grade(texts) * 10) / 10
    told = f"Reading ease {ease:.1f}, grade {years:.1f}"
    for name, value, least, most in (
        ("ease", flesch(texts), gates.min_flesch, gates.max_flesch),
        ("grade", grade(texts), gates.min_grade, gates.max_grade),
    ):
        if value < least:
            return failed("readability", f"{told}; {name}: at least {least:g} is wanted.")
        if value > most:
            return failed("readability", f"{told}; {name}: at most {most:g} is wanted.")
    return passed("readability", f"{told}; the bands are {_band('flesch', gates)} and {_band('grade', gates)}.")


def _band(what: str, gates: Gates) -> str:
    return f"{getattr(gates, f'min_{what}'):g} to {getattr(gates, f'max_{what}'):g}"


def flesch(texts: list[str]) -> float:
    """Flesch's reading ease of a body given in pieces that are at least a sentence each. Needs at least one word."""
    words, spoken = _means(texts)
    return 206.835 - 1.015 * words - 84.6 * spoken


def grade(texts: list[str]) -> float:
    """The years of school that a text asks for, by the formula of Kincaid and others. Needs at least one word."""
    words, spoken = _means(texts)
    return 0.39 * words + 11.8 * spoken - 15.59


def _means(texts: list[str]) -> tuple[float, float]:
    """Words per sentence and syllables per word."""
    words = [word for text in texts for word in _WORD.findall(normal(text))]
    count = sum(max(1, len(sentences(text))) for text in texts if _WORD.search(text))
    return len(words) / count, sum(map(syllables, words)) / len(words)


def syllables(word: str) -> int:
    """How many syllables an English word is spoken with, at least one: vowel groups with two kinds of exceptions."""
    word = word.lower().removesuffix("'s")
    return max(1, len(_VOWELS.findall(word)) - len(_SILENT.findall(word)) + len(_APART.findall(word)))
