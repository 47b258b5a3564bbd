"""The words that carry a text's matter, and headings made of them. Made for English."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

_UNSPACED = "\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+(?:['’-](?:(?![{_UNSPACED}])[^\W_])+)*")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DETERMINERS = _set("a an any each every her his its my no of our some the their these this your")
_BEFORE_NOUNS = _DETERMINERS | _set("of in for with on from by at into about between under over")
_ADJECTIVES = _set(  # those that most often stand alone after an article, as in `the wrong one` and `in the dry`
    "bright clean closed cold cool dark deep double dry empty false fast free full hard heavy hot lit lost "
    "new open poor rich sharp short simple slow soft strong thick thin warm weak wet wild wrong young"
)
_BEFORE_ADJECTIVES = _set("is are was were be been being very too so more most quite")
_BEFORE_VERBS = _set(
    "can can't could did didn't do does doesn't don't he helps i it let lets may might must never not shall she "
    "should that they to we which who will won't would you"
)
STOP = (
    _DETERMINERS
    | _BEFORE_VERBS
    | _set(
        "able about above according across actually add added adds after again against ago all almost alone along "
        "already also although always am among and another anyone anything are around as at away "
        "back be because become "
        "becomes been before behind being below best better between beyond big both but by came certain clear come "
        "comes day days different done down during early easy either else end enough especially etc even ever everyone "
        "everything example far few find first five for found four from further gave get gets getting give given gives "
        "go goes going good got great had has have having here high how however hundred if important in indeed instead "
        "into is isn't it's just keep kept kind know known large last late later least less let's like likely little "
        "long look lot lower made main make makes making many maybe me mean means million month months more most much "
        "near nearly need needs new next none nor nothing now number off often old on once one ones only onto or other "
        "others out over own part per perhaps possible put quite rather real really right said same "
        "saw say says second "
        "see seem seems seen sense set several show since six small so someone something sometimes "
        "soon still such take "
        "taken takes ten than that's them then there there's thing things think third those though three through thus "
        "time times today together too took top toward towards tried true try turn two under until up upon us use used "
        "uses using usually various very want wants was wasn't way ways week weeks well went were what whatever when "
        "where whether while whole whose why wide with within without work works year years yes yet you're zero"
    )
)
_OFTEN = 3  # a source that says a noun so often is about it
_NO_NOUN = re.compile(r"(?:ly|ing|ed|ous|ive|able|ible|ful|less|est|n't|'s|’s)$|^\d|^.{0,2}$")


def words(text: str) -> list[str]:
    """The words as they stand; of scripts written without blanks, each character."""
    return _WORD.findall(text)


def content(text: str) -> Iterator[str]:
    """The words that carry matter, in lower case and without a plural's s, so that `heaps` and `heap` are one."""
    return (_stem(word) for word in map(str.lower, words(text)) if word not in STOP and not word.isdigit())


def heading(texts: Sequence[str], source: str, used: Sequence[str]) -> str:
    """One or two things that `texts` speak of more than once, as `Worms and leaves`; empty where there are none.

    `source` is the whole text, which shows what is a noun; terms of the `used` headings do not come again.
    """
    nouns = _nouns(source)
    past = {stem for line in used for stem in content(line)}
    counts = Counter(stem for text in texts for stem in {*content(text)} if stem in nouns and stem not in past)
    position = {stem: at for at, stem in reversed([*enumerate(content(" ".join(texts)))])}
    named = [stem for stem in counts if counts[stem] > 1 or nouns[stem][1] >= _OFTEN]
    best = sorted(named, key=lambda s: (-counts[s], -nouns[s][1], position[s]))[:2]
    line = " and ".join(nouns[stem][0] for stem in sorted(best, key=position.__getitem__))
    return line[:1].upper() + line[1:]


@lru_cache(maxsize=2)
def _nouns(source: str) -> dict[str, tuple[str, int]]:
    """What is used as a noun: its stem, the form it takes most often, and how often it comes.

    A noun stands between an article or a preposition and a function word or a stop at least once, and mostly before
    one of the latter; it never stands where a verb or an adjective does.
    """
    forms: dict[str, Counter[str]] = {}
    ends: Counter[str] = Counter()
    marked: set[str] = set()
    others: set[str] = set()
    for before, word, after in _triples(source):
        stem = _stem(word.lower())
        # A capital after a stop is the sentence's own, unless the whole word is in capitals.
        forms.setdefault(stem, Counter())[word if before or word.isupper() else word.lower()] += 1
        ends[stem] += 1 if after in STOP or not after else -1
        if before in _BEFORE_NOUNS and (after in STOP or not after):
            marked.add(stem)
        if before in _BEFORE_VERBS or before in _BEFORE_ADJECTIVES:
            others.add(stem)
    return {
        stem: (max(sorted(counter), key=counter.__getitem__), counter.total())
        for stem, counter in forms.items()
        if ends[stem] > 0 and stem in marked - others - _ADJECTIVES - STOP and not _NO_NOUN.search(stem)
    }


def _triples(source: str) -> Iterator[tuple[str, str, str]]:
    """Each word with its neighbours in lower case; a neighbour beyond a mark of punctuation is an empty string."""
    tokens = re.findall(rf"{_WORD.pattern}|[^\w\s]", source)
    for at, token in enumerate(tokens):
        if token[0].isalnum():
            before = tokens[at - 1].lower() if at else ""
            after = tokens[at + 1].lower() if at + 1 < len(tokens) else ""
            yield before if before[:1].isalnum() else "", token, after if after[:1].isalnum() else ""


def _stem(word: str) -> str:
    word = re.sub(r"(?<=[^\W_]{2})ies$", "y", re.sub(r"['’]s$", "", word))
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
