"""Which language a text plainly is in, as CLD3 tells it: Google's small network over the n-grams of
letters, which is part of its wheel.

The figures, and what else was measured: docs/decisions/0029.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

_KNOWN = (
    "af am ar bg bn bs ca ceb co cs cy da de el en eo es et eu fa fi fil fr fy ga gd gl gu "
    "ha haw he hi hmn hr ht hu hy id ig is it ja jv ka kk km kn ko ku ky la lb lo lt lv mg mi mk "
    "ml mn mr ms mt my ne nl no ny pa pl ps pt ro ru sd si sk sl sm sn so sq sr st su sv sw ta te "
    "tg th tr uk ur uz vi xh yi yo zh zu"
)
KNOWN = frozenset(_KNOWN.split())
_CODES = {"iw": "he", "nb": "no", "nn": "no"}  # older or narrower codes of languages in KNOWN
# Written alike: what is declared is believed against a language of the same group.
_KIN = tuple(frozenset(group.split()) for group in ("da no", "id ms", "bs hr sr"))

# One piece may be code, a name or a quotation in another language; most of a text is not.
PIECE = 250  # characters
PIECES = 40  # of a long text, spread over it
ENOUGH = 30  # letters of a piece; CLD3 answers at random below about ten
PROBABILITY = 0.9  # of CLD3's answer for a piece
SHARE = 2 / 3  # of the letters, which must be in one language


def is_known(language: str) -> bool:
    """Whether texts in a language (a two-letter code, or three where it has no shorter one) are
    recognised.
    """
    return _code(language) in KNOWN


def plain(text: str) -> str | None:
    """The language that a text plainly is in; None where it is short or mixed."""
    letters = Counter[str | None]()
    for piece in _pieces(text):
        if (count := sum(map(str.isalpha, piece))) >= ENOUGH:
            letters[_of_piece(piece)] += count
    language, most = max(letters.items(), key=lambda item: item[1], default=(None, 0))
    return language if most >= SHARE * letters.total() else None


def contradicted(text: str, language: str) -> str | None:
    """The language that a text plainly is in, where that is another one than the declared one, and
    not one that is written alike.
    """
    detected, declared = plain(text), _code(language)
    if detected == declared or any({detected, declared} <= kin for kin in _KIN):
        return None
    return detected


def _pieces(text: str) -> Iterator[str]:
    starts = range(0, len(text), PIECE)
    for start in starts[:: -(-len(starts) // PIECES) or 1]:
        yield text[start : start + PIECE]


def _of_piece(piece: str) -> str | None:
    import gcld3

    # One for each call, in 40 µs: its authors do not say that threads may share one.
    identifier = gcld3.NNetLanguageIdentifier(min_num_bytes=0, max_num_bytes=4 * PIECE)
    result = identifier.FindLanguage(piece.encode("utf-8", "replace").decode())
    code = _code(result.language)
    is_sure = result.is_reliable and result.probability >= PROBABILITY
    return code if is_sure and code in KNOWN else None


def _code(language: str) -> str:
    return _CODES.get(language, language)
