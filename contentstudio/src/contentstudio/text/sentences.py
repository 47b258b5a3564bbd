"""Where sentences end. Made for English, careful with others: in doubt two sentences stay one, and
none is cut.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from itertools import accumulate


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Each is written without its last stop, in lower case.
_TITLES = _words(  # a name follows
    "mr mrs ms mx dr prof st mt ft gen col lt capt cpt sgt maj adm cmdr rep sen gov pres "
    "rev hon fr messrs supt insp "
    "hr fra dipl ing mag m mme mlle mm sr sra srta dott sig dhr mevr"
)
_MIDDLES = _words(  # the sentence goes on
    "e.g i.e eg ie vs cf viz ca c approx est incl resp al z.b d.h u.a bzw ggf evtl vgl "
    "usw p.ex c.-à-d env ej"
)
_NUMBERED = _words(  # the sentence goes on where a number follows
    "no nos nr fig figs eq eqs vol ch chap sec sect p pp pg par art op ed ser tab bd s abs "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
_UNSURE = _words(
    "inc ltd co corp bros llc plc jr sr esq etc dept univ assn ave blvd rd hwy ph.d est gmbh"
)
# what begins a sentence and hardly a name, after an abbreviation that may end one
_STARTERS = _words(
    "a after all although an and as at because before both but by during each even every "
    "few for from he her here his "
    "how however i if in instead it its many meanwhile more most my nor not now of on "
    "once one only or other our out "
    "she since so some still such that the their then there these they this those though "
    "through thus to today under "
    "until we what when where whether which while who why with yet you your"
)
_ORDINAL_LANGUAGES = frozenset(
    {"de", "da", "no", "nb", "nn", "fi", "cs", "sk", "hu", "pl", "sl", "hr", "et", "lv"}
)

_PAIRS = {"(": ")", "[": "]", "“": "”", "„": "“", "«": "»", '"': '"'}
_OPENING = re.compile("[" + re.escape("".join(_PAIRS)) + "]")
_PAIR_REACH = 400  # characters; a quote or bracket that closes later than this protects nothing
# characters around a stop that tell what it means; looking farther would make long texts slow
_NEAR = 60
_CLOSERS = "\"'”’“»›)\\]}"
_STOP = re.compile(
    rf"(?P<mark>[.!?…؟।]+)(?P<close>[{_CLOSERS}]*)(?:\[\d{{1,3}}\])*(?=\s|$)|(?P<wide>[。！？]+)(?P<wideclose>[」』”’）]*)"
)
_OPENERS = "\"'“„‘«‹([{¿¡ "
_ACRONYM = re.compile(r"(?:\w\.)+\w", re.UNICODE)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_BLACK = re.compile(r"\S+")
_HOLE = re.compile(
    r"\s[,.]\s|,\s*,"
)  # a formula or picture stood here, so the sentence is not what its author wrote


def sentences(text: str, language: str = "en") -> list[str]:
    """The whole sentences of `text`, paragraph by paragraph (blank lines part them), runs of blanks
    collapsed.

    Each is an exact piece of its collapsed paragraph. What ends without a stop (a heading, a
    caption, a teaser's rest) is no sentence. `language` is a two-letter code; it decides whether
    `3.` before a word is an ordinal.
    """
    return [
        s for p in re.split(r"\n\s*\n", text) for s in _of_paragraph(" ".join(p.split()), language)
    ]


def placed(text: str, language: str = "en") -> Iterator[tuple[str, tuple[int, int]]]:
    """The same sentences, each with its place in `text`, whatever white space is between its
    words.
    """
    words = list(_BLACK.finditer(text))
    collapsed = " ".join(word[0] for word in words)
    starts = list(
        accumulate((len(word[0]) + 1 for word in words), initial=0)
    )  # of the words in `collapsed`

    def original(position: int) -> int:
        number = bisect_right(starts, position) - 1
        return words[number].start() + position - starts[number]

    end = 0
    for sentence in sentences(text, language):
        start = collapsed.find(sentence, end)
        if start >= 0:
            end = start + len(sentence)
            yield sentence, (original(start), original(end - 1) + 1)


def _of_paragraph(paragraph: str, language: str) -> list[str]:
    result: list[str] = []
    start = 0
    protected = _protected(paragraph)
    for stop in _STOP.finditer(paragraph):
        end = stop.end()
        while protected and protected[0][1] < end:
            protected.popleft()
        if protected and protected[0][0] < end - 1 < protected[0][1]:
            continue
        if stop["wide"] or _ends(paragraph, start, stop, language):
            sentence = paragraph[start:end].strip()
            if _WORD.search(sentence) and not _HOLE.search(sentence):
                result.append(sentence)
            start = end
    return result


def _protected(paragraph: str) -> deque[tuple[int, int]]:
    """Where quotes and brackets open and close. A stop within them ends nothing; the last one
    before the close may.
    """
    spans: deque[tuple[int, int]] = deque()
    position = 0
    while opening := _OPENING.search(paragraph, position):
        close = _closing(paragraph, opening.start())
        if close > 0:
            spans.append((opening.start(), close))
        position = max(opening.start(), close) + 1
    return spans


def _closing(paragraph: str, opened: int) -> int:
    """The index of what closes the quote or bracket at `opened`; -1 where it opens nothing or
    closes too far away.
    """
    char = paragraph[opened]
    if char == '"' and opened > 0 and paragraph[opened - 1] not in _OPENERS + "—–-":
        return -1
    return paragraph.find(_PAIRS[char], opened + 1, opened + _PAIR_REACH)


def _ends(paragraph: str, start: int, stop: re.Match[str], language: str) -> bool:
    """Whether a sentence ends at `stop`."""
    rest = paragraph[stop.end() : stop.end() + _NEAR].lstrip(_OPENERS)
    if not rest:
        return not _is_elision(stop)
    if rest[0].islower() or _is_elision(stop):
        return False
    if stop["mark"] != "." or stop["close"]:
        return True
    before = paragraph[max(start, stop.start() - _NEAR) : stop.start()].strip(_OPENERS)
    token = before.rpartition(" ")[2].lstrip(_OPENERS)
    return not _abbreviates(token, rest, language, first=token == before)


def _is_elision(stop: re.Match[str]) -> bool:
    """`[…]` and `(...)` stand for words left out; they end nothing."""
    return (stop["mark"] in ("…", "...")) and any(c in ")]" for c in stop["close"] or "")


def _abbreviates(token: str, rest: str, language: str, *, first: bool) -> bool:
    """Whether the stop after `token` belongs to it. `rest` follows; `first` says that the token
    begins the sentence.
    """
    word = token.lower()
    if word in _TITLES or word in _MIDDLES:
        return True
    if word in _NUMBERED and rest[0].isdigit():
        return True
    if first and _ACRONYM.fullmatch(token):
        return True
    if token.isdigit() and (first or (len(token) <= 2 and language in _ORDINAL_LANGUAGES)):
        return True
    unsure = word in _UNSURE or _ACRONYM.fullmatch(token) or (len(token) == 1 and token.isupper())
    if not unsure:
        return False
    following = _WORD.match(rest)
    return following is None or following.group().lower() not in _STARTERS
