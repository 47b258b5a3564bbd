"""Headers of HTTP that several adapters read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

# Digits of ASCII alone. The standard knows no sign and no fraction; a server that counts down sends
# both.
SECONDS = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")


class Headers(Protocol):
    """The headers of an answer, whichever library read it."""

    def items(self) -> Iterable[tuple[str, str]]: ...


def retry_after(headers: Headers, now: datetime, *, at_most: float) -> float | None:
    """Seconds to wait by the `Retry-After` of an answer (RFC 9110, 10.2.3), from 0 to `at_most`;
    None if unclear.

    It is a number of seconds or a date. A date counts from the answer's own `Date`, if it has one,
    so that a server whose clock is wrong is understood too, else from `now` (aware).
    """
    text = _header(headers, "retry-after")
    if SECONDS.fullmatch(text):
        return _between(float(text), at_most)
    moment = _date(text)
    if moment is None:
        return None
    return _between((moment - (_date(_header(headers, "date")) or now)).total_seconds(), at_most)


def _header(headers: Headers, name: str) -> str:
    """The first header of a name, whose letters may be capitals, without the space around it; empty
    without one.
    """
    return next((value.strip() for key, value in headers.items() if key.lower() == name), "")


def _date(text: str) -> datetime | None:
    """A moment in any of the three forms that the standard takes; one that names no zone is meant
    as UTC.
    """
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _between(seconds: float, at_most: float) -> float:
    return min(max(seconds, 0.0), at_most)
