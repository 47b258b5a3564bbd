"""Server-sent events out of bytes that come in any pieces, by the WHATWG HTML standard (9.2.6,
"Interpreting an event stream").

Two things differ on purpose: the last event counts without its blank line too, for servers forget
it and the answer is whole; and bytes that are no UTF-8 are an error instead of U+FFFD, which would
end up in an article. The client that comes with httpx2 keeps a byte order mark, believes the
charset of the header, drops that last event, and takes most of a call's time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from overnight.errors import OvernightError

LONGEST = 16 * 2**20  # bytes of one event; an answer comes in pieces of some hundred bytes

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\r|\n")


class BadStream(OvernightError):
    """The event stream cannot be read."""


@dataclass(frozen=True, slots=True)
class Event:
    """What was dispatched: its data, lines joined by a newline, and its type."""

    data: str
    type: str = "message"


class Parser:
    """Takes the bytes as they come and gives the events that they complete. Raises `BadStream`."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # the pieces of the line that has not ended
        self._size = 0  # bytes of the event that has not ended
        self._after_cr = False
        self._at_start = True
        self._data: list[str] = []
        self._type = ""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that end in this chunk. Those before what cannot be read come first."""
        if self._after_cr and chunk:  # the pair \r\n may be cut in two
            chunk, self._after_cr = chunk.removeprefix(b"\n"), False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
            first, *others = _LINE_END.split(chunk) if b"\r" in chunk else chunk.split(b"\n")
            self._hold(first)
            for piece in others:
                yield from self._end_line()
                self._hold(piece)

    def end(self) -> Iterator[Event]:
        """The event that the stream ended in, if it has data."""
        yield from self._end_line()
        yield from self._dispatch()

    def _hold(self, piece: bytes) -> None:
        self._line.append(piece)
        self._size += len(piece)
        if self._size > LONGEST:
            raise BadStream(f"has an event of more than {LONGEST:,} bytes")

    def _end_line(self) -> list[Event]:
        line = b"".join(self._line)
        self._line.clear()
        if self._at_start:
            line, self._at_start = line.removeprefix(_BOM), False
        if not line:
            return self._dispatch()
        try:
            self._take(line.decode())
        except UnicodeDecodeError:
            raise BadStream("is not UTF-8") from None
        return []

    def _take(self, line: str) -> None:
        """One line that is not empty. Comments, `id`, `retry` and unknown fields say nothing of an
        answer.
        """
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._type = value

    def _dispatch(self) -> list[Event]:
        event = Event("\n".join(self._data), self._type or "message")
        events = [event] if self._data else []
        self._data.clear()
        self._type, self._size = "", 0
        return events
