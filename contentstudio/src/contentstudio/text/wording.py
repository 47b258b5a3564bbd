"""How texts are compared: what is the same, what stands in what, and how a reason shows it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

from contentstudio.text.words import CJK, UNSPACED

_SAME = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»〝〞＂", '"'),
        **dict.fromkeys("‘’‚‛‹›ʼ`´", "'"),
        **dict.fromkeys("‐‑‒–—―−﹘", "-"),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff"),
        # Invisible too, or drawn over a letter: joiners, fillers, selectors of variants, strokes.
        **dict.fromkeys("\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u3164\uffa0"),
        **dict.fromkeys(
            [
                *range(0x2061, 0x2065),
                *range(0x206A, 0x2070),
                *range(0xFE00, 0xFE10),
                *range(0x334, 0x339),
            ]
        ),
        **dict.fromkeys(range(0xE0100, 0xE01F0)),
    }
)
_TOKEN = re.compile(rf"[{CJK}]|[^\W_{CJK}]+(?:['-][^\W_{CJK}]+)*")
_CHARACTER = re.compile(r"(?s:.)[\u0300-\u036f]*")  # with the marks that are drawn over it
_SHOWN = 90  # characters of a sentence that a reason shows


def normal(text: str) -> str:
    """`text` as it is compared: NFKC, plain quotes and dashes, nothing invisible, runs of white
    space as one blank.
    """
    if text.isascii():
        return " ".join(text.replace("`", "'").split())
    # Before NFKC too, which would take a lone acute accent apart into a blank and a mark.
    return " ".join(_same(text).split())


def listed(words: str) -> tuple[str, ...]:
    """The words of a list that is written as one text."""
    return tuple(words.split())


def tokens(text: str) -> list[str]:
    """The words of a text, folded and without their punctuation; in scripts without blanks, the
    characters.
    """
    return _TOKEN.findall(normal(text).casefold())


def grams(words: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    """Every run of `length` words."""
    return zip(*(islice(words, start, None) for start in range(length)), strict=False)


def stands_in(piece: str, text: str) -> bool:
    """Whether `piece` stands in `text` word for word and begins and ends between words. Both must
    be `normal`.
    """
    if not any(map(str.isalnum, piece)):
        return False
    start = text.find(piece)
    while start >= 0:
        if not (_joined(text, start) or _joined(text, start + len(piece))):
            return True
        start = text.find(piece, start + 1)
    return False


def located(piece: str, text: str) -> tuple[int, int] | None:
    """Where `piece` stands in `text`, as characters of `text`; white space and typography may
    differ. None where it does not stand there word for word.
    """
    wanted = normal(piece)
    flat, places = _flat(text)
    start = flat.find(wanted) if any(map(str.isalnum, wanted)) else -1
    while start >= 0:
        end = start + len(wanted)
        here, there = places[start][0], places[end - 1][1]
        if not (_joined(flat, start) or _joined(flat, end)) and normal(text[here:there]) == wanted:
            return here, there
        start = flat.find(wanted, start + 1)
    return None


@lru_cache(maxsize=16)
def _flat(text: str) -> tuple[str, list[tuple[int, int]]]:
    """A text as `normal` gives it, and for each of its characters where it comes from."""
    characters: list[str] = []
    places: list[tuple[int, int]] = []
    for match in _CHARACTER.finditer(text):
        for character in _same(match[0]):
            if not character.isspace():
                characters.append(character)
                places.append(match.span())
            elif characters and characters[-1] != " ":
                characters.append(" ")
                places.append(match.span())
    return "".join(characters), places


def _same(text: str) -> str:
    return unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME)


def _joined(text: str, position: int) -> bool:
    """Whether `position` is within a word."""
    if not 0 < position < len(text) or UNSPACED.match(text, position):
        return False
    return text[position - 1].isalnum() and text[position].isalnum()


def shown(text: str) -> str:
    """`text` in quotation marks, cut at a word where it is long."""
    if len(text) > _SHOWN:
        text = text[:_SHOWN].rpartition(" ")[0] or text[:_SHOWN]
        text += " …"
    return f"“{text}”"
