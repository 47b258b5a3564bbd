"""Bytes to text, and the name of a document's first element: what feeds and pages both need to know."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What these labels mean on the web, where the narrower sets were never meant.
_WIDER = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"}
_DECLARED = re.compile(
    rb"""<\?xml[^>]*?\bencoding\s*=\s*["']([\w.:-]+)|<meta[^>]*?\bcharset\s*=\s*["']?\s*([\w.:-]+)""", re.I
)
_DECLARATION_BYTES = 4_096
_ASCII_PROBE = b"<a.b-c+d/\\u0041&x=1>"  # utf-7, unicode_escape and punycode read this as something else
_LEAD_BYTES = bytes(range(0xC2, 0xF5))
_PROLOG = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE(?:[^\[>]|\[.*?\]\s*(?=>))*>", re.I | re.S)
_FIRST_TAG = re.compile(r"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")


def decode(body: bytes, charset: str | None = None) -> str:
    """The text of `body`: by byte order mark, `charset` (the header's), the document's own word, UTF-8, Windows-1252.

    A charset that is not true of the bytes is passed over, so a wrong header costs nothing. Never raises.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    declared = _DECLARED.search(body[:_DECLARATION_BYTES])
    inner = (declared.group(1) or declared.group(2)).decode("ascii") if declared else None
    for label in (charset, inner):
        codec = _usable_codec(label)
        if codec is None:
            continue
        try:
            return body.decode(codec)
        except UnicodeDecodeError:
            continue
    return _undeclared(body)


def root_element(text: str) -> str | None:
    """The local name, lower-cased, of the first element after declarations and comments; None where there is none."""
    position = 1 if text.startswith("\ufeff") else 0
    while found := _PROLOG.match(text, position):
        position = found.end()
    first = _FIRST_TAG.match(text, position)
    return first.group(2).lower() if first else None


def _usable_codec(label: str | None) -> str | None:
    """The codec to read `label` with, or None where it is unknown or does not leave ASCII alone."""
    if not label:
        return None
    try:
        name = codecs.lookup(label.strip()).name
        if _ASCII_PROBE.decode(name) != _ASCII_PROBE.decode("ascii"):
            return None
    except (LookupError, ValueError):
        return None
    return _WIDER.get(name, name)


def _undeclared(body: bytes) -> str:
    """UTF-8 where most non-ASCII bytes are valid UTF-8 (one bad byte must not garble a page), else Windows-1252."""
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    if not bad:
        return text
    leads = len(body) - len(body.translate(None, _LEAD_BYTES))
    if leads > 2 * bad:
        return text
    try:
        return body.decode("cp1252")
    except UnicodeDecodeError:
        return body.decode("latin-1")
