"""The text is easy enough to read, by Flesch's formula; it is made for English and says nothing of other languages.

Rudolf Flesch, "A new readability yardstick", Journal of Applied Psychology 32 (1948): 60 to 70 is standard, 30 to 50
difficult, below 30 very difficult. Syllables are told by spelling, a few per cent off. Figures are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import floor

from contentstudio import config
from contentstudio.gates.wording import normal
from contentstudio.model import Draft, Snapshot, Verdict
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


def check(draft: Draft, pool: Mapping[str, Snapshot], gates: config.Gates) -> Verdict:
    """Measure the body; `min_flesch` is the least that passes."""
    if not _WORD.search(normal(draft.prose())):
        return Verdict(gate="readability", passed=False, reason="There is no text to read.")
    if draft.language.lower().split("-")[0] != "en":
        reason = f"Does not apply: Flesch's formula is made for English, and this is {draft.language!r}."
        return Verdict(gate="readability", passed=True, reason=reason)
    score = flesch([s.text for s in draft.sentences()])
    passed = score >= gates.min_flesch
    wanted = f"at least {gates.min_flesch:g} is wanted"
    # Rounded down, so that a text just below the threshold is not shown as having reached it.
    return Verdict(gate="readability", passed=passed, reason=f"Reading ease {floor(score * 10) / 10:.1f}; {wanted}.")


def flesch(texts: list[str]) -> float:
    """Flesch's reading ease of a body given in pieces that are at least a sentence each. Needs at least one word."""
    words = [word for text in texts for word in _WORD.findall(normal(text))]
    count = sum(max(1, len(sentences(text))) for text in texts if _WORD.search(text))
    return 206.835 - 1.015 * len(words) / count - 84.6 * sum(map(syllables, words)) / len(words)


def syllables(word: str) -> int:
    """How many syllables an English word is spoken with, at least one: vowel groups with two kinds of exceptions."""
    word = word.lower().removesuffix("'s")
    return max(1, len(_VOWELS.findall(word)) - len(_SILENT.findall(word)) + len(_APART.findall(word)))
