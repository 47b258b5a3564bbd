"""The text is easy enough to read, by Flesch's formula; it is made for English and says nothing of other languages.

Rudolf Flesch, "A new readability yardstick", Journal of Applied Psychology 32 (1948): 60 to 70 is standard, 30 to 50
difficult, below 30 very difficult. He counts syllables as they are spoken, hyphenated words as one, and advises to
leave long figures out of the count, as is done here with all of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from math import floor

from contentstudio import config
from contentstudio.gates.wording import normal
from contentstudio.model import Draft, Snapshot, Verdict
from contentstudio.research.sentences import sentences

_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")

# Syllables are groups of vowels, and these are the exceptions that English makes most often. Against the CMU
# Pronouncing Dictionary, weighted by how often words are used, the count is about 1.5 % off.
_GROUP = re.compile(r"[aeiouy]+")
_FEWER = re.compile(
    r"(?<=[^aeiouy])(?<![^aeiouylr]l)e$"  # made, but apple
    r"|(?<=[^aeiouycgsxz])(?<![cs]h)(?<![^aeiouylr]l)es$"  # makes, but boxes
    r"|(?<=[^aeiouytd])(?<![^aeiouylr]l)ed$"  # walked, but wanted
    r"|(?<=[^aeiouy])e(?=(?:ly|ness|less|ful|fully|ment|ments|some|thing|times?|body|one|where)$)"  # lonely
    r"|^(?:some|more|there|here|where|fore|home|make|fire|wide|life|safe|like|live|base|house|space|state|side)"
    r"(?=[a-z]{3})"  # somewhere
    r"|[gq]ue$|ically$|every|evening|several|business|interest"  # league, basically
)
_MORE = re.compile(
    r"(?<![cstgx])i(?:a(?!g)|u)|(?<![cstgxnl])io|(?<=[stgcx])ia(?=(?:t[eo]|ting)[ds]?)"  # diary, violin, initiate
    r"|[aeouy]ing|[aeiouy]ism|(?<![gq])ua|uou|(?<![gp])eo(?!u)|(?<=[^gq])ue[lt]"  # being, usual, video, fuel
    r"|(?<=[bdfmnlrstv])i(?:er|est)|(?<=[bdfmnlrtv])i(?:en[ct]|et)|[ao]y(?:al|er)s?$|eum"  # easier, royal
    r"|idea|area|crea(?=t)|rea(?=l[it])|^pre[aeiou]|^re[eio](?!n)|poe[tm]|die[t]|quie|scien|coope"
    r"|[st]hms?$|sms?$|[dst]n't$|[ct]res?$"  # rhythm, prism, didn't, metre
)


def check(draft: Draft, pool: Mapping[str, Snapshot], gates: config.Gates) -> Verdict:
    """Measure the body; `min_flesch` is the least that passes."""
    prose = draft.prose()
    if not _WORD.search(normal(prose)):
        return Verdict(gate="readability", passed=False, reason="There is no text to read.")
    if draft.language.lower().split("-")[0] != "en":
        reason = f"Does not apply: Flesch's formula is made for English, and this is {draft.language!r}."
        return Verdict(gate="readability", passed=True, reason=reason)
    score = flesch([s.text for s in draft.sentences()])
    # Rounded down, so that a text just below the threshold is not shown as having reached it.
    figures = f"Reading ease {floor(score * 10) / 10:.1f}"
    if score < gates.min_flesch:
        reason = f"{figures}; at least {gates.min_flesch:g} is wanted."
        return Verdict(gate="readability", passed=False, reason=reason)
    return Verdict(gate="readability", passed=True, reason=f"{figures}, at least {gates.min_flesch:g}.")


def flesch(texts: list[str]) -> float:
    """Flesch's reading ease of a body given in pieces that are at least a sentence each. Needs at least one word."""
    words = [word for text in texts for word in _WORD.findall(normal(text))]
    count = sum(max(1, len(sentences(text))) for text in texts if _WORD.search(text))
    return 206.835 - 1.015 * len(words) / count - 84.6 * sum(map(syllables, words)) / len(words)


def syllables(word: str) -> int:
    """How many syllables an English word is spoken with, told by its spelling; at least one."""
    return sum(_of_part(part) for part in word.lower().removesuffix("'s").split("-") if part) or 1


def _of_part(part: str) -> int:
    plain = "".join(c for c in unicodedata.normalize("NFD", part) if not unicodedata.combining(c))
    return max(1, len(_GROUP.findall(plain)) - len(_FEWER.findall(plain)) + len(_MORE.findall(plain)))
