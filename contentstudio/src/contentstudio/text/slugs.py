"""Slugs: the part of an address that names an article, readable and at most so long. Pure.

A slug is made of a title, and is less than it: accents go, and what is too long is cut. So two
stories may come to the same slug; `free_slug` gives the second of them one of its own. What tells
stories apart is `identity`.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import quote

LENGTH = 80  # characters; a limit of taste, far below what any CMS cuts at
ENCODED = 190  # characters as an address has them; WordPress cuts at 200 and may add a number
SUFFIXES = (6, 12, 24)  # hexadecimal digits behind a slug that another story has
_LONGEST = 200  # of any slug, in an address too

# Written in letters that most readers of a Latin address can read in the usual transliteration. Of
# other scripts it loses too much: 公式 and 攻势 are both `gong-shi`, which no reader of Japanese
# recognises either.
_TRANSLITERATED = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN", "MODIFIER"})
_QUOTES = "‘’‚‛“”„‟«»‹›"
_DROPPED = re.compile(r"[™®©℠]")
_STACKED = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞⁰¹²³⁴-⁹])")
_SPOKEN = [  # signs that change what a title says, in words
    (re.compile(r"\+{1,3}(?!\+)"), lambda match: " plus" * len(match[0]) + " "),
    (re.compile(r"(?<=[A-Za-z])[#♯](?!\w)"), lambda match: " sharp "),
    (re.compile(r"(?:^|(?<=[\s(\[]))(?<!\d )[-−–](?=[\d$€£¥.])"), lambda match: " minus "),
    (re.compile(r"(?:^|(?<=[\s(]))\.(?=[A-Za-z])"), lambda match: " dot "),
    (re.compile(r"(?<=\d)\s?%"), lambda match: " percent "),
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), lambda match: ""),
]
_RAISED = re.compile(r"([⁰¹²³⁴-⁹₀-₉]+)")
_TELLING = frozenset(
    "#%&@*/\\‰^"
)  # punctuation that tells titles apart; `^` stands before what is raised
_DECIMAL = re.compile(r"(?<=\d)[.,](?=\d)")
_COMMA = re.compile(r"(?<=\d),(?=\d)")
_COMPOSED = [
    ("\u0e4d\u0e32", "\u0e33"),
    ("\u0ecd\u0eb2", "\u0eb3"),
]  # NFKC takes apart what Thai and Lao type as one
_SILENT = frozenset("|~`´¨")  # symbols that only part or adorn


def slug_of(title: str) -> str:
    """The title as a slug; for a title without any letter or digit, a part of its hash."""
    from slugify import slugify

    text = unicodedata.normalize("NFKC", _COMMA.sub("-", _spoken(title)))
    plain = unicodedata.normalize("NFC", "".join(map(_letter, text)))
    slug = slugify(
        plain,
        allow_unicode=True,
        regex_pattern=r"[^-a-z0-9\u0080-\U0010ffff]+",
        max_length=LENGTH,
        word_boundary=True,
    )
    for apart, whole in _COMPOSED:
        slug = slug.replace(apart, whole)
    return _cut(slug, LENGTH, ENCODED) or f"topic-{_hash(title, 8)}"


def identity(title: str) -> str:
    """What tells a story's title from others: its words and telling signs, not its capitals and
    punctuation.
    """
    text = unicodedata.normalize("NFKC", _RAISED.sub(r" ^ \1", _spoken(title))).casefold()
    text = _DECIMAL.sub("\0", text)
    words = "".join(map(_told, text)).replace("\0", ".").split()
    return " ".join(words) or title.strip()


def candidates(title: str) -> list[str]:
    """The slugs that a title may have, the best first."""
    slug = slug_of(title)
    return [slug, *(_with_suffix(slug, _hash(identity(title), digits)) for digits in SUFFIXES)]


def free_slug(title: str, taken: Mapping[str, str]) -> str:
    """The slug of a story where `taken` maps slugs to the titles of those that have them.

    One that has a slug keeps it. To a second story the hash of its title is added: the same one on
    every day.
    """
    mine = identity(title)
    own = [slug for slug, other in taken.items() if identity(other) == mine]
    options = candidates(title)
    own_slug = next((slug for slug in options if slug in own), min(own, default=None))
    return own_slug or next((slug for slug in options if slug not in taken), options[-1])


def is_slug(text: str) -> bool:
    """Whether a text may be a slug: small letters of any script, digits and `-`, so that it is one
    part of a path.
    """
    if (
        not text
        or text.startswith("-")
        or max(len(text), len(quote(text, errors="replace"))) > _LONGEST
    ):
        return False
    return all(
        re.match(r"[a-z0-9-]", char) if char.isascii() else _is_native(char) for char in text
    )


def in_url(slug: str) -> str:
    """The slug as it stands in an address: percent-encoded UTF-8 (RFC 3986)."""
    return quote(slug, safe="")


def in_ascii(slug: str) -> str:
    """The slug for a place that takes ASCII alone: what it has of that, and a hash that tells it
    from others.
    """
    if slug.isascii():
        return slug
    ascii_part = re.sub(r"[^a-z0-9]+", "-", slug).strip("-")
    return f"{_cut(ascii_part, LENGTH, ENCODED) or 'post'}-{_hash(slug, 8)}"


def _spoken(title: str) -> str:
    """The title with the signs that carry meaning in words."""
    text = _STACKED.sub(" ", _DROPPED.sub("", html.unescape(title)))
    text = unicodedata.normalize("NFKC", text) if "＋" in text or "＃" in text else text
    for sign, words in _SPOKEN:
        text = sign.sub(words, text)
    return text


def _letter(char: str) -> str:
    """A character as a slug has it; a blank for what parts words."""
    from slugify import slugify

    if char.isascii():
        return char
    if (digit := unicodedata.decimal(char, None)) is not None:
        return str(digit)
    if _is_native(char):
        return char
    if char in _QUOTES or unicodedata.category(char) in ("Cf", "Mn"):
        return ""
    return str(slugify(char)) if unicodedata.category(char)[0] in "LN" else " "


def _is_native(char: str) -> bool:
    """Whether a character is a letter, or a part of one, of a script that stays as it is."""
    script = unicodedata.name(char, "").split(" ")[0]
    return unicodedata.category(char)[0] in "LMN" and script not in _TRANSLITERATED | {
        "COMBINING",
        "VARIATION",
        "",
    }


def _told(char: str) -> str:
    kind = unicodedata.category(char)
    if (
        kind[0] in "LN"
        or (kind[0] == "M" and not unicodedata.name(char, "").startswith("VARIATION"))
        or char == "\0"
    ):
        return char
    if char in _TELLING or (kind[0] == "S" and char not in _SILENT):
        return f" {char} "
    return "" if kind == "Cf" else " "


def _with_suffix(slug: str, suffix: str) -> str:
    room = len(suffix) + 1
    return f"{_cut(slug, LENGTH - room, ENCODED - room)}-{suffix}"


def _cut(slug: str, length: int, encoded: int) -> str:
    """The slug within both limits, cut between words where there are some."""
    while len(slug) > length or len(quote(slug)) > encoded:
        head = (
            slug[:length].rpartition("-")[0]
            if len(slug) > length and slug[length] != "-"
            else slug[:length]
        )
        head = head if len(head) < len(slug) else slug.rpartition("-")[0]
        slug = (head or slug[: min(length, len(slug) - 1)]).rstrip("-")
    return slug


def _hash(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]
