"""How long a text is where lists show it, and where it can be cut without hurting its sense."""

from __future__ import annotations

import re
from collections.abc import Iterable
from unicodedata import east_asian_width

_SENTENCE_END = re.compile(r"[.!?…][”’\"')]*(?=\s+[“‘\"'(]?[^\W\d_a-zß-öø-ÿ])|[。！？]")


def tidy(text: str) -> str:
    """Runs of white space as one blank, none at the ends."""
    return " ".join(text.split())


def width(text: str) -> int:
    """Characters, wide ones (Chinese, Japanese, Korean) counted twice: so lists give them room."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def longest(texts: Iterable[str], least: int, most: int) -> str | None:
    """The longest text whose width is within the bounds."""
    return max((text for text in texts if least <= width(text) <= most), key=width, default=None)


def whole_sentences(text: str) -> list[str]:
    """What a text says up to the end of each of its sentences but the last. “e.g. this”
    ends none.
    """
    return [text[: end.end()] for end in _SENTENCE_END.finditer(text) if end.end() < len(text)]


def clipped(text: str, most: int) -> str:
    """The text up to the last blank that leaves room for an ellipsis; as it is where it has no
    blank there.
    """
    heads = (text[: blank.start()].rstrip(" ,;:-–—(") + "…" for blank in re.finditer(" ", text))
    return longest(heads, 2, most) or text
