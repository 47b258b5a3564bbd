"""Undo gzip and deflate, of an HTTP answer or of a file, and tell a whole body from one that was
cut off. Pure.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from contentstudio.web.guard import TooLarge
from overnight.errors import Transient

_MAGIC = b"\x1f\x8b"
_MAX_LAYERS = 4  # of gzip around gzip, where nothing declares it
_FIRST_STEP, _LAST_STEP = (
    512,
    65_536,
)  # bytes; a file of many small members must not be copied for each
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's numbers for the three containers
_CODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}  # x-gzip: RFC 9110, 8.4.1.3
_UNREAD = (
    "br",
    "zstd",
    "compress",
    "x-compress",
    "dcb",
    "dcz",
    "aes128gcm",
    "exi",
    "pack200-gzip",
)  # IANA's others


class CutOff(Transient):
    """The packed body ends before its end."""


class Unsound(ValueError):
    """The body is not packed as it is said to be. The message is a clause."""


def codings(header: str) -> tuple[list[str], list[str]]:
    """What a Content-Encoding header names: the codings that are undone, in the order of packing,
    and those that are not. Whatever else it holds (`none`, `utf-8`, a media type) is no coding.
    """
    names = [part.strip(" \t\"'").lower() for part in header.split(",")]
    return [_CODINGS[name] for name in names if name in _CODINGS], [
        name for name in names if name in _UNREAD
    ]


def declared(body: bytes, order: Sequence[str], most: int) -> bytes:
    """The body without the codings that its header declares, the last one undone first.

    Raises CutOff, Unsound, and TooLarge past `most` bytes; the messages are clauses.
    """
    undone = False
    for coding in reversed(order):
        if not body or (
            coding == "gzip" and not body.startswith(_MAGIC) and (undone or _is_markup(body))
        ):
            continue  # declared and not done, or declared twice
        body = _deflated(body, most) if coding == "deflate" else _gunzipped(body, most)
        undone = True
    return body


def unpacked(body: bytes, most: int) -> bytes:
    """The body without the gzip that its first bytes show, however often it was packed. Raises as
    `declared` does.
    """
    for _ in range(_MAX_LAYERS):
        if not body.startswith(_MAGIC):
            return body
        body = _gunzipped(body, most)
    raise Unsound(f"it is packed more than {_MAX_LAYERS} times")


def _is_markup(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _deflated(body: bytes, most: int) -> bytes:
    """In zlib's container by the standard, without it by habit."""
    try:
        return _inflated(body, 0, _ZLIB, most)[0]
    except Unsound:
        if _is_markup(body):
            return body
        return _inflated(body, 0, _RAW, most)[0]


def _gunzipped(body: bytes, most: int) -> bytes:
    """All members of a gzip file; what follows them and is none is padding."""
    whole, end = _inflated(body, 0, _GZIP, most)
    if not body.startswith(_MAGIC, end):
        return whole
    members = bytearray(whole)
    while body.startswith(_MAGIC, end):
        whole, end = _inflated(body, end, _GZIP, most, len(members))
        members += whole
    return bytes(members)


def _inflated(
    body: bytes, start: int, container: int, most: int, size: int = 0
) -> tuple[bytes, int]:
    """What the stream at `start` holds, and where it ends. Nothing is unpacked beyond `most` bytes,
    `size` included.
    """
    stream = zlib.decompressobj(wbits=container)
    whole, position, step = bytearray(), start, _FIRST_STEP
    try:
        while position < len(body) and not stream.eof:
            whole += stream.decompress(
                body[position : position + step], most - size - len(whole) + 1
            )
            if size + len(whole) > most:
                raise TooLarge(f"it unpacks to more than {most:,} bytes")
            position, step = position + step, min(2 * step, _LAST_STEP)
    except zlib.error as error:
        raise Unsound(str(error)) from None
    if not stream.eof:
        raise CutOff("it is cut off: what it is packed in has no end")
    return bytes(whole), min(position, len(body)) - len(stream.unused_data)
