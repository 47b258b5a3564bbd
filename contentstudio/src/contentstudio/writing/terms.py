"""The words that carry a text's matter, and headings made of them. Made for English."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

_UNSPACED = "\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+(?:['’-](?:(?![{_UNSPACED}])[^\W_])+)*")

_DETERMINERS = frozenset("a an the each every its their our your his her my this these no some any of".split())
_BEFORE_VERBS = frozenset(
    "to will would can could may might must should shall not never i you we they he she it who that which do does did "
    "don't doesn't didn't can't won't let lets helps".split()
)
_STOP = (
    _DETERMINERS
    | _BEFORE_VERBS
    | frozenset(
        "about above across actually after again against ago all almost alone along already also although always am among "
        "and another anyone anything are around as at away back be because become becomes been before behind being below "
        "best better between beyond big both but by came certain come comes done down during early either else end enough "
        "especially etc even ever everyone everything far few find first for found four from further gave get gets getting "
        "give given gives go goes going good got great had has have having here high how however if in indeed instead into "
        "is isn't it's just keep kept kind know known large last late later least less let's like likely little long look "
        "lot made main make makes making many maybe me mean means more most much near nearly need needs new next none nor "
        "nothing now off often old on once one ones only onto or other others out over own part per perhaps put quite "
        "rather really right said same saw say says second see seem seems seen sense set several show since small so "
        "someone something sometimes soon still such take taken takes than that's them then there there's these thing "
        "things think third those though three through thus time times together too took toward towards tried true try "
        "turn two under until up upon us use used uses using usually very want wants was wasn't way ways well went were "
        "what whatever when where whether while whole whose why wide with within without work works yes yet you're zero "
        "add added adds able according added clear different easy five hundred important large less lower million possible "
        "real six ten top various year years day days week weeks month months today number example".split()
    )
)
_NO_NOUN = re.compile(r"(?:ly|ing|ed|ous|ive|able|ible|ful|less|est|n't|'s|’s)$|^\d|^.{0,2}$")


def words(text: str) -> list[str]:
    """The words as they stand; of scripts written without blanks, each character."""
    return _WORD.findall(text)


def content(text: str) -> Iterator[str]:
    """The words that carry matter, in lower case and without a plural's s, so that `heaps` and `heap` are one."""
    return (_stem(word) for word in map(str.lower, words(text)) if word not in _STOP and not word.isdigit())


def heading(texts: Sequence[str], source: str, used: Sequence[str]) -> str:
    """One or two things that `texts` speak of more than once, as `Worms and leaves`; empty where there are none.

    `source` is the whole text, which shows what is a noun; terms of the `used` headings do not come again.
    """
    nouns = _nouns(source)
    past = {stem for line in used for stem in content(line)}
    counts = Counter(stem for text in texts for stem in {*content(text)} if stem in nouns and stem not in past)
    position = {stem: at for at, stem in reversed([*enumerate(content(" ".join(texts)))])}
    ranked = sorted((s for s in counts if counts[s] > 1), key=lambda s: (-counts[s], -nouns[s][1], position[s]))
    shown = [nouns[stem][0] for stem in sorted(ranked[:2], key=lambda s: position[s])]
    line = " and ".join(shown)
    return line[:1].upper() + line[1:]


@lru_cache(maxsize=8)
def _nouns(source: str) -> dict[str, tuple[str, int]]:
    """What is used as a noun: its stem, the form it takes most often, and how often it comes.

    A noun follows an article or the like at least once and mostly stands before a function word or a stop; it never
    follows what a verb follows.
    """
    forms: dict[str, Counter[str]] = {}
    evidence: Counter[str] = Counter()
    against: set[str] = set()
    for before, word, after in _triples(source):
        lower = word.lower()
        stem = _stem(lower)
        if lower in _STOP or _NO_NOUN.search(lower):
            continue
        forms.setdefault(stem, Counter())[word if before else lower] += 1
        evidence[stem] += 1 if after in _STOP or not after else -1
        if before in _BEFORE_VERBS:
            against.add(stem)
    return {
        stem: (max(sorted(counter), key=lambda form: counter[form]), sum(counter.values()))
        for stem, counter in forms.items()
        if evidence[stem] > 0 and stem not in against
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
    word = re.sub(r"['’]s$", "", word)
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
