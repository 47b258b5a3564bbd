"""Bytes to text, and text to well-formed XML: what pages, feeds, sitemaps and robots.txt all need
to know.

Labels and encodings are those of the WHATWG Encoding standard, which browsers follow.
`webencodings` has its table (all labels, where w3lib has Python's aliases and a few of the web's);
what Python's codecs lack beside it is added here.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from functools import cache
from html.entities import html5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webencodings import Encoding

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16le"),
    (codecs.BOM_UTF16_BE, "utf-16be"),
)
_DECLARED = re.compile(
    rb"""<\?xml[^>]*?\bencoding\s*=\s*["']\s*([\w.:-]+)|<meta[^>]*?\bcharset\s*=\s*["']?\s*([\w.:-]+)""",
    re.I,
)
_DECLARATION_BYTES = 4_096
_ASCII_PROBE = (
    b"<a.b-c+d/\\u0041&x=1>"  # utf-7, unicode_escape and punycode read this as something else
)
_TAG = re.compile(rb"<[/!?a-z]", re.I)
_ERRORS = "contentstudio.whatwg"  # the name of the error handler below

# Share of characters: a reading with more wrong ones is of another encoding, a text with more is no
# text to keep.
_CONTRADICTED = (
    1 / 3
)  # of what is not ASCII: UTF-8 read as anything else, or the reverse, is above it
_MAX_WRONG = 1 / 100  # of all characters of a text, and two in a short one
_WRONG = re.compile("[\ufffd\0-\x08\x0b\x0e-\x1f\x80-\x84\x86-\x9f]")

_HIGH_RUN = re.compile(rb"[\x80-\x9f\xa1-\xff]+")
_LONG_RUN = 4  # bytes: two characters of Chinese, a short word of Russian, never a word of French
_PIECE = re.compile(rb"[^<>\n]+")
_SEARCHED_BYTES, _GUESSED_BYTES = 1_000_000, 20_000
_VOTES = 7  # pieces that are guessed each for itself, so that one bad byte spoils one vote
# encodings whose text is mostly not ASCII; of Latin scripts too few bytes tell one from the other
_SCRIPTS = (
    *("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "cp1251", "koi8_r", "iso8859_5", "cp866"),
    *("cp1253", "iso8859_7", "cp1255", "cp1256", "cp874"),
)

_PROLOG = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE(?:[^\[>]|\[.*?\]\s*(?=>))*>", re.I | re.S)
_FIRST_TAG = re.compile(r"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
# What XML allows before a declaration (nothing), what real files have there, and declarations whose
# encoding is done.
_BEFORE_XML = re.compile(r"(?:[\s\ufeff\u200b\0]|\xef\xbb\xbf|<!--.*?-->|<\?xml\b[^>]*>)+", re.S)
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCES = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?:(#x[0-9a-f]{1,8}|#[0-9]{1,8}|\w{1,40});)?", re.I | re.S
)
_XML_ENTITIES = ("amp", "lt", "gt", "quot", "apos")


def decode(body: bytes, charset: str | None = None) -> str:
    """The text of `body`, wrong characters replaced by U+FFFD: see `garbled`. Never raises.

    The evidence in its order: the byte order mark, `charset` (the header's), the document's own
    declaration, what the bytes look like. Evidence that the bytes contradict is passed over, so a
    wrong header costs nothing: above all, what is valid UTF-8 beyond ASCII is UTF-8.
    """
    mark, body = _without_mark(body)
    if _is_utf8(body):
        return body.decode()
    western = None
    for label in (mark, charset, declared(body)):
        encoding = _encoding(label)
        if encoding is None or not _may_be(body, encoding.name):
            continue
        if encoding.name == "replacement":
            return "\ufffd"
        text = _read(body, encoding)
        if encoding.name == "windows-1252" and _in_runs(body):  # what servers say of every file
            western = western or text
        elif not _contradicted(text):
            return text
    return _undeclared(body, western)


def garbled(text: str) -> bool:
    """Whether more characters are wrong than a text may have that is kept or shown: mojibake is no
    text.
    """
    return len(_WRONG.findall(text)) > max(2, len(text) * _MAX_WRONG)


def known_charset(label: str) -> bool:
    """Whether a label names an encoding; `none`, `utf8mb4` and the like say nothing."""
    return _encoding(label) is not None


def root_element(text: str) -> str | None:
    """The local name, lower-cased, of the first element after declarations and comments; None where
    there is none.
    """
    position = _xml_start(text)
    while match := _PROLOG.match(text, position):
        position = match.end()
    first = _FIRST_TAG.match(text, position)
    return first.group(2).lower() if first else None


def xml(text: str) -> str:
    """The document without its declaration, whose encoding is no longer true, and without what
    stands before it.
    """
    return text[_xml_start(text) :]


def mended_xml(text: str) -> str:
    """The document without the small faults that every browser bears: control characters, a bare
    ampersand, an entity of HTML. Entities that the document declares stay declared.
    """
    return _REFERENCES.sub(_reference, _NO_XML.sub("", text))


def _reference(match: re.Match[str]) -> str:
    name = match.group(1)
    if match.group().startswith("<") or name in _XML_ENTITIES:
        return match.group()
    if name and name.startswith("#"):
        code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
        allowed = code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF and not _NO_XML.match(chr(code))
        return f"&#{code};" if allowed else ""
    meaning = html5.get(f"{name};") if name else None
    return meaning or "&amp;" + match.group()[1:]


def _xml_start(text: str) -> int:
    match = _BEFORE_XML.match(text)
    return match.end() if match else 0


def _without_mark(body: bytes) -> tuple[str | None, bytes]:
    for mark, label in _MARKS:
        if body.startswith(mark):
            return label, body[len(mark) :]
    return None, body


def declared(body: bytes) -> str | None:
    """The charset that a document states at its beginning, as it stands there."""
    match = _DECLARED.search(body[:_DECLARATION_BYTES])
    return (match.group(1) or match.group(2)).decode("ascii", "replace") if match else None


@cache
def _by_label(label: str) -> Encoding | None:
    import webencodings

    codec = webencodings.lookup(label)
    if codec is not None or label.startswith("utf-32"):
        return codec or webencodings.Encoding(label, codecs.lookup(label))
    try:
        info = codecs.lookup(label)  # such as cp936 and cp850, which are no labels of the web
        if _ASCII_PROBE.decode(info.name, _ERRORS) != _ASCII_PROBE.decode("ascii"):
            return None
    except (LookupError, ValueError):
        return None
    return webencodings.lookup(info.name) or webencodings.Encoding(info.name, info)


def _encoding(label: str | None) -> Encoding | None:
    label = (label or "").strip(" \t\r\n\f\"'").lower()
    return (
        _by_label(label)
        if 0 < len(label) <= 40 and label.isascii() and label.isprintable()
        else None
    )


def _read(body: bytes, encoding: Encoding) -> str:
    info = codecs.lookup("gb18030") if encoding.name == "gbk" else encoding.codec_info
    return str(info.decode(body, _ERRORS)[0])


def _whatwg_errors(error: UnicodeError) -> tuple[str | bytes, int]:
    """What the standard's decoders read and Python's do not; U+FFFD for the rest."""
    assert isinstance(error, UnicodeDecodeError)
    first = error.object[error.start]
    if error.encoding == "charmap" and first < 0xA0:
        return chr(first), error.start + 1
    if error.encoding == "gb18030" and first == 0x80:
        return "€", error.start + 1
    pair = error.object[error.start : error.start + 2]
    if error.encoding == "euc_jp" and len(pair) == 2 and min(pair) > 0xA0:
        return _in_jis(pair), error.start + (2 if _in_jis(pair) != "\ufffd" else 1)
    return "\ufffd", error.end


codecs.register_error(_ERRORS, _whatwg_errors)


def _in_jis(pair: bytes) -> str:
    """The character at a place in JIS X 0208 with NEC's and IBM's additions, which Python has under
    Shift_JIS alone.
    """
    row, cell = pair[0] - 0xA1, pair[1] - 0xA1
    lead = row // 2 + (0x81 if row < 62 else 0xC1)
    trail = cell + 0x9F if row % 2 else cell + 0x40 + (cell >= 63)
    text = bytes((lead, trail)).decode("cp932", "replace")
    return text if len(text) == 1 else "\ufffd"


def _is_utf8(body: bytes) -> bool:
    """Whether the bytes are UTF-8 and no other encoding: valid, and more than ASCII."""
    if body.isascii() or body.count(0) * 4 > len(body):
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _may_be(body: bytes, name: str) -> bool:
    """Whether the bytes allow an encoding that errors do not tell apart from others."""
    if name.startswith(
        "utf-16"
    ):  # Latin text has a zero in each character; without any, only text of no tags is it
        return b"\0" in body or not (len(body) % 2 or body.isascii() or _TAG.search(body))
    if name == "replacement":  # what the standard refuses to read; without its escapes it is ASCII
        return b"\x1b" in body or b"~{" in body
    return True


def _contradicted(text: str) -> bool:
    wrong = _WRONG.findall(text)
    foreign = len(text) - len(text.encode("ascii", "ignore")) + sum(map(str.isascii, wrong))
    return len(wrong) > _CONTRADICTED * foreign


def _undeclared(body: bytes, western: str | None) -> str:
    """By the look of the bytes: UTF-16 by its zeros, UTF-8 where most of it is valid, then the
    script's encoding.
    """
    if body.count(0) * 4 > len(body):
        return body.decode(
            "utf-16-be" if body[::2].count(0) > body[1::2].count(0) else "utf-16-le", "replace"
        )
    text = body.decode("utf-8", "replace")
    if not _contradicted(text):
        return text if b"\x1b$" not in body else body.decode("iso2022_jp", "replace")
    if not _in_runs(body):
        return body.decode("cp1252", _ERRORS)
    guess = _guessed(body)
    return body.decode(guess, _ERRORS) if guess else western or text


def _in_runs(body: bytes) -> bool:
    """Whether bytes beyond ASCII mostly stand side by side, as in no Latin script; its wide blanks
    part them.
    """
    runs = [len(run) for run in _HIGH_RUN.findall(body[:_SEARCHED_BYTES])]
    long = sum(length for length in runs if length >= _LONG_RUN)
    return long >= 2 * _LONG_RUN and long * 2 > sum(runs)


def _guessed(body: bytes) -> str | None:
    """The encoding that the text seems to have; where some of it cannot be read so, the one that
    most pieces have.
    """
    pieces = [piece for piece in _PIECE.findall(body[:_SEARCHED_BYTES]) if not piece.isascii()]
    guess = _guess(pieces)
    if guess is None or "\ufffd" in b"\n".join(pieces).decode(guess, _ERRORS):
        votes = Counter(
            filter(
                None, (_guess(pieces[first::_VOTES]) for first in range(min(_VOTES, len(pieces))))
            )
        )
        guess = votes.most_common(1)[0][0] if votes else guess
    return guess


def _guess(pieces: list[bytes]) -> str | None:
    from charset_normalizer import from_bytes

    sample = b"\n".join(pieces)[:_GUESSED_BYTES]
    best = from_bytes(sample, cp_isolation=list(_SCRIPTS), enable_fallback=False).best()
    return best.encoding if best else None
